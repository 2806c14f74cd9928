"""Degree laws of ReLU networks in sixty digits: the kernels' recursion and quadrature in the angle, all in mpmath.

Nothing here is shared with the package: the multiplicities come from binomial coefficients, the Gauss-Legendre nodes
from Newton's method, the polynomials from their recurrence.
"""

from functools import cache
from typing import Any

from mpmath import mp

NODES = 200
DIGITS = 60


@cache
def legendre(n: int = NODES) -> tuple[tuple[Any, Any], ...]:
    """Nodes in (-1, 1) and weights; n even."""
    found = []
    with mp.workdps(DIGITS):
        for i in range(n // 2):
            x = mp.cos(mp.pi * (i + mp.mpf(3) / 4) / (n + mp.mpf(1) / 2))
            for _ in range(5):  # errors 1e-5, 1e-10, ..., 1e-80
                value, slope = _polynomial(x, n)
                x -= value / slope
            slope = _polynomial(x, n)[1]
            weight = 2 / ((1 - x * x) * slope * slope)
            found += [(x, weight), (-x, weight)]
    return tuple(found)


def _polynomial(x: Any, n: int) -> tuple[Any, Any]:
    """Legendre's P_n and its derivative."""
    before, now = mp.mpf(1), x
    for k in range(1, n):
        before, now = now, ((2 * k + 1) * x * now - k * before) / (k + 1)
    return now, n * (x * now - before) / (x * x - 1)


def layer_kernels(t: Any, depth: int) -> list[Any]:
    """K^(1), ..., K^(depth) at a cosine: ReLU scaled to E sigma^2 = 1, no biases."""
    f, slopes = [t], []
    for _ in range(depth - 1):
        angle = mp.acos(f[-1])
        slopes.append(1 - angle / mp.pi)
        f.append((mp.sin(angle) + f[-1] * (mp.pi - angle)) / mp.pi)
    kernels = []
    for layer, value in enumerate(f):
        kernels.append(value * mp.fprod(slopes[layer:]))
    return kernels


def multiplicity(d: int, k: int) -> Any:
    """C(k + d - 1, k) - C(k + d - 3, k - 2)."""
    return mp.binomial(k + d - 1, k) - (mp.binomial(k + d - 3, k - 2) if k > 1 else 0)


@cache
def degree_laws(depth: int, dimension: int, degrees: int) -> list[list[Any]]:
    """N(d, k) mu_k of each layer: (depth, degrees)."""
    with mp.workdps(DIGITS):
        d = dimension
        constant = mp.gamma(mp.mpf(d) / 2) / (mp.sqrt(mp.pi) * mp.gamma(mp.mpf(d - 1) / 2))
        sums = [[mp.mpf(0)] * degrees for _ in range(depth)]
        for x, weight in legendre():
            angle = mp.pi / 2 * (1 + x)
            t, share = mp.cos(angle), constant * mp.pi / 2 * weight * mp.sin(angle) ** (d - 2)
            kernels = [share * kernel for kernel in layer_kernels(t, depth)]
            before, now = mp.mpf(0), mp.mpf(1)
            for k in range(degrees):
                for layer, kernel in enumerate(kernels):
                    sums[layer][k] += kernel * now
                before, now = now, ((2 * k + d - 2) * t * now - k * before) / (k + d - 2)
        return [[multiplicity(d, k) * value for k, value in enumerate(row)] for row in sums]
