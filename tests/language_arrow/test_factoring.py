"""Two primes and their product: the table against trial division, its losses against a search among all strings."""

import numpy as np
import pytest

from theodolite.language_arrow.factoring import exact_digit_losses, factoring_language
from theodolite.numerics.errors import BadInput, TooLarge


@pytest.mark.exact
@pytest.mark.parametrize(("limit", "base"), [(30, 10), (64, 2), (101, 10)])
def test_the_table_holds_every_pair_once_as_written(limit: int, base: int) -> None:
    language = factoring_language(limit, base)
    primes = [k for k in range(2, limit) if all(k % d for d in range(2, k))]
    expected = {(p, q) for p in primes for q in primes if p < q}
    assert {tuple(pair) for pair in language.pairs.tolist()} == expected
    assert len(language.pairs) == len(expected)
    n = language.digits
    weights = base ** np.arange(2 * n)
    for (p, q), string in zip(language.pairs, language.strings, strict=True):
        assert string[:n] @ weights[:n] == p
        assert string[n : 2 * n] @ weights[:n] == q
        assert string[2 * n :] @ weights == p * q
    assert len(language.names) == 4 * n


@pytest.mark.exact
def test_exact_losses_of_digits_add_up_alike_and_are_those_of_a_search() -> None:
    language = factoring_language(40)
    for strings in (language.strings, language.strings[:, ::-1]):
        losses = exact_digit_losses(strings)
        assert losses.sum() == pytest.approx(language.floor, abs=1e-12)
        searched = np.zeros(strings.shape[1])
        for string in strings:
            alike = strings
            for k, digit in enumerate(string):
                agreeing = alike[alike[:, k] == digit]
                searched[k] -= np.log(len(agreeing) / len(alike)) / len(strings)
                alike = agreeing
        np.testing.assert_allclose(losses, searched, atol=1e-12)
    forward = exact_digit_losses(language.strings)
    np.testing.assert_allclose(forward[2 * language.digits :], 0.0, atol=1e-12)  # the product is determined


def test_what_has_no_pairs_or_no_room_is_refused() -> None:
    with pytest.raises(BadInput, match="no pair"):
        factoring_language(3)
    with pytest.raises(BadInput, match="base"):
        factoring_language(10, 1)
    with pytest.raises(TooLarge, match="smaller limit"):
        factoring_language(4_000_000)
    with pytest.raises(BadInput, match="twice"):
        exact_digit_losses(np.zeros((2, 3), dtype=int))
