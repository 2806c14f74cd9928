"""`theodolite papers`."""

import json

import pytest


def test_all_ten_are_listed(theodolite):
    found = theodolite("papers")
    assert found.code == 0
    assert all(key in found.out for key in ("ntk", "kare", "arrow", "saddles"))


def test_one_paper_is_told_with_what_implements_it(theodolite):
    found = theodolite("papers", "kare")
    assert "kernel_regression.kare" in found.out
    assert "theodolite reproduce kare" in found.out


def test_an_author_comes_with_collaborators_and_a_warning_on_names(theodolite):
    document = json.loads(theodolite("papers", "--author", "yatin dandi", "--json").out)
    assert [one["key"] for one in document["papers"]] == ["layers"]
    assert document["author"]["collaborators"] == {"Arthur Jacot": 1}
    assert "name alone" in document["author"]["note"]


def test_bibtex_of_a_topic(theodolite):
    assert theodolite("papers", "--topic", "kernel methods", "--bibtex").out.count("@misc") == 2


def test_verdicts_of_a_folder_are_shown(theodolite, tmp_path):
    theodolite("reproduce", "kare-signal-capture-threshold", "--smoke", "--out", tmp_path)
    document = json.loads(theodolite("papers", "kare", "--json", "--results", tmp_path).out)
    assert document["papers"][0]["verdicts"] == {}  # a smoke run decides nothing


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["kaer"], "did you mean 'kare'"),
        (["--author", "Jacot"], "Arthur Jacot"),
        (["--topic", "kernels"], "no topic"),
        (["kare", "--topic", "depth"], "one of the three"),
        (["--bibtex", "--json"], "give one"),
        (["--results", "nowhere"], "not a folder"),
    ],
)
def test_misuse_ends_with_two_and_a_remedy(theodolite, arguments, words):
    found = theodolite("papers", *arguments)
    assert found.code == 2
    assert words in found.complaint
