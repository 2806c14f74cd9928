"""What a generator draws before it learns and learns first: checkerboards, borders, and what to change."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.linalg import eigh

from theodolite.architectures import Activation, ConvTranspose, Node, Serial, nodes_of
from theodolite.architectures.layers import per_axis
from theodolite.infinite_width.generators.periods import checkerboard_part, periodic_part
from theodolite.infinite_width.generators.position_kernels import (
    PositionKernels,
    deconvolutions,
    position_kernels,
    stride_rates,
)
from theodolite.infinite_width.routes.reading import places_shape
from theodolite.numerics.errors import BadInput

INPUTS = 4
MANY = 3.0  # checkerboards this many times their isotropic share are said to be many
UNEVEN = 1.5  # largest over smallest diagonal entry beyond which borders are said to be uneven
VALUES = 4096  # inputs times positions up to which the spectrum is computed


@dataclass(frozen=True)
class Checkerboards:
    """The tangent kernel of a generator over (input, position) pairs, for some inputs; shares lie in [0, 1].

    A checkerboard is what repeats with `period`, that of the last two strides, without the mean. `isotropic`: its share
    of all directions. `drawn`: its share of the energy of what an untrained network draws, constants left out of the
    checkerboard, not of the energy. `first_step`: its share in the first step of gradient descent when the gradient by
    the image is white noise; `first_step_constant`: that of constants. `same_for_all`: share of the trace in functions
    of the period (with constants) that are the same for all inputs. `border`: largest over smallest diagonal entry.
    `eigenvalues` of the kernel, falling; `condition`, `dominance` (first over second), `effective_rank` of them.
    `advice`: sentences.
    """

    period: tuple[int, ...]
    isotropic: float
    drawn: float
    first_step: float
    first_step_constant: float
    same_for_all: float
    border: float
    eigenvalues: np.ndarray
    advice: tuple[str, ...] = ()

    @property
    def periodic(self) -> float:
        """Share of constants and checkerboards together in the first step."""
        return self.first_step + self.first_step_constant

    @property
    def condition(self) -> float:
        """Largest over smallest eigenvalue; infinite when the kernel is singular."""
        last = float(self.eigenvalues[-1])
        return float(self.eigenvalues[0]) / last if last > 0 else math.inf

    @property
    def dominance(self) -> float:
        """First over second eigenvalue."""
        return float(self.eigenvalues[0] / self.eigenvalues[1])

    @property
    def effective_rank(self) -> float:
        """(sum of eigenvalues)^2 / sum of their squares."""
        return float(self.eigenvalues.sum() ** 2 / (self.eigenvalues**2).sum())


def checkerboards(
    net: Node, X: Any = None, *, rates: Sequence[float] | None = None, advise: bool = False
) -> Checkerboards:
    """Predict the checkerboards and the borders of a generator from its infinitely wide limit.

    Args: net, an architecture with at least two ConvTranspose layers that ends with positions; X (n, ...), latent
        inputs, by default 4 on the sphere of norm sqrt(d); rates, one for each layer of weights; advise, whether to
        try changes and say what they would bring.
    Returns: a Checkerboards.
    Raises: BadInput without deconvolutions, or for more than 4,096 pairs; NoInfiniteWidthLimit; TooLarge.
    Source: Jacot, Gabriel, Ged and Hongler (2019), arXiv:1907.05715; the measures are ours.
    Cost: an eigendecomposition of all (input, position) pairs: half a second for 4 images of 16 x 16, and as much
        for each change that advice tries.

    >>> from theodolite.architectures import Reshape, parse
    >>> layers = parse("reshape((1, 1, 32)) convtranspose(2, 2) relu.standardised convtranspose relu.standardised "
    ...                "convtranspose beta=0.1")
    >>> found = checkerboards(layers)
    >>> found.period, round(found.isotropic, 3), found.first_step > 3 * found.isotropic
    ((4, 4), 0.234, False)
    """
    inputs = _inputs(net) if X is None else X
    kernels = position_kernels(net, inputs, rates=rates)
    found = _read(net, kernels)
    return replace(found, advice=_advice(net, inputs, found)) if advise else found


def _inputs(net: Node) -> np.ndarray:
    shape = places_shape(net, np.zeros((1, *_latent(net))))
    points = np.random.default_rng(5).normal(size=(INPUTS, *shape))
    points *= math.sqrt(shape[-1]) / np.linalg.norm(points, axis=-1, keepdims=True)
    return points.reshape(INPUTS, *_latent(net))


def _latent(net: Node) -> tuple[int, ...]:
    first = nodes_of(net)[0]
    size = getattr(first, "size", None)
    if size is None:
        raise BadInput(f"{net!r} does not say what its inputs are; begin it with reshape((1, 1, d)), or give inputs")
    return (size,)


def _read(net: Node, kernels: PositionKernels) -> Checkerboards:
    n, positions = kernels.ntk.shape[0], kernels.positions
    size = math.prod(positions)
    if n * size > VALUES:
        raise BadInput(f"{n} inputs of {size} positions make {n * size} pairs; expected at most {VALUES}: give fewer")
    period = _period(net, len(positions))
    theta, sigma = kernels.ntk_matrix, kernels.nngp_matrix
    as_images = (n * size, n, *positions)
    checks = checkerboard_part(theta.reshape(as_images), period).reshape(theta.shape)
    flat = periodic_part(theta.reshape(as_images), (1,) * len(positions)).reshape(theta.shape)
    drawn = checkerboard_part(sigma.reshape(as_images), period).reshape(sigma.shape)
    same = periodic_part(theta.reshape(as_images), period).mean(axis=1)  # over inputs, then spread to all of them
    energy, diagonal = float((theta**2).sum()), np.diag(theta)
    own = np.arange(n * size).reshape(n, size)
    traced = sum(float(same.reshape(n * size, size)[own[i], np.arange(size)].sum()) for i in range(n))
    return Checkerboards(
        period,
        (math.prod(period) - 1) / size,
        float(np.trace(drawn) / np.trace(sigma)),
        float((checks**2).sum()) / energy,
        float((flat**2).sum()) / energy,
        traced / float(diagonal.sum()),
        float(diagonal.max() / diagonal.min()),
        np.maximum(eigh(theta, eigvals_only=True)[::-1], 0.0),
    )


def _period(net: Node, axes: int) -> tuple[int, ...]:
    last = [per_axis(layer.strides, axes, "strides") for layer in deconvolutions(net)[-2:]]
    return tuple(math.prod(steps) for steps in zip(*last, strict=True))


def _advice(net: Node, X: Any, found: Checkerboards) -> tuple[str, ...]:
    """What was predicted, in words, and what a change would bring."""
    period, alike = " x ".join(map(str, found.period)), math.prod(found.period)
    none = alike / (alike - 1) * found.isotropic if alike > 1 else 1.0
    said = [
        f"{found.periodic:.0%} of the first step of training is constant or repeats with period {period}, "
        f"{found.first_step:.0%} of it checkerboards; {none:.0%} would be if no direction was preferred."
    ]
    if found.periodic > MANY * none:
        normalised = _with_normalised(net)
        if normalised != net:
            after = _read(normalised, position_kernels(normalised, X))
            said.append(f"With normalised activations {after.periodic:.0%}, {after.first_step:.0%} checkerboards.")
        slowed = _read(net, position_kernels(net, X, rates=stride_rates(net, len(found.period))))
        said.append(
            "With learning rates that fall by the root of the stride from layer to layer (stride_rates) "
            f"{slowed.periodic:.0%}, {slowed.first_step:.0%} checkerboards; and {found.effective_rank:.3g} effective "
            f"directions of {len(found.eigenvalues)} become {slowed.effective_rank:.3g}."
        )
    if found.border > UNEVEN:
        even = _with_graph_edges(net)
        after = _read(even, position_kernels(even, X)).border if even != net else found.border
        said.append(
            f"Borders learn slower than the middle: the kernel differs {found.border:.3g}-fold between positions; with "
            f"edges=graph, which counts the inputs of each position, {after:.3g}-fold."
        )
    return tuple(said)


def _with_normalised(net: Node) -> Node:
    return Serial(
        tuple(
            getattr(node, "activation", node).normalised() if isinstance(node, Activation) else node
            for node in nodes_of(net)
        )
    )


def _with_graph_edges(net: Node) -> Node:
    return Serial(
        tuple(
            replace(node, edges="graph") if isinstance(node, ConvTranspose) and node.padding != "CIRCULAR" else node
            for node in nodes_of(net)
        )
    )
