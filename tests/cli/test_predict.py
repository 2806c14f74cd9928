"""`theodolite predict`: what comes out is what the model says, row by row."""

import csv
import io
import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from theodolite import survey
from theodolite.cli import console
from theodolite.numerics import BadInput
from theodolite.numerics.files import write_atomically


def test_predictions_are_those_of_the_model_in_the_order_of_the_rows(theodolite, surveyed: Path, table) -> None:
    rows = table.sample(frac=1.0, random_state=0)
    rows.to_csv("new.csv", index=False)
    for model in (surveyed, surveyed / "model"):
        ended = theodolite("predict", model, "new.csv")
        assert ended.code == 0, ended.err
        frame = pd.read_csv(io.StringIO(ended.out))
        assert list(frame.columns) == ["prediction"]
        np.testing.assert_array_equal(frame.prediction, survey.load(surveyed / "model").predict(rows[["a", "b"]]))


def test_a_single_row_without_a_target_can_be_predicted(theodolite, surveyed: Path) -> None:
    Path("new.csv").write_text("b,a\n0.5,1.5\n")
    ended = theodolite("predict", surveyed, "new.csv", "--out", "deep/down/p.csv")
    assert ended.code == 0, ended.err
    assert ended.out == "1 predictions written to deep/down/p.csv\n"
    frame = pd.read_csv("deep/down/p.csv")
    np.testing.assert_allclose(frame.prediction, 1.5 - 2 * 0.5, atol=0.3)  # noise 0.1 and 40 rows: 0.3 is generous


def test_json_tells_rows_and_predictions(theodolite, surveyed: Path, table: pd.DataFrame) -> None:
    table.to_csv("new.csv", index=False)
    ended = theodolite("predict", surveyed, "new.csv", "--json")
    document = json.loads(ended.out)
    assert document["rows"] == len(document["predictions"]) == 40
    assert document["written"] is None


def test_classes_are_named_and_awkward_names_survive_the_csv(theodolite, table: pd.DataFrame, monkeypatch) -> None:
    monkeypatch.setattr(
        "theodolite.reporting.write_survey_page", lambda record, path: write_atomically(path, ""), raising=False
    )
    names = ('small, "tiny"', "grün\nund groß")
    table["y"] = np.where(table.y > 0, *names)
    table.to_csv("table.csv", index=False)
    assert theodolite("survey", "table.csv", "-c", "linear", "--out", "out").code == 0
    ended = theodolite("predict", "out", "table.csv")
    rows = list(csv.reader(io.StringIO(ended.out)))
    assert rows[0] == ["prediction"]
    assert {row[0] for row in rows[1:]} == set(names)
    assert np.mean([row[0] for row in rows[1:]] == table.y) > 0.9


def test_columns_that_training_did_not_have_are_named(theodolite, surveyed: Path, table: pd.DataFrame) -> None:
    table.assign(extra=1).to_csv("new.csv", index=False)
    ended = theodolite("predict", surveyed, "new.csv")
    assert ended.code == 0
    assert "extra" in ended.err


def test_data_are_never_garbled_by_a_stream_of_few_characters(monkeypatch) -> None:
    stream = io.TextIOWrapper(io.BytesIO(), encoding="latin-1")
    monkeypatch.setattr(sys, "stdout", stream)
    with pytest.raises(BadInput, match=r"stdout is latin-1 .* --out"):
        console.tell_text("prediction\n日本\n")
    console.tell_json({"prediction": "日本"})
    assert json.loads(stream.buffer.getvalue()) == {"prediction": "日本"}  # type: ignore[attr-defined]
