"""`theodolite survey` on globs of parts: what it answers, and what it refuses."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from theodolite import survey


@pytest.fixture
def parts() -> Path:
    random = np.random.default_rng(3)
    inputs = random.normal(size=(400, 2))
    frame = pd.DataFrame({"a": inputs[:, 0], "b": inputs[:, 1]}).assign(y=inputs @ [1.0, -2.0])
    folder = Path("parts")
    folder.mkdir()
    for number in range(4):
        piece = frame[number * 100 : (number + 1) * 100]
        piece.to_parquet(folder / f"part-{number}.parquet")
        piece.to_csv(folder / f"part-{number}.csv", index=False)
    frame[:50].to_csv("test.csv", index=False)
    return folder


@pytest.fixture(autouse=True)
def _quick_page(monkeypatch: pytest.MonkeyPatch) -> None:
    from theodolite.numerics.files import write_atomically

    monkeypatch.setattr(
        "theodolite.reporting.write_survey_page", lambda record, path: write_atomically(path, "<p>page</p>")
    )


@pytest.mark.parametrize("ending", ["parquet", "csv"])
def test_a_glob_is_surveyed_as_a_stream(theodolite, parts: Path, ending: str) -> None:
    ended = theodolite(
        "survey",
        f"parts/*.{ending}",
        "-t",
        "y",
        "-c",
        "linear",
        "--route",
        "nystrom",
        "--features",
        40,
        "--test",
        "test.csv",
    )
    assert ended.code == 0, ended.err
    assert "was read in blocks: 4 parts, 3 columns" in ended.err
    assert "Nystrom features, 40 landmarks on 400 rows" in ended.err
    assert "Measured on 50 held-out rows" in ended.out
    record = json.loads(Path("theodolite-out/parts/results.json").read_text())
    assert record["data"]["rows"] == 400
    assert record["settings"]["route"] == "nystrom"
    assert "--route nystrom --features 40" in record["command"]
    assert survey.load("theodolite-out/parts/model").record_.chosen.rows == 400


def test_a_stream_by_random_features_is_measured_on_rows_held_out(theodolite, parts: Path) -> None:
    arguments = ("survey", "parts/*.parquet", "-t", "y", "-c", "rbf", "--route", "features", "--features", 60)
    ended = theodolite(*arguments, "--holdout", "0.25", "--json")
    assert ended.code == 0, ended.err
    record = json.loads(ended.out)
    held = record["holdout"]["rows"]
    assert 60 < held < 140
    assert record["holdout"]["standard_error"] > 0
    route = f"fitted by 60 random features of the kernel on {400 - held} rows: asked for"
    assert record["extra"]["route"] == route
    assert record["extra"]["random features"] == "FourierFeatures, 60"
    assert f"{held} rows, drawn by their place with seed 0, were held out of everything" in record["notes"]
    assert "--holdout 0.25" in record["command"]
    ended = theodolite("predict", "theodolite-out/parts", "test.csv")
    assert ended.code == 0, ended.err


@pytest.mark.full
def test_the_workers_of_a_local_cluster_read_the_parts(theodolite, parts: Path) -> None:
    arguments = ("survey", "parts/*.csv", "-t", "y", "-c", "linear", "--features", 40, "--holdout", "0.25")
    ended = theodolite(*arguments, "--scheduler", "local")
    assert ended.code == 0, ended.err
    assert "all rows were read by the workers of 'local'" in ended.err
    record = json.loads(Path("theodolite-out/parts/results.json").read_text())
    assert record["chosen"]["rows"] + record["holdout"]["rows"] == 400
    assert record["holdout"]["risk"] < 1e-6


def test_trouble_with_parts_is_one_paragraph(theodolite, parts: Path) -> None:
    cases = [
        (("nothing-*.csv", "-t", "y"), "no file matches nothing-*.csv"),
        (("parts/*.csv", "-t", "z"), "no column 'z'"),
        (("parts/*.csv", "-t", "y", "--holdout", "1.2"), "between 0 and 1, got 1.2"),
        (("parts/*.csv", "-t", "y", "--holdout", "0.2", "--test", "test.csv"), "give one of them"),
        (("parts/*.csv", "-t", "y", "--groups", "a"), "give one file, with --max-rows"),
        (
            ("parts/*.csv", "-t", "y", "-c", "linear", "--route", "features"),
            "Linear(offset=1.0) has no random features of its own; RBF, Laplace",
        ),
        (("parts/*.csv", "-t", "y", "--max-rows", "50"), "leave --max-rows out"),
        (("parts/*", "-t", "y"), "mixes parquet and text"),
        (
            ("test.csv", "-t", "y", "-c", "linear", "--scheduler", "nonsense://"),
            "no scheduler answers at 'nonsense://'",
        ),
    ]
    for arguments, words in cases:
        ended = theodolite("survey", *arguments)
        assert ended.code == 2
        assert words in ended.complaint
    path = parts / "part-2.parquet"
    path.write_bytes(path.read_bytes()[:500])
    ended = theodolite("survey", "parts/*.parquet", "-t", "y")
    assert ended.code == 2
    assert "part-2.parquet could not be read" in ended.complaint
