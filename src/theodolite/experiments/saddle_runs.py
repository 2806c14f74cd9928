"""What the cases on saddles share: targets of given singular values, starts that differ in scale alone, slopes."""

from collections.abc import Sequence

import numpy as np
from scipy.stats import binom

from theodolite.experiments.intervals import Interval, mean_interval
from theodolite.experiments.key import Key
from theodolite.training_dynamics.saddles import random_layers

OVER_DRAWS = "95 % interval over initial weights"
EXACT = "no randomness"


def turned_target(singular_values: Sequence[float], shape: tuple[int, int], key: Key) -> np.ndarray:
    """A matrix of the given singular values in random bases.

    >>> np.linalg.svd(turned_target((4.0, 2.0), (3, 5), Key(0)), compute_uv=False).round(12) + 0.0
    array([4., 2., 0.])
    """
    rng, s = key.rng(), np.asarray(singular_values, dtype=float)
    left, right = (np.linalg.qr(rng.standard_normal((n, len(s))))[0] for n in shape)
    return (left * s) @ right.T


def scaled_start(shape: tuple[int, int], width: int, depth: int, sigma: float, key: Key) -> tuple[np.ndarray, ...]:
    """Normal weights of standard deviation `sigma`: equal keys give the same start up to its scale, alpha theta_0."""
    return tuple(sigma * W for W in random_layers(shape, width, depth, 1.0, seed=key.rng()))


def slopes(x: np.ndarray, y: np.ndarray) -> Interval:
    """The least-squares slope of each draw, y (draws, points) over x (points,), averaged with its interval.

    >>> slope, half = slopes(np.array([0.0, 1.0]), np.array([[0.0, 2.0], [1.0, 3.0]]))
    >>> float(slope), float(half)
    (2.0, 0.0)
    """
    centred = x - x.mean()
    return mean_interval(y @ centred / (centred @ centred))


def off(interval: Interval, target: float) -> tuple[float, float]:
    """|mean - target| / |target| (or |mean| for 0) and its half-width."""
    unit = abs(target) or 1.0
    return abs(float(interval.mean) - target) / unit, float(interval.half) / unit


def median_interval(values: np.ndarray) -> Interval:
    """The median of draws with the farther side of its 95 % interval from order statistics: no distribution is assumed.

    Source: the number of draws below the median is binomial(n, 1/2). Fewer than 6 draws give
        their whole range, which is less than 95 %.

    >>> median, half = median_interval(np.arange(16.0))  # between the 4th and the 13th
    >>> float(median), float(half)
    (7.5, 4.5)
    """
    ordered = np.sort(values)
    below = int(binom.ppf(0.025, len(ordered), 0.5))  # so many may lie outside on either side
    if below == 0:
        return Interval(np.median(ordered), np.asarray(ordered[-1] - ordered[0]))
    middle = float(np.median(ordered))
    return Interval(np.asarray(middle), np.asarray(max(middle - ordered[below - 1], ordered[-below] - middle)))
