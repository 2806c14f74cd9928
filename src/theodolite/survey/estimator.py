"""KernelSurvey: give it training data; it predicts the risk of every candidate kernel, chooses, fits and forecasts."""

from pathlib import Path
from typing import Any, Self, TypeVar

import numpy as np
from sklearn.base import ClassifierMixin, RegressorMixin
from sklearn.utils.multiclass import check_classification_targets

from theodolite.kernel_regression.target_coding import Classes, Coding, Quantities
from theodolite.numerics.errors import BadInput
from theodolite.survey import saving
from theodolite.survey.surveyor import Surveyor

Kind = TypeVar("Kind", bound=Surveyor)


class KernelSurvey(RegressorMixin, Surveyor):
    """Regression by the kernel whose predicted risk is lowest, without a validation split.

    Every candidate kernel gets its best ridge by minimising the larger of KARE and exact leave-one-out (or
    leave-one-group-out) on the training data; the best kernel is refined in its lengthscale and fitted.

    Args: candidates, None for 34 default kernels, or a list of family names ("rbf", "laplace_l1", ...), kernels and
        functions; max_rows, the most rows used for fitting (all of them; candidates are compared on 2000 at most);
        route, "auto" (the exact machine up to 8000 rows; beyond, landmarks or random features, whichever predict the
        lower risk), "exact", "nystrom" (landmarks, for every kernel) or "features" (random features, drawn without
        looking at rows, for kernels that have some); features, how many landmarks or random features (2048);
        time_limit, seconds after which no further candidate is started; memory_limit, bytes or "4GB"; random_state,
        seed of the row samples; progress, told after each candidate; folder, where finished candidates are kept so
        that a killed fit resumes and the same fit is not done twice.
    Attributes: results_ (one row a candidate), best_kernel_, best_ridge_, predicted_risk_ (mean squared error on new
        rows) with predicted_risk_standard_error_, trust_ (verdict and reasons), record_ (all of it, for reports).
    Sample weights are not supported: KARE and its theory are for rows of equal weight.
    Tables that outgrow memory: `fit_stream`, or `theodolite.survey.survey`.
    Source: Jacot et al. (2020), arXiv:2006.09796. Cost: about 1.5 n^3 operations a candidate; through P features n P^2.

    >>> x = np.linspace(0, 3, 60)[:, None]
    >>> model = KernelSurvey(["rbf"]).fit(x, np.sin(2 * x[:, 0]))
    >>> model.predicted_risk_ < 1e-3, model.trust_.verdict in ("trusted", "doubtful", "do not trust")
    (True, True)
    """

    def _code(self, y: np.ndarray) -> tuple[Coding, np.ndarray]:
        try:
            numbers = np.asarray(y, dtype=np.float64)
        except (TypeError, ValueError):
            raise BadInput(
                f"the targets hold {y[0]!r}, which is no number; use KernelSurveyClassifier for classes"
            ) from None
        coding, columns = Quantities.of(numbers)
        if not columns.any():
            raise BadInput(f"the target is constant ({numbers[0]:g}); there is nothing to learn")
        return coding, columns

    @classmethod
    def load(cls, folder: str | Path) -> Self:
        """Read a model that `save` wrote."""
        return _of_kind(cls, folder)


class KernelSurveyClassifier(ClassifierMixin, Surveyor):
    """Classification by the kernel whose predicted risk is lowest; `classes_` in sorted order.

    Least squares on coded classes (two: -1 and +1; more: one column each). The predicted risk is the mean squared
    error of those columns; for two classes it bounds the error rate. Args, attributes and cost as KernelSurvey.

    >>> x = np.linspace(0, 3, 60)[:, None]
    >>> KernelSurveyClassifier(["rbf"]).fit(x, np.where(x[:, 0] > 1, "big", "small")).predict([[2.0]])
    array(['big'], dtype='<U5')
    """

    def _code(self, y: np.ndarray) -> tuple[Coding, np.ndarray]:
        check_classification_targets(y)
        coding, columns = Classes.of(y)
        self.classes_ = coding.classes
        return coding, columns

    def decision_function(self, Z: Any) -> np.ndarray:
        """Columns before the decision: (m,) for two classes, (m, classes) for more."""
        columns = self._columns_at(Z)
        values = columns + self.coding_.mean
        return values[:, 0] if len(self.classes_) == 2 else values

    @classmethod
    def load(cls, folder: str | Path) -> Self:
        """Read a model that `save` wrote."""
        return _of_kind(cls, folder)


def load(folder: str | Path) -> KernelSurvey | KernelSurveyClassifier:
    """Read a fitted survey of either kind from a folder that `save` wrote.

    Raises: BadInput when there is no model, or it is damaged, or of another format.

    >>> import tempfile
    >>> x = np.linspace(0, 3, 40)[:, None]
    >>> folder = saving.save(KernelSurvey(["rbf"]).fit(x, np.sin(x[:, 0])), tempfile.mkdtemp())
    >>> type(load(folder)).__name__
    'KernelSurvey'
    """
    return saving.load(folder, (KernelSurvey, KernelSurveyClassifier))


def _of_kind(kind: type[Kind], folder: str | Path) -> Kind:
    model = load(folder)
    if not isinstance(model, kind):
        raise BadInput(f"{folder} holds a {type(model).__name__}, not a {kind.__name__}; use theodolite.survey.load")
    return model
