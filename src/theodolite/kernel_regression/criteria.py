"""Every criterion at any ridge, whatever route the resolvent came by."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

import numpy as np

from theodolite.kernel_regression import resolvent, standard_error
from theodolite.kernel_regression.groups import Groups, groups_of, left_out_residuals
from theodolite.kernel_regression.resolvent import Resolvents
from theodolite.numerics.checks import ridges_array
from theodolite.numerics.errors import BadInput

CRITERIA = ("risk", "kare", "leave_one_out", "leave_one_group_out", "log_marginal_likelihood")


class Criteria(ABC):
    """Criteria of kernel ridge regression with M = G / n + ridge I; a ridge may be a number or a vector (l,).

    Risks are mean squared errors on new data, in squared units of the targets, summed over target columns.
    """

    targets: np.ndarray  # (n, k)
    groups: Groups | None
    precision: float  # of the numbers the Gram matrix came in

    def __init__(self, targets: np.ndarray, groups: Any) -> None:
        self.targets = targets
        self.groups = None if groups is None else groups_of(groups, len(targets))

    @property
    def rows(self) -> int:
        """n."""
        return len(self.targets)

    @abstractmethod
    def resolvents(self, ridges: np.ndarray) -> Resolvents:
        """The resolvent at each ridge (l,)."""

    @property
    @abstractmethod
    def smallest_sound_ridge(self) -> float:
        """Below it round-off of the largest eigenvalue drowns the ridge."""

    @abstractmethod
    def best_ridge(self) -> float:
        """The ridge of lowest risk."""

    @abstractmethod
    def inverse_blocks(self, ridge: float, members: np.ndarray) -> np.ndarray:
        """Blocks of M^-1 on groups of rows (g, s), shape (g, s, s)."""

    def kare(self, ridge: Any) -> Any:
        """The kernel alignment risk estimator, which equals generalised cross-validation."""
        return self._at(ridge, resolvent.kare)

    def leave_one_out(self, ridge: Any) -> Any:
        """Exact leave-one-out mean squared error."""
        return self._at(ridge, resolvent.leave_one_out)

    def leave_one_group_out(self, ridge: Any) -> Any:
        """Exact mean squared error with the whole group of each row left out. BadInput without groups."""
        if self.groups is None:
            raise BadInput("leave_one_group_out needs groups: give one label a row, groups=labels, at construction")
        return self._at(ridge, self._group_errors)

    def risk(self, ridge: Any) -> Any:
        """The predicted risk: the larger of KARE and the left-out error, by groups when there are groups."""
        return self._at(ridge, self._risk)

    def log_marginal_likelihood(self, ridge: Any) -> Any:
        """Log evidence per row and target with its scale profiled out, constants dropped."""
        return self._at(ridge, resolvent.log_marginal_likelihood)

    def training_error(self, ridge: Any) -> Any:
        """Mean squared residual on the training rows."""
        return self._at(ridge, resolvent.training_error)

    def signal_capture_threshold(self, ridge: Any) -> Any:
        """Eigenfunctions of eigenvalue d are learned by the share d / (d + threshold); in the unit of the kernel."""
        return self._at(ridge, resolvent.signal_capture_threshold)

    def threshold_slope(self, ridge: Any) -> Any:
        """Derivative of the threshold with respect to the ridge, at least 1; it multiplies noise into risk."""
        return self._at(ridge, resolvent.threshold_slope)

    def effective_dimension(self, ridge: Any) -> Any:
        """tr G (G + n ridge I)^-1, between 0 and n."""
        return self._at(ridge, lambda of: of.effective_dimension)

    def participation(self, ridge: Any) -> Any:
        """(tr M^-1)^2 / (n tr M^-2), in (0, 1]."""
        return self._at(ridge, lambda of: of.participation)

    def standard_error(self, ridge: Any) -> Any:
        """One standard deviation of the predicted risk."""
        return self._at(ridge, self._risk_error)

    def dual(self, ridge: float) -> np.ndarray:
        """Coefficients a, (n, k), such that k(x, X) @ a predicts: (G + n ridge I)^-1 y."""
        return self.resolvents(ridges_array(ridge)).dual[0] / self.rows

    def left_out_residuals(self, ridge: float) -> np.ndarray:
        """Residual of each row predicted without it, or without its group when groups were given, (n, k)."""
        of = self.resolvents(ridges_array(ridge))
        return of.left_out_residuals()[0] if self.groups is None else self._group_residuals(of, 0)

    def left_out_error(self, ridge: Any, groups: Groups) -> float:
        """Mean squared error at one ridge with other groups left out than those the path was made with."""
        of = self.resolvents(ridges_array(ridge))
        return float(np.sum(self._residuals(of, 0, groups) ** 2) / self.rows)

    def _at(self, ridge: Any, criterion: Callable[[Resolvents], np.ndarray]) -> Any:
        values = criterion(self.resolvents(ridges_array(ridge)))
        return values if np.ndim(ridge) else float(values[0])

    def _risk(self, of: Resolvents) -> np.ndarray:
        return np.maximum(resolvent.kare(of), self._left_out(of))

    def _risk_error(self, of: Resolvents) -> np.ndarray:
        if self.groups is None:
            return standard_error.standard_error(of, of.left_out_residuals())
        residuals = np.stack([self._group_residuals(of, i) for i in range(of.ridges.size)])
        return standard_error.standard_error(of, residuals, self.groups)

    def _left_out(self, of: Resolvents) -> np.ndarray:
        return resolvent.leave_one_out(of) if self.groups is None else self._group_errors(of)

    def _group_errors(self, of: Resolvents) -> np.ndarray:
        return np.array([np.sum(self._group_residuals(of, i) ** 2) for i in range(of.ridges.size)]) / self.rows

    def _group_residuals(self, of: Resolvents, place: int) -> np.ndarray:
        assert self.groups is not None
        return self._residuals(of, place, self.groups)

    def _residuals(self, of: Resolvents, place: int, groups: Groups) -> np.ndarray:
        ridge = float(of.ridges[place])
        return left_out_residuals(lambda members: self.inverse_blocks(ridge, members), groups, of.dual[place])


def as_loss(path: Criteria, criterion: str) -> Callable[[Any], Any]:
    """The named criterion of the path as something to minimise."""
    if criterion not in CRITERIA:
        raise BadInput(f"no criterion is called {criterion!r}; known: {', '.join(CRITERIA)}")
    value = getattr(path, criterion)
    return (lambda ridge: -value(ridge)) if criterion == "log_marginal_likelihood" else value
