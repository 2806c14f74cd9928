"""What comes through the door is a float64 host array; what does not is named, with what was expected."""

import jax.numpy as jnp
import numpy as np
import pandas as pd
import pytest

from theodolite.numerics import (
    BadInput,
    DidNotConverge,
    NotFinite,
    NotPositiveDefinite,
    ShapeMismatch,
    TooLarge,
    checks,
)

GRAM = np.array([[2.0, 1.0], [1.0, 2.0]])


def test_a_sound_gram_matrix_passes_without_a_copy() -> None:
    assert checks.symmetric_gram(GRAM) is GRAM


@pytest.mark.parametrize(
    "gram",
    [GRAM.tolist(), GRAM.astype(np.float32), GRAM.astype(int), GRAM > 1.5, pd.DataFrame(GRAM), jnp.asarray(GRAM)],
    ids=["list", "float32", "int", "bool", "frame", "jax"],
)
def test_gram_matrices_of_any_kind_become_float64(gram: object) -> None:
    array = checks.symmetric_gram(gram)
    assert type(array) is np.ndarray
    assert array.dtype == np.float64
    np.testing.assert_array_equal(array, np.asarray(gram, dtype=float))


@pytest.mark.parametrize(
    ("gram", "error", "words"),
    [
        (np.ones((2, 3)), ShapeMismatch, r"gram has shape \(2, 3\); expected \(n, n\) with n >= 2"),
        (np.ones(4), ShapeMismatch, r"\(4,\)"),
        (np.ones((1, 1)), ShapeMismatch, "n >= 2"),
        (3.0, ShapeMismatch, r"shape \(\)"),
        ([[1.0, np.nan], [np.nan, 1.0]], NotFinite, r"gram holds nan at \(0, 1\)"),
        ([[1.0, np.inf], [np.inf, 1.0]], NotFinite, "holds inf"),
        ([[1.0, 0.1], [0.2, 1.0]], ShapeMismatch, "not symmetric; expected K\\(X, X\\) of one set"),
        (GRAM * (1 + 1j), BadInput, "complex128; expected real numbers"),
        (GRAM.astype(str), BadInput, "expected real numbers"),
    ],
)
def test_what_is_no_gram_matrix_is_refused_in_words(gram: object, error: type, words: str) -> None:
    with pytest.raises(error, match=words):
        checks.symmetric_gram(gram)


@pytest.mark.parametrize(("dtype", "allowed"), [(np.float64, 1e-8), (np.float32, 3e-4)])
def test_symmetry_is_judged_by_the_precision_of_the_matrix(dtype: type, allowed: float) -> None:
    nearly = np.array([[1.0, 0.5 * (1 - allowed)], [0.5, 1.0]], dtype=dtype)
    checks.symmetric_gram(nearly)
    with pytest.raises(ShapeMismatch, match="not symmetric"):
        checks.symmetric_gram(np.array([[1.0, 0.5 * (1 - 10 * allowed)], [0.5, 1.0]], dtype=dtype))


def test_a_gram_matrix_of_zeros_is_symmetric() -> None:
    assert not checks.symmetric_gram(np.zeros((2, 2))).any()


@pytest.mark.parametrize("dtype", [float, np.float32, int, bool, np.uint8])
def test_targets_become_float64_columns(dtype: type) -> None:
    one = checks.target_columns(np.array([0, 1, 1], dtype=dtype), 3)
    two = checks.target_columns(np.array([[0, 1], [1, 1], [1, 0]], dtype=dtype), 3)
    assert (one.shape, two.shape) == ((3, 1), (3, 2))
    assert one.dtype == two.dtype == np.float64


def test_targets_are_copied() -> None:
    y = np.ones(3)
    checks.target_columns(y, 3)[0] = 7.0
    assert y[0] == 1.0


