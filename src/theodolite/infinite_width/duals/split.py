"""Duals by nested quadrature that splits at the kinks: for kinked activations at nearly parallel points.

T = E_z[sigma(s1 z) m(z)], m(z) = E_y sigma(s2 (rho z + t y)), t = sqrt(1 - rho^2), with y, z independent. The inner
panels end where sigma bends; the outer ones too, and they gather where m turns within t of a kink.
"""

from typing import Any

import numpy as np
from array_api_compat import array_namespace

from theodolite.architectures import Activation
from theodolite.numerics.gaussian import nodes

REACH = 9.5  # standard deviations
OUTER, INNER = 26, 6  # panels of the base, for standard deviations up to 2
LAYER = (-8.0, -4.0, -1.5, 0.0, 1.5, 4.0, 8.0)  # panel ends around a kink of the inner mean, in units of t
BLOCK = 8  # entries at a time
_POINTS, _WEIGHTS = np.polynomial.legendre.leggauss(14)


def split_quadrature(
    activation: Activation, q1: np.ndarray, c: np.ndarray, q2: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """(value, slope) for vectors of triples (n,) with positive variances and |rho| > 1/2, in float64.

    Cost: about 60,000 values of sigma and of sigma' for each triple at one kink and variances up to 4.
    """
    value, slope = np.empty(len(c)), np.empty(len(c))
    fineness = int(np.ceil(np.clip(np.sqrt(max(q1.max(), q2.max())) / 2, 1, 4)))
    straight = q1 * q2 == c * c
    if straight.any() and not any(activation.bends):
        found = _on_a_line(activation, np.sqrt(q1[straight]), np.sign(c[straight]) * np.sqrt(q2[straight]))
        value[straight], slope[straight] = found
        rest = ~straight
        if rest.any():
            value[rest], slope[rest] = split_quadrature(activation, q1[rest], c[rest], q2[rest])
        return value, slope
    for start in range(0, len(c), BLOCK):
        part = slice(start, start + BLOCK)
        s1, s2 = np.sqrt(q1[part]), np.sqrt(q2[part])
        length = np.sqrt(q1[part] * q2[part])  # exactly q where q1 = q2
        rho = np.clip(c[part] / length, -1.0, 1.0)
        across = np.sqrt(np.maximum((length - c[part]) * (length + c[part]), 0.0)) / length
        value[part], slope[part] = nested(activation, s1, s2, rho, across, fineness)
    return value, slope


def _on_a_line(activation: Activation, s1: np.ndarray, s2: np.ndarray) -> list[np.ndarray]:
    """[value, slope] where v / s2 = u / s1, for activations that bend at 0 if anywhere."""
    z, weights = nodes((0.0,))
    starts = range(0, len(s1), 256)
    u, v = ([s[start : start + 256, None] * z for start in starts] for s in (s1, s2))
    return [
        np.concatenate([(f(a) * f(b)) @ weights for a, b in zip(u, v, strict=True)])
        for f in (activation, activation.derivative)
    ]


def nested(activation: Activation, s1: Any, s2: Any, rho: Any, across: Any, fineness: int = 1) -> tuple[Any, Any]:
    """(value, slope) for vectors (n,) of standard deviations, correlation and t = sqrt(1 - rho^2); traceable.

    `fineness` multiplies the panels: standard deviation / 2 is enough.
    """
    xp = array_namespace(s1, rho)
    s1, s2, rho, across = (part[:, None] for part in (s1, s2, rho, across))
    kinks = xp.asarray(activation.bends, dtype=s1.dtype)[None, :]
    turns = (kinks / (s2 * rho))[:, :, None] + (across / xp.abs(rho))[:, :, None] * xp.asarray(LAYER, dtype=s1.dtype)
    turns = xp.reshape(turns, (s1.shape[0], -1))
    z, outer = _panels(xp.concat([kinks / s1, turns], axis=1), OUTER * fineness)
    tiny = 1e-12 if s1.dtype == xp.float64 else 1e-6
    across = across[..., None]
    ends = (kinks[:, None, :] / s2[..., None] - (rho * z)[..., None]) / xp.where(across > tiny, across, tiny)
    y, inner = _panels(ends, INNER * fineness)
    u, v = s1 * z, s2[..., None] * ((rho * z)[..., None] + across * y)
    value = xp.sum(outer * activation(u) * xp.sum(inner * activation(v), axis=-1), axis=-1)
    slopes = xp.sum(inner * activation.derivative(v), axis=-1)
    return value, xp.sum(outer * activation.derivative(u) * slopes, axis=-1)


def _panels(ends: Any, count: int) -> tuple[Any, Any]:
    """Gauss-Legendre points and Gaussian weights on `count` equal panels, cut at the ends (..., k) too."""
    xp = array_namespace(ends)
    base = xp.linspace(-REACH, REACH, count + 1, dtype=ends.dtype)
    base = xp.broadcast_to(base, (*ends.shape[:-1], count + 1))
    edges = xp.sort(xp.concat([base, xp.clip(ends, -REACH, REACH)], axis=-1), axis=-1)
    half = (edges[..., 1:] - edges[..., :-1])[..., None] / 2
    points = edges[..., :-1, None] + half * xp.asarray(_POINTS + 1.0, dtype=ends.dtype)
    weights = half * xp.asarray(_WEIGHTS / np.sqrt(2 * np.pi), dtype=ends.dtype) * xp.exp(-points * points / 2)
    shape = (*ends.shape[:-1], -1)
    return xp.reshape(points, shape), xp.reshape(weights, shape)
