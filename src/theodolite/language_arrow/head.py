"""What all networks share: the token of the beginning, layer normalisation, the head."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

EPSILON = 1e-5


def shifted(windows: Int[Array, "b l"], beginning: int) -> Int[Array, "b l"]:
    """What a network reads to predict `windows`: the token of the beginning, then all but the last token."""
    first = jnp.full((windows.shape[0], 1), beginning, windows.dtype)
    return jnp.concatenate([first, windows[:, :-1]], axis=1)


def normalised(x: Float[Array, "*n d"], gain: Float[Array, " d"]) -> Float[Array, "*n d"]:
    """Layer normalisation with a gain and no bias."""
    centred = x - x.mean(axis=-1, keepdims=True)
    return gain * centred * jax.lax.rsqrt(jnp.square(centred).mean(axis=-1, keepdims=True) + EPSILON)


def normal(key: Array, shape: tuple[int, ...], deviation: float) -> Float[Array, "..."]:
    """Gaussian numbers in float32, whatever JAX's global precision."""
    return deviation * jax.random.normal(key, shape, jnp.float32)
