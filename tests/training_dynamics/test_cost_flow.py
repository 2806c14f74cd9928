"""Convex costs by integration: against explicit steps, the closed form of the squared cost, and each other."""

import dataclasses

import numpy as np
import pytest
from sklearn.metrics import log_loss

from theodolite.kernels import RBF, Laplace
from theodolite.training_dynamics import CROSS_ENTROPY, MEAN_SQUARED, CostFlow, kernel_flow, kernel_flow_from_gram


def softmax(f: np.ndarray) -> np.ndarray:
    e = np.exp(f - f.max(1, keepdims=True))
    return e / e.sum(1, keepdims=True)


def euler(K: np.ndarray, y: np.ndarray, f: np.ndarray, time: float, steps: int) -> np.ndarray:
    """d f / dt = -1/N K(., X) (softmax(f(X)) - y), the training points first."""
    n = len(y)
    f = f.copy()
    for _ in range(steps):
        f -= time / steps / n * K[:, :n] @ (softmax(f[:n]) - y)
    return f


@pytest.fixture
def classes(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """X (12, 2), one-hot targets of three classes, new points (4, 2)."""
    return rng.normal(size=(12, 2)), np.eye(3)[rng.integers(0, 3, 12)], rng.normal(size=(4, 2))


@pytest.mark.oracle
def test_cross_entropy_is_what_small_euler_steps_give(classes, rng) -> None:
    X, y, Z = classes
    K, start = Laplace(1.0)(np.vstack([X, Z])), rng.normal(size=(16, 3))
    flow = kernel_flow(Laplace(1.0), X, y, "cross_entropy", initial=start[:12])
    coarse, fine = (euler(K, y, start, 20.0, steps) for steps in (4000, 8000))
    assert np.abs(flow.on_training(20.0) - fine[:12]).max() < 2 * np.abs(fine - coarse).max() < 1e-2
    extrapolated = 2 * fine - coarse
    np.testing.assert_allclose(flow.on_training(20.0), extrapolated[:12], atol=1e-6)
    np.testing.assert_allclose(flow.predict(Z, 20.0, initial=start[12:]), extrapolated[12:], atol=1e-6)


@pytest.mark.exact
def test_the_cost_falls_strictly_and_is_the_log_loss(classes) -> None:
    X, y, _ = classes
    flow = kernel_flow(Laplace(1.0), X, y, "cross_entropy")
    times = np.concatenate([[0.0], np.geomspace(1e-2, 1e3, 40)])
    costs = flow.cost(times)
    assert (np.diff(costs) < 0).all()
    assert costs[0] == pytest.approx(np.log(3))
    assert costs[-1] < 0.1 * costs[0]
    assert costs[20] == pytest.approx(log_loss(y.argmax(1), softmax(flow.on_training(times[20]))), rel=1e-10)


@pytest.mark.exact
def test_the_cost_falls_at_the_rate_of_the_squared_kernel_norm_of_its_derivative(classes) -> None:
    X, y, _ = classes
    K, h = RBF(1.0)(X), 1e-3
    flow = kernel_flow(RBF(1.0), X, y, "cross_entropy", tolerance=1e-12)
    before, at, after = flow.on_training([5.0 - h, 5.0, 5.0 + h])
    d = softmax(at) - y
    slope = (CROSS_ENTROPY.value(after, y) - CROSS_ENTROPY.value(before, y)) / (2 * h)
    assert slope == pytest.approx(-np.einsum("ik,ij,jk->", d, K, d) / 12**2, rel=1e-6)


@pytest.mark.exact
@pytest.mark.parametrize("scale", [1.0, 1000.0])  # the second by the stiff route
def test_the_squared_cost_by_integration_is_the_closed_form(classes, scale: float) -> None:
    X, y, Z = classes
    kernel, times = scale * Laplace(1.0), [0.0, 0.5, 20.0]
    integrated, closed = kernel_flow(kernel, X, y, MEAN_SQUARED), kernel_flow(kernel, X, y)
    assert isinstance(integrated, CostFlow)
    np.testing.assert_allclose(integrated.on_training(times), closed.on_training(times), atol=1e-6)
    np.testing.assert_allclose(integrated.predict(Z, times), closed.predict(Z, times), atol=1e-6)
    np.testing.assert_allclose(integrated.cost(times), closed.cost(times), atol=1e-6)


@pytest.mark.oracle
def test_the_stiff_route_agrees_with_the_explicit_one(classes) -> None:
    """Times up to 0.99 and 1.01 of the border between the two: at a common time within both."""
    X, y, _ = classes
    gram = RBF(1.0)(X)
    flow = kernel_flow_from_gram(gram, y, "cross_entropy")
    assert flow.largest == pytest.approx(np.linalg.eigvalsh(gram / 12)[-1])
    border = 1000.0 / (flow.largest * CROSS_ENTROPY.steepest)
    explicit, stiff = (flow.on_training([0.5 * border, share * border])[0] for share in (0.99, 1.01))
    assert np.abs(explicit - stiff).max() > 0  # two routes
    np.testing.assert_allclose(explicit, stiff, rtol=1e-6)


def test_a_stiff_flow_takes_few_evaluations(classes) -> None:
    """About 1,300; 90,000 without the Jacobian, 250,000 with one of the wrong sign, ten million explicit steps."""
    X, y, _ = classes
    evaluations = 0

    def counted(f: np.ndarray, targets: np.ndarray) -> np.ndarray:
        nonlocal evaluations
        evaluations += 1
        return CROSS_ENTROPY.derivative(f, targets)

    soft = 0.8 * y + 0.2 / 3
    flow = kernel_flow(RBF(1.0), X, soft, dataclasses.replace(CROSS_ENTROPY, derivative=counted))
    np.testing.assert_allclose(softmax(flow.on_training(1e6)), soft, atol=1e-5)
    assert evaluations < 5000


@pytest.mark.oracle
def test_derivatives_and_curvatures_are_those_of_the_values(rng) -> None:
    for cost, k in ((CROSS_ENTROPY, 3), (CROSS_ENTROPY, 1), (MEAN_SQUARED, 2)):
        f, h = rng.normal(size=(4, k)), 1e-5
        y = softmax(rng.normal(size=(4, k))) if k > 1 else rng.uniform(size=(4, 1))
        derivative, curvature = cost.derivative(f, y), cost.curvature(f, y)
        assert np.linalg.eigvalsh(curvature).max() <= cost.steepest + 1e-12
        for i, a in np.ndindex(f.shape):
            e = np.zeros_like(f)
            e[i, a] = h
            slope = 4 * (cost.value(f + e, y) - cost.value(f - e, y)) / (2 * h)
            assert derivative[i, a] == pytest.approx(slope, abs=1e-9)
            bend = (cost.derivative(f + e, y) - cost.derivative(f - e, y))[i] / (2 * h)
            np.testing.assert_allclose(curvature[i, a], bend, atol=1e-9)


@pytest.mark.exact
def test_two_classes_in_one_column_are_two_columns_at_half_the_kernel(classes) -> None:
    X, y, Z = classes
    second = y[:, 1]
    one = kernel_flow(2.0 * Laplace(1.0), X, second, "cross_entropy")
    two = kernel_flow(Laplace(1.0), X, np.column_stack([1 - second, second]), "cross_entropy")
    both = two.predict(Z, [3.0, 90.0])
    np.testing.assert_allclose(one.predict(Z, [3.0, 90.0]), both[..., 1] - both[..., 0], atol=1e-7)
    np.testing.assert_allclose(one.cost(3.0), two.cost(3.0), atol=1e-9)


def test_times_may_come_in_any_order_and_twice(classes) -> None:
    X, y, _ = classes
    flow = kernel_flow(Laplace(1.0), X, y, "cross_entropy")
    a, b, c, d = flow.on_training([5.0, 0.0, 5.0, 1.0])
    np.testing.assert_array_equal(a, c)
    assert not b.any()
    np.testing.assert_allclose(flow.on_training(1.0), d, atol=1e-7)
