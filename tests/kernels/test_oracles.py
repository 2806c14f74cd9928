"""Every classical kernel beside scikit-learn's, and the relations between them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.gaussian_process.kernels import Matern as SklearnMatern
from sklearn.gaussian_process.kernels import RationalQuadratic as SklearnRationalQuadratic
from sklearn.metrics.pairwise import laplacian_kernel, linear_kernel, polynomial_kernel, rbf_kernel

from theodolite.kernels import RBF, Laplace, LaplaceL1, Linear, Matern, Polynomial, RationalQuadratic

SEED = st.integers(0, 2**32 - 1)
SCALE = st.floats(-1, 1).map(lambda exponent: 10.0**exponent)


def points(seed: int, d: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.standard_normal((7, d)), rng.standard_normal((5, d))


CASES = {
    "rbf": lambda X, Z, a: (RBF(a)(X, Z), rbf_kernel(X, Z, gamma=1 / a)),
    "laplace l1": lambda X, Z, a: (LaplaceL1(a)(X, Z), laplacian_kernel(X, Z, gamma=1 / a)),
    "laplace": lambda X, Z, a: (Laplace(a)(X, Z), SklearnMatern(length_scale=a, nu=0.5)(X, Z)),
    "matern 1/2": lambda X, Z, a: (Matern(a, nu=0.5)(X, Z), SklearnMatern(length_scale=a, nu=0.5)(X, Z)),
    "matern 3/2": lambda X, Z, a: (Matern(a)(X, Z), SklearnMatern(length_scale=a, nu=1.5)(X, Z)),
    "matern 5/2": lambda X, Z, a: (Matern(a, nu=2.5)(X, Z), SklearnMatern(length_scale=a, nu=2.5)(X, Z)),
    # scikit-learn: (1 + r^2 / (2 alpha l^2))^-alpha, so that our lengthscale is 2 l^2
    "rational quadratic": lambda X, Z, a: (
        RationalQuadratic(a, alpha=0.8)(X, Z),
        SklearnRationalQuadratic(length_scale=(a / 2) ** 0.5, alpha=0.8)(X, Z),
    ),
    "linear": lambda X, Z, a: (Linear(a)(X, Z), linear_kernel(X, Z) / X.shape[1] + a),
    "polynomial": lambda X, Z, a: (
        Polynomial(3, offset=a)(X, Z),
        polynomial_kernel(X, Z, degree=3, gamma=1 / X.shape[1], coef0=a),
    ),
}


@pytest.mark.oracle
@pytest.mark.parametrize("case", CASES)
@settings(max_examples=25)
@given(SEED, st.integers(1, 9), SCALE)
def test_kernels_agree_with_scikit_learn(case: str, seed: int, d: int, lengthscale: float) -> None:
    ours, theirs = CASES[case](*points(seed, d), lengthscale)
    np.testing.assert_allclose(ours, theirs, rtol=1e-10, atol=1e-13)


@pytest.mark.oracle
@pytest.mark.parametrize("case", CASES)
def test_kernels_of_one_set_agree_with_scikit_learn(case: str) -> None:
    X = points(3, 4)[0]
    ours, theirs = CASES[case](X, None, 0.7)
    np.testing.assert_allclose(ours, theirs, rtol=1e-10, atol=1e-13)


@pytest.mark.exact
@settings(max_examples=25)
@given(SEED, SCALE)
def test_the_roughest_matern_is_laplace(seed: int, lengthscale: float) -> None:
    X, Z = points(seed, 3)
    np.testing.assert_allclose(Matern(lengthscale, nu=0.5)(X, Z), Laplace(lengthscale)(X, Z), rtol=1e-13)


@pytest.mark.exact
@settings(max_examples=25)
@given(SEED, SCALE)
def test_in_one_dimension_both_laplace_kernels_are_one(seed: int, lengthscale: float) -> None:
    X, Z = points(seed, 1)
    np.testing.assert_allclose(LaplaceL1(lengthscale)(X, Z), Laplace(lengthscale)(X, Z), rtol=1e-10)


@pytest.mark.exact
@settings(max_examples=25)
@given(SEED, SCALE)
def test_the_l1_kernel_and_rbf_are_products_over_coordinates(seed: int, lengthscale: float) -> None:
    X, Z = points(seed, 3)
    for kernel in (LaplaceL1(lengthscale), RBF(lengthscale)):
        factors = [kernel(X[:, [k]], Z[:, [k]]) for k in range(3)]
        np.testing.assert_allclose(kernel(X, Z), np.prod(factors, axis=0), rtol=1e-10)


@pytest.mark.exact
@pytest.mark.parametrize("alpha", [1e3, 1e5, 1e7])
def test_the_rational_quadratic_tends_to_rbf(alpha: float) -> None:
    X, Z = points(0, 3)
    gap = np.abs(RationalQuadratic(2.0, alpha)(X, Z) - RBF(2.0)(X, Z)).max()
    assert gap <= 0.28 / alpha  # u^2 exp(-u) / (2 alpha) with u = r^2 / l, at most 2 exp(-2) / alpha


@pytest.mark.exact
@settings(max_examples=25)
@given(SEED)
def test_linear_and_first_degree_polynomials_are_one(seed: int) -> None:
    X, Z = points(seed, 3)
    np.testing.assert_array_equal(Polynomial(1, offset=0.4)(X, Z), Linear(0.4)(X, Z))
