"""Deconvolutions at finite width: position q speaks to the positions stride q + offset - pad, with weights W_offset."""

import itertools
import math
from collections.abc import Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from theodolite.architectures import ConvTranspose
from theodolite.architectures.geometry import transpose_border
from theodolite.finite_width.positions import positions_of, window_and_strides
from theodolite.finite_width.rules import Shape, Tree, forward, parameters
from theodolite.finite_width.sizes import Size
from theodolite.finite_width.weights import check_channels, scaled, with_bias
from theodolite.numerics.errors import ShapeMismatch


def parent_counts(m: int, window: int, stride: int, padding: str) -> np.ndarray:
    """How many of m positions each of the stride * m new positions hears: #{q: 0 <= p + pad - stride q < window}.

    Source: Jacot, Gabriel, Ged and Hongler (2019), arXiv:1907.05715, where it scales the graph-based parametrisation.

    >>> parent_counts(3, window=4, stride=2, padding="SAME")
    array([1, 2, 2, 2, 2, 1])
    """
    heard = stride * np.arange(m)[:, None] + np.arange(window) - transpose_border(window, stride)
    heard = heard % (stride * m) if padding == "CIRCULAR" else heard[(heard >= 0) & (heard < stride * m)]
    return np.bincount(heard.ravel(), minlength=stride * m)


@parameters.register
def _(node: ConvTranspose, shape: Shape, sizes: Iterator[Size]) -> tuple[Tree, Shape]:
    positions = positions_of(node, shape)
    window, strides = _window_and_strides(node, positions)
    channels = next(sizes).channels
    arrays = with_bias(node, {"weight": (*window, shape[-1], channels)}, channels)
    return arrays, (*(s * m for s, m in zip(strides, positions, strict=True)), channels)


@forward.register
def _(node: ConvTranspose, params: Tree, h: jax.Array, key: jax.Array | None) -> jax.Array:
    """weight_std / sqrt(channels * nu_p) * sum over heard q of h_q W_(p + pad - stride q) + bias_std * b at each p.

    nu_p is the product of window / stride over the axes ("nominal"), or the number of positions that p hears ("graph").
    Source: Jacot, Gabriel, Ged and Hongler (2019), arXiv:1907.05715.
    Cost: one matrix product for each offset.
    """
    weight = params["weight"]
    positions = check_channels(node, h, weight.shape[-2])
    window, strides = _window_and_strides(node, positions_of(node, h.shape[1:]))
    total: Any = 0.0
    for offset in itertools.product(*map(range, window)):
        shifts = [o - transpose_border(w, s) for o, w, s in zip(offset, window, strides, strict=True)]
        total = total + _spread(h @ weight[offset], shifts, strides, node.padding)
    if node.edges == "nominal":
        return scaled(node, params, total, weight.shape[-2] * math.prod(window) / math.prod(strides))
    for axis, (m, w, s) in enumerate(zip(positions, window, strides, strict=True)):
        # a position that hears nothing has a sum of zero, whatever divides it
        heard = np.maximum(parent_counts(m, w, s, node.padding), 1) ** -0.5
        total = total * jnp.asarray(heard, h.dtype).reshape(-1, *(1,) * (len(positions) - axis))
    return scaled(node, params, total, weight.shape[-2])


def _spread(h: jax.Array, shifts: list[int], strides: Shape, padding: str) -> jax.Array:
    """Position q of each axis moved to stride q + shift; what leaves is cut off, or comes in at the other end."""
    zero, still = h.dtype.type(0), (0, 0, 0)
    if padding == "CIRCULAR":
        apart = lax.pad(h, zero, [still, *((0, s - 1, s - 1) for s in strides), still])
        return jnp.roll(apart, shifts, axis=tuple(range(1, h.ndim - 1)))
    moves = [(shift, s - 1 - shift, s - 1) for shift, s in zip(shifts, strides, strict=True)]
    return lax.pad(h, zero, [still, *moves, still])


def _window_and_strides(node: ConvTranspose, positions: Shape) -> tuple[Shape, Shape]:
    window, strides = window_and_strides(node, positions)
    new = tuple(s * m for s, m in zip(strides, positions, strict=True))
    if any(w > size for w, size in zip(window, new, strict=True)):
        raise ShapeMismatch(
            f"{node!r} has the window {window} and makes {new} positions of {positions}; "
            f"expected a window of at most {new}: use a smaller one, or larger strides"
        )
    return window, strides
