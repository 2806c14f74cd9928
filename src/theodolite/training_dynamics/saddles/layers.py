"""Deep linear networks: lists of matrices W_1, ..., W_L that are multiplied, A = W_L ... W_1."""

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from theodolite.numerics.checks import finite, positive, positive_integer
from theodolite.numerics.errors import BadInput, ShapeMismatch

Layers = tuple[np.ndarray, ...]


def as_layers(layers: Iterable[Any], *, at_least: int = 1) -> Layers:
    """Matrices W_1, ..., W_L as float64 on the host, checked to chain: W_l has as many columns as W_{l-1} has rows.

    Raises: ShapeMismatch, NotFinite, BadInput for fewer than `at_least` layers.

    >>> [W.shape for W in as_layers([[[1.0, 0.0]], [[2.0], [3.0]]])]
    [(1, 2), (2, 1)]
    """
    found = tuple(np.asarray(W, dtype=np.float64) for W in layers)
    if len(found) < at_least:
        raise BadInput(f"got {len(found)} layers; expected at least {at_least}, in the order W_1, ..., W_L")
    for number, W in enumerate(found, 1):
        if W.ndim != 2 or 0 in W.shape:
            raise ShapeMismatch(f"layer {number} has shape {W.shape}; expected a matrix (outputs, inputs)")
        finite(W, f"layer {number}")
        if number > 1 and W.shape[1] != found[number - 2].shape[0]:
            raise ShapeMismatch(
                f"layer {number} has shape {W.shape} and takes {W.shape[1]} inputs, but layer {number - 1} of shape "
                f"{found[number - 2].shape} has {found[number - 2].shape[0]} outputs; expected W_1, ..., W_L with "
                "A = W_L ... W_1 (an adapter B A is given as [A, B])"
            )
    return found


def product(layers: Sequence[np.ndarray]) -> np.ndarray:
    """A = W_L ... W_1, of shape (d_out, d_in).

    >>> product([np.array([[1.0, 2.0]]), np.array([[3.0], [4.0]])])
    array([[3., 6.],
           [4., 8.]])
    """
    A = layers[0]
    for W in layers[1:]:
        A = W @ A
    return A


def random_layers(
    shape: tuple[int, int], width: int, depth: int, sigma: float, *, seed: int | np.random.Generator = 0
) -> Layers:
    """Independent normal entries of mean 0 and standard deviation `sigma`; sigma^2 = width^-gamma in the paper.

    Args: shape (d_out, d_in) of the product; width of all hidden layers; depth L >= 2; sigma > 0.
    Returns: L matrices. Source: Jacot et al. (2021), arXiv:2106.15933, section 2.

    >>> [W.shape for W in random_layers((2, 3), width=5, depth=3, sigma=0.1)]
    [(5, 3), (5, 5), (2, 5)]
    """
    width, depth, sigma = positive_integer(width, "width"), positive_integer(depth, "depth"), positive(sigma, "sigma")
    if depth < 2:
        raise BadInput("depth must be at least 2, got 1: one matrix alone has no saddles")
    rng = np.random.default_rng(seed)
    sizes = (shape[1], *[width] * (depth - 1), shape[0])
    return tuple(sigma * rng.standard_normal((b, a)) for a, b in pairwise(sizes))


def padded(layers: Iterable[Any], width: int) -> Layers:
    """The inclusion I^(k -> w): zero neurons are added until every hidden layer has `width`; the product stays.

    >>> [W.shape for W in padded([np.ones((1, 2)), np.ones((3, 1))], 4)]
    [(4, 2), (3, 4)]
    """
    found = as_layers(layers)
    if any(W.shape[0] > width for W in found[:-1]):
        raise BadInput(f"a hidden layer is wider than {width}: widths are {[W.shape[0] for W in found[:-1]]}")
    last = len(found) - 1
    return tuple(
        np.pad(W, ((0, 0 if i == last else width - W.shape[0]), (0, 0 if i == 0 else width - W.shape[1])))
        for i, W in enumerate(found)
    )


def balanced_layers(matrix: Any, depth: int, width: int | None = None, rank: int | None = None) -> Layers:
    """The factorisation of least norm, sum |W_l|^2 = L sum s^(2/L): W_l carries s^(1/L) in the singular bases.

    Args: matrix (d_out, d_in); depth L; width, by default the rank; rank, how many of the largest singular values are
        kept, by default those above round-off: for the full squared cost the kept part is the saddle of that rank.
    Returns: L matrices with W_{l+1}^T W_{l+1} = W_l W_l^T. Cost: one singular value decomposition.

    >>> W = balanced_layers(np.diag([8.0, 1.0, 0.0]), depth=3)
    >>> [x.shape for x in W], np.round(np.diag(product(W)), 12)
    ([(2, 3), (2, 2), (3, 2)], array([8., 1., 0.]))
    """
    U, s, Vt = np.linalg.svd(finite(np.asarray(matrix, dtype=np.float64), "matrix"), full_matrices=False)
    kept = int(np.sum(s > s.max(initial=0.0) * max(U.shape[0], Vt.shape[1]) * np.finfo(float).eps))
    kept = kept if rank is None else min(rank, kept)
    root = s[:kept] ** (1.0 / depth)
    inner = [np.diag(root)] * (depth - 2)
    layers = (root[:, None] * Vt[:kept], *inner, U[:, :kept] * root)
    return padded(layers, kept if width is None else width) if kept else _zero(U, Vt, depth, width or 1)


def _zero(U: np.ndarray, Vt: np.ndarray, depth: int, width: int) -> Layers:
    inner = [np.zeros((width, width))] * (depth - 2)
    return (np.zeros((width, Vt.shape[1])), *inner, np.zeros((U.shape[0], width)))


def imbalance(layers: Iterable[Any]) -> tuple[np.ndarray, ...]:
    """D_l = W_{l+1}^T W_{l+1} - W_l W_l^T for l = 1, ..., L - 1: gradient flow keeps each as it started.

    Source: Jacot et al. (2021), arXiv:2106.15933; Arora, Cohen and Hazan (2018), arXiv:1802.06509.

    >>> imbalance([np.eye(2), 2 * np.eye(2)])[0]
    array([[3., 0.],
           [0., 3.]])
    """
    found = as_layers(layers)
    return tuple(after.T @ after - W @ W.T for W, after in pairwise(found))


def flattened(layers: Sequence[np.ndarray]) -> np.ndarray:
    """All entries in one vector, layer after layer."""
    return np.concatenate([W.ravel() for W in layers])


def unflattened(vector: np.ndarray, shapes: Sequence[tuple[int, int]]) -> Layers:
    """The inverse of `flattened`; views, not copies."""
    found, start = [], 0
    for rows, columns in shapes:
        end = start + rows * columns
        found.append(vector[start:end].reshape(rows, columns))
        start = end
    return tuple(found)


def norm(layers: Sequence[np.ndarray]) -> float:
    """|theta| = sqrt(sum |W_l|_F^2)."""
    return float(np.sqrt(sum(np.vdot(W, W) for W in layers)))
