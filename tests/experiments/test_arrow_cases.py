"""What the cases on the arrow of time measure with, and that their checks notice what is wrong."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from theodolite.experiments import Bench, Key
from theodolite.experiments.arrow_text import arrow, over_seeds, paired_arrow, pooled_ratio
from theodolite.experiments.cases import arrow_identities, arrow_inverse_density, arrow_reversible_null
from theodolite.experiments.embedded_text import BIBLES, TOPICS, documents, in_folder, topics
from theodolite.language_arrow import linear_language
from theodolite.language_arrow.tallies import context_profile, tally
from theodolite.numerics.errors import BadInput


def values(module: Any) -> dict[str, float]:
    """The values of the checks of a smoke run, by name."""
    config = module.CASE.smoke
    return {check.name: check.value for check in module.CASE.checks(config, module.CASE.run(config, Key(0), Bench()))}


@pytest.mark.montecarlo
def test_the_interval_of_a_paired_arrow_covers_the_truth_about_as_often_as_it_says() -> None:
    rng = np.random.default_rng(0)
    truth, hits = float(arrow(1.0, 1.03)), 0
    for _ in range(500):
        common = rng.exponential(size=100)
        forward, backward = common + rng.normal(0, 0.1, 100), 1.03 * common + rng.normal(0, 0.1, 100)
        found = paired_arrow(forward, backward)
        hits += abs(found.mean - truth) <= found.half
    assert abs(hits / 500 - 0.95) < 4 * np.sqrt(0.95 * 0.05 / 500)


@pytest.mark.exact
def test_a_pooled_ratio_is_that_of_the_sums_of_its_tokens() -> None:
    rng = np.random.default_rng(1)
    forward, backward = rng.exponential(size=(2, 40, 16))
    profile = context_profile(tally(list(forward), list(backward), np.arange(40)))
    expected = backward[:, 4:].sum() / forward[:, 4:].sum() - 1
    assert pooled_ratio(profile, 4, 15)[0] == pytest.approx(expected)
    ratio, error = pooled_ratio(profile, 8, 15)
    assert ratio == pytest.approx(backward[:, 8:].sum() / forward[:, 8:].sum() - 1)
    assert error == pytest.approx(profile[-1].standard_error)


@pytest.mark.exact
def test_seeds_and_documents_add_up_in_their_variances() -> None:
    found = over_seeds(np.array([1.0, 2.0, 3.0]), np.full(3, 0.5))
    assert float(found.mean) == pytest.approx(2.0)
    assert float(found.half) > 1.96 * np.sqrt(1 / 3 + 0.25)


def test_topics_are_paragraphs_kept_once_and_a_folder_adds_its_languages(tmp_path: Path) -> None:
    texts = topics()
    paragraphs = [line for text in texts for line in text.splitlines()]
    assert len(texts) > 50
    assert len(set(paragraphs)) == len(paragraphs)
    assert sum(map(len, texts)) > 100_000
    assert in_folder(None) == in_folder(tmp_path) == (TOPICS,)
    (tmp_path / "text").mkdir()
    (tmp_path / "text" / "bible.fr.txt.gz").write_bytes(b"un\n" * 120)
    assert in_folder(tmp_path) == (TOPICS, "bible fr")
    assert len(documents("bible fr", tmp_path)) == 3
    with pytest.raises(BadInput, match="THEODOLITE_DATA"):
        documents("bible fr")
    assert "text/bible.fr.txt.gz" in BIBLES


def test_wrong_laws_break_the_identities(monkeypatch: pytest.MonkeyPatch) -> None:
    right = values(arrow_identities)
    true_rates, true_circle = arrow_identities.entropy_rates, arrow_identities.cyclic_losses
    monkeypatch.setattr(arrow_identities, "entropy_rates", lambda P: true_rates(P)._replace(backward=1.0))
    monkeypatch.setattr(arrow_identities, "cyclic_losses", lambda text, n: true_circle(text, n)._replace(forward=1.0))
    wrong = values(arrow_identities)
    moved = [name for name in right if wrong[name] > 100 * right[name] + 1]
    assert [name.split(",")[0] for name in moved] == [
        "entropy rates of chains",
        "plug-in losses of n-grams on a circle",
    ]


def test_a_transposed_inverse_or_a_smoothed_direction_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arrow_inverse_density, "binary_inverse", lambda A: np.ones_like(A))
    assert values(arrow_inverse_density)["inverses of permutations with other than m ones"] > 0
    true_losses = arrow_reversible_null._losses
    calls = iter(range(10**6))

    def leaning(config: Any, texts: np.ndarray) -> np.ndarray:
        return true_losses(config, texts) * (1.1 if next(calls) % 3 == 1 else 1.0)  # the backward one

    monkeypatch.setattr(arrow_reversible_null, "_losses", leaning)
    found = values(arrow_reversible_null)
    assert found["|mean of r| over its standard error, reversible chains"] > 10


@pytest.mark.exact
def test_the_languages_of_a_case_are_those_of_its_key() -> None:
    one, other = (linear_language(8, 20, Key(0).split("matrix", i).rng()).matrix for i in ("0", "1"))
    assert np.any(one != other)
