"""Jobs, one JSON object a line on standard input; one line of JSON back for each. Needs numpy alone.

A job: {"net": config, "data": path of an .npz with X (and Z), "get": ["nngp", "ntk"], "dtype": "float64",
"mode": "answer" or "time", "repeat": 3, "variant": "jit", "degree": 25, "out": path of an .npz for the matrices}.
A reply: {"prepare": s, "first": s, "wall": [s], "cpu": [s], "shape": [...], "rss_before": MB, "rss_peak": MB}
or {"refused": why}; after a refusal the process ends with code 3.
"""

import json
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

Kernels = dict[str, np.ndarray]
Prepare = Callable[[dict[str, Any], np.ndarray, "np.ndarray | None"], Callable[[], Kernels]]
DEFAULTS = {"get": ["nngp", "ntk"], "dtype": "float64", "mode": "answer", "repeat": 3, "variant": "jit", "degree": 25}


class Refused(Exception):
    """The contestant has no such network."""


def serve(prepare: Prepare) -> None:
    """Answer jobs until the input ends.

    `prepare(job, x, z)` builds and compiles, and returns the work to be timed, which ends when its arrays exist.
    Prepared work is kept: a second job with the same network and data runs without compiling.
    """
    kept: dict[str, tuple[Callable[[], Kernels], float]] = {}
    code = 0
    for line in sys.stdin:
        if not line.strip():
            continue
        job = DEFAULTS | json.loads(line)
        try:
            reply = _answer(prepare, job, kept)
        except Refused as refusal:
            code = 3
            print(f"refused: {refusal}", file=sys.stderr, flush=True)
            reply = {"refused": str(refusal)}
        print(json.dumps(reply), flush=True)
    sys.exit(code)


def peak_memory() -> float:
    """Largest resident memory of this process so far, in MB."""
    status = Path("/proc/self/status")  # getrusage also counts the process that started this one
    if status.exists():
        lines = dict(line.split(":", 1) for line in status.read_text(encoding="ascii").splitlines())
        return int(lines["VmHWM"].split()[0]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _answer(prepare: Prepare, job: dict[str, Any], kept: dict) -> dict[str, Any]:
    key = json.dumps({name: job[name] for name in ("net", "data", "get", "dtype", "variant", "degree")})
    before, first = peak_memory(), None
    if key not in kept:
        with np.load(job["data"], allow_pickle=False) as arrays:
            x = arrays["X"].astype(job["dtype"])
            z = arrays["Z"].astype(job["dtype"]) if "Z" in arrays else None
        started = time.perf_counter()
        work = prepare(job, x, z)
        kept[key] = work, time.perf_counter() - started
        started = time.perf_counter()
        answer = work()
        first = time.perf_counter() - started
    else:
        answer = None
    work, prepared = kept[key]
    wall, cpu = [], []
    if job["mode"] == "time":
        for _ in range(job["repeat"]):
            answer = None  # room for the next one
            walls, cpus = time.perf_counter(), time.process_time()
            answer = work()
            cpu.append(time.process_time() - cpus)
            wall.append(time.perf_counter() - walls)
    elif answer is None:
        answer = work()
    peak = peak_memory()
    if "out" in job:
        np.savez(job["out"], **answer)
    return {
        "prepare": prepared,
        "first": first,
        "wall": wall,
        "cpu": cpu,
        "shape": list(next(iter(answer.values())).shape),
        "rss_before": before,
        "rss_peak": peak,
    }
