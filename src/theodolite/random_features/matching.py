"""The ridge at which an average of random-feature models is the kernel machine of a wanted ridge."""

import numpy as np
from scipy.optimize import brentq

from theodolite.numerics.checks import positive
from theodolite.numerics.errors import BadInput
from theodolite.random_features.primal import PrimalCriteria

LEAST_AVERAGED = 8  # models from which on their average, not their spread, decides


def feature_side_effective_ridge(criteria: PrimalCriteria, ridge: float) -> float:
    """The effective ridge of an average of such models, from F'F of one of them: 1 / (tr (F'F/n + ridge)^-1 / P).

    Both ridges are lambda in G/n + lambda I. Within 4 % of the exact one when P is 1.5 times the degrees of freedom or
    more, too small when P is far below n and the ridge tiny.
    Source: the empirical counterpart of the effective ridge of Jacot et al. (2020), arXiv:2002.08404.

    >>> from theodolite.random_features.statistics import SufficientStatistics
    >>> criteria = PrimalCriteria(SufficientStatistics.of_block(np.eye(4), np.arange(4.0)))
    >>> feature_side_effective_ridge(criteria, 0.5)     # F'F = I, n = 4
    0.75
    """
    return float(1.0 / np.mean(1.0 / (criteria.eigenvalues / criteria.rows + ridge)))


def matched_ridge(criteria: PrimalCriteria, wanted: float) -> float:
    """The ridge at which the effective ridge is `wanted`, the ridge of the kernel machine to be matched.

    Right for an average of models; a single one does better at the ridge of its own lowest KARE.
    Raises: BadInput when even the smallest sound ridge is too large: there are too few features.
    """
    wanted = positive(wanted, "ridge")
    lowest = max(criteria.smallest_sound_ridge, 1e-12 * wanted)
    if feature_side_effective_ridge(criteria, lowest) >= wanted:
        raise BadInput(
            f"{criteria.features} features cannot match a kernel machine of ridge {wanted:.3g}: their average acts at "
            f"{feature_side_effective_ridge(criteria, lowest):.3g} or more; use more features than it has "
            "degrees of freedom"
        )

    def excess(log_ridge: float) -> float:
        return float(np.log(feature_side_effective_ridge(criteria, float(np.exp(log_ridge))) / wanted))

    return float(np.exp(float(brentq(excess, np.log(lowest), np.log(wanted)))))  # type: ignore[arg-type]
