"""Training until everything fits, and the point where that begins to be possible."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from theodolite.numerics.errors import BadInput, ShapeMismatch
from theodolite.training_dynamics import (
    Ensemble,
    around_jamming,
    fit_divergence,
    hinge_ensemble,
    hinge_rate,
    jamming_width,
    orthogonal_layers,
    parameters_of,
    rectified,
)


@pytest.fixture(scope="module")
def labelled() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    X = rng.standard_normal((12, 3))
    return X, np.sign(X[:, 0] * X[:, 1]), rng.standard_normal((9, 3))


@pytest.mark.oracle
def test_an_ensemble_is_what_adam_by_hand_makes_of_each_member(
    labelled: tuple[np.ndarray, np.ndarray, np.ndarray],
) -> None:
    """Adam and the frozen members in numpy, one network at a time; gradients of JAX."""
    X, Y, Z = labelled
    steps, width = 300, 5
    found = hinge_ensemble(width, X, Y, Z, key=jax.random.key(4), members=3, steps=steps, depth=2)
    rate = hinge_rate(width, steps)
    x, y = jnp.asarray(X, jnp.float32), jnp.asarray(Y, jnp.float32)
    for member, key in enumerate(jax.random.split(jax.random.key(4), 3)):
        start = orthogonal_layers(key, (3, 5, 5, 1))
        before = rectified(start, x)[:, 0]

        def margins(params: list, before: jax.Array = before) -> jax.Array:
            return 1.0 - y * (rectified(params, x)[:, 0] - before)

        slope = jax.jit(jax.grad(lambda params: jnp.mean(jnp.maximum(margins(params), 0.0) ** 2) / 2))
        leaves, tree = jax.tree.flatten(start)
        leaves = [np.asarray(leaf, float) for leaf in leaves]
        m, v, taken = [0.0] * len(leaves), [0.0] * len(leaves), 0
        while taken < steps and float(margins(jax.tree.unflatten(tree, leaves)).max()) >= 1e-3:
            gradients = jax.tree.leaves(slope(jax.tree.unflatten(tree, [jnp.float32(leaf) for leaf in leaves])))
            for i, g in enumerate(np.asarray(gradient, float) for gradient in gradients):
                m[i], v[i] = 0.9 * m[i] + 0.1 * g, 0.999 * v[i] + 0.001 * g * g
                up, down = m[i] / (1 - 0.9 ** (taken + 1)), v[i] / (1 - 0.999 ** (taken + 1))
                leaves[i] = leaves[i] - float(rate(taken)) * up / (np.sqrt(down) + 1e-8)
            taken += 1
        end = jax.tree.unflatten(tree, [jnp.float32(leaf) for leaf in leaves])
        outputs = np.asarray(rectified(end, jnp.float32(Z)) - rectified(start, jnp.float32(Z)))[:, 0]
        assert found.unfitted[member] == int((np.asarray(margins(end)) > 1e-3).sum())
        assert abs(int(found.steps[member]) - taken) <= 3
        np.testing.assert_allclose(found.outputs[member], outputs, atol=0.02)
    assert found.parameters == sum(np.size(layer["weight"]) for layer in start)


@pytest.mark.exact
def test_parameters_are_the_weights_of_the_layers() -> None:
    for width, depth, inputs in ((3, 1, 10), (8, 3, 10), (5, 4, 2)):
        layers = orthogonal_layers(jax.random.key(0), (inputs, *[width] * depth, 1))
        assert parameters_of(width, depth, inputs) == sum(layer["weight"].size for layer in layers)


@pytest.mark.exact
def test_the_rate_falls_with_the_width_and_at_the_end() -> None:
    rates = {
        (25, 0): 8e-4,
        (25, 750): 8e-4,
        (25, 875): 4e-4,
        (25, 1000): 0.0,
        (1, 0): 0.01,
        (4, 1): 0.01,
        (100, 0): 1e-4,
    }
    for (width, step), rate in rates.items():
        assert float(hinge_rate(width, 1000)(step)) == pytest.approx(rate, abs=1e-9)


@pytest.mark.exact
def test_without_steps_worth_the_name_nothing_has_moved(labelled: tuple[np.ndarray, np.ndarray, np.ndarray]) -> None:
    """f - f at the start is zero at the start: after one step of at most 0.01 a weight it is small, and none fits."""
    X, Y, Z = labelled
    found = hinge_ensemble(4, X, Y, Z, key=jax.random.key(1), members=2, steps=1)
    assert 0 < np.abs(found.outputs).max() < 0.5
    assert found.unfitted.tolist() == [12, 12]


@pytest.mark.exact
@pytest.mark.parametrize("point", [2, 7, 63, 64])
def test_bisection_finds_the_first_width_of_a_growing_share(point: int) -> None:
    asked = []

    def share(width: int) -> float:
        asked.append(width)
        return 0.5 if width >= point else 0.49

    assert jamming_width(share, 1, 64) == point
    assert len(asked) <= 8


@pytest.mark.exact
def test_norm_and_shares_around_the_point() -> None:
    outputs = np.array([[3.0, 4.0], [0.0, 0.0], [1.0, -1.0]])
    found = around_jamming(Ensemble(2, 30, outputs, np.array([0, 2, 4]), np.ones(3)), 20)
    norms = [np.linalg.norm(row) / np.sqrt(2) for row in outputs]
    np.testing.assert_allclose(found.norm, np.mean(norms))
    np.testing.assert_allclose(found.norm_median, sorted(norms)[1])
    np.testing.assert_allclose(found.norm_standard_error, np.std(norms, ddof=1) / np.sqrt(3))
    assert found.fitted == pytest.approx(1 / 3)
    assert found.unfitted == pytest.approx(0.1)


@pytest.mark.exact
def test_a_divergence_without_noise_is_found_whatever_is_held() -> None:
    N = np.geomspace(260.0, 30_000.0, 8)
    for star, nu in ((240.0, 0.5), (200.0, 1.5)):
        f = 1.7 + 0.9 * (N / star - 1) ** -nu
        for known in ({}, {"exponent": nu}, {"star": star}, {"star": star, "exponent": nu}):
            found = fit_divergence(N, f, **known)
            np.testing.assert_allclose([found.constant, found.amplitude, found.star], [1.7, 0.9, star], rtol=1e-3)
            assert found.exponent == pytest.approx(nu)
            assert found.rms < 1e-4


@pytest.mark.montecarlo
def test_with_noise_the_range_of_exponents_covers_the_truth_and_is_wide() -> None:
    """Eight widths at 5 %: nu = 1 is in the range at least 9 times in 10, and so is at times nu = 0.7."""
    rng = np.random.default_rng(5)
    N = np.array([261.0, 310.0, 546.0, 1020.0, 2130.0, 8896.0, 19488.0, 34176.0])
    truth = 1.7 + 0.9 / (N / 180.0 - 1)
    drawn = [truth * np.exp(0.05 * rng.standard_normal(8)) for _ in range(8)]
    for bars in (None, 0.05 * truth):
        ranges = [fit_divergence(N, norms, bars).exponent_range for norms in drawn]
        assert np.mean([low <= 1.0 <= high for low, high in ranges]) >= 0.85
        assert np.mean([high - low > 0.3 for low, high in ranges]) > 0.8


@pytest.mark.exact
def test_large_errors_widen_the_range_and_weigh_points() -> None:
    """A point that is far off but has a bar to match does not move the fit; bars ten times as large exclude less."""
    N = np.geomspace(260.0, 30_000.0, 9)
    f = 1.7 + 0.9 / (N / 240.0 - 1)
    f[4] *= 1.5
    bars = 0.002 * f
    bars[4] *= 1000
    found = fit_divergence(N, f, bars)
    np.testing.assert_allclose([found.constant, found.star, found.exponent], [1.7, 240, 1.0], rtol=1e-3)
    low, high = found.exponent_range
    wide_low, wide_high = fit_divergence(N, f, 10 * bars).exponent_range
    assert wide_high - wide_low > high - low


def test_bad_input_is_refused(labelled: tuple[np.ndarray, np.ndarray, np.ndarray]) -> None:
    X, Y, Z = labelled
    with pytest.raises(BadInput, match="do not bracket"):
        jamming_width(lambda width: 1.0, 2, 8)
    with pytest.raises(BadInput, match="share in"):
        jamming_width(lambda width: 1.0, 2, 8, at_least=0.0)
    with pytest.raises(BadInput, match="at least 5 positive norms"):
        fit_divergence(np.arange(1.0, 5.0), np.ones(4))
    with pytest.raises(ShapeMismatch, match="equal vectors"):
        fit_divergence(np.arange(1.0, 8.0), np.ones(4))
    with pytest.raises(ShapeMismatch, match="expected"):
        hinge_ensemble(4, X, Y, Z[:, :2], key=jax.random.key(0), members=2, steps=5)
