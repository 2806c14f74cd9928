"""Data sets that need no file and no network: scikit-learn's own, and generated ones."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from theodolite.datasets.raw_table import Reading

FRIEDMAN_ROWS = 1000
CALIFORNIA_ROWS = 2000


@dataclass(frozen=True)
class Embedded:
    """A data set by name: its size and task are known without making it."""

    name: str
    rows: int
    columns: int
    task: str
    make: Callable[[], Reading]


def _bundled(loader: str, target: str, origin: str) -> Callable[[], Reading]:
    def make() -> Reading:
        import sklearn.datasets

        bunch = getattr(sklearn.datasets, loader)()
        frame = pd.DataFrame(np.asarray(bunch.data), columns=[str(name) for name in bunch.feature_names])
        classes = getattr(bunch, "target_names", None)
        values = np.asarray(bunch.target)
        frame[target] = values if classes is None else np.asarray(classes).astype(str)[values].astype(object)
        task = "regression" if classes is None else "classification"
        return Reading(frame, (), target, task, f"{origin}; shipped with scikit-learn")

    return make


def _friedman1() -> Reading:
    from theodolite.datasets.synthetic import friedman1

    inputs, targets = friedman1(FRIEDMAN_ROWS, 1.0, np.random.default_rng(0))
    frame = pd.DataFrame(inputs, columns=[f"x{i}" for i in range(1, inputs.shape[1] + 1)])
    return Reading(frame.assign(y=targets), (), "y", "regression", "Friedman (1991), generated: noise 1, seed 0")


def _california_like() -> Reading:
    from theodolite.datasets.synthetic import CALIFORNIA_COLUMNS, california_like

    inputs, targets = california_like(CALIFORNIA_ROWS, np.random.default_rng(0))
    frame = pd.DataFrame(inputs, columns=list(CALIFORNIA_COLUMNS))
    return Reading(
        frame.assign(price=targets), (), "price", "regression", "generated in the manner of a census: seed 0"
    )


EMBEDDED = {
    entry.name: entry
    for entry in (
        Embedded("breast_cancer", 569, 30, "classification", _bundled("load_breast_cancer", "diagnosis", "UCI WDBC")),
        Embedded("california_like", CALIFORNIA_ROWS, 7, "regression", _california_like),
        Embedded("diabetes", 442, 10, "regression", _bundled("load_diabetes", "progression", "Efron et al. (2004)")),
        Embedded(
            "digits", 1797, 64, "classification", _bundled("load_digits", "digit", "UCI Optical Digits, test part")
        ),
        Embedded("friedman1", FRIEDMAN_ROWS, 10, "regression", _friedman1),
        Embedded("iris", 150, 4, "classification", _bundled("load_iris", "species", "Fisher (1936)")),
        Embedded("wine", 178, 13, "classification", _bundled("load_wine", "cultivar", "UCI Wine")),
    )
}
