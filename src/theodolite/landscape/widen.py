"""A wider network with the same function: neurons doubled, or neurons added that are not heard."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from theodolite.landscape.mlp import Mlp
from theodolite.numerics.errors import BadInput, ShapeMismatch


def split_neuron(network: Mlp, layer: int, neuron: int, shares: Sequence[float]) -> Mlp:
    """Put copies of one neuron in its place and at the end; each sends its share of the outgoing weights.

    a_i -> (share_1 a_i, ..., share_k a_i), all with the same incoming weights and bias

    From a critical point this leads to a critical point with the same loss. Any two different copies of vectors that
    add up to a_i keep the function too, but not the gradient.

    Args: layer, of the hidden ones, from 0; neuron; shares, k >= 1 numbers that add up to 1, negative ones allowed.
    Returns: an Mlp with k - 1 neurons more. Raises: BadInput for shares that do not add up to 1 or no such neuron.
    Source: Simsek et al. (2021), arXiv:2105.12221, symmetry-induced critical points; Fukumizu and Amari (2000).

    >>> from theodolite.landscape import mlp
    >>> split_neuron(mlp([[[1.0]], [[2.0]]]), 0, 0, [0.25, 0.75]).weights[1].tolist()
    [[0.5, 1.5]]
    """
    layer = hidden_layer(network, layer)
    parts = np.asarray(shares, dtype=np.float64)
    if parts.ndim != 1 or not len(parts) or not abs(parts.sum() - 1) <= 1e-12 * max(1.0, np.abs(parts).max()):
        raise BadInput(f"shares {shares!r} do not add up to 1; for two copies give for example (0.3, 0.7)")
    if not 0 <= neuron < network.widths[layer]:
        raise BadInput(f"there is no neuron {neuron} in hidden layer {layer}; it has {network.widths[layer]}")
    incoming, outgoing = network.incoming(layer), network.outgoing(layer)
    copies = parts[1:, None]
    wide = np.concatenate([outgoing, copies * outgoing[neuron]])
    wide[neuron] *= parts[0]
    return network.with_layer(layer, np.concatenate([incoming, np.repeat(incoming[[neuron]], len(copies), 0)]), wide)


def widen(network: Mlp, widths: int | Sequence[int], rng: np.random.Generator, *, split: float = 0.3) -> Mlp:
    """A network of larger hidden layers that copies neurons of this one and computes the same.

    Each new neuron copies one chosen at random; the outgoing weights are shared in the ratio 1 - split : split. Halves
    (split = 1/2) stay equal for ever under gradient descent from there, so that training gains nothing from the copy.

    Args: widths, of each hidden layer, at least the present ones; one number serves all; rng, numpy's generator;
        split, any finite number.
    Returns: an Mlp; outputs equal up to rounding. Raises: BadInput when a layer would become narrower; ShapeMismatch.
    Source: Simsek et al. (2021), arXiv:2105.12221; Chen, Goodfellow and Shlens (2016), arXiv:1511.05641.

    >>> from theodolite.landscape import mlp
    >>> wide = widen(mlp([[[1.0]], [[2.0]]]), 3, np.random.default_rng(0))
    >>> wide.widths, round(float(wide.weights[1].sum()), 12)
    ((3,), 2.0)
    """
    if not np.isfinite(split):
        raise BadInput(f"split must be a finite number, got {split}")
    for layer, width in enumerate(target_widths(network, widths)):
        for _ in range(width - network.widths[layer]):
            neuron = int(rng.integers(network.widths[layer]))
            network = split_neuron(network, layer, neuron, (1 - split, split))
    return network


def widen_silently(network: Mlp, widths: int | Sequence[int], rng: np.random.Generator, *, scale: float = 1.0) -> Mlp:
    """A network of larger hidden layers whose new neurons have random incoming and zero outgoing weights.

    The function is the same but for the order in which sums are made. Unlike copies these keep no critical point
    critical: on the zero-loss set they do, elsewhere the new outgoing weights have a gradient, which is what continued
    training wants.

    Args: as in `widen`; scale, of the incoming weights in units of 1 / sqrt(fan in).

    >>> from theodolite.landscape import mlp
    >>> narrow = mlp([[[1.0]], [[2.0]]])
    >>> wide = widen_silently(narrow, 3, np.random.default_rng(0))
    >>> wide.widths, bool(np.array_equal(wide([[1.0]]), narrow([[1.0]])))
    ((3,), True)
    """
    for layer, width in enumerate(target_widths(network, widths)):
        more = width - network.widths[layer]
        incoming, outgoing = network.incoming(layer), network.outgoing(layer)
        new = scale * rng.standard_normal((more, incoming.shape[1])) / np.sqrt(network.weights[layer].shape[1])
        silent = np.zeros((more, outgoing.shape[1]))
        network = network.with_layer(layer, np.concatenate([incoming, new]), np.concatenate([outgoing, silent]))
    return network


def random_expansion(network: Mlp, widths: int | Sequence[int], rng: np.random.Generator) -> Mlp:
    """A random point of larger widths with the same function: copies with any shares, silent groups, all shuffled.

    Outgoing vectors of copies add up to that of their original, those of a silent group to zero: a point of a random
    piece of the expansion manifold, on which the loss is constant.

    Args: as in `widen`. Returns: an Mlp whose function is that of `network` up to rounding.
    Source: Simsek et al. (2021), arXiv:2105.12221, the expansion manifold.

    >>> from theodolite.landscape import mlp
    >>> net = mlp([[[1.0], [2.0]], [[2.0, -1.0]]], activation="tanh")
    >>> X = np.linspace(-1, 1, 5)[:, None]
    >>> bool(np.allclose(random_expansion(net, 6, np.random.default_rng(1))(X), net(X), atol=1e-12))
    True
    """
    for layer, width in enumerate(target_widths(network, widths)):
        incoming, outgoing = network.incoming(layer), network.outgoing(layer)
        old = len(incoming)
        labels = list(range(old))
        groups = old
        for _ in range(width - old):
            label = int(rng.integers(groups + 1))
            groups += label == groups
            labels.append(label)
        own = np.concatenate([incoming, rng.standard_normal((groups - old, incoming.shape[1]))])
        sums = np.concatenate([outgoing, np.zeros((groups - old, outgoing.shape[1]))])
        sent = rng.standard_normal((width, outgoing.shape[1]))
        places = np.array(labels)
        for label in range(groups):
            members = np.flatnonzero(places == label)
            sent[members[-1]] = sums[label] - sent[members[:-1]].sum(0)
        order = rng.permutation(width)
        network = network.with_layer(layer, own[places][order], sent[order])
    return network


def target_widths(network: Mlp, widths: Any) -> tuple[int, ...]:
    """One width for each hidden layer, none below the present one. Raises: ShapeMismatch, BadInput."""
    wanted = list(widths) if isinstance(widths, Sequence) else [widths] * len(network.widths)
    if len(wanted) != len(network.widths):
        raise ShapeMismatch(f"{len(wanted)} widths came for {len(network.widths)} hidden layers")
    for layer, (now, width) in enumerate(zip(network.widths, wanted)):
        if isinstance(width, bool) or not hasattr(width, "__index__") or width < now:
            raise BadInput(
                f"hidden layer {layer} has {now} neurons and cannot widen to {width!r}; to make it narrower use reduce"
            )
    return tuple(int(width) for width in wanted)


def hidden_layer(network: Mlp, layer: int) -> int:
    """A hidden layer's number, counted from 0. Raises: BadInput when there is none."""
    if not 0 <= layer < len(network.widths):
        raise BadInput(f"there is no hidden layer {layer}; the network has {len(network.widths)}, counted from 0")
    return int(layer)
