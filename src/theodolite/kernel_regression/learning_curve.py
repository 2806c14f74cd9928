"""What more data would bring: the predicted risk at other training sizes, from one ridge path.

The signal capture threshold t is the right coordinate. At a given t the bias and the noise of the predictor do not
depend on the size of the training set; only two things do. With D1(t) = sum d/(d+t) and D2(t) = sum (d/(d+t))^2 over
the spectrum of the kernel, the ridge that belongs to t at size m is t (1 - D1/m), and the risk at m is

    risk_m(t) = base(t) / (1 - D2/m),        base(t) = bias + noise = risk_n(t) (1 - D2/n).

A path at size n knows all three: D1 = n (1 - ridge/t) and D2 = n (1 - 1/slope), with slope = dt/d(ridge). So the whole
curve follows from the path without a fit. Below n it interpolates. Above n it may need thresholds smaller than those
that n rows tell something about. There D1 and D2 continue as the power laws they end with, and base as noise, which
stays, plus bias, a power of t. The band reaches from the case that all of base is bias to the case that all is noise.

Source: Jacot et al. (2020), arXiv:2006.09796 (expected risk = slope x (bias + noise)), rearranged.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.optimize import nnls

from theodolite.kernel_regression.criteria import as_loss
from theodolite.kernel_regression.ridge_path import RidgePath
from theodolite.numerics.errors import BadInput

_SEEN = 96  # thresholds between the smallest and the largest seen
_UNSEEN = 64  # thresholds below, over four decades
_SATURATED = 0.7  # where D1 > 0.7 n, risk(t) is mostly variance, and what is left of it by (1 - D2/n) mostly noise
_LAST_STRETCH = 2.0  # of the logarithm of the threshold, from which the continuations are read
_POWERS = np.linspace(0.1, 2.0, 39)  # of the bias in the threshold


@dataclass(frozen=True)
class LearningCurve:
    """Forecast at the best ridge of each size: `sizes`, `risk`, its band from `low` to `high`, `ridge`, all (s,)."""

    sizes: np.ndarray
    risk: np.ndarray
    low: np.ndarray
    high: np.ndarray
    ridge: np.ndarray
    rows: int  # the size it was forecast from


@dataclass(frozen=True)
class ThresholdTable:
    """What a path knows of the problem, size aside: `first` = D1, `second` = D2 and `base` at each `threshold` (t,)."""

    threshold: np.ndarray
    first: np.ndarray
    second: np.ndarray
    base: np.ndarray
    all_bias: np.ndarray  # base, if it went on to fall as the power law it ends with
    all_noise: np.ndarray  # base, if it fell no further
    floor: float  # ridges below it were not looked at

    def at_size(self, size: float, base: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
        """(ridges, risks) of all thresholds that `size` rows can reach, ascending in the ridge."""
        ridges = self.threshold * (1.0 - self.first / size)
        reached = (self.first < (1.0 - 1e-6) * size) & (ridges >= self.floor * (1.0 - 1e-6))
        risks = (self.base if base is None else base) / (1.0 - self.second / size)
        return ridges[reached], risks[reached]


def threshold_table(path: RidgePath, criterion: str = "risk") -> ThresholdTable:
    """Read D1, D2 and the size-free part of a criterion off a path, continued below its smallest threshold.

    >>> from theodolite.kernel_regression import RidgePath
    >>> from theodolite.kernels import RBF
    >>> x = np.linspace(0, 3, 40)[:, None]
    >>> table = threshold_table(RidgePath(RBF(1.0)(x), np.sin(3 * x[:, 0])))
    >>> bool((np.diff(table.threshold) != 0).all())
    True
    """
    n = path.rows
    grid = np.geomspace(path.ridges[0], path.ridges[-1], 2 * _SEEN)
    threshold, slope = path.signal_capture_threshold(grid), path.threshold_slope(grid)
    first, second = n * (1.0 - grid / threshold), n * (1.0 - 1.0 / slope)
    base = np.asarray(as_loss(path, criterion)(grid)) / slope
    sound = (first < _SATURATED * n) & (first > 0) & (second > 0) & (base > 0)
    if sound.sum() < 4:
        sound[-4:] = True
    x = np.log(threshold[sound])
    seen = np.linspace(x[0], x[-1], _SEEN)
    unseen = np.linspace(x[0] - 4 * np.log(10), x[0], _UNSEEN, endpoint=False)

    last = seen <= max(seen[0] + _LAST_STRETCH, seen[3])

    def logs(values: np.ndarray) -> np.ndarray:
        return np.interp(seen, x, np.log(np.maximum(values[sound], np.finfo(float).tiny)))

    def as_power(values: np.ndarray, steepest: float, flattest: float) -> np.ndarray:
        power = np.clip(np.polyfit(seen[last], logs(values)[last], 1)[0], steepest, flattest)
        return np.exp(np.concatenate([logs(values)[0] + power * (unseen - seen[0]), logs(values)]))

    known = np.exp(logs(base))
    below = _noise_and_bias(np.exp(seen[last] - seen[0]), known[last] / known[0], np.exp(unseen - seen[0]))
    all_first = as_power(first, -1.0, 0.0)
    return ThresholdTable(
        threshold=np.exp(np.concatenate([unseen, seen])),
        first=all_first,
        second=np.minimum(as_power(second, -1.0, 0.0), all_first),
        base=np.concatenate([known[0] * below, known]),
        all_bias=as_power(base, 0.0, 2.0),
        all_noise=np.concatenate([np.full(unseen.size, known[0]), known]),
        floor=float(grid[0]),
    )


def _noise_and_bias(threshold: np.ndarray, base: np.ndarray, below: np.ndarray) -> np.ndarray:
    """noise + bias t^p, noise and bias >= 0, fitted to base at thresholds >= 1; its values below, over that at 1."""
    fits = []
    for power in _POWERS:
        columns = np.stack([np.ones_like(threshold), threshold**power], axis=1)
        parts, misfit = nnls(columns / base[:, None], np.ones(base.size))
        fits.append((misfit, power, parts))
    _, power, (noise, bias) = min(fits, key=lambda fit: fit[0])
    return (noise + bias * below**power) / (noise + bias)


def learning_curve(path: RidgePath, sizes: Any, criterion: str = "risk") -> LearningCurve:
    """Forecast the risk of the best ridge at other training sizes.

    Args: path, at its own size n; sizes (s,), each >= 2; criterion, the risk that is carried over.
    Returns: a LearningCurve. Its band is two standard errors of the risk at n, scaled; above n it is widened by
        not knowing how much of the risk is noise. How often it holds the truth on tables: docs/measured/forecasts.md.
    Raises: BadInput. Cost: O(n^2) once.

    >>> from theodolite.kernel_regression import RidgePath
    >>> from theodolite.kernels import RBF
    >>> x = np.linspace(0, 3, 40)[:, None]
    >>> noisy = np.sin(3 * x[:, 0]) + 0.3 * np.random.default_rng(0).standard_normal(40)
    >>> curve = learning_curve(RidgePath(RBF(1.0)(x), noisy), [20, 40, 80])
    >>> bool(curve.risk[0] > curve.risk[1] > curve.risk[2])
    True
    """
    sizes = np.atleast_1d(np.asarray(sizes, dtype=np.float64))
    if sizes.ndim != 1 or not (np.isfinite(sizes) & (sizes >= 2)).all():
        raise BadInput(f"sizes must be numbers of rows, each at least 2, got {sizes}")
    best = path.best_ridge(criterion)
    share = path.standard_error(best) / max(float(as_loss(path, criterion)(best)), np.finfo(float).tiny)
    table = threshold_table(path, criterion)
    ridge, risk = _at_best(table, sizes, table.base)
    _, lowest = _at_best(table, sizes, table.all_bias)
    _, highest = _at_best(table, sizes, table.all_noise)
    low, high = np.minimum(lowest, risk) * np.maximum(1 - 2 * share, 0), np.maximum(highest, risk) * (1 + 2 * share)
    return LearningCurve(sizes, risk, low, high, ridge, path.rows)


def _at_best(table: ThresholdTable, sizes: np.ndarray, base: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(ridge, risk) at the best threshold of each size."""
    found = [table.at_size(size, base) for size in sizes]
    best = [int(risks.argmin()) for _, risks in found]
    ridge, risk = np.array([(ridges[i], risks[i]) for (ridges, risks), i in zip(found, best, strict=True)]).T
    return ridge, risk
