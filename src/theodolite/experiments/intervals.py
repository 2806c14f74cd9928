"""Error bars from repeats: means, spreads and their 95 % intervals."""

from typing import NamedTuple

import numpy as np
from scipy.special import stdtrit

from theodolite.numerics.errors import ShapeMismatch


class Interval(NamedTuple):
    """A mean and the half-width of its 95 % interval, arrays of one shape."""

    mean: np.ndarray
    half: np.ndarray


def mean_interval(values: np.ndarray, axis: int = 0) -> Interval:
    """Mean over independent repeats along `axis`, with the half-width t_{0.975} s / sqrt(m) of its 95 % interval.

    Args: values with m >= 2 repeats along `axis`.
    Raises: ShapeMismatch for fewer than two repeats.

    >>> mean, half = mean_interval(np.array([1.0, 2.0, 3.0]))
    >>> float(mean), round(float(half), 3)
    (2.0, 2.484)
    """
    values = np.asarray(values, dtype=np.float64)
    m = values.shape[axis]
    if m < 2:
        raise ShapeMismatch(f"an error bar needs at least 2 repeats, got {m}")
    quantile = float(stdtrit(m - 1, 0.975))
    return Interval(values.mean(axis), quantile * values.std(axis, ddof=1) / np.sqrt(m))


def variance_interval(values: np.ndarray, axis: int = 0) -> Interval:
    """Variance over independent repeats, with the 95 % interval that its fourth moment gives.

    The error of a sample variance s^2 is sqrt((m4 - s^4) / m), with m4 the fourth central moment: no normal
    distribution is assumed.

    >>> draws = np.random.default_rng(0).standard_normal(10_000)
    >>> variance, half = variance_interval(draws)
    >>> bool(abs(variance - 1) < half), round(float(half), 3)
    (True, 0.027)
    """
    values = np.asarray(values, dtype=np.float64)
    m = values.shape[axis]
    if m < 2:
        raise ShapeMismatch(f"an error bar needs at least 2 repeats, got {m}")
    squares = (values - values.mean(axis, keepdims=True)) ** 2
    variance = squares.sum(axis) / (m - 1)
    return Interval(variance, 1.96 * squares.std(axis) / np.sqrt(m))


def worst(interval: Interval, target: np.ndarray | float) -> tuple[float, float, int]:
    """The cell furthest from its target, as (|mean - target|, its half-width, flat position).

    The furthest of many noisy cells is biased away from the target, so a check "at most" on it errs on the strict side.
    """
    distance = np.abs(interval.mean - target)
    where = int(np.argmax(distance))
    return float(distance.flat[where]), float(np.asarray(interval.half).flat[where]), where
