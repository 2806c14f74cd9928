"""Gram matrices by blocks: the values of the whole, within the memory that was said, with half the work."""

import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from theodolite.architectures import Relu, plain
from theodolite.infinite_width import NNGP, NTK, nngp, ntk
from theodolite.kernels import (
    RBF,
    Custom,
    Kernel,
    Laplace,
    LaplaceL1,
    Linear,
    Matern,
    Pairs,
    RationalQuadratic,
    gram,
    gram_on,
    grams,
    pairs,
    shared_pairs,
)
from theodolite.numerics import BadInput, NotFinite, ShapeMismatch, TooLarge, memory


def relu_ntk(depth: int = 1, bias_std: float = 0.0) -> NTK:
    """The NTK of `depth` hidden layers."""
    return ntk(plain(Relu().standardised(), depth + 1, bias_std))


def relu_nngp(depth: int = 1, bias_std: float = 0.0) -> NNGP:
    """The NNGP of `depth` hidden layers."""
    return nngp(plain(Relu().standardised(), depth + 1, bias_std))


@settings(max_examples=15)
@given(n=st.integers(1, 40), block=st.integers(1, 45), seed=st.integers(0, 999))
def test_any_block_gives_the_matrix_of_the_whole(kernel: Kernel, n: int, block: int, seed: int) -> None:
    X = np.random.default_rng(seed).standard_normal((n, 3))
    matrix, whole = gram(kernel, X, block=block), kernel(X)
    np.testing.assert_allclose(matrix, whole, rtol=1e-10, atol=1e-12)
    np.testing.assert_array_equal(matrix, matrix.T)
    np.testing.assert_array_equal(matrix.diagonal(), kernel.diagonal(X))


