"""A data set by name or path, split into inputs and target, with every treatment put in words."""

import difflib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pandas as pd

from theodolite.datasets.column_names import shortened
from theodolite.datasets.embedded import EMBEDDED
from theodolite.datasets.listing import data_files, found_folder
from theodolite.datasets.raw_table import Reading
from theodolite.datasets.reading import ending_of, read
from theodolite.datasets.targets import decided_task, present_targets, treated_targets
from theodolite.numerics.errors import BadInput

TARGET_NAMES = ("target", "y", "label", "class")


@dataclass(frozen=True)
class Dataset:
    """Inputs (n, d) as a frame, targets (n,) as a series: float64 for regression, labels for classification."""

    name: str
    inputs: pd.DataFrame
    targets: pd.Series
    task: Literal["regression", "classification"]
    target_name: str
    source: str
    notes: tuple[str, ...] = ()

    def __repr__(self) -> str:
        rows, columns = self.inputs.shape
        return f"Dataset({self.name!r}: {rows} rows, {columns} columns, {self.task} of {self.target_name!r})"


def load(
    name_or_path: str | Path,
    *,
    target: str | None = None,
    task: str = "auto",
    data_folder: str | Path | None = None,
    memory_limit: int | str | None = None,
) -> Dataset:
    """Load an embedded data set, a set of the data folder, a file, or `openml:NAME`.

    Args: name_or_path, looked up in this order: anything with a known ending or a folder in it is a path;
        `openml:NAME` is fetched; an embedded name; NAME.npz in the data folder, its tabular/ or its images/;
        target, the column to predict (default: the one the set names itself, or the only column called target, y,
        label or class); task, "auto", "regression" or "classification"; data_folder (default: the environment's
        THEODOLITE_DATA); memory_limit.
    Returns: a Dataset, whose `notes` list every treatment.
    Raises: BadInput, TooLarge.

    >>> load("diabetes")
    Dataset('diabetes': 442 rows, 10 columns, regression of 'progression')
    """
    name, reading = _found(name_or_path, data_folder, memory_limit)
    frame = reading.frame
    chosen = _target_column(name, reading, target)
    asked = task if task != "auto" or chosen != reading.target or reading.task is None else reading.task
    column, kept, dropped = present_targets(pd.Series(frame[chosen]))
    decided, decision = decided_task(column, asked)
    targets, remarks = treated_targets(column, decided)
    inputs = frame.drop(columns=chosen)
    if inputs.shape[1] == 0:
        raise BadInput(f"{name} has no column besides the target {chosen!r}; add the columns to predict it from")
    if not kept.all():
        inputs = inputs.loc[kept].reset_index(drop=True)
    notes = (*reading.notes, *dropped, *decision, *remarks)
    return Dataset(name, inputs, targets, decided, chosen, reading.source, notes)


def _found(name_or_path: str | Path, data_folder: str | Path | None, limit: int | str | None) -> tuple[str, Reading]:
    text = str(name_or_path)
    if text.startswith("openml:"):
        from theodolite.datasets.openml import fetch

        return text, fetch(text.removeprefix("openml:"))
    if text in EMBEDDED:
        return text, EMBEDDED[text].make()
    if ending_of(text) or os.sep in text or isinstance(name_or_path, Path):
        return Path(text).name.removesuffix(ending_of(text)) or text, read(text, memory_limit=limit)
    folder = found_folder(data_folder)
    files = data_files(folder) if folder else {}
    if text in files:
        return text, read(files[text], memory_limit=limit)
    if Path(text).exists():
        return text, read(text, memory_limit=limit)
    known = [*EMBEDDED, *files]
    close = difflib.get_close_matches(text, known, n=3, cutoff=0.5)
    hint = f"did you mean {' or '.join(close)}?" if close else f"known names: {', '.join(known)}"
    raise BadInput(
        f"no data set is called {text!r}; {hint} A file is given by its path, ending included (table.csv); "
        + (f"the data folder is {folder}" if folder else "a folder of .npz files is given by THEODOLITE_DATA")
    )


def _target_column(name: str, reading: Reading, target: str | None) -> str:
    columns = [str(column) for column in reading.frame.columns]
    if target is not None:
        if target in columns:
            return target
        lower = {column.lower(): column for column in columns}
        close = difflib.get_close_matches(target.lower(), list(lower), n=3, cutoff=0.5)
        hint = f"did you mean {' or '.join(repr(lower[c]) for c in close)}? " if close else ""
        raise BadInput(f"{name} has no column {target!r} to use as target; {hint}its columns are {shortened(columns)}")
    if reading.target is not None:
        return reading.target
    usual = [column for column in columns if column.strip().lower() in TARGET_NAMES]
    if len(usual) == 1:
        return usual[0]
    found = (
        f"more than one column may be meant ({', '.join(usual)})" if usual else "no column says that it is the target"
    )
    raise BadInput(
        f"{name}: {found}; name the column to predict with target=NAME (--target NAME on the command line); its "
        f"columns are {shortened(columns)}"
    )
