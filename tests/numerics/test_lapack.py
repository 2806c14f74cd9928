"""LAPACK called directly: right answers in place, error codes, and other threads running meanwhile."""

import threading

import numpy as np
import pytest

from theodolite.numerics import lapack


def positive_definite(n: int) -> np.ndarray:
    half = np.random.default_rng(n).standard_normal((n, n + 5))
    return np.asfortranarray(half @ half.T / n)


@pytest.mark.oracle
@pytest.mark.parametrize("n", [1, 2, 33, 200])
def test_the_factor_and_its_inverse_are_those_of_numpy(n: int) -> None:
    matrix = positive_definite(n)
    lower = matrix.copy(order="F")
    assert lapack.cholesky(lower) == 0
    np.testing.assert_allclose(np.tril(lower), np.linalg.cholesky(matrix), atol=1e-12)
    assert lapack.inverse_of_lower(lower) == 0
    np.testing.assert_allclose(np.tril(lower).T @ np.tril(lower) @ matrix, np.eye(n), atol=1e-8)


@pytest.mark.exact
@pytest.mark.parametrize("n", [1, 2, 3, 40, 300])
def test_a_symmetric_matrix_is_rebuilt_from_its_tridiagonal_form(n: int) -> None:
    matrix = positive_definite(n)
    q = matrix.copy(order="F")
    diagonal, beside = lapack.tridiagonal(q)
    assert beside.shape == (n - 1,)
    middle = np.diag(diagonal) + np.diag(beside, 1) + np.diag(beside, -1)
    np.testing.assert_allclose(q @ middle @ q.T, matrix, atol=1e-12)
    np.testing.assert_allclose(q @ q.T, np.eye(n), atol=1e-12)


@pytest.mark.oracle
def test_triangular_products_ignore_what_stands_above() -> None:
    full = np.asfortranarray(np.random.default_rng(0).standard_normal((30, 30)))
    columns = np.asfortranarray(np.random.default_rng(1).standard_normal((30, 4)))
    np.testing.assert_allclose(lapack.lower_times(full, columns.copy("F")), np.tril(full) @ columns, atol=1e-12)
    transposed = lapack.lower_times(full, columns.copy("F"), transpose=True)
    np.testing.assert_allclose(transposed, np.tril(full).T @ columns, atol=1e-12)


def test_error_codes_say_where() -> None:
    assert lapack.cholesky(np.asfortranarray(np.diag([1.0, 2.0, -1.0, 4.0]))) == 3
    assert lapack.inverse_of_lower(np.asfortranarray(np.diag([1.0, 0.0, 1.0]))) == 2


@pytest.mark.parametrize(
    "wrong",
    [np.ones((3, 2), order="F"), np.arange(9.0).reshape(3, 3), np.eye(3, dtype=np.int64, order="F")],
    ids=["not square", "C order", "integers"],
)
def test_what_would_need_a_copy_is_not_taken(wrong: np.ndarray) -> None:
    with pytest.raises(AssertionError, match="expected"):
        lapack.cholesky(wrong)


def test_other_threads_run_during_a_factorisation() -> None:
    """A thread that counts must get on while the factor is taken: with the lock held it would stand still."""
    matrix = positive_definite(2500)
    counted, stop = [0], threading.Event()

    def count() -> None:
        while not stop.is_set():
            counted[0] += 1
            stop.wait(0.001)

    counter = threading.Thread(target=count)
    counter.start()
    before = counted[0]
    lapack.cholesky(matrix)
    during = counted[0] - before
    stop.set()
    counter.join()
    assert during >= 5  # of about a hundred


def test_two_precisions_are_not_mixed() -> None:
    lower = np.asfortranarray(np.eye(3, dtype=np.float32))
    with pytest.raises(AssertionError, match="expected float32, got float64"):
        lapack.lower_times(lower, np.ones((3, 1), order="F"))
    with pytest.raises(AssertionError, match="expected float64, got float32"):
        lapack.tridiagonal(lower)
