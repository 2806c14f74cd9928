"""The plain route: the rules applied to whole arrays, on the host or in JAX, traceable and differentiable."""

from collections.abc import Iterator, Sequence
from itertools import chain, repeat
from typing import Any

import numpy as np
from array_api_compat import array_namespace, is_numpy_array

from theodolite.architectures import (
    AveragePool,
    GlobalAveragePool,
    GlobalSumPool,
    LinearAttention,
    Node,
    ParallelSum,
    Reshape,
    Residual,
    SelfAttention,
    Serial,
    SumPool,
    nodes_of,
)
from theodolite.infinite_width.rules.common import next_moments
from theodolite.infinite_width.rules.moments import Moments
from theodolite.kernels import Pairs
from theodolite.numerics.errors import ShapeMismatch

SMALL = 400  # points below which a full product is as fast as half of one
MIXING = (AveragePool, SumPool, GlobalAveragePool, GlobalSumPool, SelfAttention, LinearAttention)


def read_pairs(net: Node, pairs: Pairs, rates: Sequence[float] | None, tangent: bool) -> Moments:
    """The moments of the last layer on all pairs: nngp and ntk of shape (n, m).

    Args: net; pairs, of vectors or of images; rates, one for each layer of weights, None for ones; tangent, whether the
        tangent kernel is wanted.
    Raises: NoInfiniteWidthLimit, ShapeMismatch.
    """
    return read(_body(net), _start(net, pairs, mixes_positions(net), tangent), rates)


def read_places(net: Node, pairs: Pairs, rates: Sequence[float] | None) -> Moments:
    """The moments of the last layer for all pairs of inputs and of positions: (n, m, *positions, *positions).

    Args and raises as `read_pairs`; the architecture must end with positions.
    """
    moments = next_moments(_body(net), _start(net, pairs, True, True), _given(rates))
    if not moments.joint:
        raise ShapeMismatch(f"{net!r} ends without positions; expected a network that makes images or sequences")
    return moments


def _start(net: Node, pairs: Pairs, joint: bool, tangent: bool) -> Moments:
    """The moments of the inputs."""
    left, right = (as_places(net, X) for X in (pairs.X, pairs.Z))
    xp, positions = pairs.xp, tuple(left.shape[1:-1])
    if not positions:
        width = pairs.X.shape[1]
        inner, squares = inner_products(pairs) / width, (pairs.left_square / width, pairs.right_square / width)
        own = squares[0][:, None], squares[1][None, :]
    else:
        inner = _inner(xp, left[:, None], right[None], joint, paired=False)
        own = _inner(xp, left, left, joint)[:, None], _inner(xp, right, right, joint)[None]
    same = xp.eye(*pairs.shape, dtype=bool) if pairs.symmetric else None
    return Moments(inner, None, *own, positions, joint and bool(positions), same, tangent)


def inner_products(pairs: Pairs) -> Any:
    """x . z, (n, m); in JAX, which knows no symmetric product, one side of a symmetric matrix is mirrored.

    Cost: five eighths of the multiplications of a full product from 1,600 points on, on the host half of them.
    """
    if is_numpy_array(pairs.X) or not pairs.symmetric or "inner" in pairs.__dict__:
        return pairs.inner
    return _symmetric_product(pairs.X)


def _symmetric_product(X: Any) -> Any:
    n, xp = X.shape[0], array_namespace(X)
    if n < 2 * SMALL:
        return X @ X.T
    first, last = X[: n // 2], X[n // 2 :]
    across = last @ first.T
    upper = xp.concat([_symmetric_product(first), across.T], axis=1)
    return xp.concat([upper, xp.concat([across, _symmetric_product(last)], axis=1)], axis=0)


def read_points(net: Node, X: Any, rates: Sequence[float] | None, tangent: bool) -> Moments:
    """The moments of the last layer for each point with itself: nngp and ntk of shape (n,)."""
    xp, points, joint = array_namespace(X), as_places(net, X), mixes_positions(net)
    positions = tuple(points.shape[1:-1])
    own = _inner(xp, points, points, joint and bool(positions))
    same = xp.ones((points.shape[0],), dtype=bool)
    moments = Moments(own, None, own, own, positions, joint and bool(positions), same, tangent, alone=True)
    return read(_body(net), moments, rates)


def mixes_positions(net: Node) -> bool:
    """Whether some node needs the moments of two different positions: a pooling or attention."""
    if isinstance(net, Serial | ParallelSum):
        return any(mixes_positions(part) for part in (net.nodes if isinstance(net, Serial) else net.branches))
    return mixes_positions(net.branch) if isinstance(net, Residual) else isinstance(net, MIXING)


def read(body: Node, moments: Moments, rates: Sequence[float] | None) -> Moments:
    """The moments of the last layer, from those of the input."""
    moments = next_moments(body, moments, _given(rates))
    if moments.positions:
        raise ShapeMismatch(
            f"the architecture ends with positions {moments.positions}; add Flatten() or GlobalAveragePool() "
            "before its last Dense()"
        )
    return moments


def _given(rates: Sequence[float] | None) -> Iterator[float]:
    return repeat(1.0) if rates is None else chain(rates)


def _inner(xp: Any, left: Any, right: Any, joint: bool, paired: bool = True) -> Any:
    """The mean over channels of x(p) z(p), or of x(p) z(p') for all pairs of positions when joint."""
    if not joint:
        if left.ndim == 2 and is_numpy_array(left):
            return np.vecdot(left, right) / left.shape[1]  # without a third array of their size
        return xp.mean(left * right, axis=-1)
    positions = left.shape[-len(left.shape) + (1 if paired else 2) : -1]
    flat = [
        xp.reshape(side, (*side.shape[: side.ndim - 1 - len(positions)], -1, side.shape[-1])) for side in (left, right)
    ]
    product = flat[0] @ xp.matrix_transpose(flat[1]) / left.shape[-1]
    return xp.reshape(product, (*product.shape[:-2], *positions, *positions))


def as_places(net: Node, X: Any) -> Any:
    """Inputs of shape (n, *positions, channels), as the architecture's Reshape says when it begins with one."""
    first = nodes_of(net)[0] if nodes_of(net) else net
    if not isinstance(first, Reshape):
        return X
    size = int(np.prod(X.shape[1:]))
    if size != first.size:
        raise ShapeMismatch(f"inputs have {size} numbers each (shape {tuple(X.shape)}); {first!r} expects {first.size}")
    return array_namespace(X).reshape(X, (X.shape[0], *first.shape))


def places_shape(net: Node, X: Any) -> tuple[int, ...]:
    """The shape (*positions, channels) of one input, as the architecture reads it."""
    return tuple(as_places(net, X[:1]).shape[1:])


def _body(net: Node) -> Node:
    nodes = nodes_of(net)
    return Serial(nodes[1:]) if nodes and isinstance(nodes[0], Reshape) else net
