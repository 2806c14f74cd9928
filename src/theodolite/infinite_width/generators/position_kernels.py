"""Kernels of a network that makes images: between a position of one image and a position of another."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from theodolite.architectures import (
    ConvTranspose,
    Flatten,
    GlobalAveragePool,
    GlobalSumPool,
    Node,
    layers_with_weights,
    nodes_of,
)
from theodolite.architectures.layers import per_axis
from theodolite.infinite_width.network_kernels import ntk
from theodolite.infinite_width.routes.reading import places_shape, read_places
from theodolite.kernels import Pairs
from theodolite.kernels.pairs import as_data
from theodolite.numerics import memory
from theodolite.numerics.checks import zero_or_positive
from theodolite.numerics.errors import BadInput

COPIES = 6  # arrays of the size of the result that a layer holds at a time


@dataclass(frozen=True, eq=False)
class PositionKernels:
    """`nngp` and `ntk`, each (n, m, *positions, *positions): inputs x and z, then positions p of x and p' of z."""

    nngp: np.ndarray
    ntk: np.ndarray
    positions: tuple[int, ...]

    @property
    def nngp_matrix(self) -> np.ndarray:
        """The NNGP as a matrix (n positions, m positions)."""
        return self._matrix(self.nngp)

    @property
    def ntk_matrix(self) -> np.ndarray:
        """The NTK as a matrix (n positions, m positions)."""
        return self._matrix(self.ntk)

    def _matrix(self, kernel: np.ndarray) -> np.ndarray:
        n, m = kernel.shape[:2]
        size = math.prod(self.positions)
        return kernel.reshape(n, m, size, size).transpose(0, 2, 1, 3).reshape(n * size, m * size)


def position_kernels(
    net: Node,
    X: Any,
    Z: Any = None,
    *,
    rates: Sequence[float] | None = None,
    memory_limit: int | str | None = None,
) -> PositionKernels:
    """Both kernels of a network whose outputs have positions, for all pairs of inputs and of positions.

    Sigma_(p p') = weight_std^2 / sqrt(nu_p nu_p') sum over parents q, q' of one type of T(Sigma)_(q q') + bias_std^2

    Args: net, which ends with positions, such as Reshape((1, 1, d)) >> ConvTranspose() >> ...; X (n, ...) and Z, by
        default X; rates, one for each layer of weights; memory_limit, bytes or such as "2 GB".
    Returns: PositionKernels, float64. Raises: NoInfiniteWidthLimit, ShapeMismatch, TooLarge.
    Source: Jacot, Gabriel, Ged and Hongler (2019), arXiv:1907.05715, section on deconvolutional networks.
    Cost: a dual for each pair of inputs and of positions in each layer.

    >>> from theodolite.architectures import Dense, Erf, Reshape
    >>> net = Reshape((1, 3)) >> ConvTranspose(2, 2) >> Erf() >> ConvTranspose(2, 2)
    >>> position_kernels(net, np.ones((1, 3))).ntk.shape
    (1, 1, 4, 4)
    """
    checked = ntk(net, rates=rates).rates
    pairs = Pairs(as_data(X), None if Z is None else as_data(Z))
    values = math.prod(pairs.shape) * output_positions(net, pairs.X) ** 2
    memory.require(8 * COPIES * values, memory_limit, "kernels between positions", "fewer inputs, or a smaller image")
    moments = read_places(net, pairs, checked)
    return PositionKernels(np.asarray(moments.nngp), np.asarray(moments.ntk), tuple(moments.positions))


def output_positions(net: Node, X: Any) -> int:
    """How many positions the output has at most, counted before anything is computed: each stride multiplies them."""
    count = math.prod(places_shape(net, X)[:-1])
    axes = len(places_shape(net, X)) - 1
    for layer in layers_with_weights(net):
        if isinstance(layer, ConvTranspose):
            count *= math.prod(per_axis(layer.strides, axes, "strides"))
    return count


def makes_images(net: Node) -> bool:
    """Whether a network has two deconvolutions or more and keeps its positions to the end.

    >>> from theodolite.architectures import parse
    >>> makes_images(parse("convtranspose relu convtranspose")), makes_images(parse("conv relu flatten dense"))
    (True, False)
    """
    gathering = Flatten | GlobalAveragePool | GlobalSumPool
    layers = [layer for layer in layers_with_weights(net) if isinstance(layer, ConvTranspose)]
    return len(layers) > 1 and not any(isinstance(node, gathering) for node in nodes_of(net))


def deconvolutions(net: Node) -> tuple[ConvTranspose, ...]:
    """The deconvolutions of a network, in order. Raises: BadInput when there is none."""
    found = tuple(layer for layer in layers_with_weights(net) if isinstance(layer, ConvTranspose))
    if not found:
        raise BadInput(f"{net!r} has no ConvTranspose; checkerboards belong to networks that make images by strides")
    return found


def stride_rates(net: Node, axes: int = 2, decay: float = 0.5) -> tuple[float, ...]:
    """Learning rates that fall by S^(-decay) from layer to layer, S the product of the layer's strides over the axes.

    In order the last layers dominate the tangent kernel, and they know short periods only: decay 1/2 balances the
    Frobenius norms of the layers' parts, decay 1 their largest eigenvalues. For `position_kernels(..., rates=...)`, or
    as factors of a learning rate.

    Args: net; axes of the positions; decay >= 0. Returns: one rate for each layer of weights, the first one S^(-decay).
    Source: Jacot et al. (2019), arXiv:1907.05715, for a layer-dependent rate; the exponent is derived here.

    >>> stride_rates(ConvTranspose(2, 2) >> ConvTranspose(4, 2), axes=1, decay=1.0)
    (0.5, 0.25)
    """
    power, found, rate = zero_or_positive(decay, "decay"), [], 1.0
    for layer in layers_with_weights(net):
        if isinstance(layer, ConvTranspose):
            rate *= math.prod(per_axis(layer.strides, axes, "strides")) ** -power
        found.append(rate)
    return tuple(found)
