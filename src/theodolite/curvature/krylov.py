"""Krylov spaces with full reorthogonalisation: the basis in double precision, whatever the products are in.

Libraries of traced linear algebra (matfree, say) keep the basis in the precision of the products and need the matrix as
one traceable function; ours are sums over blocks of data, often in single precision, where the basis must not be.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from theodolite.curvature.operators import Operator
from theodolite.numerics.errors import BadInput, NotFinite, ShapeMismatch

Rows = Callable[[np.ndarray], np.ndarray]
LOST = 0.7  # Daniel, Gragg, Kaufman and Stewart (1976): below this share of the norm, orthogonalise once more
BROKEN = 1e-13  # of the size of the matrix: what is left of a vector inside an invariant space


def products_of(matrix: Any) -> tuple[Rows, int]:
    """Products with rows (m, P) in double precision, of an Operator, an array, or anything with `@` and a shape."""
    shape = getattr(matrix, "shape", None)
    if shape is None or len(shape) != 2 or shape[0] != shape[1] or shape[0] < 1:
        raise ShapeMismatch(f"expected a symmetric matrix or an operator (P, P), got {shape or type(matrix).__name__}")

    def rows(vectors: np.ndarray) -> np.ndarray:
        found = matrix.rows(vectors) if isinstance(matrix, Operator) else np.asarray(matrix @ vectors.T).T
        if not np.isfinite(found).all():
            raise NotFinite(
                "a product with the matrix holds NaN or infinity; the curvature overflows at these parameters"
            )
        return np.asarray(found, np.float64)

    return rows, int(shape[0])


def signs(random: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Independent numbers +1 and -1 (Rademacher)."""
    return 2.0 * random.integers(0, 2, shape).astype(np.float64) - 1.0


def generator(seed: int | np.random.Generator) -> np.random.Generator:
    """Random numbers of a seed, or the given ones."""
    if isinstance(seed, np.random.Generator):
        return seed
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or seed < 0:
        raise BadInput(f"seed must be an integer >= 0 or a numpy Generator, got {seed!r}")
    return np.random.default_rng(int(seed))


def orthogonalised(basis: np.ndarray, vector: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The vector without its components along the rows of an orthonormal basis (j, P), and these components.

    First the last two rows, which is all that exact arithmetic asks for; then all rows; then all again while that took
    away more than rounding would.
    """
    taken = np.zeros(len(basis))
    for near in range(len(basis) - 1, max(len(basis) - 3, -1), -1):
        taken[near] = basis[near] @ vector
        vector = vector - taken[near] * basis[near]
    norm = np.linalg.norm(vector)
    for _ in range(3):
        found = basis @ vector
        vector -= found @ basis
        taken += found
        before, norm = norm, np.linalg.norm(vector)
        if norm >= LOST * before:
            break
    return vector, taken


class Lanczos:
    """One Krylov space from a start vector: an orthonormal basis, rows, and the tridiagonal matrix in it."""

    def __init__(self, start: np.ndarray, steps: int) -> None:
        self.basis = np.empty((steps, len(start)))
        self.basis[0] = start / np.linalg.norm(start)
        self.diagonal: list[float] = []
        self.beside: list[float] = []
        self.closed = False

    @property
    def last(self) -> np.ndarray:
        """The vector to multiply next."""
        return self.basis[len(self.diagonal) if not self.closed else len(self.diagonal) - 1]

    def take(self, product: np.ndarray) -> None:
        """One step further, given the product with `last`; nothing happens once the space is invariant."""
        if self.closed:
            return
        step = len(self.diagonal)
        rest, taken = orthogonalised(self.basis[: step + 1], product)
        self.diagonal.append(float(taken[step]))
        left = float(np.linalg.norm(rest))
        size = max(map(abs, (*self.diagonal, *self.beside, left)))
        if step + 1 == len(self.basis) or left <= BROKEN * size:
            self.closed = True
            return
        self.beside.append(left)
        self.basis[step + 1] = rest / left
