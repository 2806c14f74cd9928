"""The ridge that random features really have: on average they act as the kernel at a larger ridge than theirs.

    z = ridge + (z / P) sum_k d_k / (d_k + z)            z the effective ridge, d_k the eigenvalues of the Gram matrix

Both sides scale together, so any common unit serves: with the eigenvalues of G / n (as `RidgePath.eigenvalues` gives
them) the ridge is ours, lambda in G / n + lambda I; with those of G it is the paper's, n lambda.

Source: Jacot et al. (2020), arXiv:2002.08404. The scalar equation itself is in `numerics.self_consistent`.
"""

from typing import Any, NamedTuple

import numpy as np
import scipy.linalg

from theodolite.numerics import self_consistent
from theodolite.numerics.checks import finite, positive, positive_integer, symmetric_gram, zero_or_positive
from theodolite.numerics.errors import BadInput, NotPositiveDefinite


class Bounds(NamedTuple):
    """low <= effective ridge <= high."""

    low: float
    high: float


def effective_ridge(eigenvalues: Any, ridge: float, features: float) -> float:
    """The ridge at which the kernel predicts what P random features at `ridge` predict on average.

    Args: eigenvalues d_k >= 0 of the Gram matrix, (n,); ridge >= 0 in their unit; features P >= 1.
    Returns: z > ridge, in the same unit; it falls to `ridge` as P grows. At ridge = 0: zero when P is at least the
        number of positive eigenvalues, else the z at which the degrees of freedom are P.
    Raises: BadInput, ShapeMismatch, NotFinite. Cost: O(n) a step, about 5 steps.
    Source: Jacot et al. (2020), arXiv:2002.08404, equation of the effective ridge.

    >>> spectrum = 1 / np.arange(1.0, 21.0)
    >>> [round(effective_ridge(spectrum, 0.01, P), 6) for P in (5, 20, 40, 10**9)]
    [0.425239, 0.037686, 0.017415, 0.01]
    """
    return self_consistent.solve(zero_or_positive(ridge, "ridge"), eigenvalues, features)


def effective_ridge_slope(eigenvalues: Any, ridge: float, features: float) -> float:
    """The derivative of the effective ridge in the ridge: how much the predictor varies from draw to draw.

        dz / d ridge = 1 / (1 - (1 / P) sum_k (d_k / (d_k + z))^2),     between 1 and z / ridge

    At ridge = 0 with n positive eigenvalues: P / (P - n) above n features, finite below, infinite at P = n.
    Args and raises as `effective_ridge`.
    Source: Jacot et al. (2020), arXiv:2002.08404, the derivative that rules the variance.

    >>> spectrum = 1 / np.arange(1.0, 21.0)
    >>> [round(effective_ridge_slope(spectrum, 1e-4, P), 2) for P in (5, 20, 40)]
    [1.54, 16.09, 1.99]
    >>> effective_ridge_slope(spectrum, 0.0, 40), effective_ridge_slope(spectrum, 0.0, 20)
    (2.0, inf)
    """
    return self_consistent.slope(effective_ridge(eigenvalues, ridge, features), eigenvalues, features)


def effective_ridge_bounds(eigenvalues: Any, ridge: float, features: float) -> Bounds:
    """Bounds on the effective ridge without solving for it.

        ridge <= z <= ridge + T / P,   z <= ridge P / (P - R) when R < P,   z >= d_min (R - P) / P when R > P

    with T the sum and R the number of positive eigenvalues, d_min the smallest of them.
    Source: derived; the last is stronger than the bound of arXiv:2002.08404.

    >>> low, high = effective_ridge_bounds([1.0, 0.5, 0.25], 0.01, 2)
    >>> low <= effective_ridge([1.0, 0.5, 0.25], 0.01, 2) <= high
    True
    """
    d = finite(np.atleast_1d(np.asarray(eigenvalues, dtype=np.float64)), "eigenvalues")
    d = d[d > 0]
    low, high = ridge, ridge + float(d.sum()) / features
    if len(d) < features:
        high = min(high, ridge * features / (features - len(d)))
    elif len(d) > features:
        low = max(low, float(d.min()) * (len(d) - features) / features)
    return Bounds(float(low), float(high))


