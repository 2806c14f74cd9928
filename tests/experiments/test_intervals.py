"""Error bars cover the truth as often as they say."""

import numpy as np
import pytest
from scipy import stats

from theodolite.experiments.intervals import (
    Interval,
    exponent,
    fitted_exponent,
    jackknife_interval,
    mean_interval,
    proportion_interval,
    variance_interval,
    worst,
)
from theodolite.numerics.errors import ShapeMismatch

TRIALS = 4000


def covered(share: float, expected: float = 0.95) -> None:
    """Within four standard errors of the promised share; intervals of finite samples may be short by two per cent."""
    slack = 4 * np.sqrt(expected * (1 - expected) / TRIALS)
    assert expected - slack - 0.02 <= share <= expected + slack


@pytest.mark.montecarlo
def test_mean_and_jackknife_intervals_cover_a_known_mean(rng: np.random.Generator) -> None:
    draws = rng.standard_normal((8, TRIALS)) + 3
    mean, half = mean_interval(draws)
    covered(float(np.mean(np.abs(mean - 3) <= half)))
    ratio = jackknife_interval(lambda values: values.mean(0) / 3, draws)
    np.testing.assert_allclose(ratio.half * 3, half, rtol=1e-9)


@pytest.mark.montecarlo
def test_jackknife_intervals_cover_a_ratio_of_means(rng: np.random.Generator) -> None:
    draws = np.stack([rng.normal(2, 0.3, (20, TRIALS)), rng.normal(4, 0.3, (20, TRIALS))], axis=1)
    ratio, half = jackknife_interval(lambda values: values[:, 0].mean(0) / values[:, 1].mean(0), draws)
    covered(float(np.mean(np.abs(ratio - 0.5) <= half)))


@pytest.mark.montecarlo
def test_intervals_of_exponents_cover_the_exponent(rng: np.random.Generator) -> None:
    """y = x^(-1/2) with 5 % of noise: from estimates with known intervals, and from single repeats."""
    x = np.array([10.0, 10.0, 100.0, 1000.0, 1000.0])
    draws = x**-0.5 * np.exp(0.05 * rng.standard_normal((TRIALS, 5)))
    known = [exponent(x, y, 1.96 * 0.05 * y) for y in draws]
    fitted = [fitted_exponent(x, y) for y in draws]
    for found in (known, fitted):
        slope, half = np.array(found).T
        covered(float(np.mean(np.abs(slope + 0.5) <= half)))
        assert abs(slope.mean() + 0.5) < 0.002
    with pytest.raises(ShapeMismatch, match="at least 3 repeats"):
        fitted_exponent(x[:2], x[:2])


@pytest.mark.montecarlo
@pytest.mark.parametrize(("draw", "truth"), [("standard_normal", 1.0), ("uniform", 1 / 12)])
def test_variance_intervals_cover_the_variance_without_assuming_a_normal_law(
    draw: str, truth: float, rng: np.random.Generator
) -> None:
    variance, half = variance_interval(getattr(rng, draw)(size=(400, TRIALS)))
    covered(float(np.mean(np.abs(variance - truth) <= half)))


@pytest.mark.oracle
@pytest.mark.parametrize(("hits", "trials"), [(0, 20), (20, 20), (7, 20), (95, 100)])
def test_proportions_agree_with_scipy(hits: int, trials: int) -> None:
    share, half = proportion_interval(hits, trials)
    interval = stats.binomtest(hits, trials).proportion_ci(method="wilson")
    assert share == hits / trials
    assert half == pytest.approx(max(share - interval.low, interval.high - share), rel=1e-3)


def test_without_repeats_there_is_no_error_bar() -> None:
    for interval in (mean_interval, variance_interval, lambda values: jackknife_interval(np.mean, values)):
        with pytest.raises(ShapeMismatch, match="at least 2 repeats"):
            interval(np.ones(1))
    assert np.isnan(proportion_interval(0, 0).mean)


def test_the_worst_cell_is_the_one_furthest_from_its_target() -> None:
    interval = Interval(np.array([[1.0, 1.3], [0.5, 1.0]]), np.array([[0.1, 0.2], [0.3, 0.4]]))
    assert worst(interval, 1.0) == (0.5, 0.3, 2)
    assert worst(interval, np.array([[1.0, 0.0], [0.5, 1.0]])) == (1.3, 0.2, 1)
