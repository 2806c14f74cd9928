"""How many threads of linear algebra: one each for candidates side by side, all of them for one large matrix."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, nullcontext

import numpy as np
from threadpoolctl import threadpool_info, threadpool_limits

from theodolite.numerics import memory
from theodolite.survey.measuring import Sample

WORKING_COPIES = 5  # (n, n) arrays of one candidate at work
SMALL = 1000  # rows below which a second thread costs more than it brings


def threads_for(rows: int) -> AbstractContextManager[object]:
    """Linear algebra on one thread for small matrices, on all of them for large ones."""
    return threadpool_limits(1, user_api="blas") if rows < SMALL else nullcontext()


@contextmanager
def side_by_side(sample: Sample) -> Iterator[tuple[ThreadPoolExecutor, int]]:
    """A pool that measures candidates side by side, one thread of linear algebra each, and its number of places.

    That takes half the processor time of one candidate on two threads, whose small panels wait for each other; and
    `numerics.lapack` and the compiled sweeps let other threads run meanwhile. As many places as linear algebra had
    threads, fewer where memory is short.
    """
    threads = max((pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"), default=1)
    shared = sample.pairs is not None  # computed here, once, with all threads
    free = memory.limit_bytes(sample.memory_limit) - (3 * 8 * sample.size**2 if shared else 0)
    places = int(np.clip(free // (WORKING_COPIES * 8 * sample.size**2), 1, threads))
    if places == 1:
        with ThreadPoolExecutor(1) as pool:
            yield pool, 1
        return
    with threadpool_limits(1, user_api="blas"), ThreadPoolExecutor(places) as pool:
        yield pool, places
