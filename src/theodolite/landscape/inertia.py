"""How many directions go down, stay level and go up at a critical point, and what a doubled neuron adds to them."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from theodolite.landscape.squared_cost import SquaredCost
from theodolite.landscape.widen import split_neuron
from theodolite.numerics.checks import symmetric_gram
from theodolite.numerics.errors import BadInput


class Inertia(NamedTuple):
    """Numbers of negative, zero and positive eigenvalues."""

    negative: int
    zero: int
    positive: int


def inertia(matrix: Any, *, tolerance: float = 1e-9) -> Inertia:
    """The inertia of a symmetric matrix; eigenvalues within `tolerance` of the largest in size count as zero.

    Cost: one symmetric eigendecomposition without vectors.

    >>> inertia(np.diag([-1.0, 0.0, 2.0, 3.0]))
    Inertia(negative=1, zero=1, positive=2)
    """
    array = np.asarray(matrix, dtype=np.float64)
    if array.size == 0:
        return Inertia(0, 0, 0)
    values = array.ravel() if array.shape == (1, 1) else np.linalg.eigvalsh(symmetric_gram(array))
    small = tolerance * np.abs(values).max()
    return Inertia(int(np.sum(values < -small)), int(np.sum(np.abs(values) <= small)), int(np.sum(values > small)))


def duplication_curvature(cost: SquaredCost, theta: np.ndarray, neuron: int) -> np.ndarray:
    """The matrix that decides what a copy of a neuron does to the curvature, (d, d): U.

    U = 1/N sum_n (r_n . a_i) sigma''(w_i . x_n) x_n x_n^T, with r_n the residual

    Source: Fukumizu and Amari (2000); Simsek et al. (2021), arXiv:2105.12221.

    >>> from theodolite.landscape import squared_cost
    >>> cost = squared_cost([[1.0]], [1.0], "softplus")  # sigma'' = 1/4 at 0, the residual log 2 - 1
    >>> duplication_curvature(cost, np.array([0.0, 1.0]), 0).round(6).tolist()
    [[-0.076713]]
    """
    w, a = cost.parts(theta)
    before = cost.X @ w[neuron]
    weights = (cost.residuals(theta) @ a[:, neuron]) * cost.activation.bend(before) / len(cost.X)
    return (cost.X * weights[:, None]).T @ cost.X


def duplication_block(cost: SquaredCost, theta: np.ndarray, neuron: int, shares: Sequence[float]) -> np.ndarray:
    """The part of the wide Hessian in which k copies of a neuron differ, ((k - 1)(d + o), (k - 1)(d + o)).

    With dw_t = u + v_t, sum_t beta_t v_t = 0, and da_t = beta_t s + e_t, sum_t e_t = 0, the second variation at a
    critical point falls apart: (u, s) see the Hessian of the narrow network, and the rest sees

    sum_t beta_t v_t' U v_t + 2 sum_t v_t' C e_t,   C = 1/N sum_n sigma'(w . x_n) x_n r_n'

    With one output C vanishes at a critical point (with a_i not 0), and what is left are the copies of the quadratic
    form U with weights beta and k - 1 zeros for each output.

    Args: shares, the beta_t, which add up to 1. Returns: a symmetric matrix in an orthonormal basis of (v, e).
    Source: derived for this package; for one output Fukumizu and Amari (2000), Simsek et al. (2021).

    >>> from theodolite.landscape import squared_cost
    >>> cost = squared_cost([[1.0], [2.0]], [1.0, -1.0], "softplus")
    >>> duplication_block(cost, np.array([0.3, 0.5]), 0, (0.5, 0.5)).shape  # (2 - 1) (1 + 1)
    (2, 2)
    """
    beta = np.asarray(shares, dtype=np.float64)
    w, _ = cost.parts(theta)
    before = cost.X @ w[neuron]
    residuals = cost.residuals(theta) / len(cost.X)
    mixed = (cost.X * cost.activation.slope(before)[:, None]).T @ residuals
    curved = duplication_curvature(cost, theta, neuron)
    of_v, of_e = _complement(beta), _complement(np.ones(len(beta)))
    top = np.kron(of_v.T @ np.diag(beta) @ of_v, curved)
    side = np.kron(of_v.T @ of_e, mixed)
    corner = np.zeros((side.shape[1], side.shape[1]))
    return np.block([[top, side], [side.T, corner]])


def duplication_inertia(
    cost: SquaredCost, theta: np.ndarray, neuron: int, shares: Sequence[float], *, tolerance: float = 1e-9
) -> Inertia:
    """The inertia of the Hessian after copying a neuron of a critical point, from the narrow network alone.

    inertia(H_wide) = inertia(H_narrow) + inertia(block),  one output: + inertia(beta (1 - beta) U) + (0, 1, 0) for two

    U indefinite makes a strict saddle of every split but 0 and 1; U definite at a minimum makes degenerate local minima
    of one part of the line: beta in (0, 1) if U is positive, outside if it is negative.

    Args: cost; theta, a critical point; neuron; shares, of the outgoing weights of its copies, adding up to 1;
        tolerance as in `inertia`, each matrix for itself. Raises: BadInput when the gradient at theta is not small.
    Source: Simsek et al. (2021), arXiv:2105.12221; Fukumizu and Amari (2000); several outputs derived here.
    Cost: the Hessian of the narrow network.

    >>> from theodolite.landscape import squared_cost
    >>> cost = squared_cost([[1.0], [2.0]], [1.0, -1.0], "softplus")
    >>> theta = np.array([0.3, 0.0])  # no outgoing weight, not critical
    >>> duplication_inertia(cost, theta, 0, (0.5, 0.5))
    Traceback (most recent call last):
    theodolite.numerics.errors.BadInput: theta is no critical point: ...
    """
    slope = float(np.abs(cost.gradient(theta)).max())
    if slope > 1e-6 * max(1.0, float(np.abs(cost.Y).max())):
        raise BadInput(
            f"theta is no critical point: its gradient has entries up to {slope:.3g}; use landscape.polish first"
        )
    narrow = inertia(cost.hessian(theta), tolerance=tolerance)
    block = inertia(_settled(duplication_block(cost, theta, neuron, shares), slope), tolerance=tolerance)
    return Inertia(*(one + other for one, other in zip(narrow, block)))


def duplicated(cost: SquaredCost, theta: np.ndarray, neuron: int, shares: Sequence[float]) -> np.ndarray:
    """Parameters of the wide network in which copies share the outgoing weights of a neuron; see `split_neuron`.

    >>> from theodolite.landscape import squared_cost
    >>> duplicated(squared_cost([[1.0]], [1.0], "tanh"), np.array([0.5, 2.0]), 0, (0.25, 0.75)).tolist()
    [0.5, 0.5, 0.5, 1.5]
    """
    return split_neuron(cost.network(theta), 0, neuron, shares).flat()


def nullity(copies: Sequence[int], silent: Sequence[int], inputs: int) -> int:
    """Zero eigenvalues of the Hessian at a zero of the cost that copy groups and silent groups make; one output.

    sum over copy groups of size k: (k - 1)(d + 1);  over silent groups of size b with outgoing weights that are not
    zero: (b - 1)(d + 1);  over single neurons with outgoing weight zero: d

    Only (k - 1) of the first lie along the zero-loss set: the cost grows like the fourth power when copies part, and
    gradient flow approaches such a minimum like a power of time.

    Args: copies, sizes of the groups of copies (1 for a neuron alone); silent, sizes of the groups whose outgoing
        weights add up to zero; inputs d. Source: derived for this package.

    >>> nullity([2, 1], [], 2), nullity([1, 1], [1], 2), nullity([1, 1], [2], 2)
    (3, 2, 3)
    """
    return sum((k - 1) * (inputs + 1) for k in copies) + sum(
        inputs if b == 1 else (b - 1) * (inputs + 1) for b in silent
    )


def _complement(direction: np.ndarray) -> np.ndarray:
    """An orthonormal basis (k, k - 1) of what is orthogonal to a direction."""
    return np.linalg.qr(np.column_stack([direction, np.eye(len(direction))]))[0][:, 1 : len(direction)]


def _settled(block: np.ndarray, slope: float) -> np.ndarray:
    """Entries that vanish at an exact critical point and are of the size of the remaining gradient become zero."""
    size = np.abs(block).max(initial=0.0)
    return np.where(np.abs(block) <= 1e3 * slope + 1e-14 * size, 0.0, block)
