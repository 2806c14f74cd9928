"""What all layers of weights share: the names and shapes of their arrays, the scale of the forward pass."""

import math

import jax

from theodolite.architectures import Node
from theodolite.finite_width.rules import Shape, Tree
from theodolite.numerics.errors import ShapeMismatch


def with_bias(node: Node, arrays: Tree, channels: int) -> Tree:
    """The arrays of a layer, and its bias unless bias_std is zero.

    >>> from theodolite.architectures import Dense
    >>> with_bias(Dense(), {"weight": (2, 4)}, 4), with_bias(Dense(bias_std=1), {"weight": (2, 4)}, 4)
    ({'weight': (2, 4)}, {'weight': (2, 4), 'bias': (4,)})
    """
    return {**arrays, "bias": (channels,)} if node.bias_std > 0 else arrays  # type: ignore[attr-defined]


def scaled(node: Node, params: Tree, total: jax.Array, fan_in: float) -> jax.Array:
    """weight_std / sqrt(fan_in) * total + bias_std * bias.

    Args: node with weight_std and bias_std; total (n, *positions, channels), a sum of products of weights and inputs.

    >>> import jax.numpy as jnp
    >>> from theodolite.architectures import Dense
    >>> scaled(Dense(weight_std=3.0), {}, jnp.ones((1, 1)), fan_in=9).item()
    1.0
    """
    total = node.weight_std / math.sqrt(fan_in) * total  # type: ignore[attr-defined]
    return total + node.bias_std * params["bias"] if node.bias_std > 0 else total  # type: ignore[attr-defined]


def check_channels(node: Node, h: jax.Array, channels: int) -> Shape:
    """The positions of a batch, once its channels are those that the weights were drawn for.

    >>> import jax.numpy as jnp
    >>> from theodolite.architectures import Dense
    >>> check_channels(Dense(), jnp.ones((5, 8, 3)), 3)
    (8,)
    """
    if h.shape[-1] != channels:
        raise ShapeMismatch(
            f"{node!r} has weights for {channels} channels, got {h.shape[-1]} in a batch of shape {h.shape}; "
            "draw the parameters with init(key, X.shape[1:])"
        )
    return h.shape[1:-1]
