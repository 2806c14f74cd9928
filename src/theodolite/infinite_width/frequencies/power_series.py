"""The kernel of each layer as a power series in the cosine, read off a circle in the complex plane.

All coefficients are positive, and so are those of activations: E[sigma(sqrt(q) u) sigma(sqrt(q) v)] = sum_m a_m rho^m
with a_m the squares of Hermite coefficients. The recursion of covariances therefore holds for complex cosines in the
unit disc, and a Fourier transform of its values on a circle gives the coefficients of every layer's kernel at once.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from theodolite.architectures import Activation, Dense, Identity, Node, PiecewiseLinear, Rescaled, nodes_of
from theodolite.infinite_width.duals import dual
from theodolite.numerics.hermite import hermite_coefficients

POINTS = 1 << 16
RADIUS = 10.0 ** (-15 / POINTS)  # wrapping around costs RADIUS^POINTS = 1e-15
MOST_TERMS = 4000
HERMITE_TERMS = 2048  # of an activation without a closed form
NEGLIGIBLE = 1e-17

ComplexDual = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]


@dataclass(frozen=True, eq=False)
class LayerSeries:
    """`coefficients` (layers, n): a_n of each layer's kernel; `traces` (layers,): its value at cosine 1;
    `noise`: the absolute error of each coefficient."""

    coefficients: np.ndarray
    traces: np.ndarray
    noise: float


def is_chain(net: Node) -> bool:
    """Whether a network is Dense layers and activations in a row, which is what has a power series.

    >>> from theodolite.architectures import parse
    >>> is_chain(parse("relu*3")), is_chain(parse("conv relu flatten dense"))
    (True, False)
    """
    return all(isinstance(node, Dense | Activation) for node in nodes_of(net))


@lru_cache(maxsize=32)
def layer_series(net: Node, square: float = 1.0) -> LayerSeries:
    """K^(l)(t) = sum_n a_n t^n for each layer of weights, inputs of mean square |x|^2 / d = square and cosine t.

    Args: net, Dense layers and activations in a row (`is_chain`). Returns: a LayerSeries of up to 4,000 terms.
    Cost: some tenths of a second a layer: 32,768 complex values, up to 2,048 terms each without a closed form.

    >>> from theodolite.architectures import parse
    >>> layer_series(parse("relu*1")).coefficients[:, :3].round(6)  # the ReLU halves the variance
    array([[0.      , 0.25    , 0.159155],
           [0.159155, 0.25    , 0.079577]])
    """
    half = np.exp(2j * np.pi * np.arange(POINTS // 2 + 1) / POINTS) * RADIUS
    q, covariance, terms = square, square * half, MOST_TERMS
    layers: list[np.ndarray] = []
    traces: list[float] = []
    for node in nodes_of(net):
        if isinstance(node, Dense):
            weight, bias = node.weight_std**2, node.bias_std**2
            q, covariance = weight * q + bias, weight * covariance + bias
            layers = [*(weight * layer for layer in layers), covariance]
            traces = [*(weight * trace for trace in traces), q]
        else:
            rule = dual(node)  # type: ignore[arg-type]
            read, known = _complex_dual(node, q)  # type: ignore[arg-type]
            covariance, slope = read(covariance)
            layers = [slope * layer for layer in layers]
            traces = [float(rule.slope_square(q)) * trace for trace in traces]
            q, terms = float(rule.square(q)), min(terms, known)
    values = np.fft.irfft(np.conj(np.array(layers)), POINTS)[:, :terms]
    noise = 1e-15 * max(traces)
    found = values * RADIUS ** -np.arange(terms)
    found[found < noise] = 0.0
    return LayerSeries(found, np.array(traces), noise)


def _complex_dual(activation: Activation, q: float) -> tuple[ComplexDual, int]:
    """(value, slope) as functions of a complex covariance at variance q, and how many terms they know."""
    if isinstance(activation, Identity):
        return lambda c: (c, np.ones_like(c)), MOST_TERMS
    if isinstance(activation, PiecewiseLinear):
        return _two_lines(activation.below, activation.above, q), MOST_TERMS
    if isinstance(activation, Rescaled):
        inner, known = _complex_dual(activation.activation, q)
        scale, shift = activation.scale, activation.shift
        offset = 2 * scale * shift * float(dual(activation.activation).mean(q)) + shift**2

        def rescaled(c: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            value, slope = inner(c)
            return scale**2 * value + offset, scale**2 * slope

        return rescaled, known
    return _hermite(activation, q)


def _two_lines(below: float, above: float, q: float) -> ComplexDual:
    """Cho and Saul (2009), order 1, at a complex angle; sqrt(1 - z) sqrt(1 + z) keeps to the right branch."""
    share = (above - below) ** 2 / (2 * math.pi)

    def read(c: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        z = c / q
        slope = below * above + share * (math.pi - np.arccos(z))
        return slope * c + share * q * np.sqrt(1 - z) * np.sqrt(1 + z), slope

    return read


def _hermite(activation: Activation, q: float) -> tuple[ComplexDual, int]:
    """The Hermite series; the slope's is the one of sigma', so that kinks lose nothing."""
    root = np.array(math.sqrt(q))
    parts = [
        hermite_coefficients(function, root, HERMITE_TERMS, activation.bends) ** 2
        for function in (activation, activation.derivative)
    ]
    longest = max(int(np.flatnonzero(part > NEGLIGIBLE * part.sum())[-1]) + 1 for part in parts)
    value, slope = (part[:longest][::-1] for part in parts)
    known = MOST_TERMS if longest < HERMITE_TERMS // 2 else HERMITE_TERMS

    def read(c: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        z = c / q
        return _horner(value, z), _horner(slope, z)

    return read, known


def _horner(falling: np.ndarray, z: np.ndarray) -> np.ndarray:
    total = np.zeros_like(z)
    for coefficient in falling:
        total *= z
        total += coefficient
    return total
