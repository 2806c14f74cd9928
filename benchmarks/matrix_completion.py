"""Filling hidden entries: LowRankCompletion against IterativeImputer, nuclear-norm minimisation and column means.

    python benchmarks/matrix_completion.py                     # built-in tables
    python benchmarks/matrix_completion.py --data FOLDER       # also the tables (.npz with X) of a folder

One thread. Errors are squared errors on hidden entries over those of the column means (10 x 10: over their squares).
Times are processor seconds, the median over draws, and the median of their ratio to those of IterativeImputer.
Baselines: scikit-learn's IterativeImputer, soft-impute of fancyimpute with its own choice of shrinkage and with the
best of several chosen on a tenth held out, and on the small matrix exact nuclear-norm minimisation by cvxpy. A library
that is not installed is skipped: pip install fancyimpute cvxpy "scikit-learn<1.8" (fancyimpute 0.7 needs the last).
The answer is checked first: a matrix of rank 2 is recovered.
"""

import argparse
import importlib.util
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_wine
from sklearn.experimental import enable_iterative_imputer  # noqa: F401
from sklearn.impute import IterativeImputer, SimpleImputer

from theodolite.training_dynamics.saddles import LowRankCompletion
from theodolite.training_dynamics.saddles.held_out import hidden_entries

Fill = Callable[[np.ndarray], np.ndarray]
ROWS = 600


