"""The layers: those with weights, and those that only rearrange or normalise what weights produced.

Weights and biases are standard normal; the forward pass scales them: weight_std / sqrt(fan_in) and bias_std.
Data have shape (n, *positions, channels): no positions for vectors, one axis for sequences, two for images.
Source: Jacot, Gabriel and Hongler (2018), arXiv:1806.07572, equation 1 (there weight_std = 1, bias_std = beta).
"""

import math
from dataclasses import dataclass
from typing import Any

from theodolite.architectures.node import Node, Serial
from theodolite.numerics.checks import positive, positive_integer, zero_or_positive
from theodolite.numerics.errors import BadInput

PADDINGS = ("SAME", "VALID", "CIRCULAR")
EDGES = ("nominal", "graph")
Window = int | tuple[int, ...]


class Weighted(Node):
    """A layer with weights of its own."""

    weight_std: float
    bias_std: float

    def __post_init__(self) -> None:
        _freeze(
            self,
            weight_std=positive(self.weight_std, "weight_std"),
            bias_std=zero_or_positive(self.bias_std, "bias_std"),
        )


@dataclass(frozen=True, repr=False)
class Dense(Weighted):
    """weight_std / sqrt(fan_in) * h W + bias_std * b, at each position."""

    weight_std: float = 1.0
    bias_std: float = 0.0


@dataclass(frozen=True, repr=False)
class Conv(Weighted):
    """Convolution over the positions; fan_in = window positions * channels.

    window and strides: one number for every axis, or one for each. padding: "SAME" and "VALID" (zeros outside, or no
    outside), "CIRCULAR" (the positions wrap around).
    """

    window: Window = 3
    strides: Window = 1
    padding: str = "SAME"
    weight_std: float = 1.0
    bias_std: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        _freeze(self, window=_window(self.window, "window"), strides=_window(self.strides, "strides"))
        _one_of(self.padding, PADDINGS, "padding")


@dataclass(frozen=True, repr=False)
class ConvTranspose(Weighted):
    """Deconvolution: position p hears the positions q with 0 <= p + pad - stride q < window; strides-fold more of them.

    `edges` scales the weights of p by the number of positions it hears: "nominal", (window / stride) per axis for all
    p, or "graph", its own number, which borders lower. pad is floor((window - stride) / 2); "CIRCULAR" wraps around.
    Source: Jacot, Gabriel, Ged and Hongler (2019), arXiv:1907.05715.
    """

    window: Window = 4
    strides: Window = 2
    padding: str = "SAME"
    edges: str = "nominal"
    weight_std: float = 1.0
    bias_std: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        _freeze(self, window=_window(self.window, "window"), strides=_window(self.strides, "strides"))
        _one_of(self.padding, ("SAME", "CIRCULAR"), "padding")
        _one_of(self.edges, EDGES, "edges")


class Pool(Node):
    """A sum or average over windows of positions, without padding."""

    window: Window
    strides: Window | None

    def __post_init__(self) -> None:
        window = _window(self.window, "window")
        _freeze(self, window=window, strides=window if self.strides is None else _window(self.strides, "strides"))


@dataclass(frozen=True, repr=False)
class AveragePool(Pool):
    """The mean over windows of positions; strides are the window unless given."""

    window: Window = 2
    strides: Window | None = None


@dataclass(frozen=True, repr=False)
class SumPool(Pool):
    """The sum over windows of positions; strides are the window unless given."""

    window: Window = 2
    strides: Window | None = None


@dataclass(frozen=True, repr=False)
class GlobalAveragePool(Node):
    """The mean over all positions."""


@dataclass(frozen=True, repr=False)
class GlobalSumPool(Node):
    """The sum over all positions."""


@dataclass(frozen=True, repr=False)
class Flatten(Node):
    """All positions and channels in one vector."""


@dataclass(frozen=True, repr=False)
class Reshape(Node):
    """Vectors (n, d) read as images or sequences (n, *shape), shape = (*positions, channels), in C order.

    >>> Reshape((8, 8, 1))
    Reshape((8, 8, 1))
    """

    shape: tuple[int, ...]

    def __post_init__(self) -> None:
        shape = tuple(positive_integer(size, "each size of a shape") for size in self.shape)
        if not shape:
            raise BadInput("the shape of an input is empty; give (*positions, channels), such as (8, 8, 1)")
        _freeze(self, shape=shape)

    @property
    def size(self) -> int:
        """Numbers in one input."""
        return math.prod(self.shape)


