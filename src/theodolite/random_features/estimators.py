"""scikit-learn estimators on random features: kernel machines for tables that outgrow memory."""

from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, column_or_1d, validate_data

from theodolite.kernel_regression.target_coding import Classes, Coding, Quantities
from theodolite.numerics.checks import positive_integer
from theodolite.numerics.errors import BadInput
from theodolite.numerics.memory import require
from theodolite.numerics.progress import Progress, silent
from theodolite.random_features.drawing import drawn_maps, is_unbiased
from theodolite.random_features.harvest import KEPT_ROWS, Recipe, class_labels, gather, target_numbers
from theodolite.random_features.machine import Machine, fit_machine
from theodolite.random_features.matching import LEAST_AVERAGED
from theodolite.random_features.number_columns import NumberColumns
from theodolite.random_features.opening import open_rows
from theodolite.random_features.row_blocks import BLOCK_ROWS

SAMPLE_ROWS = 16384  # from which encodings, lengthscales and landmarks are learned


class _RandomFeatureRidge(BaseEstimator):
    """What the regressor and the classifier share: draw the maps, add up the rows, choose the ridge, predict."""

    def __init__(
        self,
        kernel: Any = None,
        features: int = 1000,
        *,
        family: Any = "nystrom",
        ridge: float | Literal["auto", "kare"] = "auto",
        match: Literal["auto", "kernel"] | None = "auto",
        ensemble: int = 1,
        standardise: bool = True,
        kept_rows: int = KEPT_ROWS,
        block_rows: int = BLOCK_ROWS,
        memory_limit: int | str | None = None,
        random_state: int = 0,
        progress: Progress | None = None,
    ) -> None:
        self.kernel = kernel
        self.features = features
        self.family = family
        self.ridge = ridge
        self.match = match
        self.ensemble = ensemble
        self.standardise = standardise
        self.kept_rows = kept_rows
        self.block_rows = block_rows
        self.memory_limit = memory_limit
        self.random_state = random_state
        self.progress = progress

    def _coding(self, targets: np.ndarray) -> Coding:
        raise NotImplementedError

    def _targets(self, column: pd.Series, name: str) -> np.ndarray:
        raise NotImplementedError

    def _start(self, encoder: NumberColumns, points: np.ndarray, coding: Coding, **settings: Any) -> None:
        """Everything that is decided before the pass, from a sample of encoded points (m, d)."""
        self._check_settings()
        self.encoder_ = encoder
        maps = drawn_maps(
            self.family, self.kernel, self.features, points, ensemble=self.ensemble, seed=self.random_state
        )
        self._recipe = Recipe(
            coding=coding,
            maps=maps,
            encoder=encoder,
            kept=self.kept_rows,
            seed=self.random_state,
            block_rows=self.block_rows,
            **{"target": "target", **settings},
        )
        require(
            self._recipe.bytes,
            self.memory_limit,
            f"a pass with {self.features} features and {self.ensemble} models",
            "use fewer features or a smaller block_rows, or a larger memory_limit",
        )
        self._harvest = self._recipe.nothing()
        self._parts = 0

    def _add(self, X: np.ndarray, y: np.ndarray) -> None:
        """Add the rows of arrays, block by block."""
        random = self._recipe.random(self._parts)
        self._parts += 1
        for start in range(0, len(X), self.block_rows):
            rows = slice(start, start + self.block_rows)
            points, columns = self.encoder_.transform(X[rows]), self._recipe.coding.encode(y[rows])
            number = start // self.block_rows
            self._harvest.add(self._recipe, points, columns, random.random(len(points)), number=number)
            (self.progress or silent)(start + len(points), len(X), "rows")

    def _finish(self) -> None:
        """The model of all rows seen so far."""
        machine = fit_machine(
            self._harvest, self._recipe, ridge=self.ridge, match=self._match(), memory_limit=self.memory_limit
        )
        self._publish(machine, replace(self._recipe.coding, mean=machine.mean))

    def _publish(self, machine: Machine, coding: Coding) -> None:
        self.machine_, self.coding_ = machine, coding
        self.maps_, self.ridge_, self.rows_ = machine.maps, machine.ridge, machine.rows
        self.kare_, self.leave_one_out_ = machine.kare, machine.leave_one_out
        self.predicted_risk_ = machine.predicted_risk
        self.predicted_risk_standard_error_ = machine.standard_error

    def _match(self) -> str | None:
        """Whether a given ridge is the kernel machine's: by default for averages, which it suits, and only there."""
        unbiased = all(is_unbiased(one) for one in self._recipe.maps)
        if self.match == "kernel" and not unbiased:
            raise BadInput(
                "match='kernel' corrects the ridge of features whose mean is the kernel (Fourier, ReLU, Gaussian); "
                "Nystrom features need no correction: leave match out"
            )
        if self.match == "auto":
            return (
                "kernel" if unbiased and self.ensemble >= LEAST_AVERAGED and not isinstance(self.ridge, str) else None
            )
        return self.match

    def _sampled(self) -> int:
        """Rows to learn encodings from: at least one a landmark."""
        return max(SAMPLE_ROWS, int(self.features))

    def _check_settings(self) -> None:
        for name in ("features", "ensemble", "block_rows"):
            positive_integer(getattr(self, name), name)
        if self.kept_rows != 0:
            positive_integer(self.kept_rows, "kept_rows")
        if self.match not in (None, "auto", "kernel"):
            raise BadInput(f"match must be None, 'auto' or 'kernel', got {self.match!r}")

    def _fit(self, X: np.ndarray, y: np.ndarray, coding: Coding) -> None:
        self._check_settings()
        encoder = NumberColumns.learned(_frame(X), standardise=self.standardise)
        chosen = np.random.default_rng(self.random_state).permutation(len(X))[: self._sampled()]
        self._start(encoder, encoder.transform(X[np.sort(chosen)]), coding)
        self._add(X, y)
        self._finish()

    def _fit_part(self, X: np.ndarray, y: np.ndarray, coding: Coding | None) -> None:
        if coding is not None:
            encoder = NumberColumns.learned(_frame(X), standardise=self.standardise)
            self._start(encoder, encoder.transform(X), coding)
        self._add(X, y)
        if self._harvest.rows >= 2:
            self._finish()

    def fit_stream(self, source: Any, target: str = "target", *, scheduler: str | None = None) -> Self:
        """Fit on a table of any length in one pass over its rows.

        Args: source, a path, a glob such as "parts/*.parquet", a list of them (Parquet, CSV, TSV, .npz) or whatever
            `open_rows` takes; target, the column to predict, all others are inputs and must hold numbers; scheduler,
            None for this process, "local" for a dask cluster on this machine, or the address of one, "tcp://...".
        Standardisation, lengthscale, landmarks and classes are learned from a sample of at most 16384 rows, the first
        of up to 16 parts of the table; which rows they were stands in `sample_rows_`.
        Raises: BadInput and NotFinite naming file, block and row; TooLarge.
        Cost: n P^2 operations; memory P^2 numbers and a block of features for each model.
        """
        self._check_settings()
        rows = open_rows(source)
        if target not in rows.columns:
            from theodolite.datasets.column_names import shortened

            raise BadInput(
                f"{rows.name} has no column {target!r} to predict; its columns are {shortened(rows.columns)}"
            )
        frame, self.sample_rows_ = rows.sample(self._sampled())
        frame = pd.DataFrame(frame[frame[target].notna()])
        inputs = pd.DataFrame(frame.drop(columns=target))
        encoder = NumberColumns.learned(inputs, standardise=self.standardise)
        points = encoder.transform(inputs)
        coding = self._coding(self._targets(pd.Series(frame[target]), target))
        self._start(encoder, points[np.isfinite(points).all(axis=1)], coding, target=target)
        self.n_features_in_ = inputs.shape[1]
        self.feature_names_in_ = np.array(encoder.columns, dtype=object)
        if scheduler is None:
            self._harvest = gather(rows, self._recipe, progress=self.progress or silent)
        else:
            from theodolite.random_features.cluster import gather_on

            self._harvest = gather_on(scheduler, rows, self._recipe, progress=self.progress or silent)
        self._parts = len(rows.partitions)
        self._finish()
        return self

    def _columns_at(self, Z: Any) -> np.ndarray:
        check_is_fitted(self)
        Z = validate_data(self, Z, reset=False, dtype=np.float64)
        return self.machine_.columns(self.encoder_.transform(Z))

    def predict(self, Z: Any) -> np.ndarray:
        """Predictions at new points Z (m, d)."""
        columns = self._columns_at(Z)
        return self.coding_.decode(columns)

    def save(self, folder: str | Path) -> Path:
        """Write the model to a folder: model.json and a safetensors file, no pickle. Returns the folder."""
        check_is_fitted(self)
        from theodolite.random_features.saving import save

        return save(self, folder)

    @classmethod
    def load(cls, folder: str | Path) -> Self:
        """Read a model that `save` wrote. It predicts; for more rows, fit again."""
        from theodolite.random_features.saving import load

        return load(folder, cls)


