"""Surveys of tables that outgrow memory: a sample decides, all rows teach."""

import time
from dataclasses import replace
from typing import Any, TypeVar

import numpy as np
import pandas as pd

from theodolite.datasets.column_names import shortened
from theodolite.datasets.loading import TARGET_NAMES
from theodolite.datasets.targets import decided_task
from theodolite.kernel_regression.target_coding import Coding
from theodolite.numerics.errors import BadInput
from theodolite.numerics.progress import silent
from theodolite.random_features.cluster import gather_on, needs_dask
from theodolite.random_features.estimators import SAMPLE_ROWS
from theodolite.random_features.harvest import Harvest, Recipe, class_labels, gather, target_numbers
from theodolite.random_features.opening import open_rows
from theodolite.random_features.row_blocks import RowSource
from theodolite.random_features.set_aside import rows_set_aside, set_aside
from theodolite.survey.columns import ColumnEncoder
from theodolite.survey.estimator import KernelSurvey, KernelSurveyClassifier
from theodolite.survey.holdout import measured_on
from theodolite.survey.measuring import Sample
from theodolite.survey.routing import MOST_EXACT_ROWS, Route, route_in_blocks
from theodolite.survey.surveyor import Surveyor

Kind = TypeVar("Kind", bound=Surveyor)


def survey(
    source: Any,
    target: str | None = None,
    *,
    task: str = "auto",
    scheduler: str | None = None,
    holdout: float | None = None,
    **settings: Any,
) -> KernelSurvey | KernelSurveyClassifier:
    """Survey a table of any length in one pass over its rows, here or on a cluster.

    Args: source, a path, a glob such as "parts/*.parquet", a folder, or a list of them (Parquet, or CSV and TSV);
        target, the column to predict (default: the only one called target, y, label or class); task, "auto" (decided
        from the sample), "regression" or "classification"; scheduler, None for this process, "local" for
        one process a core, or the address of a dask scheduler ("tcp://host:8786") whose workers can read the files;
        holdout, a share of rows to hold out and measure the risk on;
        settings, those of `KernelSurvey`.
    Returns: a fitted survey, whose `record_` says what was decided on which rows.
    Raises: BadInput, NotFinite, TooLarge.
    Cost: the race of the candidates on 2000 rows, then n P^2 operations, P = 2048 features unless `features` says
        otherwise; memory P^2 numbers and a block of rows in each process.

    >>> import tempfile
    >>> from pathlib import Path
    >>> path = Path(tempfile.mkdtemp()) / "waves.parquet"
    >>> x = np.linspace(0, 6, 120)
    >>> pd.DataFrame({"x": x, "y": np.sin(x)}).to_parquet(path)
    >>> survey(path, "y", candidates=["rbf"], features=30).predicted_risk_ < 1e-2
    True
    """
    rows = open_rows(source)
    target = chosen_target(rows, target)
    kind = KernelSurvey if decided(rows, target, task) == "regression" else KernelSurveyClassifier
    return kind(**settings).fit_stream(rows, target, scheduler=scheduler, holdout=holdout)


def decided(rows: RowSource, target: str, task: str) -> str:
    """The task as asked, or decided from the targets of a sample."""
    if task != "auto":
        return decided_task(pd.Series(dtype=float), task)[0]
    column = pd.Series(pd.Series(rows.sample(SAMPLE_ROWS)[0][target]).dropna())
    if not len(column):
        raise BadInput(f"the target {target!r} is missing in all sampled rows of {rows.name}; choose another target")
    return decided_task(column, "auto")[0]


def chosen_target(rows: RowSource, target: str | None) -> str:
    """The named column, or the only one with a usual name."""
    if target is not None and target in rows.columns:
        return target
    if target is not None:
        raise BadInput(
            f"{rows.name} has no column {target!r} to use as target; its columns are {shortened(rows.columns)}"
        )
    usual = [column for column in rows.columns if column.strip().lower() in TARGET_NAMES]
    if len(usual) == 1:
        return usual[0]
    found = "more than one column may be the target" if usual else "no column says that it is the target"
    raise BadInput(
        f"{rows.name}: {found}; name the column to predict with target=NAME (--target NAME); its columns are "
        f"{shortened(rows.columns)}"
    )


