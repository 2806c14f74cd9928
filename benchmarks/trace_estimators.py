"""Which estimator of a trace serves which budget: errors of Hutchinson, Hutch++ and XTrace over kinds of spectra.

    python benchmarks/trace_estimators.py

Matrices of 500 parameters with a known spectrum in random directions, and Hessians of small networks. For each budget
of products the root mean square error of each method over 120 draws, over that of the best of the three; then, for each
threshold of products below which Hutchinson is taken and from which XTrace, what it loses against the best.
"""

import argparse

import jax
import numpy as np
import timing
from scipy.stats import ortho_group

from theodolite.architectures import Dense, Softplus, Tanh
from theodolite.curvature import hessian, trace
from theodolite.finite_width import network

SIZE = 500
BUDGETS = (8, 12, 16, 20, 24, 30, 40, 60, 120)
METHODS = ("hutchinson", "hutch++", "xtrace")
THRESHOLDS = (6, 12, 16, 20, 24, 30, 40, 60, 121)


def spectra() -> dict[str, np.ndarray]:
    """Eigenvalues, from a fast decay to none, of one sign and of both."""
    k = np.arange(1.0, SIZE + 1)
    alternating = np.where(k % 2 == 0, -1.0, 1.0)
    flat = np.ones(SIZE)
    flat[:10] = 100.0
    bulk = np.random.default_rng(3).normal(size=SIZE) * 0.05
    bulk[:5] += [3.0, 2.0, 1.5, 1.0, 0.8]
    return {
        "exp(-k / 10)": np.exp(-k / 10),
        "k^-2": k**-2,
        "k^-1": 1 / k,
        "k^-1/2": k**-0.5,
        "ten large, flat rest": flat,
        "five large, bulk of both signs": bulk,
        "k^-1, a third of it negative": np.where(alternating > 0, 1 / k, -1 / (2 * k)),
    }


def hessians() -> dict[str, np.ndarray]:
    """Of networks of some hundred parameters at random weights."""
    from sklearn.datasets import load_digits

    X, y = load_digits(return_X_y=True)
    X = (X - X.mean(axis=0))[:48].astype(np.float64)
    X *= 8 / np.linalg.norm(X, axis=1, keepdims=True)
    X, labels = X @ np.linalg.qr(np.random.default_rng(0).normal(size=(64, 24)))[0], y[:48] % 2
    found = {}
    for name, activation in (
        ("softplus", Softplus()),
        ("normalised softplus", Softplus().normalised()),
        ("tanh", Tanh()),
    ):
        layer = Dense(bias_std=0.1)
        f = network(layer >> activation >> layer >> activation >> layer, 12)
        for seed in (0, 1):
            rng = np.random.default_rng(seed)

            shapes = f.init(jax.random.key(0), (24,))
            params = jax.tree.map(lambda leaf, rng=rng: rng.standard_normal(leaf.shape), shapes)
            found[f"Hessian, {name}, {seed + 1}"] = hessian("mse", f, params, (X, 2.0 * labels - 1)).dense()
    return found


def errors(matrix: np.ndarray, repeats: int) -> np.ndarray:
    """Root mean square errors, (budgets, methods)."""
    whole, random = float(np.trace(matrix)), np.random.default_rng(1)
    return np.array(
        [
            [
                np.sqrt(
                    np.mean([(trace(matrix, m, method=own, seed=random).value - whole) ** 2 for _ in range(repeats)])
                )
                for own in METHODS
            ]
            for m in BUDGETS
        ]
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--repeats", type=int, default=120)
    parser.add_argument("--save", help="write the numbers there, JSON")
    asked = parser.parse_args()
    turned = np.asarray(ortho_group.rvs(SIZE, random_state=np.random.default_rng(2)))
    matrices = {name: (turned * values) @ turned.T for name, values in spectra().items()} | hessians()
    rows, regret, kept = [["spectrum", "method", *(f"{m} products" for m in BUDGETS)]], [], {}
    for name, matrix in matrices.items():
        found = errors(matrix, asked.repeats)
        over = found / found.min(axis=1, keepdims=True)
        kept[name] = found.tolist()
        for place, own in enumerate(METHODS):
            rows.append([name if place == 0 else "", own, *(f"{value:.2f}" for value in over[:, place])])
        chosen = [
            [over[i, 0] if m < threshold else over[i, 2] for i, m in enumerate(BUDGETS)] for threshold in THRESHOLDS
        ]
        regret.append(chosen)
    print(timing.table(rows) + "\n")
    lost = np.array(regret)  # (matrices, thresholds, budgets)
    table = [["XTrace from", "error over the best, geometric mean", "worst", "Hessians alone, mean", "worst"]]
    own = np.array([name.startswith("Hessian") for name in matrices])
    for place, threshold in enumerate(THRESHOLDS):
        parts = [lost[:, place], lost[own, place]]
        numbers = [f(part) for part in parts for f in (lambda x: np.exp(np.log(x).mean()), np.max)]
        table.append([str(threshold), *(f"{number:.2f}" for number in numbers)])
    print(timing.table(table))
    timing.save(asked.save, kept, vars(asked))


if __name__ == "__main__":
    main()
