"""The same pass on many processes or machines: partitions go to dask workers, their sums come back through a tree.

The tree is fixed by the partitions alone, so the result does not depend on who computed what: a lost worker's
partitions are computed again by others, and the numbers are the same to the last bit.
"""

import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from theodolite.numerics.errors import BadInput, NotFinite, ShapeMismatch
from theodolite.numerics.progress import Progress, silent
from theodolite.random_features.harvest import Harvest, Recipe, refuse_empty
from theodolite.random_features.row_blocks import RowSource

ANSWER_SECONDS = 5.0  # for a scheduler to answer
PATIENCE_SECONDS = 60.0  # without any worker
BRANCHES = 4  # harvests added up at once
_POLL_SECONDS = 0.2
_OURS = (BadInput, NotFinite, ShapeMismatch)


def gather_on(
    scheduler: Any,
    source: RowSource,
    recipe: Recipe,
    *,
    progress: Progress = silent,
    patience: float = PATIENCE_SECONDS,
) -> Harvest:
    """One pass over a source by the workers of a dask cluster.

    Args: scheduler, an address ("tcp://host:8786"), "local" for processes on this machine, or a dask Client; source,
        whose files every worker can read; recipe; patience, seconds to wait when all workers are gone.
    Returns: what `gather` returns, to round-off; bit for bit the same whatever the workers and their fate.
    Raises: BadInput when dask is not installed, when no scheduler answers, when it or all workers are gone for good or
        a partition kills every worker it meets; and as `gather`, naming file, block and row.
    Cost: that of `gather`, shared; besides, 8 P^2 bytes travel for each partition and model.
    """
    with client_of(scheduler) as client:
        from distributed import KilledWorker

        with warnings.catch_warnings():
            # a result of a task, not scattered data: with its last holder lost, it is made again from the graph
            warnings.filterwarnings("ignore", message="Sending large graph")
            sent = client.submit(_itself, recipe, pure=False)
        futures = [client.submit(_of, sent, partition, pure=False) for partition in source.partitions]
        leaves = list(futures)
        level = futures
        while len(level) > 1:
            groups = [level[start : start + BRANCHES] for start in range(0, len(level), BRANCHES)]
            level = [group[0] if len(group) == 1 else client.submit(_sum, group, pure=False) for group in groups]
        try:
            _watch(client, leaves, level[0], progress, patience)
            total: Any = level[0].result(timeout=ANSWER_SECONDS * 12)
        except _OURS:
            raise
        except KilledWorker as error:
            raise BadInput(
                f"the cluster gave up: the same rows ended several workers one after the other ({error}); they are "
                "probably short of memory: use fewer features, or workers with more memory"
            ) from None
        except (OSError, TimeoutError, RuntimeError) as error:
            raise BadInput(f"the cluster was lost during the pass ({_words(error)}); run it again") from None
        finally:
            client.cancel([sent, *leaves, level[0]])
    return refuse_empty(total, source)


def needs_dask() -> None:
    """Raises: BadInput naming the extra when dask is not installed; asked before any work that a cluster would end."""
    try:
        import distributed  # noqa: F401
    except ImportError:
        raise BadInput(
            "working on a cluster needs dask, which is not installed; install theodolite[distributed] "
            "(pip install 'theodolite[distributed]'), or leave scheduler out"
        ) from None


@contextmanager
def client_of(scheduler: Any) -> Iterator[Any]:
    """A dask client: of the given one itself, of the scheduler at an address, or of a cluster started here.

    "local" starts one process a core; a script that asks for it needs `if __name__ == "__main__":` around its work.

    Raises: BadInput within seconds when dask is missing or no scheduler answers.
    """
    needs_dask()
    from distributed import Client, LocalCluster

    if isinstance(scheduler, Client):
        yield scheduler
        return
    if scheduler == "local":
        from dask.system import CPU_COUNT

        with (
            LocalCluster(n_workers=CPU_COUNT, threads_per_worker=1, processes=True, dashboard_address=":0") as cluster,
            Client(cluster) as client,
        ):
            yield client
        return
    try:
        client = Client(str(scheduler), timeout=ANSWER_SECONDS)
    except (OSError, TimeoutError, ValueError) as error:
        raise BadInput(
            f"no scheduler answers at {scheduler!r} within {ANSWER_SECONDS:g} s ({_words(error)}); start one with "
            "`dask scheduler`, check the address, or use scheduler='local'"
        ) from None
    with client:
        yield client


def _itself(recipe: Recipe) -> Recipe:
    """Runs on a worker."""
    return recipe


def _of(recipe: Recipe, partition: Any) -> Harvest:
    """Runs on a worker."""
    return recipe.of(partition)


def _sum(parts: list[Harvest]) -> Harvest:
    """Runs on a worker. The arguments belong to dask and may be asked for again: they are not added onto."""
    first, *others = parts
    total = first.copy()
    for other in others:
        total.absorb(other)
    return total


def _watch(client: Any, leaves: list[Any], root: Any, progress: Progress, patience: float) -> None:
    """Wait for the root, tell progress, and stop when nobody is left to work."""
    alone_since: float | None = None
    told = -1
    while not root.done():
        done = sum(leaf.done() for leaf in leaves)
        if done != told:
            progress(done, len(leaves) + 1, f"{done} of {len(leaves)} parts of the table")
            told = done
        if client.status not in ("running", "connecting"):
            raise OSError(f"the connection to the scheduler is {client.status}")
        if client.scheduler_info()["workers"]:
            alone_since = None
        else:
            now = time.monotonic()
            alone_since = now if alone_since is None else alone_since
            if now - alone_since > patience:
                raise BadInput(
                    f"the cluster has had no worker for {patience:g} s, with {done} of {len(leaves)} parts done; start "
                    "workers with `dask worker ADDRESS` and run it again"
                )
        time.sleep(_POLL_SECONDS)
    progress(len(leaves) + 1, len(leaves) + 1, "all parts of the table")


def _words(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:160]
