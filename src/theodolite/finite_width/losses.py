"""What finite networks are trained on: the loss of each input, and how far each still is from being fitted."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import jax
import jax.numpy as jnp

from theodolite.numerics.errors import BadInput


@dataclass(frozen=True)
class Loss:
    """`value(f, y)`: the loss of each input, (n,), from outputs f and targets y (n, k); `gap(f, y)`: how far each input
    is from being fitted, (n,), at most 0 where it is."""

    name: str
    value: Callable[[Any, Any], Any] = field(repr=False)
    gap: Callable[[Any, Any], Any] = field(repr=False)


def _squared(f: jax.Array, y: jax.Array) -> jax.Array:
    return 0.5 * jnp.sum((f - y) ** 2, axis=-1)


def _furthest(f: jax.Array, y: jax.Array) -> jax.Array:
    return jnp.max(jnp.abs(f - y), axis=-1)


def _margin(f: jax.Array, y: jax.Array) -> jax.Array:
    """1 - y f, the largest over the columns of y in {-1, 1}."""
    return jnp.max(1.0 - y * f, axis=-1)


def _squared_hinge(f: jax.Array, y: jax.Array) -> jax.Array:
    return 0.5 * jnp.sum(jnp.maximum(1.0 - y * f, 0.0) ** 2, axis=-1)


def _cross_entropy(f: jax.Array, y: jax.Array) -> jax.Array:
    if y.shape[-1] == 1:
        return jnp.sum(jnp.logaddexp(0.0, f) - y * f, axis=-1)
    return jax.nn.logsumexp(f, axis=-1) - jnp.sum(y * f, axis=-1)


def _behind(f: jax.Array, y: jax.Array) -> jax.Array:
    """How far the output of the target's class lies below the largest other one."""
    if y.shape[-1] == 1:
        return jnp.where(y[..., 0] > 0.5, -f[..., 0], f[..., 0])
    others = jnp.where(y > 0.5, -jnp.inf, f)
    return jnp.max(others, axis=-1) - jnp.sum(jnp.where(y > 0.5, f, 0.0), axis=-1)


LOSSES = {
    loss.name: loss
    for loss in (
        Loss("mse", _squared, _furthest),  # half the squared distance: the gradient is f - y
        Loss("squared_hinge", _squared_hinge, _margin),
        Loss("cross_entropy", _cross_entropy, _behind),
    )
}


def loss_of(loss: str | Loss) -> Loss:
    """The loss of a name, or the loss itself.

    >>> float(loss_of("squared_hinge").value(jnp.array([0.5]), jnp.array([1.0])))
    0.125
    """
    if isinstance(loss, Loss):
        return loss
    if loss not in LOSSES:
        raise BadInput(f"no loss is called {loss!r}; known: {', '.join(LOSSES)}")
    return LOSSES[loss]
