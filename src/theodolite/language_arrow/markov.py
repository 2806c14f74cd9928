"""Markov chains, whose entropy forwards and backwards is known exactly and always agrees."""

from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float, Int

from theodolite.numerics.checks import finite, positive, positive_integer
from theodolite.numerics.errors import BadInput, DidNotConverge, ShapeMismatch


class EntropyRates(NamedTuple):
    """Conditional entropies of one step, in nats: of the next state given this one, of the last given this one."""

    forward: float
    backward: float


def stationary_law(transition: Any) -> Float[np.ndarray, " v"]:
    """The law pi with pi P = pi, of a chain that has only one.

    Args: transition (v, v), rows that add up to 1.
    Raises: BadInput for rows that are no laws, DidNotConverge where several laws are stationary.
    Cost: one dense solve, O(v^3).

    >>> stationary_law([[0.5, 0.5], [0.25, 0.75]]).round(12).tolist()
    [0.333333333333, 0.666666666667]
    """
    P = _transition(transition)
    v = len(P)
    system = np.vstack([P.T - np.eye(v), np.ones(v)])
    if np.linalg.matrix_rank(system, tol=1e-10) < v:
        raise DidNotConverge("the chain has several stationary laws; give one whose states all reach each other")
    law = np.linalg.lstsq(system, np.append(np.zeros(v), 1.0), rcond=None)[0]
    law = np.maximum(law, 0.0)
    return law / law.sum()


def reversed_chain(transition: Any) -> Float[np.ndarray, "v v"]:
    """The chain read backwards: Q_ji = pi_i P_ij / pi_j.

    Raises: BadInput where a state has stationary weight zero, for then nothing precedes it.

    >>> P = [[0.0, 1.0, 0.0], [0.0, 0.0, 1.0], [1.0, 0.0, 0.0]]
    >>> reversed_chain(P).round(12).tolist()
    [[0.0, 0.0, 1.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]
    """
    P = _transition(transition)
    law = stationary_law(P)
    if law.min() <= 0:
        raise BadInput(f"state {int(law.argmin())} is never visited in the long run; leave it out of the chain")
    return (law[:, None] * P).T / law[:, None]


def entropy_rates(transition: Any) -> EntropyRates:
    """Exact loss per symbol of an ideal model in either direction: H(X_2 | X_1) and H(X_1 | X_2), in nats.

    - sum_ij pi_i P_ij log P_ij  and  - sum_ij pi_j Q_ji log Q_ji,   equal for every chain

    Source: Papadopoulos, Wenger and Hongler (2024), arXiv:2401.17505, the chain rule read both ways.

    >>> rates = entropy_rates(random_chain(5, 0.5, np.random.default_rng(0)))
    >>> round(rates.forward, 9), abs(rates.forward - rates.backward) < 1e-12
    (1.252966887, True)
    """
    P = _transition(transition)
    return EntropyRates(cross_entropy(P, P), cross_entropy(reversed_chain(P), reversed_chain(P)))


def cross_entropy(transition: Any, model: Any) -> float:
    """Loss per symbol, in nats, of a model that predicts with transition probabilities M: - sum_ij pi_i P_ij log M_ij.

    For the backward loss give `reversed_chain(P)` and a backward model. Infinite where the model excludes what happens.

    >>> round(cross_entropy([[0.5, 0.5], [0.5, 0.5]], [[0.9, 0.1], [0.5, 0.5]]), 6)
    0.94856
    """
    P, M = _transition(transition), _transition(model)
    if P.shape != M.shape:
        raise ShapeMismatch(f"chain and model have {len(P)} and {len(M)} states; expected as many")
    weight = stationary_law(P)[:, None] * P
    happens = weight > 0
    with np.errstate(divide="ignore"):
        return float(-np.sum(weight[happens] * np.log(M[happens])))


def entropy_production(transition: Any) -> float:
    """How irreversible a chain is, in nats per step: sum_ij pi_i P_ij log(pi_i P_ij / (pi_j P_ji)).

    Zero for reversible chains only, infinite where a step has no way back. Not a difference of losses: those agree for
    every chain (`entropy_rates`).

    Source: Schnakenberg (1976), Reviews of Modern Physics 48.

    >>> round(entropy_production(random_chain(5, 0.5, np.random.default_rng(0))), 4)
    0.6474
    """
    P = _transition(transition)
    flow = stationary_law(P)[:, None] * P
    happens = flow > 0
    with np.errstate(divide="ignore"):
        return float(np.sum(flow[happens] * (np.log(flow[happens]) - np.log(flow.T[happens]))))


def random_chain(states: int, concentration: float, rng: np.random.Generator) -> Float[np.ndarray, "v v"]:
    """Rows drawn from a symmetric Dirichlet law: small concentration, sharp predictions.

    >>> bool(np.allclose(random_chain(4, 0.5, np.random.default_rng(0)).sum(axis=1), 1))
    True
    """
    v = positive_integer(states, "states")
    return rng.dirichlet(np.full(v, positive(concentration, "concentration")), size=v)


def reversible_chain(states: int, concentration: float, rng: np.random.Generator) -> Float[np.ndarray, "v v"]:
    """A random walk on symmetric random weights, P_ij = w_ij / sum_k w_ik: its flow pi_i P_ij is symmetric.

    Weights are Gamma(concentration). Text drawn from it has the same law forwards and backwards.

    >>> P = reversible_chain(4, 0.5, np.random.default_rng(0))
    >>> bool(np.allclose(reversed_chain(P), P))
    True
    """
    v = positive_integer(states, "states")
    weights = rng.gamma(positive(concentration, "concentration"), size=(v, v))
    weights = weights + weights.T + 1e-3  # every step stays possible, so that there is one stationary law
    return weights / weights.sum(1, keepdims=True)


def sample_chain(transition: Any, length: int, count: int, rng: np.random.Generator) -> Int[np.ndarray, "count length"]:
    """Independent texts of a chain started in its stationary law, as states 0 .. v - 1.

    Cost: `length` vectorised steps over `count` texts.

    >>> sample_chain([[0.0, 1.0], [1.0, 0.0]], 4, 1, np.random.default_rng(0))[0].tolist() in ([0, 1] * 2, [1, 0] * 2)
    True
    """
    P = _transition(transition)
    steps = np.cumsum(P, axis=1)
    texts = np.empty((positive_integer(count, "count"), positive_integer(length, "length")), dtype=np.int64)
    start = np.cumsum(stationary_law(P))
    texts[:, 0] = np.minimum(np.searchsorted(start, rng.random(count), side="right"), len(P) - 1)
    for t in range(1, length):
        draws = rng.random(count)[:, None]
        texts[:, t] = np.minimum((draws >= steps[texts[:, t - 1]]).sum(1), len(P) - 1)
    return texts


def _transition(transition: Any) -> np.ndarray:
    P = finite(np.asarray(transition, dtype=np.float64), "transition")
    if P.ndim != 2 or P.shape[0] != P.shape[1] or not len(P):
        raise ShapeMismatch(f"transition has shape {P.shape}; expected (v, v), one row a state")
    if P.min() < 0 or np.abs(P.sum(1) - 1).max() > 1e-9:
        raise BadInput(
            "rows of a transition matrix are laws: no negative entries, and they add up to 1; divide by sums"
        )
    return P
