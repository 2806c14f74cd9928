"""Risk against the number of features, predicted from the training data alone, the peak included."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.linalg

from theodolite.numerics.checks import finite, positive, positive_integer, symmetric_gram, target_columns
from theodolite.numerics.errors import BadInput, ShapeMismatch
from theodolite.random_features.effective_ridge import effective_ridge, effective_ridge_slope, ridge_for


@dataclass(frozen=True, eq=False)
class RiskCurve:
    """Predicted risk of random-feature models, one entry for each number of features; arrays (p,).

    Attributes: features; ridge, the explicit one, and effective_ridge, both in G / n + lambda I; slope, the derivative
    of the effective ridge; average, the risk of the average over infinitely many models; variance, over draws of the
    features, of one model; risk = average + variance / models. Risks are in squared units of the targets, the noise of
    the targets included.
    """

    features: np.ndarray
    ridge: np.ndarray
    effective_ridge: np.ndarray
    slope: np.ndarray
    average: np.ndarray
    variance: np.ndarray
    risk: np.ndarray


class TrainingSet:
    """One eigendecomposition of a Gram matrix; after it the predicted risk of any number of features at any ridge.

    Args: gram (n, n); targets (n,) or (n, k), centred if an intercept is wanted.
    Cost: O(n^3) once, O(n^2) a setting.
    """

    def __init__(self, gram: Any, targets: Any) -> None:
        matrix = symmetric_gram(gram)
        self.rows = len(matrix)
        values, self.vectors = scipy.linalg.eigh(matrix)
        self.eigenvalues = np.where(values > self.rows * np.finfo(np.float64).eps * values[-1], values, 0.0)
        self.coefficients = self.vectors.T @ target_columns(targets, self.rows)

    def parts(self, z: float, slope: float, features: float) -> tuple[float, float]:
        """(risk of the average predictor, variance of one model), left out of training one row at a time.

        z > 0 in the unit of K. The moments of `variance.predicted_moments` at row i, seen by the others, follow from
        M = (K + z I)^-1 and a = My alone:

            residual        a_i / M_ii
            k(x, x) - k'Mk - z k'M^2 k      1 / M_ii - z (M^2)_ii / M_ii^2
            k'M^2 y         a_i (M^2)_ii / M_ii^2 - (Ma)_i / M_ii
        """
        inverse = 1.0 / (self.eigenvalues + z)
        squares = self.vectors**2
        own, second = squares @ inverse, squares @ inverse**2
        shares = self.coefficients * inverse[:, None]
        dual, twice = self.vectors @ shares, self.vectors @ (shares * inverse[:, None])
        average = float(np.mean(np.sum((dual / own[:, None]) ** 2, axis=1)))
        power = float(np.sum(self.eigenvalues @ shares**2))
        away = float(np.mean(np.maximum(1.0 / own - z * second / own**2, 0.0)))
        moved = z * (dual * (second / own**2)[:, None] - twice / own[:, None])
        return average, slope / features * (power * away + float(np.mean(np.sum(moved**2, axis=1))))

    def curve(self, ridges: Callable[[float], float], features: Any, models: int) -> RiskCurve:
        """The curve with explicit ridge ridges(P), in the unit of K."""
        counts = finite(np.atleast_1d(np.asarray(features, dtype=np.float64)), "features")
        if counts.ndim != 1 or (counts < 1).any():
            raise ShapeMismatch(f"features must be a vector of numbers >= 1, got {features!r}")
        models = positive_integer(models, "models")
        rows = []
        for P in counts:
            ridge = ridges(P)
            z, slope = (law(self.eigenvalues, ridge, P) for law in (effective_ridge, effective_ridge_slope))
            average, variance = self.parts(z, slope, P)
            risk = average + variance / models
            rows.append((ridge / self.rows, z / self.rows, slope, average, variance, risk))
        return RiskCurve(counts, *np.array(rows).T)


def risk_curve(gram: Any, targets: Any, ridge: float, features: Any, *, models: int = 1) -> RiskCurve:
    """Predict the risk of random-feature ridge regression over the number of features, from the training data alone.

    No features are drawn. The average predictor has the leave-one-out risk of the kernel at the effective ridge; the
    variance over draws is that of `predicted_moments`, each row seen by the others; an average of `models` independent
    models keeps the first and divides the second. Near P = n with a small ridge the slope of the effective ridge, and
    with it the variance, explodes: the peak of double descent.

    Args: gram (n, n); targets (n,) or (n, k); ridge > 0, lambda in G / n + lambda I; features, numbers P >= 1, (p,);
        models averaged.
    Returns: RiskCurve. Raises: BadInput, ShapeMismatch, NotFinite.
    Source: Jacot et al. (2020), arXiv:2002.08404, for the average and the role of the slope; the variance and its
        leave-one-out form are derived here. For features that are not Gaussian the law holds to order 1 / P.
    Cost: O(n^3) once and O(n^2) for each number of features.

    >>> from theodolite.kernels import Laplace
    >>> X = np.random.default_rng(0).standard_normal((40, 3))
    >>> curve = risk_curve(Laplace(3.0)(X), np.sin(X[:, 0]), 1e-6, [10, 40, 400])
    >>> curve.risk.round(3), curve.average.round(3)
    (array([0.239, 1.466, 0.017]), array([0.063, 0.012, 0.012]))
    """
    training = TrainingSet(gram, targets)
    total = training.rows * positive(ridge, "ridge")
    return training.curve(lambda P: total, features, models)


def matched_risk_curve(gram: Any, targets: Any, effective_ridge: float, features: Any, *, models: int = 1) -> RiskCurve:
    """As `risk_curve`, with the explicit ridge of each number of features chosen to act at one effective ridge.

    Args: effective_ridge > 0, of the kernel that is to be matched; features, each above its degrees of freedom.
    Raises: BadInput when a number of features cannot act at that ridge.
    Source: Jacot et al. (2020), arXiv:2002.08404, at a fixed effective ridge.

    >>> from theodolite.kernels import RBF
    >>> X = np.random.default_rng(0).standard_normal((40, 3))
    >>> curve = matched_risk_curve(RBF(3.0)(X), np.sin(X[:, 0]), 1e-3, [40, 400])
    >>> bool(np.allclose(curve.effective_ridge, 1e-3)), bool(np.allclose(curve.average, curve.average[0]))
    (True, True)
    """
    training = TrainingSet(gram, targets)
    wanted = training.rows * positive(effective_ridge, "effective_ridge")
    return training.curve(lambda P: ridge_for(training.eigenvalues, wanted, P), features, models)


def features_needed(
    gram: Any, targets: Any, ridge: float, *, excess: float = 0.03, models: int = 1, most: int = 10**7
) -> int:
    """The number of features from which on the predicted risk stays within `excess` of the kernel's.

        risk(P') <= (1 + excess) risk(kernel at ridge)    for every P' >= P

    Args: gram, targets, ridge, models as `risk_curve`; excess > 0, a share of the kernel's leave-one-out risk; most,
        the largest number considered.
    Returns: P >= 1. Raises: BadInput when even `most` features are not enough.
    Source: follows from `risk_curve`. Cost: O(n^3), and about 100 settings of O(n^2).

    >>> from theodolite.kernels import RBF
    >>> X = np.random.default_rng(0).standard_normal((40, 3))
    >>> gram, y = RBF(3.0)(X), np.sin(X[:, 0])
    >>> P = features_needed(gram, y, 1e-3, excess=0.1)
    >>> kernel = risk_curve(gram, y, 1e-3, [10**9]).risk[0]
    >>> bool((risk_curve(gram, y, 1e-3, [P - 1, P, 2 * P]).risk / kernel <= 1.1).tolist() == [False, True, True])
    True
    """
    training = TrainingSet(gram, targets)
    total, allowed = training.rows * positive(ridge, "ridge"), 1.0 + positive(excess, "excess")
    kernel = training.parts(total, 1.0, 1.0)[0]

    def enough(P: int) -> bool:
        return bool(training.curve(lambda _: total, [P], models).risk[0] <= allowed * kernel)

    grid = np.unique(np.geomspace(1, most, 80).round().astype(int)).tolist()
    if not enough(grid[-1]):
        raise BadInput(f"{most} features are not enough for an excess of {excess:g}; allow a larger excess, or more")
    position = len(grid) - 1
    while position > 0 and enough(grid[position - 1]):  # from the right: the curve may dip below before its peak
        position -= 1
    low, high = (grid[position - 1], grid[position]) if position else (0, grid[0])
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return int(high)
