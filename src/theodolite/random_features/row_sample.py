"""A random sample of rows kept in passing: the same rows whatever the order in which blocks arrive."""

from dataclasses import dataclass
from typing import Self

import numpy as np


@dataclass
class RowSample:
    """At most `most` rows: those with the smallest random priority. `points` (m, d), `targets` (m, k), uncentred.

    A row's priority belongs to its place in the table, so samples of parts merge to the sample of the whole.
    """

    most: int
    priority: np.ndarray
    points: np.ndarray
    targets: np.ndarray

    @classmethod
    def empty(cls, most: int, dimensions: int, targets: int) -> Self:
        """A sample of no rows."""
        return cls(most, np.empty(0), np.empty((0, dimensions)), np.empty((0, targets)))

    def offer(self, priority: np.ndarray, points: np.ndarray, targets: np.ndarray) -> Self:
        """Keep what belongs to the sample of a block of rows, in place; returns the same object."""
        if self.most == 0:
            return self
        if len(self.priority) == self.most:
            better = priority < self.priority[-1]
            priority, points, targets = priority[better], points[better], targets[better]
        if not len(priority):
            return self
        everything = np.concatenate([self.priority, priority])
        chosen = np.argsort(everything, kind="stable")[: self.most]
        self.priority = everything[chosen]
        self.points = np.concatenate([self.points, points])[chosen]
        self.targets = np.concatenate([self.targets, targets])[chosen]
        return self

    def absorb(self, other: "RowSample") -> Self:
        """Join another part's sample, in place; returns the same object."""
        return self.offer(other.priority, other.points, other.targets)

    def copy(self) -> "RowSample":
        """The same rows; arrays are shared, as they are only ever replaced."""
        return RowSample(self.most, self.priority, self.points, self.targets)

    def __len__(self) -> int:
        return len(self.priority)
