"""Empirical tangent kernels: ours against the three implementations of neural-tangents 0.6.5, float64, one core.

    python benchmarks/tangent_kernels.py --peer FOLDER/bin/python

784-512-512-512-10 with ReLU and a small convolutional network (16 x 16 x 3, two layers of 32 channels, ten outputs),
the same weights for all, traced over the outputs. Each contestant is a process of its own; answers are compared with
the first of them. Seconds are processor times, the least of the repeats; memory is the peak of the process.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import timing

FOLDER = Path(__file__).parent / "neural_tangents"
WAYS = ("ours", "ours-plain", "nt1", "nt2", "nt3")


def measured(model: str, n: int, way: str, python: str, repeats: int) -> dict | None:
    """Kernel, seconds and memory of one contestant; None when it fails or takes more than five minutes."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder, "answer.npz")
        source = {} if way.startswith("nt") else {"PYTHONPATH": str(Path(__file__).parents[1] / "src")}
        command = [python, str(FOLDER / "tangent.py"), model, str(n), way, str(repeats), str(out)]
        try:
            ended = subprocess.run(
                command, env=os.environ | source, capture_output=True, text=True, timeout=300, check=False
            )
        except subprocess.TimeoutExpired:
            return None
        if ended.returncode:
            print(ended.stderr[-2000:], file=sys.stderr)
            return None
        with np.load(out, allow_pickle=False) as arrays:
            return dict(arrays)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peer", default=os.environ.get("NEURAL_TANGENTS_PYTHON"), help="the peer's interpreter")
    parser.add_argument("--sizes", type=int, nargs="+", default=[64, 128])
    parser.add_argument("--models", nargs="+", default=["mlp", "cnn"])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--out", help="JSON file")
    options = parser.parse_args()
    if not options.peer or not Path(options.peer).exists():
        print("skipped: no interpreter of neural-tangents; give --peer or set NEURAL_TANGENTS_PYTHON")
        return
    if hasattr(os, "sched_setaffinity"):  # inherited by the contestants
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    head = ["model", "n", "contestant", "cpu, s", "first, s", "peak MB", "difference", "over ours"]
    rows, kept = [head], []
    for model in options.models:
        for n in options.sizes:
            first, mine = None, None
            for way in WAYS:
                python = options.peer if way.startswith("nt") else sys.executable
                found = measured(model, n, way, python, options.repeats)
                if found is None:
                    rows.append([model, str(n), way, "failed or more than 300 s", "", "", "", ""])
                    continue
                first = found["kernel"] if first is None else first
                gap = float(np.abs(found["kernel"] - first).max() / np.abs(first).max())
                assert gap < 1e-10, f"{way} disagrees by {gap}"
                seconds = float(found["cpu"].min())
                mine = seconds if mine is None else mine
                numbers = [seconds, float(found["first"]), float(found["memory"]), gap, seconds / mine]
                kept.append({"model": model, "n": n, "contestant": way, **dict(zip(head[3:], numbers, strict=True))})
                rows.append(
                    [model, str(n), way, *(f"{v:.3g}" for v in numbers[:2]), f"{numbers[2]:.0f}", f"{gap:.0e}",
                     f"{numbers[4]:.2f}"]
                )  # fmt: skip
                print(timing.table([head, rows[-1]]), flush=True)
    print("\n" + timing.table(rows))
    timing.save(options.out, kept, {**vars(options), "peer": "neural-tangents 0.6.5, jax 0.4.30"})


if __name__ == "__main__":
    main()
