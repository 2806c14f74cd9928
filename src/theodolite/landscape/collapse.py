"""The straight way from a wide network to one in which every copy and every silent group is gathered in one neuron."""

from dataclasses import dataclass

import numpy as np

from theodolite.landscape.copies import copy_groups
from theodolite.landscape.mlp import Mlp
from theodolite.numerics.checks import positive


@dataclass(frozen=True, eq=False)
class Collapse:
    """Straight segments along which the function stays, and what is left at their end.

    Attributes: corners, the network given, the corners, and last the collapsed network, of the same widths, in which
    only live neurons send anything on; live, the places of those in each hidden layer.
    """

    corners: tuple[Mlp, ...]
    live: tuple[np.ndarray, ...]

    @property
    def widths(self) -> tuple[int, ...]:
        """Live neurons in each hidden layer."""
        return tuple(len(places) for places in self.live)

    @property
    def core(self) -> Mlp:
        """The network of the live neurons alone."""
        found = self.corners[-1]
        for layer, places in enumerate(self.live):
            found = found.with_layer(layer, found.incoming(layer)[places], found.outgoing(layer)[places])
        return found


def collapsed(network: Mlp, *, tolerance: float = 1e-6, memory_limit: int | str | None = None) -> Collapse:
    """Gather each group of copies in its first neuron and silence the others, with one segment for all of a layer.

    Along it the outgoing weights of copies go over to the first one, those of silent groups to zero, and what neurons
    without incoming weights send goes to the next bias; incoming weights stay, so that the function does. In the second
    and later layers a segment follows in which silenced neurons give up their incoming weights, for this may show
    copies in the layer before; layers are gone through until nothing changes. Neurons of odd activations may be copies
    with both signs turned, those of homogeneous ones up to a positive factor.

    Args: network; tolerance, relative to the typical size of incoming vectors, within which neurons are copies: the
        function changes by as much as they differ.
    Returns: a Collapse. Raises: TooLarge, BadInput. Source: Simsek et al. (2021), arXiv:2105.12221, expansion manifold.
    Cost: distances of all pairs of neurons of a layer.

    >>> from theodolite.landscape import mlp
    >>> wide = mlp([[[1.0], [2.0], [1.0]], [[3.0, 5.0, -1.0]]], activation="softplus")
    >>> found = collapsed(wide)
    >>> found.widths, found.corners[-1].weights[1].tolist(), len(found.corners)
    ((2,), [[2.0, 5.0, 0.0]], 2)
    """
    positive(tolerance, "tolerance")
    corners, live = [network], [np.arange(width) for width in network.widths]
    depth = len(network.widths)
    while True:
        before = [len(places) for places in live]
        for layer in (*range(depth), *reversed(range(depth))):
            found, live[layer] = _gathered(corners[-1], layer, live[layer], tolerance, memory_limit)
            _add(corners, found)
            if layer:
                _add(corners, _unfed(corners[-1], layer, live[layer]))
        if [len(places) for places in live] == before:
            return Collapse(tuple(corners), tuple(live))


def _gathered(
    network: Mlp, layer: int, live: np.ndarray, tolerance: float, memory_limit: int | str | None
) -> tuple[Mlp, np.ndarray]:
    """One layer gathered, and its live neurons."""
    incoming, outgoing, bias = network.incoming(layer), network.outgoing(layer), network.biases[layer + 1]
    own = incoming[live]
    sizes = np.linalg.norm(own, axis=1)
    near = tolerance * (np.sqrt(np.mean(sizes**2)) if len(live) else 1.0) or tolerance
    loud = tolerance * (np.sqrt(np.mean(np.sum(outgoing[live] ** 2, axis=1))) if len(live) else 1.0)

    fan_in = network.weights[layer].shape[1]
    constant = np.linalg.norm(own[:, :fan_in], axis=1) <= near
    values = network.activation.value(own[:, -1] if network.biases[layer] is not None else np.zeros(len(live)))
    constant &= (values == 0) | (bias is not None)
    if bias is not None:
        bias = bias + values[constant] @ outgoing[live[constant]]
    outgoing[live[constant]] = 0.0
    live, sizes, own = live[~constant], sizes[~constant], own[~constant]

    units = np.ones(len(live))  # neuron i is units[i] times a neuron of incoming norm 1
    if network.activation.homogeneous:
        units, near = np.where(sizes > 0, sizes, 1.0), tolerance
    labels, signs = copy_groups(own / units[:, None], network.activation.odd, near, memory_limit)
    kept = []
    for label in range(labels.max(initial=-1) + 1):
        members = np.flatnonzero(labels == label)
        places, first = live[members], members[0]
        factors = signs[members] * units[members] / units[first]
        total = factors @ outgoing[places]
        outgoing[places] = 0.0
        if np.linalg.norm(total) > loud:
            outgoing[places[0]] = total
            kept.append(places[0])
            if len(members) > 1:  # copies of one neuron stay as they are, others meet in the middle
                incoming[places] = factors[:, None] * np.mean(own[members] / factors[:, None], axis=0)
    return network.with_layer(layer, incoming, outgoing, bias), np.array(kept, dtype=np.int64)


def _unfed(network: Mlp, layer: int, live: np.ndarray) -> Mlp:
    incoming = network.incoming(layer)
    incoming[np.setdiff1d(np.arange(len(incoming)), live)] = 0.0
    return network.with_layer(layer, incoming, network.outgoing(layer))


def _add(corners: list[Mlp], found: Mlp) -> None:
    if not np.array_equal(found.flat(), corners[-1].flat()):
        corners.append(found)
