"""The everyday job: candidates, a risk table, a chosen and fitted model, a forecast, all from the training data."""

from theodolite.survey.candidates import FAMILIES, read_candidates
from theodolite.survey.columns import ColumnEncoder
from theodolite.survey.estimator import KernelSurvey, KernelSurveyClassifier, load
from theodolite.survey.holdout import with_holdout
from theodolite.survey.record import CandidateRecord, SurveyRecord
from theodolite.survey.saving import save
from theodolite.survey.streaming import survey

__all__ = [
    "FAMILIES",
    "CandidateRecord",
    "ColumnEncoder",
    "KernelSurvey",
    "KernelSurveyClassifier",
    "SurveyRecord",
    "load",
    "read_candidates",
    "save",
    "survey",
    "with_holdout",
]
