"""How far a predicted risk may be from the truth by chance alone."""

import numpy as np

from theodolite.kernel_regression import resolvent
from theodolite.kernel_regression.resolvent import Resolvents


def standard_error(of: Resolvents) -> np.ndarray:
    """One standard deviation of the predicted risk, (l,), the larger of two views of the same chance:

    risk sqrt(2 n tr M^-4) / tr M^-2, the spread under Gaussian targets, and sd(e_i^2) / sqrt(n), the spread of the
    n squared left-out residuals e_i^2.

    Source: second moments of the quadratic form y' M^-2 y; checked against sampling in the tests.
    """
    n = of.rows
    gaussian = resolvent.kare(of) * np.sqrt(2.0 * of.fourth_trace / n) / of.square_trace
    squares = np.einsum("lnk,lnk->ln", *(2 * [of.left_out_residuals()]))
    return np.maximum(gaussian, squares.std(axis=1) / np.sqrt(n))
