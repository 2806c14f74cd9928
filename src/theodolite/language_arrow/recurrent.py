"""GRU and LSTM: gates of all times prepared in one product, then a scan over time; the state begins at zero."""

import math
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from theodolite.language_arrow.head import normal, normalised, shifted
from theodolite.language_arrow.sizes import Size

DEVIATION = 0.05
FORGET = 1.0  # bias of the forget gate at the start, Jozefowicz et al. (2015)


class Recurrent(eqx.Module):
    """Embedding, recurrent layers, a last normalisation, the head. The state is not carried across windows."""

    tokens: Float[Array, "v+1 d"]
    into: Float[Array, "k d g"]
    onward: Float[Array, "k d g"]
    bias: Float[Array, "k g"]
    gain: Float[Array, " d"]
    head: Float[Array, "v d"] | None
    kind: str = eqx.field(static=True)
    vocabulary: int = eqx.field(static=True)

    def __init__(self, size: Size, vocabulary: int, key: Array) -> None:
        names = ("tokens", "into", "onward", "head")
        keys = dict(zip(names, jax.random.split(key, len(names)), strict=True))
        k, d, gates = size.layers, size.width, 3 if size.kind == "gru" else 4
        self.tokens = normal(keys["tokens"], (vocabulary + 1, d), DEVIATION)
        self.into = normal(keys["into"], (k, d, gates * d), 1 / math.sqrt(d))
        self.onward = normal(keys["onward"], (k, d, gates * d), 1 / math.sqrt(d))
        bias = jnp.zeros((k, gates * d), jnp.float32)
        self.bias = bias.at[:, d : 2 * d].set(FORGET) if size.kind == "lstm" else bias
        self.gain = jnp.ones(d, jnp.float32)
        self.head = None if size.tied else normal(keys["head"], (vocabulary, d), DEVIATION)
        self.kind, self.vocabulary = size.kind, vocabulary

    def __call__(self, windows: Int[Array, "b l"]) -> Float[Array, "b l v"]:
        x = jnp.swapaxes(self.tokens[shifted(windows, self.vocabulary)], 0, 1)
        step = gru_step if self.kind == "gru" else lstm_step
        for into, onward, bias in zip(self.into, self.onward, self.bias, strict=True):
            state = jnp.zeros(x.shape[1:], x.dtype)
            start = state if self.kind == "gru" else (state, state)

            def at(state: Any, prepared: Any, onward: Any = onward) -> tuple[Any, Any]:
                return step(state, prepared, onward)

            _, x = jax.lax.scan(at, start, x @ into + bias)
        x = normalised(jnp.swapaxes(x, 0, 1), self.gain)
        head = self.tokens[: self.vocabulary] if self.head is None else self.head
        return x @ head.T


def gru_step(h: Any, prepared: Any, onward: Any) -> tuple[Any, Any]:
    """z, r = sigmoid(.), n = tanh(x W + b + r (h U)), h <- (1 - z) n + z h; Cho et al. (2014)."""
    z_x, r_x, n_x = jnp.split(prepared, 3, axis=-1)
    z_h, r_h, n_h = jnp.split(h @ onward, 3, axis=-1)
    z, r = jax.nn.sigmoid(z_x + z_h), jax.nn.sigmoid(r_x + r_h)
    h = (1 - z) * jnp.tanh(n_x + r * n_h) + z * h
    return h, h


def lstm_step(state: Any, prepared: Any, onward: Any) -> tuple[Any, Any]:
    """i, f, o = sigmoid(.), g = tanh(.), c <- f c + i g, h <- o tanh(c); Hochreiter and Schmidhuber (1997)."""
    h, c = state
    i, f, o, g = jnp.split(prepared + h @ onward, 4, axis=-1)
    c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
    h = jax.nn.sigmoid(o) * jnp.tanh(c)
    return (h, c), h
