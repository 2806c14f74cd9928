"""Dropout at finite width: the identity without a key."""

from collections.abc import Iterator

import jax
import jax.numpy as jnp

from theodolite.architectures import Dropout
from theodolite.finite_width.rules import Shape, Tree, forward, parameters
from theodolite.finite_width.sizes import Size


@parameters.register
def _(node: Dropout, shape: Shape, sizes: Iterator[Size]) -> tuple[Tree, Shape]:
    return {}, shape


@forward.register
def _(node: Dropout, params: Tree, h: jax.Array, key: jax.Array | None) -> jax.Array:
    """Each number of each input kept with probability 1 - rate, then divided by it."""
    if key is None:
        return h
    return jnp.where(jax.random.bernoulli(key, 1 - node.rate, h.shape), h / (1 - node.rate), 0)
