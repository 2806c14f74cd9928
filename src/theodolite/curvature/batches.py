"""Data as a fixed list of batches: read once, checked, and found to be the same when read again."""

from collections.abc import Iterable, Sequence
from typing import Any

import jax
import numpy as np

from theodolite.numerics.errors import BadInput, NotDeterministic, NotFinite, ShapeMismatch

Batch = tuple[Any, np.ndarray]  # inputs, an array or a tree of arrays with the same rows, and targets


def read_batches(data: Any, dtype: np.dtype) -> tuple[list[Batch], bool]:
    """The batches, and whether they came as one pair whose rows may be divided freely.

    Args: data, a pair (X, Y), a sequence of such pairs, or an iterable of pairs that gives the same ones each time;
        dtype, that floating entries are read in.
    Raises: BadInput, ShapeMismatch for no data or rows that do not agree, NotFinite, NotDeterministic.
    """
    if isinstance(data, tuple) and len(data) == 2 and not _is_pair(data[0]):
        return [_batch(data, dtype, "data")], True
    batches = [_batch(pair, dtype, f"batch {i}") for i, pair in enumerate(_listed(data))]
    if not batches:
        raise ShapeMismatch("data holds no batches; expected a pair (X, Y) or a list of such pairs")
    return batches, False


def rows_of(X: Any) -> int:
    """The length of the first axis."""
    return int(jax.tree.leaves(X)[0].shape[0])


def take(X: Any, rows: slice | np.ndarray) -> Any:
    """Some rows of every array."""
    return jax.tree.map(lambda array: array[rows], X)


def _is_pair(value: Any) -> bool:
    return isinstance(value, tuple | list) and len(value) == 2 and hasattr(value[0], "shape")


def _listed(data: Any) -> Sequence[Any]:
    if isinstance(data, str | bytes | dict) or not isinstance(data, Iterable) or hasattr(data, "shape"):
        raise BadInput(f"data is a {type(data).__name__}; expected a pair (X, Y) or a list of such pairs, as batches")
    first = list(data)
    if not isinstance(data, list | tuple) and iter(data) is not data:  # a loader, that can be read again
        again = list(data)
        if len(first) != len(again) or not all(_same(a, b) for a, b in zip(first, again, strict=True)):
            raise NotDeterministic(
                "the data give other batches when they are read again (a shuffling loader?), so the loss is not "
                "a fixed function; pass a fixed list of batches, for instance list(loader)"
            )
    return first


def _same(a: Any, b: Any) -> bool:
    left, right = jax.tree.leaves(a), jax.tree.leaves(b)
    return len(left) == len(right) and all(
        np.array_equal(np.asarray(x), np.asarray(y)) for x, y in zip(left, right, strict=True)
    )


def _batch(pair: Any, dtype: np.dtype, name: str) -> Batch:
    if not isinstance(pair, tuple | list) or len(pair) != 2:
        raise BadInput(f"{name} is a {type(pair).__name__}; expected a pair (X, Y) of inputs and targets")
    X = jax.tree.map(lambda array: _array(array, dtype, f"X of {name}"), pair[0])
    Y = _array(pair[1], dtype, f"Y of {name}")
    lengths = {array.shape[0] for array in [*jax.tree.leaves(X), Y]}
    if len(lengths) != 1 or not jax.tree.leaves(X):
        raise ShapeMismatch(f"{name} has inputs and targets of {sorted(lengths)} rows; expected the same number")
    if lengths == {0}:
        raise ShapeMismatch(f"{name} has no rows; expected at least one input with its target")
    return X, Y


def _array(values: Any, dtype: np.dtype, name: str) -> np.ndarray:
    array = np.asarray(values)
    if array.dtype.kind not in "fiub" or array.ndim == 0:
        raise BadInput(
            f"{name} has dtype {array.dtype} and shape {array.shape}; expected numbers with one row an input"
        )
    if array.dtype.kind != "f":
        return array
    if not np.isfinite(array).all():
        raise NotFinite(f"{name} holds NaN or infinity; expected finite numbers: drop or fill those rows first")
    return array.astype(dtype, copy=False)
