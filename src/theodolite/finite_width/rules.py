"""The two rules that read a node at finite width: which arrays it owns, and what it does with them.

A new node registers both with `parameters.register(Node)` and `forward.register(Node)`.
"""

from collections.abc import Iterator
from functools import singledispatch
from typing import Any

import jax

from theodolite.architectures import Node
from theodolite.finite_width.sizes import Size
from theodolite.numerics.errors import BadInput

Shape = tuple[int, ...]
Tree = dict[str, Any]


@singledispatch
def parameters(node: Node, shape: Shape, sizes: Iterator[Size]) -> tuple[Tree, Shape]:
    """The shapes of a node's arrays, by name, and the shape of what it returns for one input.

    Args: node; shape (*positions, channels) of one input; sizes, from which each layer of weights takes its own, in
        the order in which layers are met.
    Returns: a dict of shapes, empty for a node without weights, and the new shape.
    Raises: BadInput or ShapeMismatch when the node cannot read such inputs.

    >>> from theodolite.architectures import Dense
    >>> parameters(Dense(bias_std=0.1), (3,), iter([Size(channels=8, inner=8)]))
    ({'weight': (3, 8), 'bias': (8,)}, (8,))
    """
    raise BadInput(f"{node!r} has no rule at finite width; register one with finite_width.parameters and .forward")


@singledispatch
def forward(node: Node, params: Tree, h: jax.Array, key: jax.Array | None) -> jax.Array:
    """What a node returns for a batch.

    Args: node; params, arrays of the shapes that `parameters` gave; h (n, *positions, channels); key, for the nodes
        that draw at random, or None.
    Returns: (n, *positions, channels), in the dtype of h. Cost: one pass over the batch.

    >>> import jax.numpy as jnp
    >>> from theodolite.architectures import Relu
    >>> forward(Relu(), {}, jnp.array([[-1.0, 2.0]]), None).tolist()
    [[0.0, 2.0]]
    """
    raise BadInput(f"{node!r} has no rule at finite width; register one with finite_width.parameters and .forward")
