"""Intervals and tests: calibrated on simulated nulls, equal to tables where there are tables."""

import numpy as np
import pytest
from scipy import stats

from theodolite.language_arrow import bootstrap, holm, minimum_detectable, seed_interval, sign_flip_p_value
from theodolite.language_arrow import statistics as module
from theodolite.language_arrow.statistics import holm_levels
from theodolite.language_arrow.tallies import context_profile, tally, units_of
from theodolite.numerics.errors import BadInput, ShapeMismatch


@pytest.mark.montecarlo
@pytest.mark.parametrize(
    ("replicates", "draws"), [(600, 400), pytest.param(1000, None, marks=pytest.mark.full)], ids=["short", "as-used"]
)
def test_intervals_cover_and_the_test_has_its_size(
    replicates: int, draws: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    # 50 documents of very different lengths, heavy-tailed differences, no arrow; 4 binomial standard errors
    if draws is not None:
        monkeypatch.setattr(module, "RESAMPLES", draws)
        monkeypatch.setattr(module, "FLIPS", draws - 1)
    random = np.random.default_rng(11)
    covered = rejected = 0
    for place in range(replicates):
        length = random.lognormal(6, 0.7, size=50)
        difference = 0.01 * np.sqrt(length) * random.standard_t(4, size=50)
        forward = 3 * length - difference / 2
        covered += not bootstrap(forward, forward + difference, seed=place).excludes_zero()
        rejected += sign_flip_p_value(difference, seed=place) <= 0.05
    slack = 4 * np.sqrt(0.05 * 0.95 / replicates)
    # few resamples and 50 documents cost the percentile interval about one per cent
    assert 0.94 - slack < covered / replicates < 0.95 + slack
    assert abs(rejected / replicates - 0.05) < slack
    if draws is None:
        assert 0.92 < covered / replicates < 0.97
        assert 0.03 < rejected / replicates < 0.07


def test_the_bootstrap_agrees_with_the_first_order_error() -> None:
    random = np.random.default_rng(1)
    forward = random.uniform(50, 150, size=400)
    backward = 1.01 * forward + random.normal(size=400)
    found = bootstrap(forward, backward)
    ratio = backward.sum() / forward.sum() - 1
    error = np.sqrt(np.square(backward - (1 + ratio) * forward).sum()) / forward.sum()
    assert found.value == pytest.approx(ratio, rel=1e-12)
    assert found.standard_error == pytest.approx(error, rel=4 / np.sqrt(2 * 5000) + 1 / np.sqrt(400))
    assert found.low < ratio < found.high


def test_sign_flips_of_few_differences_are_those_of_enumeration() -> None:
    differences = np.array([1.0, 2.0, -0.5, 3.0, 1.5, 0.25])
    signs = np.array(np.meshgrid(*[[-1, 1]] * 6)).reshape(6, -1).T
    exact = (np.abs(signs @ differences) >= abs(differences.sum()) - 1e-9).mean()
    assert sign_flip_p_value(differences) == pytest.approx(exact, abs=4 * np.sqrt(exact * (1 - exact) / 9999) + 1e-4)


def test_seeds_alone_give_students_interval() -> None:
    ratios = [0.01, 0.014, 0.006, 0.011]
    found = seed_interval(ratios, 0.0)
    expected = stats.ttest_1samp(ratios, 0.0).confidence_interval(0.95)
    assert (found.low, found.high) == pytest.approx(tuple(expected))
    assert minimum_detectable(ratios, 0.0) == pytest.approx(2.8 * stats.sem(ratios))


def test_documents_alone_give_the_normal_interval() -> None:
    found = seed_interval([0.01], 0.002)
    assert (found.low, found.high) == pytest.approx(stats.norm.interval(0.95, 0.01, 0.002), rel=1e-4)


def test_holm_is_the_procedure_step_by_step() -> None:
    p = np.array([0.012, 0.2, 0.001, 0.04, 0.03])
    order, rejected = np.argsort(p), []
    for rank, place in enumerate(order):
        if p[place] > 0.05 / (len(p) - rank):
            break
        rejected.append(place)
    assert set(np.flatnonzero(holm(p) <= 0.05)) == set(rejected)
    assert holm_levels(p)[2] == pytest.approx(1 - 0.05 / 5)
    assert holm_levels(p)[1] == pytest.approx(0.95)


def test_tallies_add_up_and_compare_equal_contexts() -> None:
    random = np.random.default_rng(2)
    forward = [random.uniform(1, 2, size=n) for n in (9, 4, 16)]
    backward = [one + np.arange(len(one)) for one in forward]
    found = tally(forward, backward, np.array([0, 1, 1]))
    assert found.forward.sum(axis=1) == pytest.approx([forward[0].sum(), forward[1].sum() + forward[2].sum()])
    assert found.tokens.sum(axis=1).tolist() == [9, 20]
    profile = context_profile(found)
    assert [(one.first, one.last) for one in profile] == [(0, 0), (1, 1), (2, 3), (4, 7), (8, 15)]
    assert profile[0].ratio == pytest.approx(0, abs=1e-12)
    assert profile[-1].forward == pytest.approx(np.concatenate([forward[0][8:], forward[2][8:]]).mean())
    assert profile[-1].cumulative == pytest.approx(sum(map(np.sum, backward)) / sum(map(np.sum, forward)) - 1)


def test_few_documents_are_resampled_in_blocks_of_windows() -> None:
    many = units_of(np.repeat(np.arange(40), 9))
    assert len(np.unique(many)) == 40
    few = units_of(np.repeat(np.arange(3), 9))
    assert np.bincount(few).tolist() == [4, 4, 1] * 3


def test_intervals_of_one_document_or_unequal_lists_are_refused() -> None:
    with pytest.raises(BadInput, match="at least two"):
        bootstrap(np.ones(1), np.ones(1))
    with pytest.raises(ShapeMismatch):
        bootstrap(np.ones(3), np.ones(4))
