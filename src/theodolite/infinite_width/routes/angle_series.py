"""Kernels that depend on the angle alone, as one Chebyshev series each, whatever the depth.

Where all points have one norm, or nothing in the network has a scale of its own, NNGP and NTK are functions of the
cosine c of the angle t between two points. They are analytic in t, and u = sqrt((1 + c) / 2) - sqrt((1 - c) / 2) =
sqrt(2) cos(t / 2 + pi / 4) runs over [-1, 1] and is analytic in t too: a few dozen Chebyshev polynomials of u reach
round-off. In c itself they would not: a ReLU network has a kink in its NTK at c = 1.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy.fft import dct

from theodolite.architectures import (
    Activation,
    Dense,
    Dropout,
    LayerNorm,
    Node,
    ParallelSum,
    Residual,
    Serial,
)
from theodolite.infinite_width.routes import reading
from theodolite.infinite_width.rules.moments import Moments
from theodolite.numerics.errors import DidNotConverge

ROUND_OFF = 2e-14  # of the largest coefficient
NOISE = 2e-12  # the same, where many layers have added up their round-off
CERTAIN = 128  # terms from which on a level above round-off is believed to be noise
MOST_TERMS = 1024


@dataclass(frozen=True, eq=False)
class AngleSeries:
    """Chebyshev coefficients in u of the NNGP and of the NTK, (k,) each; the NTK's are empty when not wanted.

    The series are for points of mean square `square`; points x and z of other norms have the values times
    (|x| |z| / d square)^`degree`, when `degree` is known.
    """

    nngp: np.ndarray
    ntk: np.ndarray
    square: float
    degree: float | None


def cosine_of(u: np.ndarray) -> np.ndarray:
    """The cosine that belongs to u: c = u sqrt(2 - u^2).

    >>> cosine_of(np.array([-1.0, 0.0, 1.0]))
    array([-1.,  0.,  1.])
    """
    return u * np.sqrt(2 - u * u)


@lru_cache(maxsize=256)
def angle_series(net: Node, rates: tuple[float, ...] | None, square: float, tangent: bool) -> AngleSeries:
    """The series of a network of vectors for inputs of mean square |x|^2 / d = square.

    The rules are applied in extended precision at Chebyshev points, and to twice as many until the last coefficients
    are round-off. Raises: DidNotConverge when 1024 terms do not do (a deep chaotic network), NoInfiniteWidthLimit.
    Cost: some hundred values of the plain rule; kept for the next call.
    """
    terms = 32
    while terms <= MOST_TERMS:
        u = np.cos(np.pi * (np.arange(terms, dtype=np.longdouble) + 0.5) / terms)
        own = np.full((1,), np.longdouble(square))
        start = Moments(cosine_of(u) * own, None, own, own, (), False, None, tangent)
        moments = reading.read(net, start, rates)
        found = [_coefficients(part) for part in (moments.nngp, moments.ntk) if part is not None]
        done = [part for part in found if part is not None]
        if len(done) == len(found):
            return AngleSeries(done[0], done[1] if tangent else np.zeros(0), square, homogeneity(net))
        terms *= 2
    raise DidNotConverge(f"the angle series of {net!r} needs more than {MOST_TERMS} terms")


def _coefficients(values: np.ndarray) -> np.ndarray | None:
    """Chebyshev coefficients from values at Chebyshev points, down to where they are noise; None if not there."""
    coefficients = np.asarray(dct(values, type=2), dtype=np.float64) / len(values)
    coefficients[0] /= 2
    largest = np.abs(coefficients).max()
    noise = max(2 * np.abs(coefficients[-len(coefficients) // 4 :]).max(), ROUND_OFF * largest)
    above = np.flatnonzero(np.abs(coefficients) > noise)
    if largest == 0 or not above.size:
        return coefficients[:1]
    done = noise <= (NOISE if len(coefficients) >= CERTAIN else ROUND_OFF) * largest
    return coefficients[: int(above[-1]) + 1] if done else None


def homogeneity(net: Node) -> float | None:
    """The degree k with f(a x) = a^k f(x) in law for a > 0, None when there is none.

    >>> from theodolite.architectures import Relu, SquaredRelu
    >>> homogeneity(Dense() >> SquaredRelu() >> Dense()), homogeneity(Dense(bias_std=0.1) >> Relu())
    (2.0, None)
    """
    return _degree(net, 1.0)


def _degree(node: Node, degree: float | None) -> float | None:
    if degree is None:
        return None
    if isinstance(node, Serial):
        for part in node:
            degree = _degree(part, degree)
        return degree
    if isinstance(node, Residual | ParallelSum):
        branches = node.branches if isinstance(node, ParallelSum) else (Serial(()), node.branch)
        found = {_degree(branch, degree) for branch in branches}
        return found.pop() if len(found) == 1 else None
    if isinstance(node, Dense):
        return degree if node.bias_std == 0 else None
    if isinstance(node, Activation):
        return None if node.degree is None else degree * node.degree
    return 0.0 if isinstance(node, LayerNorm) else degree if isinstance(node, Dropout) else None
