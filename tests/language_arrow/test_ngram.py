"""The n-gram: normalised, equal to counting by hand, blind to the future."""

from collections import defaultdict

import numpy as np
import pytest

from theodolite.language_arrow import NGram
from theodolite.numerics.errors import BadInput, TooLarge

random = np.random.default_rng(5)
DOCUMENTS = [random.integers(0, 4, size=n).astype(np.int32) for n in (30, 1, 47, 12)]


def by_hand(documents: list, vocabulary: int, order: int, context: tuple, word: int) -> float:
    """The recursion of Witten and Bell with dictionaries."""
    probability = 1 / vocabulary
    for length in range(order):
        c = context[len(context) - length :]
        counts: dict = defaultdict(int)
        for one in documents:
            padded = [vocabulary] * (order - 1) + list(one)
            for place in range(order - 1, len(padded)):
                if tuple(padded[place - length : place]) == c:
                    counts[padded[place]] += 1
        if not counts:
            break
        total, kinds = sum(counts.values()), len(counts)
        probability = (counts[word] + kinds * probability) / (total + kinds)
    return probability


@pytest.mark.parametrize("order", [1, 2, 4])
def test_losses_are_those_of_counting_by_hand(order: int) -> None:
    tested = [random.integers(0, 5, size=14) for _ in range(3)]  # 4 never occurs in training
    found = NGram(DOCUMENTS, 5, order).losses(tested)
    for one, losses in zip(tested, found, strict=True):
        padded = (5,) * (order - 1) + tuple(int(token) for token in one)
        expected = [
            -np.log(by_hand(DOCUMENTS, 5, order, padded[place : place + order - 1], padded[place + order - 1]))
            for place in range(len(one))
        ]
        np.testing.assert_allclose(losses, expected, rtol=1e-12)


def test_probabilities_of_a_hundred_contexts_sum_to_one() -> None:
    counted = NGram(DOCUMENTS, 4, 4)
    for _ in range(100):
        context = random.integers(0, 4, size=random.integers(0, 6))
        last = [one[-1] for one in counted.losses([np.append(context, word) for word in range(4)])]
        assert np.exp(-np.array(last)).sum() == pytest.approx(1, abs=1e-12)


def test_a_later_token_changes_no_earlier_loss() -> None:
    counted = NGram(DOCUMENTS, 4, 4)
    one = DOCUMENTS[0].copy()
    other = one.copy()
    other[20] = (other[20] + 1) % 4
    before, after = counted.losses([one])[0], counted.losses([other])[0]
    assert np.array_equal(before[:20], after[:20])
    assert before[20] != after[20]


def test_what_cannot_be_counted_is_refused() -> None:
    with pytest.raises(BadInput, match="order of an n-gram"):
        NGram(DOCUMENTS, 4, 0)
    with pytest.raises(BadInput, match="token ids run from 0 to 2"):
        NGram([np.array([0, 5])], 3, 2)
    with pytest.raises(TooLarge):
        NGram(DOCUMENTS, 4, 4, memory_limit="1kB")
