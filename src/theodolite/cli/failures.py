"""What went wrong, as an exit code and one paragraph: 2 when the user can mend it, 1 when we must."""

import errno
import os

import typer

from theodolite.numerics import BadInput, NotDeterministic, NotFinite, NotPositiveDefinite, ShapeMismatch, TooLarge
from theodolite.numerics.errors import NoInfiniteWidthLimit

TRACEBACK_VARIABLE = "THEODOLITE_TRACEBACK"
USER, OURS = 2, 1
_NAMED = (BadInput, NoInfiniteWidthLimit, NotDeterministic, NotFinite, NotPositiveDefinite, ShapeMismatch, TooLarge)
_USAGE = next(kind for kind in typer.BadParameter.__mro__ if kind.__name__ == "ClickException")
_REMEDIES = {
    errno.EACCES: "choose a place that this user may read and write, or change its permissions",
    errno.EPERM: "choose a place that this user may read and write, or change its permissions",
    errno.EROFS: "write somewhere else with --out",
    errno.ENOSPC: "free some space, or write to another disk with --out; nothing was left half-written",
    errno.EDQUOT: "free some space, or write to another disk with --out; nothing was left half-written",
    errno.EFBIG: "write to another disk with --out; nothing was left half-written",
    errno.ENAMETOOLONG: "give a shorter path",
    errno.ENOENT: "check the path",
    errno.ENOTDIR: "a part of this path is a file, not a folder: choose another path",
    errno.EISDIR: "this is a folder where a file is needed: add a file name",
}


def explained(error: BaseException) -> tuple[int, str]:
    """Exit code and message.

    >>> explained(BadInput("table.csv is empty; write it again"))
    (2, 'table.csv is empty; write it again')
    """
    if isinstance(error, _NAMED):
        return USER, str(error)
    if isinstance(error, _USAGE):
        return USER, _usage(error)
    if isinstance(error, OSError):
        return USER, _system(error)
    if isinstance(error, MemoryError):
        return USER, "the memory of this machine is exhausted; use fewer rows with --max-rows, or set --memory-limit"
    kind = type(error).__name__
    return OURS, (
        f"unexpected {kind}: {error}; this is a fault of theodolite, not of your data: set {TRACEBACK_VARIABLE}=1 and "
        "run it again for the traceback, which belongs in a report of the fault"
    )


def wants_traceback() -> bool:
    """Whether the environment asks for tracebacks."""
    return os.environ.get(TRACEBACK_VARIABLE, "") not in ("", "0")


def _usage(error: BaseException) -> str:
    words = " ".join(str(error.format_message()).split()).rstrip(".")  # type: ignore[attr-defined]
    context = getattr(error, "ctx", None)
    command = context.command_path if context is not None else "theodolite"
    return f"{words}; see {command} --help"


def _system(error: OSError) -> str:
    what = error.strerror or str(error) or type(error).__name__
    where = f"{error.filename}: " if error.filename else ""
    remedy = _REMEDIES.get(error.errno or 0, "check the path and the disk, then run it again")
    return f"{where}{what}; {remedy}"
