"""Matrices over F2, the field of two elements: inverses, and random ones that are sparse and invertible."""

from typing import Any

import numpy as np
from jaxtyping import Bool

from theodolite.numerics.checks import positive_integer
from theodolite.numerics.errors import BadInput, DidNotConverge, ShapeMismatch

MOST_TRIES = 20_000


def binary_matrix(matrix: Any) -> Bool[np.ndarray, "m m"]:
    """A square matrix of zeros and ones as booleans, or a named error."""
    A = np.asarray(matrix)
    if A.ndim != 2 or A.shape[0] != A.shape[1] or not len(A):
        raise ShapeMismatch(f"matrix has shape {A.shape}; expected (m, m)")
    if not np.isin(A, (0, 1)).all():
        raise BadInput("matrix holds entries other than 0 and 1; expected one over F2, take it mod 2")
    return A.astype(bool)


def binary_inverse(matrix: Any) -> Bool[np.ndarray, "m m"] | None:
    """The inverse over F2, or None where there is none: elimination, each row with its identity packed in one integer.

    Cost: O(m^2) additions of rows of 2 m bits.

    >>> A = np.array([[1, 1, 0], [0, 1, 1], [0, 0, 1]])
    >>> binary_inverse(A).astype(int).tolist()
    [[1, 1, 1], [0, 1, 1], [0, 0, 1]]
    >>> binary_inverse([[1, 1], [1, 1]]) is None
    True
    """
    A = binary_matrix(matrix)
    m = len(A)
    rows = [_packed(row) | 1 << (m + i) for i, row in enumerate(A)]
    for j in range(m):
        pivot = next((i for i in range(j, m) if rows[i] >> j & 1), None)
        if pivot is None:
            return None
        rows[j], rows[pivot] = rows[pivot], rows[j]
        for i in range(m):
            if i != j and rows[i] >> j & 1:
                rows[i] ^= rows[j]
    return np.array([[row >> (m + j) & 1 for j in range(m)] for row in rows], dtype=bool)


def sparse_invertible(m: int, ones: int, rng: np.random.Generator) -> Bool[np.ndarray, "m m"]:
    """A permutation matrix and `ones` - m more ones at random empty places, drawn again until it is invertible.

    Args: m >= 1; ones, m <= ones <= m^2.
    Raises: BadInput outside this range, DidNotConverge after 20 000 draws, as for ones = m^2 > 1.

    >>> A = sparse_invertible(6, 12, np.random.default_rng(0))
    >>> int(A.sum()), binary_inverse(A) is not None
    (12, True)
    """
    m = positive_integer(m, "m")
    if not m <= ones <= m * m:
        raise BadInput(f"ones is {ones}; a {m} x {m} matrix with a permutation in it has {m} to {m * m}")
    for _ in range(MOST_TRIES):
        A = np.zeros((m, m), dtype=bool)
        A[np.arange(m), rng.permutation(m)] = True
        empty = np.flatnonzero(~A)
        A.flat[rng.choice(empty, ones - m, replace=False)] = True
        if binary_inverse(A) is not None:
            return A
    raise DidNotConverge(f"no invertible {m} x {m} matrix with {ones} ones in {MOST_TRIES} draws; take fewer ones")


def uniform_invertible(m: int, rng: np.random.Generator) -> Bool[np.ndarray, "m m"]:
    """A matrix drawn uniformly from GL(m, 2); on average m^2 2^(m-1) / (2^m - 1) ones, and so has its inverse.

    >>> binary_inverse(uniform_invertible(5, np.random.default_rng(0))) is not None
    True
    """
    m = positive_integer(m, "m")
    while True:  # three draws and a half on average: the share of invertible matrices is above 0.288 for every m
        A = rng.random((m, m)) < 0.5
        if binary_inverse(A) is not None:
            return A


def flipped(matrix: Any, entries: int, rng: np.random.Generator) -> Bool[np.ndarray, "m m"]:
    """The matrix with this many entries flipped, at random places that leave it invertible.

    >>> A = sparse_invertible(6, 12, np.random.default_rng(0))
    >>> int((flipped(A, 2, np.random.default_rng(1)) != A).sum())
    2
    """
    A = binary_matrix(matrix)
    if not 1 <= entries <= A.size:
        raise BadInput(f"entries is {entries}; expected 1 to {A.size}, the entries of the matrix")
    for _ in range(MOST_TRIES):
        B = A.copy()
        B.flat[rng.choice(A.size, entries, replace=False)] ^= True
        if binary_inverse(B) is not None:
            return B
    raise DidNotConverge(f"no {entries} flips leave the matrix invertible, in {MOST_TRIES} draws; take more flips")


def _packed(bits: np.ndarray) -> int:
    return sum(1 << int(j) for j in np.flatnonzero(bits))
