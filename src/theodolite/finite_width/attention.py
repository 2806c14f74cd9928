"""Attention at finite width, of all positions to all: tied with a softmax, or linear.

With h (positions, c), matrices of independent standard normal entries, and k, v the channels of a head's scores and
values:

    SelfAttention     scores = qk_std^2 / (c k) * (h A)(h A)^T,    weights = softmax over the positions heard
    LinearAttention   scores = 1 / (c sqrt(k)) * (h A)(h B)^T,     weights = scores
    both              weight_std / sqrt(c v heads) * sum over heads of weights (h V) O + bias_std * b

weight_std is the product for values and outputs. Given h, with covariance S(x, z) = h(x) h(z)^T / c over positions, the
output of the first has covariance weight_std^2 W(x) S(x, z) W(z)^T + bias_std^2, where the attention weights W(x) tend
to softmax(qk_std^2 S(x, x)) as k grows; that of the second is, at any width, weight_std^2 S(x, z) * (sum of the squares
of all entries of S(x, z)) + bias_std^2.

A layer of inner width w has ceil(sqrt(w)) heads with k = w and at least w values in all when tied, where the scores
must settle; w heads with k = v = ceil(sqrt(w)) when linear, where heads must be many.
Source: Hron, Bahri, Sohl-Dickstein and Novak (2020), arXiv:2006.10540, sections 3.1 and 3.2.
"""

import math
from collections.abc import Iterator

import jax
import jax.numpy as jnp

from theodolite.architectures import LinearAttention, SelfAttention
from theodolite.finite_width.positions import positions_of
from theodolite.finite_width.rules import Shape, Tree, forward, parameters
from theodolite.finite_width.sizes import Size
from theodolite.finite_width.weights import check_channels, scaled, with_bias


@parameters.register
def _(node: SelfAttention, shape: Shape, sizes: Iterator[Size]) -> tuple[Tree, Shape]:
    positions_of(node, shape)
    channels, inner = next(sizes)
    heads = _root(inner)
    values = -(-inner // heads)
    arrays = {
        "query_key": (heads, shape[-1], inner),
        "value": (heads, shape[-1], values),
        "output": (heads, values, channels),
    }
    return with_bias(node, arrays, channels), (*shape[:-1], channels)


@forward.register
def _(node: SelfAttention, params: Tree, h: jax.Array, key: jax.Array | None) -> jax.Array:
    """The tied formula at the top. Cost: heads * positions^2 * (inner + values) products for each input."""
    queries = _heads(h, params["query_key"])
    fan_in, inner = params["query_key"].shape[1:]
    scores = node.qk_std**2 / (fan_in * inner) * jnp.einsum("nhik,nhjk->nhij", queries, queries)
    return _weighed(node, params, h, jax.nn.softmax(scores, axis=-1))


@parameters.register
def _(node: LinearAttention, shape: Shape, sizes: Iterator[Size]) -> tuple[Tree, Shape]:
    positions_of(node, shape)
    channels, heads = next(sizes)
    each = (heads, shape[-1], _root(heads))
    arrays = {"query": each, "key": each, "value": each, "output": (heads, _root(heads), channels)}
    return with_bias(node, arrays, channels), (*shape[:-1], channels)


@forward.register
def _(node: LinearAttention, params: Tree, h: jax.Array, key: jax.Array | None) -> jax.Array:
    """The linear formula at the top. Cost: heads * positions^2 * (k + v) products for each input."""
    _, fan_in, size = params["query"].shape
    scores = jnp.einsum("nhik,nhjk->nhij", _heads(h, params["query"]), _heads(h, params["key"]))
    return _weighed(node, params, h, scores / (fan_in * math.sqrt(size)))


def _weighed(node: SelfAttention | LinearAttention, params: Tree, h: jax.Array, weights: jax.Array) -> jax.Array:
    """Values under the weights (n, heads, positions, positions heard), mixed over the heads."""
    positions = check_channels(node, h, params["value"].shape[1])
    mixed = jnp.einsum("nhij,nhjv->nhiv", weights, _heads(h, params["value"]))
    total = jnp.einsum("nhiv,hvo->nio", mixed, params["output"])
    total = total.reshape(h.shape[0], *positions, total.shape[-1])
    return scaled(node, params, total, math.prod(params["value"].shape))


def _heads(h: jax.Array, matrices: jax.Array) -> jax.Array:
    """(n, *positions, channels) times one matrix a head: (n, heads, positions in one axis, k)."""
    return jnp.einsum("nic,hck->nhik", h.reshape(h.shape[0], -1, h.shape[-1]), matrices)


def _root(width: int) -> int:
    return math.isqrt(width - 1) + 1
