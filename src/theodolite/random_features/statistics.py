"""All that ridge regression needs to know of any number of rows: sums over rows, added up block by block."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from scipy.linalg.blas import dgemm, dsyrk  # pyright: ignore[reportAttributeAccessIssue]

from theodolite.numerics import memory
from theodolite.numerics.errors import NotFinite, ShapeMismatch

_NAMES = ("gram", "cross", "feature_sum", "target_sum", "target_gram")


@dataclass
class SufficientStatistics:
    """Sums over n rows of features F (n, P) and targets Y (n, k): what is kept of a table that does not fit.

    `rows` n; `gram` F'F (P, P), of which only the lower triangle is kept up to date; `cross` F'Y (P, k); `feature_sum`
    F'1 (P,); `target_sum` Y'1 (k,); `target_gram` Y'Y (k, k). Blocks and statistics add up in any order to the same
    numbers within round-off. Memory: 8 P^2 bytes, whatever n.

    >>> F, Y = np.arange(12.0).reshape(4, 3), np.ones(4)
    >>> whole = SufficientStatistics.of_block(F, Y)
    >>> parts = SufficientStatistics.of_block(F[:1], Y[:1]).merge(SufficientStatistics.of_block(F[1:], Y[1:]))
    >>> bool(np.allclose(whole.feature_gram, parts.feature_gram)), parts.rows
    (True, 4)
    """

    rows: int
    gram: np.ndarray
    cross: np.ndarray
    feature_sum: np.ndarray
    target_sum: np.ndarray
    target_gram: np.ndarray

    @classmethod
    def empty(cls, features: int, targets: int = 1, *, memory_limit: int | str | None = None) -> Self:
        """The statistics of no rows. TooLarge before P^2 numbers are taken that are not there."""
        memory.require(
            8 * features * features,
            memory_limit,
            f"the Gram matrix of {features} features",
            "use fewer features, or a larger memory_limit",
        )
        shapes = ((features, targets), features, targets, (targets, targets))
        return cls(0, np.zeros((features, features), order="F"), *(np.zeros(shape) for shape in shapes))

    @classmethod
    def of_block(cls, features: Any, targets: Any, *, number: int = 0) -> Self:
        """The statistics of one block of rows: features (b, P), targets (b,) or (b, k). Arguments as `add_block`."""
        features = np.asarray(features)
        targets = np.asarray(targets)
        columns = 1 if targets.ndim == 1 else targets.shape[-1]
        return cls.empty(features.shape[-1], columns).add_block(features, targets, number=number)

    def add_block(self, features: Any, targets: Any, *, number: int = 0) -> Self:
        """Add a block of rows in place, and return the same object.

        Args: features (b, P), targets (b,) or (b, k), finite; number, of the block, named when something is wrong.
        Raises: ShapeMismatch; NotFinite naming the block and the first offending row; nothing has been added then.
        Cost: b P^2 operations (SYRK, half of a matrix product).
        """
        features = np.ascontiguousarray(features, dtype=np.float64)
        targets = np.ascontiguousarray(targets, dtype=np.float64)
        targets = targets[:, None] if targets.ndim == 1 else targets
        if features.shape[1:] != self.feature_sum.shape or targets.shape != (len(features), *self.target_sum.shape):
            raise ShapeMismatch(
                f"block {number} has features {features.shape} and targets {targets.shape}; expected "
                f"(b, {self.features}) and (b, {len(self.target_sum)})"
            )
        feature_sum, target_sum = features.sum(axis=0), targets.sum(axis=0)
        _refuse_not_finite(features, feature_sum, "features", number)
        _refuse_not_finite(targets, target_sum, "targets", number)
        if len(features):
            # the transposes are in Fortran order already: BLAS reads the block where it lies and adds onto the sums
            self.gram = dsyrk(1.0, features.T, beta=1.0, c=self.gram, lower=1, overwrite_c=1)
            self.cross += dgemm(1.0, features.T, targets.T, trans_b=1)
            self.target_gram += targets.T @ targets
        self.feature_sum += feature_sum
        self.target_sum += target_sum
        self.rows += len(features)
        return self

    def absorb(self, other: "SufficientStatistics") -> Self:
        """Add other statistics of the same features in place, and return the same object."""
        if other.gram.shape != self.gram.shape or other.cross.shape != self.cross.shape:
            raise ShapeMismatch(
                f"statistics of {other.features} features and {len(other.target_sum)} targets cannot join those of "
                f"{self.features} and {len(self.target_sum)}; make both with one feature map"
            )
        self.rows += other.rows
        for name in _NAMES:
            value = getattr(self, name)
            value += getattr(other, name)
        return self

    def merge(self, other: "SufficientStatistics") -> "SufficientStatistics":
        """The statistics of the rows of both, as a new object."""
        return self.copy().absorb(other)

    def copy(self) -> "SufficientStatistics":
        """The same numbers in new arrays."""
        return SufficientStatistics(self.rows, *(getattr(self, name).copy(order="F") for name in _NAMES))

    def mapped(self, matrix: np.ndarray) -> "SufficientStatistics":
        """The statistics of F @ matrix, for a matrix (P, Q): features need not be whitened row by row.

        Round-off grows with the squared norm of the matrix. Cost: P^2 Q + P Q^2 operations.
        """
        gram = matrix.T @ (self.feature_gram @ matrix)
        return SufficientStatistics(
            self.rows,
            np.asfortranarray((gram + gram.T) / 2),
            np.asfortranarray(matrix.T @ self.cross),
            matrix.T @ self.feature_sum,
            self.target_sum.copy(),
            self.target_gram.copy(order="F"),
        )

    @property
    def features(self) -> int:
        """P."""
        return len(self.feature_sum)

    @property
    def feature_gram(self) -> np.ndarray:
        """F'F (P, P), both triangles."""
        lower = np.tril(self.gram)
        return lower + np.tril(lower, -1).T

    @property
    def target_mean(self) -> np.ndarray:
        """Mean of the targets, (k,)."""
        return self.target_sum / max(self.rows, 1)

    @property
    def centred_cross(self) -> np.ndarray:
        """F'(Y - mean), (P, k)."""
        return self.cross - np.outer(self.feature_sum, self.target_mean)

    @property
    def centred_energy(self) -> float:
        """Sum of squares of Y - mean, over rows and columns."""
        mean = self.target_mean
        return max(float(np.trace(self.target_gram) - self.rows * (mean @ mean)), 0.0)


def _refuse_not_finite(block: np.ndarray, column_sums: np.ndarray, what: str, number: int) -> None:
    """A sum over rows is finite only if all rows are; the rows are looked at when it is not."""
    if np.isfinite(column_sums).all():
        return
    rows = np.flatnonzero(~np.isfinite(block).all(axis=1))
    if not rows.size:
        raise NotFinite(f"the {what} of block {number} are too large to be added up in float64; rescale them")
    values = block[rows[0]]
    raise NotFinite(
        f"the {what} of block {number} hold {values[~np.isfinite(values)][0]} in row {rows[0]} of the block "
        f"({rows.size} such rows); expected finite numbers: drop or fill those entries first"
    )
