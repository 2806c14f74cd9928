"""Ctrl-C and SIGTERM end a run in order: files whole, one sentence on how to go on, the exit code shells expect."""

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

GRACE_SECONDS = 3.0
_WORDS = {signal.SIGINT: "interrupted", signal.SIGTERM: "stopped by SIGTERM"}
_how_to_go_on: list[str] = []


class Stopped(BaseException):
    """Someone asked the process to end. `code` is 128 + the signal's number; `note` says how to go on."""

    def __init__(self, number: int, note: str = "") -> None:
        super().__init__(number)
        self.number = number
        self.note = note

    @property
    def code(self) -> int:
        return 128 + self.number

    def __str__(self) -> str:
        return last_words(self.number, self.note)


def last_words(number: int, note: str) -> str:
    """One sentence for a run that was asked to end.

    >>> last_words(signal.SIGINT, "run it again to resume")
    'interrupted; run it again to resume'
    """
    what = _WORDS.get(signal.Signals(number), f"stopped by signal {number}")
    return f"{what}; {note}" if note else what


@contextmanager
def resumable(note: str) -> Iterator[None]:
    """While this lasts, a stop ends with `note`."""
    _how_to_go_on.append(note)
    try:
        yield
    except Stopped as stop:
        stop.note = stop.note or note
        raise
    finally:
        _how_to_go_on.pop()


@contextmanager
def heeded(grace: float = GRACE_SECONDS) -> Iterator[None]:
    """Turn SIGINT and SIGTERM into `Stopped`.

    Python hears of a signal only between two of its own steps; a long factorisation keeps it from listening. Files
    appear whole or not at all, so after `grace` seconds a watching thread ends the process where it stands.
    Outside the main thread, where Python allows no handlers, this does nothing.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    heard: list[int] = []

    def stop(number: int, frame: FrameType | None) -> None:
        if not heard:  # a second one must not break into the tidying up
            heard.append(number)
            raise Stopped(number)

    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    over = threading.Event()
    watch = threading.Thread(target=_watch, args=(reading, over, grace), daemon=True)
    before = {number: signal.signal(number, stop) for number in _WORDS}
    pipe_before = signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    watch.start()
    try:
        yield
    finally:
        over.set()
        signal.set_wakeup_fd(pipe_before)
        for number, handler in before.items():
            signal.signal(number, handler)
        os.close(writing)
        watch.join()
        os.close(reading)


def _watch(pipe: int, over: threading.Event, grace: float) -> None:
    while told := os.read(pipe, 1):
        number = told[0]
        if number in _WORDS and not over.wait(grace):
            show_cursor = "\r\x1b[?25h\n" if sys.stderr.isatty() else ""
            words = last_words(number, _how_to_go_on[-1] if _how_to_go_on else "")
            os.write(2, f"{show_cursor}theodolite: {words}\n".encode(errors="replace"))
            os._exit(128 + number)
