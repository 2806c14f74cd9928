"""Predicted risk against the risk measured on rows that were kept apart."""

import dataclasses
from typing import Any

import numpy as np

from theodolite.kernel_regression.prediction import predict
from theodolite.kernel_regression.target_coding import Classes
from theodolite.numerics.errors import BadInput
from theodolite.numerics.progress import Progress, silent
from theodolite.survey import surveyor
from theodolite.survey.candidates import Candidate
from theodolite.survey.measuring import Sample, dual_coefficients
from theodolite.survey.record import CandidateRecord, results_table
from theodolite.survey.surveyor import Surveyor
from theodolite.survey.threads import side_by_side

MEASURED_ROWS = 2000  # of the holdout, for candidates that were not chosen


def with_holdout(model: Surveyor, Z: Any, targets: Any, *, progress: Progress = silent) -> Surveyor:
    """Measure the risk of a just fitted survey, and of every candidate, on a holdout; the record is replaced.

    Args: Z, a table with the training columns; targets (m,), numbers or known classes.
    Returns: the model; `record_.holdout` has rows, risk, standard_error, score and score_name (R2 or accuracy), and
        each candidate its measured_risk (on at most 2000 rows of the holdout).
    Raises: BadInput. Cost: one Cholesky factor and the predictions of each candidate.

    >>> from theodolite.survey import KernelSurvey
    >>> x = np.linspace(0, 3, 60)[:, None]
    >>> model = KernelSurvey(["rbf"]).fit(x[::2], np.sin(x[::2, 0]))
    >>> with_holdout(model, x[1::2], np.sin(x[1::2, 0])).record_.holdout["rows"]
    30
    """
    if not hasattr(model, "candidates_"):
        raise BadInput("a holdout is measured right after fitting; a loaded model has not kept its candidates")
    targets = np.asarray(targets)
    if len(targets) != len(Z) or not len(targets):
        raise BadInput(
            f"the holdout has {len(Z)} rows and {len(targets)} targets; expected the same number, at least 1"
        )
    return measured_on(model, model.encoder_.transform(Z), model.coding_.encode(targets), progress=progress)


def measured_on(
    model: Surveyor, points: np.ndarray, truth: np.ndarray, *, progress: Progress = silent, **told: Any
) -> Surveyor:
    """`with_holdout` on encoded points (m, d) and coded targets (m, k); `told` joins what the record says of them."""
    columns = model._machine_at(points)
    errors = np.sum((columns - truth) ** 2, axis=1)
    if isinstance(model.coding_, Classes):
        right = model.coding_.decode(columns) == model.coding_.decode(truth)
        score_name, score = "accuracy", float(np.mean(right))
    else:
        score_name, score = "R2", float(1.0 - errors.sum() / np.sum((truth - truth.mean(axis=0)) ** 2))

    record = model.record_
    whole = model._rows
    screening = whole.at_most(surveyor.SCREENING_ROWS, model.random_state)
    held = Sample(points, truth).at_most(MEASURED_ROWS, model.random_state)
    measured = []

    def risk(entry: CandidateRecord) -> float:
        fitted = model._featured.get(entry.name)
        if fitted is not None:
            columns = fitted.columns(held.points) + (fitted.mean - model.coding_.mean)
            return float(np.mean(np.sum((columns - held.columns) ** 2, axis=1)))
        sample = screening if entry.rows == screening.size else whole
        return _measured_risk(model.candidates_[entry.name], sample, entry.ridge, held)

    with side_by_side(screening) as (pool, _):
        for entry, value in zip(record.candidates, pool.map(risk, record.candidates), strict=True):
            measured.append(dataclasses.replace(entry, measured_risk=value))
            progress(len(measured), len(record.candidates), f"holdout: {entry.name}")
    model.record_ = dataclasses.replace(
        record,
        candidates=tuple(measured),
        chosen=dataclasses.replace(record.chosen, measured_risk=float(errors.mean())),
        holdout={
            "rows": len(points),
            "risk": float(errors.mean()),
            "standard_error": float(errors.std() / np.sqrt(len(errors))),
            "score": score,
            "score_name": score_name,
            **told,
        },
    )
    model.results_ = results_table(model.record_)
    return model


def _measured_risk(candidate: Candidate, sample: Sample, ridge: float, held: Sample) -> float:
    """Mean squared error on held-out rows of a candidate fitted on a sample."""
    dual = dual_coefficients(candidate, sample, ridge)
    errors = predict(candidate.kernel, held.points, sample.points, dual) - held.columns
    return float(np.mean(np.sum(errors**2, axis=1)))
