"""Windows that move over the positions of sequences and images."""

import itertools
from collections.abc import Iterator
from typing import Any

import jax
import numpy as np
from jax import lax

from theodolite.architectures import Node
from theodolite.architectures.geometry import conv_border
from theodolite.architectures.layers import per_axis
from theodolite.finite_width.rules import Shape
from theodolite.numerics.errors import ShapeMismatch


def positions_of(node: Node, shape: Shape) -> Shape:
    """The positions of one input (*positions, channels), of which there must be an axis.

    >>> from theodolite.architectures import Conv
    >>> positions_of(Conv(), (8, 8, 3))
    (8, 8)
    """
    if len(shape) < 2:
        raise ShapeMismatch(
            f"{node!r} moves over positions, and inputs of shape {shape} have none; begin the architecture with "
            "Reshape((h, w, channels)) for images or Reshape((length, channels)) for sequences"
        )
    return shape[:-1]


def window_and_strides(node: Any, positions: Shape) -> tuple[Shape, Shape]:
    """Window and strides of a node for each axis of positions.

    >>> from theodolite.architectures import Conv
    >>> window_and_strides(Conv(3, strides=(1, 2)), (8, 8))
    ((3, 3), (1, 2))
    """
    axes = len(positions)
    window = per_axis(node.window, axes, f"the window of {node!r}")
    return window, per_axis(node.strides, axes, f"the strides of {node!r}")


def borders(node: Any, positions: Shape, padding: str = "VALID") -> tuple[tuple[int, int, int], ...]:
    """(added before, added after, places of the window) on each axis; see `architectures.geometry`.

    Raises: ShapeMismatch when the window or the strides are larger than the positions.

    >>> from theodolite.architectures import Conv
    >>> borders(Conv(3, strides=(1, 2)), (8, 8), "SAME")
    ((1, 1, 8), (0, 1, 4))
    """
    window, strides = window_and_strides(node, positions)
    try:
        return tuple(conv_border(m, w, s, padding) for m, w, s in zip(positions, window, strides, strict=True))
    except ShapeMismatch as error:
        raise ShapeMismatch(f"{node!r} on inputs with positions {positions}: {error}") from None


def padded(h: jax.Array, added: tuple[tuple[int, int, int], ...], padding: str) -> jax.Array:
    """A batch with the positions that `borders` adds: zeros, or for "CIRCULAR" those of the other end.

    >>> import jax.numpy as jnp
    >>> padded(jnp.array([[[1.0], [2.0], [3.0]]]), ((1, 1, 3),), "CIRCULAR").ravel().tolist()
    [3.0, 1.0, 2.0, 3.0, 1.0]
    """
    if padding != "CIRCULAR":
        return lax.pad(h, h.dtype.type(0), [(0, 0, 0), *((before, after, 0) for before, after, _ in added), (0, 0, 0)])
    for axis, (before, after, _) in enumerate(added, start=1):
        h = h.take(np.arange(-before, h.shape[axis] + after) % h.shape[axis], axis=axis)
    return h


def shifted(h: jax.Array, window: Shape, strides: Shape) -> Iterator[tuple[Shape, jax.Array]]:
    """For each offset in the window, the offset and the batch as that corner of all windows sees it.

    >>> import jax.numpy as jnp
    >>> [(offset, seen.ravel().tolist()) for offset, seen in shifted(jnp.arange(4.0).reshape(1, 4, 1), (2,), (2,))]
    [((0,), [0.0, 2.0]), ((1,), [1.0, 3.0])]
    """
    places = [(m - w) // s + 1 for m, w, s in zip(h.shape[1:-1], window, strides, strict=True)]
    for offset in itertools.product(*map(range, window)):
        ends = [o + (count - 1) * s + 1 for o, count, s in zip(offset, places, strides, strict=True)]
        yield offset, lax.slice(h, (0, *offset, 0), (h.shape[0], *ends, h.shape[-1]), (1, *strides, 1))
