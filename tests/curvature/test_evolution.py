"""The moments of the Hessian in training: closed forms, flows, averages, and the misprints of the paper kept out."""

import jax
import numpy as np
import pytest
from scipy.integrate import solve_ivp
from scipy.linalg import expm
from scipy.special import expit

from theodolite.architectures import Relu, Softplus, Tanh, plain
from theodolite.curvature.cost_evolution import ConvexCost
from theodolite.curvature.evolution import SquaredCost, Start
from theodolite.curvature.forecast import Forecast, forecast, initial_functions
from theodolite.curvature.laplacian import laplacian
from theodolite.curvature.limiting_kernels import LimitingKernels, limiting_kernels
from theodolite.experiments.random_networks import parameters_drawn
from theodolite.finite_width import network
from theodolite.numerics.costs import CROSS_ENTROPY, MEAN_SQUARED
from theodolite.numerics.errors import BadInput, NoInfiniteWidthLimit, NotFinite, ShapeMismatch

TIMES = np.array([0.0, 0.7, 4.0, 30.0])
NET = plain(Softplus(), 3, 0.1)


@pytest.fixture(scope="module")
def points() -> np.ndarray:
    return 1.5 * np.random.default_rng(3).standard_normal((7, 5))


@pytest.fixture(scope="module")
def kernels(points: np.ndarray) -> LimitingKernels:
    return limiting_kernels(NET, points)


@pytest.fixture(scope="module")
def targets() -> np.ndarray:
    return np.random.default_rng(4).standard_normal((7, 2))


def corollary(kernels: LimitingKernels, targets: np.ndarray, time: float, *, printed: bool = False) -> list[float]:
    """E Tr S and E Tr S^2 as one writes them down; `printed`, with the sign and the exponent of the paper."""
    n = len(targets)
    E = expm(-time * kernels.theta / (1 if printed else n))
    change = np.eye(n) + E if printed else np.eye(n) - E
    found = np.zeros(2)
    for y in targets.T:
        B = kernels.sigma + np.outer(y, y)
        first = np.trace(E @ kernels.phi) / n
        first -= np.trace(E @ kernels.lambda_ @ np.linalg.inv(kernels.theta) @ change @ B) / n
        found += first, np.trace(E @ kernels.upsilon @ E @ B) / n**2
    return list(found)


def test_the_averages_are_those_of_the_corrected_corollary(kernels: LimitingKernels, targets: np.ndarray) -> None:
    moments = SquaredCost(kernels, targets).on_average(TIMES)
    for at, time in enumerate(TIMES):
        assert np.allclose(moments.residual[at, :2], corollary(kernels, targets, time), rtol=1e-9, atol=1e-12)
        assert not moments.residual[at, 2:].any()
    eigenvalues = np.linalg.eigvals(kernels.theta / 7)
    expected = [2 * np.sum(eigenvalues**k).real for k in (1, 2, 3, 4)]
    assert np.allclose(moments.gauss_newton, expected, rtol=1e-12)


def test_what_the_paper_prints_is_something_else(kernels: LimitingKernels, targets: np.ndarray) -> None:
    moments = SquaredCost(kernels, targets).on_average(TIMES)
    for at, time in enumerate(TIMES[:3]):
        printed = corollary(kernels, targets, time, printed=True)[0]
        assert abs(printed - moments.residual[at, 0]) > 10 * abs(
            moments.residual[at, 0] - corollary(kernels, targets, time)[0]
        )
        assert abs(printed - moments.residual[at, 0]) > 0.01


def test_networks_at_their_start_tell_the_corollary_from_its_misprint() -> None:
    """64 networks; the trace of S from their Laplacians."""
    rng = np.random.default_rng(5)
    X, y, net = (
        1.5 * rng.standard_normal((16, 16)),
        np.sign(rng.standard_normal((16, 1))),
        plain(Softplus().normalised(), 3, 0.1),
    )
    f, kernels = network(net, 96), limiting_kernels(net, X)
    params = parameters_drawn(f, (16,), 64, rng, np.float64)
    traces = []
    with jax.enable_x64(True):
        for i in range(64):
            own = jax.tree.map(lambda leaf, i=i: leaf[i], params)
            traces.append(float(np.sum(laplacian(f, own, X) * (np.asarray(f.apply(own, X)) - y)) / 16))
    error = np.std(traces, ddof=1) / 8
    right, wrong = (corollary(kernels, y, 0.0, printed=printed)[0] for printed in (False, True))
    spread = SquaredCost(kernels, y).on_average(np.zeros(1)).residual_spread[0, 0]
    assert abs(np.mean(traces) - right) < 3.5 * error + 3 / 96 * spread
    assert abs(np.mean(traces) - wrong) > 4 * error
    assert 0.7 < np.std(traces, ddof=1) / spread < 1.4  # 64 draws: 9 % one sigma, and what width 96 adds


