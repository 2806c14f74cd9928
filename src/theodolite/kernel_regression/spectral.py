"""Route of all ridges by eigenvectors: G = U diag(s) U' once, then O(n^2) per ridge and target for everything."""

from functools import cached_property

import numpy as np
import scipy.linalg

from theodolite.kernel_regression.resolvent import Resolvents
from theodolite.numerics.errors import NotPositiveDefinite


class SpectralFactor:
    """The eigendecomposition of a Gram matrix (n, n), ascending; eigenvalues below round-off become 0.

    Raises NotPositiveDefinite when an eigenvalue is negative beyond round-off.
    Cost: 8 to 11 n^3 floating-point operations at the machine's matrix-product rate; memory 2 n^2 numbers.
    """

    def __init__(self, gram: np.ndarray, targets: np.ndarray) -> None:
        eigenvalues, vectors = scipy.linalg.eigh(gram.T, driver="evd", check_finite=False)  # gram = gram.T
        refuse_negative(eigenvalues[0], eigenvalues[-1])
        self._keep(eigenvalues, vectors, targets)

    @classmethod
    def of(cls, eigenvalues: np.ndarray, vectors: np.ndarray, targets: np.ndarray) -> "SpectralFactor":
        """From eigenvalues (n,), ascending, and eigenvectors (n, n) found elsewhere."""
        factor = cls.__new__(cls)
        factor._keep(eigenvalues, vectors, targets)
        return factor

    def _keep(self, eigenvalues: np.ndarray, vectors: np.ndarray, targets: np.ndarray) -> None:
        self.eigenvalues, self.vectors = np.maximum(eigenvalues, 0.0), vectors
        self.coefficients = vectors.T @ targets

    @property
    def largest(self) -> float:
        """The largest eigenvalue."""
        return float(self.eigenvalues[-1])

    @cached_property
    def _squares(self) -> np.ndarray:
        return self.vectors * self.vectors

    def resolvents(self, ridges: np.ndarray) -> Resolvents:
        """The resolvent at each ridge (l,), by two matrix products."""
        n, k = self.coefficients.shape
        shifted = self.eigenvalues[:, None] / n + ridges  # (n, l)
        inverse = 1.0 / shifted
        relative = shifted[0] / shifted  # in (0, 1]: its powers neither overflow nor vanish all at once
        square = relative * relative
        weighted = inverse[:, :, None] * self.coefficients[:, None, :]  # (n, l, k)
        dual = (self.vectors @ weighted.reshape(n, -1)).reshape(n, ridges.size, k)
        return Resolvents(
            ridges=ridges,
            dual=dual.transpose(1, 0, 2),
            diagonal=(self._squares @ inverse).T,
            trace=inverse.mean(0),
            participation=relative.mean(0) ** 2 / square.mean(0),
            concentration=(square * square).mean(0) / square.mean(0) ** 2,
            log_determinant=np.log(shifted).mean(0),
            power=np.einsum("nlk,nk->l", weighted, self.coefficients) / n,
        )

    def inverse_blocks(self, ridge: float, members: np.ndarray) -> np.ndarray:
        """Blocks of M^-1 on groups of rows (g, s), shape (g, s, s)."""
        part = self.vectors[members]
        return (part / (self.eigenvalues / len(self.eigenvalues) + ridge)) @ part.transpose(0, 2, 1)


def refuse_negative(smallest: float, largest: float) -> None:
    """Raise NotPositiveDefinite when the smallest eigenvalue is negative beyond what float32 round-off explains."""
    if smallest < -1e-5 * max(largest, 0.0):
        raise NotPositiveDefinite(
            f"the Gram matrix has eigenvalues from {smallest:.3g} to {largest:.3g}; a kernel has none below zero: "
            "check that the function is symmetric and positive semi-definite"
        )
