"""What a survey leaves behind: plain numbers and words, ready for JSON, tables and pages."""

import dataclasses
from dataclasses import dataclass, field
from typing import Any, Self

import pandas as pd


@dataclass(frozen=True)
class CandidateRecord:
    """One kernel measured on the training data.

    Risks are mean squared errors on new data in squared units of the target, summed over one-hot columns for
    classes. `predicted_risk` is the larger of `kare` and `leave_one_out`, or `leave_one_group_out` with groups.
    """

    name: str
    kernel: dict[str, Any]
    ridge: float
    kare: float
    leave_one_out: float
    predicted_risk: float
    standard_error: float
    verdict: str  # "trusted" | "doubtful" | "do not trust"
    reasons: tuple[str, ...]
    effective_dimension: float
    log_marginal_likelihood: float
    training_error: float
    rows: int
    seconds: float
    leave_one_group_out: float | None = None
    curve: dict[str, list[float]] | None = None  # "ridges", "kare", "leave_one_out", equal lengths
    measured_risk: float | None = None  # on a holdout, when there is one


@dataclass(frozen=True)
class SurveyRecord:
    """A whole survey: the data, every candidate, the choice, the forecasts, and how to run it again."""

    data: dict[str, Any]  # name, rows, columns, task, target, classes (None for regression), target_variance
    notes: tuple[str, ...]  # every treatment of the data, in words
    candidates: tuple[CandidateRecord, ...]  # best first
    chosen: CandidateRecord  # after refinement of the lengthscale, on all the rows used for fitting
    learning_curve: dict[str, Any]  # sizes, risk, low, high (equal lengths), rows (trained on)
    signal_capture: dict[str, Any]  # eigenvalues, captured (0..1), energy (share of target variance), threshold
    settings: dict[str, Any]
    versions: dict[str, str]
    seconds: float
    command: str = ""
    holdout: dict[str, Any] | None = None  # rows, risk, score, score_name, standard_error
    extra: dict[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """The record as nested dictionaries and lists."""
        return dataclasses.asdict(self)

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> Self:
        """The inverse of `to_json`."""
        candidates = tuple(candidate_from_json(entry) for entry in document["candidates"])
        rest = {key: value for key, value in document.items() if key not in ("candidates", "chosen", "notes")}
        return cls(
            candidates=candidates,
            chosen=candidate_from_json(document["chosen"]),
            notes=tuple(document["notes"]),
            **rest,
        )


def candidate_from_json(entry: dict[str, Any]) -> CandidateRecord:
    """A candidate as `dataclasses.asdict` wrote it."""
    return CandidateRecord(**{**entry, "reasons": tuple(entry["reasons"])})


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
