"""The path between two wide networks that are the same narrow one: gather the copies, move, share out again."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from theodolite.landscape.collapse import Collapse, collapsed
from theodolite.landscape.matching import Match, aligned, match, same_shapes
from theodolite.landscape.mlp import Mlp
from theodolite.landscape.path import SymmetryPath, layer_moves, with_spares


@dataclass(frozen=True, eq=False)
class ExpansionPath:
    """Straight segments from one point of the expansion manifold to another; made by `expansion_path`.

    Attributes: down, the collapse of the first network; across, the moves of its live neurons to the places of the
    second one's; up, the collapse of the second network, which is walked backwards; match, of the live neurons;
    distance, between the end of the moves and the collapsed second network over the norm of the latter: round-off when
    both are the same narrow network. Where that is not exactly zero one more segment covers it.
    """

    down: Collapse
    across: SymmetryPath
    up: Collapse
    match: Match
    distance: float

    @property
    def segments(self) -> int:
        """How many straight segments the path has."""
        ends = len(self.down.corners) + len(self.up.corners) - 2
        return ends + self.across.segments + (self.distance > 0)

    def vertices(self) -> Iterator[Mlp]:
        """The corners of the path, segments + 1 networks."""
        yield from self.down.corners[:-1]
        yield from self.across.vertices()
        yield from self.up.corners[::-1] if self.distance else self.up.corners[-2::-1]


def expansion_path(
    a: Mlp, b: Mlp, *, spares: int = 1, tolerance: float = 1e-6, memory_limit: int | str | None = None
) -> ExpansionPath | None:
    """The path from a to b when copies and silent groups aside they have as many neurons, else None.

    Both are collapsed; the live neurons of the first are matched with those of the second and go to their places, over
    neurons that the collapse has freed, or over added ones where it frees fewer than `spares`; then the collapse of the
    second is walked backwards. All neurons freed move at once: from twice the smallest width on any order takes two
    rounds. On a zero-loss set of one spare neuron a layer or more this joins any two points that hold one narrow
    network.

    Args: a, b, of one architecture; spares, silent neurons there must be in each hidden layer; tolerance, within which
        neurons are copies, see `collapsed`.
    Returns: an ExpansionPath; its function is constant when `distance` is round-off and copies are exact.
    Raises: ShapeMismatch for different architectures. Source: Simsek et al. (2021), arXiv:2105.12221, theorem on
        connectedness of the expansion manifold; the algorithm for several layers is ours.
    Cost: distances of all pairs of neurons of a layer, and the matching.

    >>> from theodolite.landscape import mlp
    >>> one = mlp([[[1.0], [2.0], [1.0]], [[3.0, 5.0, -1.0]]], activation="softplus")
    >>> other = mlp([[[2.0], [7.0], [1.0]], [[5.0, 0.0, 2.0]]], activation="softplus")
    >>> found = expansion_path(one, other)
    >>> found.down.widths, found.segments, found.distance
    ((2,), 6, 0.0)
    """
    same_shapes(a, b)
    down, up = (collapsed(net, tolerance=tolerance, memory_limit=memory_limit) for net in (a, b))
    if down.widths != up.widths or 0 in down.widths:
        return None
    missing = [max(0, spares - width + live) for width, live in zip(a.widths, down.widths)]
    down, up = (
        Collapse(tuple(with_spares(net, spares=missing) for net in one.corners), one.live) for one in (down, up)
    )
    found = match(down.core, up.core)
    start, goal = down.corners[-1], up.corners[-1]
    layers = []
    for layer, (order, factors) in enumerate(zip(found.orders, found.factors)):
        sources, targets = down.live[layer][order], up.live[layer]
        left = np.setdiff1d(np.arange(goal.widths[layer]), targets)
        moves = layer_moves(start, layer, sources, targets, factors, goal.incoming(layer)[left])
        if moves.rounds or not np.array_equal(start.incoming(layer)[left], moves.rest):
            layers.append(moves)
    gap = np.linalg.norm(aligned(down.core, found).flat() - up.core.flat())
    distance = float(gap / (np.linalg.norm(up.core.flat()) or 1.0))
    return ExpansionPath(down, SymmetryPath(start, tuple(layers)), up, found, distance)


def pairs(path: "SymmetryPath | ExpansionPath") -> Iterator[tuple[Mlp, Mlp]]:
    """The segments of a path, each as its two ends."""
    return itertools.pairwise(path.vertices())
