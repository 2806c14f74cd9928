"""Forecasts to other sizes, against problems whose risk is known at every size."""

import functools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from theodolite.kernel_regression import RidgePath, expected_risk, learning_curve, threshold_table
from theodolite.kernel_regression.learning_curve import _noise_and_bias
from theodolite.kernels import Laplace
from theodolite.numerics import BadInput
from theodolite.numerics.self_consistent import degrees_of_freedom

K = np.arange(1.0, 501)
PROBLEMS = {  # eigenvalues, coefficients, noise, in the model of Gaussian observations
    "k^-1.5": (K**-1.5, (-1.0) ** (K + 1) / K, 0.3),
    "k^-2": (K**-2.0, 1.0 / K, 0.1),
    "k^-1.2": (K**-1.2, K**-0.8, 0.5),
}
ROWS, SIZES, DRAWS = 200, np.array([50, 100, 200, 400, 800, 1600]), 40


@functools.cache
def paths(name: str) -> list[RidgePath]:
    d, c, noise = PROBLEMS[name]
    rng = np.random.default_rng(0)
    drawn = []
    for _ in range(DRAWS):
        features = rng.standard_normal((ROWS, K.size))
        y = features @ c + noise * rng.standard_normal(ROWS)
        drawn.append(RidgePath((features * d) @ features.T, y))
    return drawn


@functools.cache
def exact(name: str) -> np.ndarray:
    """The expected risk at the best ridge of each size."""
    d, c, noise = PROBLEMS[name]
    ridges = np.geomspace(1e-7, 10, 150)
    return np.array([min(expected_risk(d, c, noise, ridge, int(size)) for ridge in ridges) for size in SIZES])


@pytest.mark.montecarlo
@pytest.mark.parametrize("name", PROBLEMS)
def test_forecasts_agree_with_the_expected_risk_at_other_sizes(name: str) -> None:
    """Within four standard errors of the mean over draws and a systematic part: 2 % up to four times the size at hand,
    3 % at eight times. Up to the size at hand the curve interpolates; beyond, noise, bias and spectrum continue."""
    forecasts = np.array([learning_curve(path, SIZES).risk for path in paths(name)])
    bars = forecasts.std(axis=0) / np.sqrt(DRAWS)
    systematic = np.array([0.02, 0.02, 0.02, 0.02, 0.02, 0.03]) * exact(name)
    gap = np.abs(forecasts.mean(axis=0) - exact(name))
    assert (gap <= 4 * bars + systematic).all()
    # and far better than to expect at 400 rows and more what was seen at 200
    unchanged = np.abs(exact(name)[2] - exact(name))
    assert (gap[3:] <= 0.5 * unchanged[3:]).all()


@pytest.mark.montecarlo
def test_where_there_is_little_noise_the_risk_goes_on_falling() -> None:
    """Four times the rows lower this risk to a third; a floor below the thresholds seen would miss most of that."""
    k = np.arange(1.0, 2001)
    d, c, noise, rows, draws = k**-1.5, k**-0.7, 0.05, 100, 30
    rng = np.random.default_rng(1)
    forecasts = []
    for _ in range(draws):
        features = rng.standard_normal((rows, k.size))
        path = RidgePath((features * d) @ features.T, features @ c + noise * rng.standard_normal(rows))
        forecasts.append(learning_curve(path, [rows, 4 * rows]).risk)
    seen, forecast = np.mean(forecasts, axis=0)
    bar = np.std(forecasts, axis=0)[1] / np.sqrt(draws)
    truth = min(expected_risk(d, c, noise, ridge, 4 * rows) for ridge in np.geomspace(1e-7, 1, 100))
    assert truth < 0.45 * seen
    assert forecast == pytest.approx(truth, abs=4 * bar + 0.25 * truth)


@pytest.mark.oracle
@pytest.mark.parametrize("name", PROBLEMS)
def test_the_table_knows_the_sums_over_the_true_spectrum(name: str) -> None:
    """D1 and D2 where thresholds were seen: on average over draws within 2 % of sums over the exact eigenvalues."""
    d = PROBLEMS[name][0]
    first, second = [], []
    for path in paths(name):
        table = threshold_table(path)
        seen = table.threshold >= path.signal_capture_threshold(path.ridges[0])
        reliable = seen & (table.first > 1) & (table.first < 0.8 * ROWS)
        t = table.threshold[reliable][:, None]
        np.testing.assert_allclose(table.first[reliable], np.sum(d / (d + t), axis=1), rtol=0.15)
        first.append(np.mean(table.first[reliable] / np.sum(d / (d + t), axis=1)))
        second.append(np.mean(table.second[reliable] / np.sum((d / (d + t)) ** 2, axis=1)))
        assert degrees_of_freedom(float(t[0, 0]), d) == pytest.approx(np.sum(d / (d + t[0])), rel=1e-12)
    assert np.mean(first) == pytest.approx(1.0, abs=0.02)
    assert np.mean(second) == pytest.approx(1.0, abs=0.02)


