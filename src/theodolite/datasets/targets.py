"""What is to be predicted: numbers or classes, decided in the open and checked value by value."""

from typing import Literal

import numpy as np
import pandas as pd

from theodolite.datasets.text_numbers import as_numbers
from theodolite.numerics.errors import BadInput

Task = Literal["regression", "classification"]
TASKS = ("regression", "classification")
MOST_INTEGER_CLASSES = 20
LEAST_ROWS_PER_CLASS = 5  # on average, for integers to be taken as classes


def present_targets(column: pd.Series) -> tuple[pd.Series, np.ndarray, list[str]]:
    """Targets without missing values, the mask (n,) of rows kept, and a note when some were dropped."""
    kept = np.asarray(column.notna(), dtype=bool)
    missing = int((~kept).sum())
    if missing == len(column):
        raise BadInput(f"target column {column.name!r} is empty in all {missing} rows; choose another target")
    if len(column) - missing < 2:
        raise BadInput(f"target column {column.name!r} is present in one row only; at least two rows are needed")
    if not missing:
        return column, kept, []
    return (
        pd.Series(column[kept]),
        kept,
        [f"{missing} of {len(column)} rows without a target ({column.name!r}) were left out"],
    )


def decided_task(column: pd.Series, task: str) -> tuple[Task, list[str]]:
    """The task for these targets (no missing values), and a note when it had to be decided here."""
    if task not in ("auto", *TASKS):
        raise BadInput(f"task must be auto, regression or classification, got {task!r}")
    if task != "auto":
        return ("regression" if task == "regression" else "classification"), []
    if _is_date(column):
        raise BadInput(f"target column {column.name!r} holds dates; choose a target of numbers or classes")
    distinct = int(column.nunique())
    if not _is_numeric(column):
        return "classification", [f"the target {column.name!r} holds text: {distinct} classes"]
    if pd.api.types.is_bool_dtype(column):
        return "classification", [f"the target {column.name!r} holds true and false: 2 classes"]
    if _whole(column) and distinct <= MOST_INTEGER_CLASSES and len(column) >= LEAST_ROWS_PER_CLASS * distinct:
        return "classification", [
            f"the target {column.name!r} holds {distinct} distinct whole numbers and was taken as classes; ask for "
            "regression if they are amounts"
        ]
    return "regression", [f"the target {column.name!r} holds numbers ({distinct} distinct): regression"]


def treated_targets(column: pd.Series, task: Task) -> tuple[pd.Series, list[str]]:
    """Targets ready to learn from: finite float64 numbers, or class labels; never constant."""
    notes: list[str] = []
    treated = pd.Series(_numbers(column), name=column.name) if task == "regression" else _labels(column)
    first = treated.iloc[0]
    counts = treated.value_counts() if task == "classification" else None
    distinct = len(counts) if counts is not None else 1 + int((treated != first).any())
    if distinct < 2:
        raise BadInput(
            f"target column {column.name!r} is constant (every row holds {_short(first)!r}); there is nothing to "
            "predict: choose another target or other rows"
        )
    if counts is not None:
        if distinct > max(50, len(treated) // 2) or distinct == len(treated):
            raise BadInput(
                f"target column {column.name!r} holds {distinct} different values in {len(treated)} rows, for example "
                f"{_short(first)!r}; expected classes that repeat: choose another target, or the task regression"
            )
        single = [str(label) for label, count in counts.items() if count == 1]
        if single:
            notes.append(f"classes with a single row, which nothing can check: {', '.join(sorted(single)[:10])}")
    return treated.reset_index(drop=True), notes


def _numbers(column: pd.Series) -> np.ndarray:
    if _is_date(column):
        raise BadInput(f"target column {column.name!r} holds dates; choose a target of numbers")
    if _is_numeric(column):
        values = np.asarray(column, dtype=np.float64)
    else:
        text = column.astype(object)
        values = as_numbers(text).to_numpy()
        wrong = np.flatnonzero(np.isnan(values))
        if wrong.size:
            raise BadInput(
                f"target column {column.name!r} holds {_short(text.iloc[wrong[0]])!r} in row {column.index[wrong[0]]} "
                "(the first row is 0) where regression needs a number; correct it, or ask for the task classification"
            )
    wrong = np.flatnonzero(~np.isfinite(values))
    if wrong.size:
        raise BadInput(
            f"target column {column.name!r} holds {values[wrong[0]]} in row {column.index[wrong[0]]} (the first row is "
            "0); targets must be finite: correct that row or leave it out"
        )
    return values


def _labels(column: pd.Series) -> pd.Series:
    if _is_date(column):
        raise BadInput(f"target column {column.name!r} holds dates; choose a target of classes")
    if not _is_numeric(column):
        return column.astype(object).map(str).astype(object)
    if pd.api.types.is_bool_dtype(column):
        return column.astype(bool)
    values = _numbers(column)
    if _whole(column):
        return pd.Series(values.astype(np.int64), name=column.name)
    distinct = len(np.unique(values))
    if distinct > MOST_INTEGER_CLASSES:
        raise BadInput(
            f"target column {column.name!r} holds {distinct} distinct real numbers; classification needs classes: ask "
            "for the task regression, or cut the target into classes first"
        )
    return pd.Series(values.astype(str).astype(object), name=column.name)


def _is_numeric(column: pd.Series) -> bool:
    return pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_complex_dtype(column)


def _is_date(column: pd.Series) -> bool:
    return pd.api.types.is_datetime64_any_dtype(column)


def _whole(column: pd.Series) -> bool:
    if pd.api.types.is_integer_dtype(column):
        return True
    values = column.to_numpy(dtype=np.float64)
    return bool(np.isfinite(values).all() and (values == np.round(values)).all() and np.abs(values).max() < 2**53)


def _short(value: object, most: int = 60) -> str:
    text = str(value)
    return text if len(text) <= most else text[: most - 1] + "…"
