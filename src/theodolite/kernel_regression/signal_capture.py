"""The signal capture threshold: which eigenfunctions a kernel machine learns, and what risk follows.

An eigenfunction of eigenvalue d is learned by the share d / (d + threshold).
"""

from typing import Any

import numpy as np

from theodolite.kernel_regression import resolvent
from theodolite.kernel_regression.kare import measure
from theodolite.numerics import self_consistent
from theodolite.numerics.checks import finite
from theodolite.numerics.errors import BadInput, ShapeMismatch


def signal_capture_threshold(gram: Any, ridge: float) -> float:
    """The empirical threshold 1 / (tr M^-1 / n), M = gram / n + ridge I, in the unit of the kernel.

    Args, raises and cost as `kare`.
    Source: Jacot et al. (2020), arXiv:2006.09796 (the empirical signal capture threshold).

    >>> import numpy as np
    >>> round(signal_capture_threshold(2.0 * np.eye(4), 0.1), 12)
    0.6
    """
    return float(resolvent.signal_capture_threshold(measure(gram, np.zeros(len(gram)), ridge))[0])


def exact_signal_capture_threshold(
    eigenvalues: Any, ridge: float, n: int, *, multiplicities: Any = None, tail: float = 0.0
) -> float:
    """The threshold of a known spectrum: the root of t = ridge + (t/n) sum_k m_k d_k / (d_k + t).

    Args: eigenvalues d_k >= 0 of the integral operator, (r,); ridge >= 0; n rows; multiplicities (r,); tail, the sum
        of the eigenvalues left out. Raises BadInput, ShapeMismatch. Cost: a few passes over the spectrum.
    Source: Jacot et al. (2020), arXiv:2006.09796 (definition of the signal capture threshold).

    >>> round(exact_signal_capture_threshold([1 / k for k in range(1, 21)], 0.01, 40), 12)
    0.017415257687
    """
    return self_consistent.solve(ridge, eigenvalues, n, multiplicities=multiplicities, tail=tail)


def expected_risk(
    eigenvalues: Any, coefficients: Any, noise: float, ridge: float, n: int, *, tail: float = 0.0
) -> float:
    """Expected risk of kernel ridge regression on n rows of a known problem, noise of the new point included.

    slope * (sum_k c_k^2 (t / (d_k + t))^2 + noise^2), with t the exact threshold and slope = dt/d(ridge).

    Args: eigenvalues d_k (r,); coefficients c_k of the true function along the eigenfunctions (r,); noise, a standard
        deviation; ridge >= 0; n; tail, the sum of the eigenvalues left out, along which the function has no part.
    Returns: mean squared error in squared units of the target. Raises BadInput, ShapeMismatch.
    Source: Jacot et al. (2020), arXiv:2006.09796 (expected risk); checked by sampling.

    >>> import numpy as np
    >>> k = np.arange(1.0, 501.0)
    >>> round(expected_risk(k**-1.5, (-1) ** (k + 1) / k, 0.3, 1e-2, 100), 6)
    0.157034
    """
    d = np.asarray(eigenvalues, dtype=np.float64)
    c = finite(np.asarray(coefficients, dtype=np.float64), "coefficients")
    if not (np.isfinite(noise) and noise >= 0):
        raise BadInput(f"noise is a standard deviation, zero or positive, got {noise}")
    if c.shape != d.shape:
        raise ShapeMismatch(f"coefficients have shape {c.shape}, eigenvalues {d.shape}; expected one length")
    threshold = exact_signal_capture_threshold(d, ridge, n, tail=tail)
    missed = threshold / (d + threshold) if threshold > 0 else (d == 0).astype(float)
    return self_consistent.slope(threshold, d, n) * float(np.sum((c * missed) ** 2) + noise**2)


def threshold_slope(eigenvalues: Any, threshold: float, n: int, *, multiplicities: Any = None) -> float:
    """Derivative of the exact threshold by the ridge, at least 1: the factor from bias and noise to risk.

    Args: as `exact_signal_capture_threshold`, at its result. Source: arXiv:2006.09796.

    >>> round(threshold_slope([1 / k for k in range(1, 21)], 0.0174152576869, 40), 8)
    1.57543544
    """
    return self_consistent.slope(threshold, eigenvalues, n, multiplicities=multiplicities)
