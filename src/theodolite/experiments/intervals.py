"""Error bars from repeats: means, spreads and their 95 % intervals."""

from collections.abc import Callable
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


def jackknife_interval(statistic: Callable[[np.ndarray], np.ndarray | float], values: np.ndarray) -> Interval:
    """A statistic of repeats stacked along the first axis, with the 95 % interval found by leaving each one out.

    half = t_{0.975} sqrt((m - 1)/m sum_i (s_i - mean s)^2), with s_i the statistic without repeat i

    Args: statistic, from (m, ...) to any shape, smooth in each repeat; values (m, ...), m >= 2.
    Source: Efron and Stein (1981), Annals of Statistics 9. For a mean it equals `mean_interval`.

    >>> draws = np.random.default_rng(0).standard_normal(50)
    >>> bool(abs(jackknife_interval(np.mean, draws).half - mean_interval(draws).half) < 1e-12)
    True
    """
    values = np.asarray(values)
    m = len(values)
    if m < 2:
        raise ShapeMismatch(f"an error bar needs at least 2 repeats, got {m}")
    without = np.array([statistic(np.delete(values, i, axis=0)) for i in range(m)])
    spread = np.sqrt((m - 1) / m * np.sum((without - without.mean(0)) ** 2, axis=0))
    return Interval(np.asarray(statistic(values)), float(stdtrit(m - 1, 0.975)) * spread)


def exponent(x: np.ndarray, y: np.ndarray, half: np.ndarray) -> Interval:
    """The slope of log y over log x, where the y are independent estimates, each with the half-width of its interval.

    >>> slope, half = exponent(np.array([1.0, 10.0]), np.array([1.0, 0.1]), np.array([0.1, 0.01]))
    >>> round(float(slope), 12), round(float(half), 4)
    (-1.0, 0.0614)
    """
    centred = np.log(x) - np.log(x).mean()
    spread = np.sqrt(np.sum((centred * half / y) ** 2))
    return Interval(centred @ np.log(y) / (centred @ centred), spread / (centred @ centred))


def fitted_exponent(x: np.ndarray, y: np.ndarray) -> Interval:
    """The slope of log y over log x by least squares, where each y is one repeat and log y scatters alike everywhere.

    For repeats too few at some x to have an interval of their own. Raises: ShapeMismatch for fewer than three.

    >>> slope, half = fitted_exponent(np.array([1.0, 10.0, 10.0]), np.array([1.0, 0.11, 0.09]))
    >>> round(float(slope), 3), round(float(half), 2)
    (-1.002, 0.96)
    """
    if len(x) < 3:
        raise ShapeMismatch(f"an exponent with an error bar needs at least 3 repeats, got {len(x)}")
    across, up = np.log(x) - np.log(x).mean(), np.log(y) - np.log(y).mean()
    slope = across @ up / (across @ across)
    variance = np.sum((up - slope * across) ** 2) / (len(x) - 2)
    return Interval(slope, stdtrit(len(x) - 2, 0.975) * np.sqrt(variance / (across @ across)))


def proportion_interval(hits: int, trials: int) -> Interval:
    """A share hits / trials with the farther side of Wilson's 95 % interval, which stays open at 0 and at 1.

    Source: Wilson (1927), Journal of the American Statistical Association 22.

    >>> share, half = proportion_interval(100, 100)
    >>> float(share), round(float(half), 3)
    (1.0, 0.037)
    """
    if trials < 1:
        return Interval(np.asarray(np.nan), np.asarray(np.nan))
    share, z = hits / trials, 1.96
    centre = (share + z * z / (2 * trials)) / (1 + z * z / trials)
    spread = z / (1 + z * z / trials) * np.sqrt(share * (1 - share) / trials + z * z / (4 * trials**2))
    return Interval(np.asarray(share), np.asarray(max(share - centre + spread, centre + spread - share)))


def worst(interval: Interval, target: np.ndarray | float) -> tuple[float, float, int]:
    """The cell furthest from its target, as (|mean - target|, its half-width, flat position).

    The furthest of many noisy cells is biased away from the target, so a check "at most" on it errs on the strict side.
    """
    distance = np.abs(interval.mean - target)
    where = int(np.argmax(distance))
    return float(distance.flat[where]), float(np.asarray(interval.half).flat[where]), where
