"""The fast routes for vectors: one angle series, or all layers of a tile of pairs at once. The host only."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from theodolite.architectures import (
    Activation,
    Dense,
    Dropout,
    Flatten,
    LayerNorm,
    Node,
    ParallelSum,
    Residual,
    Serial,
    layers_with_weights,
    nodes_of,
)
from theodolite.infinite_width.routes.angle_series import AngleSeries, angle_series, homogeneity
from theodolite.kernels import Pairs
from theodolite.numerics.errors import DidNotConverge
from theodolite.numerics.threads import side_by_side

FEWEST = 4096  # pairs below which loading compiled code costs more than it brings
ALONE = 200_000  # pairs below which a second thread does
SAME_NORM = 1e-13  # relative spread of |x|^2 that counts as one norm
SHALLOW = 3  # layers of weights up to which a loop over them is cheaper than one series
FEW_LAYERS = 8  # up to which Hermite series, exact to 1e-14, are as fast as one angle series
ROWS = 128  # given to a thread at a time

Outputs = tuple[np.ndarray | None, np.ndarray | None]
Squares = tuple[np.ndarray, np.ndarray]
Fill = Callable[[tuple[int, int]], None]


def fill(net: Node, pairs: Pairs, rates: Sequence[float] | None, nngp: bool, ntk: bool) -> Outputs | None:
    """(NNGP, NTK), each (n, m) where wanted, else None; None in all when no fast route holds.

    Off the diagonal, and for pairs of different sets, the values agree with the plain route to round-off; the diagonal
    of a symmetric matrix is the caller's to write.
    """
    n, m = pairs.shape
    if n * m < FEWEST or not for_vectors(net):
        return None
    squares = _squares(pairs)
    table = series = None
    hermite = _hermite(net, pairs, rates, squares)
    if hermite is None:
        from theodolite.infinite_width.routes.layer_table import layer_table

        shallow = len(layers_with_weights(net)) <= SHALLOW
        table = layer_table(net, rates) if shallow else None
        if table is None:
            series = _series(net, pairs, rates, ntk, squares)
        if table is None and series is None:
            table = None if shallow else layer_table(net, rates)
            if table is None:
                return None
    inner = pairs.inner if "inner" in pairs.__dict__ else pairs.X @ pairs.Z.T
    spare = None if "inner" in pairs.__dict__ else inner  # ours to write over: each tile is read before it is written
    outputs: list[np.ndarray | None] = [None, None]
    for place, wanted in ((0, nngp), (1, ntk)):
        if wanted:
            outputs[place] = np.empty((n, m), inner.dtype) if spare is None else spare
            spare = None
    if hermite is not None:
        rows = _hermite_rows(hermite, pairs, inner, outputs)
    elif series is not None:
        rows = _series_rows(series, pairs, inner, outputs, squares)
    else:
        rows = _layers(table, pairs, inner, outputs, squares)
    run(rows, n, n * m)
    return outputs[0], outputs[1]


def run(rows: Fill, n: int, pairs: int) -> None:
    """Let the rows be filled, by several threads where there are many pairs; the longest pieces first."""
    if pairs < ALONE:
        rows((0, n))
    else:
        side_by_side(rows, [(start, min(start + ROWS, n)) for start in range(0, n, ROWS)][::-1])


def for_vectors(net: Node) -> bool:
    """Whether the architecture reads vectors, without a Reshape, and has a limit that depends on pairs alone.

    >>> from theodolite.architectures import parse
    >>> for_vectors(parse("relu*3")), for_vectors(parse("conv relu flatten dense"))
    (True, False)
    """
    if isinstance(net, Serial):
        return all(for_vectors(node) for node in net)
    if isinstance(net, ParallelSum):
        return all(for_vectors(branch) for branch in net.branches)
    if isinstance(net, Residual):
        return for_vectors(net.branch)
    return isinstance(net, Dense | Activation | LayerNorm | Dropout | Flatten)


def _series(
    net: Node, pairs: Pairs, rates: Sequence[float] | None, tangent: bool, squares: Squares
) -> AngleSeries | None:
    """The angle series that holds for these points, if one does."""
    square = 1.0
    if homogeneity(net) is None:
        own = _one_norm(squares)
        if own is None:
            return None
        square = own / pairs.X.shape[1]
    try:
        return angle_series(net, None if rates is None else tuple(rates), square, tangent)
    except DidNotConverge:
        return None


def _squares(pairs: Pairs) -> Squares:
    """|x|^2 of both sets, (n,) and (m,), without an array of the size of the data."""
    left = pairs.__dict__.get("left_square")
    left = np.vecdot(pairs.X, pairs.X) if left is None else left
    if pairs.symmetric:
        return left, left
    right = pairs.__dict__.get("right_square")
    return left, np.vecdot(pairs.Z, pairs.Z) if right is None else right


def _one_norm(squares: Squares) -> float | None:
    """|x|^2 when it is the same for all points of both sets."""
    first = float(squares[0][0])
    for part in squares:
        if np.abs(part - first).max() > SAME_NORM * first:
            return None
    return first


def _series_rows(series: AngleSeries, pairs: Pairs, inner: np.ndarray, outputs: list[Any], squares: Squares) -> Fill:
    from theodolite.infinite_width.routes.tiles import series_rows

    left, right = (_norms(part) for part in squares)
    inverses = [np.divide(1.0, norm, out=np.zeros_like(norm), where=norm > 0) for norm in (left, right)]
    if series.degree is None:
        scales = [np.ones_like(norm) for norm in (left, right)]
    else:
        unit = math.sqrt(series.square * pairs.X.shape[1])
        scales = [(norm / unit) ** series.degree for norm in (left, right)]
    terms = [
        part if wanted is not None else np.zeros(0)
        for part, wanted in zip((series.nngp, series.ntk), outputs, strict=True)
    ]
    matrices = [inner if output is None else output for output in outputs]

    def rows(part: tuple[int, int]) -> None:
        series_rows(inner, part, *inverses, *scales, *terms, pairs.symmetric, *matrices)  # type: ignore[call-arg]

    return rows


def _layers(table: Any, pairs: Pairs, inner: np.ndarray, outputs: list[Any], squares: Squares) -> Fill:
    from theodolite.infinite_width.routes.tiles_layers import layer_rows

    width = pairs.X.shape[1]
    left = table.point_data(squares[0].astype(float) / width)
    right = left if pairs.symmetric else table.point_data(squares[1].astype(float) / width)
    first = table.first / np.array([width, 1.0, 1.0])
    wanted = [output is not None for output in outputs]
    matrices = [inner if output is None else output for output in outputs]

    def rows(part: tuple[int, int]) -> None:
        layer_rows(inner, part, table.steps, first, left, right, pairs.symmetric, *wanted, *matrices)

    return rows


def _hermite(net: Node, pairs: Pairs, rates: Sequence[float] | None, squares: Squares) -> Any:
    """The Hermite series of a few layers of smooth activations; for many, an angle series is cheaper where it holds."""
    if not any(isinstance(node, Activation) and not node.bends for node in nodes_of(net)):
        return None
    from theodolite.infinite_width.routes.hermite_table import hermite_chain, hermite_table

    found = hermite_chain(net)
    if found is None or (len(found[1]) > FEW_LAYERS and _one_norm(squares) is not None):
        return None
    left, right = (part.astype(float) / pairs.X.shape[1] for part in squares)
    return hermite_table(net, rates, left, right, pairs.symmetric)


def _hermite_rows(table: Any, pairs: Pairs, inner: np.ndarray, outputs: list[Any]) -> Fill:
    from theodolite.infinite_width.routes.tiles_hermite import hermite_rows

    first = table.first / np.array([pairs.X.shape[1], 1.0, 1.0])
    wanted = [output is not None for output in outputs]
    matrices = [inner if output is None else output for output in outputs]
    sides = table.left, table.right, table.left_inverse, table.right_inverse

    def rows(part: tuple[int, int]) -> None:
        hermite_rows(
            inner, part, first, table.above, table.orders, table.starts, table.needed, *sides, pairs.symmetric,
            *wanted, *matrices,
        )  # fmt: skip

    return rows


def _norms(squares: np.ndarray) -> np.ndarray:
    return np.sqrt(squares.astype(np.float64))
