"""Feature maps for an estimator: which family, which kernel, how many, drawn from a sample of the rows."""

from typing import Any

import numpy as np

from theodolite.kernels import RBF, Kernel, as_kernel, median_distances
from theodolite.numerics.errors import BadInput
from theodolite.random_features.fourier import FourierFeatures
from theodolite.random_features.maps import Family, FeatureMap
from theodolite.random_features.nystrom import NystromFeatures, NystromMap
from theodolite.random_features.relu import ReluFeatures

FAMILIES = ("nystrom", "fourier", "relu")


def family_of(family: Any, kernel: Any, points: np.ndarray) -> Family:
    """The family that is meant, with the default kernel of the points (m, d) where none is given."""
    if isinstance(family, Family):
        if kernel is not None:
            raise BadInput(f"{family!r} knows its own kernel; leave kernel out, or name the family by a word")
        return family
    if family not in FAMILIES:
        raise BadInput(f"no family of features is called {family!r}; known: {', '.join(FAMILIES)}, or give a Family")
    if family == "relu":
        if kernel is not None:
            raise BadInput("ReLU features have the arc-cosine kernel; leave kernel out, or use family='nystrom'")
        return ReluFeatures(bias_std=1.0)
    chosen: Kernel = RBF(median_distances(points)[0] ** 2) if kernel is None else as_kernel(kernel)
    return FourierFeatures(chosen) if family == "fourier" else NystromFeatures(chosen)


def drawn_maps(
    family: Any, kernel: Any, features: int, points: np.ndarray, *, ensemble: int = 1, seed: int = 0
) -> tuple[FeatureMap, ...]:
    """One map for each model, independent of each other. Fewer points than landmarks give as many landmarks as points.

    >>> [one.features for one in drawn_maps("fourier", None, 6, np.eye(4), ensemble=2)]
    [6, 6]
    """
    meant = family_of(family, kernel, points)
    count = min(features, len(points)) if isinstance(meant, NystromFeatures) else features
    keys = np.random.SeedSequence(seed).generate_state(ensemble)
    return tuple(meant.sample(int(key), count, points) for key in keys)


def is_unbiased(one: FeatureMap) -> bool:
    """Whether the mean of F F' over draws is the kernel, as the theory of the effective ridge has it."""
    return not isinstance(one, NystromMap)
