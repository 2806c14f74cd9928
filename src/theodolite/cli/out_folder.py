"""A folder that belongs to one command: never somebody else's, never two runs at once, never left behind empty."""

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from theodolite.numerics import BadInput

MARKER = "theodolite.json"


@contextmanager
def claimed(folder: str | Path, owner: str, is_ours: Callable[[Path], bool] = lambda entry: False) -> Iterator[Path]:
    """Hold `folder` for this run, made if need be and marked as the work of `owner` ("survey", "reproduce").

    An unmarked folder is taken when `is_ours` says so of everything in it. When the body fails before anything is
    kept in it, the folder is left as it was found.
    Raises: BadInput for a file, for a folder with things that we did not put there, and while another run holds it;
        OSError when it cannot be written.
    """
    folder = Path(folder)
    _refuse_others(folder, owner, is_ours)
    made = _made(folder)
    fresh = not (folder / MARKER).exists()
    try:
        with open(folder / MARKER, "a+b") as marker:
            _hold(marker, folder)
            _mark(marker, owner)
            yield folder
    except BaseException as error:
        if isinstance(error, OSError) and error.filename is None:
            error.filename = str(folder)  # a full disk, say: name at least the folder
        if fresh:
            _leave(folder, made)
        raise


def _refuse_others(folder: Path, owner: str, is_ours: Callable[[Path], bool]) -> None:
    if folder.exists() and not folder.is_dir():
        raise BadInput(f"--out {folder} is a file; name a folder that does not exist yet or is empty")
    marker = folder / MARKER
    if not folder.is_dir() or (not marker.exists() and all(is_ours(entry) for entry in folder.iterdir())):
        return
    if not marker.is_file():
        raise BadInput(
            f"--out {folder} holds files that are not of theodolite {owner}; nothing was touched: name a folder that "
            "does not exist yet or is empty"
        )
    written_by = _owner(marker.read_bytes())
    if written_by not in (owner, ""):
        raise BadInput(
            f"--out {folder} holds the results of theodolite {written_by}; nothing was touched: name another folder"
        )


def _owner(content: bytes) -> str:
    """Who marked the folder; empty when the mark was cut short."""
    try:
        return str(json.loads(content)["folder of"])
    except (ValueError, KeyError, TypeError):
        return ""


def _made(folder: Path) -> list[Path]:
    """The folders that had to be made, innermost first."""
    missing = []
    place = folder
    while not place.exists():
        missing.append(place)
        place = place.parent
    folder.mkdir(parents=True, exist_ok=True)
    return missing


def _hold(marker: IO[bytes], folder: Path) -> None:
    """Lock until the file is closed, also by the death of this process."""
    try:
        import fcntl
    except ImportError:  # a system without POSIX locks
        return
    try:
        fcntl.flock(marker, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise BadInput(
            f"another run is writing to --out {folder} at this moment; wait for it, or name another folder"
        ) from None
    except OSError:  # a file system without locks
        return


def _mark(marker: IO[bytes], owner: str) -> None:
    marker.seek(0)
    if _owner(marker.read()) != owner:
        marker.truncate(0)
        marker.write((json.dumps({"folder of": owner, "format": 1}) + "\n").encode())
        marker.flush()
        os.fsync(marker.fileno())


def _leave(folder: Path, made: list[Path]) -> None:
    """Take the mark away when nothing but empty folders stands beside it, and the folders that we made."""
    if any(path.is_file() and path.name != MARKER for path in folder.rglob("*")):
        return
    for place in sorted((p for p in folder.rglob("*") if p.is_dir()), key=lambda p: len(p.parts), reverse=True):
        with suppress(OSError):
            place.rmdir()
    (folder / MARKER).unlink(missing_ok=True)
    for place in made:
        with suppress(OSError):
            place.rmdir()
