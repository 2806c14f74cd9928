"""A survey through features beside the exact machine: test risk and time, on Friedman's first function.

    python benchmarks/random_features_survey.py                 # n = 20,000; the exact machine takes 3.2 GB and minutes
    python benchmarks/random_features_survey.py --rows 6000     # smaller
    python benchmarks/random_features_survey.py --only exact    # the whole exact survey, 6.5 GB and half an hour

The exact machine is solved once at n rows, with the kernel and the ridge that the survey chose and with neighbouring
ridges if asked. The time of an exact survey at n is extrapolated from exact surveys at two smaller sizes by
a + b n^3, which is how its cost grows: the race on 2000 rows and the factorisations. `--only ROUTE` runs the survey by
that one route at n, with the same candidates, and nothing else.
"""

import argparse
import os
import resource
import time

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import scipy.linalg
from sklearn.datasets import make_friedman1
from threadpoolctl import threadpool_limits

from theodolite.kernel_regression.prediction import predict
from theodolite.kernels import gram
from theodolite.survey import KernelSurvey


def friedman(rows: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Ten uniform columns, five of which matter, and noise of variance 1."""
    return make_friedman1(rows, 10, noise=1.0, random_state=seed)


def surveyed(rows: int, **settings) -> tuple[KernelSurvey, float, float]:
    """A survey and its seconds by the clock and of the processor."""
    X, y = friedman(rows, 0)
    wall, cpu = time.perf_counter(), time.process_time()
    model = KernelSurvey(**settings).fit(X, y)
    return model, time.perf_counter() - wall, time.process_time() - cpu


def one_route(route: str, rows: int, features: int | None, Z: np.ndarray, z: np.ndarray) -> None:
    """The survey by one route, with its risk, its seconds and its memory."""
    model, wall, cpu = surveyed(rows, features=features, route=route)
    errors = (model.predict(Z) - z) ** 2
    risk, error = errors.mean(), errors.std() / np.sqrt(len(errors))
    chosen = model.record_.chosen
    print(f"{route}, n = {rows}: {chosen.name}, ridge {chosen.ridge:.3g}; {model.record_.extra['route']}")
    print(f"  test risk {risk:.4f} +- {error:.4f}", end=", ")
    print(f"predicted {chosen.predicted_risk:.4f} +- {chosen.standard_error:.4f}")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    print(f"  {wall:.0f} s by the clock, {cpu:.0f} s processor, {peak:.2f} GB at most")
    for entry in model.record_.candidates[:4]:
        print(f"  {entry.name}: {entry.predicted_risk:.4f} on {entry.rows} rows, {entry.seconds:.0f} s", flush=True)


def exact_risk(model: KernelSurvey, rows: int, ridge: float, Z: np.ndarray, z: np.ndarray) -> tuple[float, float]:
    """Test risk of the exact machine with the survey's kernel at a ridge, and processor seconds of its solution."""
    X, y = friedman(rows, 0)
    points = model.encoder_.transform(X)
    start = time.process_time()
    matrix = gram(model.best_kernel_, points).T  # symmetric, and in Fortran order as LAPACK wants it
    matrix.flat[:: rows + 1] += rows * ridge
    factor = scipy.linalg.cho_factor(matrix, lower=True, overwrite_a=True, check_finite=False)
    dual = scipy.linalg.cho_solve(factor, (y - y.mean())[:, None], check_finite=False)
    seconds = time.process_time() - start
    predictions = predict(model.best_kernel_, model.encoder_.transform(Z), points, dual)[:, 0] + y.mean()
    return float(np.mean((predictions - z) ** 2)), seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--features", type=int, default=None)
    parser.add_argument("--ridges", type=float, nargs="+", default=[1.0], help="factors of the ridge to solve at")
    parser.add_argument("--exact-sizes", type=int, nargs=2, default=[4000, 8000])
    parser.add_argument("--only", choices=["auto", "exact", "nystrom", "features"], help="this route alone")
    given = parser.parse_args()
    Z, z = friedman(5000, 1)
    with threadpool_limits(1):
        if given.only:
            one_route(given.only, given.rows, given.features, Z, z)
            return
        model, wall, cpu = surveyed(given.rows, features=given.features, route="nystrom")
        risk = float(np.mean((model.predict(Z) - z) ** 2))
        chosen = model.record_.chosen
        print(f"features, n = {given.rows}: {chosen.name}, {len(model.points_)} landmarks, ridge {chosen.ridge:.3g}")
        print(f"  test risk {risk:.4f}, predicted {chosen.predicted_risk:.4f} +- {chosen.standard_error:.4f}", end="")
        print(
            f", effective dimension {chosen.effective_dimension:.0f}; {wall:.0f} s by the clock, {cpu:.0f} s processor"
        )
        for entry in model.record_.candidates[:4]:
            print(f"  {entry.name}: {entry.predicted_risk:.4f} on {entry.rows} rows, {entry.seconds:.0f} s", flush=True)
        if given.exact_sizes[0] > 0:
            cubes, seconds = [], []
            for rows in given.exact_sizes:
                exact, wall, took = surveyed(rows, route="exact")
                small = float(np.mean((exact.predict(Z) - z) ** 2))
                print(f"exact survey, n = {rows}: {exact.record_.chosen.name}, test risk {small:.4f}", end="")
                print(f"; {wall:.0f} s by the clock, {took:.0f} s processor", flush=True)
                cubes.append([1.0, float(rows) ** 3])
                seconds.append(took)
            a, b = np.linalg.solve(np.array(cubes), np.array(seconds))
            expected = a + b * given.rows**3
            print(f"exact survey, n = {given.rows}, extrapolated by a + b n^3: {expected:.0f} s processor")
            print(f"  features take {cpu / expected:.3f} of that")
        for factor in given.ridges:
            theirs, took = exact_risk(model, given.rows, factor * chosen.ridge, Z, z)
            print(f"exact machine, n = {given.rows}, ridge {factor * chosen.ridge:.3g}: test risk {theirs:.4f}", end="")
            print(f" ({took:.0f} s processor, one solution); features / exact = {risk / theirs:.4f}", flush=True)


if __name__ == "__main__":
    main()