class RandomFeatureRidge(RegressorMixin, _RandomFeatureRidge):
    """Ridge regression on random features: a kernel machine whose cost grows with n, not n^2, and that reads streams.

        theta = argmin mean (F(x_i) theta - y_i)^2 + ridge |theta|^2,   F F' ~ K, targets centred by their mean

    Args: kernel, by default RBF at the median squared distance of a sample; features P; family, "nystrom" (default,
        the most accurate at equal P), "fourier", "relu", or a Family of this room, which knows its own kernel; ridge,
        "auto" (the lowest larger of KARE and leave-one-out, the latter exact on `kept_rows` random rows), "kare"
        (KARE alone), or a number > 0 (scikit-learn's alpha is n * ridge); ensemble, independent models that are
        averaged; match, "kernel" when a numeric ridge is that of the kernel machine which the average is to equal,
        None when it is meant as it stands, "auto" for "kernel" from 8 models on: a matched ridge is right for an
        average and wrong for a single model; Nystrom features need none; standardise the columns or not; block_rows
        and memory_limit bound the memory; random_state.
    Attributes: ridge_, kare_, leave_one_out_, predicted_risk_ with predicted_risk_standard_error_, maps_, machine_,
        rows_, encoder_. Sample weights are not supported: KARE is for rows of equal weight.
    Source: Jacot et al. (2020), arXiv:2002.08404 (effective ridge) and arXiv:2006.09796 (KARE).
    Cost: n P^2 operations and 9 P^3 more for each model; memory P^2 numbers and a block of rows.

    >>> x = np.linspace(0, 3, 60)[:, None]
    >>> model = RandomFeatureRidge(features=20).fit(x, np.sin(2 * x[:, 0]))
    >>> bool(abs(model.predict([[1.0]])[0] - np.sin(2.0)) < 1e-2)
    True
    """

    def fit(self, X: Any, y: Any) -> Self:
        X, y = validate_data(self, X, y, dtype=np.float64, multi_output=True, y_numeric=True, ensure_min_samples=2)
        self._fit(X, y, self._coding(y))
        return self

    def partial_fit(self, X: Any, y: Any) -> Self:
        """Add rows. Scaling, lengthscale and landmarks are those of the first call: make its block a fair one."""
        first = not hasattr(self, "_harvest")
        X, y = validate_data(self, X, y, dtype=np.float64, multi_output=True, y_numeric=True, reset=first)
        self._fit_part(X, y, self._coding(y) if first else None)
        return self

    def _coding(self, targets: np.ndarray) -> Coding:
        return Quantities.of(targets)[0]

    def _targets(self, column: pd.Series, name: str) -> np.ndarray:
        return target_numbers(column, name)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags


