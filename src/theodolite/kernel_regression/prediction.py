"""Predictions of a kernel machine, block by block."""

from typing import Any

import numpy as np

from theodolite.kernels import Kernel, Pairs
from theodolite.numerics.progress import Progress, silent

_NUMBERS = 2**23  # kernel values alive at once


def predict(kernel: Kernel, Z: np.ndarray, X: np.ndarray, dual: np.ndarray, *, progress: Progress = silent) -> Any:
    """k(Z, X) @ dual, (m, k), without ever holding k(Z, X).

    Args: Z (m, d) new points; X (n, d) training points; dual (n, k), as `RidgePath.dual` returns it.
    Cost: m n kernel values; memory about 8 million numbers for each intermediate of the kernel.

    >>> from theodolite.kernels import RBF
    >>> predict(RBF(1.0), np.array([[0.0]]), np.array([[0.0], [9.0]]), np.array([[2.0], [1.0]])).round(6)
    array([[2.]])
    """
    block = max(1, _NUMBERS // max(len(X), 1))
    predictions = np.empty((len(Z), dual.shape[1]))
    for start in range(0, len(Z), block):
        stop = min(start + block, len(Z))
        predictions[start:stop] = kernel.on(Pairs(Z[start:stop], X)) @ dual
        progress(stop, len(Z), "predictions")
    return predictions
