"""Column names are text, nothing more, and each stands for one column."""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from theodolite.numerics.errors import BadInput


def unique_names(names: Iterable[object], path: str | Path) -> list[str]:
    """The names as text, or `BadInput` listing those that occur twice."""
    texts = [str(name) for name in names]
    twice = [name for name, count in Counter(texts).items() if count > 1]
    if twice:
        listed = ", ".join(f"{name!r} ({texts.count(name)} times)" for name in twice[:5])
        raise BadInput(f"{path} has columns of the same name: {listed}; rename them so that each name occurs once")
    return texts


def shortened(names: Iterable[object], most: int = 12) -> str:
    """A list of names for a message, cut after `most`.

    >>> shortened(["a", "b", "c"], most=2)
    "'a', 'b' and 1 more"
    """
    texts = [repr(_clip(str(name))) for name in names]
    more = f" and {len(texts) - most} more" if len(texts) > most else ""
    return ", ".join(texts[:most]) + more


def _clip(text: str, most: int = 60) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"
