"""KernelSurvey: give it training data; it predicts the risk of every candidate kernel, chooses, fits and forecasts."""

import platform
import time
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd
import scipy
import sklearn
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_consistent_length, check_is_fitted, column_or_1d, validate_data

from theodolite import __version__
from theodolite.kernel_regression import RidgePath
from theodolite.kernel_regression.prediction import predict
from theodolite.kernel_regression.target_coding import Classes, Coding, Quantities
from theodolite.kernel_regression.trust import Trust
from theodolite.kernels import Kernel
from theodolite.numerics.checks import positive
from theodolite.numerics.errors import BadInput
from theodolite.numerics.memory import limit_bytes
from theodolite.numerics.progress import Progress, silent
from theodolite.survey.candidates import Candidate, candidates
from theodolite.survey.columns import ColumnEncoder
from theodolite.survey.measuring import Sample, dual_coefficients, gram_of
from theodolite.survey.notebook import Notebook, fingerprint
from theodolite.survey.pictures import PATH_ROWS, curve_json, forecast, signal_capture
from theodolite.survey.race import FINALISTS, Race
from theodolite.survey.record import CandidateRecord, SurveyRecord
from theodolite.survey.threads import threads_for

SCREENING_ROWS = 2000
MOST_ROWS = 8000


class _Survey(BaseEstimator):
    """What the regressor and the classifier share: encode, race, refine, fit, forecast."""

    n_features_in_: int
    feature_names_in_: np.ndarray

    def __init__(
        self,
        candidates: Any = None,
        *,
        max_rows: int | None = None,
        time_limit: float | None = None,
        memory_limit: int | str | None = None,
        random_state: int = 0,
        progress: Progress | None = None,
        folder: str | Path | None = None,
    ) -> None:
        self.candidates = candidates
        self.max_rows = max_rows
        self.time_limit = time_limit
        self.memory_limit = memory_limit
        self.random_state = random_state
        self.progress = progress
        self.folder = folder

    def _code(self, y: Any) -> tuple[Coding, np.ndarray]:
        raise NotImplementedError

    def fit(self, X: Any, y: Any, groups: Any = None) -> Self:
        """Survey the candidates on a table X (frame or array, n rows) and targets y (n,), then fit the best.

        Args: groups, one label a row, when rows of one group must be left out together.
        Raises: BadInput, ShapeMismatch, TooLarge and scikit-learn's own errors.
        """
        started = time.perf_counter()
        self._check_settings()
        X, y = self._checked(X, y)
        self.encoder_ = ColumnEncoder()
        points = self.encoder_.fit_transform(X)
        self.coding_, columns = self._code(y)
        labels = None if groups is None else self._group_labels(groups, len(points))
        notes = list(self.encoder_.notes)

        whole, screening = self._samples(points, columns, labels, notes)
        if labels is None and screening.left_out_together is not None:
            repeating = screening.size - len(np.unique(screening.left_out_together))
            notes.append(f"{repeating} of {screening.size} rows repeat others; copies were left out together")
        entries = candidates(self.candidates, screening.points)
        mark = fingerprint(points, columns, labels, [entry.name for entry in entries], self._settings(), __version__)
        notebook = Notebook(self.folder, mark)
        race = Race(notebook, self.progress or silent, self.time_limit, len(entries) + 5)
        ranked = race.refine(race.run(entries, screening), screening)
        if whole.size > screening.size:
            ranked = race.run([candidate for candidate, _ in ranked[:FINALISTS]], whole) + ranked[FINALISTS:]
        chosen, record = ranked[0]
        self.candidates_ = {candidate.name: candidate for candidate, _ in ranked}
        with threads_for(whole.size):
            race.progress(race.done, race.total, "fit")
            self._keep(chosen, record, whole)
            race.progress(race.total - 1, race.total, "forecast")
            picture = self._picture_path(chosen, whole)
        self.forecast_path_, self._forecast_rows = picture, whole.size
        self.record_ = SurveyRecord(
            data=self._data_words(X, y, whole),
            notes=(*notes, *race.notes),
            candidates=tuple(entry for _, entry in ranked),
            chosen=record,
            learning_curve=curve_json(forecast(picture, whole.size, record.predicted_risk)),
            signal_capture=signal_capture(picture, picture.best_ridge()),
            settings=self._settings(),
            versions=_versions(),
            seconds=time.perf_counter() - started,
        )
        self._publish()
        notebook.clear()
        race.progress(race.total, race.total, "done")
        return self

    def _keep(self, chosen: Candidate, record: CandidateRecord, whole: Sample) -> None:
        self.best_kernel_: Kernel = chosen.kernel
        self.best_ridge_ = record.ridge
        self.points_, self.columns_ = whole.points, whole.columns
        self.dual_ = dual_coefficients(chosen, whole, record.ridge)

    def _publish(self) -> None:
        """The attributes that users read, from the record."""
        chosen = self.record_.chosen
        self.predicted_risk_ = chosen.predicted_risk
        self.predicted_risk_standard_error_ = chosen.standard_error
        self.trust_ = Trust(chosen.verdict, tuple(chosen.reasons))
        self.results_ = results_table(self.record_)

    def _picture_path(self, chosen: Candidate, whole: Sample) -> RidgePath:
        rows = _some_rows(whole.size, PATH_ROWS, self.random_state)
        sample = whole if rows is None else whole.rows(rows)
        return RidgePath(gram_of(chosen, sample), sample.columns, memory_limit=self.memory_limit)

    def _columns_at(self, Z: Any) -> np.ndarray:
        """Predicted centred columns (m, k)."""
        check_is_fitted(self)
        if not isinstance(Z, pd.DataFrame):
            Z = validate_data(self, Z, reset=False, dtype=None, ensure_all_finite=False)
        return predict(self.best_kernel_, self.encoder_.transform(Z), self.points_, self.dual_)

    def predict(self, Z: Any) -> np.ndarray:
        """Predictions for new rows Z with the columns of the training table, (m,)."""
        columns = self._columns_at(Z)
        return self.coding_.decode(columns)

    def learning_curve(self, sizes: Any) -> pd.DataFrame:
        """Forecast of the risk at other training sizes (s,): columns size, risk, low, high (two standard errors).

        Sizes beyond the training set extrapolate. Theory: `kernel_regression.learning_curve`.
        """
        check_is_fitted(self)
        if not hasattr(self, "forecast_path_"):
            raise BadInput("a loaded model has its forecast in record_.learning_curve only; fit again for other sizes")
        from theodolite.kernel_regression import learning_curve

        both = learning_curve(self.forecast_path_, np.append(np.asarray(sizes, dtype=float), self._forecast_rows))
        lift = self.predicted_risk_ / both.risk[-1]
        return pd.DataFrame(
            {"size": both.sizes, "risk": both.risk * lift, "low": both.low * lift, "high": both.high * lift}
        ).iloc[:-1]

    def _check_settings(self) -> None:
        if self.max_rows is not None and not (int(self.max_rows) == self.max_rows and self.max_rows >= 10):
            raise BadInput(f"max_rows must be a whole number of at least 10, got {self.max_rows}")
        if self.time_limit is not None:
            positive(self.time_limit, "time_limit", "it is in seconds")
        limit_bytes(self.memory_limit)

    def _checked(self, X: Any, y: Any) -> tuple[Any, np.ndarray]:
        """The table as it came if it is a frame, else a checked array; and the targets as a vector."""
        if y is None:
            raise ValueError(f"{type(self).__name__} requires y to be passed, but the target y is None")
        if isinstance(X, pd.DataFrame):
            validate_data(self, X=X, skip_check_array=True)  # pyright: ignore[reportArgumentType]  sklearn's default is a text
        else:
            X = validate_data(self, X, dtype=None, ensure_all_finite=False, ensure_min_samples=2)
        y = column_or_1d(y, warn=True)
        check_consistent_length(X, y)
        if len(y) < 2:
            raise BadInput(f"the table has {len(y)} row (n_samples = {len(y)}); a survey needs at least two")
        return X, y

    def _group_labels(self, groups: Any, n: int) -> np.ndarray:
        labels = np.asarray(groups)
        if labels.shape != (n,):
            raise BadInput(f"groups have shape {labels.shape}; expected one label a row, ({n},)")
        return np.unique(labels.astype(str), return_inverse=True)[1]

    def _samples(
        self, points: np.ndarray, columns: np.ndarray, labels: np.ndarray | None, notes: list[str]
    ) -> tuple[Sample, Sample]:
        """All rows that are used for fitting, and those on which every candidate is measured."""
        whole = Sample(points, columns, labels, self.memory_limit)
        most = self.max_rows or MOST_ROWS
        used = _some_rows(whole.size, most, self.random_state)
        if used is not None:
            notes.append(f"{most} of {whole.size} rows were drawn at random for fitting (max_rows)")
            whole = whole.rows(used)
        screened = _some_rows(whole.size, SCREENING_ROWS, self.random_state)
        if screened is None:
            return whole, whole
        notes.append(
            f"every candidate was measured on {SCREENING_ROWS} of {whole.size} rows, the best {FINALISTS} on all"
        )
        return whole, whole.rows(screened)

    def _settings(self) -> dict[str, Any]:
        wanted = "default" if self.candidates is None else self.candidates
        named = wanted if isinstance(wanted, str) else [repr(one) for one in wanted]
        return {"candidates": named, "max_rows": self.max_rows, "random_state": self.random_state}

    def _data_words(self, X: Any, y: np.ndarray, whole: Sample) -> dict[str, Any]:
        classes = self.coding_.classes.tolist() if isinstance(self.coding_, Classes) else None
        return {
            "name": "data",
            "rows": len(y),
            "columns": int(self.n_features_in_),
            "used_rows": whole.size,
            "encoded_columns": int(whole.points.shape[1]),
            "task": "regression" if classes is None else "classification",
            "target": str(getattr(y, "name", None) or "target"),
            "classes": classes,
            "target_variance": float(np.sum(whole.columns.var(axis=0))),
        }

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.string = True
        tags.input_tags.categorical = True
        return tags

    def save(self, folder: str | Path) -> Path:
        """Write the model to a folder: model.json and a safetensors file. Returns the folder."""
        from theodolite.survey.saving import save

        check_is_fitted(self)
        return save(self, folder)

    @classmethod
    def load(cls, folder: str | Path) -> Self:
        """Read a model that `save` wrote."""
        from theodolite.survey.saving import load

        model = load(folder)
        if not isinstance(model, cls):
            raise BadInput(f"{folder} holds a {type(model).__name__}, not a {cls.__name__}; use theodolite.survey.load")
        return model