def test_averages_and_spreads_are_those_of_drawn_initial_functions(
    kernels: LimitingKernels, targets: np.ndarray
) -> None:
    squared = SquaredCost(kernels, targets)
    starts = initial_functions(kernels, 2, 4000, np.random.default_rng(6))
    each = np.array([squared.starting_at(start, TIMES[:3]).residual[:, :2] for start in starts])
    moments = squared.on_average(TIMES[:3])
    error = each.std(0, ddof=1) / np.sqrt(len(each))
    assert (np.abs(each.mean(0) - moments.residual[:, :2]) < 4 * error).all()
    fourth = ((each - each.mean(0)) ** 4).mean(0) / each.var(0) ** 2
    assert (np.abs(each.std(0) / moments.residual_spread[:, :2] - 1) < 2 * np.sqrt((fourth - 1) / len(each))).all()


def test_drawn_pairs_have_the_covariance_of_f_and_g(kernels: LimitingKernels) -> None:
    starts = initial_functions(kernels, 1, 20_000, np.random.default_rng(7))
    f, g = (np.array([part[:, 0] for part in side]) for side in zip(*starts, strict=True))
    for left, right, kernel in ((f, f, kernels.sigma), (g, f, kernels.phi), (g, g, kernels.xi)):
        products = left[:, :, None] * right[:, None, :]
        error = products.std(0) / np.sqrt(len(f))
        assert (np.abs(products.mean(0) - kernel) < 4.5 * error).all()


