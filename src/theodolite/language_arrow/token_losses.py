"""Losses of windows, token by token: the mean to train on, all of them to measure with."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from theodolite.language_arrow.windows import Windows, padded


def token_losses(network: Any, windows: Int[Array, "b l"]) -> Float[Array, "b l"]:
    """-log p of every token given those before it in its window, in nats; differentiable."""
    logits = network(windows)
    # a masked sum and not an index: its derivative fuses with that of the softmax, where an index would scatter
    chosen = jnp.where(jnp.arange(logits.shape[-1]) == windows[..., None], logits, 0).sum(axis=-1)
    return jax.nn.logsumexp(logits, axis=-1) - chosen


@eqx.filter_jit
def _compiled(network: Any, windows: Int[Array, "b l"]) -> Float[Array, "b l"]:
    return token_losses(network, windows)


def evaluate(network: Any, windows: Windows, batch: int = 64) -> Float[np.ndarray, "n l"]:
    """Losses of all windows, in batches of one shape, so that one compilation serves all.

    Returns: (n, l), nats, float64 of numbers computed in float32.
    """
    found = [np.asarray(_compiled(network, jnp.asarray(part)))[:many] for part, many in padded(windows, batch)]
    return np.concatenate(found).astype(np.float64) if found else np.zeros(windows.shape)
