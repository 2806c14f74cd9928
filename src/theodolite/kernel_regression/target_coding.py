"""Targets as centred columns of numbers, and predictions back into what was asked for."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from theodolite.numerics.checks import target_columns
from theodolite.numerics.errors import BadInput


@dataclass(frozen=True)
class Quantities:
    """Numbers, centred by their training mean. `mean` (k,); `flat` when the targets came as a vector."""

    mean: np.ndarray
    flat: bool

    @classmethod
    def of(cls, targets: Any) -> tuple["Quantities", np.ndarray]:
        """(coding, centred columns (n, k))."""
        columns = target_columns(targets, len(targets))
        coding = cls(columns.mean(axis=0), np.ndim(targets) == 1)
        return coding, columns - coding.mean

    def encode(self, targets: Any) -> np.ndarray:
        """Centred columns (n, k)."""
        return target_columns(targets, len(targets)) - self.mean

    def decode(self, columns: np.ndarray) -> np.ndarray:
        """Predictions in the unit of the targets, (m,) or (m, k)."""
        values = columns + self.mean
        return values[:, 0] if self.flat else values


@dataclass(frozen=True)
class Classes:
    """Classes: two become one column of -1 and +1, more become one column of 0 and 1 each; then centred.

    The sign, or the largest column, decides. For two classes the error rate is at most the mean squared error.
    """

    classes: np.ndarray
    mean: np.ndarray

    @classmethod
    def of(cls, labels: Any) -> tuple["Classes", np.ndarray]:
        """(coding, centred columns (n, k))."""
        classes = np.unique(np.asarray(labels))
        if len(classes) < 2:
            raise BadInput(f"the targets hold one class only, {classes.tolist()[0]!r}; a classifier needs at least two")
        raw = cls(classes, np.zeros(1))._raw(np.asarray(labels))
        coding = cls(classes, raw.mean(axis=0))
        return coding, raw - coding.mean

    def encode(self, labels: Any) -> np.ndarray:
        """Centred columns (n, k); BadInput for a class that was not in training."""
        labels = np.asarray(labels)
        unknown = labels[~np.isin(labels, self.classes)]
        if unknown.size:
            raise BadInput(
                f"class {unknown.tolist()[0]!r} was not in the training data; known: {self.classes[:20].tolist()}"
            )
        return self._raw(labels) - self.mean

    def decode(self, columns: np.ndarray) -> np.ndarray:
        """Predicted classes, (m,)."""
        values = columns + self.mean
        return self.classes[(values[:, 0] > 0).astype(int) if len(self.classes) == 2 else values.argmax(axis=1)]

    def _raw(self, labels: np.ndarray) -> np.ndarray:
        if len(self.classes) == 2:
            return np.where(labels == self.classes[1], 1.0, -1.0)[:, None]
        return (labels[:, None] == self.classes[None, :]).astype(np.float64)


Coding = Quantities | Classes
