"""One pass over a table that need not fit in memory: time beside the bare product, memory, growth with n, two workers.

    python benchmarks/random_features_streaming.py                       # 1,000,000 rows, P = 2048: some minutes
    python benchmarks/random_features_streaming.py --rows 100000         # a smaller table
    python benchmarks/random_features_streaming.py --without-workers     # the pass only

A synthetic Higgs-like Parquet table of 28 columns is written to a temporary folder. The answer is checked before
anything is timed: statistics of the first rows against plain products. Seconds of the processor stand beside seconds
of the clock, because other work may share the machine; ratios are taken in both.
"""

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import pandas as pd
from scipy.linalg.blas import dsyrk
from threadpoolctl import threadpool_limits

COLUMNS = 28


def write_table(folder: Path, rows: int, parts: int = 8) -> None:
    """Low-level columns as momenta and angles, high-level ones as their functions, two overlapping classes."""
    for part in range(parts):
        random = np.random.default_rng([7, part])
        many = rows // parts + (part < rows % parts)
        label = random.integers(0, 2, many)
        low = np.concatenate(
            [
                np.exp(0.5 * random.standard_normal((many, 10)) + 0.1 * label[:, None]),
                random.uniform(-3, 3, (many, 11)),
            ],
            axis=1,
        )
        mixed = low @ (np.random.default_rng(8).standard_normal((21, 7)) / 5)
        high = np.abs(mixed) + 0.3 * label[:, None] * np.sin(mixed) + 0.2 * random.standard_normal((many, 7))
        frame = pd.DataFrame(np.concatenate([low, high], axis=1), columns=[f"x{i:02d}" for i in range(COLUMNS)])
        frame.assign(y=label.astype(float)).to_parquet(folder / f"part-{part}.parquet", row_group_size=65536)


def prepared(folder: Path, family: str, features: int):
    """Source and recipe of a pass."""
    from theodolite.kernel_regression.target_coding import Quantities
    from theodolite.random_features import open_rows
    from theodolite.random_features.drawing import drawn_maps
    from theodolite.random_features.harvest import Recipe
    from theodolite.random_features.number_columns import NumberColumns

    source = open_rows(folder)
    frame, _ = source.sample(16384)
    encoder = NumberColumns.learned(frame.drop(columns="y"))
    points = encoder.transform(frame)
    maps = drawn_maps(family, None, features, points, seed=0)
    return source, Recipe("y", encoder, Quantities.of(frame.y.to_numpy())[0], maps)


def check(folder: Path, family: str) -> float:
    """Largest relative deviation of the pass from plain products on the first rows."""
    from theodolite.random_features.harvest import gather
    from theodolite.random_features.row_blocks import array_rows

    frame = pd.read_parquet(folder / "part-0.parquet")[:5000]
    _, recipe = prepared(folder, family, 200)
    one = gather(array_rows(frame), recipe).completed(recipe)[0]
    F = recipe.maps[0].transform(recipe.encoder.transform(frame))
    gram, cross = F.T @ F, F.T @ (frame.y - frame.y.mean()).to_numpy()[:, None]
    return max(
        np.abs(one.feature_gram - gram).max() / np.abs(gram).max(),
        np.abs(one.centred_cross - cross).max() / np.abs(cross).max(),
    )


def clocks(work) -> tuple[float, float]:
    """Seconds of the clock and of the processor."""
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - wall, time.process_time() - cpu


def bare_product(rows: int, features: int, block: int) -> tuple[float, float]:
    """SYRK of as many blocks of the same shape, each multiplied onto the sum in place; random numbers, one block."""
    random = np.random.default_rng(0)
    F = random.standard_normal((block, features))
    total = [np.zeros((features, features), order="F")]

    def work():
        for start in range(0, rows, block):
            many = min(block, rows - start)
            total[0] = dsyrk(1.0, F[:many].T, beta=1.0, c=total[0], lower=1, overwrite_c=1)

    return clocks(work)


