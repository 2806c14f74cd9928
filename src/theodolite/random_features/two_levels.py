"""Random data and random features together: the signal capture threshold of a random-feature model."""

from typing import Any, NamedTuple

import numpy as np
from scipy.optimize import brentq

from theodolite.numerics import self_consistent
from theodolite.numerics.checks import positive


class TwoLevels(NamedTuple):
    """Both thresholds of a random-feature model, in the unit of the ridge.

    signal_capture: the share d / (d + signal_capture) of an eigenfunction is learned on average over data and features;
    effective_ridge: of the features, for a typical data set, ridge <= effective_ridge <= signal_capture;
    degrees_of_freedom: df(signal_capture), below both the numbers of rows and of features.
    """

    signal_capture: float
    effective_ridge: float
    degrees_of_freedom: float


def two_levels(eigenvalues: Any, ridge: float, n: int, features: int) -> TwoLevels:
    """The thresholds of ridge regression on P random features and n random rows, from the spectrum of the kernel.

        ridge = t (1 - df(t) / n) (1 - df(t) / P),     effective ridge = t (1 - df(t) / n),     df(t) = sum d / (d + t)

    n and P enter alike: doubling the smaller one helps most. With P -> infinity t is the signal capture threshold of
    the kernel, with n -> infinity features alone limit what is learned.

    Args: eigenvalues of the kernel's integral operator, (r,); ridge > 0, lambda in FF' / n + lambda I; n rows;
        features P.
    Returns: TwoLevels. Raises: BadInput, NotFinite. Cost: O(r) a step, about 10 steps.
    Source: the thresholds of Jacot et al. (2020), arXiv:2006.09796 and arXiv:2002.08404, put into each other.

    >>> spectrum = np.arange(1.0, 3001) ** -1.5
    >>> found = two_levels(spectrum, 0.05 / 80, n=80, features=120)
    >>> round(0.05 / (1 - found.degrees_of_freedom / 80), 4)
    0.2432
    """
    ridge = positive(ridge, "ridge")
    few, many = sorted((float(n), float(features)))
    low = self_consistent.solve(ridge, eigenvalues, few)  # as if the larger number were infinite
    total = float(np.sum(np.maximum(np.asarray(eigenvalues, dtype=np.float64), 0.0)))
    high = (ridge + total * (1 / few + 1 / many)) * (1 + 1e-12)  # for t df(t) is below the sum of the eigenvalues

    def excess(log: float) -> float:
        t = float(np.exp(log))
        return np.log(max(_product(t, eigenvalues, few, many), 1e-300)) - np.log(ridge)

    t = float(np.exp(brentq(excess, np.log(low), np.log(high), xtol=1e-14)))  # type: ignore[arg-type]
    return TwoLevels(t, self_consistent.inverse(t, eigenvalues, n), self_consistent.degrees_of_freedom(t, eigenvalues))


def _product(t: float, eigenvalues: Any, few: float, many: float) -> float:
    return self_consistent.inverse(t, eigenvalues, few) * self_consistent.inverse(t, eigenvalues, many) / t