@settings(max_examples=15)
@given(n=st.integers(1, 30), m=st.integers(1, 30), block=st.integers(1, 35), seed=st.integers(0, 999))
def test_any_block_gives_the_rectangle_of_the_whole(kernel: Kernel, n: int, m: int, block: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    X, Z = rng.standard_normal((n, 3)), rng.standard_normal((m, 3))
    np.testing.assert_allclose(gram(kernel, X, Z, block=block), kernel(X, Z), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_matrix_is_symmetric_to_the_last_bit_in_the_dtype_of_the_points(kernel: Kernel, dtype: type) -> None:
    X = np.repeat(np.random.default_rng(0).standard_normal((300, 7)).astype(dtype), 2, axis=0)
    matrix = gram(kernel, X)  # three blocks
    assert matrix.dtype == dtype
    np.testing.assert_array_equal(matrix, matrix.T)
    np.testing.assert_array_equal(matrix.diagonal(), kernel.diagonal(X))


def test_equal_rows_in_different_blocks_have_exactly_the_value_of_the_diagonal(distance_kernel: Kernel) -> None:
    X = np.random.default_rng(1).standard_normal((20, 3)) + 1e4
    assert (gram(distance_kernel, np.concatenate([X, X]), block=7)[:20, 20:].diagonal() == 1.0).all()


def test_a_symmetric_matrix_costs_half_the_kernel_values() -> None:
    evaluated = []

    def counted(X: np.ndarray, Z: np.ndarray) -> np.ndarray:
        evaluated.append(len(X) * len(Z))
        return X @ Z.T

    X = np.random.default_rng(2).standard_normal((100, 2))
    np.testing.assert_allclose(gram(Custom(counted), X, block=10), X @ X.T)
    assert sum(evaluated) <= 100 * 110 / 2 + 100  # blocks on and below the diagonal, and the diagonal


def test_progress_is_told_after_each_block_and_ends_at_the_end() -> None:
    X = np.zeros((25, 2))
    told: list[tuple[float, float, str]] = []
    gram(RBF(1.0), X, block=10, progress=lambda *report: told.append(report))
    gram(RBF(1.0), X, X, block=10, progress=lambda *report: told.append(report))
    assert told == 2 * [(10, 25, "Gram matrix"), (20, 25, "Gram matrix"), (25, 25, "Gram matrix")]


# Memory


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_what_does_not_fit_is_refused_before_anything_is_allocated(dtype: type) -> None:
    X = np.zeros((20_000, 2), dtype=dtype)
    size = np.dtype(dtype).itemsize
    tracemalloc.start()
    try:
        with pytest.raises(TooLarge) as caught:
            gram(RBF(1.0), X, memory_limit="800MB")
        assert tracemalloc.get_traced_memory()[1] < 5 * X.nbytes
    finally:
        tracemalloc.stop()
    assert caught.value.limit == 800_000_000
    assert caught.value.needed >= 20_000 * 20_000 * size
    assert f"({caught.value.needed} bytes), more than the limit of 800 MB" in str(caught.value)
    assert "Gram matrix of 20000 x 20000 numbers" in str(caught.value)
    assert "use fewer rows, float32 points, or a larger memory_limit" in str(caught.value)


def test_without_a_limit_the_free_memory_sets_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "free_bytes", lambda: 20_000)
    gram(RBF(1.0), np.zeros((10, 1)))
    with pytest.raises(TooLarge, match="more than the limit of 12 kB"):
        gram(RBF(1.0), np.zeros((40, 1)))


def test_a_smaller_block_needs_less_memory() -> None:
    def needed(block: int) -> int:
        with pytest.raises(TooLarge) as caught:
            gram(RBF(1.0), np.zeros((1000, 1)), block=block, memory_limit=1)
        return caught.value.needed

    assert 8 * 1000**2 < needed(10) < needed(100) < needed(1000) == needed(5000)


def peak_and_needed(kernel: Kernel, X: np.ndarray, Z: np.ndarray | None = None) -> tuple[int, int]:
    with pytest.raises(TooLarge) as caught:
        gram(kernel, X, Z, memory_limit=1)
    gram(kernel, X[:2])  # what is loaded once is not part of it
    tracemalloc.start()
    try:
        gram(kernel, X, Z)
        return tracemalloc.get_traced_memory()[1], caught.value.needed
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize(
    "kernel",
    [
        RBF(9.0),
        Laplace(9.0),
        LaplaceL1(9.0),
        Matern(9.0, nu=2.5),
        RationalQuadratic(9.0),
        relu_ntk(3, 0.1),
        relu_nngp(2),
    ],
    ids=repr,
)
def test_the_memory_asked_for_is_the_memory_used(kernel: Kernel, dtype: type) -> None:
    X = np.random.default_rng(3).standard_normal((1500, 10)).astype(dtype)
    for Z in (None, X[:1000]):
        peak, needed = peak_and_needed(kernel, X, Z)
        assert peak <= 1.02 * needed
    peak, needed = peak_and_needed(kernel, X)
    assert peak >= 0.5 * needed


def test_sums_and_products_stay_within_what_is_asked_for() -> None:
    X = np.random.default_rng(3).standard_normal((1500, 10))
    peak, needed = peak_and_needed((RBF(1.0) + Laplace(1.0) * Linear()) * Matern(2.0) + relu_ntk(3, 0.1), X)
    assert 0.75 * needed <= peak <= 1.25 * needed


# Sharing


def test_shared_pairs_give_the_matrices_of_separate_ones(kernel: Kernel) -> None:
    X = np.random.default_rng(4).standard_normal((300, 5))
    shared = shared_pairs(X)
    gram_on(Laplace(1.0), shared)
    matrix = gram_on(kernel, shared)
    np.testing.assert_allclose(matrix, gram(kernel, X), rtol=1e-11, atol=1e-12)
    np.testing.assert_array_equal(matrix, matrix.T)
    np.testing.assert_array_equal(matrix.diagonal(), kernel.diagonal(X))


def test_a_sequence_of_matrices_measures_each_distance_once(monkeypatch: pytest.MonkeyPatch) -> None:
    computed = []
    original = pairs._squared_distance
    monkeypatch.setattr(pairs, "_squared_distance", lambda X, Z: (computed.append(len(X)), original(X, Z))[1])
    X = np.random.default_rng(5).standard_normal((600, 3))  # three blocks each
    kernels = [RBF(1.0), RBF(2.0), Laplace(1.0), Matern(1.0), 2.0 * RationalQuadratic(1.0) + Linear()]
    matrices = list(grams(kernels, X))
    assert [size for size in computed if size > 1] == [600]  # beside single points that tell what a kernel asks for
    for kernel, matrix in zip(kernels, matrices, strict=True):
        np.testing.assert_allclose(matrix, kernel(X), rtol=1e-10)


def test_a_sequence_of_matrices_is_told_of_and_limited() -> None:
    X = np.zeros((10, 1))
    told: list[tuple[float, float, str]] = []
    list(grams([RBF(1.0), RBF(2.0)], X, progress=lambda *report: told.append(report)))
    assert told == 2 * [(10, 10, "Gram matrix")]
    with pytest.raises(TooLarge, match=r"the distances and one Gram matrix of 10 rows needs .*one kernel at a time"):
        next(grams([RBF(1.0)], X, memory_limit=100))


def test_sharing_takes_no_more_memory_than_it_asks_for() -> None:
    X = np.random.default_rng(6).standard_normal((1200, 10))
    with pytest.raises(TooLarge) as caught:
        shared_pairs(X, memory_limit=1)
    tracemalloc.start()
    try:
        shared = shared_pairs(X)
        for kernel in (RBF(1.0), Laplace(1.0), LaplaceL1(1.0), relu_ntk(1)):
            gram_on(kernel, shared)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    blocks = 7 * 128 * 1200 * 8
    assert 0.75 * caught.value.needed <= peak <= 1.02 * caught.value.needed + blocks


# What is refused


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_numbers_that_are_not_finite_are_named_by_their_place(value: float) -> None:
    X = np.zeros((4, 3))
    X[2, 1] = value
    with pytest.raises(NotFinite, match=rf"X holds {value} at \(2, 1\); expected finite numbers"):
        gram(RBF(1.0), X)
    with pytest.raises(NotFinite, match=r"Z holds"):
        gram(RBF(1.0), np.zeros((2, 3)), X)
    with pytest.raises(NotFinite, match=r"X holds"):
        shared_pairs(X)


@pytest.mark.parametrize("block", [0, -2, 2.5, "all"])
def test_a_block_is_a_number_of_rows(block: object) -> None:
    with pytest.raises(BadInput, match="block, the number of rows at a time, must be a positive integer"):
        gram(RBF(1.0), np.zeros((3, 1)), block=block)  # type: ignore[arg-type]


def test_wrong_shapes_and_kernels_are_refused() -> None:
    with pytest.raises(ShapeMismatch, match="expected the same number"):
        gram(RBF(1.0), np.zeros((3, 1)), np.zeros((3, 2)))
    with pytest.raises(BadInput, match="expected a kernel or a function"):
        gram("rbf", np.zeros((3, 1)))  # type: ignore[arg-type]


def test_pairs_of_two_sets_can_be_filled_too() -> None:
    X, Z = np.random.default_rng(7).standard_normal((2, 30, 3))
    np.testing.assert_allclose(gram_on(RBF(1.0), Pairs(X, Z)), RBF(1.0)(X, Z))