def integrated(kernels: LimitingKernels, slope, start: Start, times: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """Outputs and traces by a flow of both, as the paper writes it."""
    shape = start.outputs.shape

    def speed(_, both):
        c = slope(both[: both.size // 2].reshape(shape))
        return -np.concatenate([(kernels.theta @ c).ravel(), (kernels.lambda_ @ c).ravel()])

    first = np.concatenate([part.ravel() for part in start])
    solved = solve_ivp(speed, (0, times[-1]), first, "RK45", times, rtol=1e-10, atol=1e-12)
    return [(both[: both.size // 2].reshape(shape), both[both.size // 2 :].reshape(shape)) for both in solved.y.T]


def test_one_network_s_moments_follow_the_flow_of_its_outputs(kernels: LimitingKernels, targets: np.ndarray) -> None:
    start = initial_functions(kernels, 2, 1, np.random.default_rng(8))[0]
    found = SquaredCost(kernels, targets).starting_at(start, TIMES).residual
    other = ConvexCost(kernels, targets, MEAN_SQUARED).starting_at(start, TIMES)
    assert np.allclose(found, other.residual, rtol=1e-6, atol=1e-9)
    assert np.allclose(other.gauss_newton, SquaredCost(kernels, targets).gauss_newton(TIMES), rtol=1e-12)
    flow = integrated(kernels, lambda f: (f - targets) / 7, start, TIMES)
    for at, (f, g) in enumerate(flow):
        c = (f - targets) / 7
        assert np.allclose(found[at, :2], [np.sum(g * c), np.sum(c * (kernels.upsilon @ c))], rtol=1e-6, atol=1e-9)


def test_steps_of_gradient_descent_have_their_own_pace(kernels: LimitingKernels, targets: np.ndarray) -> None:
    start = initial_functions(kernels, 2, 1, np.random.default_rng(9))[0]
    f, g = start.outputs.copy(), start.traces.copy()
    for _ in range(6):
        c = (f - targets) / 7
        f, g = f - 0.5 * kernels.theta @ c, g - 0.5 * kernels.lambda_ @ c
    c = (f - targets) / 7
    found = SquaredCost(kernels, targets, learning_rate=0.5).starting_at(start, np.array([3.0])).residual[0]
    assert np.allclose(found[:2], [np.sum(g * c), np.sum(c * (kernels.upsilon @ c))], rtol=1e-12)


def test_binary_cross_entropy_follows_its_flow(kernels: LimitingKernels) -> None:
    labels = np.array([[0.0], [1.0], [1.0], [0.0], [1.0], [0.3], [1.0]])
    start = initial_functions(kernels, 1, 1, np.random.default_rng(10))[0]
    found = ConvexCost(kernels, labels, CROSS_ENTROPY).starting_at(start, TIMES)
    for at, (f, g) in enumerate(integrated(kernels, lambda f: (expit(f) - labels) / 7, start, TIMES)):
        c = (expit(f) - labels) / 7
        weights = 1 / (2 + np.exp(f[:, 0]) + np.exp(-f[:, 0])) / 7  # printed with 1 for 2 in the paper
        spectrum = np.linalg.eigvals(weights[:, None] * kernels.theta).real
        assert np.allclose(found.gauss_newton[at], [np.sum(spectrum**k) for k in (1, 2, 3, 4)], rtol=1e-6)
        assert np.allclose(
            found.residual[at, :2], [np.sum(g * c), np.sum(c * (kernels.upsilon @ c))], rtol=1e-6, atol=1e-9
        )


def test_two_classes_by_softmax_are_one_logit_with_twice_the_kernels(kernels: LimitingKernels) -> None:
    labels = np.array([0.0, 1.0, 1.0, 0.0, 1.0, 0.0, 1.0])
    both = np.stack([1 - labels, labels], axis=1)
    starts = initial_functions(kernels, 2, 3, np.random.default_rng(11))
    twice = LimitingKernels(*(2 * part for part in vars(kernels).values()))
    gauss_newton, residual = ConvexCost(kernels, both, CROSS_ENTROPY).of_each(starts, TIMES)
    for i, start in enumerate(starts):
        one = Start(*(part[:, 1:] - part[:, :1] for part in start))
        found = ConvexCost(twice, labels[:, None], CROSS_ENTROPY).starting_at(one, TIMES)
        assert np.allclose(gauss_newton[i], found.gauss_newton, rtol=1e-6)
        assert np.allclose(residual[i], found.residual, rtol=1e-5, atol=1e-9)


def test_late_in_training_on_separable_labels_all_curvature_goes(kernels: LimitingKernels) -> None:
    labels = np.array([[0.0], [1.0], [1.0], [0.0], [1.0], [0.0], [1.0]])
    start = initial_functions(kernels, 1, 1, np.random.default_rng(12))[0]
    flow = ConvexCost(kernels, labels, CROSS_ENTROPY)
    late = flow.starting_at(start, np.array([0.0, 30.0, 3e4]))  # the last one by the stiff method
    early = flow.starting_at(start, np.array([30.0]))
    assert np.allclose(late.gauss_newton[1], early.gauss_newton[0], rtol=1e-5)
    assert late.gauss_newton[2, 0] < 0.1 * late.gauss_newton[0, 0]
    assert late.residual[2, 1] < 1e-2 * late.residual[0, 1]


def test_the_squared_cost_leaves_gauss_newton_alone_in_the_end(points: np.ndarray) -> None:
    end = forecast(NET, points, np.ones(7), 1e7)
    assert np.allclose(end.hessian, end.gauss_newton, rtol=1e-9)
    assert np.abs(end.residual).max() < 1e-9


def test_a_forecast_from_a_network_s_own_start(points: np.ndarray) -> None:
    f = network(NET, 64, outputs=2)
    rng = np.random.default_rng(13)
    params = jax.tree.map(lambda leaf: leaf[0], parameters_drawn(f, (5,), 1, rng, np.float64))
    Y = rng.standard_normal((7, 2))
    with jax.enable_x64(True):
        outputs = np.asarray(f.apply(params, points))
    found = forecast(NET, points, Y, [0.0, 2.0], start=(outputs, laplacian(f, params, points)))
    assert np.isclose(found.residual[0, 0], np.sum(laplacian(f, params, points) * (outputs - Y)) / 7)
    assert np.array_equal(found.hessian, found.gauss_newton + found.residual)
    assert not found.residual_spread.any()
    assert found.hessian_error.max() == 0.0


def test_a_forecast_for_another_cost_averages_drawn_starts(points: np.ndarray) -> None:
    labels = np.array([0.0, 1.0, 1.0, 0.0, 1.0, 0.0, 1.0])
    found = forecast(NET, points, labels, [0.0, 3.0], "cross_entropy", draws=40, seed=2)
    assert isinstance(found, Forecast)
    assert found.draws == 40
    assert (found.hessian_error > 0).all()
    assert np.allclose(found.hessian, found.gauss_newton + found.residual)
    same = forecast(NET, points, labels, [3.0], "cross_entropy", draws=40, seed=2)
    assert np.allclose(found.hessian[1], same.hessian[0], rtol=1e-6)
    by_cost = forecast(NET, points, labels, [0.0], MEAN_SQUARED)
    assert np.allclose(by_cost.hessian, forecast(NET, points, labels, [0.0]).hessian)
    assert set(found.to_json()) == set(vars(found))


def test_settings_that_cannot_be_used_are_refused(points: np.ndarray) -> None:
    y = np.ones(7)
    with pytest.raises(NoInfiniteWidthLimit, match="Softplus"):
        forecast(plain(Relu(), 2), points, y, 1.0)
    with pytest.raises(BadInput, match="no loss"):
        forecast(NET, points, y, 1.0, "hinge")
    with pytest.raises(BadInput, match="begin at 0"):
        forecast(NET, points, y, [-1.0])
    with pytest.raises(NotFinite, match="times"):
        forecast(NET, points, y, [np.inf])
    with pytest.raises(ShapeMismatch, match="targets"):
        forecast(NET, points, y[:3], 1.0)
    with pytest.raises(ShapeMismatch, match="start"):
        forecast(NET, points, y, 1.0, start=(y, y[:3]))
    with pytest.raises(BadInput, match="probabilities"):
        forecast(NET, points, -y, 1.0, "cross_entropy")
    with pytest.raises(BadInput, match="unstable"):
        forecast(NET, points, y, 100.0, learning_rate=100.0)
    with pytest.raises(BadInput, match="multiples"):
        forecast(NET, points, y, 0.3, learning_rate=0.25)
    with pytest.raises(BadInput, match="gradient flow"):
        forecast(plain(Tanh(), 2), points, y, 0.5, "cross_entropy", learning_rate=0.25)