def ridge_for(eigenvalues: Any, effective_ridge: float, features: float) -> float:
    """The ridge to give P features so that they act on average as the kernel at `effective_ridge`: its exact inverse.

        ridge = z (1 - df(z) / P),     df(z) = sum_k d_k / (d_k + z)

    Right for an average of several models. A single model also has variance, which wants a larger ridge than this:
    choose that one by KARE of its features.

    Args: eigenvalues (n,); effective_ridge z > 0; features P > df(z).
    Returns: a ridge > 0 in the same unit. Raises: BadInput when P features cannot act at so small a ridge, with the
        number that could.
    Source: derived from the equation of the effective ridge.

    >>> spectrum = 1 / np.arange(1.0, 21.0)
    >>> round(ridge_for(spectrum, 0.1, 20), 6)
    0.046699
    >>> ridge_for(spectrum, 0.1, 10)
    Traceback (most recent call last):
    theodolite.numerics.errors.BadInput: 10 features cannot act at an effective ridge of 0.1, ...; take at least 11 ...
    """
    z = positive(effective_ridge, "effective_ridge")
    found = self_consistent.inverse(z, eigenvalues, features)
    if found <= 0:
        used = self_consistent.degrees_of_freedom(z, eigenvalues)
        smallest = self_consistent.solve(0.0, eigenvalues, features)
        raise BadInput(
            f"{features:g} features cannot act at an effective ridge of {z:.4g}, which uses {used:.4g} degrees of "
            f"freedom; take at least {int(np.floor(used)) + 1} features, or an effective ridge above {smallest:.4g}"
        )
    return found


def features_for_ridge(eigenvalues: Any, ridge: float, *, share: float = 0.1) -> int:
    """The number of features that act at effective ridge `ridge` while at most a share of it is implicit.

        P >= df(ridge) / share      <=>      explicit ridge >= (1 - share) ridge

    Args: eigenvalues (n,); ridge > 0, the kernel's; share in (0, 1]. Returns: P >= 1.
    Source: Jacot et al. (2020), arXiv:2002.08404, the bounds solved for P.

    >>> features_for_ridge(1 / np.arange(1.0, 21.0), 0.1, share=0.1)
    107
    """
    if not 0 < positive(share, "share") <= 1:
        raise BadInput(f"share must lie in (0, 1], got {share}; it is the part of the ridge that features may add")
    used = self_consistent.degrees_of_freedom(positive(ridge, "ridge"), eigenvalues)
    return max(1, int(np.ceil(used / share)))


def effective_ridge_of(gram: Any, ridge: float, features: int) -> float:
    """The effective ridge of P features of a kernel, from its Gram matrix.

    Args: gram (n, n); ridge >= 0, lambda in gram / n + lambda I; features P.
    Returns: z, so that the features act as gram / n + z I. Raises: as `gram_eigenvalues`. Cost: (4/3) n^3 operations.
    Source: Jacot et al. (2020), arXiv:2002.08404, the effective ridge, at the empirical spectrum.

    >>> round(effective_ridge_of(np.eye(4), 0.1, 8), 12) == round(effective_ridge([0.25] * 4, 0.1, 8), 12)
    True
    """
    return effective_ridge(gram_eigenvalues(gram), ridge, positive_integer(features, "features"))


def gram_eigenvalues(gram: Any) -> np.ndarray:
    """Eigenvalues of gram / n, (n,), largest first; those within round-off of zero are zero.

    Raises: ShapeMismatch, NotFinite, NotPositiveDefinite.
    """
    matrix = symmetric_gram(gram)
    values = scipy.linalg.eigvalsh(matrix)[::-1]
    round_off = len(matrix) * np.finfo(np.float64).eps * abs(values[0])
    if values[-1] < -1e6 * round_off:
        found = f"from {values[-1]:.3g} to {values[0]:.3g}"
        raise NotPositiveDefinite(f"gram has eigenvalues {found}; expected none below zero")
    return np.where(values > round_off, values, 0.0) / len(matrix)
