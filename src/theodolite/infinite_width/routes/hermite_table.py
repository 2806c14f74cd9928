"""A fully connected network of smooth activations without a closed form, as Hermite coefficients of its points."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain, pairwise, repeat

import numpy as np

from theodolite.architectures import Activation, Dense, Node, nodes_of
from theodolite.infinite_width.duals.dual import dual
from theodolite.infinite_width.duals.numerical import NumericalDual
from theodolite.infinite_width.duals.series import coefficients, plan
from theodolite.infinite_width.routes.layer_table import inner_activation
from theodolite.infinite_width.routes.tiles_hermite import LEVELS

TOLERANCE = 1e-14  # of what is left out of each series, relative to the sum at equal points
MOST_BYTES = 256e6  # of the coefficients


@dataclass(frozen=True)
class HermiteTable:
    """What `tiles_hermite.hermite_rows` asks for, under its names."""

    first: np.ndarray
    above: np.ndarray
    orders: np.ndarray
    starts: np.ndarray
    needed: np.ndarray
    left: np.ndarray
    right: np.ndarray
    left_inverse: np.ndarray
    right_inverse: np.ndarray


def hermite_chain(net: Node) -> tuple[list[Dense], list[Activation]] | None:
    """The dense layers and what is between them, all smooth and without a closed form; None for any other network.

    >>> from theodolite.architectures import parse
    >>> hermite_chain(parse("dense tanh dense"))
    ([Dense(), Dense()], [Tanh()])
    >>> hermite_chain(parse("relu*2")) is None
    True
    """
    nodes = nodes_of(net)
    layers = [node for node in nodes[::2] if isinstance(node, Dense)]
    activations = [node for node in nodes[1::2] if isinstance(node, Activation) and is_smooth(node)]
    if not activations or len(layers) + len(activations) != len(nodes):
        return None
    if len(layers) == len(activations):
        layers.append(Dense())  # an activation at the end; its layer is taken for the identity
    return layers, activations


def is_smooth(activation: Activation) -> bool:
    """Whether the activation has neither bends nor a closed form."""
    inner = inner_activation(activation)[0]
    return isinstance(dual(inner), NumericalDual) and not activation.bends and not activation.jumps


def hermite_table(
    net: Node, rates: Sequence[float] | None, left_square: np.ndarray, right_square: np.ndarray, same: bool
) -> HermiteTable | None:
    """The table for points of mean squares |x|^2 / d, (n,) and (m,); same: whether both sets are one.

    None when the architecture is another, or some series is too long.
    """
    found = hermite_chain(net)
    if found is None:
        return None
    layers, activations = found
    given = chain(rates) if rates is not None else repeat(1.0)
    numbers = [
        (layer.weight_std**2, layer.bias_std**2, next(given)) for layer in layers[: (len(nodes_of(net)) + 1) // 2]
    ]
    numbers += [(1.0, 0.0, 0.0)] * (len(layers) - len(numbers))
    n, squares = len(left_square), left_square if same else np.concatenate([left_square, right_square])
    variance = numbers[0][0] * squares + numbers[0][1]
    orders, tables, needed, inverses, size = [], [], [], [], 0
    for activation, (weight, bias, _) in zip(activations, numbers[1:], strict=True):
        root = np.sqrt(variance)
        inverses.append(np.divide(1.0, root, out=np.zeros_like(root), where=root > 0))
        what = plan(activation, (root, root), 1.0, TOLERANCE)
        if what.reach < 1.0:
            return None
        for table, terms in zip(
            coefficients(activation, root, what.count), (what.value_terms, what.slope_terms), strict=True
        ):
            kept = filled(terms)
            orders.append(kept)
            tables.append(table[kept])
            needed.append(terms_needed(tables[-1], kept))
            size += tables[-1].nbytes
        if size > MOST_BYTES:
            return None
        variance = weight * dual(activation).square(variance) + bias
    left, inverse = np.concatenate(tables), np.stack(inverses)
    right, right_inverse = (left, inverse) if same else (left[:, n:], inverse[:, n:])
    return HermiteTable(
        np.array(numbers[0]),
        np.array(numbers[1:]),
        np.concatenate(orders),
        np.cumsum([0, *map(len, orders)]),
        np.stack(needed),
        np.ascontiguousarray(left[:, :n].T),
        np.ascontiguousarray(right),
        np.ascontiguousarray(inverse[:, :n]),
        np.ascontiguousarray(right_inverse),
    )


def filled(terms: Iterable[int]) -> np.ndarray:
    """The orders with as many between them as make the first one 0 or 1 and all steps 1 or 2.

    >>> filled((3, 4, 8))
    array([1, 3, 4, 6, 8])
    """
    terms = list(terms) or [0]
    known = [terms[0] % 2, *terms]
    between = (order for low, high in pairwise(known) for order in range(low + 2 - (high - low) % 2, high, 2))
    return np.array(sorted({*known, *between}), dtype=np.int64)


def terms_needed(table: np.ndarray, orders: np.ndarray) -> np.ndarray:
    """(LEVELS,): how many terms leave no more than TOLERANCE at each level of |rho|."""
    sizes = np.abs(table).max(axis=1) ** 2
    level = np.arange(1, LEVELS + 1)[:, None] / LEVELS
    tails = np.cumsum((sizes * level**orders)[:, ::-1], axis=1)[:, ::-1]
    return np.maximum((tails > TOLERANCE * sizes.sum()).sum(axis=1), 1)
