"""Dense layers at finite width: one matrix over the channels, the same at each position."""

from collections.abc import Iterator

import jax

from theodolite.architectures import Dense
from theodolite.finite_width.rules import Shape, Tree, forward, parameters
from theodolite.finite_width.sizes import Size
from theodolite.finite_width.weights import check_channels, scaled, with_bias


@parameters.register
def _(node: Dense, shape: Shape, sizes: Iterator[Size]) -> tuple[Tree, Shape]:
    channels = next(sizes).channels
    return with_bias(node, {"weight": (shape[-1], channels)}, channels), (*shape[:-1], channels)


@forward.register
def _(node: Dense, params: Tree, h: jax.Array, key: jax.Array | None) -> jax.Array:
    """weight_std / sqrt(fan_in) * h W + bias_std * b. Source: Jacot et al. (2018), arXiv:1806.07572, section 2."""
    fan_in = params["weight"].shape[0]
    check_channels(node, h, fan_in)
    return scaled(node, params, h @ params["weight"], fan_in)
