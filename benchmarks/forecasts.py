"""Forecasts of what more data would bring, beside the risk measured once the data are there.

    python benchmarks/forecasts.py --data FOLDER --rows 300 --seeds 10 11 [--out forecasts.json] [--names NAME ...]

Of every table `rows` rows are seen. For each of three kernels (at the lengthscale of least risk) the risk at 2, 4 and 8
times the rows is forecast, then the rows are taken and the risk is measured on 2,000 others, ridge chosen anew at every
size. Beside the forecast: a straight line through the risks at half the rows and at all of them, in logarithms, which
is what a person would draw, and no change at all. Errors are those of the change, (risk at m) / (risk at n), forecast
over measured: how well the level at n is predicted is measured elsewhere. One thread, five seconds a kernel.
"""

import argparse
import json
from pathlib import Path

import numpy as np
from choice_quality import Table, tables
from threadpoolctl import threadpool_limits

from theodolite.kernel_regression import RidgePath, RidgeSearch, learning_curve
from theodolite.numerics.files import write_json
from theodolite.survey.candidates import Candidate, candidates

FAMILIES = ("rbf", "laplace_l1", "relu_ntk")
TIMES = (2, 4, 8)
HELD, PATH_ROWS = 2000, 600
METHODS = {"forecast": "the forecast", "line": "a straight line, logarithms", "same": "no change"}


def runs(table: Table, n: int, seed: int) -> list[dict]:
    """Forecast and measured risk of each family on one split of one table."""
    order = np.random.default_rng([seed, len(table.name)]).permutation(len(table.inputs))
    sizes = [n, *(n * k for k in TIMES if n * k <= len(order) - min(1000, len(order) // 4))]
    if len(sizes) < 2:
        return []
    largest = sizes[-1]
    split = table.split(order[:largest], order[largest : largest + HELD])
    X, Y = split.sample.points, split.sample.columns
    found = []
    for family in FAMILIES:
        kernel, path = narrowed(candidates([family], X[:n]), X[:n], Y[:n])
        whole, cross = np.asarray(kernel(X)), np.asarray(kernel(split.points, X))
        half, all_rows, *later = learning_curve(path, [n // 2, *sizes]).risk
        best, curve = path.best_ridge(), learning_curve(path, sizes)
        truth = []
        for m in sizes:
            mean = Y[:m].mean(axis=0)
            search = (RidgePath if m <= PATH_ROWS else RidgeSearch)(whole[:m, :m].copy(), Y[:m] - mean)
            ridge = search.best_ridge()
            dual = np.linalg.solve(whole[:m, :m] + m * ridge * np.eye(m), Y[:m] - mean)
            truth.append(float(np.mean(np.sum((cross[:, :m] @ dual - split.truth + mean) ** 2, axis=1))))
        lift = float(path.risk(best)) / all_rows
        found.append(
            {
                "table": table.name,
                "family": family,
                "seed": seed,
                "sizes": sizes,
                "measured": truth,
                "forecast": [float(path.risk(best)), *(lift * risk for risk in later)],
                "low": (lift * curve.low).tolist(),
                "high": (lift * curve.high).tolist(),
                "line": [all_rows * (all_rows / half) ** np.log2(m / n) for m in sizes],
                "same": [all_rows for _ in sizes],
            }
        )
    return found


def narrowed(entries: list[Candidate], X: np.ndarray, Y: np.ndarray) -> tuple:
    """The kernel of least risk among lengthscales of one family, and its path."""
    paths = [(entry.kernel, RidgePath(np.asarray(entry.kernel(X)), Y - Y.mean(axis=0))) for entry in entries]
    return min(paths, key=lambda pair: float(pair[1].risk(pair[1].best_ridge())))


def table_of(found: list[dict]) -> str:
    """Forecast over measured change: median, tenth and ninetieth percentile, root mean square of the logarithm."""
    lines = [
        "| | rows | runs | median | 10 % to 90 % | root mean square, log |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for key, title in METHODS.items():
        for k in TIMES:
            errors = np.array([e for one in found for e in error(one, key, k)])
            if not errors.size:
                continue
            low, middle, high = np.exp(np.quantile(errors, [0.1, 0.5, 0.9]))
            spread = np.sqrt(np.mean(errors**2))
            lines.append(f"| {title} | x {k} | {errors.size} | {middle:.2f} | {low:.2f} to {high:.2f} | {spread:.3f} |")
    inside = {k: [i for one in found for i in in_band(one, k)] for k in TIMES}
    shares = ", ".join(f"{np.mean(one):.0%} at {k} n" for k, one in inside.items() if one)
    return "\n".join([*lines, "", f"Measured risks inside the band: {shares}."])


def error(one: dict, key: str, times: int) -> list[float]:
    """The logarithm of forecast over measured change at n times so many rows, if there are so many."""
    place = next((i for i, m in enumerate(one["sizes"]) if m == times * one["sizes"][0]), None)
    if place is None:
        return []
    ratio = (one[key][place] / one[key][0]) / (one["measured"][place] / one["measured"][0])
    return [float(np.log(ratio))]


def in_band(one: dict, times: int) -> list[bool]:
    """Is the measured risk (level and change) inside the band?"""
    place = next((i for i, m in enumerate(one["sizes"]) if m == times * one["sizes"][0]), None)
    return [] if place is None else [one["low"][place] <= one["measured"][place] <= one["high"][place]]


def main() -> None:
    """Measure what is missing, then print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True, help="a folder of tables and images")
    parser.add_argument("--rows", type=int, default=300)
    parser.add_argument("--seeds", type=int, nargs="+", default=[10, 11])
    parser.add_argument("--out", type=Path, help="a JSON file; what it holds is not measured again")
    parser.add_argument("--names", nargs="+", help="these tables only")
    options = parser.parse_args()
    found = json.loads(options.out.read_text()) if options.out and options.out.exists() else []
    known = {(one["table"], one["seed"], one["sizes"][0]) for one in found}
    with threadpool_limits(1):
        for seed in options.seeds:
            for table in tables(options.data, options.names):
                if (table.name, seed, options.rows) in known:
                    continue
                found += runs(table, options.rows, seed)
                if options.out:
                    write_json(options.out, found)
    print(table_of([one for one in found if one["sizes"][0] == options.rows and one["seed"] in options.seeds]))


if __name__ == "__main__":
    main()
