"""Duals by Hermite series: T = sum_k a_k(q1) a_k(q2) rho^k, with a_k(q) = E[sigma(sqrt(q) Z) h_k(Z)].

The slope is the same series with the coefficients of sigma'. Coefficients are made on q1 and q2 as they came, before
they broadcast: a Gram matrix of n points costs n quadratures and K multiplications for each of its entries.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from theodolite.architectures import Activation
from theodolite.numerics.hermite import hermite_coefficients
from theodolite.numerics.threads import side_by_side

SMOOTH_LIMIT, KINKED_LIMIT = 2048, 512  # terms at most
GATHERED = 16384  # entries picked from a mask at a time
ROWS = 128  # given to a thread at a time
COMPILED = 16384  # entries from which on compiled code is worth loading
TILE = 16384  # entries summed at a time, to stay in the processor's cache
FLAT_TILE = 1024  # the same where each entry has its own q


@dataclass(frozen=True)
class Plan:
    """Which terms to sum, and up to which |rho| they are enough."""

    value_terms: tuple[int, ...]
    slope_terms: tuple[int, ...]
    reach: float

    @property
    def count(self) -> int:
        return max((*self.value_terms, *self.slope_terms, 0)) + 1


def coefficients(activation: Activation, root: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Hermite coefficients (count, *root.shape) of sigma(sqrt(q) z) and of sigma'(sqrt(q) z), for root = sqrt(q)."""
    return (
        hermite_coefficients(activation, root, count, activation.bends),
        hermite_coefficients(activation.derivative, root, count, activation.bends),
    )


def plan(activation: Activation, roots: Sequence[np.ndarray], largest: float, tolerance: float) -> Plan:
    """The fewest terms whose measured tail at |rho| = largest is below tolerance, relative to the sum at |rho| = 1.

    Where the limit of terms is not enough, `reach` is the |rho| up to which it is.
    """
    limit = KINKED_LIMIT if activation.bends else SMOOTH_LIMIT
    count = 64
    while True:
        count = min(2 * count, limit)
        envelopes = [_envelope(activation, roots[0], count)]
        envelopes.append(envelopes[0] if roots[1] is roots[0] else _envelope(activation, roots[1], count))
        series = [left * right for left, right in zip(*envelopes, strict=True)]
        reach = next(
            (r for r in (largest, 0.99, 0.98, 0.97, 0.95, 0.9, 0.8) if r <= largest and _settled(series, r, tolerance)),
            0.0,
        )
        if reach == largest or count == limit:
            kept = [_kept(terms, reach, tolerance) for terms in series]
            return Plan(kept[0], kept[1], reach)


