"""How far a network is from the nearest global minimum and from the nearest saddle (upper bounds of both)."""

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
import scipy.linalg

from theodolite.numerics import memory
from theodolite.numerics.errors import BadInput, DidNotConverge, ShapeMismatch
from theodolite.training_dynamics.saddles.greedy import greedy_low_rank
from theodolite.training_dynamics.saddles.layers import Layers, as_layers, balanced_layers, norm, product
from theodolite.training_dynamics.saddles.matrix_costs import MatrixCost


class NearestMinimum(NamedTuple):
    """The distance |theta - theta_0|, the layers there, the largest |A - A*| left, and the distance to first order."""

    distance: float
    layers: Layers
    residual: float
    linearised: float


def nearest_saddle(layers: Iterable[Any]) -> float:
    """sqrt(|W_1|^2 + |W_L|^2): with the first and the last layer at zero every gradient vanishes. An upper bound.

    Source: Jacot et al. (2021), arXiv:2106.15933, the distance to the saddle at the origin.

    >>> nearest_saddle([np.full((1, 1), 3.0), np.ones((1, 1)), np.full((1, 1), 4.0)])
    5.0
    """
    found = as_layers(layers, at_least=2)
    return float(np.hypot(np.linalg.norm(found[0]), np.linalg.norm(found[-1])))


def nearest_minimum(
    layers: Iterable[Any],
    cost: MatrixCost,
    *,
    seed: int | np.random.Generator = 0,
    tolerance: float = 1e-13,
    iterations: int = 400,
    memory_limit: int | str | None = None,
) -> NearestMinimum:
    """A close global minimum: the projection of theta_0 on {theta: A_theta = A* where observed}. An upper bound.

    theta <- theta_0 + J^T (J J^T)^-1 (J (theta - theta_0) - c),  c = A_theta - A*, with a merit line search; from
    theta_0 if the linearised distance is below the norm of the smallest minimum, otherwise from theta_0 + a randomly
    rotated factorisation of that norm; then Newton steps back on to the set. J J^T is a sum of Kronecker products, so J
    itself is never made.

    Args: layers theta_0; cost with a known minimum (`full_mse`, `general_mse`, `completion`); seed, of the rotation;
        tolerance, of the restored constraint relative to the target; iterations, at most, of each start.
    Returns: a NearestMinimum. Raises: BadInput for other costs, TooLarge, DidNotConverge, ShapeMismatch.
    Source: Jacot et al. (2021), arXiv:2106.15933, theorem 1 (d_m); the algorithm is ours.
    Cost: an iteration takes O((d_in d_out)^3) and a few products of layers.

    >>> from theodolite.training_dynamics.saddles import full_mse
    >>> found = nearest_minimum([np.array([[1.0]]), np.array([[1.0]])], full_mse([[1.44]]))
    >>> round(found.distance, 9)  # both weights become 1.2
    0.282842712
    """
    start = as_layers(layers, at_least=2)
    if cost.target is None or cost.observed is None:
        raise BadInput(f"the minima of this cost ({cost.words}) are not known; expected full_mse or completion")
    if product(start).shape != cost.shape:
        raise ShapeMismatch(f"the layers make a matrix {product(start).shape}; the cost expects {cost.shape}")
    c = int(cost.observed.sum())
    memory.require(4 * 8 * c * c, memory_limit, f"{c} constraints", "hide or merge entries: d_m needs c^2 numbers")
    points = _Constraint(cost.target, cost.observed)
    linearised = norm(_minus(points.newton(start), start))
    turned = _rotated_start(start, cost, seed)
    firsts = (start, turned) if linearised < norm(_minus(turned, start)) else (turned, start)
    best = None
    for first in firsts:
        best = _projected(start, first, points, iterations, tolerance) if best is None else best
    if best is None:
        raise DidNotConverge("no minimum was reached from either start; try another seed or more iterations")
    residual = float(np.abs(points.gap(best)).max())
    return NearestMinimum(norm(_minus(best, start)), best, residual, linearised)


