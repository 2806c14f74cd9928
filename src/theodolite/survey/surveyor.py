"""What surveys of numbers and of classes share: encode, race, refine, fit, forecast."""

import platform
import time
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd
import scipy
import sklearn
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_consistent_length, check_is_fitted, column_or_1d, validate_data

from theodolite._version import __version__
from theodolite.kernel_regression import RidgePath
from theodolite.kernel_regression.prediction import predict
from theodolite.kernel_regression.target_coding import Classes, Coding
from theodolite.kernel_regression.trust import Trust
from theodolite.kernels import Kernel
from theodolite.numerics.checks import positive, positive_integer
from theodolite.numerics.errors import BadInput
from theodolite.numerics.memory import limit_bytes
from theodolite.numerics.progress import Progress, silent
from theodolite.random_features.maps import FeatureMap
from theodolite.random_features.nystrom import NystromMap
from theodolite.random_features.of_kernel import features_of
from theodolite.random_features.staging import predict as predict_by_map
from theodolite.survey import large
from theodolite.survey.candidates import Candidate, candidates
from theodolite.survey.columns import ColumnEncoder
from theodolite.survey.contest import best_on_all_rows, possible, rows_that_meet
from theodolite.survey.images import ImageEncoder, for_shape
from theodolite.survey.measuring import Sample, dual_coefficients, gram_of
from theodolite.survey.notebook import Notebook, fingerprint
from theodolite.survey.pictures import PATH_ROWS, curve_json, forecast, signal_capture
from theodolite.survey.race import FINALISTS, Entry, Race, finalists
from theodolite.survey.record import CandidateRecord, SurveyRecord, results_table
from theodolite.survey.routing import ROUTES, Route, route_for
from theodolite.survey.saving import save
from theodolite.survey.threads import threads_for

SCREENING_ROWS = 2000