def low_rank_task(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """A 10 x 10 matrix of rank 2 with 60 entries seen, six in each row and column."""
    rng = np.random.default_rng(seed)
    left, right = (np.linalg.qr(rng.standard_normal((10, 2)))[0] for _ in range(2))
    offsets, mask = rng.permutation(10)[:6], np.zeros((10, 10), dtype=bool)
    for offset in offsets:
        mask[np.arange(10), (np.arange(10) + offset) % 10] = True
    return (left * [8.4, 4.0]) @ right.T, ~mask[rng.permutation(10)][:, rng.permutation(10)]


def ratings_task(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """300 people rate 80 things from 1 to 5 by four tastes and chance; 75 % are unknown, popular things rated more."""
    rng = np.random.default_rng(seed)
    taste = rng.standard_normal((300, 4)) @ rng.standard_normal((4, 80)) / 2.0
    raw = 3.2 + taste + 0.4 * rng.standard_normal(80) + 0.4 * rng.standard_normal((300, 1))
    table = np.clip(np.round(raw + 0.5 * rng.standard_normal(raw.shape)), 1, 5)
    popular = rng.beta(1.0, 3.0, 80)
    hidden = rng.random(table.shape) > np.clip(popular / popular.mean() * 0.25, 0.03, 0.9)
    hidden[rng.integers(0, 300, 80), np.arange(80)] = False
    hidden[np.arange(300), rng.integers(0, 80, 300)] = False
    return table, hidden


def table_task(X: np.ndarray, share: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Standardised columns, a share hidden at random."""
    rng = np.random.default_rng(seed)
    X = X[rng.permutation(len(X))[:ROWS]]
    X = X[:, X.std(axis=0) > 0]
    X = (X - X.mean(axis=0)) / X.std(axis=0)
    return X, hidden_entries(np.ones(X.shape, dtype=bool), share, rng)


def soft_impute(table: np.ndarray, shrinkage: float | None = None) -> np.ndarray:
    """fancyimpute's SoftImpute on columns centred by their observed means."""
    from fancyimpute import SoftImpute  # pyright: ignore[reportMissingImports]

    mean = np.nanmean(table, axis=0)
    filled = SoftImpute(shrinkage_value=shrinkage, max_iters=300, verbose=False).fit_transform(table - mean)
    return np.where(np.isnan(table), filled + mean, table)


def soft_impute_chosen(table: np.ndarray) -> np.ndarray:
    """The shrinkage of eight with the smallest error on a tenth of the entries, then all entries."""
    seen = ~np.isnan(table)
    held = hidden_entries(seen, 0.1, np.random.default_rng(0))
    top = float(np.linalg.norm(np.where(seen, table - np.nanmean(table, axis=0), 0.0), 2))
    kept = np.where(held, np.nan, table)

    def error(share: float) -> float:
        return float(np.mean((soft_impute(kept, share * top) - table)[held] ** 2))

    return soft_impute(table, min((0.003, 0.01, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3), key=error) * top)


def nuclear_norm(table: np.ndarray) -> np.ndarray:
    """The matrix of least nuclear norm that agrees with every entry seen, by cvxpy."""
    import cvxpy as cp  # pyright: ignore[reportMissingImports]

    seen = ~np.isnan(table)
    A = cp.Variable(table.shape)
    goal = np.where(seen, table, 0.0)
    problem = cp.Problem(cp.Minimize(cp.normNuc(A)), [cp.multiply(seen.astype(float), A) == goal])
    problem.solve(solver=cp.CLARABEL)
    return np.asarray(A.value)


def iterative(table: np.ndarray) -> np.ndarray:
    """scikit-learn's IterativeImputer as it comes, with its 10 rounds."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return np.asarray(IterativeImputer(random_state=0).fit_transform(table))


def fills(small: bool) -> dict[str, Fill]:
    """The ways to fill that are installed; exact nuclear-norm minimisation for small matrices only."""
    found: dict[str, Fill] = {
        "column means": lambda table: np.asarray(SimpleImputer().fit_transform(table)),
        "IterativeImputer": iterative,
    }
    if importlib.util.find_spec("fancyimpute"):
        found |= {"SoftImpute": soft_impute, "SoftImpute, chosen": soft_impute_chosen}
    if small and importlib.util.find_spec("cvxpy"):
        found["nuclear norm (cvxpy)"] = nuclear_norm
    found["LowRankCompletion"] = lambda table: LowRankCompletion().fit_transform(table)
    return found


def measured(name: str, task: Callable[[int], tuple[np.ndarray, np.ndarray]], seeds: int, small: bool) -> list[str]:
    """A row of a table: for each way the error, mean over seeds with the range, and the median time."""
    ways = fills(small)
    errors: dict[str, list[float]] = {way: [] for way in ways}
    times: dict[str, list[float]] = {way: [] for way in ways}
    for seed in range(seeds):
        table, hidden = task(seed)
        seen = np.where(hidden, np.nan, table)
        base = np.zeros_like(table) if small else np.broadcast_to(np.nanmean(seen, axis=0), table.shape)
        unit = float(np.sum((base - table)[hidden] ** 2))
        for way, fill in ways.items():
            start = time.process_time()
            filled = fill(seen)
            times[way].append(time.process_time() - start)
            errors[way].append(float(np.sum((filled - table)[hidden] ** 2)) / unit)
    best = min(ways, key=lambda way: float(np.mean(errors[way])))
    rows = []
    for way in ways:
        e = errors[way]
        mark = "**" if way == best else ""
        spread = f"{min(e):.3g} to {max(e):.3g}"
        ratio = np.median(np.array(times[way]) / np.array(times["IterativeImputer"]))
        seconds = f"{np.median(times[way]):.2f} | {ratio:.2g}"
        rows.append(f"| {name} | {way} | {mark}{np.mean(e):.3g}{mark} | {spread} | {seconds} |")
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="a folder with tables, .npz files that hold X")
    parser.add_argument("--names", nargs="*", help="of these tables only")
    parser.add_argument("--share", type=float, default=0.3, help="of entries hidden")
    parser.add_argument("--seeds", type=int, default=3)
    options = parser.parse_args()
    table, hidden = low_rank_task(0)
    recovered = LowRankCompletion().fit_transform(np.where(hidden, np.nan, table))
    assert np.abs(recovered - table).max() < 1e-5, "a matrix of rank 2 is not recovered"
    print("| table | way | error | over draws | seconds | times IterativeImputer |\n|---|---|---|---|---|---|")
    tasks: list[tuple[str, Any, bool]] = [("rank 2, 10 x 10, 60 seen", low_rank_task, True)]
    tasks.append(("ratings, 300 x 80, 25 % seen", ratings_task, False))
    loaders = {"digits": load_digits, "breast cancer": load_breast_cancer, "wine": load_wine, "diabetes": load_diabetes}
    tables = {name: np.asarray(load(return_X_y=True)[0], dtype=float) for name, load in loaders.items()}
    if options.data:
        for path in sorted(options.data.rglob("*.npz")):
            if not options.names or path.stem in options.names:
                with np.load(path, allow_pickle=False) as file:
                    if "X" in file and file["X"].ndim == 2:
                        tables[path.stem] = file["X"].astype(float)
    for name, X in tables.items():
        words = f"{name}, {min(len(X), ROWS)} x {X.shape[1]}, {1 - options.share:.0%} seen"
        tasks.append((words, lambda seed, X=X: table_task(X, options.share, seed), False))
    for name, task, small in tasks:
        print("\n".join(measured(name, task, options.seeds, small)), flush=True)


if __name__ == "__main__":
    main()
