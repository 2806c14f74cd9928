"""Progress is told to whoever listens: a function of (done, total, what)."""

from typing import Protocol


class Progress(Protocol):
    """Called after each step of long work: `done` of `total` steps, doing `what`."""

    def __call__(self, done: float, total: float, what: str) -> None: ...


def silent(done: float, total: float, what: str) -> None:
    """The listener that does nothing."""
