"""Normalisation at finite width: over the channels of a position, or over the batch; nothing is learned."""

from collections.abc import Iterator

import jax
import jax.numpy as jnp

from theodolite.architectures import BatchNorm, LayerNorm
from theodolite.finite_width.rules import Shape, Tree, forward, parameters
from theodolite.finite_width.sizes import Size
from theodolite.numerics.errors import BadInput

EPSILON = 1e-12  # added to the variance, for units that are constant, as a ReLU that is zero on the whole batch


@parameters.register
def _(node: LayerNorm, shape: Shape, sizes: Iterator[Size]) -> tuple[Tree, Shape]:
    if shape[-1] == 1:
        raise BadInput(f"{node!r} over one channel is always zero; place it before the last layer, or widen that")
    return {}, shape


@forward.register
def _(node: LayerNorm, params: Tree, h: jax.Array, key: jax.Array | None) -> jax.Array:
    """(h - mean) / sqrt(var + 1e-12) over the channels; var divides by their number."""
    return _normalised(h, (-1,))


@parameters.register
def _(node: BatchNorm, shape: Shape, sizes: Iterator[Size]) -> tuple[Tree, Shape]:
    return {}, shape


@forward.register
def _(node: BatchNorm, params: Tree, h: jax.Array, key: jax.Array | None) -> jax.Array:
    """(h - mean) / sqrt(var + 1e-12) over batch and positions, channel by channel; var divides by their number."""
    return _normalised(h, tuple(range(h.ndim - 1)))


def _normalised(h: jax.Array, axes: Shape) -> jax.Array:
    centred = h - h.mean(axes, keepdims=True)
    return centred / jnp.sqrt((centred * centred).mean(axes, keepdims=True) + EPSILON)
