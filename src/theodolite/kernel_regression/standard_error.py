"""How far a predicted risk may be from the truth by chance alone."""

import numpy as np

from theodolite.kernel_regression import resolvent
from theodolite.kernel_regression.groups import Groups
from theodolite.kernel_regression.resolvent import Resolvents


def standard_error(of: Resolvents, residuals: np.ndarray, groups: Groups | None = None) -> np.ndarray:
    """One standard deviation of the predicted risk, (l,): two views of chance, added in quadrature.

    KARE sqrt(2 concentration / n) is the spread of y' M^-2 y under Gaussian targets; the other is the spread of the
    mean of the squared left-out residuals. Either alone is too small where the other is large.

    Args: residuals left out (l, n, k); groups, when they were left out together.
    Source: second moments of a quadratic form; the coverage of both was measured on 154 choices (see the page on
        choice and trust).
    """
    return np.hypot(resolvent.kare(of) * np.sqrt(2.0 * of.concentration / of.rows), left_out_spread(residuals, groups))


def left_out_spread(residuals: np.ndarray, groups: Groups | None = None) -> np.ndarray:
    """Standard error of the mean of squared residuals (l, n, k), (l,): over rows, or over groups if there are any."""
    squares = np.einsum("lnk,lnk->ln", residuals, residuals)
    excess = squares - squares.mean(axis=1, keepdims=True)
    pieces = [excess] if groups is None else [excess[:, members].sum(axis=2) for members in groups]
    return np.sqrt(sum(np.sum(piece**2, axis=1) for piece in pieces)) / squares.shape[1]