def fit_stream(model: Kind, source: Any, target: str | None, scheduler: str | None, holdout: float | None) -> Kind:
    """What `Surveyor.fit_stream` does."""
    started = time.perf_counter()
    model._check_settings()
    if scheduler is not None:
        needs_dask()
    rows = open_rows(source)
    if holdout is not None:
        rows = set_aside(rows, holdout, model.random_state)
    target = chosen_target(rows, target)
    _refuse(model, rows)
    frame, which = rows.sample(max(SAMPLE_ROWS, model.features or 0))
    frame = pd.DataFrame(frame[frame[target].notna()])
    if len(frame) < 2:
        raise BadInput(f"the target {target!r} is missing in all but {len(frame)} of the sampled rows of {rows.name}")
    inputs = pd.DataFrame(frame.drop(columns=target))
    encoder = ColumnEncoder()
    points = encoder.fit_transform(inputs)
    coding, columns = model._code(_targets(model, pd.Series(frame[target]), target))
    model.encoder_, model.coding_ = encoder, coding
    model.n_features_in_ = inputs.shape[1]
    model.feature_names_in_ = np.array(inputs.columns, dtype=object)
    notes = [*encoder.notes, f"columns, lengthscales and landmarks were learned from {which}"]
    route = _route(model, rows, len(frame), which, scheduler)
    passed: list[Harvest] = []

    def all_rows(recipe: Recipe) -> Harvest:
        progress = model.progress or silent
        passed.append(
            gather(rows, recipe, progress=progress)
            if scheduler is None
            else gather_on(scheduler, rows, recipe, progress=progress)
        )
        return passed[-1]

    sample = Sample(points, columns, None, model.memory_limit)
    if scheduler is not None:
        notes.append(f"all rows were read by the workers of {scheduler!r}")
    model._survey(sample, route, notes, rows.rows if holdout is None else None, target, all_rows, started)
    if holdout is not None:
        _measure(model, rows, target, coding, passed[-1] if passed else None)
    return model


def _measure(model: Surveyor, rows: RowSource, target: str, coding: Coding, passed: Harvest | None) -> None:
    """The risk on the rows that were set aside: those that the pass kept, or all of them when there was no pass."""
    if passed is not None:
        points, truth, count = passed.held.points, passed.held.targets + coding.mean, passed.held_rows
    else:
        frame = rows_set_aside(rows)
        frame = pd.DataFrame(frame[frame[target].notna()])
        count = len(frame)
        points = model.encoder_.transform(frame.drop(columns=target)) if count else np.empty((0, 1))
        truth = coding.encode(_targets(model, pd.Series(frame[target]), target)) + coding.mean if count else points
    if not count:
        raise BadInput(
            f"no row of {rows.name} fell among those to hold out; hold out a larger share, or measure on another table "
            "with with_holdout (--test FILE)"
        )
    measured_on(model, points, truth - model.coding_.mean, progress=model.progress or silent, set_aside=count)
    measured = "" if len(points) == count else f"; the risk was measured on {len(points)} of them, drawn at random"
    note = f"{count} rows, drawn by their place with seed {model.random_state}, were held out of everything{measured}"
    model.record_ = replace(model.record_, notes=(*model.record_.notes, note))


def _targets(model: Surveyor, column: pd.Series, name: str) -> np.ndarray:
    return class_labels(column) if isinstance(model, KernelSurveyClassifier) else target_numbers(column, name)


def _route(model: Surveyor, rows: RowSource, sampled: int, which: str, scheduler: str | None) -> Route:
    """Exact where the sample is the whole and small; else features, whose number of rows the pass will tell."""
    whole = which.startswith("all ")
    if whole and scheduler is None and model.route in ("auto", "exact") and sampled <= MOST_EXACT_ROWS:
        return model._route(sampled)
    if model.route == "exact":
        raise BadInput(
            f"route='exact' needs all rows in memory, and {rows.name} is read as a stream; load it and call fit(X, y), "
            "or leave route out"
        )
    return route_in_blocks(
        sampled if whole else rows.rows,
        sampled,
        asked=model.route,
        features=model.features,
        memory_limit=model.memory_limit,
    )


def _refuse(model: Surveyor, rows: RowSource) -> None:
    if model.max_rows is not None:
        raise BadInput(f"max_rows does not go with a stream: {rows.name} is read whole, in blocks; leave max_rows out")
