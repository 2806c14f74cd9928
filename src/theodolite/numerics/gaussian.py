"""Expectations over one standard normal variable, to round-off, also for functions with kinks and jumps."""

from collections.abc import Callable, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Any

import numpy as np
from array_api_compat import array_namespace

REACH = 13.0  # standard deviations; the density beyond is 1e-37
PANEL = 0.5  # widest panel, in standard deviations
NODES = 20  # Gauss-Legendre nodes in a panel


def nodes(kinks: Sequence[float] = ()) -> tuple[np.ndarray, np.ndarray]:
    """Points z and weights w of E[g(Z)] = sum w g(z), Z standard normal: Gauss-Legendre panels split at the kinks.

    Args: kinks, where g or its derivatives jump, in units of Z.
    Returns: (k,) points and (k,) weights.
    Cost: about 1,000 points; made once for each set of kinks.

    >>> z, w = nodes((0.0,))
    >>> bool(abs(w @ np.maximum(z, 0) - 1 / np.sqrt(2 * np.pi)) < 1e-15)
    True
    """
    return _nodes(tuple(sorted({float(kink) for kink in kinks if abs(kink) < REACH})))


@lru_cache(maxsize=256)
def _nodes(kinks: tuple[float, ...]) -> tuple[np.ndarray, np.ndarray]:
    ends = np.array([-REACH, *kinks, REACH])
    edges = np.concatenate(
        [np.linspace(a, b, int(np.ceil((b - a) / PANEL)) + 1)[:-1] for a, b in pairwise(ends)] + [ends[-1:]]
    )
    t, w = np.polynomial.legendre.leggauss(NODES)
    half = np.diff(edges)[:, None] / 2
    z = ((edges[:-1] + edges[1:])[:, None] / 2 + half * t).ravel()
    weights = (half * w).ravel() * np.exp(-z * z / 2) / np.sqrt(2 * np.pi)
    for array in (z, weights):
        array.flags.writeable = False
    return z, weights


def scaled_nodes(std: Any, kinks: Sequence[float]) -> tuple[Any, Any]:
    """Points and weights as `nodes`, one row for each standard deviation: the kinks of g(std Z) lie at kink / std.

    Args: std (n,), >= 0, a numpy or JAX array; kinks, in units of the argument of g.
    Returns: (n, k) points and (n, k) weights.
    Cost: about 1,000 points for each row and each piece between two kinks.

    >>> z, w = scaled_nodes(np.array([0.5, 2.0]), (1.0,))
    >>> (w * (z > [[2.0], [0.5]])).sum(axis=1).round(6)  # P(Z > 2), P(Z > 1/2)
    array([0.02275 , 0.308538])
    """
    xp = array_namespace(std)
    least = max(map(abs, kinks), default=1.0) / (10 * REACH)  # below, every kink but 0 is out of reach
    row = xp.asarray(sorted(kinks), dtype=std.dtype) / xp.where(std > least * 1e-6, std, least * 1e-6)[:, None]
    edge = xp.full((std.shape[0], 1), REACH, dtype=std.dtype)
    ends = xp.concat([-edge, xp.clip(row, -REACH, REACH), edge], axis=1)
    count = int(np.ceil(2 * REACH / PANEL))
    t, w = np.polynomial.legendre.leggauss(NODES)
    steps = xp.asarray(((np.arange(count)[:, None] + (t + 1) / 2) / count).ravel(), dtype=std.dtype)
    lengths = (ends[:, 1:] - ends[:, :-1])[:, :, None]
    z = xp.reshape(ends[:, :-1, None] + lengths * steps, (std.shape[0], -1))
    shares = xp.asarray(np.tile(w / (2 * count * np.sqrt(2 * np.pi)), count), dtype=std.dtype)
    weights = xp.reshape(lengths * shares, (std.shape[0], -1)) * xp.exp(-z * z / 2)
    return z, weights


def gaussian_mean(function: Callable[[np.ndarray], np.ndarray], kinks: Sequence[float] = (), std: float = 1.0) -> float:
    """E[g(std Z)], Z standard normal.

    Args: function g of an array; kinks of g, in units of its argument; std >= 0.
    Returns: a number; the error is of the order of round-off for g smooth between its kinks and of moderate growth.

    >>> round(gaussian_mean(np.abs, kinks=(0.0,), std=2.0) ** 2 * np.pi, 12)
    8.0
    """
    if std == 0:
        return float(function(np.zeros(1))[0])
    z, w = nodes([kink / std for kink in kinks])
    return float(w @ function(std * z))
