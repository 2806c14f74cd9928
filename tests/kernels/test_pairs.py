"""Distances keep their digits: between near duplicates, far from the origin, in single precision, under JAX."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import cdist

from theodolite.kernels import Laplace, Pairs


def long_distance(X: np.ndarray, Z: np.ndarray) -> np.ndarray:
    """Distances in extended precision, by differences."""
    gap = X.astype(np.longdouble)[:, None] - Z.astype(np.longdouble)[None]
    return np.sqrt((gap**2).sum(axis=2))


def with_near_duplicates(dtype: type, shift: float) -> np.ndarray:
    rng = np.random.default_rng(0)
    X = rng.standard_normal((40, 5))
    return (np.concatenate([X, X] + [X + 10.0**-k * rng.standard_normal(X.shape) for k in range(1, 9)]) + shift).astype(
        dtype
    )


SPREAD = 4.0  # the largest norm around the mean is below 4

# A squared distance from a matrix product errs by about 4 eps spread^2. It is used down to 14 sqrt(eps) spread^2, where
# the distance errs by 4 eps / (2 sqrt(14) eps^(1/4)) spread = 0.54 eps^(3/4) spread.
BOUND = {np.float64: 0.54 * 2.0**-39 * SPREAD, np.float32: 0.54 * 2.0**-17.25 * SPREAD}


@pytest.mark.oracle
@pytest.mark.parametrize(
    ("dtype", "shift"),
    [(np.float64, 0.0), (np.float64, 1e2), (np.float64, 1e4), (np.float64, 1e8), (np.float32, 0.0), (np.float32, 1e2)],
)
def test_distances_of_near_duplicates_are_true_wherever_the_origin_is(dtype: type, shift: float) -> None:
    X = with_near_duplicates(dtype, shift)
    exact = long_distance(X, X)
    for distance in (Pairs(X).distance, Pairs(X, X.copy()).distance):
        assert np.abs(distance - exact).max() <= BOUND[dtype]
        assert (distance[exact == 0] == 0).all()
        close = (exact > 0) & (exact < 1e-4 * SPREAD)  # computed by differences: true to the last digits
        assert close.sum() > 100
        assert np.abs(distance / np.where(exact > 0, exact, 1) - 1)[close].max() <= 4 * np.finfo(dtype).eps
    laplace = np.exp(-exact)
    assert np.abs(Laplace(1.0)(X) - laplace).max() <= BOUND[dtype] + 4 * np.finfo(dtype).eps


@pytest.mark.oracle
@settings(max_examples=40)
@given(
    st.integers(1, 40), st.integers(1, 30), st.integers(1, 8), st.integers(0, 999), st.sampled_from([0, 1e-6, 1.0, 1e6])
)
def test_distances_agree_with_scipy(n: int, m: int, d: int, seed: int, shift: float) -> None:
    rng = np.random.default_rng(seed)
    X, Z = rng.standard_normal((n, d)) + shift, rng.standard_normal((m, d)) + shift
    pairs = Pairs(X, Z)
    np.testing.assert_allclose(pairs.distance, cdist(X, Z), atol=1e-11)
    np.testing.assert_allclose(pairs.squared_distance, cdist(X, Z, "sqeuclidean"), atol=1e-11)
    np.testing.assert_allclose(pairs.l1_distance, cdist(X, Z, "cityblock"), rtol=1e-14)
    np.testing.assert_allclose(pairs.inner, X @ Z.T)


def test_a_table_of_many_repeated_rows_has_exact_zeros() -> None:
    rows = np.random.default_rng(1).standard_normal((3, 6)) + 100
    table = rows[np.random.default_rng(2).integers(0, 3, 700)]  # 160 000 close pairs, more than one portion
    squared = Pairs(table).squared_distance
    same = (table[:, None] == table[None]).all(axis=2)
    assert (squared[same] == 0).all()
    assert (squared[~same] > 0.1).all()


def test_a_squared_distance_is_never_negative() -> None:
    for dtype in (np.float32, np.float64):
        X = with_near_duplicates(dtype, 0.0)
        assert (Pairs(X).squared_distance >= 0).all()
        assert (Pairs(X, X[::-1]).squared_distance >= 0).all()


@pytest.mark.parametrize("name", ["inner", "squared_distance", "distance", "l1_distance"])
def test_a_window_on_pairs_has_the_values_of_the_whole(name: str) -> None:
    rng = np.random.default_rng(3)
    X, Z = rng.standard_normal((9, 4)), rng.standard_normal((7, 4))
    for pairs in (Pairs(X, Z), Pairs(X)):
        fresh = getattr(pairs.rows(2, 6, 5), name)
        whole = getattr(pairs, name)
        shared = getattr(pairs.rows(2, 6, 5), name)
        np.testing.assert_allclose(fresh, whole[2:6, :5], atol=1e-13)
        np.testing.assert_array_equal(shared, whole[2:6, :5])
        assert np.shares_memory(shared, whole)


def test_a_window_has_the_squares_of_its_rows() -> None:
    X = np.random.default_rng(4).standard_normal((9, 4))
    pairs = Pairs(X)
    before = pairs.rows(2, 6, 5)
    assert pairs.left_square.shape == (9,)
    after = pairs.rows(2, 6, 5)
    for part in (before, after):
        np.testing.assert_allclose(part.left_square, (X[2:6] ** 2).sum(1))
        np.testing.assert_allclose(part.right_square, (X[:5] ** 2).sum(1))


@pytest.mark.parametrize(("x64", "bound"), [(True, 2e-7), (False, 5e-3)])
def test_under_jax_distances_err_by_the_root_of_eps_at_most(x64: bool, bound: float) -> None:
    everything = jax.jit(lambda a: (Pairs(a).distance, Pairs(a, a).distance, Pairs(a[:40]).l1_distance))
    with jax.enable_x64(x64):
        for shift in (0.0, 2.0**8):
            X = with_near_duplicates(np.float64 if x64 else np.float32, shift)
            exact = long_distance(X, X)
            square, rectangle, l1 = (np.asarray(value) for value in everything(jnp.asarray(X)))
            assert np.abs(square - exact).max() <= bound
            assert np.abs(rectangle - exact).max() <= bound
            assert (square.diagonal() == 0).all()
            np.testing.assert_allclose(l1, cdist(X[:40], X[:40], "cityblock"), rtol=1e-5, atol=1e-5)