@pytest.mark.parametrize(
    ("targets", "error", "words"),
    [
        (np.ones(4), ShapeMismatch, r"targets have shape \(4,\); expected \(3,\) or \(3, k\)"),
        (np.ones((3, 0)), ShapeMismatch, r"\(3, 0\)"),
        (np.ones((3, 1, 1)), ShapeMismatch, r"\(3, 1, 1\)"),
        (1.0, ShapeMismatch, r"shape \(\)"),
        (["a", "b", "a"], BadInput, r"encode classes as \+-1 or one-hot"),
        ([1.0, 2j, 0.0], BadInput, "complex128"),
        ([1.0, np.nan, 0.0], NotFinite, r"targets holds nan at 1"),
        ([[1.0, 0.0], [0.0, 0.0], [0.0, -np.inf]], NotFinite, r"-inf at \(2, 1\)"),
    ],
)
def test_what_are_no_targets_is_refused_in_words(targets: object, error: type, words: str) -> None:
    with pytest.raises(error, match=words):
        checks.target_columns(targets, 3)


@pytest.mark.parametrize("value", [0, -1.0, np.nan, np.inf, "1", None, [1.0], 1j])
def test_only_finite_numbers_above_zero_are_positive(value: object) -> None:
    with pytest.raises(BadInput, match=r"the size must be positive, got .*; use another"):
        checks.positive(value, "the size", "use another")


@pytest.mark.parametrize("value", [-1e-300, np.nan, np.inf, "1", None, [1.0], 1j])
def test_only_finite_numbers_from_zero_are_zero_or_positive(value: object) -> None:
    with pytest.raises(BadInput, match="the size must be zero or positive, got"):
        checks.zero_or_positive(value, "the size")


@pytest.mark.parametrize("value", [0, -3, 1.5, np.nan, np.inf, "1", None, [1], 1j])
def test_only_whole_numbers_above_zero_are_positive_integers(value: object) -> None:
    with pytest.raises(BadInput, match="the size must be a positive integer, got"):
        checks.positive_integer(value, "the size")


@pytest.mark.parametrize("value", [3, 3.0, np.int8(3), np.float32(3), np.array(3), jnp.asarray(3)])
def test_numbers_of_every_type_become_plain_ones(value: float) -> None:
    assert [type(f(value, "it")) for f in (checks.positive, checks.zero_or_positive)] == [float, float]
    assert type(checks.positive_integer(value, "it")) is int
    assert checks.positive(value, "it") == checks.zero_or_positive(value, "it") == checks.positive_integer(value, "it")


def test_zero_is_zero_or_positive() -> None:
    assert checks.zero_or_positive(0, "it") == 0.0


def test_one_ridge_or_several_become_a_vector() -> None:
    np.testing.assert_array_equal(checks.ridges_array(2), [2.0])
    np.testing.assert_array_equal(checks.ridges_array([1e-3, 1]), [1e-3, 1.0])


@pytest.mark.parametrize(
    ("ridge", "error", "words"),
    [
        (0.0, BadInput, "ridge must be positive, got 0.0; ridge is lambda in gram / n"),
        ([1.0, -2.0], BadInput, "got -2"),
        (np.nan, BadInput, "got nan"),
        ([np.inf], BadInput, "got inf"),
        ([[1.0]], ShapeMismatch, r"ridge has shape \(1, 1\)"),
    ],
)
def test_what_is_no_ridge_is_refused_in_words(ridge: object, error: type, words: str) -> None:
    with pytest.raises(error, match=words):
        checks.ridges_array(ridge)


@pytest.mark.contract
@pytest.mark.parametrize(
    ("error", "base"),
    [
        (BadInput, ValueError),
        (ShapeMismatch, ValueError),
        (NotFinite, ValueError),
        (NotPositiveDefinite, ValueError),
        (DidNotConverge, RuntimeError),
        (TooLarge, RuntimeError),
    ],
)
def test_each_named_error_can_be_caught_alone_or_by_its_python_kind(error: type[Exception], base: type) -> None:
    named = {BadInput, ShapeMismatch, NotFinite, NotPositiveDefinite, DidNotConverge, TooLarge}
    assert issubclass(error, base)
    assert not any(issubclass(error, other) for other in named - {error})
    assert str(error("what came")) == "what came"
    assert error.__doc__