def one_pass(folder: str, family: str, features: int) -> None:
    """Runs in a process of its own, so that its peak of memory is that of the pass. Prints JSON."""
    from theodolite.random_features.harvest import gather
    from theodolite.random_features.machine import fit_machine

    with threadpool_limits(1):
        source, recipe = prepared(Path(folder), family, features)
        found = []
        wall, cpu = clocks(lambda: found.append(gather(source, recipe)))
        bare_wall, bare_cpu = bare_product(found[0].rows, features, recipe.block_rows)
        machine = []
        solve_wall, _ = clocks(lambda: machine.append(fit_machine(found[0], recipe)))
    print(
        json.dumps(
            {
                "rows": found[0].rows,
                "family": family,
                "wall": wall,
                "cpu": cpu,
                "bare_wall": bare_wall,
                "bare_cpu": bare_cpu,
                "solve": solve_wall,
                "predicted_risk": machine[0].predicted_risk,
                "whitened_late": recipe.stages[0].matrix is not None,
                "memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000,
            }
        )
    )


def measured(folder: Path, family: str, features: int) -> dict:
    """`one_pass` in a new process."""
    command = [sys.executable, __file__, "--one-pass", str(folder), "--family", family, "--features", str(features)]
    answer = subprocess.run(command, check=True, capture_output=True, text=True)
    return json.loads(answer.stdout.strip().splitlines()[-1])


def workers(folder: Path, family: str, features: int, counts=(1, 2)) -> list[dict]:
    """The pass on clusters of local processes, one thread each: seconds of the clock and of each worker's processor."""
    from distributed import Client, LocalCluster

    from theodolite.random_features.cluster import gather_on

    source, recipe = prepared(folder, family, features)
    found = []
    for count in counts:
        with (
            LocalCluster(n_workers=count, threads_per_worker=1, processes=True, dashboard_address=":0") as cluster,
            Client(cluster) as client,
        ):
            client.run(_loaded)
            before = client.run(time.process_time)
            wall, _ = clocks(lambda: gather_on(client, source, recipe))
            after = client.run(time.process_time)
            busy = [after[one] - before[one] for one in after]
        found.append({"workers": count, "wall": wall, "cpu": busy})
    return found


def _loaded() -> None:
    import theodolite.random_features.harvest  # noqa: F401


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--features", type=int, default=2048)
    parser.add_argument("--family", default="nystrom", choices=("nystrom", "fourier"))
    parser.add_argument("--without-workers", action="store_true")
    parser.add_argument("--only-workers", action="store_true")
    parser.add_argument("--one-pass", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one_pass:
        one_pass(given.one_pass, given.family, given.features)
        return
    print(f"{platform.machine()}, {os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}, {given.family} features")
    print("rows       wall s   cpu s   bare SYRK cpu s   ratio cpu   ratio wall   memory MB   ridge and weights s")
    sizes = [given.rows // 16, given.rows // 8, given.rows // 4, given.rows]
    points = []
    with tempfile.TemporaryDirectory() as place:
        if not given.only_workers:
            for rows in sizes:
                folder = Path(place) / str(rows)
                folder.mkdir()
                write_table(folder, rows)
                if rows == sizes[0]:
                    print(f"checked: largest relative deviation from plain products {check(folder, given.family):.1e}")
                one = measured(folder, given.family, given.features)
                points.append((one["rows"], one["cpu"]))
                print(
                    f"{one['rows']:<10d} {one['wall']:6.1f}  {one['cpu']:6.1f}   {one['bare_cpu']:10.1f}       "
                    f"{one['cpu'] / one['bare_cpu']:8.2f}     {one['wall'] / one['bare_wall']:8.2f}     "
                    f"{one['memory_mb']:7.0f}     {one['solve']:8.1f}",
                    flush=True,
                )
            n, seconds = np.log(np.array(points)).T
            print(f"seconds grow as n^{np.polyfit(n, seconds, 1)[0]:.3f} (least squares of logarithms)")
        if not given.without_workers:
            folder = Path(place) / "workers"
            folder.mkdir()
            write_table(folder, given.rows)
            one, two = workers(folder, given.family, given.features)
            print(f"one worker:  {one['wall']:.1f} s, processor seconds {one['cpu'][0]:.1f}")
            print(f"two workers: {two['wall']:.1f} s, processor seconds {' + '.join(f'{s:.1f}' for s in two['cpu'])}")
            print(f"speed-up by the clock {one['wall'] / two['wall']:.2f}")
            print(f"speed-up by processor seconds of the busier worker {one['cpu'][0] / max(two['cpu']):.2f}")


if __name__ == "__main__":
    main()
