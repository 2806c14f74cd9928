"""Powers of the cosine as spherical harmonics: a random walk on degrees, with no cancellation in any dimension.

t P_k = u_k P_(k+1) + (1 - u_k) P_(k-1) with u_k = (k + d - 2) / (2k + d - 2), P_k the Gegenbauer polynomial of R^d. So
t^n = sum_k q_n(k) P_k(t), where q_n is the law of a walk after n steps from 0 that goes up with probability u_k; and a
kernel sum_n a_n t^n with a_n >= 0 has its trace spread over the degrees as sum_n a_n q_n.
"""

from collections import deque
from dataclasses import dataclass

import numpy as np

from theodolite.numerics.gegenbauer import sphere_dimension


@dataclass(frozen=True, eq=False)
class DegreeLaw:
    """Where a power series puts its trace.

    `law` (..., degrees): sum_n a_n q_n(k); `visits` (degrees,): sum_n q_n(k), what an error common to all a_n costs;
    `beyond` (degrees,): what a unit of trace after the last term adds at most: the larger of the last two q_n(k) where
    they have begun to fall, else 1.
    """

    law: np.ndarray
    visits: np.ndarray
    beyond: np.ndarray


def degree_law(coefficients: np.ndarray, dimension: int, degrees: int) -> DegreeLaw:
    """The law of the degree of sum_n a_n t^n on the sphere of R^d, its terms up to the last one given.

    Args: coefficients a_n >= 0, (..., n); dimension d >= 2; degrees, how many, from 0 on.
    Returns: a DegreeLaw, relative error some n eps. Cost: n steps over at most n degrees.

    >>> degree_law(np.array([0.0, 0.0, 1.0]), 3, 3).law.round(12)  # t^2 = P_0 / 3 + 2 P_2 / 3
    array([0.33333333, 0.        , 0.66666667])
    """
    d, count = sphere_dimension(dimension), coefficients.shape[-1]
    k = np.arange(max(count, degrees, 2), dtype=np.float64)
    up = np.divide(k + d - 2, 2 * k + d - 2, out=np.ones_like(k), where=2 * k + d > 2)
    position, following = np.zeros_like(k), np.zeros_like(k)
    position[0] = 1.0
    law, visits = np.zeros((*coefficients.shape[:-1], degrees)), np.zeros(degrees)
    recent: deque[np.ndarray] = deque(maxlen=4)
    for n in range(count):
        here = position[:degrees].copy()
        recent.append(here)
        law += coefficients[..., n, None] * here
        visits += here
        if n < count - 1:
            reach = n + 2
            following[1:reach] = position[: reach - 1] * up[: reach - 1]
            following[0] = 0.0
            following[: reach - 1] += position[1:reach] * (1 - up[1:reach])
            position, following = following, position
    return DegreeLaw(law, visits, _beyond(list(recent), degrees))


def _beyond(recent: list[np.ndarray], degrees: int) -> np.ndarray:
    """The walk visits a degree every second step: the last two steps against the two before them."""
    if len(recent) < 4:
        return np.ones(degrees)
    before, now = np.maximum(recent[0], recent[1]), np.maximum(recent[2], recent[3])
    return np.where(now < before, now, 1.0)
