"""The correlation map of a repeated block: the variance it settles at, its slope at 1, its fixed point below 1."""

import math
from dataclasses import dataclass

from scipy.optimize import brentq

from theodolite.infinite_width.order_chaos.blocks import Block, step

FIXED = 1e-12  # relative change of the variance in one block that counts as none
SMALLEST, LARGEST = 1e-9, 1e4  # variances beyond which the recursion is said to vanish or explode
NEWTON_STEPS = 100


@dataclass(frozen=True)
class Variance:
    """Where the variance q -> V(q) of a repeated block goes: `fate` is "stable", "vanishes" or "explodes"."""

    value: float
    fate: str


def settled_variance(block: Block, start: float) -> Variance:
    """The fixed point of the variance recursion that is reached from `start`.

    The variance of most activations grows with the variance below, so the iteration is monotone and ends at the first
    fixed point on its way; this is found by steps in log q that double, from the first step of the iteration up to a
    factor 2, and then by bisection, also where the iteration itself would take for ever. Cost: some 60 blocks.

    >>> from theodolite.architectures import Dense, Relu
    >>> settled_variance((Relu(), Dense(bias_std=0.1)), start=1.0)  # q = q / 2 + 0.01
    Variance(value=0.02, fate='stable')
    >>> settled_variance((Relu(), Dense(2.0)), start=1.0).fate
    'explodes'
    """

    def change(log: float) -> float:
        q = math.exp(log)
        return step(block, q, 1.0).variance / q - 1.0

    at = math.log(start)
    now = change(at)
    if abs(now) <= FIXED:
        return Variance(start, "stable")
    towards = now
    while math.log(SMALLEST) < at < math.log(LARGEST):
        after = change(at + towards)
        if abs(after) <= FIXED or after * now < 0:
            root = at + towards if abs(after) <= FIXED else float(brentq(change, at, at + towards, xtol=1e-15))  # type: ignore[arg-type]
            return Variance(float(f"{math.exp(root):.14g}"), "stable")
        at += towards
        towards = math.copysign(min(2 * abs(towards), math.log(2.0)), towards)
    return Variance(math.exp(at), "explodes" if towards > 0 else "vanishes")


@dataclass(frozen=True)
class FixedPoint:
    """A fixed point c of the correlation map and the slope of the map there."""

    correlation: float
    slope: float


def fixed_point(block: Block, variance: float, tolerance: float) -> FixedPoint:
    """The fixed point that correlations between 0 and 1 tend to under a repeated block at a settled variance.

    It is 1 when the slope there is at most 1 + tolerance. Otherwise Newton's method from 0 reaches it from below: the
    map is a power series with positive coefficients, so it is convex.

    >>> from theodolite.architectures import Dense, Relu
    >>> found = fixed_point((Relu().normalised(), Dense(0.99**0.5, 0.1)), variance=1.0, tolerance=1e-6)
    >>> round(found.correlation, 6), round(found.slope, 5)
    (0.037715, 0.74358)
    """
    one = slope(block, variance, 1.0)
    if one <= 1 + tolerance:
        return FixedPoint(1.0, one)
    c = 0.0
    for _ in range(NEWTON_STEPS):
        here = slope(block, variance, c)
        move = (step(block, variance, c).correlation - c) / (1 - here)
        if abs(move) < 1e-15 or here >= 1:
            break
        c = min(c + move, 1.0 - 1e-15)
    return FixedPoint(c, slope(block, variance, c))


def slope(block: Block, variance: float, correlation: float) -> float:
    """The derivative of the correlation after a block with respect to the one before it."""
    one = step(block, variance, correlation)
    return one.passed * variance / one.variance
