"""What the cases on networks measure with, against other ways to the same numbers."""

import math
from collections.abc import Iterator

import jax
import numpy as np
import pytest

from theodolite.architectures import BatchNorm, Dense, LayerNorm, Relu, Serial, Tanh, balanced, plain
from theodolite.experiments import Key, random_networks
from theodolite.experiments.cases import (
    ntk_components,
    ntk_constancy,
    ntk_definiteness,
    ntk_random_features,
    ntk_recursion,
    ntk_regression,
    order_chaos_batch_norm,
    order_chaos_depth,
    order_chaos_layer_norm,
    order_chaos_training,
)
from theodolite.experiments.random_networks import kernel_grams, kernel_rows, with_layer_norm
from theodolite.finite_width import network
from theodolite.finite_width.tangent_gram import tangent_gram
from theodolite.infinite_width import ntk

X = np.array([[1.0, -0.5], [0.2, 0.9], [-0.7, 0.1]])


@pytest.fixture
def double() -> Iterator[None]:
    """JAX in 64 bit."""
    with jax.enable_x64(True):
        yield


@pytest.mark.exact
def test_products_with_the_jacobian_give_the_sum_over_layers(double: None) -> None:
    """Backward signals times forward activations, layer by layer, in numpy: T9."""
    f = network(plain(Relu(), depth=3, beta=0.3), 6)
    rng = np.random.default_rng(1)
    sizes, _ = f.shapes((2,))
    params = {layer: {name: rng.standard_normal(shape) for name, shape in own.items()} for layer, own in sizes.items()}
    layers = [(params[name]["weight"], params[name]["bias"]) for name in ("0_dense", "2_dense", "4_dense")]
    below, before = [X], []
    for weight, bias in layers:
        before.append(below[-1] @ weight / math.sqrt(len(weight)) + 0.3 * bias)
        below.append(np.maximum(before[-1], 0.0))
    signal, gram = np.ones((3, 1)), np.zeros((3, 3))
    for layer in (2, 1, 0):
        gram += signal @ signal.T * (below[layer] @ below[layer].T / below[layer].shape[1] + 0.09)
        weight = layers[layer][0]
        signal = (signal @ weight.T / math.sqrt(len(weight))) * (before[layer - 1] > 0) if layer else signal
    ours = tangent_gram(lambda p: f.apply(p, X)[:, 0], params)
    np.testing.assert_allclose(np.asarray(ours), gram, rtol=1e-12)


@pytest.mark.exact
def test_rows_are_rows_of_the_grams_of_the_same_networks() -> None:
    inputs = X.astype("float32")
    grams = kernel_grams(plain(Tanh(), 2), 5, inputs, 4, Key(3))
    rows = kernel_rows(plain(Tanh(), 2), 5, inputs[0], inputs, 4, Key(3))
    np.testing.assert_allclose(rows, grams[:, 0], rtol=2e-5)
    assert len(np.unique(rows[:, 0])) == 4
    assert (kernel_rows(plain(Tanh(), 2), 5, inputs[0], inputs, 4, Key(4)) != rows).all()


@pytest.mark.exact
def test_many_parameters_are_drawn_in_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    inputs = X.astype("float32")
    whole = kernel_grams(plain(Tanh(), 2), 5, inputs, 400, Key(3))
    monkeypatch.setattr(random_networks, "NUMBERS", 170 * 21)  # 21 numbers a network
    in_turns = kernel_grams(plain(Tanh(), 2), 5, inputs, 400, Key(3))
    assert in_turns.shape == whole.shape == (400, 3, 3)
    assert len(np.unique(in_turns[:, 0, 0])) == 400
    gap = in_turns.mean(0) - whole.mean(0)
    assert (np.abs(gap) < 4.5 * np.hypot(in_turns.std(0), whole.std(0)) / 20).all()


@pytest.mark.exact
def test_normalisation_is_placed_where_it_is_meant() -> None:
    assert with_layer_norm(plain(Relu(), 3, 0.0)) == Serial(
        (Dense(), Relu(), LayerNorm(), Dense(), Relu(), LayerNorm(), Dense())
    )
    nodes = order_chaos_batch_norm.before_last(plain(Relu(), 3, 0.0)).nodes
    assert nodes == (Dense(), Relu(), Dense(), Relu(), BatchNorm(), Dense())


