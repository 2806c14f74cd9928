"""How well `RidgeSearch` finds the ridge that an eigendecomposition finds, table by table.

    THEODOLITE_DATA=FOLDER python benchmarks/search_quality.py --rows 900 --every 4

Every so many-th of the 36 kernels of `against_grid_search` on each table (or on the tables of scikit-learn without a
folder), rows drawn at random. A ridge is found when its risk is within 1 % or a quarter of a standard error of the
lowest among 400 ridges of a `RidgePath`. A factor in single precision counts as half.
"""

import argparse
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from against_grid_search import our_kernels
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits

from theodolite.kernel_regression import RidgePath, RidgeSearch
from theodolite.kernels import gram_on, shared_pairs

NEAR, ERRORS, RIDGES = 0.01, 0.25, 400


def tables(rows: int, seed: int) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """(name, standardised points, standardised targets) of every table, at most `rows` rows."""
    folder = os.environ.get("THEODOLITE_DATA")
    if folder:
        found = {}
        for path in sorted((Path(folder) / "tabular").glob("*.npz")):
            with np.load(path, allow_pickle=False) as table:
                found[path.stem] = (table["X"], table["y"])
    else:
        found = {load.__name__[5:]: load(return_X_y=True) for load in (load_breast_cancer, load_diabetes, load_digits)}
    for name, (x, y) in found.items():
        if y.dtype.kind not in "fiu" or x.dtype.kind not in "fiu":
            continue
        chosen = np.random.default_rng(seed).permutation(len(y))[:rows]
        x, y = x[chosen].astype(float), y[chosen].astype(float)
        x = x[:, x.std(axis=0) > 0]
        yield name, (x - x.mean(axis=0)) / x.std(axis=0), (y - y.mean()) / y.std()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=900)
    parser.add_argument("--every", type=int, default=4)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    seen: list[tuple[float, float, float]] = []  # found, factors, risk lost
    print("| table | kernels | found | factors | risk lost, mean | worst |")
    print("| --- | --- | --- | --- | --- | --- |")
    for name, x, y in tables(options.rows, options.seed):
        pairs = shared_pairs(x)
        here = [one(gram_on(kernel, pairs), y) for kernel in our_kernels(x)[options.first :: options.every]]
        print(row(name, here), flush=True)
        seen += here
    print(row("all", seen))


def one(matrix: np.ndarray, y: np.ndarray) -> tuple[float, float, float]:
    """Whether a search found the ridge, its factors, and the relative risk lost."""
    path, search = RidgePath(matrix, y), RidgeSearch(matrix, y)
    grid = np.geomspace(path.ridges[0], path.ridges[-1], RIDGES)
    risks = np.asarray(path.risk(grid))
    lowest, error = risks.min(), path.standard_error(float(grid[risks.argmin()]))
    excess = float(path.risk(search.best_ridge())) - lowest
    return float(excess <= max(NEAR * lowest, ERRORS * error)), search.factors, excess / lowest


def row(name: str, seen: list[tuple[float, float, float]]) -> str:
    """A row of the table."""
    found, factors, lost = np.mean(seen, axis=0)
    return f"| {name} | {len(seen)} | {found:.1%} | {factors:.2f} | {lost:.2%} | {np.max(seen, axis=0)[2]:.1%} |"


if __name__ == "__main__":
    main()
