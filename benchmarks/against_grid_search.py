"""Choosing kernel and ridge: ours against scikit-learn's GridSearchCV(KernelRidge), 7 alphas, 5 folds.

    python benchmarks/against_grid_search.py --sizes 500 2000 4000

One thread. The grid has 11 kernels at 500 rows and 2 above (its time per kernel is what counts). Answers are checked
before the clock starts: KARE = GCV, leave-one-out by refitting, and the ridge of a search against that of a path.
Data: Friedman's first function, or a table named by --data in the folder THEODOLITE_DATA.
"""

import argparse
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import timing
from sklearn.datasets import make_friedman1
from sklearn.kernel_ridge import KernelRidge
from sklearn.model_selection import GridSearchCV, KFold

from theodolite.architectures import Relu, plain
from theodolite.infinite_width import nngp, ntk
from theodolite.kernel_regression import RidgePath, RidgeSearch
from theodolite.kernel_regression.estimators import factorise
from theodolite.kernels import (
    RBF,
    Kernel,
    Laplace,
    LaplaceL1,
    Matern,
    gram_on,
    median_distances,
    shared_pairs,
)

ALPHAS = np.geomspace(1e-4, 1e2, 7)
MULTIPLES = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0)


def data(name: str, n: int) -> tuple[np.ndarray, np.ndarray]:
    """n standardised rows, in random order, and the centred target."""
    if name == "friedman1":
        x, y = make_friedman1(n, n_features=10, noise=1.0, random_state=0)
    else:
        folder = Path(os.environ["THEODOLITE_DATA"])
        with np.load(next(folder.rglob(f"{name}.npz")), allow_pickle=False) as table:
            rows = np.random.default_rng(0).permutation(len(table["y"]))[:n]
            x, y = table["X"][rows].astype(float), table["y"][rows].astype(float)
    spread = x.std(axis=0)
    x = (x - x.mean(axis=0))[:, spread > 0] / spread[spread > 0]
    return x, (y - y.mean()) / y.std()


def our_kernels(x: np.ndarray) -> list[Kernel]:
    """36 kernels: five families over lengthscales, ReLU NTK and NNGP at three depths."""
    l2, l1 = median_distances(x)
    return [
        *(LaplaceL1(l1 * m) for m in MULTIPLES),
        *(RBF((l2 * m) ** 2) for m in MULTIPLES),
        *(Laplace(l2 * m) for m in MULTIPLES),
        *(Matern(l2 * m, 1.5) for m in MULTIPLES),
        *(Matern(l2 * m, 2.5) for m in MULTIPLES),
        *(kind(plain(Relu().standardised(), depth + 1, 0.316)) for kind in (ntk, nngp) for depth in (1, 2, 3)),
    ]


