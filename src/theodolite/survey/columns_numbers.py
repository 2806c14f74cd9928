"""Columns of numbers: standardised, missing values filled and marked."""

from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np
import pandas as pd

from theodolite.survey.columns_kinds import numbers
from theodolite.survey.columns_scaling import HELD, Scaling, fitted_scaling, scaling_from_json
from theodolite.survey.columns_words import Remark


@dataclass(frozen=True)
class NumberRule:
    """One column of numbers: its scaled values, and a 0/1 column for missing ones when training had any."""

    column: str
    fill: float
    value: Scaling | None
    missing: Scaling | None

    @property
    def names(self) -> tuple[str, ...]:
        value = (self.column,) if self.value else ()
        return value + ((f"{self.column} is missing",) if self.missing else ())

    def write(self, column: pd.Series, out: np.ndarray) -> list[Remark]:
        """Fill out (n, len(names)); what had to be done to unusual values, in words."""
        return write_numbers(self, numbers(column), out)

    def to_json(self) -> dict[str, Any]:
        return {"kind": "number", **asdict(self)}

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> Self:
        scalings = {key: scaling_from_json(document[key]) for key in ("value", "missing")}
        return cls(document["column"], document["fill"], **scalings)


def fitted_numbers(name: str, values: np.ndarray) -> tuple[NumberRule | None, list[Remark]]:
    """The rule for values (n,), NaN where missing; None when nothing can be learned from them."""
    absent = np.isnan(values)
    missing = int(absent.sum())
    if missing == len(values):
        return None, [Remark(name, "empty, left out")]
    present = values[~absent] if missing else values
    middle = (len(present) - 1) // 2
    fill = float(np.partition(present, middle)[middle])
    marker = None
    remarks = []
    if missing:
        marker = fitted_scaling(absent.astype(np.float64))
        values = np.where(absent, fill, values)
    scaling = fitted_scaling(values)
    if scaling is None and marker is None:
        return None, [Remark(name, "constant, left out")]
    if scaling is None:
        return NumberRule(name, fill, None, marker), [
            Remark(name, "constant where present, only whether it is missing is used", missing)
        ]
    if missing:
        remarks.append(Remark(name, "missing, filled with the median and marked in a column of its own", missing))
    if scaling.nearly_constant:
        remarks.append(Remark(name, f"nearly constant, rare values held within {HELD:g} standard deviations"))
    if _counts_rows(present):
        remarks.append(Remark(name, "numbers the rows; leave it out if it is an identifier"))
    return NumberRule(name, fill, scaling, marker), remarks


def write_numbers(rule: NumberRule, values: np.ndarray, out: np.ndarray) -> list[Remark]:
    """Fill out (n, len(rule.names)) from values (n,), NaN where missing."""
    remarks = []
    absent = np.isnan(values)
    missing = int(absent.sum())
    if missing:
        values = np.where(absent, rule.fill, values)
        if rule.missing is None:
            words = "missing, of which training had none, filled with the median of training"
            remarks.append(Remark(rule.column, words, missing))
    position = 0
    if rule.value:
        out[:, 0], outside = rule.value.bounded(values)
        position = 1
        if outside and not rule.value.nearly_constant:
            words = "more than a tenth of the range of training outside it, moved to that bound"
            remarks.append(Remark(rule.column, words, outside))
    if rule.missing:
        out[:, position], _ = rule.missing.bounded(absent.astype(np.float64))
    return remarks


def _counts_rows(values: np.ndarray) -> bool:
    n = len(values)
    if n < 20 or values.max() / 2 - values.min() / 2 != (n - 1) / 2:
        return False
    return len(np.unique(values)) == n and bool((values == np.round(values)).all())
