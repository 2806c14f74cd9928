"""What a run of several cases will take, before it starts."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from theodolite.experiments.case import Case
from theodolite.experiments.check import Mode
from theodolite.experiments.durations import expected_seconds
from theodolite.experiments.runner import Run
from theodolite.experiments.store import Store


@dataclass(frozen=True)
class Outlook:
    """`stored` of `cases` need no run; the others take about `seconds`, leaving out `untimed` ones."""

    cases: int
    stored: int
    seconds: float
    untimed: int


def outlook(
    cases: Sequence[Case[Any]],
    mode: Mode = "full",
    store: Store | None = None,
    *,
    jobs: int = 1,
    seed: int = 0,
    again: bool = False,
    data_folder: str | Path | None = None,
) -> Outlook:
    """What `run_many` with the same arguments will take, from times seen on one core of the development machine.

    Parts of a run that was stopped are not counted out, and larger data sets of a data folder are not counted in.
    """
    runs = [Run.of(case, mode, store, seed, data_folder) for case in cases]
    due = [run for run in runs if again or run.store.find(run.case.name, mode, run.address) is None]
    times = [expected_seconds(run.case.name, mode) for run in due]
    known = [seconds for seconds in times if seconds is not None]
    return Outlook(len(runs), len(runs) - len(due), shared_out(known, jobs), len(times) - len(known))


def longest_first(cases: Sequence[Case[Any]], mode: Mode) -> list[int]:
    """Positions of the cases in the order in which to start them side by side; untimed ones first.

    >>> longest_first([], "full")
    []
    """
    seconds = [expected_seconds(case.name, mode) for case in cases]
    untimed = [i for i, known in enumerate(seconds) if known is None]
    timed = [(-known, i) for i, known in enumerate(seconds) if known is not None]
    return untimed + [i for _, i in sorted(timed)]


def shared_out(seconds: Sequence[float], jobs: int) -> float:
    """When the last of some runs ends, each given to the worker that is free first, the longest first.

    >>> shared_out([3.0, 1.0, 2.0], 1), shared_out([3.0, 1.0, 2.0], 2), shared_out([], 2)
    (6.0, 3.0, 0.0)
    """
    free = [0.0] * jobs
    for one in sorted(seconds, reverse=True):
        free.sort()
        free[0] += one
    return max(free)
