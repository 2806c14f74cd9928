"""What `slim` and `connect` look at networks with: rows of a table, or random ones, and the loss on them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from theodolite.numerics import BadInput, ShapeMismatch

if TYPE_CHECKING:
    from theodolite.landscape import Mlp

RANDOM_ROWS = 512


@dataclass(frozen=True)
class Inputs:
    """Rows X (n, inputs), their targets if there are any, and in words what they are."""

    X: np.ndarray
    Y: np.ndarray | None
    classes: int | None
    words: str

    def loss(self, network: "Mlp") -> tuple[Callable[[np.ndarray], float], str]:
        """A loss of outputs, and its name: cross-entropy for classes, the mean squared error for numbers, and without
        targets the mean squared difference from the outputs of a network."""
        if self.Y is None:
            wanted = network(self.X)
            return lambda outputs: float(
                np.mean((outputs - wanted) ** 2)
            ), "mean squared difference from the first network"
        if self.classes is not None and network.outputs >= self.classes and network.outputs > 1:
            labels = self.Y.astype(np.int64)
            return lambda outputs: _cross_entropy(outputs, labels), "cross-entropy"
        Y = self.Y.astype(np.float64).reshape(len(self.X), -1)
        if Y.shape[1] != network.outputs:
            raise ShapeMismatch(
                f"the targets have {Y.shape[1]} columns and the network {network.outputs} outputs; give targets that "
                "fit, or leave out --data"
            )
        return lambda outputs: float(np.mean((outputs - Y) ** 2)), "mean squared error"


def gather(
    network: "Mlp", data: str | None, target: str | None, rows: int | None, seed: int, *, least: int = 1
) -> Inputs:
    """Rows of --data as a network reads them, or random ones.

    Raises: BadInput when a target is named without data, or the columns do not fit the network.
    """
    if rows is not None and rows < least:
        raise BadInput(f"--rows must be at least {least}, got {rows}")
    if seed < 0:
        raise BadInput(f"--seed must be a whole number of at least 0, got {seed}")
    if data is None:
        if target is not None:
            raise BadInput(f"--target {target} names a column of --data; give --data too")
        X = np.random.default_rng(seed).standard_normal((rows or RANDOM_ROWS, network.inputs))
        return Inputs(X, None, None, f"{len(X)} random inputs, standard normal")
    from theodolite.cli.table_arrays import read_data

    table = read_data(data, target, rows, seed, None)
    X = np.asarray(table.X, dtype=np.float64).reshape(len(table.X), -1)
    if X.shape[1] != network.inputs:
        raise ShapeMismatch(
            f"{table.name} has {X.shape[1]} columns beside the target; the network reads {network.inputs}"
        )
    if not np.isfinite(X).all():
        raise BadInput(f"{table.name} has missing or infinite values; fill them as they were filled in training")
    return Inputs(X, np.asarray(table.Y), table.classes, f"{len(X)} rows of {table.name}")


def _cross_entropy(outputs: np.ndarray, labels: np.ndarray) -> float:
    from scipy.special import logsumexp

    return float(np.mean(logsumexp(outputs, axis=1) - outputs[np.arange(len(labels)), labels]))
