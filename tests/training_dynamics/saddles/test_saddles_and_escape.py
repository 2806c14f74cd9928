"""Saddles, the way out of them, the greedy algorithm and the distances."""

import itertools
import warnings
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from theodolite.numerics.errors import BadInput, ShapeMismatch
from theodolite.training_dynamics import saddles as sd

VALUES = np.array([4.0, 2.0, 1.0])
TARGET = np.diag(VALUES)


@pytest.fixture(scope="module")
def turned() -> np.ndarray:
    rng = np.random.default_rng(3)
    left, right = (np.linalg.qr(rng.standard_normal((n, 3)))[0] for n in (4, 5))
    return left * VALUES @ right.T


@pytest.mark.exact
@pytest.mark.parametrize(("rank", "negative", "lowest"), [(0, 15, -4.0), (1, 8, -2.0), (2, 3, -1.0), (3, 0, 0.0)])
def test_saddles_of_two_layers_have_the_known_inertia_and_those_of_three_no_way_down(
    rank: int, negative: int, lowest: float
) -> None:
    cost = sd.full_mse(TARGET)
    two = sd.hessian_spectrum(sd.balanced_layers(TARGET, 2, 5, rank), cost)
    assert (two.negative, two.negative + two.zero + two.positive) == (negative, 30)
    assert two.eigenvalues[0] == pytest.approx(lowest, abs=1e-10)
    three = sd.hessian_spectrum(sd.balanced_layers(TARGET, 3, 5, rank), cost)
    assert three.negative == 0
    assert sd.gradient_norm(sd.balanced_layers(TARGET, 3, 5, rank), cost) < 1e-12


@pytest.mark.oracle
def test_critical_values_are_the_costs_of_the_critical_points_themselves() -> None:
    rng = np.random.default_rng(0)
    X = rng.standard_normal((4, 30)) * np.array([[2.0], [1.0], [0.5], [0.3]])
    Y = rng.standard_normal((3, 4)) @ X + 0.3 * rng.standard_normal((3, 30))
    cost = sd.general_mse(X, Y)
    half = np.linalg.cholesky(X @ X.T / 30)
    best = np.linalg.lstsq(X.T, Y.T, rcond=None)[0].T
    U, s, Vt = np.linalg.svd(best @ half, full_matrices=False)
    costs = []
    for kept in itertools.chain.from_iterable(itertools.combinations(range(3), k) for k in range(4)):
        at = list(kept)
        A = (U[:, at] * s[at]) @ Vt[at] @ np.linalg.inv(half)
        costs.append(float(np.sum((A @ X - Y) ** 2) / 60))
    np.testing.assert_allclose(sd.all_critical_values(cost), np.sort(costs)[::-1], rtol=1e-10)
    np.testing.assert_allclose(sd.critical_values(cost), [costs[0], costs[1], costs[4], costs[7]], rtol=1e-10)
    with pytest.raises(BadInput, match="greedy_low_rank"):
        sd.critical_values(sd.completion([[1.0, np.nan], [1.0, 2.0]]))


def test_equal_singular_values_are_told() -> None:
    with pytest.warns(sd.NotSimple, match="equal ones appear together"):
        sd.critical_values(sd.full_mse(np.diag([2.0, 2.0, 1.0])))
    with pytest.warns(sd.NotSimple):
        sd.escape_direction(sd.full_mse(np.diag([2.0, 2.0])), 2)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        sd.escape_direction(sd.full_mse(np.diag([2.0, 1.0])), 2)


@pytest.mark.oracle
@pytest.mark.parametrize("depth", [2, 3, 4])
def test_the_steepest_direction_is_the_minimum_on_the_sphere(depth: int, turned: np.ndarray) -> None:
    cost = sd.full_mse(turned)
    G = cost.gradient(np.zeros(cost.shape))
    way = sd.escape_direction(cost, depth)
    best = way.layers(3, 1.0)
    assert sum(np.sum(W**2) for W in best) == pytest.approx(1.0)
    assert np.sum(G * sd.product(best)) == pytest.approx(-4.0 * depth ** (-depth / 2), rel=1e-12)
    shapes = [W.shape for W in best]
    ends = np.cumsum([W.size for W in best])[:-1]

    def value(theta: np.ndarray) -> float:
        unit = theta / np.linalg.norm(theta)
        parts = [p.reshape(s) for p, s in zip(np.split(unit, ends), shapes, strict=True)]
        return float(np.sum(G * sd.product(parts)))

    rng = np.random.default_rng(0)
    found = min(minimize(value, rng.standard_normal(sum(W.size for W in best))).fun for _ in range(2))
    assert found == pytest.approx(-4.0 * depth ** (-depth / 2), abs=1e-6)


