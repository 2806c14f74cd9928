"""An architecture as the block that it repeats, and what one block does to variance, correlation and tangent kernel.

The rules of `rules.py` are applied to one pair of inputs; nothing here knows a particular activation.
"""

from dataclasses import dataclass, replace
from itertools import repeat
from typing import Any

import numpy as np

from theodolite.architectures import (
    Activation,
    AveragePool,
    BatchNorm,
    Conv,
    ConvTranspose,
    Dense,
    Dropout,
    Flatten,
    GlobalAveragePool,
    Identity,
    LayerNorm,
    Node,
    ParallelSum,
    Reshape,
    Residual,
    Serial,
    layers_with_weights,
    nodes_of,
)
from theodolite.infinite_width.rules.common import next_moments
from theodolite.infinite_width.rules.moments import Moments
from theodolite.numerics.errors import BadInput, NoInfiniteWidthLimit

Block = tuple[Node, ...]


@dataclass(frozen=True)
class Step:
    """What one block does to two inputs: variance and correlation after it, the factor on the tangent kernel below it,
    and what its own weights add to that.
    """

    variance: float
    correlation: float
    passed: float
    added: float


def step(block: Block, variance: float, correlation: float) -> Step:
    """What one block does to a pair of inputs; correlation 1 stands for one and the same input.

    >>> from theodolite.architectures import Dense, Relu
    >>> one = step((Relu(), Dense(2**0.5)), variance=1.0, correlation=1.0)
    >>> round(one.variance, 9), one.correlation, round(one.passed, 9)
    (1.0, 1.0, 1.0)
    """
    passed = _after(block, variance, correlation, 1.0, rate=0.0)
    added = _after(block, variance, correlation, 0.0, rate=1.0)
    out = _number(passed.left)
    cosine = 1.0 if correlation == 1.0 else min(_number(passed.nngp) / out, 1.0) if out > 0 else correlation
    return Step(out, cosine, _number(passed.ntk), _number(added.ntk))


def first_moments(cosines: np.ndarray) -> Moments:
    """The moments of pairs of inputs of mean square 1: an input with itself first, then one pair for each cosine."""
    own = np.ones((1,))
    inner = np.concatenate([own, cosines])
    same = np.arange(len(inner)) == 0
    return Moments(inner, None, own, own, (), False, same, tangent=True)


def onwards(block: Block, moments: Moments) -> Moments:
    """The moments after a block, all learning rates 1."""
    return next_moments(Serial(block), moments, repeat(1.0))


def _after(block: Block, variance: float, correlation: float, ntk: float, rate: float) -> Moments:
    own = np.full((1,), variance)
    same = np.full((1,), correlation == 1.0)
    start = Moments(
        own * correlation, np.full((1,), ntk), own, own, (), False, same, True, gaussian=True, weighted=True
    )
    return next_moments(Serial(block), start, repeat(rate))


def _number(array: Any) -> float:
    return float(np.ravel(array)[0])


def split(net: Node) -> list[Block]:
    """The pieces of an architecture, each ending with its layer of weights; after the last one, what is left over.

    >>> from theodolite.architectures import parse
    >>> split(parse("dense relu dense erf"))
    [(Dense(),), (Relu(), Dense()), (Erf(),)]
    """
    pieces: list[Block] = []
    current: list[Node] = []
    for node in nodes_of(net):
        if isinstance(node, Identity):
            continue
        current.append(node)
        if layers_with_weights(node):
            pieces.append(tuple(current))
            current = []
    return [*pieces, tuple(current)] if current else pieces


@dataclass(frozen=True)
class Repetition:
    """The first piece of an architecture, the blocks after it that are repeated, how often, and how it was found.

    `period` blocks in a row come again and again; `exact` when they do so at least once, or are the only one.
    """

    first: Block
    blocks: tuple[Block, ...]
    times: int
    exact: bool

    @property
    def together(self) -> Block:
        """The repeated blocks as one."""
        return tuple(node for block in self.blocks for node in block)


