"""The path of straight segments from a network to a permutation of itself, along which its function never changes."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from theodolite.landscape.matching import Match, aligned
from theodolite.landscape.mlp import Mlp, permutation
from theodolite.numerics.errors import BadInput


class Move(NamedTuple):
    """In a hidden layer, the neuron at `source` goes to the free place `target`, incoming weights times `factor`."""

    layer: int
    source: int
    target: int
    factor: float


@dataclass(frozen=True, eq=False)
class SymmetryPath:
    """Straight segments in the space of parameters with one spare neuron a hidden layer; made by `symmetry_path`.

    Attributes: start, the network with a silent neuron at the end of each hidden layer; moves, two segments each; ends,
    the hidden layers in which something moves: after its moves one segment puts the spare back.
    """

    start: Mlp
    moves: tuple[Move, ...]
    ends: tuple[int, ...]

    @property
    def segments(self) -> int:
        """How many straight segments the path has."""
        return 2 * len(self.moves) + len(self.ends)

    def vertices(self) -> Iterator[Mlp]:
        """The corners of the path, segments + 1 networks, made one at a time.

        A move is two segments: the free place, which nobody hears, takes the incoming weights of the neuron; then the
        outgoing weights go over from the one to the other, which have the same value all the while.
        """
        network = self.start
        yield network
        for layer in self.ends:
            resting = self.start.incoming(layer)[-1]
            for move in self.moves:
                if move.layer != layer:
                    continue
                incoming, outgoing = network.incoming(layer), network.outgoing(layer)
                incoming[move.target] = move.factor * incoming[move.source]
                yield network.with_layer(layer, incoming, outgoing)
                outgoing[move.target] = outgoing[move.source] / move.factor
                outgoing[move.source] = 0.0
                network = network.with_layer(layer, incoming, outgoing)
                yield network
            incoming = network.incoming(layer)
            incoming[-1] = resting
            network = network.with_layer(layer, incoming, network.outgoing(layer))
            yield network


def symmetry_path(network: Mlp, orders: Sequence[Any], factors: Sequence[Any] | None = None) -> SymmetryPath:
    """From a network to the one with neurons in other orders, over a spare neuron in each hidden layer.

    For each cycle of the permutation the first neuron is parked in the spare place, the others move up one after the
    other, and the parked one takes the place left free.

    Args: network; orders, for each hidden layer: the new neuron j is the old neuron orders[l][j]; factors, that go with
        it as in `Match`: signs for odd activations, positive numbers for homogeneous ones, 1 unless given.
    Returns: a SymmetryPath of `path_segments(order)` segments for each layer; its last vertex is the permuted network
        with the spare, bit for bit when all factors are 1. Raises: BadInput, ShapeMismatch.
    Source: Simsek et al. (2021), arXiv:2105.12221, connectivity theorem; the moves are ours.

    >>> from theodolite.landscape import mlp
    >>> net = mlp([[[1.0], [2.0]], [[3.0, 4.0]]])
    >>> path = symmetry_path(net, [[1, 0]])
    >>> path.segments, [*path.vertices()][-1].weights[0].ravel().tolist()
    (7, [2.0, 1.0, 0.0])
    """
    depth = len(network.widths)
    if len(orders) != depth or (factors is not None and len(factors) != depth):
        raise BadInput(f"{len(orders)} orders came for {depth} hidden layers")
    moves: list[Move] = []
    ends: list[int] = []
    for layer, order in enumerate(orders):
        places = permutation(order, network.widths[layer])
        scales = np.ones(len(places)) if factors is None else np.asarray(factors[layer], dtype=np.float64)
        _allowed(network, scales, len(places))
        found = _moves(layer, places, scales)
        moves += found
        ends += [layer] if found else []
    return SymmetryPath(with_spares(network), tuple(moves), tuple(ends))


def path_segments(order: Sequence[int] | np.ndarray) -> int:
    """Straight segments of the path for one hidden layer: 2 sum over cycles (length + 1) + 1, none for no change.

    Source: Simsek et al. (2021), arXiv:2105.12221, paths of the expansion manifold; the count is ours.

    >>> path_segments([1, 0]), path_segments([0, 1]), path_segments([1, 2, 0, 4, 3])
    (7, 0, 15)
    """
    places = permutation(order, len(order))
    cycles = [cycle for cycle in _cycles(places) if len(cycle) > 1]
    return 2 * sum(len(cycle) + 1 for cycle in cycles) + 1 if cycles else 0


def with_spares(network: Mlp) -> Mlp:
    """The same function with one silent neuron, all zeros, at the end of each hidden layer.

    >>> from theodolite.landscape import mlp
    >>> with_spares(mlp([[[1.0]], [[2.0]]])).weights[1].tolist()
    [[2.0, 0.0]]
    """
    for layer in range(len(network.widths)):
        incoming, outgoing = network.incoming(layer), network.outgoing(layer)
        network = network.with_layer(layer, np.pad(incoming, ((0, 1), (0, 0))), np.pad(outgoing, ((0, 1), (0, 0))))
    return network


def end_of(network: Mlp, found: Match) -> Mlp:
    """The network a symmetry path of a match ends in, spares included."""
    return with_spares(aligned(network, found))


def _moves(layer: int, places: np.ndarray, factors: np.ndarray) -> list[Move]:
    spare = len(places)
    moves = []
    for cycle in _cycles(places):
        if len(cycle) == 1 and factors[cycle[0]] == 1:
            continue
        free = cycle[0]
        moves.append(Move(layer, free, spare, 1.0))
        while places[free] != cycle[0]:
            moves.append(Move(layer, int(places[free]), free, float(factors[free])))
            free = int(places[free])
        moves.append(Move(layer, spare, free, float(factors[free])))
    return moves


def _cycles(places: np.ndarray) -> list[list[int]]:
    seen: set[int] = set()
    found = []
    for first in range(len(places)):
        cycle = []
        at = first
        while at not in seen:
            seen.add(at)
            cycle.append(at)
            at = int(places[at])
        if cycle:
            found.append(cycle)
    return found


def _allowed(network: Mlp, factors: np.ndarray, width: int) -> None:
    if factors.shape != (width,) or not np.isfinite(factors).all() or np.any(factors == 0):
        raise BadInput(f"factors must be {width} numbers, finite and not zero, got {factors}")
    odd, homogeneous = network.activation.odd, network.activation.homogeneous
    good = (odd & (np.abs(factors) == 1)) | (homogeneous & (factors > 0)) | (factors == 1) | (odd & homogeneous)
    if not good.all():
        raise BadInput(
            f"a factor of {factors[~good][0]} changes the function of a network with activation "
            f"{network.activation.name}; odd activations allow -1, homogeneous ones positive factors"
        )
