"""Timing side by side: answers checked first, rounds interleaved, processor and wall time, environment recorded."""

import json
import os
import platform
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import scipy.linalg
import threadpoolctl


@dataclass
class Timing:
    """Seconds of each round, in processor time of this process (one thread) and on the wall."""

    cpu: list[float] = field(default_factory=list)
    wall: list[float] = field(default_factory=list)

    @property
    def median(self) -> float:
        """Median processor time."""
        return float(np.median(self.cpu))

    @property
    def least(self) -> float:
        """Least processor time."""
        return float(np.min(self.cpu))

    def summary(self) -> dict[str, float | int]:
        """For the record."""
        return {
            "rounds": len(self.cpu),
            "cpu_median": self.median,
            "cpu_min": self.least,
            "wall_median": float(np.median(self.wall)),
            "wall_min": float(np.min(self.wall)),
        }


def stopwatch(work: Callable[[], Any], timing: Timing) -> Any:
    """Run `work` once, add its seconds to `timing`, return its answer."""
    wall, cpu = time.perf_counter(), time.process_time()
    answer = work()
    timing.cpu.append(time.process_time() - cpu)
    timing.wall.append(time.perf_counter() - wall)
    return answer


def race(
    contestants: Mapping[str, Callable[[], Any]],
    check: Callable[[dict[str, Any]], None],
    *,
    rounds: int = 5,
    warm: bool = True,
) -> dict[str, Timing]:
    """Time each contestant `rounds` times, one thread, taking turns, the order rotated from round to round.

    `check` receives the answers of a first pass, by name, and raises when one is wrong. The first pass is not timed
    unless `warm` is False (for contestants of minutes, where a cold cache does not matter).
    """
    threadpoolctl.threadpool_limits(1)
    timings = {name: Timing() for name in contestants}
    check({name: stopwatch(work, Timing() if warm else timings[name]) for name, work in contestants.items()})
    names = list(contestants)
    for turn in range(rounds if warm else rounds - 1):
        for name in names[turn % len(names) :] + names[: turn % len(names)]:
            stopwatch(contestants[name], timings[name])
    return timings


def product_rate(n: int, repeats: int = 5) -> float:
    """Floating-point operations a second of an n x n matrix product, the best of a few."""
    threadpoolctl.threadpool_limits(1)
    a = np.asfortranarray(np.random.default_rng(0).standard_normal((n, n)))
    timing = Timing()
    for _ in range(repeats):
        stopwatch(lambda: scipy.linalg.blas.dgemm(1.0, a, a), timing)
    return 2.0 * n**3 / timing.least


def environment() -> dict[str, Any]:
    """What the numbers depend on, without anything that names the machine."""
    pools = [
        {key: pool[key] for key in ("internal_api", "version", "num_threads") if key in pool}
        | {key: pool[key] for key in ("architecture",) if key in pool}
        for pool in threadpoolctl.threadpool_info()
    ]
    return {
        "python": platform.python_version(),
        "machine": platform.machine(),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "versions": {name: version(name) for name in ("numpy", "scipy", "scikit-learn", "theodolite")},
        "thread_pools": pools,
        "load_at_the_end": [round(x, 2) for x in os.getloadavg()] if hasattr(os, "getloadavg") else None,
    }


def save(path: str | Path | None, measured: Any, settings: dict[str, Any]) -> None:
    """Write what was measured with its settings and the environment as JSON, or do nothing without a path."""
    if path is not None:
        record = {"settings": settings, "environment": environment(), "measured": measured}
        Path(path).write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


def table(rows: list[list[str]]) -> str:
    """Rows, the first one the head, as a Markdown table."""
    head, *body = rows
    return "\n".join("| " + " | ".join(row) + " |" for row in [head, ["---"] * len(head), *body])


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor()
