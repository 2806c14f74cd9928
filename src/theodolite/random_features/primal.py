"""Criteria of ridge regression on features from their sufficient statistics alone, at any number of rows."""

from typing import Any

import numpy as np
import scipy.linalg
from scipy.optimize import minimize_scalar

from theodolite.kernel_regression.ridge_path import HIGHEST, lowest_ridge
from theodolite.numerics import memory
from theodolite.numerics.checks import positive, ridges_array
from theodolite.numerics.errors import BadInput, NotPositiveDefinite
from theodolite.random_features.statistics import SufficientStatistics

GRID = 41
_EPS = float(np.finfo(np.float64).eps)


class PrimalCriteria:
    """KARE and its companions of the kernel G = F F' at all ridges, from one P x P eigendecomposition, for any n.

    With e_j, v_j the eigenpairs of F'F, c_j = v_j'F'y, and M = G / n + ridge I:

        tr M^-1 = (n - P) / ridge + sum_j 1 / (e_j / n + ridge)
        y' M^-2 y = sum_j (c_j^2 / e_j) / (e_j / n + ridge)^2 + |y_perp|^2 / ridge^2
        |y_perp|^2 = |y|^2 - sum_j c_j^2 / e_j

    Targets are centred by their mean, features are not, as in kernel ridge regression.

    Args: statistics of at least two rows; memory_limit, bytes or "4GB".
    Raises: BadInput, NotPositiveDefinite, TooLarge.
    Source: Jacot et al. (2020), arXiv:2006.09796 (KARE), its primal form derived here. Leave-one-out is no function of
        these statistics: `sampled_errors.py` takes it from rows that were kept.
    Cost: 9 P^3 operations once, then O(P k) a ridge. Memory: three P x P arrays.

    >>> from theodolite.kernel_regression import kare
    >>> random = np.random.default_rng(0)
    >>> F, y = random.standard_normal((30, 5)), random.standard_normal(30)
    >>> criteria = PrimalCriteria(SufficientStatistics.of_block(F, y))
    >>> bool(np.isclose(criteria.kare(0.1), kare(F @ F.T, y - y.mean(), 0.1), rtol=1e-12))
    True
    """

    def __init__(self, statistics: SufficientStatistics, *, memory_limit: int | str | None = None) -> None:
        if statistics.rows < 2:
            raise BadInput(f"{statistics.rows} rows have been seen; a fit needs at least two: add rows first")
        memory.require(
            3 * 8 * statistics.features**2,
            memory_limit,
            f"the eigendecomposition of {statistics.features} features",
            "use fewer features, or a larger memory_limit",
        )
        self.rows, self.features = statistics.rows, statistics.features
        self.energy = statistics.centred_energy  # |y|^2
        self.targets = len(statistics.target_sum)
        eigenvalues, self.vectors = scipy.linalg.eigh(statistics.gram, lower=True, driver="evd", check_finite=False)
        self.largest = max(float(eigenvalues[-1]), 0.0)
        if eigenvalues[0] < -1e-6 * self.largest:
            raise NotPositiveDefinite(
                f"F'F has eigenvalues from {eigenvalues[0]:.3g} to {self.largest:.3g}; a sum of squares has none below "
                "zero: the statistics are damaged, accumulate them again"
            )
        self.eigenvalues = np.maximum(eigenvalues, 0.0)  # of F'F, (P,), ascending
        self.coefficients = self.vectors.T @ statistics.centred_cross  # (P, k)
        self.mean_diagonal = float(self.eigenvalues.sum()) / self.rows or 1.0
        sound = self.eigenvalues > self.features * _EPS * self.largest
        self._share = np.zeros(self.features)  # |projection of y on the direction F v_j|^2
        self._share[sound] = np.sum(self.coefficients[sound] ** 2, axis=1) / self.eigenvalues[sound]
        spans = int(sound.sum()) >= self.rows
        self._outside = 0.0 if spans else max(self.energy - float(self._share.sum()), 0.0)  # |y_perp|^2

    @property
    def smallest_sound_ridge(self) -> float:
        """Below it round-off of the largest eigenvalue drowns the ridge."""
        return 10.0 * _EPS * self.largest / self.rows

    @property
    def ridges(self) -> np.ndarray:
        """A grid from 1e-7 (less beyond 2000 rows) to 10 times the mean of the diagonal of G, above round-off."""
        lowest = max(lowest_ridge(self.rows) * self.mean_diagonal, self.smallest_sound_ridge)
        return np.geomspace(lowest, HIGHEST * self.mean_diagonal, GRID)

    def kare(self, ridge: Any) -> Any:
        """The kernel alignment risk estimator of G = F F', equal to generalised cross-validation; a number or (l,)."""
        return self._at(ridge, lambda r: self._residual_energy(r) / self.rows / self._free(r) ** 2)

    def training_error(self, ridge: Any) -> Any:
        """Mean squared residual on the rows, ridge^2 y' M^-2 y / n."""
        return self._at(ridge, lambda r: self._residual_energy(r) / self.rows)

    def effective_dimension(self, ridge: Any) -> Any:
        """tr G (G + n ridge I)^-1, between 0 and P."""
        return self._at(ridge, lambda r: (self.eigenvalues[:, None] / self._shifted(r)).sum(axis=0))

    def signal_capture_threshold(self, ridge: Any) -> Any:
        """1 / (tr M^-1 / n): eigenfunctions of eigenvalue d are learned by the share d / (d + threshold)."""
        return self._at(ridge, lambda r: r / self._free(r))

    def log_marginal_likelihood(self, ridge: Any) -> Any:
        """-(log(y' M^-1 y / (n k)) + log det M / n) / 2, constants dropped."""

        def likelihood(ridges: np.ndarray) -> np.ndarray:
            relative = self.rows * ridges / self._shifted(ridges)
            power = (self._share @ relative + self._outside) / ridges / self.rows
            log_determinant = np.log(ridges) - np.log(relative).sum(axis=0) / self.rows
            with np.errstate(divide="ignore"):
                return -0.5 * (np.log(power / self.targets) + log_determinant)

        return self._at(ridge, likelihood)

    def concentration(self, ridge: float) -> float:
        """n tr M^-4 / (tr M^-2)^2, between 1 and n: how few directions carry the residuals, for error bars."""
        relative = (self.rows * ridge / self._shifted(np.array([ridge])))[:, 0]
        rest = self.rows - self.features
        second, fourth = rest + np.sum(relative**2), rest + np.sum(relative**4)
        return float(self.rows * fourth / second**2)

    def weights(self, ridge: float) -> np.ndarray:
        """theta (P, k) such that F theta + mean predicts: (F'F + n ridge I)^-1 F'(y - mean)."""
        ridge = positive(ridge, "ridge")
        return self.vectors @ (self.coefficients / (self.eigenvalues + self.rows * ridge)[:, None])

    def best_ridge(self, criterion: Any = None) -> float:
        """The ridge of lowest KARE, or of another criterion (a function of ridges (l,) with values (l,)).

        The grid finds the valley, a bounded Brent search its bottom; at the edge of the grid the edge is returned.
        """
        loss = self.kare if criterion is None else criterion
        grid = np.log(self.ridges)
        values = np.asarray(loss(np.exp(grid)))
        lowest = int(np.argmin(values))
        left, right = grid[max(lowest - 1, 0)], grid[min(lowest + 1, len(grid) - 1)]
        found = minimize_scalar(
            lambda x: float(loss(np.array([np.exp(x)]))[0]),
            bounds=(left, right),
            method="bounded",
            options={"xatol": 5e-3},
        )
        return float(np.exp(found.x if found.fun < values[lowest] else grid[lowest]))

    def _at(self, ridge: Any, criterion: Any) -> Any:
        values = criterion(ridges_array(ridge))
        return values if np.ndim(ridge) else float(values[0])

    def _shifted(self, ridges: np.ndarray) -> np.ndarray:
        return self.eigenvalues[:, None] + self.rows * ridges  # (P, l)

    def _free(self, ridges: np.ndarray) -> np.ndarray:
        """ridge tr M^-1 / n, (l,): the share of the rows' freedom that the fit leaves, all terms positive."""
        relative = self.rows * ridges / self._shifted(ridges)
        extra = self.rows - self.features
        if extra >= 0:
            return (extra + relative.sum(axis=0)) / self.rows
        # more features than rows: P - n eigenvalues are zero by rank, and their shares are those that are taken away
        return relative[-extra:].sum(axis=0) / self.rows

    def _residual_energy(self, ridges: np.ndarray) -> np.ndarray:
        relative = self.rows * ridges / self._shifted(ridges)
        return self._share @ relative**2 + self._outside