def repetition(net: Node) -> Repetition:
    """The shortest run of blocks that an architecture repeats; the last layer may differ: it is the readout.

    Raises: BadInput when there is no activation between two layers of weights.

    >>> from theodolite.architectures import parse
    >>> found = repetition(parse("relu*8 bias=0.1"))
    >>> found.blocks, found.times
    (((Relu(), Dense(bias_std=0.1)),), 8)
    """
    pieces = split(net)
    hidden = [block for block in pieces[1:] if layers_with_weights(Serial(block))]
    if not any(_bends(Serial(block)) for block in hidden):
        raise BadInput(
            f"{net!r} has no activation between two layers of weights, so depth does nothing to it; "
            'expected an architecture such as "relu*8 bias=0.1"'
        )
    for blocks in (hidden, hidden[:-1]):
        for period in range(1, max(len(blocks) // 2, 1) + 1):
            if all(blocks[i] == blocks[i % period] for i in range(len(blocks))) and blocks:
                times = len(blocks) // period
                if len(blocks) == len(hidden) or times > 1 or hidden[-1][:-1] == blocks[0][:-1]:
                    return Repetition(pieces[0], tuple(blocks[:period]), times, exact=True)
    return Repetition(pieces[0], tuple(hidden), 1, exact=False)


def _bends(node: Node) -> bool:
    if isinstance(node, Serial | ParallelSum):
        return any(map(_bends, node.nodes if isinstance(node, Serial) else node.branches))
    if isinstance(node, Residual):
        return _bends(node.branch)
    return isinstance(node, Activation) and not isinstance(node, Identity)


def without_positions(net: Node) -> tuple[Node, tuple[str, ...]]:
    """The fully connected network that an architecture is for inputs that are the same at every position, with notes.

    Convolutions become dense layers of the same standard deviations, averages over positions and reshaping do nothing;
    dropout is left out, as when a network predicts. Raises: BadInput for what mixes positions in another way;
    NoInfiniteWidthLimit for BatchNorm, except just before the last layer, where it is left out with a note.

    >>> from theodolite.architectures import parse
    >>> without_positions(parse("conv(3) relu globalaveragepool dense"))[0]
    Dense() >> Relu() >> Dense()
    """
    notes: list[str] = []
    net = _without_last_batch_norm(net, notes)
    return Serial(tuple(_dense(node, notes) for node in nodes_of(net) if not _does_nothing(node, notes))), tuple(notes)


def _without_last_batch_norm(net: Node, notes: list[str]) -> Node:
    nodes = nodes_of(net)
    if len(nodes) > 2 and isinstance(nodes[-2], BatchNorm) and isinstance(nodes[-1], Dense):
        bias = nodes[-1].bias_std ** 2
        notes.append(
            "BatchNorm before the last layer: the mean of the tangent kernel over the batch is bias_std^2 of that "
            f"layer, here {bias:g}, at any width and depth. So the constant direction, which order makes the largest, "
            "is held down as in chaos. All else is read without BatchNorm."
        )
        return Serial((*nodes[:-2], nodes[-1]))
    return net


def _does_nothing(node: Node, notes: list[str]) -> bool:
    if isinstance(node, Dropout):
        _note(notes, "Dropout is left out, as when the network predicts.")
        return True
    if isinstance(node, AveragePool | GlobalAveragePool):
        _note(notes, POSITIONS)
    return isinstance(node, Flatten | Reshape | AveragePool | GlobalAveragePool)


POSITIONS = (
    "Positions are ignored: read for inputs that are the same at every position, far from borders. The characteristic "
    "value of a layer does not depend on positions."
)


def _dense(node: Node, notes: list[str]) -> Node:
    if isinstance(node, Conv | ConvTranspose):
        _note(notes, POSITIONS)
        return Dense(node.weight_std, node.bias_std)
    if isinstance(node, BatchNorm):
        raise NoInfiniteWidthLimit(
            "BatchNorm ties each point to the whole batch, so two inputs alone have no correlation to follow; use "
            "LayerNorm or a .normalised() activation, or put it just before the last Dense, where its effect is known: "
            "the mean of the tangent kernel over the batch becomes bias_std^2 of that layer"
        )
    if isinstance(node, Residual):
        return replace(node, branch=_inside(node.branch, notes))
    if isinstance(node, ParallelSum):
        return replace(node, branches=tuple(_inside(branch, notes) for branch in node.branches))
    if isinstance(node, Dense | Activation | LayerNorm):
        return node
    raise BadInput(
        f"{node!r} mixes positions, so there is no single correlation map; a phase is read for dense and convolutional "
        "networks, with average pooling, LayerNorm, Residual and ParallelSum"
    )


def _inside(branch: Node, notes: list[str]) -> Node:
    return Serial(tuple(_dense(node, notes) for node in nodes_of(branch) if not _does_nothing(node, notes)))


def _note(notes: list[str], text: str) -> None:
    if text not in notes:
        notes.append(text)
