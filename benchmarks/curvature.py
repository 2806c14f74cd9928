"""Ends and density of a Hessian's spectrum: theodolite beside PyHessian, curvlinops and matfree written by hand.

    python benchmarks/curvature.py --peer FOLDER/bin/python --save results.json

A tanh network of 100,000 parameters (64-280-280-10) on 1,000 digits, cross-entropy, single precision, one thread.
Task 1: the ten largest eigenvalues with 100 products; task 2: a density of 10 probes and 30 Lanczos steps.
Each contestant is a process; all take turns; the first pass compiles, is checked and not timed. Ratios are of median
processor seconds. Beside them the floor: the matrix multiplications of as many products, in the contestant's own
library and in NumPy's, and nothing else. `--accuracy 0.01` then asks how many products, and how long, each needs for
ten eigenvalues that are all within 1 % of their own size. `--peer` is a Python with PyTorch, PyHessian and curvlinops
(benchmarks/README.md makes it); it defaults to CURVATURE_PEERS_PYTHON. Without it, these two are left out.
"""

import argparse
import itertools
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import timing

SIZES = (64, 280, 280, 10)
TASKS = ("top", "density")
BUDGETS = (20, 30, 40, 50, 60, 80, 100, 150, 200, 400, 800, 1600, 3200)


