"""Which neuron of one network is which of another."""

from typing import NamedTuple

import numpy as np
from scipy.optimize import linear_sum_assignment

from theodolite.landscape.mlp import Mlp
from theodolite.landscape.rescaling import normalised
from theodolite.numerics.errors import ShapeMismatch

MOST_SWEEPS = 100


class Match(NamedTuple):
    """For each hidden layer an order and a factor for each neuron.

    Neuron j of the second network is neuron `orders[l][j]` of the first with incoming weights and bias times
    `factors[l][j]` and outgoing weights divided by it.
    """

    orders: tuple[np.ndarray, ...]
    factors: tuple[np.ndarray, ...]


def match(a: Mlp, b: Mlp) -> Match:
    """The permutation of hidden neurons that brings a nearest to b in the sum of squared differences of weights.

    Layer by layer a linear assignment on inner products of incoming and outgoing weights, repeated until nothing
    changes. For odd activations neurons may change sign; for homogeneous ones both networks are normalised first, and
    the factors hold the ratio of incoming norms.

    Args: two networks of the same shapes and activation. Returns: a Match; exact for networks that are permutations of
        each other, a local optimum otherwise. Raises: ShapeMismatch.
    Source: Ainsworth, Hayase and Srinivasa (2022), arXiv:2209.04836, weight matching; signs and factors added here.
    Cost: per sweep the inner products and an assignment, O(width^3), for each layer.

    >>> from theodolite.landscape import mlp
    >>> net = mlp([[[1.0], [2.0], [3.0]], [[1.0, 1.0, 2.0]]], activation="tanh")
    >>> match(net, net.permuted([[2, 0, 1]])).orders[0].tolist()
    [2, 0, 1]
    """
    same_shapes(a, b)
    one, other = normalised(a), normalised(b)
    depth = len(a.widths)
    orders = [np.arange(width) for width in a.widths]
    signs = [np.ones(width) for width in a.widths]
    for sweep in range(MOST_SWEEPS):
        changed = False
        for layer in range(depth):
            likeness = one.incoming(layer)
            fan_in = one.weights[layer].shape[1]
            if layer:  # columns in the order of b
                likeness = likeness.copy()
                likeness[:, :fan_in] = likeness[:, :fan_in][:, orders[layer - 1]] * signs[layer - 1]
            score = likeness @ other.incoming(layer).T
            if sweep or layer == depth - 1:  # what comes after is not aligned yet in the first sweep
                sent = one.outgoing(layer)
                if layer < depth - 1:
                    sent = sent[:, orders[layer + 1]] * signs[layer + 1]
                score = score + sent @ other.outgoing(layer).T
            gain = np.abs(score) if a.activation.odd else score
            rows, columns = linear_sum_assignment(gain, maximize=True)
            order = np.empty_like(orders[layer])
            order[columns] = rows
            chosen = score[order, np.arange(len(order))]
            sign = np.where(chosen < 0, -1.0, 1.0) if a.activation.odd else np.ones(len(order))
            changed |= not (np.array_equal(order, orders[layer]) and np.array_equal(sign, signs[layer]))
            orders[layer], signs[layer] = order, sign
        if sweep and not changed:
            break
    return Match(tuple(orders), tuple(_factors(a, b, layer, orders, signs) for layer in range(depth)))


def aligned(network: Mlp, match: Match) -> Mlp:
    """The first network of a match in the order and with the factors of the second; its function stays.

    >>> from theodolite.landscape import mlp
    >>> net = mlp([[[1.0], [2.0]], [[1.0, 3.0]]], activation="tanh")
    >>> aligned(net, Match((np.array([1, 0]),), (np.array([-1.0, 1.0]),))).weights[0].ravel().tolist()
    [-2.0, 1.0]
    """
    result = network
    for layer, (order, factors) in enumerate(zip(match.orders, match.factors)):
        incoming, outgoing = result.incoming(layer)[order], result.outgoing(layer)[order]
        result = result.with_layer(layer, factors[:, None] * incoming, outgoing / factors[:, None])
    return result


def same_shapes(a: Mlp, b: Mlp) -> None:
    """Raises: ShapeMismatch unless two networks have the same shapes, biases and activation."""
    shapes = [[w.shape for w in net.weights] for net in (a, b)]
    biased = [[bias is not None for bias in net.biases] for net in (a, b)]
    names = [net.activation.name for net in (a, b)]
    if shapes[0] != shapes[1] or biased[0] != biased[1] or names[0] != names[1]:
        raise ShapeMismatch(
            f"the networks differ: weights {shapes[0]} against {shapes[1]}, biases {biased[0]} against {biased[1]}, "
            f"activation {names[0]} against {names[1]}; expected two networks of one architecture: widen the narrower "
            "one first"
        )


def _factors(a: Mlp, b: Mlp, layer: int, orders: list[np.ndarray], signs: list[np.ndarray]) -> np.ndarray:
    """Signs, and for homogeneous activations the ratio of norms left to explain by the factors of the layer before."""
    if not a.activation.homogeneous:
        return signs[layer]
    mine, theirs = a.incoming(layer), b.incoming(layer)
    if layer:
        before = _factors(a, b, layer - 1, orders, signs)
        fan_in = a.weights[layer].shape[1]
        mine[:, :fan_in] = mine[:, :fan_in][:, orders[layer - 1]] / before
    norms, wanted = np.linalg.norm(mine, axis=1)[orders[layer]], np.linalg.norm(theirs, axis=1)
    return signs[layer] * np.where((norms > 0) & (wanted > 0), wanted / np.where(norms > 0, norms, 1.0), 1.0)
