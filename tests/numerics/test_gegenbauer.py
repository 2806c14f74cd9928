"""Gegenbauer polynomials, multiplicities and quadrature in the angle, against scipy, counting and moments."""

import math

import numpy as np
import pytest
import scipy.special

from theodolite.numerics.errors import BadInput
from theodolite.numerics.gegenbauer import gegenbauer_values, multiplicity, zonal_nodes

T = np.linspace(-1, 1, 41)


@pytest.mark.oracle
@pytest.mark.parametrize("dimension", [3, 4, 10, 51])
def test_polynomials_are_those_of_scipy_scaled_to_one_at_one(dimension: int) -> None:
    for k, ours in enumerate(gegenbauer_values(T, dimension, 12)):
        theirs = scipy.special.eval_gegenbauer(k, dimension / 2 - 1, T)
        np.testing.assert_allclose(ours, theirs / scipy.special.eval_gegenbauer(k, dimension / 2 - 1, 1.0), atol=1e-13)


@pytest.mark.exact
def test_on_the_circle_they_are_cosines() -> None:
    angles = np.linspace(0, np.pi, 50)
    expected = np.cos(np.arange(30)[:, None] * angles)
    np.testing.assert_allclose(gegenbauer_values(np.cos(angles), 2, 30), expected, atol=1e-12)


@pytest.mark.exact
@pytest.mark.parametrize("dimension", [2, 3, 4, 7, 784])
def test_multiplicities_count_homogeneous_polynomials_modulo_the_square_of_the_radius(dimension: int) -> None:
    """Homogeneous polynomials of degree k are harmonics of degree k plus |x|^2 times those of degree k - 2."""
    for k in range(30):
        below = math.comb(dimension + k - 3, dimension - 1) if k >= 2 else 0
        assert multiplicity(dimension, k) == math.comb(dimension + k - 1, dimension - 1) - below


def test_multiplicities_do_not_overflow() -> None:
    assert multiplicity(10_000, 50) > 2**63
    assert isinstance(multiplicity(10_000, 50), int)


@pytest.mark.exact
@pytest.mark.parametrize("dimension", [2, 3, 10, 300])
def test_quadrature_has_the_moments_of_a_coordinate_of_a_uniform_point(dimension: int) -> None:
    """E t^2 = 1 / d, E t^4 = 3 / (d (d + 2))."""
    angles, weights = zonal_nodes(dimension)
    t = np.cos(angles)
    moments = [weights @ t**power for power in range(5)]
    expected = [1.0, 0.0, 1 / dimension, 0.0, 3 / (dimension * (dimension + 2))]
    np.testing.assert_allclose(moments, expected, rtol=1e-13, atol=1e-15)


@pytest.mark.exact
@pytest.mark.parametrize("dimension", [2, 3, 10])
def test_polynomials_are_orthogonal_with_norm_one_over_the_multiplicity(dimension: int) -> None:
    angles, weights = zonal_nodes(dimension, 100)
    values = gegenbauer_values(np.cos(angles), dimension, 100)
    expected = np.diag([1.0 / multiplicity(dimension, k) for k in range(100)])
    np.testing.assert_allclose(values * weights @ values.T, expected, atol=1e-14)


@pytest.mark.oracle
def test_quadrature_resolves_a_square_root_at_the_pole() -> None:
    """E (1 - t)^(1/2) over t uniform in [-1, 1] is 2 sqrt(2) / 3."""
    angles, weights = zonal_nodes(3)
    assert abs(weights @ np.sqrt(1 - np.cos(angles)) - 2 * math.sqrt(2) / 3) < 1e-14


@pytest.mark.oracle
@pytest.mark.parametrize("width", [1e-2, 1e-5, 1e-8])
def test_quadrature_resolves_a_spike_at_either_pole(width: float) -> None:
    """The mean over [0, pi] of exp(-2 sin(theta / 2) / width) is width (1 + width^2 / 4 + ...) / pi."""
    angles, weights = zonal_nodes(2)
    for spike in (np.exp(-2 * np.sin(angles / 2) / width), np.exp(-2 * np.cos(angles / 2) / width)):
        assert abs(weights @ spike * np.pi / width - 1 - width**2 / 4) < 1e-7


@pytest.mark.parametrize("dimension", [1, 0, 2.5, "3"])
def test_a_sphere_needs_a_space_of_two_dimensions(dimension: object) -> None:
    with pytest.raises(BadInput, match="dimension of the space around the sphere"):
        multiplicity(dimension, 1)  # type: ignore[arg-type]
