"""Networks trained together under one vmap against one by one: steps of one network a second, once compiled, and whole.

    taskset -c 0 python benchmarks/ensemble_training.py --members 100 --width 64 --points 500 100 20 --rounds 3

Full-batch Adam on the squared hinge loss, three hidden ReLU layers, as in the cases on scaling. First the answers: each
network trained alone ends where it ends in the ensemble. Then, in turns: a run of the ensemble, and runs of single
networks (a few of them, scaled to all). "Compiled": processor seconds of the chunks after the first. "Whole": with
tracing and compiling, as a user pays who calls `train` for each network. Ratios are of medians over rounds.
"""

import argparse
import time
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from timing import environment, save, table

from theodolite.training_dynamics import orthogonal_layers, rectified, train_ensemble

STEPS, CHUNK, ALONE = 200, 50, 3


def run(params: Any, X: np.ndarray, Y: np.ndarray) -> tuple[np.ndarray, float, float]:
    """Outputs on the training points, processor seconds a step once compiled, and seconds of the whole run."""
    at: list[float] = []

    def stamp(done: float, total: float, what: str) -> None:
        at.append(time.process_time())  # after a look at the state: the device has finished

    start = time.process_time()
    end = train_ensemble(
        rectified,
        params,
        X,
        Y,
        steps=STEPS,
        every=CHUNK,
        optimiser=optax.adam(2e-4),
        loss="squared_hinge",
        progress=stamp,
    )
    whole = time.process_time() - start
    return end.outputs, float(np.median(np.diff(at))) / CHUNK, whole


def measure(members: int, width: int, points: int, rounds: int) -> dict[str, float]:
    """Check the answers, then medians over rounds."""
    rng = np.random.default_rng(0)
    X, Y = rng.standard_normal((points, 10)), rng.choice([-1.0, 1.0], points)
    keys = jax.random.split(jax.random.key(0), members)
    params = jax.jit(jax.vmap(lambda key: orthogonal_layers(key, (10, width, width, width, 1))))(keys)
    single = [jax.tree.map(lambda leaf: jnp.asarray(leaf[i : i + 1]), params) for i in range(ALONE)]  # noqa: B023
    together, _, _ = run(params, X, Y)
    for i, one in enumerate(single):
        np.testing.assert_allclose(run(one, X, Y)[0][0], together[i], atol=2e-3)
    all_steps, all_whole, one_steps, one_whole = [], [], [], []
    for turn in range(rounds):
        for which in (0, 1) if turn % 2 else (1, 0):
            if which:
                _, step, whole = run(params, X, Y)
                all_steps.append(step)
                all_whole.append(whole)
            else:
                alone = [run(one, X, Y)[1:] for one in single]
                one_steps.append(np.mean([step for step, _ in alone]))
                one_whole.append(np.mean([whole for _, whole in alone]))
    seconds = {
        "together, ms a step of all": 1e3 * np.median(all_steps),
        "alone, ms a step of one": 1e3 * np.median(one_steps),
        "compiled, times faster": members * np.median(one_steps) / np.median(all_steps),
        "whole, times faster": members * np.median(one_whole) / np.median(all_whole),
    }
    return {"points": points, **{name: float(value) for name, value in seconds.items()}}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--members", type=int, default=100)
    parser.add_argument("--width", type=int, default=64)
    parser.add_argument("--points", type=int, nargs="+", default=[500, 100, 20])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--out", help="write the record as JSON")
    given = parser.parse_args()
    found = [measure(given.members, given.width, points, given.rounds) for points in given.points]
    print(table([list(found[0]), *([f"{value:.3g}" for value in row.values()] for row in found)]))
    print(environment()["processor"], "jax", jax.__version__)
    save(given.out, found, vars(given))
