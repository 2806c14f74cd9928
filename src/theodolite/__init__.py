"""Theodolite surveys how models learn: risk predicted from training data, before any test is made.

What to type first: a survey of a table; a kernel of an infinitely wide network; whether its depth helps; what a Gram
matrix says of the risk; the tangent kernel of any f(params, X).

>>> import numpy as np
>>> import theodolite as td
>>> rng = np.random.default_rng(0)
>>> X = rng.uniform(-1, 1, (120, 2))
>>> y = np.sin(3 * X[:, 0]) + 0.1 * rng.standard_normal(120)
>>> model = td.KernelSurvey(["rbf"]).fit(X, y)  # candidates are compared, one is fitted
>>> model.predicted_risk_ < 0.1, model.trust_.verdict, model.predict(X[:2]).shape
(True, 'trusted', (2,))
>>> net = td.architectures.parse("relu*3 bias=0.1")
>>> gram = td.infinite_width.ntk(net)(X)  # also nngp, limit, layerwise
>>> td.infinite_width.phase(net).verdict
'order'
>>> bool(td.kernel_regression.kare(gram, y, ridge=1e-3) < 0.1)
True
>>> td.finite_width.tangent_kernel(lambda params, X: X @ params, np.ones((2, 1), np.float32), X).shape
(120, 120)

On the command line: `theodolite survey table.csv --target price`, and `theodolite --help`.

Sub-packages load when first touched, so importing this package costs nothing and changes no setting.
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
