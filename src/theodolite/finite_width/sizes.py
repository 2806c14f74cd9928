"""How wide each layer of weights is: hidden layers take `width`, the last ones `outputs`."""

from typing import Any, NamedTuple

import numpy as np

from theodolite.architectures import Node, ParallelSum, Residual, Serial, layers_with_weights
from theodolite.numerics.checks import positive_integer
from theodolite.numerics.errors import BadInput, ShapeMismatch


class Size(NamedTuple):
    """`channels`: what a layer returns; `inner`: the width of its own inner arrays, which attention has."""

    channels: int
    inner: int


def sizes_of(net: Node, width: Any, outputs: int) -> tuple[Size, ...]:
    """The size of every layer of weights, in the order of `layers_with_weights`.

    Args: net; width, a number, or one for each hidden layer of weights; outputs, for the layers after which no other
        weights come (in a sum of branches, the last of each branch). The inner width of such a layer is that of the
        hidden layer before it.
    Returns: one Size a layer. Raises: BadInput without any layer of weights, ShapeMismatch for a wrong count.

    >>> from theodolite.architectures import Dense, Relu
    >>> sizes_of(Dense() >> Relu() >> Dense() >> Relu() >> Dense(), (4, 5), outputs=2)
    (Size(channels=4, inner=4), Size(channels=5, inner=5), Size(channels=2, inner=5))
    """
    last = _last(net)
    if not last:
        raise BadInput(f"{net!r} has no layer of weights and so nothing to draw; add one, as in ... >> Dense()")
    outputs = positive_integer(outputs, "outputs")
    hidden = last.count(False)
    if np.ndim(width) == 0:
        inner = positive_integer(width, "width")
        return tuple(Size(outputs if ends else inner, inner) for ends in last)
    widths = [positive_integer(each, "each width") for each in width]
    if len(widths) != hidden:
        raise ShapeMismatch(
            f"width has {len(widths)} entries, the architecture {hidden} hidden layers of weights (the last ones get "
            f"outputs={outputs}); give {hidden} entries or one number for all"
        )
    sizes, inner = [], outputs
    for ends in last:
        inner = inner if ends else widths.pop(0)
        sizes.append(Size(outputs if ends else inner, inner))
    return tuple(sizes)


def _last(net: Node) -> list[bool]:
    """For each layer of weights: is it the last on its way to the output?"""
    if isinstance(net, Serial):
        flags: list[bool] = []
        for node in reversed(net.nodes):
            flags = ([False] * len(layers_with_weights(node)) if flags else _last(node)) + flags
        return flags
    if isinstance(net, ParallelSum):
        return [ends for branch in net.branches for ends in _last(branch)]
    if isinstance(net, Residual):
        return _last(net.branch)
    return [True] * len(layers_with_weights(net))
