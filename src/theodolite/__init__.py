"""Theodolite surveys how models learn: risk predicted from training data, before any test is made.

Sub-packages load when first touched, so importing this package costs nothing and changes no setting.

>>> import theodolite as td
>>> gram = td.kernels.gram(td.kernels.RBF(2.0), [[0.0], [1.0], [2.0]])
>>> gram.shape
(3, 3)
"""

import importlib
from typing import TYPE_CHECKING, Any

from theodolite._version import __version__

if TYPE_CHECKING:
    from theodolite import (
        architectures,
        curvature,
        datasets,
        experiments,
        finite_width,
        infinite_width,
        kernel_regression,
        kernels,
        landscape,
        language_arrow,
        numerics,
        papers,
        random_features,
        reporting,
        survey,
        training_dynamics,
    )
    from theodolite.survey import KernelSurvey, KernelSurveyClassifier

_ROOMS = (
    "architectures",
    "curvature",
    "datasets",
    "experiments",
    "finite_width",
    "infinite_width",
    "kernel_regression",
    "kernels",
    "landscape",
    "language_arrow",
    "numerics",
    "papers",
    "random_features",
    "reporting",
    "survey",
    "training_dynamics",
)
_SHORTCUTS = {"KernelSurvey": "survey", "KernelSurveyClassifier": "survey"}

__all__ = [
    "KernelSurvey",
    "KernelSurveyClassifier",
    "__version__",
    "architectures",
    "curvature",
    "datasets",
    "experiments",
    "finite_width",
    "infinite_width",
    "kernel_regression",
    "kernels",
    "landscape",
    "language_arrow",
    "numerics",
    "papers",
    "random_features",
    "reporting",
    "survey",
    "training_dynamics",
]


def __getattr__(name: str) -> Any:
    if name in _ROOMS:
        return importlib.import_module(f"theodolite.{name}")
    if name in _SHORTCUTS:
        return getattr(importlib.import_module(f"theodolite.{_SHORTCUTS[name]}"), name)
    raise AttributeError(f"module 'theodolite' has no attribute {name!r}; it has {', '.join(__all__)}")


def __dir__() -> list[str]:
    return sorted(__all__)
