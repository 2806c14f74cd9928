"""The plainest encoding of a table: named columns of numbers, standardised or as they are."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pandas as pd

from theodolite.numerics.errors import BadInput


@dataclass(frozen=True)
class NumberColumns:
    """(value - centre) / scale for each of the named columns; missing values stay NaN, to be refused with their row.

    >>> encoder = NumberColumns.learned(pd.DataFrame({"a": [0.0, 2.0], "b": [5.0, 5.0]}))
    >>> encoder.transform(pd.DataFrame({"b": [5.0], "a": [3.0]})).tolist()
    [[2.0, 0.0]]
    """

    columns: tuple[str, ...]
    centre: np.ndarray
    scale: np.ndarray

    @classmethod
    def learned(cls, frame: pd.DataFrame, *, standardise: bool = True) -> Self:
        """From a sample of rows. A constant column keeps scale 1. BadInput for columns that hold no numbers."""
        text = [str(name) for name in frame.columns if not pd.api.types.is_numeric_dtype(frame[name].dtype)]
        if text:
            raise BadInput(
                f"column {text[0]!r} holds no numbers ({len(text)} such columns); encode them first, or use a survey, "
                "which does"
            )
        columns = tuple(str(name) for name in frame.columns)
        if not standardise:
            return cls(columns, np.zeros(len(columns)), np.ones(len(columns)))
        values = frame.to_numpy(dtype=np.float64, na_value=np.nan)
        finite = np.isfinite(values)
        count = np.maximum(finite.sum(axis=0), 1)
        centre = np.where(finite, values, 0.0).sum(axis=0) / count
        scale = np.sqrt((np.where(finite, values - centre, 0.0) ** 2).sum(axis=0) / count)
        still = scale <= 1e-12 * np.maximum(np.abs(centre), 1.0)
        return cls(columns, centre, np.where(still, 1.0, scale))

    def transform(self, table: Any) -> np.ndarray:
        """Points (b, d) of a frame with these columns in any order, or of an array (b, d)."""
        if isinstance(table, pd.DataFrame):
            absent = [name for name in self.columns if name not in table.columns]
            if absent:
                raise BadInput(f"the table lacks the column {absent[0]!r} of the training data; add or rename it")
            frame = table[list(self.columns)]
            text = [name for name in self.columns if not pd.api.types.is_numeric_dtype(frame[name].dtype)]
            if text:
                raise BadInput(f"column {text[0]!r} holds no numbers, which it did in training; write it as before")
            values = frame.to_numpy(dtype=np.float64, na_value=np.nan)
        else:
            values = np.asarray(table, dtype=np.float64)
        return (values - self.centre) / self.scale

    def to_json(self) -> dict[str, Any]:
        """The encoding as plain lists and numbers."""
        return {
            "numbers": True,
            "columns": list(self.columns),
            "centre": self.centre.tolist(),
            "scale": self.scale.tolist(),
        }

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> Self:
        """The inverse of `to_json`."""
        return cls(tuple(document["columns"]), np.array(document["centre"]), np.array(document["scale"]))
