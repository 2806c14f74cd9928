"""The share of each layer in every eigenvector of the tangent kernel on real data."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from scipy.linalg import eigh

from theodolite.architectures import Node
from theodolite.infinite_width.network_kernels import layerwise
from theodolite.kernels import gram
from theodolite.numerics.checks import positive_integer
from theodolite.numerics.progress import Progress, silent


@dataclass(frozen=True, eq=False)
class GramLayerShare:
    """`eigenvalues` (n,) of the tangent kernel's Gram matrix, falling; `share` (layers, n), columns sum to 1."""

    eigenvalues: np.ndarray
    share: np.ndarray

    def binned(self, edges: tuple[int, ...]) -> np.ndarray:
        """Mean shares of the eigenvectors from one edge to the next, (layers, len(edges) - 1)."""
        return np.array([self.share[:, start:stop].mean(axis=1) for start, stop in pairwise(edges)]).T


def gram_layer_share(net: Node, X: Any, *, keep: int | None = None, progress: Progress = silent) -> GramLayerShare:
    """u' K^(l) u / u' Theta u for every eigenvector u of Theta on the data, layer by layer.

    Args: net; X (n, ...); keep, how many of the largest eigenvectors, by default all of positive eigenvalue.
    Returns: a GramLayerShare. Cost: one Gram matrix a layer, one eigendecomposition, a product of matrices a layer;
        memory for three n x n matrices.
    Source: Dandi and Jacot (2021), arXiv:2111.03972, on a sample in place of the sphere.

    >>> from theodolite.architectures import Dense, Relu
    >>> X = np.random.default_rng(0).normal(size=(40, 3))
    >>> found = gram_layer_share(Dense() >> Relu() >> Dense(), X / np.linalg.norm(X, axis=1, keepdims=True))
    >>> bool(found.share[0, 0] < found.share[0, 20])  # the first layer's part grows towards small eigenvalues
    True
    """
    layers = layerwise(net)
    points = np.asarray(X, dtype=np.float64)
    total = sum((gram(layer, points) for layer in layers), np.zeros((len(points), len(points))))
    eigenvalues, vectors = eigh(total, overwrite_a=True)
    positive = int((eigenvalues > len(points) * np.finfo(float).eps * eigenvalues[-1]).sum())
    kept = positive if keep is None else min(positive_integer(keep, "keep"), positive)
    eigenvalues, vectors = eigenvalues[::-1][:kept], vectors[:, ::-1][:, :kept]
    share = np.empty((len(layers), kept))
    for place, layer in enumerate(layers):
        progress(place, len(layers), f"layer {place + 1}")
        share[place] = np.einsum("ij,ij->j", vectors, gram(layer, points) @ vectors) / eigenvalues
    progress(len(layers), len(layers), "done")
    return GramLayerShare(eigenvalues, share)
