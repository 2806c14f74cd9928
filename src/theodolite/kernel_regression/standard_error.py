"""How far a predicted risk may be from the truth by chance alone."""

import numpy as np

from theodolite.kernel_regression import resolvent
from theodolite.kernel_regression.groups import Groups
from theodolite.kernel_regression.resolvent import Resolvents


def standard_error(of: Resolvents, residuals: np.ndarray, groups: Groups | None = None) -> np.ndarray:
    """One standard deviation of the predicted risk, (l,), the larger of two views of the same chance:

    KARE sqrt(2 concentration / n), the spread of y' M^-2 y under Gaussian targets, and the spread of the mean of the
    squared left-out residuals over rows, or over groups, which are then what is independent.

    Args: residuals left out (l, n, k); groups, when they were left out together.
    Source: second moments of a quadratic form; checked against sampling in the tests.
    """
    n = of.rows
    gaussian = resolvent.kare(of) * np.sqrt(2.0 * of.concentration / n)
    squares = np.einsum("lnk,lnk->ln", residuals, residuals)
    excess = squares - squares.mean(axis=1, keepdims=True)
    pieces = [excess] if groups is None else [excess[:, members].sum(axis=2) for members in groups]
    return np.maximum(gaussian, np.sqrt(sum(np.sum(piece**2, axis=1) for piece in pieces)) / n)
