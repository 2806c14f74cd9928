"""The resolvent of a Gram matrix: all that the criteria of kernel ridge regression need to know.

With M = G / n + ridge I, every criterion is a short formula in M^-1 y, the diagonal of M^-1, two traces and log det M.
"""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Resolvents:
    """The resolvent M^-1 of one Gram matrix at l ridges, for k target columns y.

    `ridges` (l,); `dual` = M^-1 y, (l, n, k); `diagonal` of M^-1, (l, n); `trace` = tr M^-1 / n and `log_determinant`
    = log det M / n, (l,); `power` = y' M^-1 y / n summed over columns, (l,); `participation` = (tr M^-1)^2 /
    (n tr M^-2), (l,), between 1/n and 1, the share of directions that carry the resolvent; `concentration` =
    n tr M^-4 / (tr M^-2)^2, (l,), between 1 and n.
    """

    ridges: np.ndarray
    dual: np.ndarray
    diagonal: np.ndarray
    trace: np.ndarray
    participation: np.ndarray
    concentration: np.ndarray
    log_determinant: np.ndarray
    power: np.ndarray

    @property
    def rows(self) -> int:
        """n."""
        return self.dual.shape[1]

    @property
    def effective_dimension(self) -> np.ndarray:
        """tr G (G + n ridge I)^-1, (l,), between 0 and n."""
        return self.rows * (1.0 - self.ridges * self.trace)

    def left_out_residuals(self) -> np.ndarray:
        """y_i minus the prediction at i of the machine fitted without i, (l, n, k): dual_i / diagonal_i."""
        return self.dual / self.diagonal[:, :, None]


def kare(of: Resolvents) -> np.ndarray:
    """(y' M^-2 y / n) / (tr M^-1 / n)^2, (l,)."""
    return _mean_square(of.dual) / of.trace**2


def leave_one_out(of: Resolvents) -> np.ndarray:
    """Mean over rows of |left-out residual|^2, (l,)."""
    return _mean_square(of.left_out_residuals())


def training_error(of: Resolvents) -> np.ndarray:
    """ridge^2 y' M^-2 y / n, (l,): the mean squared residual on the training rows."""
    return of.ridges**2 * _mean_square(of.dual)


def log_marginal_likelihood(of: Resolvents) -> np.ndarray:
    """log density per row and target of y ~ N(0, scale M) at its best scale, constants dropped, (l,).

    -(log(y' M^-1 y / (n k)) + log det M / n) / 2.
    """
    with np.errstate(divide="ignore"):  # targets that are all zero have infinite likelihood
        return -0.5 * (np.log(of.power / of.dual.shape[2]) + of.log_determinant)


def signal_capture_threshold(of: Resolvents) -> np.ndarray:
    """1 / (tr M^-1 / n), (l,)."""
    return 1.0 / of.trace


def threshold_slope(of: Resolvents) -> np.ndarray:
    """d threshold / d ridge = (tr M^-2 / n) / (tr M^-1 / n)^2, (l,), at least 1."""
    return 1.0 / of.participation


def _mean_square(columns: np.ndarray) -> np.ndarray:
    """Mean over rows of the squared norm over columns: (l, n, k) -> (l,)."""
    return np.einsum("lnk,lnk->l", columns, columns) / columns.shape[1]
