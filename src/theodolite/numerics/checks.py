"""Checks at the door: arrays in, float64 host arrays out, or an error that says what came and what to try."""

from typing import Any

import numpy as np

from theodolite.numerics.errors import BadInput, NotFinite, ShapeMismatch


def finite(values: np.ndarray, name: str) -> np.ndarray:
    """Return `values`, or raise `NotFinite` naming the first offending entry."""
    if not np.isfinite(values).all():
        where = np.argwhere(~np.isfinite(values))[0].tolist()
        place = where[0] if len(where) == 1 else tuple(where)
        raise NotFinite(
            f"{name} holds {values[tuple(where)]} at {place}; expected finite numbers: drop or fill those entries first"
        )
    return values


def symmetric_gram(gram: Any) -> np.ndarray:
    """A square, finite, symmetric float64 matrix (n, n), n >= 2."""
    array = np.asarray(gram)
    if array.ndim != 2 or array.shape[0] != array.shape[1] or array.shape[0] < 2:
        raise ShapeMismatch(
            f"gram has shape {array.shape}; expected (n, n) with n >= 2, as kernels.gram(kernel, X) returns it"
        )
    if array.dtype.kind not in "fiub":
        raise BadInput(f"gram has dtype {array.dtype}; expected real numbers")
    round_off = np.sqrt(np.finfo(np.result_type(array.dtype, np.float32)).eps)
    array = array.astype(np.float64, copy=False)
    if _finite_and_exactly_symmetric(array):
        return array
    if np.abs(finite(array, "gram") - array.T).max() > round_off * np.abs(array).max():
        raise ShapeMismatch(
            "gram is not symmetric; expected K(X, X) of one set of points, not K(X, Z): use kernels.gram(kernel, X)"
        )
    return array


def _finite_and_exactly_symmetric(array: np.ndarray, tile: int = 256) -> bool:
    """The usual case, seen without a temporary matrix: tiles that fit the processor's cache, each with its mirror."""
    return all(
        np.isfinite(array[i : i + tile, j : j + tile].sum())
        and np.array_equal(array[i : i + tile, j : j + tile], array[j : j + tile, i : i + tile].T)
        for i in range(0, len(array), tile)
        for j in range(0, i + 1, tile)
    )


def target_columns(targets: Any, n: int) -> np.ndarray:
    """Targets as float64 columns (n, k), k >= 1; a vector (n,) becomes one column."""
    array = np.asarray(targets)
    if array.ndim not in (1, 2) or array.shape[0] != n or array.shape[1:] == (0,):
        raise ShapeMismatch(f"targets have shape {array.shape}; expected ({n},) or ({n}, k) to go with {n} rows")
    if array.dtype.kind not in "fiub":
        raise BadInput(f"targets have dtype {array.dtype}; expected real numbers (encode classes as +-1 or one-hot)")
    return finite(array.astype(np.float64), "targets").reshape(n, -1)


def positive(value: float, name: str, instead: str = "") -> float:
    """A finite number > 0."""
    if not (_is_number(value) and 0 < value < np.inf):
        raise BadInput(f"{name} must be positive, got {value!r}" + (f"; {instead}" if instead else ""))
    return float(value)


def positive_integer(value: Any, name: str) -> int:
    """A whole number >= 1, of any numeric type."""
    if not (_is_number(value) and 1 <= value < np.inf and value % 1 == 0):
        raise BadInput(f"{name} must be a positive integer, got {value!r}")
    return int(value)


def zero_or_positive(value: Any, name: str) -> float:
    """A finite number >= 0."""
    if not (_is_number(value) and 0 <= value < np.inf):
        raise BadInput(f"{name} must be zero or positive, got {value!r}")
    return float(value)


def _is_number(value: Any) -> bool:
    return np.ndim(value) == 0 and np.asarray(value).dtype.kind in "fiub"


def ridges_array(ridge: Any) -> np.ndarray:
    """Positive finite ridges as a float64 vector (l,)."""
    array = np.atleast_1d(np.asarray(ridge, dtype=np.float64))
    if array.ndim != 1:
        raise ShapeMismatch(f"ridge has shape {array.shape}; expected a number or a vector of numbers")
    wrong = array[~(np.isfinite(array) & (array > 0))]
    if wrong.size:
        raise BadInput(f"ridge must be positive, got {wrong[0]}; ridge is lambda in gram / n + lambda * identity")
    return array
