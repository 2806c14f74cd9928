"""Tangent kernels layer by layer: what enters a layer times what comes back to it, without a Jacobian.

For h' = s h W + b, the derivative by W of output o for input x is s times the sum over positions of h(x) D_o(x)', D_o
the derivative by h'. So a dense layer adds s^2 (h(x) . h(z)) (D_o(x) . D_p(z)) to the kernel: two small products in
place of one over all its weights.
"""

import math
from functools import singledispatch
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from theodolite.architectures import Conv, Dense, Node, ParallelSum, Residual, Serial, name_of
from theodolite.finite_width.branches import sentence
from theodolite.finite_width.network import Network
from theodolite.finite_width.positions import borders, padded, shifted, window_and_strides
from theodolite.finite_width.rules import Tree, forward


class NotFactored(Exception):
    """An architecture with weights outside Dense and Conv layers."""


class Factor(NamedTuple):
    """One layer of weights: what it reads, (n, positions, fan_in); the derivatives of the outputs by what it returns,
    (n, outputs, positions, channels); the square of its weight scale and of its bias scale."""

    read: jax.Array
    back: jax.Array
    weight: float
    bias: float


class Taps:
    """Where a forward pass is listened to: `read` and `returned` of each layer of weights; `probes` are added there."""

    def __init__(self, probes: list[jax.Array] | None = None) -> None:
        self.probes = probes
        self.nodes: list[Any] = []
        self.read: list[jax.Array] = []
        self.returned: list[jax.Array] = []

    def __call__(self, node: Node, read: jax.Array, returned: jax.Array) -> jax.Array:
        if self.probes is not None:
            returned = returned + self.probes[len(self.nodes)]
        self.nodes.append(node)
        self.read.append(read.reshape(len(read), -1, read.shape[-1]))
        self.returned.append(returned)
        return returned


@singledispatch
def tapped(node: Node, params: Tree, h: jax.Array, taps: Taps) -> jax.Array:
    """`forward` that goes through the taps. Raises: NotFactored."""
    if params:
        raise NotFactored(repr(node))
    return forward(node, params, h, None)


@tapped.register
def _(node: Serial, params: Tree, h: jax.Array, taps: Taps) -> jax.Array:
    for index, part in enumerate(node):
        h = tapped(part, params.get(name_of(index, part), {}), h, taps)
    return h


@tapped.register
def _(node: Residual, params: Tree, h: jax.Array, taps: Taps) -> jax.Array:
    return h + tapped(sentence(node.branch), params, h, taps)


@tapped.register
def _(node: ParallelSum, params: Tree, h: jax.Array, taps: Taps) -> jax.Array:
    branches = enumerate(map(sentence, node.branches))
    first, *others = (tapped(branch, params.get(f"branch_{i}", {}), h, taps) for i, branch in branches)
    return sum(others, start=first)


@tapped.register
def _(node: Dense, params: Tree, h: jax.Array, taps: Taps) -> jax.Array:
    return taps(node, h, forward(node, params, h, None))


@tapped.register
def _(node: Conv, params: Tree, h: jax.Array, taps: Taps) -> jax.Array:
    wide = padded(h, borders(node, h.shape[1:-1], node.padding), node.padding)
    seen = [part for _, part in shifted(wide, *window_and_strides(node, h.shape[1:-1]))]
    return taps(node, jnp.concatenate(seen, axis=-1), forward(node, params, h, None))


def layer_sizes(network: Network, params: Tree, X: Any) -> list[tuple[int, int, int]]:
    """(positions, fan_in, channels) of each layer of weights, without computing anything. Raises: NotFactored."""

    def run(p: Tree, x: Any) -> tuple[list[jax.Array], list[jax.Array]]:
        taps = Taps()
        tapped(network.net, p, x, taps)
        return taps.read, taps.returned

    read, returned = jax.eval_shape(run, params, X[:1])
    return [(a.shape[1], a.shape[2], b.shape[-1]) for a, b in zip(read, returned, strict=True)]