class KernelSurvey(RegressorMixin, _Survey):
    """Regression by the kernel whose predicted risk is lowest, without a validation split.

    Every candidate kernel gets its best ridge by minimising the larger of KARE and exact leave-one-out (or
    leave-one-group-out) on the training data; the best kernel is refined in its lengthscale and fitted.

    Args: candidates, None for 34 default kernels, or a list of family names ("rbf", "laplace_l1", ...), kernels and
        functions; max_rows, the most rows used for fitting (8000; candidates are compared on 2000 at most);
        time_limit, seconds after which no further candidate is started; memory_limit, bytes or "4GB"; random_state,
        seed of the row samples; progress, told after each candidate; folder, where finished candidates are kept so
        that a killed fit resumes.
    Attributes: results_ (one row a candidate), best_kernel_, best_ridge_, predicted_risk_ (mean squared error on new
        rows) with predicted_risk_standard_error_, trust_ (verdict and reasons), record_ (all of it, for reports).
    Sample weights are not supported: KARE and its theory are for rows of equal weight.
    Source: Jacot et al. (2020), arXiv:2006.09796. Cost: about 1.5 n^3 operations a candidate.

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


class KernelSurveyClassifier(ClassifierMixin, _Survey):
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


def results_table(record: SurveyRecord) -> pd.DataFrame:
    """One row a candidate, best first."""
    shown = [
        "name",
        "ridge",
        "predicted_risk",
        "standard_error",
        "kare",
        "leave_one_out",
        "leave_one_group_out",
        "measured_risk",
        "verdict",
        "reasons",
        "effective_dimension",
        "log_marginal_likelihood",
        "training_error",
        "rows",
        "seconds",
    ]
    return pd.DataFrame([{key: getattr(entry, key) for key in shown} for entry in record.candidates])


def _some_rows(n: int, most: int, seed: int) -> np.ndarray | None:
    """A random subset of rows in their order, or None when all are taken."""
    return np.sort(np.random.default_rng(seed).permutation(n)[:most]) if n > most else None


def _versions() -> dict[str, str]:
    return {
        "theodolite": __version__,
        "python": platform.python_version(),
        "numpy": np.__version__,
        "scipy": scipy.__version__,
        "scikit-learn": sklearn.__version__,
        "pandas": pd.__version__,
    }
