"""Memory is estimated before it is taken."""

import re

import psutil

from theodolite.numerics.errors import BadInput, TooLarge

SHARE_OF_FREE = 0.6
_UNITS = {"": 1, "b": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12, "ki": 2**10, "mi": 2**20, "gi": 2**30}


def free_bytes() -> int:
    """Bytes that can be taken now without swapping."""
    return int(psutil.virtual_memory().available)


def limit_bytes(limit: int | str | None = None) -> int:
    """The limit in bytes: what was given, or 60 % of the free memory.

    >>> limit_bytes("1.5GB")
    1500000000
    """
    if limit is None:
        return int(SHARE_OF_FREE * free_bytes())
    return parse_bytes(limit)


def parse_bytes(text: int | str) -> int:
    """Read a size such as 500000, "800MB" or "2GiB".

    >>> parse_bytes("2GiB")
    2147483648
    """
    match = re.fullmatch(r"\s*([0-9]+(?:\.[0-9]+)?)\s*([kmgt]?i?)b?\s*", str(text).lower())
    if not match or match[2] not in _UNITS:
        raise BadInput(f"cannot read {text!r} as an amount of memory; write it as 500MB, 4GB or 2GiB")
    size = int(float(match[1]) * _UNITS[match[2]])
    if size <= 0:
        raise BadInput(f"the memory limit must be positive, got {text!r}")
    return size


def readable(size: float) -> str:
    """A size for people.

    >>> readable(1_500_000_000)
    '1.5 GB'
    """
    for unit in ("B", "kB", "MB"):
        if size < 999.5:  # from there on three digits round to 1000
            return f"{size:.3g} {unit}"
        size /= 1000
    return f"{size:.3g} GB" if size < 999.5 else f"{size:.0f} GB"


def require(needed: int, limit: int | str | None, what: str, instead: str) -> None:
    """Raise `TooLarge` when `what` would take more than the limit; otherwise do nothing."""
    allowed = limit_bytes(limit)
    if needed > allowed:
        raise TooLarge(
            f"{what} needs {readable(needed)} ({needed} bytes), more than the limit of {readable(allowed)}; {instead}",
            needed,
            allowed,
        )
