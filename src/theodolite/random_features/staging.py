"""Features in two stages, where the second is linear and can wait until all rows have been added up."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from theodolite.random_features.landmark_rows import landmark_rows
from theodolite.random_features.maps import FeatureMap
from theodolite.random_features.nystrom import NystromMap
from theodolite.random_features.statistics import SufficientStatistics

MOST_CONDITION = 1e6  # of K(Z, Z): whitening the sums instead of the rows costs that many units of round-off


@dataclass(frozen=True, eq=False)
class StagedMap:
    """Features as they are added up, and the matrix (columns, P) that completes them, None when they are complete.

    Nystrom features are K(x, Z) R. Adding up K(x, Z) and applying R to the sums saves a product as costly as the sums
    themselves; where K(Z, Z) is too close to singular for that, rows are completed one by one.

    >>> from theodolite.kernels import RBF
    >>> from theodolite.random_features.nystrom import nystrom_map
    >>> X = np.linspace(-3, 3, 7)[:, None]
    >>> one = nystrom_map(RBF(1.0), X)
    >>> F = StagedMap.of(one).raw(X) @ StagedMap.of(one).matrix
    >>> bool(np.allclose(F, one.transform(X)))
    True
    """

    complete: FeatureMap
    matrix: np.ndarray | None

    @classmethod
    def of(cls, one: FeatureMap) -> "StagedMap":
        """The stages of a map."""
        if isinstance(one, NystromMap):
            squares = np.sum(one.root**2, axis=0)  # 1 / eigenvalues of K(Z, Z)
            if one.root.shape[0] == one.root.shape[1] and squares.max() <= MOST_CONDITION * squares.min():
                return cls(one, one.root)
        return cls(one, None)

    @property
    def columns(self) -> int:
        """Features before they are completed."""
        return self.complete.features if self.matrix is None else len(self.matrix)

    def raw(self, points: Any) -> np.ndarray:
        """Features (n, columns) before they are completed."""
        if self.matrix is None:
            return self.complete.transform(points)
        assert isinstance(self.complete, NystromMap)
        return landmark_rows(self.complete.kernel, self.complete.points(points), self.complete.landmarks)

    def completed(self, statistics: SufficientStatistics) -> SufficientStatistics:
        """The statistics of the complete features, from those of the raw ones."""
        return statistics if self.matrix is None else statistics.mapped(self.matrix)


def predict(one: FeatureMap, points: np.ndarray, weights: np.ndarray, *, block_rows: int = 4096) -> np.ndarray:
    """F weights, (n, k), block by block; for Nystrom features without ever completing them."""
    if isinstance(one, NystromMap):
        from theodolite.kernel_regression.prediction import predict as kernel_predict

        return kernel_predict(one.kernel, one.points(points), one.landmarks, one.root @ weights)
    answer = np.empty((len(points), weights.shape[1]))
    for start in range(0, len(points), block_rows):
        answer[start : start + block_rows] = one.transform(points[start : start + block_rows]) @ weights
    return answer
