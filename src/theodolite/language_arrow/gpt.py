"""A GPT: pre-LN blocks with learned positions, after Radford et al. (2019), in the size of the paper or of a laptop."""

import math
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from theodolite.language_arrow.head import normal, normalised, shifted
from theodolite.language_arrow.products import times, times_transposed
from theodolite.language_arrow.sizes import Size

DEVIATION = 0.02
UNROLLED = 6  # layers up to which the compiler sees each block by itself; deeper networks loop over one block


class Blocks(eqx.Module):
    """All blocks at once: the first axis of every array is the layer."""

    gain_attention: Float[Array, "k d"]
    attention: Float[Array, "k d 3d"]
    out: Float[Array, "k d d"]
    gain_wide: Float[Array, "k d"]
    wide: Float[Array, "k d 4d"]
    narrow: Float[Array, "k 4d d"]


class GPT(eqx.Module):
    """Token and position embeddings, pre-LN blocks (gains, no biases, GELU), a last normalisation, the head."""

    tokens: Float[Array, "v+1 d"]
    positions: Float[Array, "l d"]
    blocks: Blocks
    gain: Float[Array, " d"]
    head: Float[Array, "v d"] | None
    heads: int = eqx.field(static=True)
    vocabulary: int = eqx.field(static=True)

    def __init__(self, size: Size, vocabulary: int, context: int, key: Array) -> None:
        names = ("tokens", "positions", "attention", "out", "wide", "narrow", "head")
        keys = dict(zip(names, jax.random.split(key, len(names)), strict=True))
        k, d = size.layers, size.width
        small = DEVIATION / math.sqrt(2 * k)  # of what is added to the stream, so that its variance does not grow
        self.tokens = normal(keys["tokens"], (vocabulary + 1, d), DEVIATION)
        self.positions = normal(keys["positions"], (context, d), DEVIATION)
        self.blocks = Blocks(
            gain_attention=jnp.ones((k, d), jnp.float32),
            attention=normal(keys["attention"], (k, d, 3 * d), DEVIATION),
            out=normal(keys["out"], (k, d, d), small),
            gain_wide=jnp.ones((k, d), jnp.float32),
            wide=normal(keys["wide"], (k, d, 4 * d), DEVIATION),
            narrow=normal(keys["narrow"], (k, 4 * d, d), small),
        )
        self.gain = jnp.ones(d, jnp.float32)
        self.head = None if size.tied else normal(keys["head"], (vocabulary, d), DEVIATION)
        self.heads, self.vocabulary = size.heads, vocabulary

    def __call__(self, windows: Int[Array, "b l"]) -> Float[Array, "b l v"]:
        batch, length = windows.shape
        # tokens of all windows in one long matrix: products of matrices are faster here than products of stacks
        x = (self.tokens[shifted(windows, self.vocabulary)] + self.positions[:length]).reshape(batch * length, -1)
        layers = self.blocks.out.shape[0]

        def block(x: Any, part: Blocks) -> tuple[Any, None]:
            return _block(x, part, (batch, length, self.heads)), None

        x, _ = jax.lax.scan(block, x, self.blocks, unroll=layers if layers <= UNROLLED else 1)
        x = normalised(x, self.gain)
        head = self.tokens[: self.vocabulary] if self.head is None else self.head
        return times_transposed(x, head).reshape(batch, length, -1)


def _block(x: Float[Array, "n d"], part: Blocks, shape: tuple[int, int, int]) -> Float[Array, "n d"]:
    mixed = times(normalised(x, part.gain_attention), part.attention)
    q, k, v = (jnp.swapaxes(one.reshape(*shape, -1), 1, 2) for one in jnp.split(mixed, 3, axis=-1))
    x = x + times(jnp.swapaxes(_attended(q, k, v), 1, 2).reshape(x.shape), part.out)
    return x + times(jax.nn.gelu(times(normalised(x, part.gain_wide), part.wide)), part.narrow)


def _attended(q: Float[Array, "b h l e"], k: Float[Array, "b h l e"], v: Float[Array, "b h l e"]) -> Any:
    """Causal softmax attention, divided by the sum of weights at the end, where there is less to divide."""
    scores = times_transposed(q * q.shape[-1] ** -0.5, k)
    causal = jnp.tril(jnp.ones(scores.shape[-2:], bool))
    scores = jnp.where(causal, scores, jnp.finfo(scores.dtype).min)
    weights = jnp.exp(scores - jax.lax.stop_gradient(scores.max(axis=-1, keepdims=True)))
    return times(weights, v) / weights.sum(axis=-1, keepdims=True)
