"""The error of averaged networks, what it costs, and when the data say where a budget is spent best."""

from itertools import combinations

import numpy as np
import pytest

from theodolite.numerics.errors import BadInput, ShapeMismatch
from theodolite.training_dynamics import Ensemble, Option, allocate, ensemble_error, options

RNG = np.random.default_rng(0)
OUTPUTS = RNG.standard_normal((5, 40)) + 0.4
LABELS = np.ones(40)


def by_sets(outputs: np.ndarray, labels: np.ndarray, sets: list[tuple[int, ...]]) -> float:
    return float(np.mean([np.mean(np.sign(outputs[list(own)].mean(0)) != labels) for own in sets]))


@pytest.mark.exact
def test_the_error_is_the_mean_over_sets_of_neighbours() -> None:
    for size in (1, 2, 3, 4):
        ring = [tuple((start + j) % 5 for j in range(size)) for start in range(5)]
        error, bar = ensemble_error(OUTPUTS, LABELS, size)
        assert error == pytest.approx(by_sets(OUTPUTS, LABELS, ring), abs=1e-12)
        assert bar >= 0
    every = list(combinations(range(5), 4))  # with all but one, neighbours are all sets
    assert ensemble_error(OUTPUTS, LABELS, 4)[0] == pytest.approx(by_sets(OUTPUTS, LABELS, every), abs=1e-12)


@pytest.mark.oracle
def test_the_bar_of_single_networks_is_the_standard_error_of_their_mean() -> None:
    own = np.mean(np.sign(OUTPUTS) != LABELS, axis=1)
    error, bar = ensemble_error(OUTPUTS, LABELS, 1)
    np.testing.assert_allclose([error, bar], [own.mean(), own.std(ddof=1) / np.sqrt(5)], rtol=1e-10)


@pytest.mark.montecarlo
def test_the_bar_of_ensembles_is_about_their_spread_over_new_members() -> None:
    """f = 0.3 + noise, points of one ensemble tied by a common factor; 300 ensembles drawn afresh."""
    rng = np.random.default_rng(3)
    signals = 0.3 * np.abs(rng.standard_normal(30))
    found = np.array(
        [ensemble_error(signals + rng.standard_normal((16, 1)) + rng.standard_normal((16, 30)), np.ones(30), 8)
         for _ in range(300)]
    )  # fmt: skip
    assert 0.7 < found[:, 1].mean() / found[:, 0].std() < 2.0  # leaving one out errs on the wide side


@pytest.mark.exact
def test_options_cost_what_their_networks_cost() -> None:
    ensemble = Ensemble(4, 76, OUTPUTS, np.zeros(5), np.array([10, 20, 30, 20, 20]))
    found = options([ensemble], LABELS, sizes=(1, 2, 8))
    assert [(one.members, one.cost) for one in found] == [(1, 76.0), (2, 152.0)]  # 8 of 5 members: no error bar
    worked = options([ensemble], LABELS, sizes=(2,), unit="operations", n=100)
    assert worked[0].cost == 2 * 6 * 76 * 100 * 20
    assert (found[1].error, found[1].standard_error) == ensemble_error(OUTPUTS, LABELS, 2)


@pytest.mark.exact
def test_a_clear_best_is_told_and_an_unclear_one_is_said_to_be_so() -> None:
    few, one, huge = (
        Option(10, 8, 2480, 0.12, 0.004),
        Option(64, 1, 8896, 0.16, 0.003),
        Option(256, 8, 1e6, 0.05, 0.001),
    )
    clear = allocate(10_000, [one, few, huge])
    assert clear.decided
    assert clear.best is few
    assert "told apart from every other" in clear.words
    near = Option(14, 4, 2184, 0.129, 0.004)
    unclear = allocate(10_000, [one, few, huge, near])
    assert not unclear.decided
    assert unclear.best is few
    assert unclear.rivals == (near,)
    assert "the cheapest of them all is 4 of width 14" in unclear.words
    assert allocate(2e6, [one, few, huge]).best is huge
    assert allocate(2200, [one, few, huge, near]).best is near


@pytest.mark.exact
def test_two_standard_errors_are_counted_together() -> None:
    """0.03, 0.04: together 0.05, so 0.1 is the border; each alone would decide earlier."""
    best = Option(1, 1, 1.0, 0.10, 0.03)
    assert not allocate(9, [best, Option(2, 1, 1.0, 0.199, 0.04)]).decided
    assert allocate(9, [best, Option(2, 1, 1.0, 0.201, 0.04)]).decided


def test_bad_input_is_refused() -> None:
    with pytest.raises(BadInput, match="affords none"):
        allocate(1.0, [Option(1, 1, 2.0, 0.1, 0.01)])
    with pytest.raises(BadInput, match="at least 6 members"):
        ensemble_error(OUTPUTS, LABELS, 5)
    with pytest.raises(ShapeMismatch, match="expected"):
        ensemble_error(OUTPUTS, LABELS[:3], 2)
    with pytest.raises(BadInput, match="number of training points"):
        options([], LABELS, unit="operations")
    with pytest.raises(BadInput, match="unit must be"):
        options([], LABELS, unit="hours")  # type: ignore[arg-type]
