"""The ten works as data: whole, consistent with the cases, found by names and topics."""

import functools
import re

import pytest

import theodolite
from theodolite.experiments import all_cases
from theodolite.numerics.errors import BadInput
from theodolite.papers import PAPERS, author, authors, bibtex, by_author, by_topic, paper, topics


@pytest.mark.contract
@pytest.mark.parametrize("one", PAPERS, ids=lambda one: one.key)
def test_a_work_is_described_completely(one):
    assert re.fullmatch(r"\d{4}\.\d{5}", one.arxiv)
    assert int(one.arxiv[:2]) + 2000 == one.year
    assert one.summary.endswith(".")
    assert len(set(one.authors)) == len(one.authors)
    for name in one.implemented_by:
        assert callable(functools.reduce(getattr, name.split("."), theodolite)), name


@pytest.mark.contract
def test_every_work_has_cases_which_cite_it_and_every_case_a_work():
    assert {case.paper for case in all_cases()} == {one.key for one in PAPERS}
    for case in all_cases():
        assert f"arXiv:{paper(case.paper).arxiv}" in case.source, case.name


def test_names_match_whole_whatever_their_case_and_accents():
    assert by_author("CLEMENT HONGLER") == by_author("Clément Hongler")
    assert [one.key for one in by_author("Yatin Dandi")] == ["layers"]
    with pytest.raises(BadInput, match="Clément Hongler"):
        by_author("Hongler")
    with pytest.raises(BadInput, match="whole name"):
        by_author("")


def test_collaborators_are_counted_by_works_in_common():
    found = author("Arthur Jacot")
    assert len(found.papers) == 9
    assert dict(found.collaborators)["Clément Hongler"] == 8
    assert [one.year for one in found.papers] == sorted(one.year for one in found.papers)
    assert found.collaborators[0][1] == max(count for _, count in found.collaborators)


def test_topics_lead_to_works():
    assert {one for topic in topics() for one in by_topic(topic)} == set(PAPERS)
    with pytest.raises(BadInput, match="kernel methods"):
        by_topic("kernel method")


def test_bibtex_has_one_entry_each_with_a_label_of_its_own():
    labels = re.findall(r"^@misc\{([a-z0-9]+),$", bibtex(PAPERS), flags=re.MULTILINE)
    assert len(set(labels)) == len(PAPERS)
    assert bibtex(PAPERS).count("archiveprefix") == len(PAPERS)


def test_keys_are_suggested():
    with pytest.raises(BadInput, match="'kare'"):
        paper("kaer")
    assert len(authors()) == len({name for one in PAPERS for name in one.authors})
