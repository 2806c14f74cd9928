"""Convolutions at finite width, as a sum over the offsets of the window of shifted batches times a matrix.

Sums of matrix products stand where lax.conv could: on processors the latter is slow in float64 and not always safe.
"""

import math
from collections.abc import Iterator

import jax

from theodolite.architectures import Conv
from theodolite.finite_width.positions import borders, padded, positions_of, shifted, window_and_strides
from theodolite.finite_width.rules import Shape, Tree, forward, parameters
from theodolite.finite_width.sizes import Size
from theodolite.finite_width.weights import check_channels, scaled, with_bias


@parameters.register
def _(node: Conv, shape: Shape, sizes: Iterator[Size]) -> tuple[Tree, Shape]:
    positions = positions_of(node, shape)
    window, _ = window_and_strides(node, positions)
    places = [count for _, _, count in borders(node, positions, node.padding)]
    channels = next(sizes).channels
    return with_bias(node, {"weight": (*window, shape[-1], channels)}, channels), (*places, channels)


@forward.register
def _(node: Conv, params: Tree, h: jax.Array, key: jax.Array | None) -> jax.Array:
    """weight_std / sqrt(fan_in) * sum over offsets of h_(stride p + offset) W_offset + bias_std * b at each p.

    fan_in is window positions * channels everywhere, at borders too. No kernel is flipped: W_0 is the first corner.
    Cost: one matrix product for each offset; memory of one batch at a time.
    """
    weight = params["weight"]
    positions = check_channels(node, h, weight.shape[-2])
    wide = padded(h, borders(node, positions, node.padding), node.padding)
    seen = shifted(wide, *window_and_strides(node, positions))
    return scaled(node, params, sum(part @ weight[offset] for offset, part in seen), math.prod(weight.shape[:-1]))  # type: ignore[arg-type]