class Surveyor(BaseEstimator):
    """What the regressor and the classifier share: encode, race, refine, fit, forecast."""

    n_features_in_: int
    feature_names_in_: np.ndarray

    def __init__(
        self,
        candidates: Any = None,
        *,
        max_rows: int | None = None,
        route: str = "auto",
        features: int | None = None,
        time_limit: float | None = None,
        memory_limit: int | str | None = None,
        random_state: int = 0,
        progress: Progress | None = None,
        folder: str | Path | None = None,
    ) -> None:
        self.candidates = candidates
        self.max_rows = max_rows
        self.route = route
        self.features = features
        self.time_limit = time_limit
        self.memory_limit = memory_limit
        self.random_state = random_state
        self.progress = progress
        self.folder = folder

    def _code(self, y: Any) -> tuple[Coding, np.ndarray]:
        raise NotImplementedError

    def fit(self, X: Any, y: Any, groups: Any = None) -> Self:
        """Survey the candidates on a table X (frame or array, n rows) and targets y (n,), then fit the best.

        X may also hold images (n, height, width, channels) or sequences (n, length, channels): all their numbers are
        scaled alike, and convolutional architectures among the candidates read them as such.

        Args: groups, one label a row, when rows of one group must be left out together.
        Raises: BadInput, ShapeMismatch, TooLarge and scikit-learn's own errors.
        """
        started = time.perf_counter()
        self._check_settings()
        X, y = self._checked(X, y)
        self.encoder_ = ImageEncoder() if np.ndim(X) > 2 else ColumnEncoder()
        points = self.encoder_.fit_transform(X)
        self.coding_, columns = self._code(y)
        labels = None if groups is None else self._group_labels(groups, len(points))
        notes = list(self.encoder_.notes)
        route = self._route(len(points), "images" if np.ndim(X) > 2 else "groups" if labels is not None else "")
        whole = Sample(points, columns, labels, self.memory_limit)
        if whole.size > route.rows:
            notes.append(f"{route.rows} of {whole.size} rows were drawn at random for fitting ({route.why})")
            whole = whole.at_most(route.rows, self.random_state)
        name = str(getattr(y, "name", None) or "target")
        return self._survey(whole, route, notes, len(y), name, None, started)

    def fit_stream(
        self, source: Any, target: str | None = None, *, scheduler: str | None = None, holdout: float | None = None
    ) -> Self:
        """Survey a table of any length: candidates meet on a sample, the best is fitted on all rows in one pass.

        Args: source, a path, a glob ("parts/*.parquet"), a folder, a list of them, or what `open_rows` returned;
            target, the column to predict; scheduler, None, "local" or a dask scheduler's address ("tcp://...");
            holdout, a share of rows to learn nothing from and to measure the risk on (in `record_.holdout`): drawn by
            their place in the table and `random_state`, the same whatever the blocks and workers.
        Columns, lengthscales and landmarks are learned from a sample of at most 16384 rows, which a note describes.
        Raises: BadInput, NotFinite (naming file, block and row), TooLarge.
        """
        from theodolite.survey.streaming import fit_stream

        return fit_stream(self, source, target, scheduler, holdout)

    def _survey(
        self,
        whole: Sample,
        route: Route,
        notes: list[str],
        rows: int | None,
        target: str,
        all_rows: large.Pass | None,
        started: float,
    ) -> Self:
        """Race, fit and forecast on a sample, or on the whole table; through features also on the rows of a pass."""
        screening = whole.at_most(SCREENING_ROWS, self.random_state)
        if whole.size > screening.size:
            notes.append(
                f"every candidate was measured on {SCREENING_ROWS} of {whole.size} rows, the best {FINALISTS} on all"
                if route.kind == "exact"
                else f"every candidate was measured on {SCREENING_ROWS} rows, the best {FINALISTS} through features on "
                f"{rows_that_meet(whole.size, all_of_them=all_rows is None)}, the best of these on all"
            )
        if whole.groups is None and screening.left_out_together is not None:
            repeating = screening.size - len(np.unique(screening.left_out_together))
            notes.append(f"{repeating} of {screening.size} rows repeat others; copies were left out together")
        entries = candidates(self.candidates, screening.points)
        if isinstance(self.encoder_, ImageEncoder):
            entries = [replace(entry, kernel=for_shape(entry.kernel, self.encoder_.shape_)) for entry in entries]
        names = [entry.name for entry in entries]
        route = possible(route, entries, asked=self.route)
        mark = fingerprint(whole.points, whole.columns, whole.groups, names, self._settings(), __version__)
        notebook = Notebook(self.folder, mark)
        race = Race(notebook, self.progress or silent, self.time_limit, len(entries) + 5)
        ranked = race.refine(race.run(entries, screening), screening)
        self._featured: dict[str, large.Fitted] = {}
        if route.kind != "exact":
            ranked = self._through_features(ranked, whole, route, race, target, all_rows)
            route = replace(self._featured[ranked[0][0].name].route, rows=ranked[0][1].rows)
        elif whole.size > screening.size:
            best, others = finalists(ranked)
            ranked = race.run([candidate for candidate, _ in best], whole) + others
        chosen, record = ranked[0]
        self.candidates_ = {candidate.name: candidate for candidate, _ in ranked}
        with threads_for(whole.size):
            race.progress(race.done, race.total, "fit")
            self._keep(chosen, record, whole)
            race.progress(race.total - 1, race.total, "forecast")
            picture = self._picture_path(chosen, whole)
        self.forecast_path_, self._forecast_rows = picture, record.rows
        if self._featured and self._featured[chosen.name].left_out:
            notes.append(f"{self._featured[chosen.name].left_out} rows without a target were left out")
        notes.append(route.words)
        self.record_ = SurveyRecord(
            data=self._data_words(rows or record.rows, record.rows, target, whole),
            notes=(*notes, *race.notes),
            candidates=tuple(entry for _, entry in ranked),
            chosen=record,
            learning_curve=curve_json(forecast(picture, record.rows, record.predicted_risk)),
            signal_capture=signal_capture(picture, picture.best_ridge()),
            settings=self._settings(),
            versions=_versions(),
            seconds=time.perf_counter() - started,
            extra={"route": route.words, **self._map_words()},
        )
        self._publish()
        race.progress(race.total, race.total, "done")
        return self

    def _through_features(
        self, ranked: list[Entry], whole: Sample, route: Route, race: Race, target: str, all_rows: large.Pass | None
    ) -> list[Entry]:
        """The finalists meet on rows in memory; the best of them learns from all rows."""
        recipe = large.recipe_for(self.encoder_, self.coding_, seed=self.random_state, target=target)
        best, others = finalists(ranked)
        found = best_on_all_rows(best, recipe, whole, route, all_rows, race, self.memory_limit)
        self._featured = {one.candidate.name: one for one in found}
        return [*((one.candidate, one.record) for one in found), *best[len(found) :], *others]

    def _keep(self, chosen: Candidate, record: CandidateRecord, whole: Sample) -> None:
        self.best_kernel_: Kernel = chosen.kernel
        self.best_ridge_ = record.ridge
        columns = whole.columns
        self.map_: FeatureMap | None = None
        if chosen.name not in self._featured:
            self.points_, self.dual_ = whole.points, dual_coefficients(chosen, whole, record.ridge)
        else:
            fitted = self._featured[chosen.name]
            if isinstance(fitted.map, NystromMap):  # a kernel machine like any other, on its landmarks
                self.points_, self.dual_ = fitted.map.landmarks, fitted.map.root @ fitted.weights
            else:
                self.map_, self.weights_ = fitted.map, fitted.weights
            columns = columns + (self.coding_.mean - fitted.mean)
            self.coding_ = replace(self.coding_, mean=fitted.mean)
        self._rows = Sample(whole.points, columns, None, self.memory_limit)

    def _publish(self) -> None:
        """The attributes that users read, from the record."""
        chosen = self.record_.chosen
        self.predicted_risk_ = chosen.predicted_risk
        self.predicted_risk_standard_error_ = chosen.standard_error
        self.trust_ = Trust(chosen.verdict, tuple(chosen.reasons))
        self.results_ = results_table(self.record_)

    def _picture_path(self, chosen: Candidate, whole: Sample) -> RidgePath:
        sample = whole.at_most(PATH_ROWS, self.random_state)
        return RidgePath(gram_of(chosen, sample), sample.columns, memory_limit=self.memory_limit)

    def _columns_at(self, Z: Any) -> np.ndarray:
        """Predicted centred columns (m, k)."""
        check_is_fitted(self)
        if not isinstance(Z, pd.DataFrame):
            Z = validate_data(self, Z, reset=False, dtype=None, ensure_all_finite=False, allow_nd=True)
        return self._machine_at(self.encoder_.transform(Z))

    def _machine_at(self, points: np.ndarray) -> np.ndarray:
        """Predicted centred columns (m, k) at encoded points."""
        if self.map_ is not None:
            return predict_by_map(self.map_, points, self.weights_)
        return predict(self.best_kernel_, points, self.points_, self.dual_)

    def _map_words(self) -> dict[str, str]:
        """For the record: which random features, where the machine has some."""
        if self.map_ is None:
            return {}
        return {"random features": f"{type(features_of(self.best_kernel_)).__name__}, {self.map_.features}"}

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
        if self.route not in ROUTES:
            raise BadInput(f"route must be one of {', '.join(ROUTES)}, got {self.route!r}")
        if self.features is not None:
            positive_integer(self.features, "features")
        limit_bytes(self.memory_limit)

    def _checked(self, X: Any, y: Any) -> tuple[Any, np.ndarray]:
        """The table as it came if it is a frame, else a checked array; and the targets as a vector."""
        if y is None:
            raise ValueError(f"{type(self).__name__} requires y to be passed, but the target y is None")
        if isinstance(X, pd.DataFrame):
            validate_data(self, X=X, skip_check_array=True)  # pyright: ignore[reportArgumentType]  sklearn's default is a text
        else:
            X = validate_data(self, X, dtype=None, ensure_all_finite=False, ensure_min_samples=2, allow_nd=True)
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

    def _route(self, rows: int, only_exact: str = "") -> Route:
        return route_for(
            rows,
            asked=self.route,
            features=self.features,
            max_rows=self.max_rows,
            memory_limit=self.memory_limit,
            only_exact=only_exact,
        )

    def _settings(self) -> dict[str, Any]:
        wanted = "default" if self.candidates is None else self.candidates
        named = wanted if isinstance(wanted, str) else [repr(one) for one in wanted]
        told = {"route": self.route} if self.route != "auto" else {}
        told |= {"features": self.features} if self.features is not None else {}
        return {"candidates": named, "max_rows": self.max_rows, "random_state": self.random_state, **told}

    def _data_words(self, rows: int, used: int, target: str, whole: Sample) -> dict[str, Any]:
        classes = self.coding_.classes.tolist() if isinstance(self.coding_, Classes) else None
        return {
            "name": "data",
            "rows": rows,
            "columns": len(self.encoder_.columns_),
            "used_rows": used,
            "encoded_columns": int(whole.points.shape[1]),
            "task": "regression" if classes is None else "classification",
            "target": target,
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
        check_is_fitted(self)
        return save(self, folder)


def _versions() -> dict[str, str]:
    return {
        "theodolite": __version__,
        "python": platform.python_version(),
        "numpy": np.__version__,
        "scipy": scipy.__version__,
        "scikit-learn": sklearn.__version__,
        "pandas": pd.__version__,
    }
