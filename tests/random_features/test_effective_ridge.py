"""The effective ridge: stored values, closed forms, inequalities, limits, derivatives by three routes."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import brentq

from theodolite.kernels import RBF
from theodolite.numerics.errors import BadInput, NotFinite, NotPositiveDefinite, ShapeMismatch
from theodolite.numerics.self_consistent import solve
from theodolite.random_features import (
    effective_ridge,
    effective_ridge_bounds,
    effective_ridge_of,
    effective_ridge_slope,
    features_for_ridge,
    ridge_for,
    traceable_effective_ridge,
    two_levels,
)

K = np.arange(1.0, 21.0)
SPECTRA = {"power": 1 / K, "exponential": np.exp(-(K - 1) / 2), "geometric": 2.0 ** (1 - K)}

# (spectrum, P, ridge, z, slope): worked out with an independent solver in another program
REFERENCE = [
    ("power", 5, 0.0, 0.41003371579, 1.536495342),
    ("power", 5, 1e-4, 0.410187348652, 1.536161986),
    ("power", 5, 1e-2, 0.425238956082, 1.505224507),
    ("power", 5, 1.0, 1.57935948104, 1.067478188),
    ("power", 20, 1e-4, 0.00315148843512, 16.08624544),
    ("power", 20, 1e-2, 0.0376860773448, 2.240145114),
    ("power", 20, 1.0, 1.13600161813, 1.025849474),
    ("power", 40, 1e-4, 0.000199582887391, 1.991686378),
    ("power", 40, 1e-2, 0.0174152576869, 1.575435442),
    ("power", 40, 1.0, 1.06709503606, 1.013906436),
    ("exponential", 5, 0.0, 0.114664128465, 2.72280042),
    ("exponential", 5, 1e-4, 0.114936112317, 2.716885771),
    ("exponential", 20, 1e-4, 0.000458542246095, 3.258934044),
    ("exponential", 20, 1e-2, 0.0175522665384, 1.496862074),
    ("geometric", 5, 0.0, 0.0455902406956, 3.575491551),
    ("geometric", 5, 1e-2, 0.0741523975262, 2.443431333),
    ("geometric", 20, 1e-4, 0.000262716342366, 2.210437959),
    ("geometric", 20, 1.0, 1.06452458667, 1.01979074),
]

positive_lists = st.lists(st.floats(1e-6, 1e3), min_size=1, max_size=12)


@pytest.mark.oracle
@pytest.mark.parametrize(("name", "features", "ridge", "z", "slope"), REFERENCE)
def test_stored_values_are_met(name: str, features: int, ridge: float, z: float, slope: float) -> None:
    d = SPECTRA[name]
    assert effective_ridge(d, ridge, features) == pytest.approx(z, rel=2e-11)
    assert effective_ridge_slope(d, ridge, features) == pytest.approx(slope, rel=1e-9)


@pytest.mark.oracle
@pytest.mark.parametrize("features", [3, 6, 6.5, 40])
@pytest.mark.parametrize("ridge", [1e-8, 1e-3, 0.5, 30.0])
def test_a_flat_spectrum_has_a_closed_form(features: float, ridge: float) -> None:
    b = ridge + 6 / features - 1
    root = np.hypot(b, 2 * np.sqrt(ridge))
    expected = (b + root) / 2 if b > 0 else 2 * ridge / (root - b)
    assert effective_ridge(np.ones(6), ridge, features) == pytest.approx(expected, rel=1e-12)


@pytest.mark.oracle
@settings(max_examples=60, deadline=None)
@given(positive_lists, st.floats(1e-6, 1e2), st.integers(1, 40))
def test_the_root_is_the_only_one_and_bracketing_finds_it(d: list[float], ridge: float, features: int) -> None:
    values = np.array(d)

    def excess(z: float) -> float:  # increasing in z: one root at most
        return 1 - ridge / z - float(np.sum(values / (values + z))) / features

    low, high = ridge, ridge + values.sum() / features
    grid = np.geomspace(low, high, 200)
    assert (np.diff([excess(z) for z in grid]) > -1e-13).all()
    found = effective_ridge(d, ridge, features)
    assert found == pytest.approx(brentq(excess, low, high * (1 + 1e-12), xtol=1e-300, rtol=1e-13), rel=1e-9)


@pytest.mark.exact
@settings(max_examples=80, deadline=None)
@given(positive_lists, st.floats(1e-8, 1e2), st.integers(1, 40))
def test_bounds_order_and_inverse(d: list[float], ridge: float, features: int) -> None:
    z, slope = effective_ridge(d, ridge, features), effective_ridge_slope(d, ridge, features)
    low, high = effective_ridge_bounds(d, ridge, features)
    slack = 1 + 1e-11
    assert low <= z * slack
    assert z <= high * slack
    assert ridge <= z
    assert slope * slack >= 1
    assert slope <= z / ridge * slack
    assert effective_ridge(d, ridge, features + 1) <= z * slack
    assert effective_ridge(d, ridge * 1.5, features) >= z
    middle = effective_ridge(d, 1.5 * ridge, features)  # concave: above the chord
    assert middle >= (z + effective_ridge(d, 2 * ridge, features)) / 2 / slack
    assert ridge_for(d, z, features) == pytest.approx(ridge, rel=1e-9, abs=1e-13 * z)


@pytest.mark.exact
def test_common_units_cancel_and_a_gram_matrix_says_the_same() -> None:
    X = np.random.default_rng(0).standard_normal((15, 2))
    gram = RBF(2.0)(X)
    d = np.linalg.eigvalsh(gram)
    assert effective_ridge_of(gram, 0.01, 7) == pytest.approx(effective_ridge(d, 15 * 0.01, 7) / 15, rel=1e-10)
    assert effective_ridge(3 * d, 3 * 0.1, 7) == pytest.approx(3 * effective_ridge(d, 0.1, 7), rel=1e-12)


@pytest.mark.exact
def test_ridgeless_limits_on_both_sides_of_the_threshold() -> None:
    d = SPECTRA["power"]
    assert effective_ridge(d, 0.0, 25) == 0
    assert effective_ridge_slope(d, 0.0, 25) == pytest.approx(25 / 5, rel=1e-12)
    assert effective_ridge_slope(d, 1e-12, 25) == pytest.approx(25 / 5, rel=1e-6)
    z = effective_ridge(d, 0.0, 12)
    assert np.sum(d / (d + z)) == pytest.approx(12, rel=1e-12)
    assert np.isfinite(effective_ridge_slope(d, 0.0, 12))
    assert effective_ridge_slope(d, 0.0, 20) == np.inf
    t = np.mean(1 / d)  # at P = n: z ~ sqrt(ridge / t), slope half of z / ridge
    assert effective_ridge(d, 1e-12, 20) == pytest.approx(np.sqrt(1e-12 / t), rel=1e-4)
    assert effective_ridge_slope(d, 1e-12, 20) == pytest.approx(0.5 / np.sqrt(1e-12 * t), rel=1e-4)
    assert effective_ridge(d, 0.3, 10**12) == pytest.approx(0.3, rel=1e-10)


@pytest.mark.exact
def test_derivatives_agree_by_autodiff_by_differences_and_in_closed_form() -> None:
    import jax

    d, ridge, features, step = SPECTRA["power"], 0.02, 7.0, 1e-5
    with jax.enable_x64(True):
        derivative = jax.jit(jax.value_and_grad(traceable_effective_ridge, argnums=(0, 1, 2)))
        z, (by_d, by_ridge, by_features) = derivative(d, ridge, features)
        at_zero = derivative(d, 0.0, 40.0)
    assert float(z) == pytest.approx(effective_ridge(d, ridge, features), rel=1e-12)
    assert float(by_ridge) == pytest.approx(effective_ridge_slope(d, ridge, features), rel=1e-12)
    central = (effective_ridge(d, ridge + step, features) - effective_ridge(d, ridge - step, features)) / (2 * step)
    assert float(by_ridge) == pytest.approx(central, rel=1e-6)
    central = (effective_ridge(d, ridge, features + step) - effective_ridge(d, ridge, features - step)) / (2 * step)
    assert float(by_features) == pytest.approx(central, rel=1e-6)
    for k in (0, 5, 19):
        moved = step * d[k] * (np.arange(20) == k)
        central = (effective_ridge(d + moved, ridge, features) - effective_ridge(d - moved, ridge, features)) / (
            2 * step * d[k]
        )
        assert float(by_d[k]) == pytest.approx(central, rel=1e-5)
    assert float(at_zero[0]) == 0
    assert float(at_zero[1][1]) == pytest.approx(2.0)


@pytest.mark.exact
def test_the_traceable_form_maps_over_ridges_and_features_and_keeps_zero_eigenvalues() -> None:
    import jax

    d, ridges, features = (
        np.append(SPECTRA["geometric"], 0.0),
        np.array([0.0, 1e-9, 1e-2]),
        np.array([3.0, 20.0, 500.0]),
    )
    with jax.enable_x64(True):
        over = jax.jit(jax.vmap(jax.vmap(traceable_effective_ridge, (None, None, 0)), (None, 0, None)))
        found = np.asarray(over(d, ridges, features))
    expected = [[effective_ridge(d, ridge, P) for P in features] for ridge in ridges]
    np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-300)


@pytest.mark.oracle
def test_the_inverse_meets_stored_values_and_refuses_what_is_out_of_reach() -> None:
    d = SPECTRA["power"]
    stored = {15: 0.02893207486985753, 20: 0.04669905615239315, 40: 0.07334952807619657}
    for features, ridge in stored.items():
        assert ridge_for(d, 0.1, features) == pytest.approx(ridge, rel=1e-12)
    with pytest.raises(BadInput, match=r"at least 11 features, or an effective ridge above 0\.116"):
        ridge_for(d, 0.1, 10)
    smallest = effective_ridge(d, 0.0, 10)
    assert 0 < ridge_for(d, 1.001 * smallest, 10) < 0.01
    with pytest.raises(BadInput):
        ridge_for(d, 0.999 * smallest, 10)


@pytest.mark.exact
def test_the_share_of_the_ridge_decides_the_number_of_features() -> None:
    d = SPECTRA["power"]
    P = features_for_ridge(d, 0.1, share=0.2)
    assert ridge_for(d, 0.1, P) >= 0.8 * 0.1 > ridge_for(d, 0.1, P - 1)


def test_bad_input_has_a_name() -> None:
    for wrong, error in (
        (lambda: effective_ridge([1.0], -0.1, 3), BadInput),
        (lambda: effective_ridge([1.0], 0.1, 0), BadInput),
        (lambda: effective_ridge([-1.0], 0.1, 3), BadInput),
        (lambda: effective_ridge([np.nan], 0.1, 3), NotFinite),
        (lambda: effective_ridge([[1.0]], 0.1, 3), ShapeMismatch),
        (lambda: effective_ridge_of(-np.eye(3), 0.1, 3), NotPositiveDefinite),
        (lambda: features_for_ridge([1.0], 0.1, share=1.5), BadInput),
        (lambda: ridge_for([1.0], 0.0, 3), BadInput),
    ):
        with pytest.raises(error):
            wrong()


@pytest.mark.exact
@pytest.mark.parametrize(("rows", "features"), [(30, 60), (60, 30), (40, 40)])
def test_two_levels_solve_both_equations_and_are_symmetric(rows: int, features: int) -> None:
    d, ridge = np.arange(1.0, 400) ** -1.5, 1e-3
    t, effective, used = two_levels(d, ridge, rows, features)
    assert effective == pytest.approx(t * (1 - np.sum(d / (d + t)) / rows), rel=1e-10)
    assert ridge == pytest.approx(effective * (1 - used / features), rel=1e-10)
    assert ridge < effective < t
    assert two_levels(d, ridge, features, rows).signal_capture == pytest.approx(t, rel=1e-10)
    assert two_levels(d, ridge, rows, 10**12).signal_capture == pytest.approx(solve(ridge, d, rows), rel=1e-8)
    assert two_levels(d, ridge, 10**12, features).signal_capture == pytest.approx(solve(ridge, d, features), rel=1e-8)


@pytest.mark.montecarlo
def test_two_levels_are_read_off_drawn_data_and_features() -> None:
    d, n, P, ridge, generator = np.arange(1.0, 1001) ** -1.5, 60, 90, 1e-3, np.random.default_rng(12)
    found = []
    for _ in range(60):
        F = (generator.standard_normal((n, 1000)) * np.sqrt(d)) @ generator.standard_normal((1000, P)) / np.sqrt(P)
        found.append(1 / np.mean(1 / (np.linalg.eigvalsh(F @ F.T) / n + ridge)))
    measured, error = np.mean(found), np.std(found) / np.sqrt(60)
    law = two_levels(d, ridge, n, P)
    assert abs(measured / (ridge / (1 - law.degrees_of_freedom / n)) - 1) < 4 * error / measured + 0.02
