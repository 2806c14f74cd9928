"""Gaussian expectations, Hermite coefficients and derivatives from values, against closed forms."""

import math

import numpy as np
import pytest

from theodolite.numerics.differences import piecewise_derivative
from theodolite.numerics.gaussian import gaussian_mean, nodes, scaled_nodes
from theodolite.numerics.hermite import hermite_coefficients, hermite_values


@pytest.mark.exact
def test_even_moments_are_double_factorials():
    for order, moment in ((0, 1), (2, 1), (4, 3), (6, 15), (8, 105)):
        assert math.isclose(gaussian_mean(lambda z, p=order: z**p), moment, rel_tol=1e-13)


@pytest.mark.exact
def test_a_kink_is_integrated_to_round_off_only_when_it_is_declared():
    exact = math.exp(-0.045) / math.sqrt(2 * math.pi) - 0.3 * 0.5 * math.erfc(0.3 / math.sqrt(2))  # E max(Z - 0.3, 0)
    assert abs(gaussian_mean(lambda z: np.maximum(z - 0.3, 0), kinks=(0.3,)) - exact) < 1e-15
    assert abs(gaussian_mean(lambda z: np.maximum(z - 0.3, 0)) - exact) > 1e-7


def test_no_spread_is_the_value_at_zero():
    assert gaussian_mean(np.cos, std=0.0) == 1.0


@pytest.mark.exact
def test_each_row_of_scaled_nodes_integrates_its_own_kink():
    std = np.array([0.0, 1e-9, 0.05, 1.0, 40.0])
    z, weights = scaled_nodes(std, (-1.0, 0.5))
    found = (weights * (std[:, None] * z > 0.5)).sum(axis=1)
    exact = [0.5 * math.erfc(0.5 / s / math.sqrt(2)) if s else 0.0 for s in std]
    assert np.allclose(found, exact, rtol=0, atol=1e-15)
    assert np.allclose(weights.sum(axis=1), 1.0, rtol=1e-14)


@pytest.mark.exact
def test_hermite_polynomials_are_orthonormal():
    z, weights = nodes()
    values = hermite_values(z, 15)  # squares of higher ones reach beyond 13 standard deviations
    assert np.allclose((weights * values) @ values.T, np.eye(15), rtol=0, atol=1e-12)


@pytest.mark.oracle
def test_hermite_coefficients_of_known_functions():
    std = np.array([0.3, 1.0, 2.0])
    orders = np.arange(12)[:, None]
    root_factorials = np.array([math.sqrt(math.factorial(k)) for k in range(12)])[:, None]
    exponential = np.exp(std**2 / 2) * std**orders / root_factorials
    assert np.allclose(hermite_coefficients(np.exp, std, 12), exponential, rtol=1e-12, atol=1e-14)
    relu = hermite_coefficients(lambda x: np.maximum(x, 0), np.array(1.0), 7)  # the published table
    assert np.allclose(relu, [0.39894228, 0.5, 0.28209479, 0, -0.08143375, 0, 0.04460310], rtol=0, atol=1e-8)


@pytest.mark.exact
@pytest.mark.parametrize("bend", [0.0, 0.7])
def test_squares_of_the_coefficients_sum_to_the_mean_square(bend):
    """Parseval, up to the tail K^(-5/2) that the kink of sigma'' leaves at K = 500."""
    found = hermite_coefficients(lambda x: np.maximum(x - bend, 0) ** 2, np.array([0.5, 1.5]), 500, (bend,))
    exact = [gaussian_mean(lambda x: np.maximum(x - bend, 0) ** 4, (bend,), std) for std in (0.5, 1.5)]
    assert np.allclose((found**2).sum(axis=0), exact, rtol=1e-6)


@pytest.mark.exact
def test_high_orders_are_kept_at_high_variance():
    """E[cos(s Z) h_k(Z)] = (-1)^(k/2) e^(-s^2/2) s^k / sqrt(k!), to order 2,047: one orders' formula for all."""
    s = 20.0
    found = hermite_coefficients(np.cos, np.array(s), 2048)
    k = np.arange(0, 2048, 2)
    logs = -s * s / 2 + k * math.log(s) - np.array([math.lgamma(order + 1) / 2 for order in k])
    assert np.allclose(found[::2], (-1.0) ** (k // 2) * np.exp(logs), rtol=0, atol=1e-13)


@pytest.mark.exact
def test_derivatives_from_values_do_not_reach_across_a_kink():
    x = np.array([-2.0, -1e-5, 1e-5, 0.3, 4.0])
    found = piecewise_derivative(lambda t: np.abs(t) + np.sin(t), x, kinks=(0.0,))
    assert np.allclose(found, np.sign(x) + np.cos(x), rtol=0, atol=1e-9)
    assert np.allclose(found[[0, 3, 4]], (np.sign(x) + np.cos(x))[[0, 3, 4]], rtol=0, atol=1e-12)
    assert abs(piecewise_derivative(np.abs, np.array([0.0]), kinks=(0.0,))[0]) < 1e-9
