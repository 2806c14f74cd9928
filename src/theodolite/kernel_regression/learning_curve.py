"""What more data would bring: the predicted risk at other training sizes, from one ridge path.

The signal capture threshold t is the right coordinate. At a given t the bias and the noise of the predictor do not
depend on the size of the training set; only two things do. With D1(t) = sum d/(d+t) and D2(t) = sum (d/(d+t))^2 over
the spectrum of the kernel, the ridge that belongs to t at size m is t (1 - D1/m), and the risk at m is

    risk_m(t) = risk_n(t) (1 - D2/n) / (1 - D2/m).

A path at size n knows both sums: D1 = n (1 - ridge/t) and D2 = n (1 - 1/slope), with slope = dt/d(ridge). So the whole
curve follows from the path without a fit; below n it interpolates, above n it extrapolates to smaller thresholds.

Source: Jacot et al. (2020), arXiv:2006.09796, theorem 6 (risk = slope x (bias + noise)), rearranged.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from theodolite.kernel_regression.criteria import as_loss
from theodolite.kernel_regression.ridge_path import RidgePath
from theodolite.numerics.errors import BadInput

_THRESHOLDS = 121


@dataclass(frozen=True)
class LearningCurve:
    """Forecast at the best ridge of each size: `sizes`, `risk`, `low`, `high` (two standard errors), `ridge`, (s,)."""

    sizes: np.ndarray
    risk: np.ndarray
    low: np.ndarray
    high: np.ndarray
    ridge: np.ndarray
    rows: int  # the size it was forecast from


def risk_at_size(path: RidgePath, size: float, criterion: str = "risk") -> tuple[np.ndarray, np.ndarray]:
    """(ridges, predicted risks) of the same kernel trained on `size` rows, along increasing thresholds."""
    grid = np.geomspace(path.ridges[0], path.ridges[-1], _THRESHOLDS)
    threshold, slope = path.signal_capture_threshold(grid), path.threshold_slope(grid)
    first, second = path.rows * (1.0 - grid / threshold), path.rows * (1.0 - 1.0 / slope)
    possible = (first < size) & (second < size)
    ridges = threshold[possible] * (1.0 - first[possible] / size)
    risks = np.asarray(as_loss(path, criterion)(grid))[possible]
    return ridges, risks / slope[possible] / (1.0 - second[possible] / size)


def learning_curve(path: RidgePath, sizes: Any, criterion: str = "risk") -> LearningCurve:
    """Forecast the risk of the best ridge at other training sizes.

    Args: path, at its own size n; sizes (s,), each >= 2; criterion, the risk that is carried over.
    Returns: a LearningCurve; its band is two standard errors of the risk at n, scaled, and does not contain the error
        of the theory itself, which grows with the distance from n.
    Cost: O(n^2) once.
    """
    sizes = np.atleast_1d(np.asarray(sizes, dtype=np.float64))
    if sizes.ndim != 1 or not (np.isfinite(sizes) & (sizes >= 2)).all():
        raise BadInput(f"sizes must be numbers of rows, each at least 2, got {sizes}")
    best = path.best_ridge(criterion)
    share = path.standard_error(best) / np.asarray(as_loss(path, criterion)(best))
    risk, ridge = np.array([_lowest(*risk_at_size(path, size, criterion)) for size in sizes]).T
    return LearningCurve(sizes, risk, risk * np.maximum(1 - 2 * share, 0), risk * (1 + 2 * share), ridge, path.rows)


def _lowest(ridges: np.ndarray, risks: np.ndarray) -> tuple[float, float]:
    lowest = int(risks.argmin())
    return float(risks[lowest]), float(ridges[lowest])
