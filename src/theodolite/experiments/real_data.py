"""Real data for the cases: embedded sets always, MNIST and Higgs when a data folder holds them."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from theodolite.datasets.synthetic import california_like, friedman1
from theodolite.experiments.key import Key
from theodolite.numerics.errors import BadInput

MNIST, HIGGS = "images/mnist.npz", "tabular/higgs_small.npz"


@dataclass(frozen=True)
class Table:
    """Inputs (n, d) and targets (n,); labels are +1 and -1. Images keep their unit, other tables are standardised."""

    name: str
    inputs: np.ndarray
    targets: np.ndarray
    words: str
    images: bool = False
    labels: bool = False


class Split(NamedTuple):
    """Training and test rows; inputs and targets are shifted and scaled by what the training rows say."""

    inputs: np.ndarray
    targets: np.ndarray
    test_inputs: np.ndarray
    test_targets: np.ndarray


def split(table: Table, rows: int, test_rows: int, rng: np.random.Generator) -> Split:
    """Draw `rows` training and at most `test_rows` other rows.

    Tables: every input column standardised on the training rows (columns constant there dropped). Targets: centred by
    the training mean, and scaled by the training deviation unless they are labels.
    """
    if not 2 <= rows < len(table.inputs):
        raise BadInput(f"{table.name} has {len(table.inputs)} rows; cannot train on {rows} and test on others")
    order = rng.permutation(len(table.inputs))
    train, test = order[:rows], order[rows : rows + test_rows]
    x, z = table.inputs[train], table.inputs[test]
    y, w = table.targets[train], table.targets[test]
    if not table.images:
        deviation = x.std(0)
        kept = deviation > 0
        x, z = ((part[:, kept] - x[:, kept].mean(0)) / deviation[kept] for part in (x, z))
    scale = 1.0 if table.labels else y.std()
    return Split(x, (y - y.mean()) / scale, z, (w - y.mean()) / scale)


def load(name: str, key: Key, folder: Path | None = None) -> Table:
    """The named set; `key` for the generated ones, `folder` for MNIST and Higgs. Raises: BadInput."""
    if name not in _MAKERS:
        raise BadInput(f"no data set of the cases is called {name!r}; known: {', '.join(_MAKERS)}")
    return _MAKERS[name](key.split("data", name), folder)


def in_folder(folder: Path | None) -> tuple[str, ...]:
    """Which of "MNIST 7/9" and "Higgs" the data folder holds."""
    files = {"MNIST 7/9": MNIST, "Higgs": HIGGS}
    return tuple(name for name, file in files.items() if folder is not None and (folder / file).is_file())


def _digits_79(key: Key, folder: Path | None) -> Table:
    images, labels = _digits()
    chosen = (labels == 7) | (labels == 9)
    words = "embedded digits (8 x 8 pixels, from scikit-learn), 7 against 9"
    return Table("digits 7/9", images[chosen], _signs(labels[chosen] == 7), words, images=True, labels=True)


def _digits_parity(key: Key, folder: Path | None) -> Table:
    images, labels = _digits()
    words = "embedded digits (8 x 8 pixels, from scikit-learn), even against odd"
    return Table("digits parity", images, _signs(labels % 2 == 0), words, images=True, labels=True)


def _breast_cancer(key: Key, folder: Path | None) -> Table:
    from sklearn.datasets import load_breast_cancer

    x, y = _arrays(load_breast_cancer(return_X_y=True))
    return Table("breast cancer", x, _signs(y == 1), "embedded breast cancer (from scikit-learn)", labels=True)


def _diabetes(key: Key, folder: Path | None) -> Table:
    from sklearn.datasets import load_diabetes

    x, y = _arrays(load_diabetes(return_X_y=True))
    return Table("diabetes", x, y, "embedded diabetes (from scikit-learn)")


def _friedman(key: Key, folder: Path | None) -> Table:
    x, y = friedman1(3000, 1.0, key.rng())
    return Table("Friedman 1", x, y, "Friedman's first problem (generated, 10 inputs, noise 1)")


def _california_like(key: Key, folder: Path | None) -> Table:
    x, y = california_like(4000, key.rng())
    return Table("California-like", x, y, "a generated table with the habits of California housing")


def _mnist_79(key: Key, folder: Path | None) -> Table:
    images, labels = _read(folder, MNIST)
    chosen = (labels == 7) | (labels == 9)
    pixels = images[chosen].reshape(int(chosen.sum()), -1) / 255.0
    words = "MNIST (28 x 28 pixels), 7 against 9"
    return Table("MNIST 7/9", pixels, _signs(labels[chosen] == 7), words, images=True, labels=True)


def _higgs(key: Key, folder: Path | None) -> Table:
    x, y = _read(folder, HIGGS)
    return Table("Higgs", x.astype(np.float64), _signs(y == 1), "Higgs (28 features), signal or not", labels=True)


def _digits() -> tuple[np.ndarray, np.ndarray]:
    from sklearn.datasets import load_digits

    images, labels = _arrays(load_digits(return_X_y=True))
    return images / 16.0, labels


def _arrays(pair: Any) -> tuple[np.ndarray, np.ndarray]:
    inputs, targets = pair
    return np.asarray(inputs), np.asarray(targets)


def _read(folder: Path | None, file: str) -> tuple[np.ndarray, np.ndarray]:
    if folder is None:
        raise BadInput(f"{file} is needed from a data folder, and none was given; set THEODOLITE_DATA")
    with np.load(folder / file, allow_pickle=False) as archive:
        return archive["X"], archive["y"]


def _signs(positive: np.ndarray) -> np.ndarray:
    return np.where(positive, 1.0, -1.0)


_MAKERS: dict[str, Callable[[Key, Path | None], Table]] = {
    "digits 7/9": _digits_79,
    "digits parity": _digits_parity,
    "breast cancer": _breast_cancer,
    "diabetes": _diabetes,
    "Friedman 1": _friedman,
    "California-like": _california_like,
    "MNIST 7/9": _mnist_79,
    "Higgs": _higgs,
}
