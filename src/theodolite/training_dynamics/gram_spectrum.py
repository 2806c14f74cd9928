"""The spectrum of K/N: one eigendecomposition, from which everything about the squared cost follows."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.linalg

from theodolite.kernel_regression.spectral import refuse_negative
from theodolite.numerics import memory
from theodolite.numerics.checks import symmetric_gram
from theodolite.numerics.errors import BadInput


@dataclass(frozen=True)
class GramSpectrum:
    """The positive part of K/N = V diag(eigenvalues) V', largest eigenvalue first.

    Attributes: eigenvalues (r,), above round-off, in the unit of the kernel; vectors (n, r), orthonormal columns. What
    is orthogonal to them is the null space: training never moves the outputs along it.
    """

    eigenvalues: np.ndarray
    vectors: np.ndarray

    @property
    def rank(self) -> int:
        """r."""
        return len(self.eigenvalues)

    def null_part(self, columns: np.ndarray) -> np.ndarray:
        """The projection of columns (n, k) on the null space; exactly 0 when the rank is full."""
        if self.rank == len(self.vectors):
            return np.zeros_like(columns)
        return columns - self.vectors @ (self.vectors.T @ columns)


def gram_spectrum(gram: Any, *, memory_limit: int | str | None = None) -> GramSpectrum:
    """The eigenvalues and eigenvectors of gram / n above round-off, n * eps * the largest.

    Args: gram (n, n), n >= 2, symmetric positive semi-definite; memory_limit, bytes or text such as "4GB".
    Raises: ShapeMismatch, NotFinite, NotPositiveDefinite; BadInput for a Gram matrix of zeros; TooLarge.
    Source: Jacot, Gabriel and Hongler (2018), arXiv:1806.07572, section 4.
    Cost: about 9 n^3 operations; memory 5 n^2 numbers.

    >>> gram_spectrum([[2.0, 2.0], [2.0, 2.0]]).eigenvalues
    array([2.])
    """
    n = len(gram)
    memory.require(
        5 * 8 * n * n,
        memory_limit,
        f"the eigendecomposition of a {n} x {n} Gram matrix",
        "use fewer rows or a larger memory_limit",
    )
    precision = float(np.finfo(np.result_type(np.asarray(gram).dtype, np.float32)).eps)
    gram = symmetric_gram(gram)
    eigenvalues, vectors = scipy.linalg.eigh(gram.T, driver="evd", check_finite=False)  # gram = gram.T
    largest = float(eigenvalues[-1])
    refuse_negative(eigenvalues[0], largest)
    if largest <= 0:
        raise BadInput("the Gram matrix is zero, training would move nothing; expected a kernel with K(x, x) > 0")
    positive = eigenvalues > n * precision * largest
    return GramSpectrum(eigenvalues[positive][::-1] / n, np.ascontiguousarray(vectors[:, positive][:, ::-1]))
