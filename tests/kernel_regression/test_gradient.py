"""The gradient of KARE in closed form, against differences, automatic differentiation and stored values."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.spatial.distance import cdist

from theodolite.kernel_regression import kare, kare_gradient
from theodolite.kernels import RBF, Kernel, Laplace

X = np.random.default_rng(0).standard_normal((9, 2))
REPEATED = np.concatenate([X[:6], X[:3]])  # an eigendecomposition cannot be differentiated here
Y = np.random.default_rng(1).standard_normal((9, 2))


def autodiff(gram: np.ndarray, targets: np.ndarray, ridge: float) -> tuple[np.ndarray, ...]:
    """Through an inverse, never through an eigendecomposition."""

    def value(gram: Any, targets: Any, ridge: Any) -> Any:
        n = len(gram)
        inverse = jnp.linalg.inv(gram / n + ridge * jnp.eye(n))
        return jnp.sum((inverse @ targets) ** 2) / n / (jnp.trace(inverse) / n) ** 2

    with jax.enable_x64(True):
        arguments = (jnp.asarray(gram), jnp.asarray(targets), jnp.asarray(ridge))
        by_gram, *others = jax.jit(jax.grad(value, argnums=(0, 1, 2)))(*arguments)
        # an inverse of any matrix sees each of two mirrored entries alone; a Gram matrix moves both
        return (np.asarray(by_gram + by_gram.T) / 2, *(np.asarray(part) for part in others))


@pytest.mark.oracle
@pytest.mark.parametrize("points", [X, REPEATED], ids=["distinct", "repeated"])
@pytest.mark.parametrize("targets", [Y[:, 0], Y], ids=["one target", "two targets"])
def test_the_closed_form_agrees_with_automatic_differentiation(points: np.ndarray, targets: np.ndarray) -> None:
    for ridge in (1e-4, 0.1):
        gram = RBF(2.0)(points)
        by_gram, by_targets, by_ridge = kare_gradient(gram, targets, ridge)
        expected = autodiff(gram, targets if targets.ndim == 2 else targets[:, None], ridge)
        for ours, theirs in zip((by_gram, by_targets, by_ridge), expected, strict=True):
            np.testing.assert_allclose(np.ravel(ours), np.ravel(theirs), rtol=1e-7, atol=1e-9 * np.abs(theirs).max())


@pytest.mark.oracle
@pytest.mark.parametrize("points", [X, REPEATED], ids=["distinct", "repeated"])
def test_the_closed_form_agrees_with_differences(points: np.ndarray) -> None:
    gram, ridge, rng = RBF(2.0)(points), 0.05, np.random.default_rng(2)
    by_gram, by_targets, by_ridge = kare_gradient(gram, Y, ridge)
    direction = rng.standard_normal((9, 9))
    direction, along_targets, step = direction + direction.T, rng.standard_normal(Y.shape), 1e-5

    def difference(towards: Any) -> float:
        return (towards(step) - towards(-step)) / (2 * step)

    assert np.sum(by_gram * direction) == pytest.approx(
        difference(lambda h: kare(gram + h * direction, Y, ridge)), rel=1e-6
    )
    assert np.sum(by_targets * along_targets) == pytest.approx(
        difference(lambda h: kare(gram, Y + h * along_targets, ridge)), rel=1e-6
    )
    assert by_ridge == pytest.approx(difference(lambda h: kare(gram, Y, ridge + h)), rel=1e-6)


@pytest.mark.oracle
@pytest.mark.parametrize(
    ("kernel", "power", "ridge", "by_lengthscale", "by_ridge"),
    [
        (RBF(6.0), 2, 1e-6, -0.17552494, -0.04485040),
        (RBF(6.0), 2, 1e-3, 0.00152447, 0.00446388),
        (RBF(6.0), 2, 1e-1, 0.01889737, 0.16522775),
        (Laplace(1.0), 1, 1e-3, -0.13758004, 0.00957797),
    ],
)
def test_derivatives_by_lengthscale_and_ridge_agree_with_the_table(
    kernel: Kernel, power: int, ridge: float, by_lengthscale: float, by_ridge: float
) -> None:
    rng = np.random.default_rng(2020)
    points = np.round(rng.standard_normal((40, 3)), 6)
    y = np.round(np.sin(points[:, 0]) + 0.5 * points[:, 1] * points[:, 2] + 0.1 * rng.standard_normal(40), 6)
    gram = kernel(points)
    slope = gram * cdist(points, points) ** power / kernel.lengthscale  # type: ignore[attr-defined]  # d G / d log l
    gradient = kare_gradient(gram, y, ridge)
    assert np.sum(gradient[0] * slope) == pytest.approx(by_lengthscale, abs=2e-8)  # the last digit of the table
    assert ridge * gradient[2] == pytest.approx(by_ridge, abs=2e-8)


@pytest.mark.exact
def test_gradients_obey_the_symmetries_of_kare() -> None:
    gram, ridge = RBF(2.0)(X), 0.05
    by_gram, by_targets, by_ridge = kare_gradient(gram, Y, ridge)
    np.testing.assert_allclose(by_gram, by_gram.T, atol=1e-15)
    assert np.sum(by_gram * gram) + by_ridge * ridge == pytest.approx(0.0, abs=1e-12)  # the unit of the kernel
    assert np.sum(by_targets * Y) == pytest.approx(2 * kare(gram, Y, ridge), rel=1e-12)  # quadratic in the targets
    assert by_targets.shape == Y.shape
    assert kare_gradient(gram, Y[:, 0], ridge)[1].shape == (9,)
