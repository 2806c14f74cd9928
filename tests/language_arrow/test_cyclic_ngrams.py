"""Counted n-grams on a circle, against dictionaries and against what an open text does."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from theodolite.language_arrow.cyclic_ngrams import cyclic_block_entropy, cyclic_losses
from theodolite.numerics.errors import BadInput


def by_dictionary(text: str, n: int) -> float:
    """The forward loss with a dictionary of slices of the doubled text."""
    round_twice = text + text
    blocks = Counter(round_twice[i : i + n] for i in range(len(text)))
    contexts = Counter(round_twice[i : i + n - 1] for i in range(len(text)))
    return -sum(c * np.log(c / contexts[block[:-1]]) for block, c in blocks.items()) / len(text)


@pytest.mark.exact
@given(st.text("abcd", min_size=6, max_size=60), st.integers(1, 6))
def test_directions_agree_exactly(text: str, n: int) -> None:
    forward, backward = cyclic_losses(text, n)
    assert forward == pytest.approx(backward, abs=1e-12)
    assert forward == pytest.approx(by_dictionary(text, n), abs=1e-12)
    assert backward == pytest.approx(by_dictionary(text[::-1], n), abs=1e-12)
    assert forward == pytest.approx(cyclic_block_entropy(text, n) - cyclic_block_entropy(text, n - 1), abs=1e-12)


def test_strings_and_symbols_are_one_and_bad_text_is_refused() -> None:
    assert cyclic_losses("abca", 2) == cyclic_losses([0, 1, 2, 0], 2)
    with pytest.raises(BadInput, match="up to its length"):
        cyclic_losses("ab", 3)
    with pytest.raises(BadInput, match="not empty"):
        cyclic_losses("", 1)
