"""Progress on stderr: a bar on a terminal, a line now and then elsewhere, something from the first moment on."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from theodolite.cli import console
from theodolite.numerics.progress import Progress
from theodolite.reporting import words

FIRST_PAUSE, LONGEST_PAUSE = 5.0, 60.0


@contextmanager
def shown(first: str) -> Iterator[Progress]:
    """A listener for (done, total, what), which starts by saying `first`."""
    err = console.stderr()
    if err.is_terminal and not err.is_dumb_terminal:
        with _bar(first) as tell:
            yield tell
    else:
        tell = _Lines()
        tell(0, 0, first)
        yield tell


class _Lines:
    """Plain lines, ever more rarely: the first at once, the next after 5 s, then 10 s, ... at most one a minute."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._next = clock()
        self._pause = FIRST_PAUSE

    def __call__(self, done: float, total: float, what: str) -> None:
        now = self._clock()
        if now < self._next:
            return
        part = f"{100 * done / total:.0f} %, " if total and done else ""
        sys.stderr.write(f"theodolite: {part}{words.plain(what)}\n")
        sys.stderr.flush()
        self._next = now + self._pause
        self._pause = min(2 * self._pause, LONGEST_PAUSE)


@contextmanager
def _bar(first: str) -> Iterator[Progress]:
    from rich.progress import (
        BarColumn,
        SpinnerColumn,
        TaskProgressColumn,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )
    from rich.progress import Progress as Bars
    from rich.table import Column

    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False, table_column=Column(no_wrap=True, overflow="ellipsis", ratio=1)),
        BarColumn(bar_width=24),
        TaskProgressColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(compact=True),
    )
    with Bars(*columns, console=console.stderr(), transient=True, expand=False) as bars:
        task = bars.add_task(words.plain(first), total=None)

        def tell(done: float, total: float, what: str) -> None:
            bars.update(task, completed=done, total=total or None, description=words.plain(what))

        yield tell
