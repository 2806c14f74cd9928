"""Powers of the cosine as spherical harmonics."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from theodolite.numerics.degree_walk import degree_law
from theodolite.numerics.gegenbauer import gegenbauer_values, zonal_nodes


@pytest.mark.exact
@pytest.mark.parametrize("dimension", [2, 3, 7, 60])
def test_a_power_is_its_harmonics(dimension):
    t = np.linspace(-1, 1, 9)
    for power in (0, 1, 2, 7):
        law = degree_law(np.eye(power + 1)[power], dimension, power + 3).law
        assert_allclose(law @ gegenbauer_values(t, dimension, power + 3), t**power, atol=1e-13)


@pytest.mark.exact
def test_the_trace_is_kept():
    series = np.array([[0.5, 0.25, 0.125, 0.125], [0.0, 0.0, 0.0, 1.0]])
    assert_allclose(degree_law(series, 5, 4).law.sum(axis=1), 1.0, rtol=1e-15)


@pytest.mark.oracle
def test_agrees_with_quadrature_in_the_angle():
    angles, weights = zonal_nodes(6, 8)
    t = np.cos(angles)
    expected = [weights @ (t**5 * polynomial) for polynomial in gegenbauer_values(t, 6, 6)]
    sizes = np.array([1, 6, 20, 50, 105, 196])  # N(6, k)
    assert_allclose(degree_law(np.eye(6)[5], 6, 6).law, sizes * expected, atol=1e-13)


@pytest.mark.exact
@pytest.mark.parametrize(("steps", "dimension"), [(50, 3), (400, 10)])
def test_what_is_cut_off_adds_no_more_than_the_bound(steps, dimension):
    walk = degree_law(np.eye(steps)[-1], dimension, 12)
    for more in (1, 2, 37, 200):
        later = degree_law(np.eye(steps + more)[-1], dimension, 12).law
        assert (later <= walk.beyond * (1 + 1e-12)).all()
