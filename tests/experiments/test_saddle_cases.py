"""What the cases on saddles measure with, and that their checks notice what is wrong."""

from typing import Any

import numpy as np
import pytest

from theodolite.experiments import Bench, Key
from theodolite.experiments.cases import saddles_completion, saddles_oracles, saddles_plateaus
from theodolite.experiments.saddle_runs import median_interval, scaled_start, slopes, turned_target
from theodolite.training_dynamics import saddles


def values(module: Any) -> dict[str, float]:
    """The values of the checks of a smoke run, by name."""
    config = module.CASE.smoke
    return {check.name: check.value for check in module.CASE.checks(config, module.CASE.run(config, Key(0), Bench()))}


@pytest.mark.exact
def test_starts_of_one_key_differ_in_scale_alone_and_targets_have_their_values() -> None:
    one, other = (scaled_start((3, 2), 4, 3, sigma, Key(5)) for sigma in (1.0, 0.01))
    for a, b in zip(one, other, strict=True):
        np.testing.assert_allclose(b, 0.01 * a, rtol=1e-14)
    target = turned_target((3.0, 1.0), (4, 6), Key(1))
    np.testing.assert_allclose(np.linalg.svd(target, compute_uv=False), [3.0, 1.0, 0.0, 0.0], atol=1e-12)
    assert np.abs(target - turned_target((3.0, 1.0), (4, 6), Key(2))).max() > 0.1


@pytest.mark.montecarlo
def test_the_interval_of_a_median_covers_it_about_as_often_as_it_says() -> None:
    rng = np.random.default_rng(0)
    found = [median_interval(rng.exponential(size=25)) for _ in range(400)]
    covered = np.mean([abs(one.mean - np.log(2.0)) <= one.half for one in found])
    assert covered > 0.95 - 3 * np.sqrt(0.05 * 0.95 / 400)  # the farther side makes it wider than 95 %


@pytest.mark.exact
def test_slopes_are_those_of_polyfit() -> None:
    rng = np.random.default_rng(1)
    x, y = rng.standard_normal(6), rng.standard_normal((4, 6))
    fits = [np.polyfit(x, row, 1)[0] for row in y]
    assert float(slopes(x, y).mean) == pytest.approx(np.mean(fits))


def test_a_wrong_gradient_breaks_the_oracles(monkeypatch: pytest.MonkeyPatch) -> None:
    right = values(saddles_oracles)
    monkeypatch.setattr(saddles_oracles, "scalar_mode", lambda *a: 1.01 * saddles.scalar_mode(*a))
    monkeypatch.setattr(saddles_oracles, "balanced_two_layers", lambda *a: 1.01 * saddles.balanced_two_layers(*a))
    monkeypatch.setattr(saddles_oracles, "balanced_layers", lambda *a, **k: saddles.balanced_layers(*a[:3], **k))
    wrong = values(saddles_oracles)
    moved = {name for name in right if wrong[name] > 100 * right[name] + 1e-6}
    assert {name.split(",")[0] for name in moved} == {
        "scalar mode of two layers",
        "balanced two layers",
        "negative eigenvalues at the saddles of two layers",
        "|lowest eigenvalue + s_(k+1)| at the saddles of two layers",
    }


def test_wrong_saddles_and_completions_are_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(saddles_plateaus, "critical_values", lambda cost: 1.1 * saddles.critical_values(cost))
    wrong = values(saddles_plateaus)
    assert wrong["relative gap of plateaus 1 and 2 to saddles, worse one, 2 layers, sigma 0.001"] > 0.07
    assert wrong["relative gap of the plateaus of correlated inputs, worst"] > 0.07
    exact, greedy = "unseen error of the greedy algorithm", saddles.greedy_low_rank
    assert values(saddles_completion)[exact] <= 1e-12
    monkeypatch.setattr(saddles_completion, "greedy_low_rank", lambda cost: greedy(cost, max_rank=1))
    assert values(saddles_completion)[exact] > 1e-3
