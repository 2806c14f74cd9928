"""Early stopping: where the lowest error lies when the signal is one component and the labels are noisy."""

import numpy as np
import pytest

from theodolite.infinite_width import ntk
from theodolite.kernel_regression import RidgePath
from theodolite.kernels import gram
from theodolite.training_dynamics import (
    EarlyStopping,
    early_stopping,
    equivalent_ridge,
    kernel_components,
    kernel_flow,
    kernel_flow_from_gram,
)


def demonstration(net, seed: int, scale: float = 1.0) -> tuple[EarlyStopping, float, float]:
    """(curve on 300 clean points, lambda_2, error at time 1): 100 random angles, labels f^(2) and noise of its size.

    `scale` multiplies the Gram matrices: 100 forgets the 1/N.
    """
    rng = np.random.default_rng(seed)
    X, Z = (np.column_stack([np.cos(a), np.sin(a)]) for a in (rng.uniform(-np.pi, np.pi, n) for n in (100, 300)))
    components = kernel_components(ntk(net), X, 2)
    labels = components.values[:, 1] + rng.normal(size=100)
    matrix, rows, truth = gram(ntk(net), X), gram(ntk(net), Z, X), components.at(Z)[:, 1]
    flow = kernel_flow_from_gram(scale * matrix, labels)
    curve = early_stopping(flow, scale * rows, truth)
    early = float(np.mean((flow.predict(scale * rows, 1.0) - truth) ** 2))
    return curve, float(components.eigenvalues[1]), early


@pytest.mark.exact
@pytest.mark.parametrize("seed", range(10))
def test_the_best_time_is_a_few_units_of_the_component_that_carries_the_signal(net, seed: int) -> None:
    curve, second, early = demonstration(net, seed)
    assert curve.times[0] == 0
    assert curve.times[-1] == np.inf
    assert curve.error <= 0.2 * curve.errors[-1]
    assert curve.error <= 0.2 * early
    assert 1 <= curve.time * second <= 6
    assert curve.ridge == 1 / curve.time


def test_without_the_division_by_n_the_best_time_is_a_hundred_times_too_early(net) -> None:
    curve, second, _ = demonstration(net, 0, scale=100.0)
    assert curve.time * second < 0.1


def test_the_curve_is_the_error_of_the_predictions(net, rng) -> None:
    X, Z = rng.normal(size=(20, 2)), rng.normal(size=(6, 2))
    y, truth, times = rng.normal(size=(20, 2)), rng.normal(size=(6, 2)), [0.0, 1.0, 7.0, np.inf]
    at = np.sin
    for flow in (kernel_flow(ntk(net), X, y, initial=at), kernel_flow(ntk(net), X, y, initial=at).in_steps(2.0)):
        curve = early_stopping(flow, Z, truth, times)
        np.testing.assert_array_equal(curve.times, times)
        errors = ((flow.predict(Z, times) - truth) ** 2).sum(2).mean(1)
        np.testing.assert_allclose(curve.errors, errors, rtol=1e-10)
        training = ((flow.on_training(times) - y) ** 2).sum(2).mean(1)
        np.testing.assert_allclose(curve.training_errors[:-1], training[:-1], rtol=1e-10)
        assert curve.training_errors[-1] == pytest.approx(0, abs=1e-20)
        assert curve.error <= curve.errors.min()


def test_the_valley_is_searched_between_the_times(net) -> None:
    rng = np.random.default_rng(5)
    X = rng.normal(size=(40, 2))
    flow = kernel_flow(ntk(net), X, X[:, 0] + rng.normal(size=40))
    Z = rng.normal(size=(200, 2))
    coarse = early_stopping(flow, Z, Z[:, 0])
    fine = early_stopping(flow, Z, Z[:, 0], np.geomspace(coarse.time / 3, coarse.time * 3, 4001))
    assert coarse.error <= fine.errors.min() + 1e-9
    assert coarse.time == pytest.approx(fine.time, rel=2e-3)
    steps = early_stopping(flow.in_steps(0.05), Z, Z[:, 0])
    assert steps.time % 1 == 0
    assert (np.diff(steps.times) > 0).all()
    assert steps.elapsed == pytest.approx(0.05 * steps.time)
    assert steps.elapsed == pytest.approx(coarse.time, rel=0.2)


def test_a_target_of_zero_is_best_at_the_start_and_a_clean_one_at_the_end(net, rng) -> None:
    X = rng.normal(size=(15, 2))
    never = early_stopping(kernel_flow(ntk(net), X, X[:, 0]), X, np.zeros(15))
    assert (never.time, never.ridge) == (0.0, np.inf)
    always = early_stopping(kernel_flow(ntk(net), X, X[:, 0]), X, X[:, 0], [0.0, 1.0, np.inf])
    assert (always.time, always.ridge) == (np.inf, 0.0)


def test_the_equivalent_ridge_gives_a_similar_error(net) -> None:
    """The two filters differ, their best errors hardly: within a third of each other."""
    rng = np.random.default_rng(11)
    X, Z = rng.normal(size=(80, 2)), rng.normal(size=(300, 2))
    y = np.sin(2 * X[:, 0]) + 0.7 * rng.normal(size=80)
    stop = early_stopping(kernel_flow(ntk(net), X, y), Z, np.sin(2 * Z[:, 0]))
    dual = np.linalg.solve(ntk(net)(X) + 80 * stop.ridge * np.eye(80), y)
    risk = np.mean((ntk(net)(Z, X) @ dual - np.sin(2 * Z[:, 0])) ** 2)
    assert stop.error / 1.34 < risk < 1.34 * stop.error
    assert RidgePath(ntk(net)(X), y).best_ridge() == pytest.approx(stop.ridge, rel=5)
    assert equivalent_ridge(50.0) == 0.02
