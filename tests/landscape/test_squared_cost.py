"""Gradient, Hessian and Jacobians against differences and against JAX."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from theodolite.landscape import NONLINEARITIES, mlp, nonlinearity, outputs_and_jacobian, squared_cost
from theodolite.numerics import BadInput, NotFinite, ShapeMismatch, TooLarge

X = np.random.default_rng(0).standard_normal((20, 3))
Y = np.random.default_rng(1).standard_normal((20, 2))
THETA = np.random.default_rng(2).standard_normal(4 * 5)


@pytest.mark.oracle
def test_the_gradient_is_that_of_autodiff_and_the_hessian_its_derivative() -> None:
    cost = squared_cost(X, Y, "asymmetric")
    with jax.enable_x64(True):

        def value(theta):
            w, a = theta[:12].reshape(4, 3), theta[12:].reshape(2, 4)
            z = jnp.asarray(X) @ w.T
            outputs = (jax.nn.softplus(z) + jax.nn.sigmoid(4 * z)) @ a.T
            return jnp.sum((outputs - Y) ** 2) / (2 * len(X))

        wanted, slope = (np.asarray(found) for found in jax.value_and_grad(value)(jnp.asarray(THETA)))
    assert cost.value(THETA) == pytest.approx(float(wanted), rel=1e-13)
    np.testing.assert_allclose(cost.gradient(THETA), slope, atol=1e-13)
    h = 1e-5
    bends = [(cost.gradient(THETA + h * one) - cost.gradient(THETA - h * one)) / (2 * h) for one in np.eye(len(THETA))]
    np.testing.assert_allclose(cost.hessian(THETA), bends, atol=1e-8)


@pytest.mark.exact
@pytest.mark.parametrize("name", NONLINEARITIES)
def test_slopes_and_bends_are_derivatives(name: str) -> None:
    sigma = nonlinearity(name)
    x = np.linspace(-3, 3, 24)
    h = 1e-5
    np.testing.assert_allclose(sigma.slope(x), (sigma(x + h) - sigma(x - h)) / (2 * h), atol=1e-8)
    np.testing.assert_allclose(sigma.bend(x), (sigma.slope(x + h) - sigma.slope(x - h)) / (2 * h), atol=1e-8)
    assert sigma.odd == np.allclose(sigma(-x), -sigma(x))
    assert sigma.homogeneous == np.allclose(sigma(2.5 * x), 2.5 * sigma(x))


@pytest.mark.exact
@pytest.mark.parametrize("biased", [True, False])
def test_the_jacobian_of_a_deep_network(net, biased: bool) -> None:
    deep = net(3, 5, 4, 2, biased=biased)
    outputs, jacobian = outputs_and_jacobian(deep, X)
    np.testing.assert_array_equal(outputs, deep(X))
    flat, h = deep.flat(), 1e-6
    slopes = [
        (deep.unflat(flat + h * one)(X) - deep.unflat(flat - h * one)(X)).ravel() / (2 * h) for one in np.eye(len(flat))
    ]
    np.testing.assert_allclose(jacobian, np.array(slopes).T, atol=1e-8)


@pytest.mark.exact
def test_the_two_readings_of_a_network_agree() -> None:
    cost = squared_cost(X, Y, "tanh")
    network = cost.network(THETA)
    np.testing.assert_array_equal(network.flat(), THETA)
    np.testing.assert_allclose(network(X) - Y, cost.residuals(THETA), atol=1e-14)
    np.testing.assert_allclose(outputs_and_jacobian(network, X)[1], cost.jacobian(THETA), atol=1e-14)


def test_what_does_not_fit_is_refused(net) -> None:
    cost = squared_cost(X, Y)
    with pytest.raises(ShapeMismatch, match="multiple of 5 numbers"):
        cost.value(np.ones(7))
    with pytest.raises(ShapeMismatch, match="expected \\(rows, inputs\\)"):
        squared_cost(X[0], Y)
    with pytest.raises(NotFinite, match="targets"):
        squared_cost(X, Y * np.nan)
    with pytest.raises(BadInput, match="is unknown here; expected one of relu"):
        squared_cost(X, Y, "relux")
    with pytest.raises(TooLarge, match="fewer rows"):
        outputs_and_jacobian(net(3, 50, 2), X, memory_limit="10kB")
    with pytest.raises(ShapeMismatch, match="one row an input"):
        net(3, 4, 1)(np.ones((5, 2)))
    with pytest.raises(ShapeMismatch, match="do not chain"):
        mlp([np.ones((4, 3)), np.ones((1, 5))])
    with pytest.raises(BadInput, match="at least two"):
        mlp([np.ones((4, 3))])
