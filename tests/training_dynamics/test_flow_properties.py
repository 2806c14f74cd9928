"""The flow on random problems: ends, linearity, order of points, unit of the kernel, interruption."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from theodolite.kernels import Laplace
from theodolite.training_dynamics import kernel_flow

sizes = st.tuples(st.integers(2, 12), st.integers(1, 3), st.integers(1, 4))
seeds = st.integers(0, 2**32 - 1)
times = st.floats(0.0, 1e6)


def drawn(size: tuple[int, int, int], seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """X (n, d), targets (n, k), new points (3, d), initial values at X (n, k)."""
    n, d, k = size
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, d)), rng.normal(size=(n, k)), rng.normal(size=(3, d)), rng.normal(size=(n, k))


@given(sizes, seeds)
def test_it_starts_at_the_initial_function_and_ends_at_the_targets(size, seed) -> None:
    X, y, _, start = drawn(size, seed)
    flow = kernel_flow(Laplace(1.0), X, y, initial=start)
    np.testing.assert_allclose(flow.on_training(0.0), start, atol=1e-12)
    np.testing.assert_allclose(flow.on_training(np.inf), y, atol=1e-12)
    assert (np.diff(flow.cost(np.geomspace(1e-3, 1e6, 20))) <= 0).all()


@given(sizes, seeds, times, st.floats(-10, 10))
def test_predictions_are_linear_in_the_targets(size, seed, t, factor) -> None:
    X, y, Z, other = drawn(size, seed)
    both = [kernel_flow(Laplace(1.0), X, targets).predict(Z, t) for targets in (y, other, y + factor * other)]
    np.testing.assert_allclose(both[2], both[0] + factor * both[1], atol=1e-8)


@given(sizes, seeds, times)
def test_the_order_of_points_and_of_outputs_does_not_matter(size, seed, t) -> None:
    X, y, Z, _ = drawn(size, seed)
    order = np.random.default_rng(seed).permutation(len(X))
    flow, again = kernel_flow(Laplace(1.0), X, y), kernel_flow(Laplace(1.0), X[order], y[order][:, ::-1])
    np.testing.assert_allclose(again.on_training(t)[:, ::-1], flow.on_training(t)[order], atol=1e-10)
    np.testing.assert_allclose(again.predict(Z, t)[:, ::-1], flow.predict(Z, t), atol=1e-9)


@given(sizes, seeds, times, st.floats(1e-3, 1e3))
def test_a_multiple_of_the_kernel_is_a_multiple_of_time(size, seed, t, factor) -> None:
    X, y, Z, _ = drawn(size, seed)
    slow, fast = kernel_flow(Laplace(1.0), X, y), kernel_flow(factor * Laplace(1.0), X, y)
    np.testing.assert_allclose(fast.predict(Z, t), slow.predict(Z, factor * t), atol=1e-8)


@given(sizes, seeds, times, times)
def test_training_may_be_interrupted(size, seed, first, second) -> None:
    X, y, Z, _ = drawn(size, seed)
    flow = kernel_flow(Laplace(1.0), X, y)
    resumed = kernel_flow(Laplace(1.0), X, y, initial=flow.on_training(first))
    np.testing.assert_allclose(resumed.on_training(second), flow.on_training(first + second), atol=1e-11)
    there = resumed.predict(Z, second, initial=flow.predict(Z, first))
    np.testing.assert_allclose(there, flow.predict(Z, first + second), atol=1e-8)
