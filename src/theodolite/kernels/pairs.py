"""Pairs of points, and what kernels ask of them: inner products and distances, each computed once."""

from functools import cached_property
from typing import Any, Self

import numpy as np
from array_api_compat import array_namespace, is_numpy_array
from scipy.spatial.distance import cdist

from theodolite.numerics.errors import BadInput, ShapeMismatch

# Below this multiple of sqrt(eps), as a share of the norms, a squared distance has lost half its digits to cancellation
# and is computed again.
CANCELLED = 7.0

_EXPECTED = (
    "points have shape {}; expected (n, d), d >= 1: reshape one feature with X[:, None], flatten images with "
    "X.reshape(len(X), -1)"
)


def as_data(points: Any) -> Any:
    """Data as a floating (n, ...) array: JAX arrays stay JAX arrays, all else becomes a numpy array."""
    if _is_jax(points):
        if points.dtype.kind in "iub":
            points = points * 1.0
    else:
        points = np.asarray(points)
        if points.dtype.kind not in "fiub":
            raise BadInput(f"points have dtype {points.dtype}; expected real numbers (encode text columns first)")
        if points.dtype.kind != "f":
            points = points.astype(np.float64)
    if points.ndim < 2 or 0 in points.shape[1:]:
        raise ShapeMismatch(_EXPECTED.format(points.shape))
    return points


def _different(ours: tuple[int, ...], theirs: tuple[int, ...]) -> str:
    if len(ours) == len(theirs) == 2:
        return f"points have {ours[1]} and {theirs[1]} columns; expected the same number"
    return f"points have shapes {ours} and {theirs}; expected the same after the first axis: flatten images, or neither"


def as_points(points: Any) -> Any:
    """Data that are vectors: a floating (n, d) array."""
    return flat(as_data(points))


def flat(points: Any) -> Any:
    """The points, or ShapeMismatch when they are images or sequences."""
    if points.ndim != 2:
        raise ShapeMismatch(_EXPECTED.format(points.shape))
    return points


def _is_jax(points: Any) -> bool:
    return type(points).__module__.startswith(("jax", "jaxlib"))


class Pairs:
    """All pairs (x, z) of two sets of points; with one set, all pairs of its points.

    Distances and inner products are (n, m) arrays, computed when first asked for and then kept, so that kernels
    evaluated on the same pairs share them.

    >>> pairs = Pairs([[0.0], [3.0]])
    >>> pairs.squared_distance
    array([[0., 9.],
           [9., 0.]])
    """

    def __init__(self, X: Any, Z: Any = None) -> None:
        self.X = as_data(X)
        self.symmetric = Z is None
        self.Z = self.X if Z is None else as_data(Z)
        if _is_jax(self.X) and not _is_jax(self.Z):
            self.Z = array_namespace(self.X).asarray(self.Z)
        elif _is_jax(self.Z) and not _is_jax(self.X):
            self.X = array_namespace(self.Z).asarray(self.X)
        if self.X.shape[1:] != self.Z.shape[1:]:
            raise ShapeMismatch(_different(tuple(self.X.shape), tuple(self.Z.shape)))
        self.xp = array_namespace(self.X, self.Z)

    @property
    def shape(self) -> tuple[int, int]:
        """(n, m)."""
        return self.X.shape[0], self.Z.shape[0]

    @cached_property
    def left_square(self) -> Any:
        """|x|^2, shape (n,)."""
        return self.xp.sum(flat(self.X) * self.X, axis=1)

    @cached_property
    def right_square(self) -> Any:
        """|z|^2, shape (m,)."""
        return self.left_square if self.symmetric else self.xp.sum(flat(self.Z) * self.Z, axis=1)

    @cached_property
    def inner(self) -> Any:
        """x . z, shape (n, m)."""
        return flat(self.X) @ self.Z.T

    @cached_property
    def squared_distance(self) -> Any:
        """|x - z|^2, shape (n, m).

        Host arrays: exact zeros for equal points, at least half of the digits for any others. JAX arrays: an error of
        the order of eps times the squared spread of the points.
        """
        flat(self.X)
        if not is_numpy_array(self.X):
            middle = self.xp.mean(self.X, axis=0)  # moving all points leaves distances and their derivatives alone
            x, z = self.X - middle, self.Z - middle
            left, right = self.xp.sum(x * x, axis=1), self.xp.sum(z * z, axis=1)
            cross = left[:, None] + right[None, :] - 2.0 * (x @ z.T)
            squared = self.xp.where(cross > 0, cross, self.xp.zeros_like(cross))
            if self.symmetric:
                squared = self.xp.where(self.xp.eye(self.shape[0], dtype=bool), self.xp.zeros_like(squared), squared)
            return squared
        return _squared_distance(self.X, None if self.symmetric else self.Z)

    @cached_property
    def distance(self) -> Any:
        """|x - z|, shape (n, m); its derivative at equal points is 0."""
        if is_numpy_array(self.X):
            return np.sqrt(self.squared_distance)
        apart = self.squared_distance > 0
        safe = self.xp.where(apart, self.squared_distance, self.xp.ones_like(self.squared_distance))
        return self.xp.where(apart, self.xp.sqrt(safe), self.xp.zeros_like(safe))

    @cached_property
    def l1_distance(self) -> Any:
        """sum |x_k - z_k|, shape (n, m); the derivative of each term at 0 is 0."""
        flat(self.X)
        if is_numpy_array(self.X):
            return cdist(self.X, self.Z, "cityblock").astype(self.X.dtype, copy=False)
        gap = self.X[:, None, :] - self.Z[None, :, :]
        return self.xp.sum(gap * self.xp.sign(gap), axis=2)  # JAX gives abs the derivative 1 at 0

    def rows(self, start: int, stop: int, columns: int) -> Self:
        """The pairs of rows start..stop with the first `columns` points, sharing what is already computed."""
        part = type(self).__new__(type(self))
        part.X, part.Z, part.xp = self.X[start:stop], self.Z[:columns], self.xp
        part.symmetric = False
        for name in ("inner", "squared_distance", "distance", "l1_distance"):
            if name in self.__dict__:
                part.__dict__[name] = self.__dict__[name][start:stop, :columns]
        for name, window in (("left_square", slice(start, stop)), ("right_square", slice(0, columns))):
            if name in self.__dict__:
                part.__dict__[name] = self.__dict__[name][window]
        return part


def _squared_distance(X: np.ndarray, Z: np.ndarray | None) -> np.ndarray:
    """|x|^2 + |z|^2 - 2 x.z around the common mean, by one matrix product; cancelled entries are computed again."""
    middle = X.mean(axis=0)
    x = X - middle
    z = x if Z is None else Z - middle
    left, right = np.einsum("ij,ij->i", x, x), np.einsum("ij,ij->i", z, z)
    squared = x @ z.T
    squared *= -2.0
    squared += left[:, None]
    squared += right[None, :]
    share = CANCELLED * np.sqrt(np.finfo(squared.dtype).eps)
    close_rows, close_columns = np.nonzero(squared <= share * (left[:, None] + right[None, :]))
    for start in range(0, close_rows.size, 65536):  # a table of many repeated rows has many close pairs
        i, j = close_rows[start : start + 65536], close_columns[start : start + 65536]
        gap = X[i] - (X if Z is None else Z)[j]  # exact for close points, which centred ones are not
        squared[i, j] = np.einsum("ij,ij->i", gap, gap)
    return squared