@pytest.mark.oracle
@pytest.mark.parametrize("depth", [2, 3, 4])
def test_on_the_steepest_direction_the_norm_grows_as_the_formula_says(depth: int) -> None:
    constant = sd.convex_cost((2, 2), lambda A: -3.0 * A[0, 0], lambda A: np.array([[-3.0, 0.0], [0.0, 0.0]]))
    way = sd.escape_direction(constant, depth)
    time = 0.8 * way.time(0.3, 2.0)
    flow = sd.linear_flow(way.layers(2, 0.3), constant, time, tolerance=1e-11)
    for i in (len(flow.times) // 2, -1):
        assert way.time(0.3, flow.norms[i]) == pytest.approx(flow.times[i], rel=1e-7)
    assert way.time(0.3, np.inf) > way.time(0.3, 2.0)


@pytest.mark.exact
@pytest.mark.parametrize(("depth", "epsilon"), [(2, 1e-8), (3, 0.02)])
def test_both_greedy_algorithms_visit_the_saddles_and_certify_the_end(
    depth: int, epsilon: float, turned: np.ndarray
) -> None:
    cost = sd.full_mse(turned)
    flowing, flows = sd.greedy_path(cost, depth, epsilon)
    direct = sd.greedy_low_rank(cost, (4, 5))
    for found in (flowing, direct):
        np.testing.assert_allclose(found.values, [10.5, 2.5, 0.5, 0.0], atol=1e-6)
        np.testing.assert_allclose(found.certificates, [4.0, 2.0, 1.0, 0.0], atol=1e-6)
        assert found.certified
        np.testing.assert_allclose(sd.product(found.layers), turned, atol=1e-6)
    assert len(flows) == 3
    cut = sd.greedy_low_rank(cost, max_rank=2)
    assert not cut.certified  # a third rank does better
    assert cut.values[-1] == pytest.approx(0.5)


@pytest.mark.oracle
def test_a_general_convex_cost_is_brought_to_its_minimum() -> None:
    """Logistic loss of a matrix with a ridge: the certificate says when no rank does better."""
    rng = np.random.default_rng(1)
    signs = np.sign(rng.standard_normal((6, 2)) @ rng.standard_normal((2, 5)))

    def value(A: np.ndarray) -> float:
        return float(np.logaddexp(0.0, -signs * A).sum() + 0.25 * np.sum(A**2))

    def gradient(A: np.ndarray) -> np.ndarray:
        return -signs / (1.0 + np.exp(signs * A)) + 0.5 * A

    found = sd.greedy_low_rank(sd.convex_cost((6, 5), value, gradient), tolerance=1e-8)
    free = minimize(lambda a: value(a.reshape(6, 5)), np.zeros(30), tol=1e-10)
    assert found.certified
    assert found.values[-1] == pytest.approx(free.fun, rel=1e-10)
    assert np.all(np.diff(found.values) < 0)


@pytest.mark.oracle
def test_with_shrinkage_the_end_minimises_the_nuclear_norm_problem(turned: np.ndarray) -> None:
    found = sd.greedy_low_rank(sd.full_mse(turned), shrinkage=1.5)
    U, s, Vt = np.linalg.svd(turned, full_matrices=False)
    np.testing.assert_allclose(found.matrix, (U * np.maximum(s - 1.5, 0.0)) @ Vt, atol=1e-6)  # soft thresholding
    assert found.certified
    assert len(found.ranks) == 3


@pytest.mark.oracle
def test_a_small_projection_agrees_with_a_constrained_optimiser(turned: np.ndarray) -> None:
    cost = sd.full_mse(turned[:3, :3])
    start = sd.random_layers((3, 3), 4, 2, 0.6, seed=4)
    found = sd.nearest_minimum(start, cost)
    theta = np.concatenate([W.ravel() for W in start])

    def gap(t: np.ndarray) -> np.ndarray:
        return (t[12:].reshape(3, 4) @ t[:12].reshape(4, 3) - turned[:3, :3]).ravel()

    best = min(
        minimize(
            lambda t: 0.5 * np.sum((t - theta) ** 2),
            theta + 0.3 * np.random.default_rng(i).standard_normal(24),
            jac=lambda t: t - theta,
            constraints={"type": "eq", "fun": gap},
            method="SLSQP",
            options={"maxiter": 500, "ftol": 1e-12},
        ).fun
        for i in range(3)
    )
    assert found.residual < 1e-12
    assert found.distance == pytest.approx(np.sqrt(2 * best), rel=1e-4)
    assert found.linearised < found.distance * 1.2


@pytest.mark.exact
def test_from_almost_zero_the_nearest_minimum_is_the_smallest_one() -> None:
    for depth in (2, 3):
        start = sd.random_layers((3, 3), 6, depth, 1e-6, seed=0)
        distance = sd.nearest_minimum(start, sd.full_mse(TARGET)).distance
        assert distance == pytest.approx(np.sqrt(depth * np.sum(VALUES ** (2 / depth))), rel=1e-4)


@pytest.mark.exact
def test_the_nearest_saddle_is_critical_and_as_far_as_said() -> None:
    start = sd.random_layers((3, 3), 6, 3, 0.5, seed=0)
    saddle = (0 * start[0], start[1], 0 * start[2])
    assert sd.gradient_norm(saddle, sd.full_mse(TARGET)) == 0.0
    moved = np.sqrt(sum(np.sum((a - b) ** 2) for a, b in zip(saddle, start, strict=True)))
    assert sd.nearest_saddle(start) == pytest.approx(moved)


@pytest.mark.exact
def test_minima_of_completion_agree_on_seen_entries_only() -> None:
    table = np.outer([1.0, 2.0, -1.0], [1.0, 0.5, 2.0])
    table[0, 2] = np.nan
    start = sd.random_layers((3, 3), 8, 2, 0.7, seed=1)
    found = sd.nearest_minimum(start, sd.completion(table))
    A = sd.product(found.layers)
    np.testing.assert_allclose(A[~np.isnan(table)], table[~np.isnan(table)], atol=1e-11)
    whole = np.outer([1.0, 2.0, -1.0], [1.0, 0.5, 2.0])
    assert found.distance < sd.nearest_minimum(start, sd.full_mse(whole)).distance
    with pytest.raises(BadInput, match="not known"):
        sd.nearest_minimum(start, sd.convex_cost((3, 3), lambda A: 0.0, lambda A: A))


@pytest.mark.exact
@pytest.mark.parametrize(("depth", "sigma"), [(2, 1e-4), (3, 0.01)])
def test_plateaus_lie_at_saddles_and_the_first_path_is_followed(depth: int, sigma: float, turned: np.ndarray) -> None:
    cost = sd.full_mse(turned)
    flow = sd.linear_flow(sd.random_layers((4, 5), 6, depth, sigma, seed=0), cost, 1e3, stop=1e-3)
    found = {plateau.rank: plateau for plateau in sd.plateaus(flow)}
    assert found[1].value == pytest.approx(2.5, rel=0.02)
    assert found[2].value == pytest.approx(0.5, rel=0.02)
    assert found[0].left <= found[1].entered < found[1].time < found[1].left <= found[2].entered
    path = sd.first_path(cost, depth, radius=1e-3 if depth == 2 else 0.05)
    gap = sd.path_gap(flow, path, 6.5, 0.2)
    wide = sd.linear_flow(sd.random_layers((4, 5), 6, depth, 10 * sigma, seed=0), cost, 1e3, stop=1e-3)
    assert gap < 0.5 * sd.path_gap(wide, path, 6.5, 0.2)
    with pytest.raises(BadInput, match="another level"):
        sd.path_gap(flow, path, 2.4, 0.2)


@pytest.mark.exact
def test_advice_agrees_with_measured_distances_and_times() -> None:
    width, depth, values = 64, 3, [2.0, 1.2, 0.7, 0.4]
    cost = sd.full_mse(np.diag(values))
    advice = sd.initialisation_advice(width, depth, values, shape=(4, 4))
    lazy, _, _, small, _ = advice.options
    for option in (lazy, small):
        measured = [
            sd.regime(sd.random_layers((4, 4), width, depth, option.sigma, seed=i), cost, seed=i) for i in range(2)
        ]
        assert all(one.verdict == option.regime for one in measured)
        assert np.mean([one.to_saddle for one in measured]) == pytest.approx(option.to_saddle, rel=0.15)
        assert np.mean([one.to_minimum for one in measured]) == pytest.approx(option.to_minimum, rel=0.2)
    assert advice.low_rank_below < advice.lazy_above
    assert "saddle-to-saddle" in str(advice)
    two = sd.initialisation_advice(width, 2, values, shape=(4, 4), sigma=1e-5)
    option = next(o for o in two.options if o.sigma == 1e-5)
    flow = sd.linear_flow(sd.random_layers((4, 4), width, 2, 1e-5, seed=0), cost, 50.0, stop=1.0)
    assert sd.escape_time(flow, cost, sd.critical_values(cost)[1]) == pytest.approx(option.escape_time, rel=0.02)


@pytest.mark.montecarlo
def test_advice_tells_the_time_of_deeper_networks_to_about_a_third() -> None:
    cost = sd.full_mse(TARGET)
    advice = sd.initialisation_advice(16, 3, VALUES, shape=(3, 3), sigma=0.02)
    said = next(o for o in advice.options if o.sigma == 0.02).escape_time
    flows = [sd.linear_flow(sd.random_layers((3, 3), 16, 3, 0.02, seed=i), cost, 100.0, stop=6.0) for i in range(5)]
    came = [sd.escape_time(flow, cost, 2.5) for flow in flows]
    assert said == pytest.approx(np.mean(came), rel=0.35)


@settings(max_examples=20, deadline=None)
@given(st.integers(2, 500), st.integers(2, 5), st.floats(0.01, 100.0))
def test_advice_puts_its_bounds_in_order_and_where_the_verdict_changes(width: int, depth: int, scale: float) -> None:
    advice = sd.initialisation_advice(width, depth, scale, shape=(4, 6))
    assert 0 < advice.low_rank_below < advice.lazy_above
    for bound, below, above in (
        (advice.low_rank_below, "saddle-to-saddle", "critical"),
        (advice.lazy_above, "critical", "lazy"),
    ):
        for factor, verdict in ((0.99, below), (1.01, above)):
            found = sd.initialisation_advice(width, depth, scale, shape=(4, 6), sigma=factor * bound)
            assert next(o for o in found.options if o.sigma == factor * bound).regime == verdict


@pytest.mark.parametrize(
    "bad",
    [
        lambda: sd.initialisation_advice(8, 1, 1.0),
        lambda: sd.initialisation_advice(8, 2, -1.0),
        lambda: sd.initialisation_advice(8, 2, []),
        lambda: sd.completion([[np.nan, np.nan], [1.0, 2.0]]),
        lambda: sd.completion([[np.nan, 1.0], [np.nan, 2.0]]),
        lambda: sd.escape_direction(sd.full_mse(TARGET), 1),
        lambda: sd.first_path(sd.full_mse(np.zeros((2, 2))), 2),
    ],
)
def test_settings_without_a_meaning_are_refused(bad: Any) -> None:
    with pytest.raises(BadInput):
        bad()


def test_costs_of_shapes_that_do_not_belong_together_are_refused() -> None:
    with pytest.raises(ShapeMismatch):
        sd.general_mse(np.ones((3, 4)), np.ones((3, 5)))
    with pytest.raises(ShapeMismatch):
        sd.completion(np.ones((3, 4)), np.ones((4, 3), dtype=bool))
    with pytest.raises(ShapeMismatch):
        sd.convex_cost((2, 2), lambda A: 0.0, lambda A: np.zeros(3))
    with pytest.raises(ShapeMismatch):
        sd.greedy_low_rank(sd.full_mse(TARGET), (2, 2))
