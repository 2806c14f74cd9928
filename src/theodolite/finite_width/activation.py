"""Activations at finite width: the function itself, on each number."""

from collections.abc import Iterator

import jax
import jax.numpy as jnp

from theodolite.architectures import Activation
from theodolite.architectures.activation import Rescaled
from theodolite.finite_width.rules import Shape, Tree, forward, parameters
from theodolite.finite_width.sizes import Size
from theodolite.numerics.errors import ShapeMismatch


@parameters.register
def _(node: Activation, shape: Shape, sizes: Iterator[Size]) -> tuple[Tree, Shape]:
    return {}, shape


@forward.register
def _(node: Activation, params: Tree, h: jax.Array, key: jax.Array | None) -> jax.Array:
    values = jnp.asarray(node(h), h.dtype)
    if values.shape != h.shape:
        raise ShapeMismatch(f"{node!r} made shape {values.shape} of {h.shape}; expected one number for each number")
    return values


@forward.register
def _(node: Rescaled, params: Tree, h: jax.Array, key: jax.Array | None) -> jax.Array:
    with jax.ensure_compile_time_eval():  # moments of a user's JAX function are numbers, also while tracing
        scale, shift = float(node.scale), float(node.shift)
    return scale * forward(node.activation, params, h, key) + shift
