"""The closed form of the squared cost against explicit integration, its energy identity and its ends."""

import numpy as np
import pytest

from theodolite.infinite_width import ntk
from theodolite.kernels import RBF, Laplace
from theodolite.training_dynamics import (
    GradientDescent,
    GradientFlow,
    kernel_flow,
    kernel_flow_from_gram,
    max_learning_rate,
)


@pytest.fixture
def problem(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Points X (9, 2), targets (9, 2), new points (5, 2), initial values on both (14, 2)."""
    return rng.normal(size=(9, 2)), rng.normal(size=(9, 2)), rng.normal(size=(5, 2)), rng.normal(size=(14, 2))


def stepped(K: np.ndarray, y: np.ndarray, f: np.ndarray, rate: float, steps: int) -> np.ndarray:
    """f <- f - rate / N K(., X) (f(X) - y) by an explicit loop, on the N training points and then the others."""
    n = len(y)
    f = f.copy()
    pull = rate / n * K[:, :n]
    for _ in range(steps):
        f -= pull @ (f[:n] - y)
    return f


@pytest.mark.oracle
def test_the_flow_is_what_many_small_euler_steps_give(problem) -> None:
    X, y, Z, start = problem
    K, time, steps = RBF(2.0)(np.vstack([X, Z])), 37.0, 200_000
    flow = kernel_flow(RBF(2.0), X, y, initial=start[:9])
    explicit = stepped(K, y, start, time / steps, steps)
    np.testing.assert_allclose(flow.on_training(time), explicit[:9], atol=1e-5)
    np.testing.assert_allclose(flow.predict(Z, time, initial=start[9:]), explicit[9:], atol=1e-5)


@pytest.mark.oracle
@pytest.mark.parametrize("steps", [0, 1, 2, 37, 500])
@pytest.mark.parametrize("share", [1e-9, 0.1, 0.49, 0.51, 0.99])
def test_steps_are_what_an_explicit_loop_gives(problem, steps: int, share: float) -> None:
    X, y, Z, start = problem
    K = Laplace(2.0)(np.vstack([X, Z]))
    rate = share * max_learning_rate(K[:9, :9])
    flow = kernel_flow(Laplace(2.0), X, y, initial=start[:9]).in_steps(rate)
    explicit = stepped(K, y, start, rate, steps)
    np.testing.assert_allclose(flow.on_training(steps), explicit[:9], atol=1e-12)
    np.testing.assert_allclose(flow.predict(Z, steps, initial=start[9:]), explicit[9:], atol=1e-12)


@pytest.mark.exact
def test_the_cost_falls_at_the_rate_of_the_squared_kernel_norm_of_the_error(problem) -> None:
    X, y, _, start = problem
    K, h = RBF(2.0)(X), 1e-4
    flow = kernel_flow(RBF(2.0), X, y, initial=start[:9])
    for t in [0.1, 3.0, 40.0]:
        d = flow.on_training(t) - y
        slope = -np.einsum("ik,ij,jk->", d, K, d) / 9**2
        assert (flow.cost(t + h) - flow.cost(t - h)) / (2 * h) == pytest.approx(slope, rel=1e-8)


def test_the_cost_is_half_the_mean_square(problem) -> None:
    X, y, _, _ = problem
    flow = kernel_flow(RBF(2.0), X, y)
    times = np.array([0.0, 1.0, 50.0])
    np.testing.assert_allclose(flow.cost(times), ((flow.on_training(times) - y) ** 2).sum((1, 2)) / 18, rtol=1e-10)
    assert isinstance(flow.cost(1.0), float)


@pytest.mark.exact
def test_in_the_end_the_targets_are_interpolated_as_by_kernel_regression(net, four_points, sixty_points) -> None:
    X, y = four_points
    kernel, at = ntk(net), (lambda points: np.sin(3 * points[:, 0]))
    flow = kernel_flow(kernel, X, y, initial=at)
    np.testing.assert_allclose(flow.on_training(np.inf), y, atol=1e-12)
    ends = at(sixty_points) + kernel(sixty_points, X) @ np.linalg.solve(kernel(X), y - at(X))
    np.testing.assert_allclose(flow.predict(sixty_points, np.inf), ends, atol=1e-12)
    np.testing.assert_allclose(flow.predict(sixty_points, 1e5), ends, atol=1e-12)
    np.testing.assert_allclose(flow.predict(X, np.inf), y, atol=1e-9)
    np.testing.assert_array_equal(flow.predict(sixty_points, 0.0), at(sixty_points))


def test_one_step_of_rate_one_is_not_one_unit_of_time(net, four_points) -> None:
    """exp(-t lambda) and (1 - rate lambda)^k part by up to rate lambda / (2e) of the first error, to leading order."""
    X, y = four_points
    flow = kernel_flow(ntk(net), X, y)
    for rate, tolerance in ((1.0, 0.1), (0.1, 0.01), (0.01, 0.002)):
        steps = np.arange(round(100 / rate))
        apart = flow.along_components(steps * rate) - flow.in_steps(rate).along_components(steps)
        largest = rate * flow.eigenvalues / (2 * np.e) * np.abs(flow.coefficients[:, 0])
        np.testing.assert_allclose(np.abs(apart[..., 0]).max(0), largest, rtol=tolerance)
    gap = np.abs(flow.on_training(37.0) - flow.in_steps(1.0).on_training(37)).max()
    assert gap > 100 * np.abs(flow.on_training(37.0) - flow.in_steps(0.001).on_training(37_000)).max()
    assert gap > 2e-3


def test_eigenvalues_are_those_of_the_gram_matrix_over_the_number_of_points(net, four_points) -> None:
    X, y = four_points
    flow = kernel_flow(ntk(net), X, y)
    np.testing.assert_allclose(flow.eigenvalues, np.linalg.eigvalsh(ntk(net)(X) / 4)[::-1], rtol=1e-12)
    np.testing.assert_allclose(flow.eigenvalues, [0.1335, 0.0557, 0.0539, 0.0395], atol=5e-5)
    assert flow.max_learning_rate == pytest.approx(2 / flow.eigenvalues[0]) == max_learning_rate(ntk(net)(X))


def test_repeated_points_with_different_targets_end_at_their_mean() -> None:
    flow = kernel_flow(RBF(1.0), [[0.0], [0.0], [1.0]], [1.0, 3.0, -1.0])
    assert len(flow.eigenvalues) == 2
    for end in (1e4, 1e30, np.inf):
        np.testing.assert_allclose(flow.on_training(end), [2.0, 2.0, -1.0], atol=1e-12)
        np.testing.assert_allclose(flow.predict([[0.0], [1.0]], end), [2.0, -1.0], atol=1e-12)
        assert flow.cost(end) == pytest.approx((1 + 1) / 6)
    np.testing.assert_allclose(flow.residual_operator(np.inf) @ [-1.0, -3.0, 1.0], [1.0, -1.0, 0.0], atol=1e-12)


def test_a_gram_matrix_and_rows_do_what_a_kernel_and_points_do(problem) -> None:
    X, y, Z, start = problem
    times = [0.0, 0.7, np.inf]
    one = kernel_flow(RBF(2.0), X, y, initial=start[:9])
    two = kernel_flow_from_gram(RBF(2.0)(X), y, initial=start[:9])
    three = kernel_flow(lambda x, z: RBF(2.0)(x, z), X, y, initial=start[:9])
    np.testing.assert_allclose(one.on_training(times), two.on_training(times), atol=1e-13)
    predictions = one.predict(Z, times, initial=start[9:])
    np.testing.assert_allclose(predictions, two.predict(RBF(2.0)(Z, X), times, initial=start[9:]), atol=1e-12)
    np.testing.assert_allclose(predictions, three.predict(Z, times, initial=start[9:]), atol=1e-12)
    moved = start[9:] - one.smoother(Z, 0.7) @ (start[:9] - y)
    np.testing.assert_allclose(predictions[1], moved, atol=1e-13)


def test_answers_have_the_shapes_that_were_asked_for(problem) -> None:
    X, y, Z, _ = problem
    for targets, tail in ((y, (2,)), (y[:, :1], (1,)), (y[:, 0], ())):
        flow = kernel_flow(RBF(2.0), X, targets)
        assert flow.on_training(1.0).shape == (9, *tail)
        assert flow.on_training([1.0]).shape == (1, 9, *tail)
        assert flow.predict(Z, 1.0).shape == (5, *tail)
        assert flow.predict(Z, [1.0, 2.0, 3.0]).shape == (3, 5, *tail)
        assert flow.predict(Z, []).shape == (0, 5, *tail)


@pytest.mark.parametrize("pace", [GradientFlow(), GradientDescent(0.5)])
def test_the_integral_of_what_remains_is_exact_where_it_is_delicate(pace) -> None:
    """Tiny eigenvalues, tiny times: relative to the exact sum of a geometric series or its integral."""
    eigenvalues = np.array([1.0, 1e-3, 1e-9, 1e-13, 1e-200])
    times = np.array([0.0, 1.0, 3.0])
    found = pace.integrated(eigenvalues, times)
    if isinstance(pace, GradientFlow):
        nodes, weights = np.polynomial.legendre.leggauss(20)
        exact = np.array([[t / 2 * weights @ np.exp(-t * (nodes + 1) / 2 * x) for x in eigenvalues] for t in times])
    else:
        exact = np.array([[0.5 * sum((1 - 0.5 * x) ** j for j in range(int(k))) for x in eigenvalues] for k in times])
    np.testing.assert_allclose(found, exact, rtol=1e-12)
    np.testing.assert_allclose(pace.integrated(eigenvalues, np.array([np.inf]))[0], 1 / eigenvalues, rtol=1e-13)


def test_float32_gram_matrices_have_a_null_space_of_float32() -> None:
    x = np.linspace(0, 1, 30, dtype=np.float32)[:, None]
    flow = kernel_flow(RBF(1.0), x, np.sin(9 * x[:, 0]))
    assert len(flow.eigenvalues) < 12
    assert np.abs(flow.predict(x, np.inf)).max() < 2
