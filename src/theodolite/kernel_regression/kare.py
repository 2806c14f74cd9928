"""The kernel alignment risk estimator and its gradient, as functions of arrays."""

from typing import Any

import numpy as np

from theodolite.kernel_regression import resolvent
from theodolite.kernel_regression.cholesky import CholeskyFactor
from theodolite.numerics.checks import positive, symmetric_gram, target_columns


def kare(gram: Any, targets: Any, ridge: float) -> float:
    """Estimate the test risk of kernel ridge regression from training data alone.

    (y' M^-2 y / n) / (tr M^-1 / n)^2 with M = gram / n + ridge I. Equals generalised cross-validation.

    Args: gram (n, n), symmetric positive semi-definite, in the unit of the kernel; targets (n,) or (n, k); ridge > 0,
        added to gram / n (scikit-learn's alpha is n * ridge).
    Returns: mean squared error on new data, in squared units of the targets, summed over target columns.
    Raises: ShapeMismatch, NotFinite, BadInput, NotPositiveDefinite.
    Source: Jacot et al. (2020), arXiv:2006.09796 (definition of KARE).
    Cost: (2/3) n^3 operations; for many ridges use RidgePath.

    >>> import numpy as np
    >>> round(kare(np.eye(4), [1.0, -1.0, 1.0, -1.0], 0.1), 12)     # a multiple of the identity learns nothing
    1.0
    """
    return float(resolvent.kare(measure(gram, targets, ridge))[0])


def measure(gram: Any, targets: Any, ridge: float) -> resolvent.Resolvents:
    """The resolvent at one ridge, after the checks at the door."""
    gram = symmetric_gram(gram)
    columns = target_columns(targets, len(gram))
    return CholeskyFactor(gram, positive(ridge, "ridge")).measure(columns)


def kare_gradient(gram: Any, targets: Any, ridge: float) -> tuple[np.ndarray, np.ndarray, float]:
    """Derivatives of KARE by the Gram matrix, the targets and the ridge, in closed form.

    With a = M^-1 y, b = M^-1 a, A = y' M^-2 y / n, t = tr M^-1 / n:

        dKARE/dM = (-(a b' + b a') + 2 (A / t) M^-2) / (n t^2),  dKARE/dG = dKARE/dM / n,  dKARE/dridge = tr dKARE/dM.

    Args and raises as `kare`. Returns: (n, n), the shape of the targets, and a number.
    Source: derived from KARE, arXiv:2006.09796; exact also with repeated rows, where differentiating an
        eigendecomposition is wrong. Cost: 3 n^3 operations.

    >>> import numpy as np
    >>> by_gram, by_targets, by_ridge = kare_gradient(np.eye(3), [1.0, 2.0, 3.0], 0.5)
    >>> by_gram.shape, by_targets.shape, abs(by_ridge) < 1e-12
    ((3, 3), (3,), True)
    """
    gram = symmetric_gram(gram)
    n = len(gram)
    columns = target_columns(targets, n)
    factor = CholeskyFactor(gram, positive(ridge, "ridge"))
    inverse = factor.solve(np.eye(n))
    a = inverse @ columns
    b = inverse @ a
    numerator, trace = np.sum(a * a) / n, np.trace(inverse) / n
    by_matrix = (-(a @ b.T + b @ a.T) + 2.0 * numerator / trace * (inverse @ inverse)) / (n * trace**2)
    by_targets = (2.0 * b / (n * trace**2)).reshape(np.shape(targets))
    return by_matrix / n, by_targets, float(np.trace(by_matrix))
