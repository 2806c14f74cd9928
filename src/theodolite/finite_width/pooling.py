"""Pooling at finite width: sums and means over windows of positions, or over all of them."""

import math
from collections.abc import Iterator
from typing import Any

import jax

from theodolite.architectures import AveragePool, GlobalAveragePool, GlobalSumPool, SumPool
from theodolite.finite_width.positions import borders, positions_of, shifted, window_and_strides
from theodolite.finite_width.rules import Shape, Tree, forward, parameters
from theodolite.finite_width.sizes import Size


@parameters.register(AveragePool)
@parameters.register(SumPool)
def _(node: AveragePool | SumPool, shape: Shape, sizes: Iterator[Size]) -> tuple[Tree, Shape]:
    return {}, (*(count for _, _, count in borders(node, positions_of(node, shape))), shape[-1])


@forward.register
def _(node: SumPool, params: Tree, h: jax.Array, key: jax.Array | None) -> jax.Array:
    return _window_sums(node, h)


@forward.register
def _(node: AveragePool, params: Tree, h: jax.Array, key: jax.Array | None) -> jax.Array:
    window, _ = window_and_strides(node, positions_of(node, h.shape[1:]))
    return _window_sums(node, h) / math.prod(window)


@parameters.register(GlobalAveragePool)
@parameters.register(GlobalSumPool)
def _(node: GlobalAveragePool | GlobalSumPool, shape: Shape, sizes: Iterator[Size]) -> tuple[Tree, Shape]:
    positions_of(node, shape)
    return {}, shape[-1:]


@forward.register
def _(node: GlobalAveragePool, params: Tree, h: jax.Array, key: jax.Array | None) -> jax.Array:
    return h.mean(axis=tuple(range(1, h.ndim - 1)))


@forward.register
def _(node: GlobalSumPool, params: Tree, h: jax.Array, key: jax.Array | None) -> jax.Array:
    return h.sum(axis=tuple(range(1, h.ndim - 1)))


def _window_sums(node: AveragePool | SumPool, h: jax.Array) -> jax.Array:
    total: Any = sum(part for _, part in shifted(h, *window_and_strides(node, positions_of(node, h.shape[1:]))))
    return total