@pytest.mark.exact
def test_relative_deviation_is_that_of_the_draws() -> None:
    rng = np.random.default_rng(2)
    exact = np.array([3.0, 1.0, 2.0])
    rows = exact * (1 + 0.25 * rng.standard_normal((200_000, 3)))
    assert abs(ntk_recursion.relative_deviation(rows, exact) - 0.25) < 0.002


@pytest.mark.exact
def test_points_come_in_opposite_pairs_and_ranks_are_counted() -> None:
    points = ntk_definiteness.opposite_pairs(6, np.random.default_rng(0))
    np.testing.assert_array_equal(points[:6], -points[6:])
    np.testing.assert_allclose((points**2).sum(1), 1.0)
    values = ntk_definiteness.relative_eigenvalues(points @ points.T)
    assert (values > 1e-9).sum() == 3
    assert values[0] == 1.0


@pytest.mark.montecarlo
def test_networks_that_follow_a_law_are_found_to() -> None:
    """Draws of the law itself; of one with twice the spread; of one with another mean."""
    rng, mean, deviation = np.random.default_rng(6), np.linspace(-1, 1, 30), np.linspace(0.1, 0.3, 30)
    draws = rng.standard_normal((400, 30))
    right = ntk_regression.compared(mean + deviation * draws, mean, deviation)
    assert right["gap"].mean < 0.02
    assert abs(right["ratio"].mean - 1) < right["ratio"].half < 0.03
    assert abs(right["coverage"].mean - 0.8) < 1.5 * right["coverage"].half < 0.03
    wide = ntk_regression.compared(mean + 2 * deviation * draws, mean, deviation)
    assert wide["ratio"].mean == pytest.approx(2 * right["ratio"].mean)
    assert wide["coverage"].mean == pytest.approx(0.478, abs=0.02)  # of a normal variable within 0.64 deviations
    shifted = ntk_regression.compared(mean + deviation * draws + 0.1, mean, deviation)
    assert shifted["gap"].mean == pytest.approx(0.1, abs=0.01)


@pytest.mark.oracle
def test_the_components_of_the_digits_have_the_stored_eigenvalues() -> None:
    """Origin: an independent computation with numpy; numbers to the digits in which they were written down."""
    inputs = ntk_components.digits(256, 0)
    found = [np.linalg.eigvalsh(ntk(plain(Relu(), 4, beta))(inputs))[::-1] / 256 for beta in (0.1, 1.0)]
    np.testing.assert_allclose(found[0][:5], [0.09764, 0.004503, 0.004241, 0.003442, 0.002583], rtol=2e-4)
    assert found[0][0] / found[0][1] == pytest.approx(21.7, abs=0.05)
    assert found[1][0] / found[1][1] == pytest.approx(256.3, abs=0.05)


@pytest.mark.exact
def test_an_error_is_split_along_and_across_a_component() -> None:
    component = np.array([1.0, -1.0, 1.0, -1.0])
    other = np.array([1.0, 1.0, -1.0, -1.0])
    goal = 0.5 * component
    along, across = ntk_components.split(np.stack([0 * goal, goal + 0.3 * other - 0.2 * component]), goal, component)
    np.testing.assert_allclose(along, [0.5, 0.2])
    np.testing.assert_allclose(across, [0.0, 0.3], atol=1e-15)


@pytest.mark.exact
def test_growth_and_change_of_a_kernel_are_relative() -> None:
    before = np.random.default_rng(7).uniform(1, 2, (3, 5))
    np.testing.assert_allclose(ntk_constancy.inflation(before, 1.3 * before), 0.3)
    np.testing.assert_allclose(ntk_constancy.relative_change(before, 1.3 * before), 0.3)


@pytest.mark.montecarlo
def test_random_features_have_the_moments_of_their_kernel() -> None:
    """Mean and second moments of 40,000 features, z < 4.5; the error of single ones against its formula, 3 %."""
    config, x = ntk_random_features.CASE.smoke, np.array([-1.0, 0.0, 0.7])
    features = ntk_random_features._features(config, x, 40_000, np.random.default_rng(8))
    mean, covariance = ntk_random_features._moments(config, x)
    products = features[:, None] * features[None]
    for values, expected in ((features, mean), (products, covariance + np.outer(mean, mean))):
        assert (np.abs(values.mean(-1) - expected) < 4.5 * values.std(-1) / 200).all()
    points = ntk_random_features._points(config)[0]
    kernel = ntk_random_features._moments(config, points)[1] + np.outer(*[config.mean * np.cos(points)] * 2)
    own = ntk_random_features._features(config, points, 40_000, np.random.default_rng(9))
    squares = ((own[:, None] * own[None] - kernel[..., None]) ** 2).sum((0, 1)).mean() / np.sum(kernel**2)
    assert np.sqrt(squares) == pytest.approx(ntk_random_features._law(config), rel=0.03)


