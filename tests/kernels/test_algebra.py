"""Kernels add, multiply and scale; their descriptions bring back equal kernels."""

import dataclasses
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from theodolite import architectures, infinite_width, kernels
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
    Polynomial,
    Product,
    RationalQuadratic,
    Scaled,
    Sum,
    as_kernel,
    from_config,
)
from theodolite.numerics.errors import BadInput, ShapeMismatch


def relu_ntk(depth: int = 1, bias_std: float = 0.0) -> NTK:
    """The NTK of `depth` hidden layers."""
    return ntk(plain(Relu().standardised(), depth + 1, bias_std))


def relu_nngp(depth: int = 1, bias_std: float = 0.0) -> NNGP:
    """The NNGP of `depth` hidden layers."""
    return nngp(plain(Relu().standardised(), depth + 1, bias_std))


X = np.random.default_rng(0).standard_normal((6, 3))
Z = np.random.default_rng(1).standard_normal((4, 3))

POSITIVE = st.floats(1e-3, 1e3)
LEAVES = st.one_of(
    st.builds(RBF, POSITIVE),
    st.builds(Laplace, POSITIVE),
    st.builds(LaplaceL1, POSITIVE),
    st.builds(Matern, POSITIVE, st.sampled_from([0.5, 1.5, 2.5])),
    st.builds(RationalQuadratic, POSITIVE, POSITIVE),
    st.builds(Linear, st.floats(0, 2)),
    st.builds(Polynomial, st.integers(1, 4), st.floats(0, 2)),
    st.builds(relu_ntk, st.integers(1, 3), st.floats(0, 1)),
    st.builds(relu_nngp, st.integers(1, 3), st.floats(0, 1)),
)
TREES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.builds(lambda one, other: one + other, inner, inner),
        st.builds(lambda one, other: one * other, inner, inner),
        st.builds(lambda scale, one: scale * one, POSITIVE, inner),
    ),
    max_leaves=6,
)


@pytest.mark.exact
@settings(max_examples=40)
@given(TREES, TREES, POSITIVE)
def test_sums_products_and_multiples_are_those_of_the_matrices(one: Kernel, other: Kernel, scale: float) -> None:
    np.testing.assert_array_equal((one + other)(X, Z), one(X, Z) + other(X, Z))
    np.testing.assert_array_equal((one * other)(X, Z), one(X, Z) * other(X, Z))
    np.testing.assert_array_equal((scale * one)(X, Z), scale * one(X, Z))
    np.testing.assert_array_equal((one * scale)(X, Z), scale * one(X, Z))


@pytest.mark.exact
@settings(max_examples=40)
@given(TREES)
def test_a_tree_of_kernels_is_a_kernel(tree: Kernel) -> None:
    matrix = tree(X)
    scale = np.abs(matrix).max()
    np.testing.assert_allclose(matrix, matrix.T, atol=1e-12 * scale)
    np.testing.assert_allclose(tree.diagonal(X), matrix.diagonal(), rtol=1e-12)
    assert np.linalg.eigvalsh(matrix)[0] >= -1e-7 * scale
    np.testing.assert_allclose(tree(X, X), matrix, atol=1e-7 * scale)


@settings(max_examples=200)
@given(TREES)
def test_a_description_survives_json_and_brings_back_an_equal_kernel(tree: Kernel) -> None:
    again = from_config(json.loads(json.dumps(tree.config(), allow_nan=False)))
    assert again == tree
    assert hash(again) == hash(tree)
    assert repr(again) == repr(tree)


@settings(max_examples=200)
@given(TREES)
def test_what_is_printed_is_python_that_makes_the_same_kernel(tree: Kernel) -> None:
    """The brackets of a sum of sums or a product of products are not printed: the value is the same up to rounding."""
    again = eval(repr(tree), dict(vars(architectures)) | dict(vars(infinite_width)) | dict(vars(kernels)))  # noqa: S307
    np.testing.assert_allclose(again(X, Z), tree(X, Z), rtol=1e-12)


