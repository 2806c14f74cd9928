"""How many threads our own loops may take: as many as linear algebra has been given."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any

import numpy as np  # noqa: F401  (its linear algebra must be loaded before the controller looks for it)
from threadpoolctl import ThreadpoolController


def workers() -> int:
    """Threads of linear algebra in force now (`OMP_NUM_THREADS`, `threadpoolctl.threadpool_limits`), at least 1.

    >>> from threadpoolctl import threadpool_limits
    >>> with threadpool_limits(1):
    ...     workers()
    1
    """
    return max((pool["num_threads"] for pool in _pools().info() if pool["user_api"] == "blas"), default=1)


@cache
def _pools() -> ThreadpoolController:
    return ThreadpoolController()


def side_by_side(work: Callable[[Any], object], parts: Sequence[Any]) -> None:
    """work(part) for each part, on several threads where there are any; work must release the interpreter lock."""
    places = min(workers(), len(parts))
    if places <= 1:
        for part in parts:
            work(part)
        return
    with ThreadPoolExecutor(places) as pool:
        for outcome in pool.map(work, parts):
            del outcome
