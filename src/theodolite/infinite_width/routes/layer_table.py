"""A fully connected network as a table of numbers, for the compiled loop over its layers."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain, repeat

import numpy as np

from theodolite.architectures import (
    Activation,
    Dense,
    Erf,
    Gelu,
    Identity,
    Node,
    PiecewiseLinear,
    Rescaled,
    nodes_of,
)
from theodolite.infinite_width.duals.dual import dual
from theodolite.infinite_width.routes.tiles_layers import ERF, GELU, LINEAR, PIECEWISE, STEP


@dataclass(frozen=True)
class LayerTable:
    """`first`: weight_std^2, bias_std^2 and rate of the lowest layer; `steps` (l, STEP) as `tiles_layers` says."""

    first: np.ndarray
    steps: np.ndarray
    activations: tuple[Activation, ...]

    def point_data(self, squares: np.ndarray) -> np.ndarray:
        """(l, 3, n): what each step needs to know of single points, from their mean squares |x|^2 / d, (n,)."""
        variance = self.first[0] * squares + self.first[1]
        data = np.zeros((len(self.steps), 3, len(squares)))
        for step, activation, own in zip(self.steps, self.activations, data, strict=True):
            if step[0] == PIECEWISE:
                own[1] = np.sqrt(variance)
                own[0] = np.divide(1.0, own[1], out=np.zeros_like(own[1]), where=own[1] > 0)
            elif step[0] == ERF:
                own[0] = np.sqrt(2.0 / (1.0 + 2.0 * variance))
            elif step[0] == GELU:
                own[0], own[1] = 1.0 / np.sqrt(1.0 + variance), variance
            own[2] = dual(inner_activation(activation)[0]).mean(variance)
            variance = step[1] * dual(activation).square(variance) + step[2]
        return data


def layer_table(net: Node, rates: Sequence[float] | None) -> LayerTable | None:
    """The table of a chain of dense layers and activations of known kinds; None for any other architecture."""
    nodes = nodes_of(net)
    if not nodes or not isinstance(nodes[0], Dense):
        return None
    given = chain(rates) if rates is not None else repeat(1.0)
    first = np.array([nodes[0].weight_std ** 2, nodes[0].bias_std ** 2, next(given)])
    steps, activations, at = [], [], 1
    while at < len(nodes):
        activation: Activation = Identity()
        node = nodes[at]
        if isinstance(node, Activation):
            activation, at = node, at + 1
        known = activation_kind(activation)
        dense = nodes[at] if at < len(nodes) else None
        if known is None or not isinstance(dense, Dense | None):
            return None
        at += 1
        above = (1.0, 0.0, 0.0) if dense is None else (dense.weight_std**2, dense.bias_std**2, next(given))
        kind, *rest = known
        steps.append([kind, *above, *rest])
        activations.append(activation)
    return LayerTable(first, np.array(steps, dtype=float).reshape(-1, STEP), tuple(activations))


def inner_activation(activation: Activation) -> tuple[Activation, float, float]:
    """(inner, scale, shift) with activation = scale * inner + shift and inner not rescaled."""
    scale, shift = 1.0, 0.0
    while isinstance(activation, Rescaled):
        scale, shift = scale * activation.scale, scale * activation.shift + shift
        activation = activation.activation
    return activation, scale, shift


def activation_kind(activation: Activation) -> tuple[float, ...] | None:
    """(kind, scale^2, scale * shift, shift^2, below * above, (above - below)^2 / 2 pi)."""
    inner, scale, shift = inner_activation(activation)
    rescaling = (scale**2, scale * shift, shift**2)
    if isinstance(inner, PiecewiseLinear):
        return (PIECEWISE, *rescaling, inner.below * inner.above, (inner.above - inner.below) ** 2 / (2 * math.pi))
    kinds = {Erf: ERF, Gelu: GELU, Identity: LINEAR}
    return (kinds[type(inner)], *rescaling, 0.0, 0.0) if type(inner) in kinds else None