class RandomFeatureRidgeClassifier(ClassifierMixin, _RandomFeatureRidge):
    """Classification by ridge regression on random features and coded classes; the sign or the largest column decides.

    Args, attributes and cost as RandomFeatureRidge; `classes_`.

    >>> x = np.linspace(0, 3, 60)[:, None]
    >>> RandomFeatureRidgeClassifier(features=20).fit(x, x[:, 0] > 1.0).predict([[0.2], [2.8]])
    array([False,  True])
    """

    def fit(self, X: Any, y: Any) -> Self:
        X, y = validate_data(self, X, y, dtype=np.float64, ensure_min_samples=2)
        check_classification_targets(y)
        y = column_or_1d(y, warn=True)
        self._fit(X, y, self._coding(y))
        return self

    def partial_fit(self, X: Any, y: Any, classes: Any = None) -> Self:
        """Add rows; the first call names all classes, unless its own rows show them all."""
        first = not hasattr(self, "_harvest")
        X, y = validate_data(self, X, y, dtype=np.float64, reset=first)
        check_classification_targets(y)
        y = column_or_1d(y, warn=True)
        coding = self._coding(y if classes is None else np.asarray(classes)) if first else None
        self._fit_part(X, y, coding)
        return self

    def _coding(self, targets: np.ndarray) -> Coding:
        coding = Classes.of(targets)[0]
        self.classes_ = coding.classes
        return coding

    def _targets(self, column: pd.Series, name: str) -> np.ndarray:
        return class_labels(column)

    def decision_function(self, Z: Any) -> np.ndarray:
        """Columns before the decision: (m,) for two classes, (m, classes) for more."""
        values = self._columns_at(Z) + self.coding_.mean
        return values[:, 0] if len(self.classes_) == 2 else values


def _frame(X: np.ndarray) -> pd.DataFrame:
    return pd.DataFrame(X, columns=[f"x{i}" for i in range(X.shape[1])], copy=False)
