"""Exact solutions of the flow, to hold numbers against."""

from typing import Any

import numpy as np

from theodolite.numerics.checks import finite, positive
from theodolite.numerics.errors import BadInput, ShapeMismatch
from theodolite.training_dynamics.saddles.layers import as_layers, imbalance


def scalar_mode(singular_value: float, start: float, times: Any) -> np.ndarray:
    """One balanced mode of two layers on the full squared cost: a(t) = s e^(2st) / (e^(2st) - 1 + s / a_0).

    The solution of da/dt = 2 a (s - a); for depth L the rate is da/dt = L a^(2-2/L) (s - a).

    Args: singular_value s > 0; start a_0 > 0; times (m,). Returns: (m,).
    Source: Saxe, McClelland and Ganguli (2014), arXiv:1312.6120.

    >>> scalar_mode(2.0, 0.5, [0.0, 100.0])
    array([0.5, 2. ])
    """
    s, a = positive(singular_value, "singular_value"), positive(start, "start")
    decay = np.exp(-2.0 * s * np.asarray(times, dtype=np.float64))
    return s / (1.0 + (s / a - 1.0) * decay)


def scalar_mode_rate(singular_value: float, mode: Any, depth: int) -> np.ndarray:
    """da/dt = L a^(2-2/L) (s - a) of one balanced mode of L layers on the full squared cost.

    Source: Saxe, McClelland and Ganguli (2014), arXiv:1312.6120.

    >>> scalar_mode_rate(2.0, [1.0], 3)
    array([3.])
    """
    a = np.asarray(mode, dtype=np.float64)
    return depth * a ** (2.0 - 2.0 / depth) * (singular_value - a)


def balanced_two_layers(layers: Any, target: Any, time: float) -> np.ndarray:
    """A(t) of two balanced layers on the full squared cost, in closed form (a matrix Riccati equation).

    Q = [W_1^T; W_2], F = [[0, A*^T], [A*, 0]]:  Q Q^T(t) = e^(Ft) Q_0 M^-1 Q_0^T e^(Ft) with
    M = 1 + Q_0^T int_0^t e^(2Fs) ds Q_0,
    and A(t) is its lower left block.

    Args: layers W_1, W_2 with W_1 W_1^T = W_2^T W_2; target A* (d_out, d_in); time >= 0, while s_1 time < 300.
    Returns: (d_out, d_in). Raises: BadInput for layers that are not balanced, ShapeMismatch.
    Source: Fukumizu (1998), ICONIP; Braun et al. (2022), NeurIPS. Cost: O((d_in + d_out)^3).

    >>> W = [np.array([[0.5**0.5]]), np.array([[0.5**0.5]])]
    >>> bool(abs(balanced_two_layers(W, [[2.0]], 0.3)[0, 0] - scalar_mode(2.0, 0.5, [0.3])[0]) < 1e-14)
    True
    """
    W = as_layers(layers, at_least=2)
    goal = finite(np.asarray(target, dtype=np.float64), "target")
    if len(W) != 2 or goal.shape != (W[1].shape[0], W[0].shape[1]):
        raise ShapeMismatch(f"got {len(W)} layers and a target {goal.shape}; expected two layers that make that shape")
    D = imbalance(W)[0]
    if np.abs(D).max() > 1e-9 * max(np.abs(W[0] @ W[0].T).max(), np.finfo(float).tiny):
        raise BadInput("the layers are not balanced; expected W_1 W_1^T = W_2^T W_2, as `balanced_layers` makes them")
    d_out, d_in = goal.shape
    F = np.block([[np.zeros((d_in, d_in)), goal.T], [goal, np.zeros((d_out, d_out))]])
    values, B = np.linalg.eigh(F)
    Q = B.T @ np.vstack([W[0].T, W[1]])
    small = np.abs(values) < 1e-12 * max(np.abs(values).max(), np.finfo(float).tiny)
    safe = np.where(small, 1.0, values)
    grown = np.where(small, float(time), np.expm1(2.0 * values * time) / (2.0 * safe))
    inner = np.eye(Q.shape[1]) + Q.T @ (grown[:, None] * Q)
    moved = np.exp(values * time)[:, None] * Q
    both = B @ (moved @ np.linalg.solve(inner, moved.T)) @ B.T
    return both[d_in:, :d_in]
