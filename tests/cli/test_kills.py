"""kill -9 at any moment: nothing corrupt, and the next run ends as if nothing had happened."""

import itertools
import json
import os
import random
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from theodolite import survey
from theodolite.cli.main import run
from theodolite.numerics.files import write_atomically

SEED = 20200617
SURVEY = ("survey", "table.csv", "-c", "linear,polynomial", "--holdout", "0.25", "--out", "out", "--json")
CHANGES = ("os.rename", "os.remove", "os.rmdir", "os.mkdir")


def settled(document: object) -> object:
    """A document without what the clock put in."""
    if isinstance(document, dict):
        return {key: settled(value) for key, value in document.items() if key not in ("seconds", "duration", "started")}
    return [settled(value) for value in document] if isinstance(document, list) else document


def _dies_at(change: int) -> Callable[[str, tuple], None]:
    """An audit hook that kills this process just before its `change`-th change of the file system."""
    seen = 0

    def hook(event: str, arguments: tuple) -> None:
        nonlocal seen
        writes = event == "open" and isinstance(arguments[2], int) and arguments[2] & (os.O_WRONLY | os.O_RDWR)
        if event in CHANGES or writes:
            seen += 1
            if seen == change:
                os.kill(os.getpid(), signal.SIGKILL)

    return hook


def _run_and_die(arguments: tuple[str, ...], change: int) -> bool:
    """Run in a copy of this process that dies at a change; whether it did (it may end before)."""
    child = os.fork()
    if child == 0:
        try:
            quiet = os.open(os.devnull, os.O_WRONLY)
            os.dup2(quiet, 1)
            os.dup2(quiet, 2)
            sys.addaudithook(_dies_at(change))
            os._exit(run(list(arguments)))
        finally:
            os._exit(70)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        assert os.WTERMSIG(status) == signal.SIGKILL
        return True
    assert os.WEXITSTATUS(status) == 0
    return False


def _nothing_is_corrupt() -> None:
    """Every JSON document can be read, and a result that is there belongs to the model beside it."""
    for path in Path("out").rglob("[!.]*.json"):
        if path.name != "theodolite.json":
            json.loads(path.read_text(encoding="utf-8"))
    if Path("out/results.json").exists():
        document = json.loads(Path("out/results.json").read_text(encoding="utf-8"))
        assert survey.load("out/model").record_.to_json() == survey.SurveyRecord.from_json(document).to_json()
        assert Path("out/report.html").read_text() == f"<p>{document['data']['rows']}</p>"


@pytest.fixture
def quick_page(monkeypatch: pytest.MonkeyPatch) -> None:
    def page(record: survey.SurveyRecord, path: Path) -> None:
        write_atomically(path, f"<p>{record.data['rows']}</p>")

    monkeypatch.setattr("theodolite.reporting.write_survey_page", page, raising=False)


EVERYWHERE = [pytest.param(earlier, 1, marks=pytest.mark.full) for earlier in (False, True)]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="kills a copy of this process")
@pytest.mark.parametrize(("earlier", "stride"), [(False, 2), (True, 3), *EVERYWHERE])
def test_a_survey_killed_at_changes_of_the_disk_goes_on(earlier, stride, theodolite, table, quick_page) -> None:
    table.to_csv("table.csv", index=False)
    reference = settled(json.loads(theodolite(*SURVEY).out))
    shutil.rmtree("out")
    if earlier:
        table.iloc[:30].to_csv("table.csv", index=False)
        assert theodolite(*SURVEY).code == 0
        shutil.copytree("out", "before")
        table.to_csv("table.csv", index=False)
    for change in itertools.count(1, stride):
        shutil.rmtree("out", ignore_errors=True)
        if earlier:
            shutil.copytree("before", "out")
        died = _run_and_die(SURVEY, change)
        _nothing_is_corrupt()
        if not died:
            break
        ended = theodolite(*SURVEY)
        assert ended.code == 0, ended.err
        assert settled(json.loads(ended.out)) == reference
        _nothing_is_corrupt()
        left = sorted(path.name for path in Path("out").rglob("*") if path.is_file() and path.suffix != ".safetensors")
        assert left == ["model.json", "report.html", "results.json", "theodolite.json"]
    assert change > 15  # of the order of the files that a survey writes, so the kills were real