@pytest.mark.parametrize(
    ("kernel", "text"),
    [
        (RBF(2), "RBF(lengthscale=2.0)"),
        (RBF(1.0) + 0.5 * Linear(), "RBF(lengthscale=1.0) + 0.5 * Linear(offset=0.0)"),
        (2 * (RBF(1.0) + Laplace(1.0)), "2 * (RBF(lengthscale=1.0) + Laplace(lengthscale=1.0))"),
        (
            (RBF(1.0) + Laplace(1.0)) * Linear(),
            "(RBF(lengthscale=1.0) + Laplace(lengthscale=1.0)) * Linear(offset=0.0)",
        ),
        (1.0000001 * RBF(1.0), "1.0000001 * RBF(lengthscale=1.0)"),
        (Custom(np.dot), "Custom(dot)"),
    ],
)
def test_kernels_are_printed_as_they_are_written(kernel: Kernel, text: str) -> None:
    assert repr(kernel) == text


@given(LEAVES, LEAVES)
def test_kernels_are_equal_exactly_when_their_descriptions_are(one: Kernel, other: Kernel) -> None:
    assert (one == other) == (one.config() == other.config())
    assert (repr(one) == repr(other)) == (one == other)


def test_kernels_of_equal_fields_and_different_kind_differ() -> None:
    assert RBF(1.0) != Laplace(1.0)
    assert len({RBF(1.0), RBF(1), RBF(np.float32(1.0)), Laplace(1.0)}) == 2


@pytest.mark.parametrize("number", [np.float64(2.0), np.float32(2.0), np.int64(2), np.array(2.0), 2])
def test_numbers_of_any_type_become_plain_ones(number: float) -> None:
    for kernel in (RBF(number), Matern(number, nu=np.float64(1.5)), RationalQuadratic(2.0, number), Linear(number)):
        assert all(type(value) is float for value in dataclasses.astuple(kernel))
    assert type(Polynomial(number).degree) is int
    assert RBF(number)(X.astype(np.float32)).dtype == np.float32  # a float64 scalar would have widened it


@pytest.mark.parametrize("number", [2, 2.0, np.float64(2.0), np.float32(2.0), np.int64(2)])
def test_numbers_of_any_type_multiply_from_the_left(number: float) -> None:
    assert number * RBF(1.0) == Scaled(2.0, RBF(1.0))
    assert type((number * RBF(1.0)).scale) is float


def test_numbers_multiply_from_the_right() -> None:
    assert RBF(1.0) * 3 == 3 * RBF(1.0)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: RBF(0.0), "the lengthscale of RBF must be positive, got 0.0"),
        (lambda: Laplace(-1), "the lengthscale of Laplace must be positive, got -1"),
        (lambda: LaplaceL1(np.inf), "the lengthscale of LaplaceL1 must be positive, got inf"),
        (lambda: Matern(np.nan), "the lengthscale of Matern must be positive, got nan"),
        (lambda: Matern(1.0, nu=1.0), "nu must be 0.5, 1.5 or 2.5, got 1.0; for nu -> infinity use RBF"),
        (lambda: RationalQuadratic("2"), "the lengthscale of RationalQuadratic must be positive, got '2'"),
        (lambda: RationalQuadratic(1.0, alpha=0), "alpha of RationalQuadratic must be positive, got 0"),
        (lambda: Linear(-0.1), "the offset of Linear must be zero or positive, got -0.1"),
        (lambda: Polynomial(0), "the degree of Polynomial must be a positive integer, got 0"),
        (lambda: Polynomial(1.5), "the degree of Polynomial must be a positive integer, got 1.5"),
        (lambda: Polynomial(2, offset=np.nan), "the offset of Polynomial must be zero or positive, got nan"),
        (lambda: relu_ntk(-1), "depth, the number of weight layers, must be a positive integer, got 0"),
        (lambda: relu_nngp(2.5), "must be a positive integer, got 3.5"),
        (lambda: relu_ntk(1, bias_std=-1), "beta must be zero or positive, got -1"),
        (lambda: 0 * RBF(1.0), "the scale of a kernel must be positive, got 0"),
        (lambda: -1.0 * RBF(1.0), "the scale of a kernel must be positive, got -1"),
        (lambda: from_config({"kind": "Rbf"}), "no kernel is called 'Rbf'; known: Laplace, LaplaceL1, Linear"),
        (lambda: from_config({"kind": "Stationary"}), "no kernel is called 'Stationary'"),
        (lambda: from_config({"kind": ["RBF"]}), r"no kernel is called \['RBF'\]"),
        (lambda: from_config({}), "no kernel is called None"),
        (lambda: from_config({"kind": "Custom", "function": 1}), "no kernel is called 'Custom'"),
        (lambda: from_config({"kind": "RBF"}), "RBF cannot be made from {}"),
        (lambda: from_config({"kind": "RBF", "gamma": 1.0}), "RBF cannot be made from {'gamma': 1.0}"),
        (lambda: from_config({"kind": "RBF", "lengthscale": -1.0}), "must be positive, got -1.0"),
        (lambda: Custom(np.add).config(), "cannot be written to a file"),
        (lambda: (RBF(1.0) + Custom(np.add)).config(), "cannot be written to a file"),
        (lambda: as_kernel("rbf"), r"expected a kernel or a function \(X, Z\) -> \(n, m\), got str: 'rbf'"),
        (lambda: Custom(lambda X, Z: np.ones(3))(X), r"returned shape \(3,\) for \(6, 6\) pairs"),
    ],
)
def test_what_makes_no_kernel_is_refused_in_words(make, words: str) -> None:
    with pytest.raises(BadInput, match=words):
        make()


