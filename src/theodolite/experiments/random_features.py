"""What the random-feature cases share: draws in the eigenbasis, and the data of two classes of digits."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
from scipy.spatial.distance import pdist

from theodolite.experiments.key import Key
from theodolite.experiments.real_data import in_folder, load, split
from theodolite.kernels import RBF, Kernel, gram
from theodolite.random_features import Problem

AT_ONCE = 4_000_000  # numbers drawn at once


def hat_diagonals(d: np.ndarray, ridge_sum: float, features: int, draws: int, rng: np.random.Generator) -> np.ndarray:
    """Diagonals of A = F (F'F + ridge_sum I)^-1 F', F = diag(d)^{1/2} W / sqrt(P), of independent draws, (draws, n)."""
    n, found = len(d), []
    at_once = max(1, AT_ONCE // (n * features))
    for start in range(0, draws, at_once):
        count = min(at_once, draws - start)
        F = rng.standard_normal((count, n, features)) * np.sqrt(d / features)[:, None]
        if features < n:
            inner = F.transpose(0, 2, 1) @ F + ridge_sum * np.eye(features)
            found.append(np.einsum("tip,tpi->ti", F, np.linalg.solve(inner, F.transpose(0, 2, 1))))
        else:  # A = I - ridge (FF' + ridge I)^-1
            inverse = np.linalg.inv(F @ F.transpose(0, 2, 1) + ridge_sum * np.eye(n))
            found.append(1.0 - ridge_sum * np.einsum("tii->ti", inverse))
    return np.concatenate(found)


class TwoClasses(NamedTuple):
    """Images of 7 against 9: training and test points, the kernel, and kernel regression on them."""

    inputs: np.ndarray
    targets: np.ndarray
    test_inputs: np.ndarray
    truth: np.ndarray
    kernel: RBF
    problem: Problem
    words: str


def two_classes(rows: int, test_rows: int, key: Key, folder: Path | None) -> TwoClasses:
    """MNIST when the folder holds it, embedded digits otherwise; the lengthscale is the median squared distance."""
    name = "MNIST 7/9" if "MNIST 7/9" in in_folder(folder) else "digits 7/9"
    table = load(name, key, folder)
    data = split(table, rows, test_rows, key.split("rows").rng())
    kernel = RBF(float(np.median(pdist(data.inputs, "sqeuclidean"))))
    problem = problem_of(kernel, data.inputs, data.targets, data.test_inputs)
    words = f"{table.words}, {rows} training rows, {len(data.test_inputs)} test rows"
    return TwoClasses(data.inputs, data.targets, data.test_inputs, data.test_targets, kernel, problem, words)


def problem_of(kernel: Kernel, X: np.ndarray, targets: np.ndarray, Z: np.ndarray) -> Problem:
    """Kernel regression on X, to be read at Z."""
    return Problem.of(gram(kernel, X), targets, gram(kernel, Z, X), np.asarray(kernel.diagonal(Z)))
