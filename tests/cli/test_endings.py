"""Every way a run can end: signals, closed pipes, full disks, faults of ours."""

import errno
import os
import re
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from theodolite.cli import console, failures, progress

ENOUGH_WORK = ("survey", "table.csv", "--out", "out")


@pytest.fixture
def long_table() -> None:
    """A table whose survey takes many seconds."""
    numbers = np.random.default_rng(0).normal(size=(900, 4))
    pd.DataFrame(numbers, columns=list("abcy")).to_csv("table.csv", index=False)


def _wait_for(condition, child: "subprocess.Popen[str]", seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert child.poll() is None, child.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_an_interrupted_survey_says_how_to_go_on(long_table, start) -> None:
    child = start(*ENOUGH_WORK)
    _wait_for(lambda: len(list(Path("out").glob("state/*/[!.]*.json"))) >= 2, child)
    child.send_signal(signal.SIGINT)
    out, err = child.communicate(timeout=60)
    assert child.returncode == 130
    assert out == ""
    assert err.splitlines()[-1].startswith("theodolite: interrupted; finished candidates are kept in out")
    assert "Traceback" not in err
    assert not list(Path("out").rglob("*.part"))
    assert not Path("out/results.json").exists()


def test_a_run_stopped_before_it_keeps_anything_leaves_nothing(long_table, theodolite, monkeypatch) -> None:
    def stopped(*arguments: object, **settings: object) -> None:
        assert Path("out/theodolite.json").exists()
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(10)

    monkeypatch.setattr("theodolite.cli.survey._fitted", stopped)
    before = signal.getsignal(signal.SIGTERM)
    ended = theodolite(*ENOUGH_WORK)
    assert ended.code == 143
    assert not Path("out").exists()
    assert signal.getsignal(signal.SIGTERM) == before


def test_a_stop_during_a_long_factorisation_is_heard_all_the_same() -> None:
    # a key derivation lets other threads run but hears no signal, as LAPACK does; it would take minutes
    program = (
        "import hashlib; from theodolite.cli import stops\n"
        "with stops.heeded(grace=0.2), stops.resumable('do it again'):\n"
        "    print('ready', flush=True); hashlib.pbkdf2_hmac('sha256', b'a', b'b', 10**9)"
    )
    child = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert child.stdout is not None
    assert child.stdout.readline() == "ready\n"
    time.sleep(0.1)
    child.send_signal(signal.SIGINT)
    _, err = child.communicate(timeout=20)
    assert child.returncode == 130
    assert err == "theodolite: interrupted; do it again\n"


def test_a_closed_pipe_is_no_error(start) -> None:
    child = start("datasets")
    assert child.stdout is not None
    child.stdout.close()
    assert child.stderr is not None
    assert child.stderr.read() == ""
    assert child.wait() == 141


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk_behind_stdout_is_one_sentence() -> None:
    program = "import sys; from theodolite.cli.main import run; sys.exit(run())"
    with open("/dev/full", "w") as full:
        ended = subprocess.run(
            [sys.executable, "-c", program, "datasets"], stdout=full, stderr=subprocess.PIPE, text=True
        )
    assert ended.returncode == 2
    assert "No space left on device; free some space" in ended.stderr
    assert len(ended.stderr.splitlines()) == 1


def test_a_disk_that_fills_up_leaves_nothing_half_written(theodolite, csv: Path, monkeypatch) -> None:
    def page(record: object, path: Path) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("theodolite.reporting.write_survey_page", page, raising=False)
        ended = theodolite("survey", csv, "-c", "linear", "--out", "out")
    assert ended.code == 2
    assert "out: No space left on device; free some space" in ended.complaint
    assert "Traceback" not in ended.err
    assert not list(Path("out").rglob("*.part"))
    assert not {"model", "report.html", "results.json", ".new"} & {path.name for path in Path("out").glob("*")}


def test_a_fault_of_ours_is_short_and_says_how_to_see_more(theodolite, csv: Path, monkeypatch) -> None:
    def broken(*arguments: object, **settings: object) -> None:
        raise ZeroDivisionError("one\n\ntwo")

    monkeypatch.setattr("theodolite.cli.survey._fitted", broken)
    ended = theodolite("survey", csv)
    assert (ended.code, ended.out) == (1, "")
    assert "unexpected ZeroDivisionError: one two" in ended.complaint
    assert failures.TRACEBACK_VARIABLE in ended.complaint
    assert "Traceback" not in ended.err
    monkeypatch.setenv(failures.TRACEBACK_VARIABLE, "1")
    ended = theodolite("survey", csv)
    assert ended.code == 1
    assert "Traceback (most recent call last)" in ended.err


def test_no_memory_is_something_the_user_can_mend() -> None:
    assert failures.explained(MemoryError())[0] == 2


def test_a_paragraph_is_one_visible_line() -> None:
    shown = console.paragraph("a\x1b[31m\r\n\n\tb" + "x" * 2000)
    assert len(shown) <= 590
    assert not {"\x1b", "\n", "\r", "\t"} & set(shown)


def test_lines_of_progress_become_rarer(capsys: pytest.CaptureFixture[str]) -> None:
    now = 0.0
    tell = progress._Lines(lambda: now)
    said = []
    for second in range(600):
        now = float(second)
        tell(second, 600, f"step {second}")
        if capsys.readouterr().err:
            said.append(second)
    assert said == [0, 5, 15, 35, 75, 135, 195, 255, 315, 375, 435, 495, 555]


TWICE = """
import os, sys
from theodolite import reporting
from theodolite.cli.main import run
reporting.write_survey_page = lambda record, path: path.write_text("")
run(sys.argv[1:])
print("and without colours", flush=True)
os.environ["NO_COLOR"] = "1"
sys.exit(run(sys.argv[1:]))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
def test_a_terminal_gets_a_bar_at_once_and_colours_unless_unwanted(csv: Path) -> None:
    import pty

    primary, secondary = pty.openpty()
    environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "100", "OMP_NUM_THREADS": "1"}
    environment.pop("NO_COLOR", None)
    child = subprocess.Popen(
        [sys.executable, "-c", TWICE, "survey", str(csv), "-c", "linear"],
        stdout=secondary,
        stderr=secondary,
        stdin=subprocess.DEVNULL,
        env=environment,
    )
    os.close(secondary)
    seen = b""
    while select.select([primary], [], [], 120)[0]:
        try:
            piece = os.read(primary, 4096)
        except OSError:  # the other side was closed
            break
        if not piece:
            break
        seen += piece
    os.close(primary)
    assert child.wait() == 0
    runs = seen.decode().split("and without colours")
    for text, colour in zip(runs, (True, False), strict=True):
        assert text.index("reading table.csv") < text.index("Chosen:")
        coloured = re.search(r"\x1b\[(\d+;)*3\d", text.split("candidate")[-1])
        assert bool(coloured) == colour


def test_a_stream_of_few_characters_still_gets_the_whole_answer(start, surveyed: Path, table, monkeypatch) -> None:
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    out, err = start("datasets").communicate()
    assert "breast_cancer" in out, err
    table.rename(columns={"a": "größe"}).to_csv("größe.csv", index=False)
    out, err = start("predict", surveyed, "größe.csv", "--json").communicate()
    assert out == ""
    assert "gr??e" in err
