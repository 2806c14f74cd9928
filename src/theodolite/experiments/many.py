"""Run several cases, in turn or side by side; a broken one does not stop the others."""

import multiprocessing
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, ThreadPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from pathlib import Path
from typing import Any

from threadpoolctl import threadpool_info, threadpool_limits

from theodolite.experiments.case import Case
from theodolite.experiments.check import Mode
from theodolite.experiments.outlook import longest_first
from theodolite.experiments.result import Result
from theodolite.experiments.runner import Run, described, run_case
from theodolite.experiments.store import Store
from theodolite.experiments.surroundings import usable_cores
from theodolite.numerics.errors import BadInput
from theodolite.numerics.progress import Progress, silent

Tell = Callable[[Result], None]


def run_many(
    cases: Sequence[Case[Any]],
    mode: Mode = "full",
    store: Store | None = None,
    *,
    jobs: int = 1,
    progress: Progress = silent,
    seed: int = 0,
    again: bool = False,
    data_folder: str | Path | None = None,
    on_result: Tell | None = None,
) -> list[Result]:
    """Run several cases, `jobs` at a time; results in the order of the cases.

    With one job the cases run in this process. With more, each runs in a fresh process of its own, so that one that
    dies (out of memory, say) is recorded as an error and the others go on; a script that calls this needs the usual
    `if __name__ == "__main__":`. The cores are shared out: each job may use cores // jobs threads for linear algebra
    (fewer when fewer are set, as by OMP_NUM_THREADS). The longest start first. No case measures time, so none needs the
    machine for itself.
    `progress` hears of finished cases (with one job, of the parts within too); `on_result` hears each result as it
    comes. Other arguments as in `run_case`.
    """
    if jobs < 1:
        raise BadInput(f"jobs must be at least 1, got {jobs}")
    for case in cases:
        Run.of(case, mode, store, seed, data_folder)
    one = partial(
        _with_threads,
        max(1, usable_cores() // jobs),
        mode=mode,
        store=store,
        seed=seed,
        again=again,
        data_folder=data_folder,
    )
    tell = on_result or (lambda result: None)
    if jobs == 1:
        return _in_turn(cases, one, progress, tell)
    return _side_by_side(cases, one, progress, tell, jobs)


def _with_threads(share: int, case: Case[Any], **settings: Any) -> Result:
    """Run with at most `share` threads for linear algebra, or fewer where fewer are set already."""
    allowed = min([share, *(library["num_threads"] for library in threadpool_info())])
    with threadpool_limits(allowed):
        return run_case(case, **settings)


def _in_turn(cases: Sequence[Case[Any]], one: Callable[..., Result], progress: Progress, tell: Tell) -> list[Result]:
    results = []
    for done, case in enumerate(cases):

        def within(part: float, total: float, what: str, done: int = done, name: str = case.name) -> None:
            progress(done + (part / total if total else 0.0), len(cases), f"{name}: {what}")

        results.append(one(case, progress=within))
        tell(results[-1])
    progress(len(cases), len(cases), "done")
    return results


def _side_by_side(
    cases: Sequence[Case[Any]], one: partial[Result], progress: Progress, tell: Tell, jobs: int
) -> list[Result]:
    results: dict[int, Result] = {}
    strangers = set(multiprocessing.active_children())
    minders = ThreadPoolExecutor(max_workers=jobs)
    try:
        waiting: dict[Future[Result], int] = {
            minders.submit(_in_own_process, cases[index], one): index
            for index in longest_first(cases, one.keywords["mode"])
        }
        progress(0, len(cases), f"{jobs} at a time")
        while waiting:
            finished, _ = wait(waiting, return_when=FIRST_COMPLETED)
            for future in finished:
                index = waiting.pop(future)
                results[index] = future.result()
                progress(len(results), len(cases), cases[index].name)
                tell(results[index])
    except BaseException:
        minders.shutdown(wait=False, cancel_futures=True)
        for child in set(multiprocessing.active_children()) - strangers:
            child.terminate()
        raise
    minders.shutdown()
    return [results[index] for index in range(len(cases))]


def _in_own_process(case: Case[Any], one: partial[Result]) -> Result:
    """Mind one process; when it dies without a word, say so in a result. Its finished parts stay."""
    try:
        with ProcessPoolExecutor(max_workers=1, mp_context=multiprocessing.get_context("spawn")) as pool:
            return pool.submit(one, case).result()
    except BrokenProcessPool:
        error = f"the process running {case.name} died (killed, or out of memory); run it again and it resumes"
    except Exception as problem:
        error = f"{case.name} could not be run in a process of its own: {described(problem)}"
    settings = {name: value for name, value in one.keywords.items() if name != "again"}
    run = Run.of(case, **settings)
    result = run.record(error=error)
    run.store.save(result)
    return result
