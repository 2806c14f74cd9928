"""What `load` knows by name, found without loading anything."""

import os
from dataclasses import dataclass
from pathlib import Path

from theodolite.numerics.errors import BadInput

FOLDERS = ("", "tabular", "images")


@dataclass(frozen=True)
class NamedDataset:
    """One line of the list: rows and columns as stored, task, and where it comes from."""

    name: str
    rows: int
    columns: int
    task: str
    where: str


def names(*, data_folder: str | Path | None = None) -> list[NamedDataset]:
    """The embedded data sets, then those of the data folder (argument, or the environment's THEODOLITE_DATA).

    Only the headers of the files are read; a file without X and y is left out.

    >>> [entry.name for entry in names()][:3]
    ['breast_cancer', 'california_like', 'diabetes']
    """
    from theodolite.datasets.embedded import EMBEDDED

    found = [NamedDataset(e.name, e.rows, e.columns, e.task, "embedded") for e in EMBEDDED.values()]
    folder = found_folder(data_folder)
    for name, path in data_files(folder).items() if folder else ():
        entry = _entry(name, path)
        if entry is not None:
            found.append(entry)
    return found


def found_folder(data_folder: str | Path | None) -> Path | None:
    """The folder of data sets, or None when none was given; `BadInput` when the one given is no folder."""
    given = data_folder if data_folder is not None else os.environ.get("THEODOLITE_DATA") or None
    if given is None:
        return None
    if not Path(given).is_dir():
        raise BadInput(f"the data folder {given} is not a folder; correct the argument or THEODOLITE_DATA")
    return Path(given)


def data_files(folder: Path) -> dict[str, Path]:
    """Name to path of every .npz in the folder, its tabular/ and its images/; the first of a name counts."""
    found: dict[str, Path] = {}
    for part in FOLDERS:
        for path in sorted((folder / part).glob("*.npz")):
            found.setdefault(path.stem, path)
    return found


def _entry(name: str, path: Path) -> NamedDataset | None:
    from theodolite.datasets.npz_files import TASKS, headers, small_text

    try:
        arrays = headers(path)
        if "X" not in arrays or "y" not in arrays or len(arrays["X"][0]) < 2:
            return None
        shape = arrays["X"][0]
        columns = 1
        for side in shape[1:]:
            columns *= side
        task = TASKS.get(small_text(path, "task"), "auto") if "task" in arrays else "auto"
        if task == "auto" and "class_names" in arrays:
            task = "classification"
    except (BadInput, ValueError, OSError):
        return None
    return NamedDataset(name, shape[0], columns, task, str(path))
