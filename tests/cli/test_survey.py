"""`theodolite survey`: the table, the answer, the files, and what is said about the data."""

import json
import shlex
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from theodolite import survey
from theodolite.cli import out_folder

HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "[red]b[/red]",
    "\x1b[31mred\x1b[0m",
    "{{7*7}}",
)


@pytest.fixture
def quick_page(monkeypatch: pytest.MonkeyPatch) -> None:
    """A page without figures, for tests that do not look at it."""
    from theodolite.numerics.files import write_atomically

    monkeypatch.setattr(
        "theodolite.reporting.write_survey_page",
        lambda record, path: write_atomically(path, "<p>page</p>"),
        raising=False,
    )


def settled(document: object) -> object:
    """A document without what the clock put in."""
    if isinstance(document, dict):
        return {key: settled(value) for key, value in document.items() if key != "seconds"}
    return [settled(value) for value in document] if isinstance(document, list) else document


def test_a_survey_answers_on_stdout_and_leaves_model_report_and_numbers(theodolite, csv: Path) -> None:
    ended = theodolite("survey", csv, "--candidates", "linear,rbf", "--holdout", "0.25")
    assert ended.code == 0, ended.err
    lines = ended.out.splitlines()
    assert "candidate" in ended.out
    assert any(line.startswith("RBF") for line in lines)
    (answer,) = [line for line in lines if line.startswith("Chosen:")]
    assert "squared units of y" in answer
    assert "% of the target's variance" in answer
    assert any(word in answer for word in ("trusted", "doubtful", "do not trust"))
    assert any(line.startswith("Measured on 10 held-out rows:") for line in lines)
    folder = Path("theodolite-out/table")
    assert sorted(path.name for path in folder.iterdir()) == ["model", "report.html", "results.json", "theodolite.json"]
    assert str(folder / "report.html") in ended.out
    document = json.loads((folder / "results.json").read_text())
    record = survey.SurveyRecord.from_json(document)
    assert record.chosen.measured_risk == record.holdout["risk"]
    assert all(entry.measured_risk is not None for entry in record.candidates)
    assert record.data["name"] == "table"
    assert record.data["target"] == "y"
    assert any("10 of 40 rows" in note for note in record.notes)
    assert all(note in ended.err for note in record.notes)
    assert survey.load(folder / "model").record_ == record
    assert (folder / "report.html").stat().st_size < 1_000_000


def test_json_is_one_document_equal_to_the_file(theodolite, quick_page) -> None:
    ended = theodolite("survey", "iris", "-c", "linear", "--holdout", "0.2", "--json", "--out", "out")
    assert ended.code == 0, ended.err
    assert json.loads(ended.out) == json.loads(Path("out/results.json").read_text())
    assert ended.out == Path("out/results.json").read_text()
    assert "held out" in ended.err
    assert "out/report.html" in ended.err
    document = json.loads(ended.out)
    assert document["data"]["classes"] == ["setosa", "versicolor", "virginica"]
    assert document["holdout"]["rows"] == 30


def test_the_recorded_command_does_the_same_again(theodolite, csv: Path, quick_page) -> None:
    first = theodolite(
        "survey", csv, "-c", "linear", "--holdout", ".25", "--seed", 3, "--target", "y", "--out", "one", "--json"
    )
    command = json.loads(first.out)["command"]
    assert command.startswith("theodolite survey table.csv")
    again = theodolite(*shlex.split(command)[1:], "--out", "two", "--json")
    assert settled(json.loads(again.out)) == settled(json.loads(first.out))


def test_every_treatment_of_unusual_data_is_said(theodolite, table: pd.DataFrame, quick_page) -> None:
    random = np.random.default_rng(0)
    table["gaps"] = np.where(np.arange(40) % 7 == 0, np.nan, random.normal(size=40))
    table["same"] = 1.0
    table["colour"] = random.choice(["red", "blue"], 40)
    table["bought"] = pd.date_range("2020-01-01", periods=40, freq="W").astype(str)
    table["nothing"] = np.nan
    table.loc[5, "colour"] = None
    table.loc[3, "y"] = np.nan
    table.to_csv("table.csv", index=False)
    ended = theodolite("survey", "table.csv", "-c", "linear", "--json")
    assert ended.code == 0, ended.err
    notes = " ".join(json.loads(ended.out)["notes"])
    for column in ("gaps", "same", "colour", "bought", "nothing"):
        assert column in notes
    assert "1 of 40 rows without a target" in notes


