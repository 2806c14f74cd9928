"""Derivatives of L(theta) = C(W_L ... W_1) with respect to the layers."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from theodolite.numerics import memory
from theodolite.training_dynamics.saddles.layers import Layers, as_layers, flattened, product, unflattened
from theodolite.training_dynamics.saddles.matrix_costs import MatrixCost


def layer_gradients(layers: Sequence[np.ndarray], gradient: np.ndarray) -> Layers:
    """dL/dW_l = (W_L ... W_{l+1})^T G (W_{l-1} ... W_1)^T with G = grad C(A).

    Args: layers, W_1, ..., W_L; gradient G (d_out, d_in). Returns: one array like each layer.
    Source: Jacot et al. (2021), arXiv:2106.15933, section 2. Cost: about three times that of the product.

    >>> [g.tolist() for g in layer_gradients([np.array([[2.0]]), np.array([[3.0]])], np.array([[1.0]]))]
    [[[3.0]], [[2.0]]]
    """
    below: list[np.ndarray | None] = [None]
    for W in layers[:-1]:
        below.append(W if below[-1] is None else W @ below[-1])
    found, back = [], gradient
    for i in range(len(layers) - 1, -1, -1):
        under = below[i]
        found.append(back if under is None else back @ under.T)
        back = layers[i].T @ back
    return tuple(found[::-1])


def hessian_product(layers: Sequence[np.ndarray], direction: Sequence[np.ndarray], cost: MatrixCost) -> Layers:
    """The Hessian of L(theta) applied to a direction: the derivative of `layer_gradients` along it.

    Args: layers; direction, one array like each layer. Cost: about three gradients.
    Source: Pearlmutter (1994), Neural Computation 6.

    >>> from theodolite.training_dynamics.saddles import full_mse
    >>> W, D = [np.array([[1.0]]), np.array([[1.0]])], [np.array([[1.0]]), np.array([[0.0]])]
    >>> [h.item() for h in hessian_product(W, D, full_mse([[3.0]]))]  # of 1/2 (w1 w2 - 3)^2
    [1.0, -1.0]
    """
    L = len(layers)
    below: list[Any] = [None]
    moved: list[Any] = [None]  # derivative of below
    for W, D in zip(layers, direction, strict=True):
        last, its = below[-1], moved[-1]
        below.append(W if last is None else W @ last)
        moved.append(D if last is None else D @ last + W @ its)
    back: Any = cost.gradient(below[L])
    back_moved: Any = cost.curvature(below[L], moved[L])
    found = []
    for i in range(L - 1, -1, -1):
        if i == 0:
            found.append(back_moved)
        else:
            found.append(back_moved @ below[i].T + back @ moved[i].T)
            back, back_moved = layers[i].T @ back, layers[i].T @ back_moved + direction[i].T @ back
    return tuple(found[::-1])


class HessianSpectrum(NamedTuple):
    """Eigenvalues of a Hessian, ascending, and how many of them are negative, zero, positive."""

    eigenvalues: np.ndarray
    negative: int
    zero: int
    positive: int


def hessian_spectrum(
    layers: Iterable[Any], cost: MatrixCost, *, tolerance: float = 1e-9, memory_limit: int | str | None = None
) -> HessianSpectrum:
    """The spectrum of the Hessian of L(theta); an eigenvalue below `tolerance` of the largest counts as zero.

    At the balanced saddle of rank k of the full squared cost: with L = 2, (w - k)(rank - k) are negative, the lowest
    -s_{k+1}; with L >= 3 none is (for k = 0 the Hessian vanishes), and escape is not exponential.

    Raises: TooLarge; for large networks use `hessian_product`. Source: Jacot et al. (2021), arXiv:2106.15933.
    Cost: P products and an eigendecomposition of (P, P), P the number of entries of all layers.

    >>> from theodolite.training_dynamics.saddles import balanced_layers, full_mse
    >>> target = np.diag([4.0, 2.0, 1.0])
    >>> found = hessian_spectrum(balanced_layers(target, 2, width=5, rank=1), full_mse(target))
    >>> found.negative, round(float(found.eigenvalues[0]), 12)
    (8, -2.0)
    """
    found = as_layers(layers)
    shapes = [W.shape for W in found]
    P = sum(W.size for W in found)
    memory.require(4 * 8 * P * P, memory_limit, f"the Hessian of {P} weights", "use hessian_product")
    H = np.array([flattened(hessian_product(found, unflattened(row, shapes), cost)) for row in np.eye(P)])
    values = np.linalg.eigvalsh((H + H.T) / 2)
    zero = np.abs(values) <= tolerance * max(np.abs(values).max(), np.finfo(float).tiny)
    return HessianSpectrum(
        values, int(np.sum((values < 0) & ~zero)), int(zero.sum()), int(np.sum((values > 0) & ~zero))
    )


def gradient_norm(layers: Sequence[np.ndarray], cost: MatrixCost) -> float:
    """|grad L(theta)| over all layers, the square root of the sum over layers of |dL / dW_l|^2.

    >>> from theodolite.training_dynamics.saddles import full_mse
    >>> gradient_norm((np.eye(2), np.eye(2)), full_mse(np.eye(2)))  # a minimum
    0.0
    """
    return float(np.linalg.norm(flattened(layer_gradients(layers, cost.gradient(product(layers))))))
