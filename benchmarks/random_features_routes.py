"""Landmarks beside random features of the same kernel: test risk, processor seconds, and a sample that misleads.

    python benchmarks/random_features_routes.py                  # n = 20,000; some minutes
    python benchmarks/random_features_routes.py --rows 4000 --features 512

First, how many landmarks are worth P random features: Friedman's first function of ten uniform columns, kernels at the
median distance. Then the same rows in one file sorted by the first column: a stream takes its sample from the
beginning, so its landmarks have not seen the rest of the table; random features need not have.
"""

import argparse
import os
import tempfile
import time
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("JAX_CPU_ENABLE_ASYNC_DISPATCH", "0")

import numpy as np
import pandas as pd
from sklearn.datasets import make_friedman1
from threadpoolctl import threadpool_limits

from theodolite.architectures import Relu, plain
from theodolite.infinite_width import nngp, ntk
from theodolite.kernels import RBF, Laplace, Matern, median_distances
from theodolite.random_features import NystromFeatures, RandomFeatureRidge, estimators
from theodolite.random_features.of_kernel import features_of

SHARES = (1, 2, 4, 8, 16)  # landmarks: P, P/2, ...


def kernels(X: np.ndarray) -> dict:
    """Kernels that have random features, at the median distance of standardised columns."""
    length = median_distances((X - X.mean(axis=0)) / X.std(axis=0))[0]
    net = plain(Relu().standardised(), 2, 0.316)
    return {
        "RBF": RBF(length**2),
        "Matern 5/2": Matern(length, 2.5),
        "Laplace": Laplace(length),
        "ReLU NNGP, depth 1": nngp(net),
        "ReLU NTK, depth 1": ntk(net),
    }


def risk_of(model: RandomFeatureRidge, fit, Z, z: np.ndarray) -> tuple[float, float]:
    """Test risk, and processor seconds of the fit."""
    start = time.process_time()
    fit(model)
    seconds = time.process_time() - start
    return float(np.mean((model.predict(Z) - z) ** 2)), seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--features", type=int, default=2048)
    given = parser.parse_args()
    P = given.features
    X, y = make_friedman1(given.rows, 10, noise=1.0, random_state=0)
    Z, z = make_friedman1(5000, 10, noise=1.0, random_state=1)
    with threadpool_limits(1):
        for name, kernel in kernels(X).items():
            found = risk_of(RandomFeatureRidge(family=features_of(kernel), features=P), lambda m: m.fit(X, y), Z, z)
            print(f"{name}: {P} random features {found[0]:.4f} ({found[1]:.1f} s); landmarks", end="")
            for share in SHARES:
                model = RandomFeatureRidge(family=NystromFeatures(kernel), features=P // share)
                found = risk_of(model, lambda m: m.fit(X, y), Z, z)
                print(f", {P // share}: {found[0]:.4f} ({found[1]:.1f} s)", end="", flush=True)
            print()
        order = np.argsort(X[:, 0], kind="stable")
        frame = pd.DataFrame(X[order], columns=[f"x{i}" for i in range(10)]).assign(y=y[order])
        estimators.SAMPLE_ROWS = given.rows // 4  # of a table four times as long as its sample
        kernel = RBF(median_distances(X)[0] ** 2)
        new = pd.DataFrame(Z, columns=[f"x{i}" for i in range(10)])
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "sorted.csv"
            frame.to_csv(path, index=False)
            for name, family in (("landmarks", NystromFeatures(kernel)), ("random features", features_of(kernel))):
                model = RandomFeatureRidge(family=family, features=P, standardise=False)
                found = risk_of(model, lambda m: m.fit_stream(path, "y"), new, z)
                print(f"sorted file, RBF, {P} {name}: {found[0]:.4f}; they were drawn from {model.sample_rows_}")


if __name__ == "__main__":
    main()