def test_a_test_file_is_measured_and_its_column_order_does_not_matter(theodolite, table, csv, quick_page) -> None:
    random = np.random.default_rng(1)
    other = pd.DataFrame({"b": random.normal(size=20), "a": random.normal(size=20)})
    other.insert(0, "y", other.a - 2 * other.b)
    other.to_csv("test.csv", index=False)
    ended = theodolite("survey", csv, "-c", "linear", "--test", "test.csv", "--json", "--out", "out")
    assert ended.code == 0, ended.err
    document = json.loads(ended.out)
    errors = survey.load("out/model").predict(other[["a", "b"]]) - other.y
    assert document["holdout"]["rows"] == 20
    np.testing.assert_allclose(document["holdout"]["risk"], np.mean(errors**2), rtol=1e-9)


def test_named_groups_are_left_out_together(theodolite, table: pd.DataFrame, quick_page) -> None:
    table.assign(patient=[f"p{i // 4}" for i in range(40)]).to_csv("table.csv", index=False)
    ended = theodolite("survey", "table.csv", "-c", "linear", "--groups", "patient", "--json", "--target", "y")
    document = json.loads(ended.out)
    assert document["chosen"]["leave_one_group_out"] is not None
    assert document["data"]["columns"] == 2
    assert document["settings"]["groups"] == "patient"


def test_hostile_column_names_are_inert_in_report_and_terminal(theodolite, table: pd.DataFrame) -> None:
    random = np.random.default_rng(0)
    for position, name in enumerate(HOSTILE):
        table[name] = random.choice([f"{name} {position}", "plain"], 40)
        table.loc[position, name] = None  # so that a note names the column
    table.rename(columns={"y": HOSTILE[0] + "y"}).to_csv("table.csv", index=False)
    ended = theodolite("survey", "table.csv", "-c", "linear", "--target", HOSTILE[0] + "y", "--out", "out")
    assert ended.code == 0, ended.err
    assert "\x1b" not in ended.out + ended.err
    assert "[red]b[/red]" in ended.err  # shown as text, not read as markup

    found: list[tuple[str, dict[str, str | None]]] = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            found.append((tag, dict(attrs)))

    Reader().feed(Path("out/report.html").read_text(encoding="utf-8"))
    assert not [tag for tag, _ in found if tag in ("script", "img", "iframe", "object")]
    assert not [name for _, attributes in found for name in attributes if name.startswith("on")]


def test_other_settings_start_anew_in_the_same_folder(theodolite, csv: Path, quick_page) -> None:
    assert theodolite("survey", csv, "-c", "linear", "--out", "out").code == 0
    second = theodolite("survey", csv, "-c", "rbf", "--seed", "1", "--max-rows", "30", "--out", "out", "--json")
    fresh = theodolite("survey", csv, "-c", "rbf", "--seed", "1", "--max-rows", "30", "--out", "fresh", "--json")
    assert settled(json.loads(second.out)) == settled(json.loads(fresh.out))
    assert json.loads(second.out)["settings"]["random_state"] == 1
    assert survey.load("out/model").record_.to_json() == survey.SurveyRecord.from_json(json.loads(second.out)).to_json()
    assert len(list(Path("out/model").iterdir())) == 2


def test_two_runs_cannot_share_a_folder_at_one_moment(theodolite, csv: Path) -> None:
    with out_folder.claimed("out", "survey"):
        ended = theodolite("survey", csv, "-c", "linear", "--out", "out")
    assert ended.code == 2
    assert "another run is writing to --out out" in ended.complaint


def test_a_narrow_terminal_gets_a_narrow_table(theodolite, csv, quick_page, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "50")
    ended = theodolite("survey", csv, "-c", "linear")
    assert ended.code == 0
    table = ended.out.split("Chosen:")[0]
    assert max(map(len, table.splitlines())) <= 50
    assert "predicted" in table


def test_candidates_may_come_from_a_file(theodolite, csv: Path, quick_page) -> None:
    Path("kernels.json").write_text(json.dumps(["linear", {"kind": "RBF", "lengthscale": 3.0}]))
    ended = theodolite("survey", csv, "--candidates", "kernels.json", "--json")
    assert ended.code == 0, ended.err
    kinds = {entry["kernel"]["kind"] for entry in json.loads(ended.out)["candidates"]}
    assert "RBF" in kinds
    assert len(kinds) == 2


def test_a_time_limit_still_answers_and_says_what_was_left_out(theodolite, csv: Path, quick_page) -> None:
    ended = theodolite("survey", csv, "--time-limit", "1e-6", "--json")
    assert ended.code == 0, ended.err
    assert "time limit" in " ".join(json.loads(ended.out)["notes"])
