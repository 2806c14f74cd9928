"""Sentences, sums of branches and residual blocks at finite width: each part has its own name in the tree."""

from collections.abc import Iterator

import jax

from theodolite.architectures import Node, ParallelSum, Residual, Serial, name_of, nodes_of
from theodolite.finite_width.rules import Shape, Tree, forward, parameters
from theodolite.finite_width.sizes import Size
from theodolite.numerics.errors import ShapeMismatch


@parameters.register
def _(node: Serial, shape: Shape, sizes: Iterator[Size]) -> tuple[Tree, Shape]:
    tree = {}
    for index, part in enumerate(node):
        arrays, shape = parameters(part, shape, sizes)
        if arrays:
            tree[name_of(index, part)] = arrays
    return tree, shape


@forward.register
def _(node: Serial, params: Tree, h: jax.Array, key: jax.Array | None) -> jax.Array:
    for index, part in enumerate(node):
        h = forward(part, params.get(name_of(index, part), {}), h, _own(key, index))
    return h


@parameters.register
def _(node: Residual, shape: Shape, sizes: Iterator[Size]) -> tuple[Tree, Shape]:
    tree, made = parameters(sentence(node.branch), shape, sizes)
    _equal(node, [shape, made])
    return tree, shape


@forward.register
def _(node: Residual, params: Tree, h: jax.Array, key: jax.Array | None) -> jax.Array:
    """h + branch(h)."""
    return h + forward(sentence(node.branch), params, h, key)


@parameters.register
def _(node: ParallelSum, shape: Shape, sizes: Iterator[Size]) -> tuple[Tree, Shape]:
    read = [parameters(sentence(branch), shape, sizes) for branch in node.branches]
    _equal(node, [made for _, made in read])
    return {f"branch_{index}": arrays for index, (arrays, _) in enumerate(read) if arrays}, read[0][1]


@forward.register
def _(node: ParallelSum, params: Tree, h: jax.Array, key: jax.Array | None) -> jax.Array:
    """branch_0(h) + branch_1(h) + ..."""
    first, *others = (
        forward(sentence(branch), params.get(f"branch_{index}", {}), h, _own(key, index))
        for index, branch in enumerate(node.branches)
    )
    return sum(others, start=first)


def sentence(branch: Node) -> Serial:
    """A branch as a sentence, whose nodes have names."""
    return Serial(nodes_of(branch))


def _own(key: jax.Array | None, index: int) -> jax.Array | None:
    return None if key is None else jax.random.fold_in(key, index)


def _equal(node: Node, shapes: list[Shape]) -> None:
    if len(set(shapes)) > 1:
        raise ShapeMismatch(
            f"{node!r} adds arrays of shapes {', '.join(map(str, shapes))}, which must be equal; give its layers equal "
            "widths and positions, and let a Dense() follow, for the last layer of weights has as many channels as "
            "there are outputs"
        )
