"""Gradients and flows of deep linear networks against autodiff, closed forms and symmetries."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from theodolite.numerics.errors import BadInput, NotFinite, ShapeMismatch
from theodolite.training_dynamics import saddles as sd

TARGET = np.diag([4.0, 2.0, 1.0])


def rotated(layers: Any, rng: np.random.Generator) -> tuple[np.ndarray, ...]:
    """The same product in other hidden bases."""
    turns = [np.linalg.qr(rng.standard_normal((len(W), len(W))))[0] for W in layers[:-1]]
    inside = [W if i == 0 else W @ turns[i - 1].T for i, W in enumerate(layers)]
    return tuple(turns[i] @ W if i < len(turns) else W for i, W in enumerate(inside))


@pytest.mark.oracle
def test_gradients_and_hessian_products_are_those_of_autodiff() -> None:
    rng = np.random.default_rng(0)
    X, Y = rng.standard_normal((3, 7)), rng.standard_normal((2, 7))
    cost = sd.general_mse(X, Y)
    layers = sd.random_layers((2, 3), 4, 3, 0.7, seed=1)
    direction = sd.random_layers((2, 3), 4, 3, 1.0, seed=2)

    def loss(layers: Any) -> Any:
        A = layers[2] @ layers[1] @ layers[0]
        return jnp.sum((A @ X - Y) ** 2) / (2 * X.shape[1])

    with jax.enable_x64():
        slopes, moved = jax.jvp(jax.grad(loss), (layers,), (direction,))
        value = float(loss(layers))
    ours = sd.layer_gradients(layers, cost.gradient(sd.product(layers)))
    for a, b in zip(ours, slopes, strict=True):
        np.testing.assert_allclose(a, np.asarray(b), atol=1e-12)
    for a, b in zip(sd.hessian_product(layers, direction, cost), moved, strict=True):
        np.testing.assert_allclose(a, np.asarray(b), atol=1e-12)
    assert cost.value(sd.product(layers)) == pytest.approx(value, rel=1e-13)


@pytest.mark.exact
@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10**6), st.integers(2, 4), st.integers(1, 5))
def test_padding_and_rotation_keep_the_product_and_padding_keeps_zero_gradients(seed: int, depth: int, k: int) -> None:
    layers = sd.random_layers((3, 2), k, depth, 0.8, seed=seed)
    wide = sd.padded(layers, k + 2)
    np.testing.assert_array_equal(sd.product(wide), sd.product(layers))
    turned = rotated(layers, np.random.default_rng(seed))
    np.testing.assert_allclose(sd.product(turned), sd.product(layers), atol=1e-12)
    slopes = sd.layer_gradients(wide, np.ones((3, 2)))
    again = sd.padded(sd.layer_gradients(layers, np.ones((3, 2))), k + 2)
    for a, b in zip(slopes, again, strict=True):  # new neurons receive nothing
        np.testing.assert_allclose(a, b, atol=1e-12)


@pytest.mark.exact
def test_a_rotated_or_padded_start_has_the_same_curve_and_stays_padded() -> None:
    cost = sd.full_mse(TARGET)
    start = sd.random_layers((3, 3), 4, 3, 0.3, seed=5)
    one, other, wide = (
        sd.linear_flow(s, cost, 3.0, tolerance=1e-12)
        for s in (start, rotated(start, np.random.default_rng(1)), sd.padded(start, 6))
    )
    for run in (other, wide):
        values = np.interp(np.linspace(0, 3, 50), run.times, run.values)
        np.testing.assert_allclose(values, np.interp(np.linspace(0, 3, 50), one.times, one.values), rtol=2e-3)
        assert run.values[-1] == pytest.approx(one.values[-1], rel=1e-9)
    end = wide.layers()
    assert all(np.all(W[4:] == 0) for W in end[:-1])
    assert np.all(end[-1][:, 4:] == 0)


@pytest.mark.oracle
@pytest.mark.parametrize("integrator", ["DOP853", "LSODA"])
def test_one_mode_follows_its_closed_form(integrator: Any) -> None:
    root = 0.01**0.5
    flow = sd.linear_flow([[[root]], [[root]]], sd.full_mse([[3.0]]), 2.0, tolerance=1e-11, integrator=integrator)
    np.testing.assert_allclose(flow.products[:, 0, 0], sd.scalar_mode(3.0, 0.01, flow.times), atol=1e-7)


@pytest.mark.oracle
def test_the_rate_of_a_mode_is_the_derivative_of_its_closed_form_and_of_the_flow() -> None:
    t, h = np.linspace(0.1, 1.0, 7), 1e-5
    slope = (sd.scalar_mode(3.0, 0.1, t + h) - sd.scalar_mode(3.0, 0.1, t - h)) / (2 * h)
    np.testing.assert_allclose(sd.scalar_mode_rate(3.0, sd.scalar_mode(3.0, 0.1, t), 2), slope, rtol=1e-8)
    a, layers = 0.5, [np.array([[0.5 ** (1 / 3)]])] * 3
    slopes = sd.layer_gradients(layers, np.array([[a - 3.0]]))
    moved = sum(-float(g[0, 0]) * a / float(W[0, 0]) for g, W in zip(slopes, layers, strict=True))
    assert sd.scalar_mode_rate(3.0, a, 3) == pytest.approx(moved, rel=1e-13)


@pytest.mark.oracle
def test_balanced_layers_follow_the_riccati_solution_with_unused_directions_too() -> None:
    rng = np.random.default_rng(1)
    target = rng.standard_normal((3, 2)) @ rng.standard_normal((2, 4))  # F has zero eigenvalues
    start = sd.balanced_layers(0.3 * rng.standard_normal((3, 4)), 2, width=5)
    flow = sd.linear_flow(start, sd.full_mse(target), 3.0, tolerance=1e-11)
    for i in (0, len(flow.times) // 2, -1):
        exact = sd.balanced_two_layers(start, target, flow.times[i])
        np.testing.assert_allclose(flow.products[i], exact, atol=1e-8)


@pytest.mark.exact
def test_flow_keeps_the_balance_and_descent_loses_it_in_proportion_to_its_step() -> None:
    cost = sd.full_mse(TARGET)
    start = sd.random_layers((3, 3), 5, 3, 0.4, seed=2)
    kept = sd.imbalance(start)
    end = sd.linear_flow(start, cost, 2.0, tolerance=1e-11).layers()
    assert max(np.abs(a - b).max() for a, b in zip(sd.imbalance(end), kept, strict=True)) < 1e-9
    drift = []
    for rate in (0.02, 0.01, 0.005):
        W = start
        for _ in range(round(2.0 / rate)):
            slopes = sd.layer_gradients(W, cost.gradient(sd.product(W)))
            W = tuple(w - rate * g for w, g in zip(W, slopes, strict=True))
        drift.append(max(np.abs(a - b).max() for a, b in zip(sd.imbalance(W), kept, strict=True)))
    np.testing.assert_allclose([drift[0] / drift[1], drift[1] / drift[2]], 2.0, atol=0.1)


@pytest.mark.exact
def test_the_last_state_is_the_one_where_the_cost_reached_its_stop_even_in_the_first_step() -> None:
    cost = sd.full_mse(TARGET)
    start = sd.random_layers((3, 3), 4, 2, 1.0, seed=3)
    first = cost.value(sd.product(start))
    for stop in (first - 1e-6, 0.5 * first, 1e-4):
        flow = sd.linear_flow(start, cost, 100.0, stop=stop)
        assert flow.stopped
        assert flow.values[-1] == pytest.approx(stop, rel=1e-7)
        assert np.all(np.diff(flow.times) > 0)
        np.testing.assert_allclose(sd.product(flow.layers()), flow.products[-1])
    assert not sd.linear_flow(start, cost, 0.01, stop=1e-4).stopped


@pytest.mark.exact
def test_what_is_kept_belongs_together() -> None:
    cost = sd.full_mse(TARGET)
    flow = sd.linear_flow(sd.random_layers((3, 3), 4, 3, 0.2, seed=0), cost, 3.0)
    i = len(flow.times) // 2
    assert flow.values[i] == pytest.approx(cost.value(sd.product(flow.layers(i))))
    assert flow.gradient_norms[i] == pytest.approx(sd.gradient_norm(flow.layers(i), cost))
    # the cost falls at the square of the gradient norm
    slope = np.gradient(flow.values, flow.times)[i]
    assert slope == pytest.approx(-(flow.gradient_norms[i] ** 2), rel=0.05)


def test_starts_and_shapes_that_cannot_work_are_refused() -> None:
    cost = sd.full_mse(TARGET)
    zero = tuple(0 * W for W in sd.random_layers((3, 3), 4, 3, 1.0))
    with pytest.raises(BadInput, match="exactly 0"):
        sd.linear_flow(zero, cost, 1.0)
    with pytest.raises(BadInput, match="critical point"):
        sd.linear_flow(sd.balanced_layers(TARGET, 2, rank=1), cost, 1.0)
    with pytest.raises(ShapeMismatch, match="layer 2 has shape"):
        sd.as_layers([np.ones((3, 2)), np.ones((2, 4))])
    with pytest.raises(ShapeMismatch, match="the cost expects"):
        sd.linear_flow(sd.random_layers((2, 3), 4, 2, 1.0), cost, 1.0)
    with pytest.raises(NotFinite):
        sd.as_layers([np.array([[np.nan]]), np.ones((1, 1))])
    with pytest.raises(BadInput, match="not balanced"):
        sd.balanced_two_layers([np.eye(3), 2 * np.eye(3)], TARGET, 1.0)
    with pytest.raises(BadInput, match="depth"):
        sd.random_layers((3, 3), 4, 1, 1.0)
    with pytest.raises(BadInput, match="wider"):
        sd.padded(sd.random_layers((3, 3), 4, 2, 1.0), 3)