def factors(network: Network, params: Tree, X: jax.Array) -> list[Factor]:
    """The factors of all layers for a batch (n, ...). Cost: a forward pass and as many backward ones as outputs."""

    def returned() -> list[jax.Array]:
        taps = Taps()
        tapped(network.net, params, X, taps)
        return taps.returned

    def run(probes: list[jax.Array]) -> tuple[jax.Array, list[jax.Array]]:
        taps = Taps(probes)
        value = tapped(network.net, params, X, taps)
        nodes.extend(taps.nodes)
        return value.reshape(len(X), -1), taps.read

    nodes: list[Any] = []
    zeros = [jnp.zeros(of.shape, of.dtype) for of in jax.eval_shape(returned)]
    value, pull, read = jax.vjp(run, zeros, has_aux=True)
    one_output = jnp.broadcast_to(
        jnp.eye(value.shape[1], dtype=value.dtype)[:, None, :], (value.shape[1], *value.shape)
    )
    (back,) = jax.vmap(pull)(one_output)
    return [
        Factor(a, _outputs_second(d), node.weight_std**2 / a.shape[-1], node.bias_std**2)
        for node, a, d in zip(nodes, read, back, strict=False)
    ]


def _outputs_second(back: jax.Array) -> jax.Array:
    """(outputs, n, *positions, channels) as (n, outputs, positions, channels)."""
    outputs, n, channels = back.shape[0], back.shape[1], back.shape[-1]
    return jnp.swapaxes(back.reshape(outputs, n, -1, channels), 0, 1)


def contracted(left: list[Factor], right: list[Factor], trace: bool) -> jax.Array:
    """The kernel from the factors of two batches: (n, m) when traced over the outputs, else (n, m, k, k)."""
    parts = [_layer(a, b, trace) for a, b in zip(left, right, strict=True)]
    return sum(parts[1:], start=parts[0])


def _layer(a: Factor, b: Factor, trace: bool) -> jax.Array:
    _, outputs, positions, channels = a.back.shape
    if by_gradients(outputs, positions, channels, a.read.shape[-1], len(a.read), len(b.read)):
        kernel = a.weight * _product(_gradients(a), _gradients(b), trace)
    else:
        backs = "iotc,josc->ijts" if trace else "iotc,jpsc->ijopts"
        seen = jnp.einsum("ita,jsa->ijts", a.read, b.read)
        joined = "ijts,ijts->ij" if trace else "ijts,ijopts->ijop"
        kernel = a.weight * jnp.einsum(joined, seen, jnp.einsum(backs, a.back, b.back))
    if a.bias == 0:
        return kernel
    return kernel + a.bias * _product(a.back.sum(axis=2), b.back.sum(axis=2), trace)


def by_gradients(outputs: int, positions: int, channels: int, fan_in: int, n: int, m: int) -> bool:
    """Whether a layer with positions is cheaper through the gradients of its weights than through pairs of positions.

    >>> by_gradients(1, 1, 512, 512, 64, 64), by_gradients(1, 64, 32, 288, 64, 64)
    (False, True)
    """
    weights = channels * fan_in * outputs
    through_weights = (n + m) * positions * weights + n * m * weights
    through_positions = n * m * positions**2 * (fan_in + outputs * channels)
    return positions > 1 and through_weights < through_positions


def _gradients(of: Factor) -> jax.Array:
    """The derivative of each output by the weights, (n, outputs, fan_in * channels)."""
    gradients = jnp.einsum("ita,iotc->ioac", of.read, of.back)
    return gradients.reshape(*gradients.shape[:2], math.prod(gradients.shape[2:]))


def _product(a: jax.Array, b: jax.Array, trace: bool) -> jax.Array:
    """Inner products of (n, k, p) with (m, k, p)."""
    if trace:
        return a.reshape(len(a), -1) @ b.reshape(len(b), -1).T
    return jnp.einsum("iop,jqp->ijoq", a, b)
