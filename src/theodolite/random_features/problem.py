"""Kernel regression in the eigenbasis of its Gram matrix: where theory and sampling of features both start."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.linalg

from theodolite.numerics.checks import finite, symmetric_gram
from theodolite.numerics.errors import ShapeMismatch

ROUND_OFF = 1e-14  # eigenvalues below this share of the largest are left out, as in the paper's numerical work


@dataclass(frozen=True, eq=False)
class Problem:
    """Training data and points to predict, in the eigenbasis of the Gram matrix K = U diag(d) U'.

    Attributes: rows n; eigenvalues d (r,) of K, not divided by n, largest first; coefficients U'y (r,); weights
    B = K(Z, X) U d^{-1/2} (m, r), whose squares sum to at most k(z, z) in each row; unseen (m,), k(z, z) minus that
    sum: what the training points do not say about the process at z; outside, |y|^2 beyond the span of K.
    """

    rows: int
    eigenvalues: np.ndarray
    coefficients: np.ndarray
    weights: np.ndarray
    unseen: np.ndarray
    outside: float

    @classmethod
    def of(cls, gram: Any, targets: Any, cross: Any, diagonal: Any) -> "Problem":
        """From K(X, X) (n, n), targets (n,), K(Z, X) (m, n) and k(z, z) (m,). Cost: O(n^3 + m n^2).

        >>> from theodolite.kernels import RBF
        >>> X, Z, k = np.linspace(0, 3, 8)[:, None], np.array([[0.5]]), RBF(1.0)
        >>> problem = Problem.of(k(X), np.sin(X[:, 0]), k(Z, X), k.diagonal(Z))
        >>> float(problem.kernel_prediction(1e-9)[0].round(3)), float(np.sin(0.5).round(3))
        (0.481, 0.479)
        """
        matrix, y = symmetric_gram(gram), finite(np.asarray(targets, dtype=np.float64), "targets")
        across, own = np.asarray(cross, dtype=np.float64), np.asarray(diagonal, dtype=np.float64)
        n = len(matrix)
        if y.shape != (n,) or across.shape != (len(own), n) or own.ndim != 1:
            raise ShapeMismatch(
                f"targets {y.shape}, cross {across.shape} and diagonal {own.shape} do not go with a Gram matrix of "
                f"{n} rows; expected ({n},), (m, {n}) and (m,)"
            )
        values, vectors = scipy.linalg.eigh(matrix)
        kept = np.flatnonzero(values > ROUND_OFF * values[-1])[::-1]
        d, U = values[kept], vectors[:, kept]
        c, B = U.T @ y, finite(across, "cross") @ U / np.sqrt(d)
        unseen = np.maximum(finite(own, "diagonal") - np.einsum("ij,ij->i", B, B), 0.0)
        return cls(n, d, c, B, unseen, max(float(y @ y - c @ c), 0.0))

    def kernel_prediction(self, ridge: float) -> np.ndarray:
        """Kernel ridge regression at the points, (m,); ridge >= 0 is lambda in K / n + lambda I."""
        d = self.eigenvalues
        return self.weights @ (np.sqrt(d) * self.coefficients / (d + self.rows * ridge))