@dataclass(frozen=True, repr=False)
class LayerNorm(Node):
    """sqrt(channels) (h - mean) / |h - mean| over the channels of each position; nothing is learned."""


@dataclass(frozen=True, repr=False)
class BatchNorm(Node):
    """(h - mean) / sd over the full batch (and positions), channel by channel; nothing is learned."""


@dataclass(frozen=True, repr=False)
class Dropout(Node):
    """Each number kept with probability 1 - rate and then divided by it; fresh for each input."""

    rate: float = 0.5

    def __post_init__(self) -> None:
        rate = zero_or_positive(self.rate, "the rate of a dropout")
        if rate >= 1:
            raise BadInput(f"the rate of a dropout must be below 1, got {rate}")
        _freeze(self, rate=rate)


@dataclass(frozen=True, repr=False)
class ParallelSum(Node):
    """The sum of several branches that read the same input."""

    branches: tuple[Node, ...]

    def __post_init__(self) -> None:
        if not self.branches or not all(isinstance(branch, Node) for branch in self.branches):
            raise BadInput(f"a parallel sum needs a tuple of branches, got {self.branches!r}")
        _freeze(self, branches=tuple(self.branches))


@dataclass(frozen=True, repr=False)
class Residual(Node):
    """h + branch(h)."""

    branch: Node

    def __post_init__(self) -> None:
        if not isinstance(self.branch, Node):
            raise BadInput(f"a residual block needs a branch, got {self.branch!r}")


@dataclass(frozen=True, repr=False)
class SelfAttention(Node):
    """Attention of all positions to all, with many heads, tied queries and keys, and scores divided by the width.

    The scores then converge to qk_std^2 times the covariance of two positions, and the softmax of these weighs the
    values. weight_std scales values and output. Source: Hron, Bahri, Sohl-Dickstein and Novak (2020), arXiv:2006.10540,
    section 3.2.
    """

    qk_std: float = 1.0
    weight_std: float = 1.0
    bias_std: float = 0.0

    def __post_init__(self) -> None:
        _freeze(
            self,
            qk_std=positive(self.qk_std, "qk_std"),
            weight_std=positive(self.weight_std, "weight_std"),
            bias_std=zero_or_positive(self.bias_std, "bias_std"),
        )


@dataclass(frozen=True, repr=False)
class LinearAttention(Node):
    """Attention without a softmax: untied queries and keys, scores divided by the square root of the width.

    weight_std is the product of the four standard deviations. Source: Hron et al. (2020), arXiv:2006.10540, section 3.
    """

    weight_std: float = 1.0
    bias_std: float = 0.0

    def __post_init__(self) -> None:
        _freeze(
            self,
            weight_std=positive(self.weight_std, "weight_std"),
            bias_std=zero_or_positive(self.bias_std, "bias_std"),
        )


def layers_with_weights(net: Node) -> tuple[Node, ...]:
    """Every layer that has weights, in the order in which they are met; one learning rate belongs to each.

    >>> from theodolite.architectures import Relu
    >>> layers_with_weights(Dense() >> Residual(Relu() >> Dense()) >> Dense(2.0))
    (Dense(), Dense(), Dense(weight_std=2.0))
    """
    if isinstance(net, Serial):
        return tuple(layer for node in net for layer in layers_with_weights(node))
    if isinstance(net, ParallelSum):
        return tuple(layer for branch in net.branches for layer in layers_with_weights(branch))
    if isinstance(net, Residual):
        return layers_with_weights(net.branch)
    return (net,) if isinstance(net, Weighted | SelfAttention | LinearAttention) else ()


def per_axis(value: Window, axes: int, name: str) -> tuple[int, ...]:
    """A window or stride for each of the axes that positions have.

    >>> per_axis(3, 2, "window")
    (3, 3)
    """
    if isinstance(value, int):
        return (value,) * axes
    if len(value) != axes:
        raise BadInput(f"{name} {value} has {len(value)} numbers; the positions have {axes} axes")
    return value


def _freeze(node: Node, **values: Any) -> None:
    for name, value in values.items():
        object.__setattr__(node, name, value)


def _window(value: Any, name: str) -> Window:
    if isinstance(value, tuple | list):
        if not value:
            raise BadInput(f"{name} is empty; give one number, or one for each axis")
        return tuple(positive_integer(size, name) for size in value)
    return positive_integer(value, name)


def _one_of(value: str, known: tuple[str, ...], name: str) -> None:
    if value not in known:
        raise BadInput(f"{name} must be one of {', '.join(known)}, got {value!r}")
