"""Columns of dates: the day as a number, and where they fit the cycles of the day, the week and the year."""

from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np
import pandas as pd

from theodolite.survey.columns_kinds import days
from theodolite.survey.columns_numbers import NumberRule, fitted_numbers, write_numbers
from theodolite.survey.columns_scaling import FAR
from theodolite.survey.columns_words import Remark

YEAR = 365.2425
_MONDAY = 3  # 1970-01-01 was a Thursday


@dataclass(frozen=True)
class Cycle:
    """sin and cos of one period, centred, divided by the root of their summed variance: one feature's weight in all."""

    period: str  # "day", "week" or "year"
    sin_mean: float
    cos_mean: float
    scale: float


@dataclass(frozen=True)
class DateRule:
    """One column of dates: days since 1970 as a number, then a pair of columns per cycle."""

    column: str
    trend: NumberRule
    cycles: tuple[Cycle, ...]

    @property
    def names(self) -> tuple[str, ...]:
        pairs = tuple(f"{self.column} ({wave} of the {c.period})" for c in self.cycles for wave in ("sin", "cos"))
        return self.trend.names + pairs

    def write(self, column: pd.Series, out: np.ndarray) -> list[Remark]:
        """Fill out (n, len(names)); a missing date stands in the middle of every cycle."""
        values = days(column)
        width = len(self.trend.names)
        remarks = write_numbers(self.trend, values, out[:, :width])
        for i, cycle in enumerate(self.cycles):
            angle = _angle(values, cycle.period)
            pair = out[:, width + 2 * i : width + 2 * i + 2]
            pair[:, 0] = (np.sin(angle) - cycle.sin_mean) / cycle.scale
            pair[:, 1] = (np.cos(angle) - cycle.cos_mean) / cycle.scale
            pair[np.isnan(values)] = 0.0
        return remarks

    def to_json(self) -> dict[str, Any]:
        return {
            "kind": "date",
            "column": self.column,
            "trend": self.trend.to_json(),
            "cycles": [asdict(cycle) for cycle in self.cycles],
        }

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> Self:
        cycles = tuple(Cycle(**cycle) for cycle in document["cycles"])
        return cls(document["column"], NumberRule.from_json(document["trend"]), cycles)


def fitted_dates(name: str, values: np.ndarray) -> tuple[DateRule | None, list[Remark]]:
    """The rule for days since 1970 (n,), NaN where missing."""
    trend, remarks = fitted_numbers(f"{name} (days)", values)
    if trend is None:
        return None, [remark._replace(column=name) for remark in remarks]
    present = values[~np.isnan(values)]
    cycles = tuple(_cycle(present, period) for period in _periods(present))
    used = ", ".join(["days since the first date", *(f"cycle of the {cycle.period}" for cycle in cycles)])
    return DateRule(name, trend, cycles), [Remark(name, f"dates, read as {used}"), *remarks]


def _periods(values: np.ndarray) -> list[str]:
    """The cycles that the dates can show: at least two of them, and dates dense enough to see each."""
    whole = np.unique(np.floor(values))
    span = float(whole[-1] - whole[0])
    found = []
    if span >= 2 and len(np.unique(values - np.floor(values))) > 1:
        found.append("day")
    if span >= 14 and len(whole) >= span / 7 and len(np.unique(whole % 7)) > 1:
        found.append("week")
    if span >= 2 * YEAR:
        found.append("year")
    return found


def _cycle(values: np.ndarray, period: str) -> Cycle:
    angle = _angle(values, period)
    sin, cos = np.sin(angle), np.cos(angle)
    return Cycle(period, float(sin.mean()), float(cos.mean()), max(float(np.sqrt(sin.var() + cos.var())), 2 / FAR))


def _angle(values: np.ndarray, period: str) -> np.ndarray:
    if period == "day":
        return 2 * np.pi * (values - np.floor(values))
    if period == "week":
        return 2 * np.pi * ((np.floor(values) + _MONDAY) % 7) / 7
    return 2 * np.pi * (values % YEAR) / YEAR