class _Constraint:
    """A_theta = target where observed: c(theta), and steps that solve its linearisation."""

    def __init__(self, target: np.ndarray, observed: np.ndarray) -> None:
        self.target, self.observed = target, observed
        self.scale = max(1.0, float(np.abs(target).max()))

    def gap(self, layers: Layers) -> np.ndarray:
        return (product(layers) - self.target)[self.observed]

    def least_step(self, layers: Layers, wanted: np.ndarray) -> tuple[Layers, np.ndarray]:
        """J^T x with J J^T x = wanted, and x."""
        above, below = _products(layers)
        blocks = sum(np.kron(P @ P.T, Q.T @ Q) for P, Q in zip(above, below, strict=True))
        at = np.flatnonzero(self.observed.ravel())
        gram = np.asarray(blocks)[np.ix_(at, at)]
        gram[np.diag_indices_from(gram)] += 1e-13 * np.trace(gram) / len(gram)
        x = scipy.linalg.solve(gram, wanted, assume_a="pos")
        full = np.zeros(self.target.shape)
        full[self.observed] = x
        return tuple(P.T @ full @ Q.T for P, Q in zip(above, below, strict=True)), x

    def along(self, layers: Layers, direction: Layers) -> np.ndarray:
        """J direction."""
        above, below = _products(layers)
        moved = sum(P @ D @ Q for P, D, Q in zip(above, direction, below, strict=True))
        return np.asarray(moved)[self.observed]

    def newton(self, layers: Layers) -> Layers:
        """The least step that solves the linearised constraint."""
        step, _ = self.least_step(layers, -self.gap(layers))
        return _plus(layers, step)


def _projected(start: Layers, first: Layers, points: _Constraint, iterations: int, tolerance: float) -> Layers | None:
    """Sequential quadratic programming with the merit 1/2 |theta - theta_0|^2 + mu |c|_1; None if it did not arrive."""
    now, mu = first, 0.0
    try:
        for _ in range(iterations):
            moved, gap = _minus(now, start), points.gap(now)
            back, x = points.least_step(now, points.along(now, moved) - gap)
            step = _minus(_plus(start, back), now)
            mu = max(mu, 2.0 * float(np.abs(x).max()))
            length = norm(step)
            if length <= 1e-5 * norm(now):
                break
            merit = 0.5 * norm(moved) ** 2 + mu * float(np.abs(gap).sum())
            slope = sum(float(np.vdot(a, b)) for a, b in zip(moved, step, strict=True)) - mu * float(np.abs(gap).sum())
            share = 1.0
            while share > 1e-8:
                trial = _plus(now, step, share)
                reached = 0.5 * norm(_minus(trial, start)) ** 2 + mu * float(np.abs(points.gap(trial)).sum())
                if reached <= merit + 1e-4 * share * slope:
                    break
                share /= 2.0
            else:
                break
            now = trial
        for _ in range(30):
            if np.abs(points.gap(now)).max() <= tolerance * points.scale:
                return now
            now = points.newton(now)
    except np.linalg.LinAlgError:
        return None
    return now if np.abs(points.gap(now)).max() <= 100 * tolerance * points.scale else None


def _rotated_start(start: Layers, cost: MatrixCost, seed: int | np.random.Generator) -> Layers:
    """theta_0 + a factorisation of least norm of a minimum, turned at random inside."""
    assert cost.target is not None
    assert cost.observed is not None
    whole = cost.target if cost.observed.all() else greedy_low_rank(cost).matrix
    rng = np.random.default_rng(seed)
    slim = balanced_layers(whole, len(start))
    turns = [np.linalg.qr(rng.standard_normal((len(W), slim[0].shape[0])))[0] for W in start[:-1]]
    turned = [W if i == 0 else W @ turns[i - 1].T for i, W in enumerate(slim)]
    turned = [turns[i] @ W if i < len(turns) else W for i, W in enumerate(turned)]
    return _plus(start, tuple(turned))


def _products(layers: Layers) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """For each layer, the product of those above it (d_out, w) and of those below it (w, d_in)."""
    above, below = [np.eye(len(layers[-1]))], [np.eye(layers[0].shape[1])]
    for W in layers[:0:-1]:
        above.append(above[-1] @ W)
    for W in layers[:-1]:
        below.append(W @ below[-1])
    return above[::-1], below


def _plus(layers: Layers, step: Layers, share: float = 1.0) -> Layers:
    return tuple(W + share * D for W, D in zip(layers, step, strict=True))


def _minus(layers: Layers, others: Layers) -> Layers:
    return tuple(W - V for W, V in zip(layers, others, strict=True))
