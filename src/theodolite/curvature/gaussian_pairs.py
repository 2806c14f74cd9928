"""Gaussian expectations of two derivatives of an activation, L^ij = E[sigma^(i)(a) sigma^(j)(a')], for many pairs.

By Mehler's formula L^ij = sum_k A^i_k(s) A^j_k(s') rho^k with A^i_k(s) = E[sigma^(i)(s Z) h_k(Z)] and a, a' of standard
deviations s, s' and correlation rho. The sum converges at rho = +-1 too, and costs quadratures for points, not pairs.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from theodolite.architectures import Activation, Identity
from theodolite.curvature.activation_derivatives import ORDERS, derivatives
from theodolite.numerics.errors import DidNotConverge
from theodolite.numerics.gaussian import nodes
from theodolite.numerics.hermite import hermite_coefficients

Order = tuple[int, int]

TOLERANCE = 1e-12  # of a sum, relative to what it would be at rho = 1
FEWEST, MOST = 64, 2048  # terms
TILE = 16384  # pairs summed at a time, to stay in the processor's cache
ROUND_OFF = 1e-15  # of a coefficient, relative to the largest
TILE_OF_POINTS = 256


class Points(NamedTuple):
    """The standard deviations of both sides, (n,) and (m,), and the correlations (n, m)."""

    left: np.ndarray
    rho: np.ndarray
    right: np.ndarray


@dataclass(frozen=True)
class PairMoments:
    """L^ij of one activation on all pairs of two sets of points: `moments[i, j]` is (n, m)."""

    values: dict[Order, np.ndarray]

    def __getitem__(self, order: Order) -> np.ndarray:
        return self.values[order]


def pair_moments(activation: Activation, points: Points, orders: Sequence[Order]) -> PairMoments:
    """L^ij for each (i, j) in orders, i, j <= 3.

    Args: activation, smooth; points, rho in [-1, 1].
    Returns: arrays (n, m); the error is about 1e-12 of the size of L^ij at rho = 1.
    Raises: DidNotConverge where 2,048 terms are not enough: |rho| near 1 at variances above 5 (tanh) to 20 (softplus).
    Source: Mehler (1866); Price (1958) gives L^(i+1)(j+1) = dL^ij / dc.
    Cost: K multiplications for each entry and order, K about 60 at variance 1; at |rho| = 1, 1,000 at variance 10.

    >>> from theodolite.architectures import Erf
    >>> one = np.ones(1)
    >>> found = pair_moments(Erf(), Points(one, np.full((1, 1), 0.5), one), [(0, 0)])
    >>> bool(abs(found[0, 0].item() - 2 / np.pi * np.arcsin(1 / 3)) < 1e-14)
    True
    """
    if isinstance(activation, Identity):
        return PairMoments({order: _of_identity(points, order) for order in orders})
    largest = float(np.abs(points.rho).max(initial=0.0))
    count = terms_needed(activation, (points.left, points.right), largest, orders)
    both = np.array_equal(points.left, points.right)
    used = sorted({i for order in orders for i in order})
    left = {i: hermite_coefficients(derivatives(activation)[i], points.left, count) for i in used}
    right = left if both else {i: hermite_coefficients(derivatives(activation)[i], points.right, count) for i in used}
    shape = points.rho.shape
    found = {order: np.empty(shape) for order in orders}
    rows = max(1, TILE // max(shape[1], 1))
    for start in range(0, shape[0], rows):
        part = slice(start, start + rows)
        rho = points.rho[part]
        for (i, j), out in found.items():
            out[part] = _horner(rho, left[i][:, part], right[j])
    return PairMoments(found)


def point_moments(activation: Activation, roots: np.ndarray, orders: Sequence[Order]) -> PairMoments:
    """E[sigma^(i)(s Z) sigma^(j)(s Z)], (n,) for each order: a point with itself, to round-off.

    >>> from theodolite.architectures import Sin
    >>> bool(abs(point_moments(Sin(), np.ones(1), [(0, 0)])[0, 0].item() - (1 - np.exp(-2)) / 2) < 1e-15)
    True
    """
    if isinstance(activation, Identity):
        flat = Points(roots, np.ones((len(roots), 1)), roots)
        return PairMoments({order: np.diagonal(_of_identity(flat, order)).copy() for order in orders})
    z, weights = nodes(tuple(np.arange(-12.75, 13.0, 0.25)))
    functions = derivatives(activation)
    found = {order: np.empty(len(roots)) for order in orders}
    for start in range(0, len(roots), TILE_OF_POINTS):
        at = roots[start : start + TILE_OF_POINTS, None] * z
        values = {i: functions[i](at) for i in {i for order in orders for i in order}}
        for (i, j), out in found.items():
            out[start : start + TILE_OF_POINTS] = (values[i] * values[j]) @ weights
    return PairMoments(found)


def terms_needed(activation: Activation, sides: Sequence[np.ndarray], largest: float, orders: Sequence[Order]) -> int:
    """How many terms bring each series below `TOLERANCE` at |rho| = largest, as its last quarter says."""
    low, high = min(side.min() for side in sides), max(side.max() for side in sides)
    grid = np.linspace(low, high, 5 if high > low else 1)
    functions = derivatives(activation)
    count = FEWEST
    while True:
        sizes = [np.abs(hermite_coefficients(functions[i], grid, count)).max(axis=1) for i in range(ORDERS)]
        if all(_settled(sizes[i], sizes[j], largest) for i, j in orders):
            return count
        if count >= MOST:
            raise DidNotConverge(
                f"{count} Hermite terms of {activation!r} are not enough for a standard deviation of {high:.3g} at "
                f"correlation {largest:.6g}; scale the inputs or weight_std down, so that variances stay near 1"
            )
        count *= 2


def _settled(left: np.ndarray, right: np.ndarray, rho: float) -> bool:
    count = len(left)
    terms = left * right
    round_off = ROUND_OFF**2 * count * left.max() * right.max()
    last = (terms * rho ** np.arange(count))[-count // 4 :]
    return bool(last.sum() + count * last[-8:].max() <= TOLERANCE * terms.sum() + count * round_off)


def _horner(rho: np.ndarray, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """sum_k left_k (n,) right_k (m,) rho^k, (n, m)."""
    total, product = np.zeros_like(rho), np.empty_like(rho)
    for a, b in zip(left[::-1], right[::-1], strict=True):
        total *= rho
        np.multiply(a[:, None], b[None, :], out=product)
        total += product
    return total


def _of_identity(points: Points, order: Order) -> np.ndarray:
    if order == (0, 0):
        return points.left[:, None] * points.rho * points.right
    return np.full((len(points.left), len(points.right)), 1.0 if order == (1, 1) else 0.0)
