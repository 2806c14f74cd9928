"""The pieces of the zero-loss set one by one, and which of them meet: small cases, by enumeration.

A piece says of each of m neurons what it is: label i < r, a copy of neuron i (same incoming vector; the outgoing
weights of all its copies add up to that of neuron i); label r, r + 1, ..., a member of the first, second, ... silent
group (an incoming vector of its own, outgoing weights that add up to zero), numbered in order of appearance.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from theodolite.landscape.counts import count_minima, count_minima_odd
from theodolite.numerics import memory

Piece = tuple[int, ...]
UNFED = -1  # odd activations: a neuron with incoming weights zero


def enumerate_pieces(r: int, m: int, *, memory_limit: int | str | None = None) -> list[Piece]:
    """All pieces of width m around one irreducible minimum of width r and its permutations; `count_minima` of them.

    Args: 1 <= r <= m. Returns: a sorted list of label tuples of length m.
    Raises: BadInput when r > m; TooLarge when the list does not fit the memory.
    Source: Simsek et al. (2021), arXiv:2105.12221, the expansion manifold.

    >>> enumerate_pieces(1, 2)
    [(0, 0), (0, 1), (1, 0)]
    """
    _room(count_minima(r, m), m, memory_limit)
    return sorted(labels for labels in _labellings(r, m) if set(range(r)) <= set(labels))


def enumerate_odd_pieces(
    r: int, m: int, *, memory_limit: int | str | None = None
) -> list[tuple[Piece, tuple[int, ...]]]:
    """All pieces for an odd activation without bias, each as (labels, signs); `count_minima_odd` of them.

    Label -1 stands for a neuron with incoming weights zero (its sign is written +1). A silent group and its mirror
    image are one piece, so its first member has sign +1.

    Source: Simsek et al. (2021), arXiv:2105.12221, for odd activations.

    >>> enumerate_odd_pieces(1, 1)
    [((0,), (-1,)), ((0,), (1,))]
    """
    _room(count_minima_odd(r, m), 2 * m, memory_limit)
    found = []
    for fed in np.ndindex(*(2,) * m):
        places = [i for i in range(m) if fed[i]]
        for labels in _labellings(r, len(places)):
            if not set(range(r)) <= set(labels):
                continue
            firsts = {label: place for place, label in reversed(list(enumerate(labels))) if label >= r}
            for signs in np.ndindex(*(2,) * len(places)):
                if any(signs[place] == 0 for place in firsts.values()):
                    continue
                whole, turned = [UNFED] * m, [1] * m
                for place, label, sign in zip(places, labels, signs):
                    whole[place], turned[place] = label, 2 * sign - 1
                found.append((tuple(whole), tuple(turned)))
    return sorted(found)


@dataclass(frozen=True)
class IntersectionGraph:
    """Pieces as vertices, an edge where two of them meet.

    Attributes: pieces; edges (e, 2), pairs of indices; components, the number of connected parts; diameter, the
    largest number of steps between two pieces of one part.
    """

    pieces: list[Piece]
    edges: np.ndarray
    components: int
    diameter: int


def intersection_graph(r: int, m: int, *, memory_limit: int | str | None = None) -> IntersectionGraph:
    """Which pieces of the zero-loss set have a point in common, and whether one can walk from each to each.

    Two pieces meet when, in the graph that joins all neurons of a group of either piece, the part around the copies of
    neuron i in the one holds the copies of neuron i in the other and no copies of another neuron. (Incoming vectors are
    equal along the joins; outgoing weights solve the sums of a bipartite graph just when both sides of each part
    agree.) This takes the r incoming vectors to be different and no two sums of outgoing weights to agree by chance.

    Args: 1 <= r <= m, small. Returns: an IntersectionGraph; one component for every m > r, r! for m = r.
    Raises: BadInput when r > m; TooLarge when the pairs do not fit the memory.
    Source: Simsek et al. (2021), arXiv:2105.12221, connectivity theorem. Cost: T(r, m)^2 m^3.

    >>> intersection_graph(2, 2).components, intersection_graph(2, 3).components, intersection_graph(2, 3).diameter
    (2, 1, 6)
    """
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import connected_components, shortest_path

    count = count_minima(r, m)
    memory.require(
        count * count * 16 + count * m * m * 8,
        memory_limit,
        f"the graph of {count} pieces",
        "take fewer neurons; count_minima gives the numbers without the graph",
    )
    pieces = np.array(enumerate_pieces(r, m, memory_limit=memory_limit))
    same = pieces[:, :, None] == pieces[:, None, :]
    meets = np.array([_meets(i, pieces, same, r) for i in range(len(pieces))])
    np.fill_diagonal(meets, False)
    edges = np.argwhere(np.triu(meets))
    graph = csr_array(meets.astype(np.int8))
    components, _ = connected_components(graph, directed=False)
    steps = shortest_path(graph, directed=False, unweighted=True)
    listed = [tuple(int(label) for label in labels) for labels in pieces]
    return IntersectionGraph(listed, edges, int(components), int(steps[np.isfinite(steps)].max()))


def _meets(i: int, pieces: np.ndarray, same: np.ndarray, r: int) -> np.ndarray:
    """Whether piece i meets each of the pieces; strangers among their copies are met at their place in piece i."""
    m = pieces.shape[1]
    joined = (same | same[i]).astype(np.int64)
    for _ in range(int(np.ceil(np.log2(max(m, 2))))):
        joined = np.minimum(joined @ joined, 1)
    mine = np.where(pieces[i] < r, pieces[i], -1)
    theirs = np.where(pieces < r, pieces, -1)
    good = np.ones(len(pieces), bool)
    for neuron in range(r):
        around = joined[:, int(np.argmax(mine == neuron)), :].astype(bool)
        good &= ~np.any(around & (mine >= 0) & (mine != neuron), axis=1)
        good &= np.any(around & (theirs == neuron), axis=1)
    return good


def _labellings(r: int, m: int) -> Iterator[Piece]:
    """All tuples of labels, silent groups numbered in order of appearance."""

    def grown(labels: Piece, groups: int) -> Iterator[Piece]:
        if len(labels) == m:
            yield labels
            return
        for label in range(r + groups + 1):
            yield from grown((*labels, label), groups + (label == r + groups))

    yield from grown((), 0)


def _room(count: int, numbers: int, limit: int | str | None) -> None:
    memory.require(
        count * (64 + 40 * numbers),
        limit,
        f"a list of {count} pieces",
        "take fewer neurons; count_minima gives their number without the list",
    )
