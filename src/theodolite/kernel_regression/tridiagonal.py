"""Route of many ridges: G = Q T Q' with T tridiagonal, then O(n^2) a ridge for everything, without eigenvectors.

Half the work of an eigendecomposition. The eigenvectors follow from those of T, when somebody asks for them.
"""

from functools import cached_property

import numpy as np
from scipy.linalg import eigh_tridiagonal, eigvalsh_tridiagonal

from theodolite.kernel_regression.resolvent import Resolvents
from theodolite.kernel_regression.spectral import SpectralFactor, refuse_negative
from theodolite.numerics import lapack, memory

CLIPPED = 1e3  # times the negative eigenvalues of round-off: ridges below see them, and need them set to 0


class TridiagonalFactor:
    """G / n = Q T Q' of a Gram matrix (n, n): what a SpectralFactor knows, from compiled sweeps over T + ridge I.

    Raises NotPositiveDefinite when an eigenvalue is negative beyond round-off, TooLarge when eigenvectors are asked for
    that do not fit.
    Cost: (8/3) n^3 operations, then 4 n^2 a ridge. Memory: n^2 numbers, and 2 n^2 more for eigenvectors.
    """

    def __init__(self, gram: np.ndarray, targets: np.ndarray, memory_limit: int | str | None = None) -> None:
        n = len(gram)
        self._memory_limit = memory_limit
        q = np.array(gram.T, order="F")  # gram = gram.T
        diagonal, beside = lapack.tridiagonal(q)
        smallest, self.largest = (_eigenvalue(diagonal, beside, place) for place in (0, n - 1))
        refuse_negative(smallest, self.largest)
        self.targets = targets
        self.lowest = max(CLIPPED * -smallest, 10 * np.finfo(float).eps * self.largest) / n
        self._columns = q.T  # those of Q, as rows
        self._diagonal, self._beside = diagonal / n, beside / n
        self._rotated = self._columns @ targets

    @cached_property
    def spectral(self) -> SpectralFactor:
        """The eigendecomposition of G."""
        n = len(self._diagonal)
        what, instead = f"the eigenvectors of a {n} x {n} Gram matrix", "use fewer rows or a larger memory_limit"
        memory.require(2 * 8 * n * n, self._memory_limit, what, instead)
        eigenvalues, vectors = eigh_tridiagonal(self._diagonal * n, self._beside * n, check_finite=False)
        return SpectralFactor.of(eigenvalues, self._columns.T @ vectors, self.targets)

    @property
    def eigenvalues(self) -> np.ndarray:
        """Of G, (n,), ascending."""
        return self.spectral.eigenvalues

    @property
    def coefficients(self) -> np.ndarray:
        """Targets along the eigenvectors, (n, k)."""
        return self.spectral.coefficients

    def resolvents(self, ridges: np.ndarray) -> Resolvents:
        """The resolvent at each ridge (l,)."""
        if not ridges.min() > self.lowest:
            return self.spectral.resolvents(ridges)
        from theodolite.kernel_regression import tridiagonal_sweeps as sweeps  # the compiler, loaded when needed

        n, k = self._rotated.shape
        multipliers, weights, (first, second, fourth, logs) = sweeps.pivots(self._diagonal, self._beside, ridges)
        solved, power = sweeps.solve(multipliers, weights, self._rotated)
        dual = (self._columns.T @ solved.reshape(n, -1)).reshape(n, ridges.size, k)
        return Resolvents(
            ridges=ridges,
            dual=dual.transpose(1, 0, 2),
            diagonal=sweeps.inverse_diagonals(self._columns, multipliers, weights),
            trace=first / (n * ridges),
            participation=first**2 / (n * second),
            concentration=n * fourth / second**2,
            log_determinant=logs / n,
            power=power / n,
        )

    def inverse_blocks(self, ridge: float, members: np.ndarray) -> np.ndarray:
        """Blocks of M^-1 on groups of rows (g, s), shape (g, s, s)."""
        if not ridge > self.lowest:
            return self.spectral.inverse_blocks(ridge, members)
        from theodolite.kernel_regression import tridiagonal_sweeps as sweeps

        multipliers, weights, _ = sweeps.pivots(self._diagonal, self._beside, np.array([ridge]))
        part = np.ascontiguousarray(self._columns[:, members.ravel()])
        sweeps.half_inverse(part, multipliers, weights)
        part = np.ascontiguousarray(part.T).reshape(*members.shape, -1)
        return part @ part.transpose(0, 2, 1)


def _eigenvalue(diagonal: np.ndarray, beside: np.ndarray, place: int) -> float:
    found = eigvalsh_tridiagonal(diagonal, beside, select="i", select_range=(place, place), check_finite=False)
    return float(np.asarray(found)[0])