@pytest.mark.exact
@settings(max_examples=15)
@given(seed=st.integers(0, 999), noise=st.floats(0.2, 1.0))
def test_at_its_own_size_the_forecast_is_the_risk_at_the_best_ridge(seed: int, noise: float) -> None:
    rng = np.random.default_rng(seed)
    x = rng.uniform(0, 3, (60, 1))
    path = RidgePath(Laplace(1.0)(x), np.sin(3 * x[:, 0]) + noise * rng.standard_normal(60))
    best = path.best_ridge()
    curve = learning_curve(path, [60])
    assert curve.rows == 60
    if path.effective_dimension(best) < 0.65 * 60:  # beyond, the table is continued
        assert curve.risk[0] == pytest.approx(path.risk(best), rel=5e-3)


@pytest.mark.exact
@settings(max_examples=15)
@given(seed=st.integers(0, 999), noise=st.floats(0.05, 1.0))
def test_more_rows_never_cost(seed: int, noise: float) -> None:
    rng = np.random.default_rng(seed)
    x = rng.uniform(0, 3, (60, 1))
    path = RidgePath(Laplace(1.0)(x), np.sin(3 * x[:, 0]) + noise * rng.standard_normal(60))
    curve = learning_curve(path, [10, 20, 40, 60, 120, 240, 1000])
    assert (np.diff(curve.risk) <= 1e-12).all()
    assert (curve.risk > 0).all()
    assert (curve.ridge > 0).all()
    assert (curve.low <= curve.risk).all()
    assert (curve.risk <= curve.high).all()


@pytest.mark.exact
def test_the_table_gives_back_the_path_it_was_read_from() -> None:
    """At the path's own size, ridge -> risk is the path's own function."""
    rng = np.random.default_rng(1)
    x = rng.uniform(0, 3, (80, 1))
    path = RidgePath(Laplace(1.0)(x), np.sin(3 * x[:, 0]) + 0.3 * rng.standard_normal(80))
    for criterion in ("kare", "leave_one_out", "risk"):
        ridges, risks = threshold_table(path, criterion).at_size(80)
        known = (path.effective_dimension(ridges) < 0.65 * 80) & (ridges < path.ridges[-1] * 0.999)
        assert known.sum() > 30
        np.testing.assert_allclose(risks[known], getattr(path, criterion)(ridges[known]), rtol=0.02)


@pytest.mark.exact
def test_the_band_is_two_standard_errors_and_above_n_from_all_bias_to_all_noise() -> None:
    path = paths("k^-1.5")[0]
    best = path.best_ridge()
    share = 2 * path.standard_error(best) / path.risk(best)
    curve = learning_curve(path, [100, 200, 3200])
    np.testing.assert_allclose(curve.high[:2] / curve.risk[:2], 1 + share, rtol=1e-9)
    np.testing.assert_allclose(curve.low[:2] / curve.risk[:2], max(1 - share, 0), rtol=1e-9)
    table = threshold_table(path)
    unseen = table.all_noise < table.all_noise.min() * (1 + 1e-12)
    assert (np.diff(np.log(table.all_bias[unseen])) > 0).all()
    for base, bound in ((table.all_bias, curve.low[2] / (1 - share)), (table.all_noise, curve.high[2] / (1 + share))):
        assert bound == pytest.approx(table.at_size(3200, base)[1].min(), rel=1e-9)
    assert curve.low[2] / (1 - share) < 0.97 * curve.risk[2] < 0.97 * curve.high[2] / (1 + share)


@pytest.mark.exact
@settings(max_examples=20, deadline=None)
@given(
    noise=st.floats(0, 1),
    bias=st.floats(0.01, 1),
    power=st.sampled_from([0.2, 0.5, 1.0, 1.55]),
)
def test_noise_and_bias_are_told_apart_where_they_are_exact(noise: float, bias: float, power: float) -> None:
    threshold, below = np.geomspace(1, 7.4, 30), np.geomspace(1e-4, 1, 10, endpoint=False)
    found = _noise_and_bias(threshold, noise + bias * threshold**power, below)
    np.testing.assert_allclose(found, (noise + bias * below**power) / (noise + bias), rtol=1e-6)


@pytest.mark.parametrize("sizes", [[1], [100, 0], [-5], [np.nan], [np.inf], [[10, 20]]])
def test_what_are_no_sizes_is_refused(sizes: list) -> None:
    with pytest.raises(BadInput, match="sizes must be numbers of rows, each at least 2"):
        learning_curve(paths("k^-1.5")[0], sizes)
