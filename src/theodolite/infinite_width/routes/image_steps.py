"""An architecture of images as segments: chains of steps that act alike on all pairs of positions, ended by a pooling.

A convolution reads p and p' through the same window offset, so that pairs of positions of different displacement
p - p' never meet before positions are pooled; a flatten asks for the displacement 0 alone.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain, repeat

from theodolite.architectures import (
    Activation,
    AveragePool,
    Conv,
    Dense,
    Flatten,
    GlobalAveragePool,
    GlobalSumPool,
    Identity,
    LayerNorm,
    Node,
    Reshape,
    Residual,
    SumPool,
    nodes_of,
)
from theodolite.architectures.geometry import conv_border
from theodolite.architectures.layers import per_axis
from theodolite.infinite_width.routes.layer_table import activation_kind
from theodolite.numerics.errors import ShapeMismatch

# kinds of steps, beside LINEAR, PIECEWISE, ERF and GELU of `tiles_layers`
CONV, DENSE, NORM, KEEP, ADD = range(4, 9)


@dataclass(frozen=True)
class Axis:
    """A convolution along one axis: output p reads p stride - before + offset, offset < window."""

    size: int
    window: int
    stride: int
    before: int
    outputs: int
    circular: bool


@dataclass(frozen=True)
class Step:
    """One step. `numbers`: weight_std^2 (over the window), bias_std^2 and rate; or, of an activation, scale^2,
    scale * shift, shift^2, below * above and (above - below)^2 / 2 pi, as `tiles_layers` has them.
    """

    kind: int
    node: Node | None
    numbers: tuple[float, ...] = ()
    axes: tuple[Axis, Axis] | None = None


@dataclass
class Segment:
    """Steps from `positions` on, and the pooling that ends them: windows and strides, to `outputs`, times `scale`.

    `diagonal`: the pooling asks for p' = p alone (a flatten). Positions of a sequence are (1, length).
    """

    positions: tuple[int, int]
    steps: list[Step] = field(default_factory=list)
    end: Node | None = None
    ended: tuple[int, int] = (1, 1)
    windows: tuple[int, int] = (1, 1)
    strides: tuple[int, int] = (1, 1)
    outputs: tuple[int, int] = (1, 1)
    scale: float = 1.0
    diagonal: bool = False


def image_segments(net: Node, shape: tuple[int, ...], rates: Sequence[float] | None) -> list[Segment] | None:
    """The segments of a chain of the nodes known here, on inputs (*positions, channels); None for any other.

    Raises: ShapeMismatch where a window does not fit.
    """
    positions = shape[:-1]
    if len(positions) not in (1, 2):
        return None
    nodes = nodes_of(net)
    height, width = (1, *positions)[-2:]
    reader = _Reader((height, width), len(positions), chain(rates) if rates is not None else repeat(1.0))
    if not reader.read(nodes[1:] if nodes and isinstance(nodes[0], Reshape) else nodes) or reader.axes:
        return None
    reader.segment.ended = reader.positions
    return [*reader.done, reader.segment]


class _Reader:
    """Where reading has come to: the open segment, its positions now, and how many axes they have."""

    def __init__(self, positions: tuple[int, int], axes: int, rates: Iterator[float]) -> None:
        self.done: list[Segment] = []
        self.segment, self.positions = Segment(positions), positions
        self.axes, self.rates, self.weighted = axes, rates, False

    def read(self, nodes: Sequence[Node], inside: bool = False) -> bool:
        """Whether all nodes are known; inside a branch positions are not pooled."""
        for node in nodes:
            if isinstance(node, Identity):
                continue
            if isinstance(node, Dense):
                self._add(DENSE, node, (node.weight_std**2, node.bias_std**2, next(self.rates)))
                self.weighted = True
            elif isinstance(node, Activation):
                known = activation_kind(node)
                if known is None:
                    return False
                self._add(int(known[0]), node, known[1:])
            elif isinstance(node, LayerNorm):
                self._add(NORM, node)
            elif isinstance(node, Conv) and self.axes:
                self._convolution(node)
            elif isinstance(node, Residual):
                if not self._residual(node):
                    return False
            elif isinstance(node, Flatten) and not self.axes:
                continue
            elif inside or not self.axes or not self._pooled(node):
                return False
        return True

    def _add(self, kind: int, node: Node | None, numbers: tuple[float, ...] = (), axes: tuple | None = None) -> None:
        self.segment.steps.append(Step(kind, node, numbers, axes))

    def _convolution(self, node: Conv) -> None:
        windows, strides = self._per_axis(node.window, "window"), self._per_axis(node.strides, "strides")
        axes = []
        for size, window, stride in zip(self.positions, windows, strides, strict=True):
            before, _, outputs = conv_border(size, window, stride, node.padding)
            axes.append(Axis(size, window, stride, before, outputs, node.padding == "CIRCULAR"))
        weight = node.weight_std**2 / math.prod(windows)
        along_both = replace(node, window=windows, strides=strides)  # a sequence has one axis here, of two
        self._add(CONV, along_both, (weight, node.bias_std**2, next(self.rates)), tuple(axes))
        self.positions, self.weighted = (axes[0].outputs, axes[1].outputs), True

    def _residual(self, node: Residual) -> bool:
        branch = [part for part in nodes_of(node.branch) if not isinstance(part, Identity)]
        if not self.weighted or not branch or not isinstance(branch[-1], Dense | Conv):
            return False  # means of both summands, or an error to be named by the rules
        before = self.positions
        self._add(KEEP, None)
        known = self.read(branch, inside=True)
        self._add(ADD, None)
        if known and self.positions != before:
            raise ShapeMismatch(f"a branch turns positions {before} into {self.positions}; expected the same")
        return known

    def _pooled(self, node: Node) -> bool:
        segment, count = self.segment, math.prod(self.positions)
        segment.ended, segment.end = self.positions, node
        if isinstance(node, AveragePool | SumPool):
            windows = self._per_axis(node.window, "window")
            strides = self._per_axis(node.strides or node.window, "strides")
            borders = [conv_border(*sizes, "VALID") for sizes in zip(self.positions, windows, strides, strict=True)]
            segment.windows, segment.strides, segment.outputs = windows, strides, (borders[0][2], borders[1][2])
            segment.scale = 1.0 / math.prod(windows) ** 2 if isinstance(node, AveragePool) else 1.0
        elif isinstance(node, Flatten | GlobalAveragePool | GlobalSumPool):
            segment.windows, segment.strides, self.axes = self.positions, (1, 1), 0
            segment.diagonal = isinstance(node, Flatten)
            scales = {Flatten: 1.0 / count, GlobalAveragePool: 1.0 / count**2, GlobalSumPool: 1.0}
            segment.scale = scales[type(node)]
        else:
            return False
        self.done.append(segment)
        self.positions = segment.outputs
        self.segment = Segment(self.positions)
        return True

    def _per_axis(self, value: int | tuple[int, ...], name: str) -> tuple[int, int]:
        values = (1, *per_axis(value, self.axes, name))
        return values[-2], values[-1]
