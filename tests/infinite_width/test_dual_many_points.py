"""Hermite series for many points: interpolated coefficients and compiled sums against one point at a time."""

import numpy as np
import pytest

from theodolite.architectures import Softplus, Swish, Tanh
from theodolite.infinite_width.duals import dual
from theodolite.infinite_width.duals.compiled_series import sum_terms
from theodolite.numerics.hermite import INTERPOLATED, hermite_coefficients

random = np.random.default_rng(9)


@pytest.mark.exact
@pytest.mark.parametrize("activation", [Tanh(), Swish(), Softplus()])
@pytest.mark.parametrize(("low", "high"), [(0.9, 1.1), (0.1, 3.0), (0.0, 6.0), (1.0, 1.0)])
def test_coefficients_of_many_points_are_those_of_single_ones(activation: object, low: float, high: float) -> None:
    roots = random.uniform(low, high, 3 * INTERPOLATED)
    many = hermite_coefficients(activation, roots, 64)  # type: ignore[arg-type]
    few = np.concatenate([hermite_coefficients(activation, part, 64) for part in np.split(roots, 9)], axis=1)  # type: ignore[arg-type]
    np.testing.assert_allclose(many, few, atol=2e-13)


@pytest.mark.exact
def test_compiled_sums_are_the_sums() -> None:
    rho, left, right = random.uniform(-1, 1, (5, 700)), random.standard_normal((4, 5)), random.standard_normal((4, 700))
    orders = np.array([0, 1, 4, 9])
    found = np.empty_like(rho)
    sum_terms(rho, left, right, orders, found)
    np.testing.assert_allclose(
        found, sum(left[t][:, None] * right[t] * rho**k for t, k in enumerate(orders)), atol=1e-13
    )


@pytest.mark.exact
def test_large_arrays_agree_with_small_ones() -> None:
    q = random.uniform(0.2, 3.0, 150)
    c = random.uniform(-1, 1, (150, 150)) * np.sqrt(q[:, None] * q)
    value, slope = dual(Tanh()).both(q[:, None], c, q[None])
    for i in (0, 77):
        few = dual(Tanh()).both(q[i : i + 1, None], c[i : i + 1, :40], q[None, :40])
        np.testing.assert_allclose(value[i, :40], few[0][0], atol=1e-13)
        np.testing.assert_allclose(slope[i, :40], few[1][0], atol=1e-12)
