"""The self-test passes on the measurement as it is, and notices one that leans to a side."""

import dataclasses
import itertools
from typing import Any

import numpy as np
import pytest

from theodolite.language_arrow import oracles
from theodolite.language_arrow.markov import random_chain
from theodolite.language_arrow.oracles import Oracle, arrow_oracles, planted_arrow

COUNTED = [
    lambda: oracles._circle(500, 0),
    lambda: oracles._palindromes("ngram", 200, 20, 0),
    lambda: oracles._reversible("ngram", 300, 32, 0),
    lambda: oracles._planted(300, 32, 0),
]


@pytest.mark.exact
def test_a_planted_arrow_is_what_listing_all_texts_gives() -> None:
    P, length = random_chain(3, 1.0, np.random.default_rng(0)), 5
    texts = [(0, *rest) for rest in itertools.product(range(3), repeat=length - 1)]
    weight = np.array([np.prod([P[a, b] for a, b in itertools.pairwise(text)]) for text in texts])
    ends, pairs = np.zeros(3), np.zeros((3, 3))
    for text, w in zip(texts, weight, strict=True):
        ends[text[-1]] += w
        for a, b in itertools.pairwise(text):
            pairs[a, b] += w
    before = pairs / pairs.sum(0)
    backward = [-np.log(ends[t[-1]]) - sum(np.log(before[a, b]) for a, b in itertools.pairwise(t)) for t in texts]
    assert planted_arrow(P, length) == pytest.approx(weight @ backward / (weight @ -np.log(weight)) - 1, abs=1e-12)
    assert planted_arrow(P, length) > 0


@pytest.mark.montecarlo
def test_counting_passes() -> None:
    found = [run() for run in COUNTED]
    assert [one.passed for one in found] == [True] * 4
    assert found[3].expected > 2 * found[3].tolerance


def test_a_measurement_that_leans_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    honest = oracles.measure

    def leaning(*args: Any, **options: Any) -> Any:
        found = honest(*args, **options)
        ratio = dataclasses.replace(found.ratio, value=found.ratio.value + 0.02)
        return dataclasses.replace(found, per_unit_backward=1.02 * found.per_unit_backward, ratio=ratio)

    monkeypatch.setattr(oracles, "measure", leaning)
    assert [run().passed for run in COUNTED] == [True, False, False, False]  # the circle is counted without it


def test_an_oracle_that_cannot_see_its_arrow_does_not_pass() -> None:
    assert Oracle("", "", 0.0, 0.001, 0.01, "").passed
    assert Oracle("", "", 0.1, 0.09, 0.02, "").passed
    assert not Oracle("", "", 0.1, 0.01, 0.2, "").passed


@pytest.mark.full
@pytest.mark.parametrize("full", [False, True], ids=["quick", "full"])
def test_networks_pass_as_well(full: bool) -> None:
    report = arrow_oracles(full=full)
    assert [one.name for one in report.oracles if not one.passed] == []
    assert report.passed
    assert report.to_json()["passed"]
    assert {one.model.split()[0] for one in report.oracles} >= {"gru", "ngram,"}
