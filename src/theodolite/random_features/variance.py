"""Mean and variance of the random-feature predictor, without drawing features."""

from dataclasses import dataclass

import numpy as np

from theodolite.numerics.checks import zero_or_positive
from theodolite.random_features.effective_ridge import effective_ridge, effective_ridge_slope
from theodolite.random_features.problem import Problem


@dataclass(frozen=True, eq=False)
class PredictedMoments:
    """What theory says of the predictor of P Gaussian features.

    Attributes: effective_ridge, in K / n + lambda I; slope, its derivative; mean and variance (m,) of the prediction
    over draws of the features; squared_norm, the mean of |theta|^2, where F theta predicts.
    """

    effective_ridge: float
    slope: float
    mean: np.ndarray
    variance: np.ndarray
    squared_norm: float


def predicted_moments(problem: Problem, ridge: float, features: float) -> PredictedMoments:
    """Moments of f(z) = F(z) theta, theta = (F'F + n ridge I)^-1 F'y, over the draws of P Gaussian features.

    With z the effective ridge in the unit of K, s its slope, M = (K + z I)^-1 and q = y'MKMy:

        E f = k'My,     E |theta|^2 = s q,
        Var f = (s / P) (q (k(x, x) - k'Mk - z k'M^2 k) + z^2 (k'M^2 y)^2)

    The mean is the kernel's prediction at the effective ridge; the variance is proportional to the slope, which is
    why it explodes at the interpolation threshold. It is the sum of what the process does away from the data,
    |theta|^2 (k(x, x) - k'K^-1 k) / P, and of how the fitted values move, both at leading order.

    Args: problem; ridge >= 0, lambda in K / n + lambda I; features P.
    Returns: PredictedMoments. Ridgeless at P = n the variance is infinite.
    Source: Jacot et al. (2020), arXiv:2002.08404 (mean; norm through the slope); the variance is derived by the
        exchange of features and samples from the variance of kernel predictors, arXiv:2006.09796. Both hold up to
        relative corrections of order 1 / P.
    Cost: O(m n).

    >>> from theodolite.kernels import RBF
    >>> X, Z, k = np.linspace(0, 3, 8)[:, None], np.array([[0.5]]), RBF(1.0)
    >>> problem = Problem.of(k(X), np.sin(X[:, 0]), k(Z, X), k.diagonal(Z))
    >>> few, many = (predicted_moments(problem, 1e-3, P) for P in (20, 2000))
    >>> bool(few.variance[0] > 50 * many.variance[0]), bool(abs(many.mean[0] - np.sin(0.5)) < 0.05)
    (True, True)
    """
    n, d, c = problem.rows, problem.eigenvalues, problem.coefficients
    total = n * zero_or_positive(ridge, "ridge")
    z = effective_ridge(d, total, features)
    slope = effective_ridge_slope(d, total, features)
    power = float(np.sum(d * (c / (d + z)) ** 2))
    away = problem.unseen + problem.weights**2 @ (z / (d + z)) ** 2
    moved = problem.weights @ (z * np.sqrt(d) * c / (d + z) ** 2)
    with np.errstate(invalid="ignore"):
        variance = slope / features * (power * away + moved**2)
    return PredictedMoments(z / n, slope, problem.kernel_prediction(z / n), variance, slope * power)
