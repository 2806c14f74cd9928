"""Generators against the closed forms they promise."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.datasets import make_friedman1

from theodolite.datasets import (
    CALIFORNIA_COLUMNS,
    california_like,
    friedman1,
    friedman1_surface,
    gaussian_observations,
    power_law,
    rbf_gaussian_eigenfunctions,
    rbf_gaussian_mode,
    rbf_gaussian_spectrum,
)
from theodolite.numerics.errors import BadInput, ShapeMismatch

SHAPES = {"lengthscale": st.floats(0.05, 50), "sigma": st.floats(0.1, 5)}
SIGMAS = 4.5  # two-sided 7e-6


def gauss_hermite(sigma, nodes=160):
    """Points and weights of the expectation under N(0, sigma^2)."""
    t, w = np.polynomial.hermite_e.hermegauss(nodes)
    return sigma * t, w / w.sum()


@pytest.mark.exact
def test_one_dimensional_eigenvalues_are_powers_of_the_golden_ratio():
    golden = (1 + math.sqrt(5)) / 2
    spectrum = rbf_gaussian_spectrum(2.0, 1.0, dimension=1, degree=30)
    np.testing.assert_allclose(spectrum.eigenvalues, golden ** -(1 + 2.0 * np.arange(31)), rtol=1e-13)


@pytest.mark.oracle
def test_three_dimensional_eigenvalues_and_multiplicities_are_those_tabulated():
    spectrum = rbf_gaussian_spectrum(6.0, 1.0, dimension=3, degree=2)
    np.testing.assert_allclose(spectrum.eigenvalues, [0.4954541697, 0.1034073062, 0.0215823615], atol=5e-11)
    assert spectrum.multiplicities.tolist() == [1, 3, 6]


@pytest.mark.exact
@given(**SHAPES, dimension=st.integers(1, 20), degree=st.integers(0, 60))
def test_the_trace_is_one_with_the_tail(lengthscale, sigma, dimension, degree):
    spectrum = rbf_gaussian_spectrum(lengthscale, sigma, dimension, degree)
    assert spectrum.eigenvalues @ spectrum.multiplicities + spectrum.tail == pytest.approx(1, rel=1e-10)
    assert (np.diff(spectrum.eigenvalues) <= 0).all()


@pytest.mark.exact
@pytest.mark.parametrize(("lengthscale", "sigma"), [(2.0, 1.0), (6.0, 1.0), (1.0, 0.5)])
def test_eigenfunctions_are_orthonormal_and_solve_the_eigen_equation(lengthscale, sigma):
    degree = 12
    x, weights = gauss_hermite(sigma)
    phi = rbf_gaussian_eigenfunctions(x, lengthscale, sigma, degree)
    np.testing.assert_allclose(phi.T @ (weights[:, None] * phi), np.eye(degree + 1), atol=1e-12)
    points = sigma * np.array([-1.7, -0.2, 0.0, 0.9, 2.4])
    kernel = np.exp(-((points[:, None] - x) ** 2) / lengthscale)
    expected = rbf_gaussian_eigenfunctions(points, lengthscale, sigma, degree)
    expected = expected * rbf_gaussian_spectrum(lengthscale, sigma, 1, degree).eigenvalues
    np.testing.assert_allclose(kernel @ (weights[:, None] * phi), expected, atol=1e-12)


@pytest.mark.exact
def test_modes_in_three_dimensions_are_products():
    points = np.random.default_rng(0).normal(size=(7, 3))
    table = rbf_gaussian_eigenfunctions(points, 6.0, 1.0, 3)
    expected = table[:, 0, 2] * table[:, 1, 1] * table[:, 2, 0]
    np.testing.assert_allclose(rbf_gaussian_mode(points, (2, 1, 0), 6.0, 1.0), expected, rtol=1e-14)


@pytest.mark.exact
@given(exponent=st.floats(1.05, 6), modes=st.integers(1, 3000))
def test_the_tail_of_a_power_law_is_what_the_kept_modes_leave(exponent, modes):
    """Two truncations of one series must agree on its sum."""
    one, two = power_law(exponent, modes), power_law(exponent, 2 * modes)
    assert one.eigenvalues.sum() + one.tail == pytest.approx(two.eigenvalues.sum() + two.tail, rel=1e-12)
    assert one.eigenvalues[0] == 1
    # the integral test
    assert (modes + 1) ** (1 - exponent) <= one.tail * (exponent - 1) * (1 + 1e-12)
    assert one.tail * (exponent - 1) <= modes ** (1 - exponent) * (1 + 1e-12)


@pytest.mark.exact
def test_gaussian_observations_are_made_of_their_features():
    d, c = np.array([1.0, 0.5, 0.1]), np.array([1.0, -2.0, 0.5])
    draw = gaussian_observations(d, c, 0.0, 20, np.random.default_rng(3))
    np.testing.assert_allclose(draw.gram, draw.features @ np.diag(d) @ draw.features.T, atol=1e-14)
    np.testing.assert_allclose(draw.targets, draw.features @ c, atol=1e-14)
    noisy = gaussian_observations(d, c, 0.7, 20, np.random.default_rng(3))
    np.testing.assert_array_equal(noisy.features, draw.features)


@pytest.mark.montecarlo
def test_gaussian_observations_have_the_stated_moments():
    n = 20_000
    d, c, noise = np.array([1.0, 0.5]), np.array([1.0, -2.0]), 0.7
    draw = gaussian_observations(d, c, noise, n=2000, rng=np.random.default_rng(1))
    residual = draw.targets - draw.features @ c
    # the mean square of n normals has relative standard error sqrt(2 / n)
    assert abs(np.mean(residual**2) / noise**2 - 1) < SIGMAS * math.sqrt(2 / 2000)
    # the trace of the gram is the sum of d_k chi^2, variance 2 n sum d^2
    assert abs(np.trace(draw.gram) - 2000 * d.sum()) < SIGMAS * math.sqrt(2 * 2000 * (d**2).sum())
    x, y = friedman1(n, 2.0, np.random.default_rng(2))
    assert abs(np.mean((y - friedman1_surface(x)) ** 2) / 4 - 1) < SIGMAS * math.sqrt(2 / n)


@pytest.mark.oracle
def test_friedmans_surface_is_that_of_scikit_learn():
    x, y = make_friedman1(n_samples=50, n_features=7, noise=0.0, random_state=0)
    np.testing.assert_allclose(friedman1_surface(x), y, rtol=1e-12)
    assert friedman1(5, 0.0, np.random.default_rng(0), columns=6)[0].shape == (5, 6)


@pytest.mark.exact
def test_california_like_is_standardised_and_reproducible():
    x, y = california_like(3000, np.random.default_rng(5))
    assert x.shape == (3000, len(CALIFORNIA_COLUMNS))
    np.testing.assert_allclose(x.mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(x.std(axis=0), 1, rtol=1e-12)
    assert abs(y.mean()) < 1e-12
    assert abs(y.std() - 1) < 1e-12
    again = california_like(3000, np.random.default_rng(5))
    np.testing.assert_array_equal(x, again[0])
    np.testing.assert_array_equal(y, again[1])


def test_california_like_draws_in_the_stated_order():
    """Redo the first draws by hand: the order is part of the definition."""
    n, rng = 50, np.random.default_rng(8)
    centres = np.array([(34, -118), (37.7, -122.3), (36.5, -119.8), (38.5, -121.5), (33, -117)])
    place = centres[rng.choice(5, size=n, p=[0.4, 0.25, 0.12, 0.1, 0.13])]
    place = place + rng.normal(0, 0.4, (n, 2)) * rng.gamma(1.5, 0.7, (n, 1))
    income = rng.lognormal(1.2, 0.45, n)
    age = np.clip(rng.gamma(5, 6, n), 1, 52)
    expected = np.column_stack([income, age, place])
    expected = (expected - expected.mean(axis=0)) / expected.std(axis=0)
    np.testing.assert_allclose(california_like(n, np.random.default_rng(8))[0][:, [0, 1, 5, 6]], expected, rtol=1e-9)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: power_law(1.0, 5), "exponent must be greater than 1"),
        (lambda: power_law(2.0, 0), "modes must be at least 1"),
        (lambda: rbf_gaussian_spectrum(0.0, 1.0, 1, 1), "lengthscale must be positive"),
        (lambda: rbf_gaussian_spectrum(1.0, -1.0, 1, 1), "sigma must be positive"),
        (lambda: rbf_gaussian_spectrum(1.0, 1.0, 0, 1), "dimension >= 1"),
        (lambda: rbf_gaussian_eigenfunctions(np.zeros(2), 1.0, 1.0, -1), "degree must be >= 0"),
        (lambda: friedman1(5, 1.0, np.random.default_rng(0), columns=4), "at least 5 columns"),
        (lambda: california_like(0, np.random.default_rng(0)), "n must be at least 1"),
        (lambda: gaussian_observations(np.array([-1.0]), np.ones(1), 0.1, 5, np.random.default_rng(0)), ">= 0"),
        (lambda: gaussian_observations(np.ones(1), np.ones(1), -0.1, 5, np.random.default_rng(0)), "noise"),
    ],
)
def test_misuse_is_refused(call, words):
    with pytest.raises(BadInput, match=words):
        call()


def test_shapes_that_do_not_belong_together_are_refused():
    with pytest.raises(ShapeMismatch, match="two vectors of equal length"):
        gaussian_observations(np.ones(2), np.ones(3), 0.1, 5, np.random.default_rng(0))
    with pytest.raises(ShapeMismatch, match="one column per degree"):
        rbf_gaussian_mode(np.zeros((4, 2)), (1, 0, 0), 1.0, 1.0)