def _envelope(activation: Activation, root: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """The largest |a_k| and |b_k| over a few variances of the range."""
    low, high = float(root.min()), float(root.max())
    grid = np.linspace(low, high, 5 if high > low else 1)
    values, slopes = coefficients(activation, grid, count)
    return np.abs(values).max(axis=1), np.abs(slopes).max(axis=1)


def _settled(series: Sequence[np.ndarray], rho: float, tolerance: float) -> bool:
    """Whether the last quarter of the terms is below tolerance, with room for what would follow it."""
    for terms in series:
        count = len(terms)
        last = terms[-count // 4 :] * rho ** np.arange(count - count // 4, count)
        if last.sum() + last[-8:].max() * min(1.0 / (1.0 - rho) if rho < 1 else np.inf, count) > tolerance * max(
            terms.sum(), 1e-300
        ):
            return False
    return True


def _kept(terms: np.ndarray, rho: float, tolerance: float) -> tuple[int, ...]:
    """Orders that matter: a tail is cut, and the orders that parity empties are left out."""
    sizes = terms * rho ** np.arange(len(terms))
    tails = np.cumsum(sizes[::-1])[::-1]
    threshold = 0.1 * tolerance * max(terms.sum(), 1e-300)
    return tuple(int(k) for k in np.flatnonzero((tails > threshold) & (sizes > threshold / len(terms))))


def summed(
    activation: Activation, root1: np.ndarray, rho: np.ndarray, root2: np.ndarray, what: Plan
) -> tuple[np.ndarray, np.ndarray]:
    """(value, slope) of the planned terms on arrays that broadcast to the shape of rho, in the dtype of rho."""
    value, slope = np.empty_like(rho), np.empty_like(rho)
    root1, root2 = (root.reshape((1,) * (rho.ndim - root.ndim) + root.shape) for root in (root1, root2))
    if rho.ndim == 2 and rho.size >= COMPILED and root1.shape == (len(rho), 1) and root2.shape == (1, rho.shape[1]):
        return _summed_pairs(activation, root1[:, 0], rho, root2[0], what)
    shared = [coefficients(activation, root, what.count) if len(root) == 1 else None for root in (root1, root2)]
    for rows in _tiles(rho, root1, root2):
        sides = [
            known or coefficients(activation, root[rows], what.count)
            for known, root in zip(shared, (root1, root2), strict=True)
        ]
        left, right = [[part.astype(rho.dtype, copy=False) for part in side] for side in sides]
        _horner(rho[rows], left[0], right[0], what.value_terms, out=value[rows])
        _horner(rho[rows], left[1], right[1], what.slope_terms, out=slope[rows])
    return value, slope


def _summed_pairs(
    activation: Activation, root1: np.ndarray, rho: np.ndarray, root2: np.ndarray, what: Plan
) -> tuple[np.ndarray, np.ndarray]:
    """`summed` for all pairs of two sets of points."""
    from theodolite.infinite_width.duals.compiled_series import sum_terms

    one = coefficients(activation, root1, what.count)
    sides = one, one if np.array_equal(root1, root2) else coefficients(activation, root2, what.count)
    found = np.empty_like(rho), np.empty_like(rho)
    for place, (terms, out) in enumerate(zip((what.value_terms, what.slope_terms), found, strict=True)):
        orders = np.array(terms, dtype=np.int64)
        left, right = (np.ascontiguousarray(side[place][orders]) for side in sides)

        def rows(part: slice, left: Any = left, right: Any = right, orders: Any = orders, out: Any = out) -> None:
            sum_terms(rho[part], left[:, part], right, orders, out[part])

        side_by_side(rows, [slice(i, i + ROWS) for i in range(0, len(rho), ROWS)])
    return found


def summed_where(
    activation: Activation, root1: np.ndarray, rho: np.ndarray, root2: np.ndarray, what: Plan, chosen: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """As `summed`, on the entries that a mask (the shape of rho) chooses; vectors of (value, slope)."""
    some = rho[chosen]
    value, slope = np.empty_like(some), np.empty_like(some)
    places = [np.broadcast_to(np.arange(root.size).reshape(root.shape), rho.shape)[chosen] for root in (root1, root2)]
    tables = [
        [part.astype(rho.dtype, copy=False) for part in coefficients(activation, root.ravel(), what.count)]
        for root in (root1, root2)
    ]
    for start in range(0, len(some), GATHERED):
        part = slice(start, start + GATHERED)
        at1, at2 = (place[part] for place in places)
        for j, (terms, out) in enumerate(((what.value_terms, value), (what.slope_terms, slope))):
            _horner(some[part], _Gathered(tables[0][j], at1), _Gathered(tables[1][j], at2), terms, out=out[part])
    return value, slope


@dataclass(frozen=True)
class _Gathered:
    """Rows of a table of coefficients, gathered when they are asked for."""

    table: np.ndarray
    places: np.ndarray

    def __getitem__(self, k: int) -> np.ndarray:
        return self.table[k][self.places]


def _tiles(rho: np.ndarray, root1: np.ndarray, root2: np.ndarray) -> Iterator[slice]:
    """Slices of the first axis, small enough for the sums and for the coefficients."""
    n = len(rho)
    own = max(root.size // n if len(root) > 1 else 0 for root in (root1, root2))
    step = max(1, min(TILE // max(rho.size // n, 1), FLAT_TILE // max(own, 1)) if n else 1)
    return (slice(start, start + step) for start in range(0, n, step))


def _horner(rho: np.ndarray, left: Any, right: Any, terms: Sequence[int], out: np.ndarray) -> None:
    """sum over terms k of left_k right_k rho^k, by Horner's rule in place, across gaps."""
    out[...] = 0.0
    square, product = rho * rho, np.empty_like(rho)
    for k, below in zip(reversed(terms), [*reversed(terms[:-1]), 0], strict=False):
        np.multiply(left[k], right[k], out=product)
        out += product
        for _ in range((k - below) // 2):
            out *= square
        if (k - below) % 2:
            out *= rho


def safe_rho(q1: np.ndarray, c: np.ndarray, q2: np.ndarray) -> np.ndarray:
    """c / sqrt(q1 q2) within [-1, 1], exactly 1 at c = q1 = q2; 0 where a variance is 0."""
    length = np.sqrt(q1 * q2)
    rho = c / np.where(length > 0, length, math.inf)
    return np.clip(rho, -1.0, 1.0, out=np.atleast_1d(rho)).astype(c.dtype, copy=False)
