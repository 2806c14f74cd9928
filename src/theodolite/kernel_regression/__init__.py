"""Kernel ridge regression that knows its own risk: from a Gram matrix and targets, never from a test set."""

from theodolite.kernel_regression.estimators import KernelRidgeClassifier, KernelRidgeRegressor, factorise
from theodolite.kernel_regression.kare import kare, kare_gradient
from theodolite.kernel_regression.learning_curve import LearningCurve, ThresholdTable, learning_curve, threshold_table
from theodolite.kernel_regression.leave_one_out import leave_one_group_out, leave_one_out
from theodolite.kernel_regression.marginal_likelihood import log_marginal_likelihood
from theodolite.kernel_regression.ridge_path import RidgePath
from theodolite.kernel_regression.ridge_search import RidgeSearch
from theodolite.kernel_regression.signal_capture import (
    exact_signal_capture_threshold,
    expected_risk,
    signal_capture_threshold,
    threshold_slope,
)
from theodolite.kernel_regression.trust import Trust, copies, trust

__all__ = [
    "KernelRidgeClassifier",
    "KernelRidgeRegressor",
    "LearningCurve",
    "RidgePath",
    "RidgeSearch",
    "ThresholdTable",
    "Trust",
    "copies",
    "exact_signal_capture_threshold",
    "expected_risk",
    "factorise",
    "kare",
    "kare_gradient",
    "learning_curve",
    "leave_one_group_out",
    "leave_one_out",
    "log_marginal_likelihood",
    "signal_capture_threshold",
    "threshold_slope",
    "threshold_table",
    "trust",
]
