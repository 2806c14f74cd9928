"""`theodolite reproduce`: verdicts in a table, on a page and as JSON; nothing measured twice."""

import json
from pathlib import Path

import pytest

from theodolite import experiments


@pytest.fixture
def toys(monkeypatch: pytest.MonkeyPatch):
    """The commands see toy cases instead of those of the papers."""
    monkeypatch.syspath_prepend(str(Path(__file__).parent.parent / "experiments"))
    import toy_cases

    def select(names=()):
        known = {"toy-means": toy_cases.TOY, "toy-breaks": toy_cases.BREAKS}
        return tuple(known[name] for name in names) if names else tuple(known.values())

    monkeypatch.setattr(experiments, "select", select)
    return toy_cases


def test_a_verdict_is_printed_stored_and_drawn(toys, theodolite) -> None:
    ended = theodolite("reproduce", "toy-means")
    assert ended.code == 0, ended.err
    assert "holds" in ended.out
    assert "theodolite-results/atlas/index.html" in ended.out
    assert "The claim holds" in Path("theodolite-results/atlas/index.html").read_text()
    assert "toy-means" in Path("theodolite-results/atlas/papers/toy.html").read_text()
    assert len(list(Path("theodolite-results/toy-means").glob("full-*/result.json"))) == 1


def test_json_is_one_document_and_a_stored_result_is_told_again(toys, theodolite) -> None:
    first = theodolite("reproduce", "toy-means", "--json", "--out", "out")
    second = theodolite("reproduce", "toy-means", "--json", "--out", "out")
    afresh = theodolite("reproduce", "toy-means", "--json", "--out", "out", "--again")
    (one,), (two,), (three,) = (json.loads(ended.out)["results"] for ended in (first, second, afresh))
    assert one["verdict"] == "holds"
    assert two == one
    assert three["scalars"] == one["scalars"]
    assert three["duration"] != one["duration"]


def test_the_atlas_shows_all_that_is_stored_and_is_drawn_again_without_measuring(toys, theodolite) -> None:
    pages = lambda: {path: path.read_bytes() for path in Path("out/atlas").rglob("*.html")}  # noqa: E731
    first = theodolite("reproduce", "toy-means", "--out", "out")
    assert "1 to measure; 1 never timed" in first.err
    theodolite("reproduce", "toy-breaks", "--out", "out")
    both = pages()
    assert b"Of 2 claims 1 holds and 1 broke" in both[Path("out/atlas/index.html")]
    Path("out/atlas/index.html").unlink()
    Path("out/atlas/papers/toy.html").write_text("old")
    again = theodolite("reproduce", "toy-means", "--out", "out", "--json")
    assert "1 stored already; drawing the atlas" in again.err
    assert json.loads(again.out)["page"] == str(Path("out/atlas/index.html"))
    assert pages() == both


def test_the_time_to_expect_is_said_first_and_leaves_out_what_is_stored(toys, theodolite, monkeypatch) -> None:
    from theodolite.experiments import durations

    monkeypatch.setattr(durations, "SEEN", {"toy-means": (90.0, 3.0), "toy-breaks": (7200.0, 1.0)})
    first = theodolite("reproduce", "--all", "--smoke", "--out", "out").err
    assert "2 to measure; about 4 s, by times seen on one core of the development machine" in first
    smoke = theodolite("reproduce", "--all", "--smoke", "--out", "out").err  # the broken one is run again
    assert "1 of 2 to measure, the others are stored; about 1 s" in smoke
    assert "about 2 h 01 min," in theodolite("reproduce", "--all", "--out", "out").err
    again = theodolite("reproduce", "--all", "--again", "--smoke", "--out", "out").err
    assert "2 to measure; about 4 s" in again


def test_a_smoke_run_decides_nothing_and_says_so(toys, theodolite) -> None:
    ended = theodolite("reproduce", "toy-means", "--smoke")
    assert ended.code == 0
    assert "undecided" in ended.out
    assert "decides nothing" in ended.out


def test_a_broken_case_gives_exit_code_1_and_does_not_stop_the_others(toys, theodolite) -> None:
    ended = theodolite("reproduce", "--all", "--json")
    assert ended.code == 1
    assert {result["case"]: result["verdict"] for result in json.loads(ended.out)["results"]} == {
        "toy-means": "holds",
        "toy-breaks": "error",
    }
    ended = theodolite("reproduce", "--all")
    assert ended.code == 1
    assert "toy-breaks broke: ZeroDivisionError" in ended.err
    assert "Traceback" not in ended.err


def test_a_failed_claim_is_a_result_with_exit_code_0(toys, theodolite, monkeypatch: pytest.MonkeyPatch) -> None:
    import dataclasses

    strict = dataclasses.replace(toys.TOY, full=toys.ToyConfig(limit=-1.0))
    monkeypatch.setattr(experiments, "select", lambda names=(): (strict,))
    ended = theodolite("reproduce", "toy-means")
    assert ended.code == 0
    assert "fails" in ended.out


def test_results_of_a_script_in_the_same_folder_are_taken_over(toys, theodolite) -> None:
    stored = experiments.run_case(toys.TOY, "full", experiments.Store("out"))
    ended = theodolite("reproduce", "toy-means", "--out", "out", "--json")
    assert ended.code == 0, ended.err
    assert json.loads(ended.out)["results"][0]["started"] == stored.started


def test_the_list_names_every_case_and_runs_none(theodolite) -> None:
    ended = theodolite("reproduce", "--list")
    assert ended.code == 0
    assert all(case.name in ended.out for case in experiments.all_cases())
    listed = json.loads(theodolite("reproduce", "--list", "kare", "--json").out)
    assert {entry["paper"] for entry in listed} == {"kare"}
    assert not list(Path().iterdir())


@pytest.mark.full
def test_real_cases_run_side_by_side(start) -> None:
    names = ("kare-signal-capture-threshold", "kare-predictor-moments")
    child = start("reproduce", *names, "--smoke", "--jobs", 2, "--json")
    out, err = child.communicate(timeout=600)
    assert child.returncode == 0, err
    assert [result["case"] for result in json.loads(out)["results"]] == list(names)
