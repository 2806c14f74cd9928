"""What the cases on the Hessian measure with, against dense matrices and other ways to the same numbers."""

import jax
import numpy as np
import pytest

from theodolite.curvature import gauss_newton, limiting_kernels, residual
from theodolite.experiments import Key
from theodolite.experiments.cases import hessian_estimators, hessian_narrow_valley, hessian_training
from theodolite.experiments.hessian_networks import (
    TOGETHER,
    Parts,
    architecture,
    descended,
    digits_on_a_sphere,
    drawn,
    inner,
)


@pytest.fixture(scope="module")
def parts() -> Parts:
    """One network of 51 parameters in double precision."""
    rng = np.random.default_rng(1)
    f, params = drawn(architecture("normalised softplus", 3, 0.3), 5, 1, 2, Key(2), np.float64)
    return Parts(f, params, rng.standard_normal((4, 2)), rng.standard_normal((4, 1)))


@pytest.fixture(scope="module")
def dense(parts: Parts) -> dict[str, np.ndarray]:
    found = {"I": gauss_newton(parts.problem).dense(), "S": residual(parts.problem).dense()}
    return {**found, "H": found["I"] + found["S"]}


@pytest.mark.exact
def test_moments_of_the_whole_are_put_together_from_both_parts(parts: Parts, dense: dict[str, np.ndarray]) -> None:
    size = parts.problem.size
    units = np.sqrt(size) * np.eye(size)  # in place of random signs: their mean is the trace, exactly
    residual_powers = np.array([parts.residual_trace, *parts.residual_powers(units).mean(0)])
    crossed = parts.crossed()
    for k in (1, 2, 3, 4):
        traces = {name: np.trace(np.linalg.matrix_power(matrix, k)) for name, matrix in dense.items()}
        assert parts.gauss_newton_powers[k - 1] == pytest.approx(traces["I"], rel=1e-11)
        assert residual_powers[k - 1] == pytest.approx(traces["S"], rel=1e-10, abs=1e-12)
        assert crossed[k - 1] == pytest.approx(traces["H"] - traces["I"] - traces["S"], rel=1e-9, abs=1e-12)
    assert parts.product_square() == pytest.approx(np.sum((dense["I"] @ dense["S"]) ** 2), rel=1e-10)


@pytest.mark.exact
def test_the_jacobian_has_the_order_of_the_operators(parts: Parts, dense: dict[str, np.ndarray]) -> None:
    np.testing.assert_allclose(parts.jacobian.T @ parts.jacobian / 4, dense["I"], atol=1e-12)
    rows = np.random.default_rng(3).standard_normal((TOGETHER + 1, parts.problem.size))
    np.testing.assert_allclose(parts.times_residual(rows), rows @ dense["S"], atol=1e-12)
    np.testing.assert_allclose(inner(rows, rows[:2], block=7), rows @ rows[:2].T, rtol=1e-12)


@pytest.mark.exact
def test_descent_follows_the_gradient_of_the_mean_loss(parts: Parts) -> None:
    def flat(tree: object) -> np.ndarray:
        return np.concatenate([np.ravel(leaf) for leaf in jax.tree.leaves(tree)])

    once = descended(parts.f, parts.params, parts.X, parts.Y, 0.1, 1)
    np.testing.assert_allclose(flat(once), flat(parts.params) - 0.1 * parts.problem.gradient, rtol=1e-12)
    twice = descended(parts.f, once, parts.X, parts.Y, 0.1, 1)
    np.testing.assert_allclose(flat(descended(parts.f, parts.params, parts.X, parts.Y, 0.1, 2)), flat(twice))
    with jax.enable_x64(True):
        np.testing.assert_allclose(parts.outputs, parts.f.apply(parts.params, parts.X), rtol=1e-9)


@pytest.mark.exact
def test_a_slice_of_the_loss_bends_as_the_hessian_says(parts: Parts, dense: dict[str, np.ndarray]) -> None:
    direction = np.random.default_rng(4).standard_normal(parts.problem.size)
    direction /= np.linalg.norm(direction)
    along = np.linspace(-0.05, 0.05, 11)
    with jax.enable_x64(True):
        losses = hessian_narrow_valley._losses(parts, direction, along)
    assert losses[5] == pytest.approx(parts.problem.value, rel=1e-9)
    bend = hessian_narrow_valley._curvature(losses, along)
    assert bend == pytest.approx(direction @ dense["H"] @ direction, rel=1e-4)


@pytest.mark.exact
def test_digits_lie_on_a_sphere_with_the_stored_spectrum_of_their_kernel() -> None:
    """Origin: an independent computation, numbers to the digits in which they were written down."""
    X, Y = digits_on_a_sphere(32, 0)
    np.testing.assert_allclose((X**2).sum(1), 64.0)
    assert set(Y.ravel()) == {-1.0, 1.0}
    eigenvalues = np.linalg.eigvalsh(limiting_kernels(architecture("normalised softplus", 3, 0.1), X).theta) / 32
    np.testing.assert_allclose(
        [np.sum(eigenvalues**k) for k in (1, 2, 3, 4)], [3.3199, 0.8395, 0.3225, 0.1479], atol=6e-5
    )


@pytest.mark.exact
def test_the_misprint_is_the_one_of_the_paper() -> None:
    X, Y = digits_on_a_sphere(6, 1)
    kernels = limiting_kernels(architecture("softplus", 3, 0.1), X)
    B = kernels.sigma + Y @ Y.T
    expected = (
        np.trace(kernels.phi) / 6 - np.trace(kernels.lambda_ @ np.linalg.inv(kernels.theta) @ (2 * np.eye(6)) @ B) / 6
    )
    assert hessian_training.as_printed(kernels, Y) == pytest.approx(expected, rel=1e-8)


@pytest.mark.exact
def test_errors_of_forecasts_are_relative_to_what_was_seen() -> None:
    pairs = np.array([[1.0, 1.1], [-2.0, -2.0], [2.0, 2.2]])
    assert hessian_training._root_mean_square(pairs) == pytest.approx(np.sqrt(0.05 / 9))
    assert hessian_training._mean_relative(pairs[1:]) == pytest.approx(np.abs(2 / 2.2 - 1) / 2)
    assert hessian_estimators._quotient(np.array([[3.0, 1.0], [-3.0, 1.0]])) == pytest.approx(3.0)