@pytest.mark.oracle
@pytest.mark.parametrize(
    ("regime", "beta", "depth", "condition", "steps", "risk"),
    [
        ("order", 0.5, 2, 8957, 19.8, 7.5e-4),
        ("order", 0.5, 20, 1.97e4, 249, 1.2e-2),
        ("order", 0.5, 40, 3.3e5, 4195, 1.2e-2),
        ("edge", 0.0, 5, 1453, 10.3, 5.7e-3),
        ("edge", 0.0, 40, 134, 14.6, 0.173),
        ("chaos", 0.1, 10, 54.8, 4.2, 0.148),
        ("chaos", 0.1, 40, 1.001, 2.3, 0.998),
    ],
)
def test_training_on_the_circle_gives_the_numbers_of_another_implementation(
    regime: str, beta: float, depth: int, condition: float, steps: float, risk: float
) -> None:
    """One stored draw of 20 points; numbers to the digits in which they were written down."""
    case = order_chaos_training
    angles = np.sort(np.random.default_rng(4).uniform(0, 2 * np.pi, 20))
    test = np.linspace(0, 2 * np.pi, 400, endpoint=False)
    kernel = ntk(balanced(case.REGIMES[regime], depth, beta))
    train, points = case.on_circle(angles), case.on_circle(test)
    found = case.measure(kernel(train), kernel(points, train), case.target(angles), case.target(test), 0.01)
    np.testing.assert_allclose(found[:3], [condition, steps, risk], rtol=0.021)


@pytest.mark.exact
def test_training_time_is_where_gradient_flow_reaches_the_loss() -> None:
    rng = np.random.default_rng(3)
    root = rng.standard_normal((5, 5))
    gram, targets = root @ root.T, rng.standard_normal(5)
    values, vectors = np.linalg.eigh(gram)
    found = order_chaos_training.training_time(values, (vectors.T @ targets) ** 2, 0.05)
    residual, step = targets.copy(), found / 100_000
    for _ in range(100_000):
        residual = residual - step * (gram @ residual) / values[-1]
    assert abs((residual @ residual) / (targets @ targets) - 0.05) < 1e-4


@pytest.mark.exact
def test_rates_are_read_from_curves_of_known_rates() -> None:
    config = order_chaos_depth.CASE.full
    depth = np.arange(1.0, config.depth + 1)
    name = "normalised relu"
    r = 0.99 * np.pi / (np.pi - 1)
    with np.errstate(under="ignore"):
        curves = {
            "smooth order": {"missing": depth * 0.8**depth, "theta": 1 - depth},
            "order of ReLU": {"missing": 3 * 0.9**depth, "theta": 1 - depth},
            "chaos": {"missing": depth, "theta": -2 * 0.7**depth},
            "chaos without bias": {"missing": depth, "theta": depth * 0.5**depth},
        }
    expected = {"smooth order": 0.8, "order of ReLU": 0.9, "chaos": 0.7, "chaos without bias": 0.5}
    for group, trace in curves.items():
        rate, _ = order_chaos_depth.rates(config, name, 0.1, group, trace)
        assert abs(rate - math.log(expected[group])) < 1e-12
    assert order_chaos_depth.rates(config, name, 0.1, "chaos", curves["chaos"])[1] == pytest.approx(-math.log(r))
    half = order_chaos_depth.rates(config, "standardised relu", 0.5, "order of ReLU", curves["order of ReLU"])[1]
    assert half == pytest.approx(math.log(0.75) / 2)


@pytest.mark.exact
def test_the_distance_of_kernels_is_relative_with_the_interval_of_a_mean() -> None:
    grams = np.ones((1000, 2, 2)) + 0.1 * np.random.default_rng(5).standard_normal((1000, 1, 1))
    found = order_chaos_layer_norm.distance(grams, np.full((2, 2), 4.0))
    assert abs(found.mean - 0.75) < 0.005
    assert abs(found.half - 1.96 * 0.1 / math.sqrt(1000) / 4) < 1e-4
