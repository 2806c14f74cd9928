"""Columns of categories: one-hot encoded, the whole feature weighing as much as one column of numbers."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np
import pandas as pd

from theodolite.survey.columns_kinds import kind_of, texts
from theodolite.survey.columns_scaling import FAR
from theodolite.survey.columns_words import Remark, shown

MOST_CATEGORIES = 30
LEAST_COVER = 0.5  # share of rows that the frequent categories must cover when the others are pooled


@dataclass(frozen=True)
class CategoryRule:
    """One column per category: (indicator - share) / scale, scale^2 = 1 - sum of squared shares = total variance.

    None among the categories stands for missing; `pooled` adds a last column for every category not listed.
    """

    column: str
    categories: tuple[str | None, ...]
    shares: tuple[float, ...]
    scale: float
    pooled: bool

    @property
    def names(self) -> tuple[str, ...]:
        listed = tuple(f"{self.column}={'(missing)' if value is None else value}" for value in self.categories)
        return listed + ((f"{self.column}=(any other)",) if self.pooled else ())

    def write(self, column: pd.Series, out: np.ndarray) -> list[Remark]:
        """Fill out (n, len(names)); a category never seen in training has no 1 anywhere, and is counted."""
        if kind_of(column) == "empty":
            codes, values = np.full(len(column), -1), []
        else:
            codes, values = texts(column)
        place = {value: i for i, value in enumerate(self.categories)}
        other = len(self.categories) if self.pooled else -1
        lookup = np.array([place.get(value, other) for value in values] + [place.get(None, -1)])
        chosen = lookup[codes]
        out[:] = -np.asarray(self.shares) / self.scale
        rows = np.flatnonzero(chosen >= 0)
        out[rows, chosen[rows]] += 1 / self.scale
        unseen = [value for i, value in enumerate(values) if lookup[i] < 0]
        remarks = []
        if unseen:
            words = (
                f"a category that training never saw (such as {shown(unseen[0])}), treated as none of the known ones"
            )
            remarks.append(Remark(self.column, words, int(np.isin(codes, np.flatnonzero(lookup[:-1] < 0)).sum())))
        if None not in place and (codes < 0).any():
            words = "missing, of which training had none, treated as none of the known categories"
            remarks.append(Remark(self.column, words, int((codes < 0).sum())))
        return remarks

    def to_json(self) -> dict[str, Any]:
        return {"kind": "category", **asdict(self)}

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> Self:
        return cls(
            document["column"],
            tuple(document["categories"]),
            tuple(document["shares"]),
            document["scale"],
            document["pooled"],
        )


def fitted_categories(name: str, codes: np.ndarray, values: Sequence[str]) -> tuple[CategoryRule | None, list[Remark]]:
    """The rule for codes (n,) into the distinct texts `values`, -1 where missing; None when they are of no use."""
    n = len(codes)
    counts = np.bincount(codes + 1, minlength=len(values) + 1)
    missing, counts = int(counts[0]), counts[1:]
    present = n - missing
    distinct = len(values)
    if distinct + (missing > 0) < 2:
        return None, [Remark(name, "constant, left out")]
    if distinct > max(2, present / 2):
        words = f"{distinct} different texts in {present} rows (an identifier or free text), left out"
        return None, [Remark(name, words)]
    order = sorted(range(distinct), key=lambda i: (-counts[i], values[i]))
    remarks = []
    pooled = distinct > MOST_CATEGORIES
    if pooled:
        order = order[: MOST_CATEGORIES - 1]
        cover = counts[order].sum() / present
        if cover < LEAST_COVER:
            words = (
                f"{distinct} categories, the {len(order)} most frequent cover only {cover:.0%} of the rows, left out"
            )
            return None, [Remark(name, words)]
        words = (
            f"the {len(order)} most frequent of {distinct} categories kept ({cover:.1%} of the rows), the others pooled"
        )
        remarks.append(Remark(name, words))
    kept: list[str | None] = [values[i] for i in order]
    totals = [int(counts[i]) for i in order]
    if missing:
        kept.append(None)
        totals.append(missing)
        remarks.append(Remark(name, "missing, taken as a category of its own", missing))
    if pooled:
        totals.append(n - sum(totals))
    else:
        remarks.insert(0, Remark(name, f"text, {distinct} categor{'y' if distinct == 1 else 'ies'}"))
    shares = np.array(totals) / n
    spread = float(np.sqrt(max(0.0, 1 - (shares**2).sum())))
    if spread < 1 / FAR:
        remarks.append(Remark(name, f"nearly constant, rare categories held within {FAR:g} standard deviations"))
    return CategoryRule(name, tuple(kept), tuple(shares.tolist()), max(spread, 1 / FAR), pooled), remarks
