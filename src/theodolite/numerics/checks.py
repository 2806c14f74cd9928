"""Checks at the door: arrays in, float64 host arrays out, or an error that says what came and what to try."""

from typing import Any

import numpy as np

from theodolite.numerics.errors import BadInput, NotFinite, ShapeMismatch


def finite(values: np.ndarray, name: str) -> np.ndarray:
    """Return `values`, or raise `NotFinite` naming the first offending entry."""
    if not np.isfinite(values).all():
        where = tuple(int(i) for i in np.argwhere(~np.isfinite(values))[0])
        raise NotFinite(
            f"{name} holds {values[where]} at {where if len(where) > 1 else where[0]}; "
            "expected finite numbers: drop or fill those entries first"
        )
    return values


def symmetric_gram(gram: Any) -> np.ndarray:
    """A square, finite, symmetric float64 matrix (n, n), n >= 2."""
    array = np.asarray(gram)
    if array.ndim != 2 or array.shape[0] != array.shape[1] or array.shape[0] < 2:
        raise ShapeMismatch(
            f"gram has shape {array.shape}; expected (n, n) with n >= 2, as kernels.gram(kernel, X) returns it"
        )
    array = finite(array.astype(np.float64, copy=False), "gram")
    scale = np.abs(array).max()
    if np.abs(array - array.T).max() > 1e-8 * scale:
        raise ShapeMismatch(
            "gram is not symmetric; expected K(X, X) of one set of points, not K(X, Z): use kernels.gram(kernel, X)"
        )
    return array


def target_columns(targets: Any, n: int) -> np.ndarray:
    """Targets as float64 columns (n, k); a vector (n,) becomes one column."""
    array = np.asarray(targets)
    if array.ndim not in (1, 2) or array.shape[0] != n:
        raise ShapeMismatch(f"targets have shape {array.shape}; expected ({n},) or ({n}, k) to go with {n} rows")
    if array.dtype.kind not in "fiub":
        raise BadInput(f"targets have dtype {array.dtype}; expected real numbers (encode classes as +-1 or one-hot)")
    return finite(array.astype(np.float64), "targets").reshape(n, -1)


def positive(value: float, name: str, instead: str = "") -> float:
    """A finite number > 0."""
    if not (np.isfinite(value) and value > 0):
        raise BadInput(f"{name} must be positive, got {value}" + (f"; {instead}" if instead else ""))
    return float(value)


def ridges_array(ridge: Any) -> np.ndarray:
    """Positive finite ridges as a float64 vector (l,)."""
    array = np.atleast_1d(np.asarray(ridge, dtype=np.float64))
    if array.ndim != 1:
        raise ShapeMismatch(f"ridge has shape {array.shape}; expected a number or a vector of numbers")
    wrong = array[~(np.isfinite(array) & (array > 0))]
    if wrong.size:
        raise BadInput(f"ridge must be positive, got {wrong[0]}; ridge is lambda in gram / n + lambda * identity")
    return array
