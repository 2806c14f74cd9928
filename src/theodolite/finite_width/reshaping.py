"""Flatten and Reshape at finite width: the same numbers in another shape, in C order."""

import math
from collections.abc import Iterator

import jax

from theodolite.architectures import Flatten, Reshape
from theodolite.finite_width.rules import Shape, Tree, forward, parameters
from theodolite.finite_width.sizes import Size
from theodolite.numerics.errors import ShapeMismatch


@parameters.register
def _(node: Flatten, shape: Shape, sizes: Iterator[Size]) -> tuple[Tree, Shape]:
    return {}, (math.prod(shape),)


@forward.register
def _(node: Flatten, params: Tree, h: jax.Array, key: jax.Array | None) -> jax.Array:
    return h.reshape(h.shape[0], math.prod(h.shape[1:]))


@parameters.register
def _(node: Reshape, shape: Shape, sizes: Iterator[Size]) -> tuple[Tree, Shape]:
    return {}, _fitting(node, shape)


@forward.register
def _(node: Reshape, params: Tree, h: jax.Array, key: jax.Array | None) -> jax.Array:
    return h.reshape(h.shape[0], *_fitting(node, h.shape[1:]))


def _fitting(node: Reshape, shape: Shape) -> Shape:
    if math.prod(shape) != node.size:
        raise ShapeMismatch(
            f"{node!r} holds {node.size} numbers, got inputs of shape {shape} with {math.prod(shape)}; "
            "give a shape whose sizes multiply to that"
        )
    return node.shape
