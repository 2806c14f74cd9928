"""One factorisation of a Gram matrix; after it every criterion at every ridge."""

from typing import Any

import numpy as np
from scipy.optimize import minimize_scalar

from theodolite.kernel_regression.criteria import Criteria, as_loss
from theodolite.kernel_regression.resolvent import Resolvents
from theodolite.kernel_regression.spectral import SpectralFactor
from theodolite.kernel_regression.tridiagonal import TridiagonalFactor
from theodolite.numerics import memory
from theodolite.numerics.checks import positive, symmetric_gram, target_columns

GRID = 25  # ridges of the default grid
LOWEST, HIGHEST = 1e-7, 10.0  # of the grid, in units of the mean diagonal; lower ridges were chosen by mistake only
USUAL_ROWS = 2000  # beyond, the lowest ridge falls as 1/n: noise of one size asks for one n * ridge
COMPILED_ROWS = 150  # below, an eigendecomposition takes a millisecond, and no compiler need be loaded


def lowest_ridge(rows: int) -> float:
    """Where grids of ridges begin, in units of the mean diagonal of the Gram matrix.

    >>> lowest_ridge(300), lowest_ridge(20_000)
    (1e-07, 1e-08)
    """
    return LOWEST * min(1.0, USUAL_ROWS / rows)


class RidgePath(Criteria):
    """All criteria of kernel ridge regression at all ridges, from one tridiagonal form of the Gram matrix.

    Args: gram (n, n), symmetric positive semi-definite; targets (n,) or (n, k), centred if an intercept is wanted;
        groups, one label a row, when rows of one group must be left out together; memory_limit, bytes or "4GB".
    Raises: ShapeMismatch, NotFinite, NotPositiveDefinite, TooLarge.
    Cost: (8/3) n^3 operations once, then 4 n^2 a ridge; `eigenvalues`, `coefficients` and `captured` need eigenvectors,
        as many operations again. Memory: 2 n^2 numbers, with eigenvectors 4 n^2.

    >>> import numpy as np
    >>> from theodolite.kernels import RBF
    >>> x = np.linspace(0, 3, 40)[:, None]
    >>> path = RidgePath(RBF(1.0)(x), np.sin(3 * x[:, 0]))
    >>> path.kare([1e-3, 1e-1]).round(4)
    array([0.0014, 0.1783])
    """

    def __init__(self, gram: Any, targets: Any, *, groups: Any = None, memory_limit: int | str | None = None) -> None:
        self.precision = float(np.finfo(np.result_type(np.asarray(gram).dtype, np.float32)).eps)
        n = len(gram)
        copies = 4.1 if n < COMPILED_ROWS else 1.2 if groups is None else 3.1  # groups may need eigenvectors
        memory.require(
            int(copies * 8 * n * n),
            memory_limit,
            f"the decomposition of a {n} x {n} Gram matrix",
            "use RidgeSearch (1.5 to 2.2 matrices), fewer rows, or a larger memory_limit",
        )
        gram = symmetric_gram(gram)
        super().__init__(target_columns(targets, n), groups)
        self.mean_diagonal = float(gram.diagonal().mean()) or 1.0
        if n < COMPILED_ROWS:
            self._factor = SpectralFactor(gram, self.targets)
        else:
            self._factor = TridiagonalFactor(gram, self.targets, memory_limit)
        self._latest: Resolvents | None = None

    @property
    def eigenvalues(self) -> np.ndarray:
        """Eigenvalues of G / n, (n,), largest first."""
        return self._factor.eigenvalues[::-1] / self.rows

    @property
    def coefficients(self) -> np.ndarray:
        """Targets along the eigenvectors, (n, k), in the order of `eigenvalues`; squares sum to the sum of y^2."""
        return self._factor.coefficients[::-1]

    @property
    def ridges(self) -> np.ndarray:
        """A grid from 1e-7 (less beyond 2000 rows) to 10 times the mean of the diagonal, above round-off."""
        lowest = max(lowest_ridge(self.rows) * self.mean_diagonal, self.smallest_sound_ridge)
        return np.geomspace(lowest, HIGHEST * self.mean_diagonal, GRID)

    @property
    def smallest_sound_ridge(self) -> float:
        """Below it round-off of the largest eigenvalue drowns the ridge."""
        return 10.0 * self.precision * self._factor.largest / self.rows

    def resolvents(self, ridges: np.ndarray) -> Resolvents:
        if self._latest is None or not np.array_equal(self._latest.ridges, ridges):  # several criteria ask in a row
            self._latest = self._factor.resolvents(ridges)
        return self._latest

    def best_ridge(self, criterion: str = "risk") -> float:
        """The ridge with the lowest criterion ("risk", "kare", "leave_one_out", "log_marginal_likelihood", ...).

        The grid finds the valley, a bounded Brent search its bottom: continuous, not a grid point. At the edge of the
        grid the edge is returned.
        """
        loss = as_loss(self, criterion)
        grid = np.log(self.ridges)
        values = np.asarray(loss(self.ridges))
        lowest = int(values.argmin())
        left, right = grid[max(lowest - 1, 0)], grid[min(lowest + 1, len(grid) - 1)]
        found = minimize_scalar(
            lambda x: loss(float(np.exp(x))), bounds=(left, right), method="bounded", options={"xatol": 1e-3}
        )
        return float(np.exp(found.x if found.fun < values[lowest] else grid[lowest]))

    def captured(self, ridge: float) -> np.ndarray:
        """Share of each eigenfunction that is learned, d / (d + threshold), (n,), in the order of `eigenvalues`.

        Trustworthy where d is well above the threshold: the smaller empirical eigenvalues are blurred by sampling.
        """
        threshold = self.signal_capture_threshold(positive(ridge, "ridge"))
        return self.eigenvalues / (self.eigenvalues + threshold)

    def inverse_blocks(self, ridge: float, members: np.ndarray) -> np.ndarray:
        return self._factor.inverse_blocks(ridge, members)
