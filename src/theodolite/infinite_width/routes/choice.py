"""Which way a network is read: the fastest that holds for the architecture and the data, the plain one otherwise."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from array_api_compat import is_numpy_array

from theodolite.architectures import Node
from theodolite.infinite_width.routes import fully_connected, images, reading, traced
from theodolite.kernels import Pairs

TILE_BYTES = 64e6  # of the moments of one tile of pairs, in the plain route on the host


def on_pairs(
    net: Node, pairs: Pairs, rates: Sequence[float] | None, nngp: bool = True, ntk: bool = True
) -> tuple[Any, Any]:
    """(NNGP, NTK) on all pairs, (n, m) each, None where not wanted."""
    if not is_numpy_array(pairs.X):
        found = traced.fill(net, pairs, rates, ntk)
        if found is not None:
            return found
        moments = reading.read_pairs(net, pairs, rates, ntk)
        return moments.nngp, moments.ntk
    found = fully_connected.fill(net, pairs, rates, nngp, ntk) if pairs.X.ndim == 2 else None
    if found is None:
        found = images.fill(net, pairs, rates, nngp, ntk)
        if found is not None:
            return found
        found = _in_tiles(net, pairs, rates, nngp, ntk)
        if pairs.symmetric:  # sums in another order differ in the last bit
            found = _mirrored(found[0]), _mirrored(found[1])
    if pairs.symmetric:
        for whole, points in zip(found, on_points(net, pairs.X, rates, ntk), strict=True):
            if whole is not None:
                np.fill_diagonal(whole, points)
    return found


def on_points(net: Node, X: Any, rates: Sequence[float] | None, ntk: bool) -> tuple[Any, Any]:
    """(NNGP, NTK or None) of each point with itself, (n,) each."""
    if not is_numpy_array(X):
        moments = reading.read_points(net, X, rates, ntk)
        return moments.nngp, moments.ntk
    found = images.points(net, X, rates, ntk)
    if found is not None:
        return found
    step = _points_at_once(net, X)
    parts = [reading.read_points(net, X[i : i + step], rates, ntk) for i in range(0, len(X), step)]
    return np.concatenate([part.nngp for part in parts]), np.concatenate([part.ntk for part in parts]) if ntk else None


def _mirrored(matrix: np.ndarray | None) -> np.ndarray | None:
    """The lower triangle on both sides."""
    return None if matrix is None else np.tril(matrix) + np.tril(matrix, -1).T


def _in_tiles(net: Node, pairs: Pairs, rates: Sequence[float] | None, nngp: bool, ntk: bool) -> tuple[Any, Any]:
    """The plain route, tile by tile."""
    n, m = pairs.shape
    side = math.isqrt(_points_at_once(net, pairs.X))
    if side >= max(n, m):
        moments = reading.read_pairs(net, pairs, rates, ntk)
        return moments.nngp if nngp else None, moments.ntk
    wanted = [np.empty((n, m), pairs.X.dtype) if want else None for want in (nngp, ntk)]
    for i in range(0, n, side):
        for j in range(0, i + side if pairs.symmetric else m, side):
            part = reading.read_pairs(net, Pairs(pairs.X[i : i + side], pairs.Z[j : j + side]), rates, ntk)
            for whole, piece in zip(wanted, (part.nngp, part.ntk), strict=True):
                if whole is not None:
                    whole[i : i + side, j : j + side] = piece
                    if pairs.symmetric:
                        whole[j : j + side, i : i + side] = piece.T
    return wanted[0], wanted[1]


def _points_at_once(net: Node, X: np.ndarray) -> int:
    """How many points, or pairs of points, have moments of TILE_BYTES."""
    places = math.prod(reading.places_shape(net, X)[:-1]) ** (2 if reading.mixes_positions(net) else 1)
    return max(int(TILE_BYTES / (8 * places)), 1)