@pytest.mark.parametrize("other", ["RBF", None, [1.0]])
def test_kernels_do_not_combine_with_what_is_no_kernel(other: object) -> None:
    with pytest.raises(TypeError):
        RBF(1.0) + other  # type: ignore[operator]
    with pytest.raises(TypeError):
        RBF(1.0) * other  # type: ignore[operator]


def test_fields_cannot_be_changed_after_making() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        RBF(1.0).lengthscale = 2.0  # type: ignore[misc]


@pytest.mark.parametrize(
    ("points", "error", "words"),
    [
        (np.ones(3), ShapeMismatch, r"points have shape \(3,\); expected \(n, d\), d >= 1: reshape one feature"),
        (np.ones((2, 2, 2)), ShapeMismatch, "flatten images"),
        (np.ones((2, 0)), ShapeMismatch, r"\(2, 0\)"),
        (3.0, ShapeMismatch, r"shape \(\)"),
        ([["a", "b"]], BadInput, "expected real numbers"),
        (np.ones((2, 2)) * 1j, BadInput, "complex128"),
    ],
)
def test_what_are_no_points_is_refused_in_words(points: object, error: type, words: str) -> None:
    for use in (lambda: RBF(1.0)(points), lambda: RBF(1.0)(X, points), lambda: Linear().diagonal(points)):
        with pytest.raises(error, match=words):
            use()


def test_points_of_different_width_are_refused() -> None:
    with pytest.raises(ShapeMismatch, match="points have 3 and 2 columns; expected the same number"):
        RBF(1.0)(X, X[:, :2])


def test_any_function_of_two_sets_is_a_kernel() -> None:
    def product(X: np.ndarray, Z: np.ndarray) -> np.ndarray:
        return X @ Z.T

    wrapped = as_kernel(product)
    np.testing.assert_array_equal(wrapped(X, Z), product(X, Z))
    np.testing.assert_allclose(wrapped.diagonal(X), np.sum(X * X, axis=1))
    assert as_kernel(wrapped) is wrapped
    np.testing.assert_allclose((wrapped + RBF(1.0))(X), product(X, X) + RBF(1.0)(X))


def test_the_three_operations_are_the_three_classes() -> None:
    assert isinstance(RBF(1.0) + RBF(1.0), Sum)
    assert isinstance(RBF(1.0) * RBF(1.0), Product)
    assert isinstance(2.0 * RBF(1.0), Scaled)


def test_a_kernel_without_a_rule_says_so() -> None:
    with pytest.raises(NotImplementedError):
        Kernel().on(Pairs(X))
    with pytest.raises(NotImplementedError):
        Kernel().diagonal(X)
