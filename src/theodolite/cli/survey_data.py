"""The rows a survey learns from, and those it is measured on afterwards."""

import difflib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from theodolite import datasets
from theodolite.datasets.column_names import shortened
from theodolite.numerics import BadInput

LEAST_TRAINING_ROWS = 2


@dataclass(frozen=True)
class Rows:
    """Inputs (n, d), targets (n,), and the group of each row (n,) when groups were named."""

    inputs: pd.DataFrame
    targets: pd.Series
    groups: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.inputs)

    def chosen(self, rows: np.ndarray) -> "Rows":
        """Some rows, numbered afresh."""
        groups = None if self.groups is None else self.groups[rows]
        return Rows(
            self.inputs.iloc[rows].reset_index(drop=True), self.targets.iloc[rows].reset_index(drop=True), groups
        )


@dataclass(frozen=True)
class SurveyData:
    """What goes in: training rows, held-out rows or None, and every treatment so far in words."""

    name: str
    task: str
    target_name: str
    source: str
    training: Rows
    holdout: Rows | None
    notes: tuple[str, ...]


def gathered(
    data: str,
    *,
    target: str | None,
    task: str,
    groups: str | None,
    test: Path | None,
    holdout: float | None,
    memory_limit: str | None,
    seed: int,
) -> SurveyData:
    """Read the data, set the groups apart, and hold rows out or read the test file.

    Raises: BadInput for a target or groups column that is not there, a holdout outside (0, 1) or too small to measure
        on, and a test file with other columns or classes.
    """
    refuse_both(test, holdout)
    found = datasets.load(data, target=target, task=task, memory_limit=memory_limit)
    everything = _grouped(found, groups)
    notes = list(found.notes)
    training, held = everything, None
    if test is not None:
        held, remarks = _tested(found, everything, test, groups, memory_limit)
        notes += remarks
    elif holdout is not None:
        kept, left_out = _split(everything, holdout, found.task, seed)
        training = everything.chosen(kept)
        by_group = ", whole groups of them" if groups else ""
        notes.append(
            f"{len(left_out)} of {len(everything)} rows, drawn at random with seed {seed}{by_group}, were held out to "
            "measure the risk"
        )
        if found.task == "classification":
            left_out, remarks = _of_known_classes(left_out, everything.targets, training.targets)
            notes += remarks
        held = everything.chosen(left_out)
    return SurveyData(found.name, found.task, found.target_name, found.source, training, held, tuple(notes))


def refuse_both(test: Path | None, holdout: float | None) -> None:
    """BadInput when both options say where to measure, or the holdout is no share."""
    if test is not None and holdout is not None:
        raise BadInput("--test and --holdout both say where to measure; give one of them")
    if holdout is not None and not 0 < holdout < 1:
        raise BadInput(f"--holdout is the share of rows to hold out, between 0 and 1, got {holdout:g}; try 0.2")


def _grouped(found: datasets.Dataset, groups: str | None) -> Rows:
    if groups is None:
        return Rows(found.inputs, found.targets)
    if groups == found.target_name:
        raise BadInput(f"--groups {groups} is the target column; name the column that says which rows belong together")
    columns = [str(column) for column in found.inputs.columns]
    if groups not in columns:
        close = difflib.get_close_matches(groups, columns, n=2, cutoff=0.5)
        hint = f"did you mean {' or '.join(map(repr, close))}? " if close else ""
        raise BadInput(f"{found.name} has no column {groups!r} to group by; {hint}its columns are {shortened(columns)}")
    codes = pd.factorize(found.inputs[groups])[0]  # -1 where the group is missing
    missing = int(np.sum(codes < 0))
    if missing:
        raise BadInput(f"--groups {groups}: {missing} rows have no group; fill them in or leave those rows out")
    if codes.max() < 1:
        raise BadInput(f"--groups {groups} holds one group only; grouping needs at least two: leave --groups out")
    inputs = found.inputs.drop(columns=groups)
    if inputs.shape[1] == 0:
        raise BadInput(f"{found.name} has no column besides target and groups; add the columns to predict from")
    return Rows(inputs, found.targets, codes)


def _split(rows: Rows, share: float, task: str, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Indices kept and held out; whole groups stay together, and classes keep their shares where they can."""
    n = len(rows)
    held = round(share * n)
    if held < 1 or n - held < LEAST_TRAINING_ROWS:
        raise BadInput(
            f"--holdout {share:g} of {n} rows leaves {n - held} to train on and {held} to measure on; give another "
            "share, or more rows"
        )
    random = np.random.default_rng(seed)
    if rows.groups is not None:
        return _whole_groups(rows.groups, held, random)
    order = random.permutation(n)
    if task == "classification":
        # rank within the class, as a share: the first `share` of every class is held out
        codes = pd.factorize(rows.targets)[0][order]
        rank = pd.Series(codes).groupby(codes).cumcount().to_numpy()
        size = np.bincount(codes)[codes]
        order = order[np.argsort((rank + 0.5) / size, kind="stable")]
    return np.sort(order[held:]), np.sort(order[:held])


def _whole_groups(groups: np.ndarray, held: int, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    sizes = np.bincount(groups)
    order = random.permutation(len(sizes))
    taken = np.cumsum(sizes[order])
    many = min(max(int(np.argmin(np.abs(taken - held))) + 1, 1), len(sizes) - 1)
    mask = np.isin(groups, order[:many])
    return np.flatnonzero(~mask), np.flatnonzero(mask)


def _tested(
    found: datasets.Dataset, training: Rows, test: Path, groups: str | None, memory_limit: str | None
) -> tuple[Rows, list[str]]:
    other = datasets.load(test, target=found.target_name, task=found.task, memory_limit=memory_limit)
    notes = [f"test file: {note}" for note in other.notes if note not in found.notes]
    inputs = other.inputs.drop(columns=groups) if groups in other.inputs.columns else other.inputs
    absent = [column for column in training.inputs.columns if column not in inputs.columns]
    if absent:
        raise BadInput(
            f"--test {test} lacks {len(absent)} columns of {found.name}: {shortened(absent, 6)}; add or rename them"
        )
    if found.task == "classification":
        strange = _strange_classes(found.targets, other.targets)
        if strange:
            raise BadInput(
                f"--test {test} has classes that {found.name} does not have: {shortened(strange, 6)}; correct them, or "
                "leave those rows out"
            )
    held = Rows(inputs.reindex(columns=training.inputs.columns), other.targets)
    if held.inputs.equals(training.inputs) and held.targets.equals(training.targets):
        raise BadInput(f"--test {test} holds the rows of the training data; give other rows, or use --holdout 0.2")
    return held, notes


def _of_known_classes(rows: np.ndarray, targets: pd.Series, training: pd.Series) -> tuple[np.ndarray, list[str]]:
    """The rows whose class is among those trained on, and a note when some are not."""
    strange = _strange_classes(training, targets.iloc[rows])
    if not strange:
        return rows, []
    known = rows[~targets.iloc[rows].isin(strange).to_numpy()]
    if not len(known):
        raise BadInput(
            f"every held-out row is of a class that no other row has ({shortened(strange, 6)}); hold out less"
        )
    many = len(rows) - len(known)
    return known, [
        f"{many} held-out rows of classes that the training rows lack are not measured: {shortened(strange)}"
    ]


def _strange_classes(training: pd.Series, test: pd.Series) -> list[Any]:
    known = set(training.unique().tolist())
    return [label for label in pd.unique(test).tolist() if label not in known]
