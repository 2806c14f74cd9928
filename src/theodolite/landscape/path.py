"""The path of straight segments from a network to a permutation of itself, along which its function never changes."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from theodolite.landscape.matching import Match, aligned
from theodolite.landscape.mlp import Mlp, permutation
from theodolite.landscape.schedule import rounds
from theodolite.numerics.checks import positive_integer
from theodolite.numerics.errors import BadInput


class Move(NamedTuple):
    """In a hidden layer, the neuron at `source` goes to the free place `target`, incoming weights times `factor`."""

    layer: int
    source: int
    target: int
    factor: float


class LayerMoves(NamedTuple):
    """What happens in a hidden layer: rounds of simultaneous moves, two segments each, then one segment in which the
    places that are silent at the end, `free`, take the incoming weights `rest` (len(free), k)."""

    layer: int
    rounds: tuple[tuple[Move, ...], ...]
    free: tuple[int, ...]
    rest: np.ndarray


@dataclass(frozen=True, eq=False)
class SymmetryPath:
    """Straight segments in the space of parameters with spare neurons in the hidden layers; made by `symmetry_path`.

    Attributes: start, the network with its silent neurons; layers, the moves of each layer in which something changes.
    """

    start: Mlp
    layers: tuple[LayerMoves, ...]

    @property
    def moves(self) -> tuple[Move, ...]:
        """All moves, in order."""
        return tuple(move for layer in self.layers for together in layer.rounds for move in together)

    @property
    def segments(self) -> int:
        """How many straight segments the path has."""
        return sum(2 * len(layer.rounds) + 1 for layer in self.layers)

    def vertices(self) -> Iterator[Mlp]:
        """The corners of the path, segments + 1 networks, made one at a time.

        A round is two segments: free places, which nobody hears, take the incoming weights of the neurons; then the
        outgoing weights go over from the ones to the others, which have the same values all the while.
        """
        network = self.start
        yield network
        for layer, together, free, rest in self.layers:
            for moves in together:
                incoming, outgoing = network.incoming(layer), network.outgoing(layer)
                for move in moves:
                    incoming[move.target] = move.factor * incoming[move.source]
                yield network.with_layer(layer, incoming, outgoing)
                for move in moves:
                    outgoing[move.target] = outgoing[move.source] / move.factor
                    outgoing[move.source] = 0.0
                network = network.with_layer(layer, incoming, outgoing)
                yield network
            incoming = network.incoming(layer)
            incoming[list(free)] = rest
            network = network.with_layer(layer, incoming, network.outgoing(layer))
            yield network


def symmetry_path(
    network: Mlp, orders: Sequence[Any], factors: Sequence[Any] | None = None, *, spares: int = 1
) -> SymmetryPath:
    """From a network to the one with neurons in other orders, over spare neurons in each hidden layer.

    With one spare, for each cycle of the permutation the first neuron is parked in the spare place, the others move up
    one after the other, and the parked one takes the place left free. With h spares h neurons move at a time; as many
    spares as neurons do any permutation in two rounds.

    Args: network; orders, for each hidden layer: the new neuron j is the old neuron orders[l][j]; factors, that go with
        it as in `Match`: signs for odd activations, positive numbers for homogeneous ones, 1 unless given; spares,
        silent neurons added to each hidden layer.
    Returns: a SymmetryPath of `path_segments(order)` segments for each layer; its last vertex is the permuted network
        with the spares, bit for bit when all factors are 1. Raises: BadInput, ShapeMismatch.
    Source: Simsek et al. (2021), arXiv:2105.12221, connectivity theorem; the moves are ours.

    >>> from theodolite.landscape import mlp
    >>> net = mlp([[[1.0], [2.0]], [[3.0, 4.0]]])
    >>> path = symmetry_path(net, [[1, 0]])
    >>> path.segments, [*path.vertices()][-1].weights[0].ravel().tolist()
    (7, [2.0, 1.0, 0.0])
    >>> symmetry_path(net, [[1, 0]], spares=2).segments
    5
    """
    depth = len(network.widths)
    spares = positive_integer(spares, "spares")
    if len(orders) != depth or (factors is not None and len(factors) != depth):
        raise BadInput(f"{len(orders)} orders came for {depth} hidden layers")
    wide = with_spares(network, spares=spares)
    layers = []
    for layer, order in enumerate(orders):
        places = permutation(order, network.widths[layer])
        scales = np.ones(len(places)) if factors is None else np.asarray(factors[layer], dtype=np.float64)
        _allowed(network, scales, len(places))
        rest = wide.incoming(layer)[len(places) :]
        layers.append(layer_moves(wide, layer, places, np.arange(len(places)), scales, rest))
    return SymmetryPath(wide, tuple(layer for layer in layers if layer.rounds))


def layer_moves(
    network: Mlp, layer: int, sources: np.ndarray, targets: np.ndarray, factors: np.ndarray, rest: np.ndarray
) -> LayerMoves:
    """The moves of one hidden layer in which neurons at `sources` go to `targets` and all others are silent.

    Args: rest (width - neurons, k), the incoming weights that the places without a neuron have at the end, in order.

    >>> from theodolite.landscape import mlp
    >>> wide = with_spares(mlp([[[1.0], [2.0]], [[3.0, 4.0]]]))
    >>> found = layer_moves(wide, 0, np.array([1, 0]), np.array([0, 1]), np.ones(2), np.zeros((1, 1)))
    >>> len(found.rounds), found.free
    (3, (2,))
    """
    width = network.widths[layer]
    free = sorted(set(range(width)) - {int(place) for place in sources})
    turned = np.flatnonzero(factors != 1)
    together = rounds([int(i) for i in sources], [int(i) for i in targets], free, turned.tolist())
    scales = [
        tuple(Move(layer, one, other, float(factors[i]) if other == targets[i] else 1.0) for i, one, other in moves)
        for moves in together
    ]
    left = tuple(sorted(set(range(width)) - {int(place) for place in targets}))
    return LayerMoves(layer, tuple(scales), left, rest)


def path_segments(order: Sequence[int] | np.ndarray, *, spares: int = 1) -> int:
    """Straight segments of the path for one hidden layer: 2 sum over cycles (length + 1) + 1, none for no change.

    With several spares two for each round of moves and one to end with: five when there are as many as neurons.

    Source: Simsek et al. (2021), arXiv:2105.12221, paths of the expansion manifold; the count is ours.

    >>> path_segments([1, 0]), path_segments([0, 1]), path_segments([1, 2, 0, 4, 3])
    (7, 0, 15)
    >>> path_segments([1, 2, 0, 4, 3], spares=5)
    5
    """
    places = permutation(order, len(order))
    cycles = [cycle for cycle in _cycles(places) if len(cycle) > 1]
    if not cycles:
        return 0
    if positive_integer(spares, "spares") == 1:
        return 2 * sum(len(cycle) + 1 for cycle in cycles) + 1
    n = len(places)
    return 2 * len(rounds(places.tolist(), range(n), range(n, n + spares))) + 1


def with_spares(network: Mlp, *, spares: int | Sequence[int] = 1) -> Mlp:
    """The same function with silent neurons, all zeros, at the end of each hidden layer: one, or as many as said.

    >>> from theodolite.landscape import mlp
    >>> with_spares(mlp([[[1.0]], [[2.0]]])).weights[1].tolist()
    [[2.0, 0.0]]
    """
    more = [spares] * len(network.widths) if isinstance(spares, int) else list(spares)
    for layer, extra in enumerate(more):
        incoming, outgoing = network.incoming(layer), network.outgoing(layer)
        pad = ((0, extra), (0, 0))
        network = network.with_layer(layer, np.pad(incoming, pad), np.pad(outgoing, pad))
    return network


def end_of(network: Mlp, found: Match, spares: int = 1) -> Mlp:
    """The network a symmetry path of a match ends in, spares included."""
    return with_spares(aligned(network, found), spares=spares)


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
