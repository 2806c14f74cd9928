"""Fully connected networks in the two parametrisations of the papers."""

import math

from theodolite.architectures.activation import Activation
from theodolite.architectures.layers import Dense
from theodolite.architectures.node import Node, Serial
from theodolite.numerics.checks import positive_integer, zero_or_positive
from theodolite.numerics.errors import BadInput


def plain(activation: Activation, depth: int, beta: float = 0.1) -> Serial:
    """`depth` weight layers of weight_std 1 and bias_std beta, the activation between them.

    Source: Jacot, Gabriel and Hongler (2018), arXiv:1806.07572, equation 1; beta = 0.1 in all its experiments.

    >>> from theodolite.architectures import Relu
    >>> plain(Relu(), depth=2)
    Dense(bias_std=0.1) >> Relu() >> Dense(bias_std=0.1)
    """
    return _alternate(activation, depth, Dense(1.0, zero_or_positive(beta, "beta")))


def balanced(activation: Activation, depth: int, beta: float = 0.0) -> Serial:
    """`depth` weight layers of weight_std sqrt(1 - beta^2) and bias_std beta, the activation between them.

    With a standardised activation and inputs of squared norm d, every layer has variance 1.
    Source: Jacot, Gabriel, Ged and Hongler (2019), arXiv:1907.05715.

    >>> from theodolite.architectures import Relu
    >>> balanced(Relu().standardised(), depth=2)
    Dense() >> Relu().standardised() >> Dense()
    """
    if not 0 <= beta < 1:
        raise BadInput(f"beta must lie in [0, 1), got {beta!r}")
    return _alternate(activation, depth, Dense(math.sqrt(1 - beta * beta), float(beta)))


def _alternate(activation: Activation, depth: int, layer: Dense) -> Serial:
    nodes: list[Node] = [layer]
    for _ in range(positive_integer(depth, "depth, the number of weight layers,") - 1):
        nodes += [activation, layer]
    return Serial(tuple(nodes))
