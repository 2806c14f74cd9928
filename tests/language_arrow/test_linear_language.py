"""Languages over F2: inverses against their definition, check weights against a search by hand, the ensemble's law."""

import itertools
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from theodolite.language_arrow import binary_matrices
from theodolite.language_arrow.binary_matrices import binary_inverse, flipped, sparse_invertible, uniform_invertible
from theodolite.language_arrow.linear_language import (
    LinearLanguage,
    check_weights,
    exact_losses,
    language_of,
    linear_language,
)
from theodolite.numerics.errors import BadInput, DidNotConverge, ShapeMismatch


@pytest.mark.exact
@given(st.integers(1, 12), st.floats(0.0, 1.0), st.integers(0, 10_000))
def test_an_inverse_multiplies_to_the_identity(m: int, share: float, seed: int) -> None:
    A = sparse_invertible(m, m + int(share * m * (m - 1) / 2), np.random.default_rng(seed))
    inverse = binary_inverse(A)
    assert inverse is not None
    np.testing.assert_array_equal(A.astype(int) @ inverse % 2, np.eye(m))


@pytest.mark.exact
def test_invertible_matrices_are_those_of_odd_determinant() -> None:
    for bits in itertools.product((0, 1), repeat=9):
        A = np.reshape(bits, (3, 3))
        assert (binary_inverse(A) is not None) == (round(np.linalg.det(A)) % 2 == 1)


@pytest.mark.exact
def test_strings_are_words_and_their_images() -> None:
    language = linear_language(7, 16, np.random.default_rng(0))
    strings = language.strings(50, np.random.default_rng(1))
    for string in strings:
        for j in range(7):
            assert string[7 + j] == sum(int(string[i]) for i in range(7) if language.matrix[j, i]) % 2
    assert int(language.matrix.sum()) == 16
    np.testing.assert_array_equal(language.swapped().matrix, language.inverse)
    assert exact_losses(language).mean() == pytest.approx(language.floor)


def weights_by_search(language: LinearLanguage, reading: str) -> list[int]:
    """For each determined bit the fewest revealed bits whose sum it always is, from the list of all strings."""
    m = language.bits
    words = np.array(list(itertools.product((0, 1), repeat=m)))
    strings = np.concatenate([words, words @ language.matrix.T % 2], axis=1)
    strings = strings if reading == "forward" else strings[:, ::-1]
    found = []
    for place in range(m, 2 * m):
        for size in range(1, place + 1):
            sums = (strings[:, list(chosen)].sum(1) % 2 for chosen in itertools.combinations(range(place), size))
            if any(np.array_equal(one, strings[:, place]) for one in sums):
                found.append(size)
                break
    return found


@pytest.mark.exact
@pytest.mark.parametrize("seed", range(3))
def test_check_weights_are_the_shortest_sums(seed: int) -> None:
    language = linear_language(5, 11, np.random.default_rng(seed))
    for reading in ("forward", "backward"):
        assert check_weights(language, reading).tolist() == weights_by_search(language, reading)


@pytest.mark.exact
def test_check_weights_are_at_most_the_weights_of_rows() -> None:
    language = linear_language(12, 30, np.random.default_rng(3))
    assert np.all(check_weights(language, "forward") <= language.matrix.sum(1))
    assert np.all(check_weights(language, "backward") <= language.inverse.sum(1)[::-1])
    for reading in ("forward", "backward"):
        assert np.all(check_weights(language_of(np.eye(6)), reading) == 1)


@pytest.mark.montecarlo
def test_uniform_matrices_are_uniform_and_half_full() -> None:
    rng = np.random.default_rng(4)
    counts: Counter[bytes] = Counter()
    for _ in range(3000):
        counts[uniform_invertible(2, rng).tobytes()] += 1
    assert len(counts) == 6  # GL(2, 2) has six elements
    assert max(abs(c - 500) for c in counts.values()) < 4 * np.sqrt(3000 / 6 * 5 / 6)
    full = np.array([uniform_invertible(10, rng).sum() for _ in range(400)])
    assert abs(full.mean() - 100 * 2**9 / (2**10 - 1)) < 4 * full.std() / np.sqrt(400)


@pytest.mark.exact
def test_flips_are_as_many_as_asked_and_leave_an_inverse() -> None:
    A = sparse_invertible(8, 16, np.random.default_rng(5))
    B = flipped(A, 3, np.random.default_rng(6))
    assert int((A != B).sum()) == 3
    assert binary_inverse(B) is not None


def test_what_is_no_language_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(binary_matrices, "MOST_TRIES", 50)
    with pytest.raises(BadInput, match="no inverse"):
        language_of(np.ones((2, 2)))
    with pytest.raises(BadInput, match="mod 2"):
        binary_inverse([[2, 0], [0, 1]])
    with pytest.raises(ShapeMismatch, match="expected"):
        binary_inverse(np.ones((2, 3)))
    with pytest.raises(BadInput, match="6 to 36"):
        linear_language(6, 5, np.random.default_rng(0))
    with pytest.raises(BadInput, match="24 bits"):
        check_weights(language_of(np.eye(25)), "forward")
    with pytest.raises(BadInput, match="reading"):
        check_weights(language_of(np.eye(3)), "sideways")  # type: ignore[arg-type]
    with pytest.raises(DidNotConverge, match="more flips"):
        flipped([[1]], 1, np.random.default_rng(0))
