"""Windows that move over the positions of sequences and images."""

import itertools
from collections.abc import Iterator
from typing import Any

import jax
import numpy as np
from jax import lax

from theodolite.architectures import Node
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
    """Window and strides for each axis, neither larger than the positions there.

    >>> from theodolite.architectures import Conv
    >>> window_and_strides(Conv(3, strides=(1, 2)), (8, 8))
    ((3, 3), (1, 2))
    """
    window = per_axis(node.window, len(positions), f"the window of {node!r}")
    strides = per_axis(node.strides, len(positions), f"the strides of {node!r}")
    for name, sizes in (("window", window), ("stride", strides)):
        if any(size > there for size, there in zip(sizes, positions, strict=True)):
            raise ShapeMismatch(
                f"{node!r} has the {name} {sizes} on inputs with positions {positions}; "
                f"expected at most {positions}: use a smaller {name} or fewer layers that shrink the positions"
            )
    return window, strides


def counts(positions: Shape, window: Shape, strides: Shape, padding: str = "VALID") -> Shape:
    """How many places a window takes on each axis: (m - window) // stride + 1, or ceil(m / stride) with padding.

    >>> counts((7,), (3,), (2,)), counts((7,), (3,), (2,), "SAME")
    ((3,), (4,))
    """
    if padding == "VALID":
        return tuple((m - w) // s + 1 for m, w, s in zip(positions, window, strides, strict=True))
    return tuple(-(-m // s) for m, s in zip(positions, strides, strict=True))


def padded(h: jax.Array, window: Shape, strides: Shape, padding: str) -> jax.Array:
    """A batch with as many positions added as "SAME" or "CIRCULAR" windows need.

    On each axis max((places - 1) stride + window - m, 0) positions, the smaller half of them before the first: zeros,
    or for "CIRCULAR" the positions of the other end.

    >>> import jax.numpy as jnp
    >>> padded(jnp.array([[[1.0], [2.0], [3.0]]]), (3,), (1,), "CIRCULAR").ravel().tolist()
    [3.0, 1.0, 2.0, 3.0, 1.0]
    """
    if padding == "VALID":
        return h
    places = counts(h.shape[1:-1], window, strides, padding)
    for axis, (m, w, s, count) in enumerate(zip(h.shape[1:-1], window, strides, places, strict=True), start=1):
        extra = max((count - 1) * s + w - m, 0)
        before, after = extra // 2, extra - extra // 2
        if padding == "CIRCULAR":
            h = h.take(np.arange(-before, m + after) % m, axis=axis)
        else:
            h = lax.pad(h, h.dtype.type(0), [(before, after, 0) if a == axis else (0, 0, 0) for a in range(h.ndim)])
    return h


def shifted(h: jax.Array, window: Shape, strides: Shape) -> Iterator[tuple[Shape, jax.Array]]:
    """For each offset in the window, the offset and the batch as that corner of all windows sees it.

    >>> import jax.numpy as jnp
    >>> [(offset, seen.ravel().tolist()) for offset, seen in shifted(jnp.arange(4.0).reshape(1, 4, 1), (2,), (2,))]
    [((0,), [0.0, 2.0]), ((1,), [1.0, 3.0])]
    """
    places = counts(h.shape[1:-1], window, strides)
    for offset in itertools.product(*map(range, window)):
        ends = [o + (count - 1) * s + 1 for o, count, s in zip(offset, places, strides, strict=True)]
        yield offset, lax.slice(h, (0, *offset, 0), (h.shape[0], *ends, h.shape[-1]), (1, *strides, 1))
