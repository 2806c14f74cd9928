"""scikit-learn estimators: one kernel, its ridge chosen from the training data alone."""

from typing import Any, Literal

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, column_or_1d, validate_data

from theodolite.kernel_regression.criteria import Criteria
from theodolite.kernel_regression.prediction import predict
from theodolite.kernel_regression.ridge_path import RidgePath
from theodolite.kernel_regression.ridge_search import RidgeSearch
from theodolite.kernel_regression.target_coding import Classes, Coding, Quantities
from theodolite.kernels import RBF, as_kernel, gram, median_distances
from theodolite.numerics.checks import positive

PATH_ROWS = 800  # up to here a path is as fast as a search and gives more


def factorise(
    gram: np.ndarray, targets: np.ndarray, *, groups: Any = None, memory_limit: int | str | None = None
) -> Criteria:
    """The fastest sound route to the best ridge: a `RidgePath` for few rows, a `RidgeSearch` for many.

    Args: gram (n, n); targets (n,) or (n, k); groups (n,), rows to leave out together; memory_limit.
    Returns: what both routes share: every criterion at any ridge, and `best_ridge()`. Raises: as these two.

    >>> factorise(np.eye(4) + 1.0, np.array([1.0, 2.0, 3.0, 5.0])).best_ridge() > 0
    True
    """
    route = RidgePath if len(gram) <= PATH_ROWS else RidgeSearch
    return route(gram, targets, groups=groups, memory_limit=memory_limit)


class _KernelRidge(BaseEstimator):
    """What the regressor and the classifier share: the Gram matrix, the ridge, the dual coefficients."""

    def __init__(
        self, kernel: Any = None, *, ridge: float | Literal["auto"] = "auto", memory_limit: int | str | None = None
    ) -> None:
        self.kernel = kernel
        self.ridge = ridge
        self.memory_limit = memory_limit

    def _fit(self, X: np.ndarray, coding: Coding, columns: np.ndarray, groups: Any) -> None:
        self.kernel_ = RBF(median_distances(X)[0] ** 2) if self.kernel is None else as_kernel(self.kernel)
        matrix = gram(self.kernel_, X, memory_limit=self.memory_limit)
        self.path_ = factorise(matrix, columns, groups=groups, memory_limit=self.memory_limit)
        self.ridge_ = self.path_.best_ridge() if self.ridge == "auto" else positive(float(self.ridge), "ridge")
        self.predicted_risk_ = float(self.path_.risk(self.ridge_))
        self.X_fit_, self.coding_, self.dual_coef_ = X, coding, self.path_.dual(self.ridge_)

    def _predict(self, Z: Any) -> Any:
        check_is_fitted(self)
        Z = validate_data(self, Z, reset=False, dtype=np.float64)
        return self.coding_.decode(predict(self.kernel_, Z, self.X_fit_, self.dual_coef_))


class KernelRidgeRegressor(RegressorMixin, _KernelRidge):
    """Kernel ridge regression whose ridge minimises the larger of KARE and leave-one-out on the training data.

    f = argmin mean (f(x_i) - y_i)^2 + ridge |f|^2, targets centred by their mean.

    Args: kernel, by default RBF at the median squared distance; ridge, "auto" or a number > 0 (scikit-learn's alpha is
        n * ridge); memory_limit, bytes or "4GB". `fit(X, y, groups=None)`: X (n, d) numbers, y (n,) or (n, k).
    Attributes: kernel_, ridge_, predicted_risk_ (mean squared error on new data), dual_coef_ (n, k), path_ (all other
        criteria). Sample weights are not supported: the theory is for equal weights.
    Raises: our named errors and scikit-learn's. Cost: see RidgePath and RidgeSearch.

    >>> x = np.linspace(0, 3, 30)[:, None]
    >>> model = KernelRidgeRegressor().fit(x, np.sin(2 * x[:, 0]))
    >>> bool(abs(model.predict([[1.0]])[0] - np.sin(2.0)) < 1e-2)
    True
    """

    def fit(self, X: Any, y: Any, groups: Any = None) -> "KernelRidgeRegressor":
        X, y = validate_data(self, X, y, dtype=np.float64, multi_output=True, y_numeric=True, ensure_min_samples=2)
        coding, columns = Quantities.of(y)
        self._fit(X, coding, columns, groups)
        return self

    def predict(self, Z: Any) -> np.ndarray:
        """Predictions at new points Z (m, d), (m,) or (m, k)."""
        return self._predict(Z)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags


class KernelRidgeClassifier(ClassifierMixin, _KernelRidge):
    """Kernel ridge classification: least squares on coded classes, the sign or the largest column decides.

    Args, attributes and cost as KernelRidgeRegressor; `classes_`. For two classes, coded -1 and +1, `predicted_risk_`
    also bounds the error rate.

    >>> x = np.linspace(0, 3, 30)[:, None]
    >>> KernelRidgeClassifier().fit(x, x[:, 0] > 1.0).predict([[0.2], [2.8]])
    array([False,  True])
    """

    def fit(self, X: Any, y: Any, groups: Any = None) -> "KernelRidgeClassifier":
        X, y = validate_data(self, X, y, dtype=np.float64, ensure_min_samples=2)
        check_classification_targets(y)
        coding, columns = Classes.of(column_or_1d(y, warn=True))
        self.classes_ = coding.classes
        self._fit(X, coding, columns, groups)
        return self

    def predict(self, Z: Any) -> np.ndarray:
        """Predicted classes of new points Z (m, d), (m,)."""
        return self._predict(Z)

    def decision_function(self, Z: Any) -> np.ndarray:
        """Columns before the decision: (m,) for two classes, (m, classes) for more."""
        check_is_fitted(self)
        Z = validate_data(self, Z, reset=False, dtype=np.float64)
        values = predict(self.kernel_, Z, self.X_fit_, self.dual_coef_) + self.coding_.mean
        return values[:, 0] if len(self.classes_) == 2 else values
