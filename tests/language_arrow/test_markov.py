"""Chains in both directions: entropies by listing every text, the reversed chain by counting a sample."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from theodolite.language_arrow.markov import (
    cross_entropy,
    entropy_production,
    entropy_rates,
    random_chain,
    reversed_chain,
    reversible_chain,
    sample_chain,
    stationary_law,
)
from theodolite.numerics.errors import BadInput, DidNotConverge, ShapeMismatch


def text_law(P: np.ndarray, length: int) -> np.ndarray:
    """Probability of every text of a length, (v,) * length."""
    pi = np.linalg.matrix_power(P, 4096)[0]
    law = np.empty((len(P),) * length)
    for text in itertools.product(range(len(P)), repeat=length):
        law[text] = pi[text[0]] * np.prod([P[a, b] for a, b in itertools.pairwise(text)])
    return law


def entropy(law: np.ndarray) -> float:
    p = law[law > 0]
    return float(-np.sum(p * np.log(p)))


@pytest.mark.exact
def test_entropy_rates_are_differences_of_entropies_of_all_texts() -> None:
    P = random_chain(4, 0.5, np.random.default_rng(1))
    rates = entropy_rates(P)
    three = text_law(P, 3)
    assert rates.forward == pytest.approx(entropy(three) - entropy(three.sum(2)), abs=1e-12)
    assert rates.backward == pytest.approx(entropy(three) - entropy(three.sum(0)), abs=1e-12)


@pytest.mark.oracle
def test_the_reference_chain() -> None:
    P = random_chain(5, 0.5, np.random.default_rng(0))
    assert entropy_rates(P).forward == pytest.approx(1.2529668874357525, abs=1e-12)
    assert entropy_production(P) == pytest.approx(0.6474, abs=5e-5)


@pytest.mark.exact
@given(st.integers(2, 6), st.integers(0, 1000))
def test_directions_agree_and_reversing_twice_gives_the_chain_back(states: int, seed: int) -> None:
    P = random_chain(states, 1.0, np.random.default_rng(seed))
    rates = entropy_rates(P)
    assert rates.forward == pytest.approx(rates.backward, abs=1e-11)
    np.testing.assert_allclose(reversed_chain(reversed_chain(P)), P, atol=1e-9)


@pytest.mark.exact
def test_only_reversible_chains_produce_no_entropy() -> None:
    P = reversible_chain(5, 0.3, np.random.default_rng(2))
    flow = stationary_law(P)[:, None] * P
    np.testing.assert_allclose(flow, flow.T, atol=1e-14)
    assert abs(entropy_production(P)) < 1e-13
    assert entropy_production([[0.0, 1, 0], [0, 0, 1], [1, 0, 0]]) == np.inf


@pytest.mark.exact
def test_a_wrong_model_costs_the_divergence_more() -> None:
    rng = np.random.default_rng(3)
    P, M = random_chain(4, 1.0, rng), random_chain(4, 1.0, rng)
    pi = np.linalg.matrix_power(P, 4096)[0]
    divergence = sum(pi[i] * P[i, j] * np.log(P[i, j] / M[i, j]) for i in range(4) for j in range(4))
    assert cross_entropy(P, M) - cross_entropy(P, P) == pytest.approx(divergence, abs=1e-12)
    assert cross_entropy(P, np.eye(4)) == np.inf


@pytest.mark.montecarlo
def test_samples_follow_the_chain_in_both_directions() -> None:
    P = random_chain(3, 1.0, np.random.default_rng(4))
    texts = sample_chain(P, 3, 20_000, np.random.default_rng(5))
    for one, other, M in ((1, 2, P), (1, 0, reversed_chain(P))):
        for i in range(3):
            rows = texts[texts[:, one] == i, other]
            share = np.bincount(rows, minlength=3) / len(rows)
            assert np.all(np.abs(share - M[i]) < 4 * np.sqrt(M[i] * (1 - M[i]) / len(rows)) + 1e-12)


def test_what_is_no_chain_is_refused() -> None:
    with pytest.raises(BadInput, match="add up to 1"):
        stationary_law([[0.5, 0.4], [0.5, 0.5]])
    with pytest.raises(ShapeMismatch, match="expected"):
        stationary_law([[0.5, 0.5]])
    with pytest.raises(DidNotConverge, match="several"):
        stationary_law(np.eye(2))
    with pytest.raises(BadInput, match="state 0 is never visited"):
        reversed_chain([[0.0, 1.0], [0.0, 1.0]])
    with pytest.raises(ShapeMismatch, match="as many"):
        cross_entropy(np.full((2, 2), 0.5), np.full((3, 3), 1 / 3))
