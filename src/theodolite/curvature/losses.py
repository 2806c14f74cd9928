"""The loss of a batch from its outputs and targets: by name, or any function the user brings."""

from collections.abc import Callable
from functools import cache, lru_cache
from typing import Any

import jax.numpy as jnp
import numpy as np

from theodolite.finite_width.losses import LOSSES
from theodolite.numerics.errors import BadInput, ShapeMismatch

NAMES = ("mse", "cross_entropy")


def mean_loss(loss: Any) -> Callable[[Any, Any], Any]:
    """loss(outputs, targets) of a batch as one number, its mean; the same loss gives the same function."""
    if isinstance(loss, str):
        if loss not in NAMES:
            raise BadInput(
                f"no loss is called {loss!r}; expected {' or '.join(NAMES)}, or a function of outputs and targets"
            )
        return _by_name(loss)
    if not callable(loss):
        raise BadInput(
            f"loss is a {type(loss).__name__}; expected 'mse', 'cross_entropy' or a function of outputs, targets"
        )
    return _mean(loss)


@cache
def _by_name(name: str) -> Callable[[Any, Any], Any]:
    value = LOSSES[name].value

    def loss(outputs: Any, targets: Any) -> Any:
        return jnp.mean(value(outputs.reshape(len(outputs), -1), targets))

    return loss


@lru_cache(maxsize=64)
def _mean(loss: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    def mean(outputs: Any, targets: Any) -> Any:
        return jnp.mean(loss(outputs, targets))

    return mean


def fitting_targets(loss: Any, Y: np.ndarray, outputs: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
    """Targets as the loss reads them, (n, k) for the named ones: class labels become indicator rows.

    Raises: ShapeMismatch, BadInput for targets that do not fit outputs of this shape (n, ...).
    """
    if not isinstance(loss, str):
        return Y
    n, k = outputs[0], int(np.prod(outputs[1:], dtype=int))
    if loss == "cross_entropy" and k > 1 and Y.size == n:
        return _indicators(Y.reshape(n), k, dtype)
    if Y.size != n * k:
        hint = "" if loss == "mse" else ", or class labels (n,)"
        raise ShapeMismatch(f"targets have shape {Y.shape} and outputs {outputs}; expected {n} x {k} numbers{hint}")
    Y = Y.reshape(n, k).astype(dtype)
    if loss == "cross_entropy":
        wrong_sums = k > 1 and np.abs(Y.sum(1) - 1).max() > 1e-4
        if Y.min() < 0 or Y.max() > 1 or wrong_sums:
            raise BadInput(
                f"cross-entropy targets lie between {Y.min():g} and {Y.max():g}; expected probabilities: of the second "
                "of two classes where there is one output, rows that sum to 1 where there are more, or class labels"
            )
    return Y


def _indicators(labels: np.ndarray, k: int, dtype: np.dtype) -> np.ndarray:
    whole = labels.astype(int)
    if not np.array_equal(whole, labels) or whole.min() < 0 or whole.max() >= k:
        raise BadInput(
            f"class labels lie between {labels.min()} and {labels.max()}; expected whole numbers 0 to {k - 1} for {k} "
            "outputs"
        )
    return np.eye(k, dtype=dtype)[whole]