def test_finished_candidates_are_not_measured_again(theodolite, table, quick_page, monkeypatch) -> None:
    from theodolite.survey.notebook import Notebook

    table.to_csv("table.csv", index=False)
    arguments = ("survey", "table.csv", "-c", "rbf,linear", "--json", "--out")
    written: list[str] = []
    keep = Notebook.write

    def counted(self: Notebook, record: survey.CandidateRecord) -> None:
        keep(self, record)
        written.append(record.name)
        if len(written) == 3:
            os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(Notebook, "write", counted)
    assert theodolite(*arguments, "out").code == 130
    before = list(written)
    ended = theodolite(*arguments, "out")
    assert ended.code == 0
    assert not set(before) & set(written[len(before) :])
    assert len(written) > len(before) >= 3
    written[:] = ["nothing to interrupt"] * 4
    assert settled(json.loads(ended.out)) == settled(json.loads(theodolite(*arguments, "fresh").out))


@pytest.fixture
def slow_table() -> pd.DataFrame:
    numbers = np.random.default_rng(SEED).normal(size=(250, 4))
    frame = pd.DataFrame(numbers[:, :3], columns=list("abc"))
    return frame.assign(y=np.sin(numbers[:, 0]) + numbers[:, 1] * numbers[:, 2] + 0.3 * numbers[:, 3])


def _moments(many: int, seed: int) -> Iterator[tuple[int, float]]:
    """How many candidates to wait for, and how long after that to strike."""
    dice = random.Random(seed)
    for _ in range(many):
        yield dice.randint(0, 8), dice.uniform(0.0, 0.3)


def _kill_when(child, finished: Callable[[], int], wanted: int, delay: float) -> None:
    deadline = time.monotonic() + 120
    while finished() < wanted and child.poll() is None:
        assert time.monotonic() < deadline
        time.sleep(0.005)
    time.sleep(delay)
    child.kill()
    child.communicate()


@pytest.mark.parametrize("kills", [2, pytest.param(12, marks=pytest.mark.full)])
def test_a_survey_killed_at_random_moments_ends_like_one_that_was_not(kills, slow_table, start) -> None:
    slow_table.to_csv("table.csv", index=False)
    arguments = ("survey", "table.csv", "-c", "rbf,linear", "--json", "--out")
    finished = lambda: len(list(Path("out").glob("state/*/[!.]*.json")))  # noqa: E731
    for wanted, delay in _moments(kills, SEED + kills):
        kept = finished()
        child = start(*arguments, "out")
        _kill_when(child, finished, max(wanted, kept), delay)
        for path in Path("out").glob("state/*/[!.]*.json"):
            json.loads(path.read_text(encoding="utf-8"))
        assert finished() >= kept or Path("out/results.json").exists()
    answers = []
    for folder in ("out", "fresh"):
        child = start(*arguments, folder)
        out, err = child.communicate(timeout=300)
        assert child.returncode == 0, err
        assert out == Path(folder, "results.json").read_text(encoding="utf-8")
        answers.append(settled(json.loads(out)))
    assert answers[0] == answers[1]


TOYS = f"""
import sys; sys.path.insert(0, {str(Path(__file__).parent.parent / "experiments")!r})
from toy_cases import SLOW
from theodolite import experiments
experiments.select = lambda names=(): (SLOW,)
from theodolite.cli.main import run
sys.exit(run())
"""


@pytest.mark.parametrize("kills", [2, pytest.param(12, marks=pytest.mark.full)])
def test_reproduce_killed_at_random_moments_ends_like_one_that_was_not(kills: int, start) -> None:
    arguments = ("reproduce", "toy-slow", "--json", "--out")
    finished = lambda: len(list(Path("out").glob("*/*/parts/[!.]*.npz")))  # noqa: E731
    for wanted, delay in _moments(kills, SEED + kills):
        kept = finished()
        _kill_when(start(*arguments, "out", program=TOYS), finished, kept + wanted, delay)
        assert finished() >= kept or list(Path("out").glob("*/*/result.json"))
    answers = []
    for folder in ("out", "fresh"):
        child = start(*arguments, folder, program=TOYS)
        out, err = child.communicate(timeout=300)
        assert child.returncode == 0, err
        answers.append(json.loads(out)["results"])
        assert Path(folder, "atlas/index.html").stat().st_size > 1000
    for (result,) in answers:
        result.pop("resumed_parts")
    assert settled(answers[0]) == settled(answers[1])
