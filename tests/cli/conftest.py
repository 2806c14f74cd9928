"""The command run in this process, and small tables to run it on."""

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from theodolite.cli.main import run

PROGRAM = "import sys; from theodolite.cli.main import run; sys.exit(run())"


@dataclass(frozen=True)
class Outcome:
    """How a run of the command ended."""

    code: int
    out: str
    err: str

    @property
    def complaint(self) -> str:
        """The last line on stderr, where errors are."""
        return self.err.rstrip("\n").rpartition("\n")[2]


@pytest.fixture
def theodolite(capsys: pytest.CaptureFixture[str]) -> Callable[..., Outcome]:
    """Run the command in this process, without a terminal."""

    def called(*arguments: object) -> Outcome:
        capsys.readouterr()
        code = run([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return Outcome(code, captured.out, captured.err)

    return called


@pytest.fixture
def start() -> Callable[..., "subprocess.Popen[str]"]:
    """Start the command as a process of its own."""

    def started(*arguments: object, program: str = PROGRAM, **settings: object) -> "subprocess.Popen[str]":
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONUNBUFFERED": "1"}
        environment.pop("THEODOLITE_DATA", None)
        return subprocess.Popen(
            [sys.executable, "-c", program, *map(str, arguments)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            env=environment,
            **settings,  # type: ignore[arg-type]
        )

    return started


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("THEODOLITE_DATA", "THEODOLITE_TRACEBACK", "FORCE_COLOR", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)


def small_table() -> pd.DataFrame:
    """Forty rows: two numbers and a target that is nearly linear in them."""
    random = np.random.default_rng(7)
    inputs = random.normal(size=(40, 2))
    targets = inputs @ [1.0, -2.0] + 0.1 * random.normal(size=40)
    return pd.DataFrame({"a": inputs[:, 0], "b": inputs[:, 1], "y": targets})


@pytest.fixture
def table() -> pd.DataFrame:
    """The small table."""
    return small_table()


@pytest.fixture(scope="session")
def surveyed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The out folder of a finished survey of the small table; to be read only."""
    folder = tmp_path_factory.mktemp("surveyed")
    small_table().to_csv(folder / "table.csv", index=False)
    assert run(["survey", str(folder / "table.csv"), "-c", "linear", "--out", str(folder / "out")]) == 0
    return folder / "out"


@pytest.fixture
def csv(table: pd.DataFrame, tmp_path: Path) -> Path:
    """The small table in the working folder as table.csv."""
    table.to_csv(tmp_path / "table.csv", index=False)
    return Path("table.csv")