class Contestant:
    """A running process that answers one line with one line."""

    def __init__(self, python: str, name: str, job: Path) -> None:
        script = Path(__file__).with_name("curvature_contestant.py")
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        environment["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
        self.process = subprocess.Popen(
            [python, str(script), name, str(job)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment,
        )  # fmt: skip
        self.reply()

    def reply(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        while line := self.process.stdout.readline():
            if line.startswith("{"):
                return json.loads(line)
        raise SystemExit(f"a contestant ended with code {self.process.wait()}")

    def run(self, products: int, tasks: tuple[str, ...] = (*TASKS, "floor")) -> dict[str, Any]:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps({"products": products, "tasks": tasks}) + "\n")
        self.process.stdin.flush()
        return self.reply()


def job(path: Path, products: int, probes: int, steps: int) -> None:
    """The same weights and data for all."""
    from sklearn.datasets import load_digits

    random = np.random.default_rng(0)
    X, y = load_digits(return_X_y=True)
    X = ((X - X.mean(0)) / X.std())[:1000].astype(np.float32)
    weights = {}
    for i, (fan_in, fan_out) in enumerate(itertools.pairwise(SIZES)):
        weights[f"W{i}"] = (random.standard_normal((fan_in, fan_out)) / fan_in**0.5).astype(np.float32)
        weights[f"b{i}"] = np.zeros(fan_out, np.float32)
    np.savez(path, X=X, y=y[:1000], depth=len(SIZES) - 1, products=products, probes=probes, steps=steps, **weights)


def reference(path: Path) -> tuple[np.ndarray, float]:
    """In double precision: the ten largest eigenvalues, converged, by SciPy; and Tr H^2 / P from 40 probes."""
    import jax
    import jax.numpy as jnp
    from curvature_contestant import layers
    from scipy.sparse.linalg import LinearOperator, eigsh

    with np.load(path) as file:
        work = dict(file)
    with jax.enable_x64(True):
        from jax.flatten_util import ravel_pytree

        flat, unravel = ravel_pytree([(jnp.asarray(W, float), jnp.asarray(b, float)) for W, b in layers(work)])
        X, y = jnp.asarray(work["X"], float), jnp.asarray(work["y"])

        def loss(vector: Any, X: Any, y: Any) -> Any:
            *hidden, last = unravel(vector)
            h = X
            for W, b in hidden:
                h = jnp.tanh(h @ W + b)
            return -jnp.mean(jax.nn.log_softmax(h @ last[0] + last[1])[jnp.arange(len(y)), y])

        compiled = jax.jit(lambda at, X, y, v: jax.jvp(lambda t: jax.grad(loss)(t, X, y), (at,), (v,))[1])

        def product(v: np.ndarray) -> np.ndarray:
            return np.asarray(compiled(flat, X, y, v))

        made: Any = LinearOperator
        operator = made((flat.size,) * 2, matvec=lambda v: product(v.reshape(-1)), dtype=np.float64)
        values = np.sort(eigsh(operator, 10, which="LA", tol=1e-8, return_eigenvectors=False))[::-1]
        random = np.random.default_rng(1)
        probes = [2.0 * random.integers(0, 2, flat.size) - 1 for _ in range(40)]
        second = float(np.mean([np.sum(product(v) ** 2) for v in probes])) / flat.size
    return values, second


def checked(name: str, reply: dict[str, Any], values: np.ndarray, second: float) -> dict[str, float]:
    """How far the answers are off: the worst of ten eigenvalues, and the second moment of the density."""
    found = np.sort(np.array(reply["top"][0]))[::-1]
    nodes, weights = map(np.array, reply["density"])
    moment = float((weights * nodes**2).sum(1).mean() / weights.sum(1).mean())
    missing = len(values) - len(found)
    worst = float(np.max(np.abs(found - values[: len(found)]) / values[0])) if not missing else float("nan")
    off = {"eigenvalues": worst, "found": len(found), "largest": float(abs(found[0] / values[0] - 1))}
    off["second_moment"] = abs(moment / second - 1)
    if name in ("theodolite", "matfree") and (worst > 1e-3 or off["second_moment"] > 0.1):
        raise SystemExit(f"{name} answers wrongly: {off}")
    return off


def accurate(name: str, one: Contestant, values: np.ndarray, accuracy: float) -> tuple[int, float, float]:
    """The least of a few budgets with which ten eigenvalues are right, its seconds, and the worst of the ten."""
    worst, seconds, products = float("nan"), float("nan"), 0
    for products in BUDGETS:
        if name == "matfree":
            one.run(products, ("top",))  # compiles
        reply = one.run(products, ("top",))
        found, seconds = np.sort(np.array(reply["top"][0]))[::-1], reply["top_seconds"]
        if len(found) == len(values):
            worst = float(np.max(np.abs(found / values - 1)))
            if worst <= accuracy:
                break
    return products, seconds, worst


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--peer", default=os.environ.get("CURVATURE_PEERS_PYTHON"), help="a Python with the peers")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--products", type=int, default=100)
    parser.add_argument("--probes", type=int, default=10)
    parser.add_argument("--steps", type=int, default=30)
    parser.add_argument("--accuracy", type=float, help="and race to this relative error of ten eigenvalues")
    parser.add_argument("--save", help="write the numbers there, JSON")
    asked = parser.parse_args()
    pythons = {"theodolite": sys.executable, "matfree": sys.executable, "numpy": sys.executable}
    if asked.peer:
        pythons |= {"pyhessian": asked.peer, "curvlinops": asked.peer}
    else:
        print("no --peer: PyHessian and curvlinops are left out; see benchmarks/README.md")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "job.npz"
        job(path, asked.products, asked.probes, asked.steps)
        values, second = reference(path)
        running = {name: Contestant(python, name, path) for name, python in pythons.items()}
        first = {name: one.run(asked.products) for name, one in running.items()}
        off = {name: checked(name, reply, values, second) for name, reply in first.items() if name != "numpy"}
        clock: dict[str, dict[str, list[float]]] = {name: {task: [] for task in (*TASKS, "floor")} for name in running}
        names = list(running)
        for turn in range(asked.rounds):
            for name in names[turn % len(names) :] + names[: turn % len(names)]:
                reply = running[name].run(asked.products)
                for task, times in clock[name].items():
                    times.append(reply[f"{task}_seconds"])
        reached = (
            {name: accurate(name, running[name], values, asked.accuracy) for name in off} if asked.accuracy else {}
        )
        for one in running.values():
            one.process.stdin.close()  # type: ignore[union-attr]
            one.process.wait()
    print(timing.table(equal_products(clock, first, off, asked)))
    if reached:
        print(f"\nten eigenvalues within {asked.accuracy:g} of their own size:\n")
        rows = [[name, str(n), f"{t:.2f} s", f"{worst:.1e}"] for name, (n, t, worst) in reached.items()]
        print(timing.table([["", "products", "seconds", "worst of the ten"], *rows]))
    measured = {"seconds": clock, "off": off, "reached": reached}
    timing.save(asked.save, measured, vars(asked) | {"sizes": SIZES, "rows": 1000})


def equal_products(clock: Any, first: Any, off: Any, asked: argparse.Namespace) -> list[list[str]]:
    """Rows of the table: milliseconds a product, and how far that is from the multiplications it is made of."""
    spent = {"top": asked.products, "density": asked.probes * asked.steps, "floor": asked.products}
    head = ["", "first pass", "ends", "density", "ends / ours", "density / ours"]
    head += ["a product of the density", "its multiplications, own library", "worst eigenvalue", "second moment"]
    median = {name: {task: float(np.median(own)) for task, own in times.items()} for name, times in clock.items()}
    each = {name: {task: 1e3 * own[task] / spent[task] for task in own} for name, own in median.items()}
    ours, rows = median["theodolite"], [head]
    for name in off:
        own = median[name]
        rows.append(
            [name, f"{sum(first[name][f'{task}_seconds'] for task in TASKS):.1f} s"]
            + [f"{own[task]:.2f} s" for task in TASKS]
            + [f"{own[task] / ours[task]:.2f}" for task in TASKS]
            + [f"{each[name]['density']:.1f} ms", f"{each[name]['floor']:.1f} ms"]
            + [f"{off[name]['eigenvalues']:.1e}", f"{off[name]['second_moment']:.1e}"]
        )
    rows.append(["NumPy, multiplications alone", *([""] * 6), f"{each['numpy']['floor']:.1f} ms", "", ""])
    return rows


if __name__ == "__main__":
    main()