def grid_kernels(x: np.ndarray, many: int) -> list[dict[str, Sequence]]:
    """scikit-learn's side: `many` pairs of kernel and gamma, RBF and Laplacian in turn."""
    l2, l1 = median_distances(x)
    scales = [(MULTIPLES * 2)[i // 2] for i in range(many)]
    return [
        {"kernel": ["rbf"], "gamma": [1 / (l2 * m) ** 2]}
        if i % 2 == 0
        else {"kernel": ["laplacian"], "gamma": [1 / (l1 * m)]}
        for i, m in enumerate(scales)
    ]


def same_kernels(x: np.ndarray, many: int) -> list[Kernel]:
    """The kernels of the grid, as ours."""
    l2, l1 = median_distances(x)
    scales = [(MULTIPLES * 2)[i // 2] for i in range(many)]
    return [RBF((l2 * m) ** 2) if i % 2 == 0 else LaplaceL1(l1 * m) for i, m in enumerate(scales)]


def grid(x: np.ndarray, y: np.ndarray, many: int) -> float:
    """Best mean squared error of the grid."""
    parameters = [one | {"alpha": ALPHAS} for one in grid_kernels(x, many)]
    folds = KFold(5, shuffle=True, random_state=0)
    search = GridSearchCV(KernelRidge(), parameters, cv=folds, scoring="neg_mean_squared_error", refit=False)
    return -float(search.fit(x, y).best_score_)


def ours(x: np.ndarray, y: np.ndarray, kernels: list[Kernel]) -> list[dict[str, float]]:
    """Every kernel: 25 ridges on a path or a continued curve, the best ridge, and what a verdict of trust asks for."""
    pairs = shared_pairs(x)
    rows, matrix = [], np.empty((len(x), len(x)))
    for kernel in kernels:
        path = factorise(gram_on(kernel, pairs, out=matrix), y)
        curve = path.risk(path.ridges) if isinstance(path, RidgePath) else path.curve()
        best = path.best_ridge()
        rows.append(
            {
                "ridge": best,
                "risk": path.risk(best),
                "kare": path.kare(best),
                "leave_one_out": path.leave_one_out(best),
                "standard_error": path.standard_error(best),
                "participation": path.participation(best),
                "largest_residual": float(np.abs(path.left_out_residuals(best)).max()),
                "curve": float(np.min(curve[-1])),
                "factors": path.factors if isinstance(path, RidgeSearch) else 0,
            }
        )
    return rows


def check_answers(x: np.ndarray, y: np.ndarray, kernels: list[Kernel], found: list[dict[str, float]]) -> dict:
    """KARE = GCV, leave-one-out by refitting on three rows; searches against paths where a path is affordable."""
    n = len(x)
    kernel, row = kernels[0], found[0]
    matrix = gram_on(kernel, shared_pairs(x))
    smoother = np.linalg.solve(matrix + n * row["ridge"] * np.eye(n), matrix)  # H', symmetric up to round-off
    gcv = np.mean((y - smoother @ y) ** 2) / (1 - np.trace(smoother) / n) ** 2
    assert abs(gcv / row["kare"] - 1) < 1e-6, f"KARE {row['kare']} is not GCV {gcv}"
    path = factorise(matrix, y)
    residuals = path.left_out_residuals(row["ridge"])[:, 0]
    for i in (0, n // 2, n - 1):
        keep = np.delete(np.arange(n), i)
        dual = np.linalg.solve(matrix[np.ix_(keep, keep)] + n * row["ridge"] * np.eye(n - 1), y[keep])
        refitted = y[i] - matrix[i, keep] @ dual
        assert abs(residuals[i] - refitted) < 1e-6 * max(1.0, abs(refitted)), f"row {i}: {residuals[i]} {refitted}"
    excess, missed = [], 0
    if isinstance(path, RidgeSearch) and n <= 2000:
        for kernel, row in zip(kernels, found, strict=True):
            exact = RidgePath(gram_on(kernel, shared_pairs(x)), y)
            best = exact.best_ridge()
            lowest = exact.risk(best)
            excess.append(row["risk"] / lowest - 1)
            missed += row["risk"] - lowest > max(0.01 * lowest, 0.25 * exact.standard_error(best))
        assert missed <= 0.05 * len(found) + 1, f"{missed} of {len(found)} ridges missed: {excess}"
    return {"largest_excess": max(excess, default=None), "missed": missed}


def compare(name: str, n: int, rounds: int) -> dict:
    """Seconds of both sides, and the two ratios."""
    x, y = data(name, n)
    many = 11 if n <= 1000 else 2
    # distances are shared by our kernels, as a survey does: on large data the grid is cut, not the sharing
    mine = same_kernels(x, max(many, 6))
    contestants = {"grid": lambda: grid(x, y, many), "same kernels": lambda: ours(x, y, mine)}
    if n <= 1000:
        contestants["36 kernels"] = lambda: ours(x, y, our_kernels(x))
    outcome: dict = {}

    def check(answers: dict) -> None:
        outcome.update(check_answers(x, y, mine, answers["same kernels"]))
        outcome["grid_error"] = answers["grid"]
        outcome["our_risk"] = min(row["risk"] for row in answers["same kernels"])
        outcome["factors"] = float(np.mean([row["factors"] for row in answers["same kernels"]]))
        assert abs(outcome["our_risk"] / outcome["grid_error"] - 1) < 0.3, f"the two sides disagree: {outcome}"

    timings = timing.race(contestants, check, rounds=rounds, warm=n <= 1000)
    outcome |= {"data": name, "n": n, "kernels": many, "times": {who: of.summary() for who, of in timings.items()}}
    outcome["grid_per_kernel"] = timings["grid"].median / many
    outcome["ours_per_kernel"] = timings["same kernels"].median / len(mine)
    if n <= 1000:
        outcome["36_kernels_over_grid"] = timings["36 kernels"].median / timings["grid"].median
    return outcome


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[500, 2000, 4000])
    parser.add_argument("--data", nargs="+", default=["friedman1"], help="friedman1, or names of tables")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--out", help="JSON file")
    options = parser.parse_args()
    rows = [
        ["data", "n", "grid, s a kernel", "ours, s a kernel", "times faster", "36 kernels / grid", "factors", "excess"]
    ]
    measured = []
    for name in options.data:
        for n in options.sizes:
            found = compare(name, n, options.rounds if n <= 2000 else min(2, options.rounds))
            measured.append(found)
            theirs, mine = found["grid_per_kernel"], found["ours_per_kernel"]
            share, excess = found.get("36_kernels_over_grid"), found["largest_excess"]
            rows.append(
                [
                    name,
                    str(n),
                    f"{theirs:.3f}",
                    f"{mine:.3f}",
                    f"{theirs / mine:.1f}",
                    "" if share is None else f"{share:.2f}",
                    f"{found['factors']:.1f}",
                    "" if excess is None else f"{excess:.2%}",
                ]
            )
            print(timing.table([rows[0], rows[-1]]), flush=True)
    print("\n" + timing.table(rows))
    timing.save(options.out, measured, vars(options))


if __name__ == "__main__":
    main()
