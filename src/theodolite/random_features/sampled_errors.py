"""Exact leave-one-out errors on a sample of the rows, for one model or for the average of several.

Leave-one-out needs every row once more, which a pass over a stream does not give back. On rows that were kept it is
exact, and their mean estimates the mean over all rows with a known standard error.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from theodolite.numerics.checks import ridges_array
from theodolite.numerics.errors import BadInput, ShapeMismatch
from theodolite.random_features.primal import PrimalCriteria


class SampledErrors:
    """Leave-one-out residuals of kept rows at any ridge, with every other row of the table trained on.

    With features f of a row (drawn independently of it) and leverage h = f'(F'F + n ridge I)^-1 f, the prediction of
    the machine that never saw the row is (f'theta - h y) / (1 - h); an average predicts the average of these.

    Args: criteria, one for each of the averaged models; features (m, P) of the kept rows, one array for each model;
        targets (m, k) of the kept rows, centred by the mean of all rows.
    Cost: m P^2 operations for each model, then m P for each ridge.

    >>> from theodolite.kernel_regression import leave_one_out
    >>> from theodolite.random_features.statistics import SufficientStatistics
    >>> random = np.random.default_rng(0)
    >>> F, y = random.standard_normal((30, 5)), random.standard_normal(30)
    >>> criteria = PrimalCriteria(SufficientStatistics.of_block(F, y))
    >>> errors = SampledErrors([criteria], [F], (y - y.mean())[:, None])      # all rows kept: exact
    >>> bool(np.isclose(errors.leave_one_out(0.1), leave_one_out(F @ F.T, y - y.mean(), 0.1), rtol=1e-12))
    True
    """

    def __init__(self, criteria: Sequence[PrimalCriteria], features: Sequence[np.ndarray], targets: np.ndarray) -> None:
        if not len(targets):
            raise BadInput("no rows were kept, and leave-one-out needs some; keep a few thousand")
        if any(len(one) != len(targets) for one in features) or len(features) != len(criteria):
            raise ShapeMismatch(f"expected features of {len(targets)} rows for each of {len(criteria)} models")
        self.criteria, self.targets = list(criteria), targets
        self._along = [block @ one.vectors for block, one in zip(features, criteria, strict=True)]

    def residuals(self, ridge: Any) -> np.ndarray:
        """y minus the average prediction of machines that never saw the row, (m, k); one ridge, or one a model."""
        total = np.zeros_like(self.targets)
        ridges = np.broadcast_to(ridge, len(self.criteria))
        for one, along, its_ridge in zip(self.criteria, self._along, ridges, strict=True):
            inverse = 1.0 / (one.eigenvalues + one.rows * its_ridge)
            leverage = (along**2) @ inverse
            predicted = along @ (one.coefficients * inverse[:, None])
            free = np.maximum(1.0 - leverage, np.finfo(np.float64).eps)[:, None]
            total += (predicted - leverage[:, None] * self.targets) / free
        return self.targets - total / len(self.criteria)

    def leave_one_out(self, ridge: Any) -> Any:
        """Mean squared leave-one-out error of the kept rows, summed over columns; a number or (l,)."""
        values = np.array([np.mean(np.sum(self.residuals(r) ** 2, axis=1)) for r in ridges_array(ridge)])
        return values if np.ndim(ridge) else float(values[0])

    def measured(self, ridge: Any) -> tuple[float, float]:
        """The error at one ridge, or one a model, and its standard error as an estimate for all rows."""
        squares = np.sum(self.residuals(ridge) ** 2, axis=1)
        return float(squares.mean()), float(squares.std() / np.sqrt(len(squares)))
