"""What every kernel promises: symmetry, no eigenvalue below zero, a true diagonal, the dtype and kind of its input."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from theodolite.kernels import RBF, Kernel, Linear

pytestmark = pytest.mark.contract

RNG = np.random.default_rng(7)
X = RNG.standard_normal((30, 4))
Z = RNG.standard_normal((12, 4))


def test_the_matrix_is_symmetric_and_has_no_eigenvalue_below_zero(kernel: Kernel) -> None:
    matrix = kernel(X)
    scale = np.abs(matrix).max()
    np.testing.assert_allclose(matrix, matrix.T, atol=1e-14 * scale, rtol=1e-13)
    assert np.linalg.eigvalsh(matrix)[0] >= -1e-13 * len(X) * scale


def test_near_duplicates_leave_no_eigenvalue_below_round_off(kernel: Kernel) -> None:
    close = np.concatenate([X, X, *(X + 10.0**-k * RNG.standard_normal(X.shape) for k in (2, 4, 6, 8))])
    matrix = kernel(close)
    # arccos turns a rounding of the cosine into its square root, which is all that this bound leaves room for
    assert np.linalg.eigvalsh(matrix)[0] >= -1e-7 * np.abs(matrix).max()


def test_the_diagonal_is_that_of_the_matrix(kernel: Kernel) -> None:
    np.testing.assert_allclose(kernel.diagonal(X), kernel(X).diagonal(), rtol=1e-13)
    assert kernel.diagonal(X).shape == (30,)


def test_two_sets_give_the_rectangle_of_the_matrix_of_both(kernel: Kernel) -> None:
    both = kernel(np.concatenate([X, Z]))
    assert kernel(X, Z).shape == (30, 12)
    np.testing.assert_allclose(kernel(X, Z), both[:30, 30:], rtol=1e-11, atol=1e-13)
    np.testing.assert_allclose(kernel(Z, X), kernel(X, Z).T, rtol=1e-11, atol=1e-13)
    np.testing.assert_allclose(kernel(X, X), kernel(X), atol=1e-7 * np.abs(kernel(X)).max())


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_dtype_is_kept(kernel: Kernel, dtype: type) -> None:
    assert kernel(X.astype(dtype)).dtype == dtype
    assert kernel(X.astype(dtype), Z.astype(dtype)).dtype == dtype
    assert kernel.diagonal(X.astype(dtype)).dtype == dtype


def test_single_precision_agrees_with_double(kernel: Kernel) -> None:
    exact = kernel(X, Z)
    np.testing.assert_allclose(
        kernel(X.astype(np.float32), Z.astype(np.float32)), exact, atol=2e-6 * np.abs(exact).max()
    )


@pytest.mark.parametrize(
    "points",
    [
        [[1, 2, 0], [0, -1, 3]],
        np.array([[1, 2, 0], [0, -1, 3]]),
        np.array([[1, 2, 0], [0, -1, 3]], dtype=np.int8),
        pd.DataFrame({"a": [1.0, 0.0], "b": [2, -1], "c": [0, 3]}),
        np.asfortranarray(np.array([[1.0, 2.0, 0.0], [0.0, -1.0, 3.0]])),
        np.array([[1.0, 9.0, 2.0, 9.0, 0.0, 9.0], [0.0, 9.0, -1.0, 9.0, 3.0, 9.0]])[:, ::2],
    ],
    ids=["list", "int", "int8", "frame", "fortran", "strided"],
)
def test_points_of_any_kind_are_read(kernel: Kernel, points: object) -> None:
    plain = np.array([[1.0, 2.0, 0.0], [0.0, -1.0, 3.0]])
    np.testing.assert_allclose(kernel(points), kernel(plain), rtol=1e-13)
    np.testing.assert_allclose(kernel(points, points), kernel(plain, plain), rtol=1e-13)
    np.testing.assert_allclose(kernel.diagonal(points), kernel.diagonal(plain), rtol=1e-13)
    assert kernel(points).dtype == kernel.diagonal(points).dtype == np.float64


def test_points_are_left_as_they_were(kernel: Kernel) -> None:
    points, others = X.copy(), Z.copy()
    points.flags.writeable = others.flags.writeable = False
    kernel(points)
    kernel(points, others)
    kernel.diagonal(points)
    np.testing.assert_array_equal(points, X)


@settings(max_examples=15)
@given(n=st.integers(1, 6), m=st.integers(0, 6), d=st.integers(1, 50), seed=st.integers(0, 999))
def test_any_number_of_points_and_columns_will_do(kernel: Kernel, n: int, m: int, d: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    points, others = rng.standard_normal((n, d)), rng.standard_normal((m, d))
    matrix = kernel(points, others)
    assert matrix.shape == (n, m)
    one_by_one = [[kernel(x[None], z[None]).item() for z in others] for x in points]
    np.testing.assert_allclose(matrix, np.reshape(one_by_one, (n, m)), rtol=1e-9, atol=1e-10)


@settings(max_examples=15)
@given(seed=st.integers(0, 999), exponent=st.floats(-3, 3))
def test_order_of_points_and_columns_does_not_matter(kernel: Kernel, seed: int, exponent: float) -> None:
    rng = np.random.default_rng(seed)
    points = 10.0**exponent * rng.standard_normal((6, 4))
    rows, columns = rng.permutation(6), [0, *(1 + rng.permutation(3))]  # the user's kernel looks at the first column
    matrix = kernel(points)
    # absolutely: a value near zero is the difference of larger ones
    np.testing.assert_allclose(
        kernel(points[rows][:, columns]), matrix[np.ix_(rows, rows)], rtol=1e-9, atol=1e-12 * np.abs(matrix).max()
    )


def test_kernels_of_the_distance_do_not_see_where_the_origin_is(distance_kernel: Kernel) -> None:
    binary = np.round(X * 2**20) / 2**20  # so that the shift itself rounds nothing
    other = np.round(Z * 2**20) / 2**20
    for shift in (1.0, 2.0**14, 2.0**26):
        np.testing.assert_allclose(distance_kernel(binary + shift), distance_kernel(binary), rtol=1e-12)
        np.testing.assert_allclose(
            distance_kernel(binary + shift, other + shift), distance_kernel(binary, other), rtol=1e-12
        )


def test_equal_points_have_exactly_the_value_one_in_kernels_of_the_distance(distance_kernel: Kernel) -> None:
    twice = np.repeat(X + 1e4, 2, axis=0)
    assert (distance_kernel(twice)[::2, 1::2].diagonal() == 1.0).all()
    assert (distance_kernel(X + 1e4, X + 1e4).diagonal() == 1.0).all()


def test_far_points_have_value_zero_and_not_nan(distance_kernel: Kernel) -> None:
    values = distance_kernel([[0.0], [1e150]], [[0.0], [-1e150]])
    assert np.isfinite(values).all()
    assert values[0, 0] == 1.0
    assert (values.ravel()[1:] < 1e-100).all()


def test_examples_of_values_worked_out_by_hand() -> None:
    assert RBF(2.0)([[0.0, 0.0]], [[1.0, 1.0]]).item() == pytest.approx(np.exp(-1.0), rel=1e-15)
    assert Linear(1.0)([[1.0, 2.0, 3.0]], [[4.0, 5.0, 6.0]]).item() == pytest.approx(32 / 3 + 1, rel=1e-15)
