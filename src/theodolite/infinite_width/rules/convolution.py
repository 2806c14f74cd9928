"""Rules of the nodes that mix positions: convolution, deconvolution and pooling."""

import math
from typing import Any

from theodolite.architectures import (
    AveragePool,
    Conv,
    ConvTranspose,
    GlobalAveragePool,
    GlobalSumPool,
    Node,
    SumPool,
)
from theodolite.architectures.geometry import conv_border, transpose_border
from theodolite.architectures.layers import per_axis
from theodolite.infinite_width.rules.common import Rates, next_moments, with_weights
from theodolite.infinite_width.rules.moments import UNKNOWN, Moments
from theodolite.infinite_width.rules.places import bordered, dilated, place_axes, window_sums
from theodolite.numerics.errors import ShapeMismatch


@next_moments.register
def _(node: Conv, moments: Moments, rates: Rates) -> Moments:
    axes = _axes(node, moments)
    windows, strides = per_axis(node.window, axes, "window"), per_axis(node.strides, axes, "strides")
    borders = [conv_border(*sizes, node.padding) for sizes in zip(moments.positions, windows, strides, strict=True)]
    circular, count = node.padding == "CIRCULAR", math.prod(windows)

    def mixed(array: Any) -> Any:
        for axis, (before, after, outputs) in enumerate(borders):
            places = place_axes(axis, axes, moments.joint)
            for place in places:
                array = bordered(array, place, before, after, circular)
            array = window_sums(array, places, windows[axis], strides[axis], outputs)
        return array / count

    moments = moments.map(mixed, positions=tuple(outputs for _, _, outputs in borders))
    return with_weights(moments, node.weight_std, node.bias_std, next(rates))


@next_moments.register
def _(node: ConvTranspose, moments: Moments, rates: Rates) -> Moments:
    axes = _axes(node, moments)
    windows, strides = per_axis(node.window, axes, "window"), per_axis(node.strides, axes, "strides")
    outputs = tuple(size * stride for size, stride in zip(moments.positions, strides, strict=True))

    def heard(array: Any, joint: bool) -> Any:
        for axis in range(axes):
            places = place_axes(axis, axes, joint)
            for place in places:
                array = _spread(array, place, windows[axis], strides[axis], outputs[axis], node.padding == "CIRCULAR")
            array = window_sums(array, places, windows[axis], 1, outputs[axis])
        return array

    xp = moments.xp
    parents = heard(xp.ones(moments.positions, dtype=moments.nngp.dtype), joint=False)
    if node.edges == "nominal":
        scale: Any = math.prod(strides) / math.prod(windows)
    else:
        roots = xp.sqrt(xp.where(parents > 0, parents, xp.ones_like(parents)))
        scale = 1.0 / (roots[(..., *(None,) * axes)] * roots if moments.joint else roots * roots)
    moments = moments.map(lambda array: heard(array, moments.joint), positions=outputs)
    return with_weights(moments, node.weight_std, node.bias_std, next(rates), scale)


def _spread(array: Any, axis: int, window: int, stride: int, outputs: int, circular: bool) -> Any:
    """Inputs at every stride-th place, with the border that gives each output its window."""
    array = dilated(array, axis, stride, circular)
    before = window - 1 - transpose_border(window, stride)
    return bordered(array, axis, before, outputs + window - 1 - before - array.shape[axis], circular)


@next_moments.register
def _(node: AveragePool | SumPool, moments: Moments, rates: Rates) -> Moments:
    axes = _axes(node, moments)
    windows, strides = per_axis(node.window, axes, "window"), per_axis(node.strides or node.window, axes, "strides")
    borders = [conv_border(*sizes, "VALID") for sizes in zip(moments.positions, windows, strides, strict=True)]
    divisor = math.prod(windows) ** 2 if isinstance(node, AveragePool) else 1

    def pooled(array: Any) -> Any:
        for axis, (_, _, outputs) in enumerate(borders):
            for place in place_axes(axis, axes, joint=True):
                array = window_sums(array, (place,), windows[axis], strides[axis], outputs)
        return array / divisor

    return _pooled(moments, pooled, tuple(outputs for _, _, outputs in borders))


@next_moments.register
def _(node: GlobalAveragePool | GlobalSumPool, moments: Moments, rates: Rates) -> Moments:
    axes = _axes(node, moments)
    xp, places = moments.xp, tuple(range(-2 * axes, 0))
    total = xp.mean if isinstance(node, GlobalAveragePool) else xp.sum
    return _pooled(moments, lambda array: total(array, axis=places), ())


def _pooled(moments: Moments, pooled: Any, positions: tuple[int, ...]) -> Moments:
    assert moments.joint, "a pooling needs the moments of pairs of positions"
    return moments.map(
        pooled,
        positions=positions,
        joint=bool(positions),
        mean_left=None if moments.mean_left is None else UNKNOWN,
        mean_right=None if moments.mean_right is None else UNKNOWN,
    )


def _axes(node: Node, moments: Moments) -> int:
    """How many axes the positions have; vectors have none."""
    if not moments.positions:
        raise ShapeMismatch(
            f"{node!r} needs positions, and its input has none; give images (n, height, width, channels) or sequences "
            "(n, length, channels), or begin the architecture with Reshape((height, width, channels)) >> ..."
        )
    return len(moments.positions)
