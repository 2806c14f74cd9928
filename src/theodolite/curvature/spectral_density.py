"""The distribution of eigenvalues by stochastic Lanczos quadrature."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from scipy.linalg import eigh_tridiagonal

from theodolite.curvature.estimate import Estimate
from theodolite.curvature.krylov import Lanczos, generator, products_of, signs
from theodolite.numerics import memory
from theodolite.numerics.checks import positive, positive_integer
from theodolite.numerics.progress import Progress, silent

SHARE = 0.5  # of the memory limit that the bases of a group of probes may take


@dataclass(frozen=True)
class SpectralDensity:
    """Quadrature of the spectrum: for each probe, nodes with weights that sum to 1.

    Attributes: nodes, weights (probes, steps), rows padded with nodes of weight 0 where a space closed early; size P;
    products spent.
    """

    nodes: np.ndarray = field(repr=False)
    weights: np.ndarray = field(repr=False)
    size: int
    products: int

    def moment(self, order: int) -> Estimate:
        """Tr A^order, with the standard error of the mean over probes; but for these exact up to order 2 steps - 1."""
        return self._mean(self.size * (self.weights * self.nodes**order).sum(1))

    def share(self, low: float, high: float) -> Estimate:
        """The share of eigenvalues in an interval [low, high]."""
        return self._mean((self.weights * ((self.nodes >= low) & (self.nodes <= high))).sum(1))

    def density(self, grid: Any, width: float) -> tuple[np.ndarray, np.ndarray]:
        """The density of eigenvalues, smoothed by a Gaussian of this width: (values, standard errors) on a grid."""
        grid, width = np.asarray(grid, np.float64), positive(width, "width")
        each = [
            (np.exp(-0.5 * ((grid[:, None] - nodes) / width) ** 2) @ weights) / (width * np.sqrt(2 * np.pi))
            for nodes, weights in zip(self.nodes, self.weights, strict=True)
        ]
        return np.mean(each, axis=0), _spread(np.array(each))

    @property
    def support(self) -> tuple[float, float]:
        """The least and the largest node that carries weight: close to the ends of the spectrum."""
        carried = self.nodes[self.weights > 0]
        return float(carried.min()), float(carried.max())

    def _mean(self, each: np.ndarray) -> Estimate:
        return Estimate(float(each.mean()), float(_spread(each)), self.products, "stochastic Lanczos quadrature")


def spectral_density(
    matrix: Any,
    *,
    probes: int = 10,
    steps: int = 60,
    seed: int | np.random.Generator = 0,
    memory_limit: int | str | None = None,
    progress: Progress = silent,
) -> SpectralDensity:
    """The spectrum of a symmetric matrix, from the Gauss quadrature of random vectors.

    For a probe v of random signs, Lanczos gives a tridiagonal matrix whose eigenvalues are the nodes and the squared
    first components of whose eigenvectors are the weights of v' phi(A) v / v'v; its mean is Tr phi(A) / P.

    Args: matrix, an Operator or anything symmetric with `@`; probes; steps, at most P; seed; memory_limit for the
        bases, probes x steps x P numbers, which otherwise are taken group by group.
    Returns: a SpectralDensity. Raises: TooLarge when not even one probe's basis fits.
    Source: Golub and Meurant (1994); Ubaru, Chen and Saad (2017); orthogonalised against all vectors, in float64.
    Cost: probes x steps products, and 2 probes steps^2 P operations.

    >>> found = spectral_density(np.diag([1.0, 2.0, 4.0]), probes=4, steps=3)
    >>> [round(node, 6) for node in found.support], round(found.moment(1).value, 6)
    ([1.0, 4.0], 7.0)
    """
    rows, size = products_of(matrix)
    probes, steps = positive_integer(probes, "probes"), min(positive_integer(steps, "steps"), size)
    each = 8 * steps * size
    memory.require(each, memory_limit, f"{steps} Lanczos vectors of {size} parameters", "take fewer steps")
    group = int(np.clip(SHARE * memory.limit_bytes(memory_limit) // each, 1, probes))
    random = generator(seed)
    nodes, weights = np.zeros((probes, steps)), np.zeros((probes, steps))
    for first in range(0, probes, group):
        spaces = [Lanczos(start, steps) for start in signs(random, (min(group, probes - first), size))]
        for step in range(steps):
            found = rows(np.stack([space.last for space in spaces]))
            for space, product in zip(spaces, found, strict=True):
                space.take(product)
            progress(first * steps + (step + 1) * len(spaces), probes * steps, "spectral density")
            if all(space.closed for space in spaces):
                break
        for place, space in enumerate(spaces, first):
            values, vectors = eigh_tridiagonal(np.array(space.diagonal), np.array(space.beside))
            nodes[place, : len(values)], weights[place, : len(values)] = values, vectors[0] ** 2
            nodes[place, len(values) :] = values[-1]
    return SpectralDensity(nodes, weights, size, probes * steps)


def _spread(each: np.ndarray) -> np.ndarray:
    """The standard error of the mean over the first axis; NaN for a single probe, which shows no spread."""
    count = len(each)
    return each.std(axis=0, ddof=1) / np.sqrt(count) if count > 1 else np.full(each.shape[1:], np.nan)
