"""Matrix products whose gradients run at full speed on a processor.

The gradient of weights is x.T @ y, which the compiler computes at half its usual speed when x has more columns than y.
Then (y.T @ x).T is computed here instead, behind a barrier, without which the compiler turns it back.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float


@jax.custom_vjp
def times(x: Float[Array, "*b n m"], w: Float[Array, "*b m p"]) -> Float[Array, "*b n p"]:
    """x @ w, with equal leading axes."""
    return x @ w


@jax.custom_vjp
def times_transposed(x: Float[Array, "*b n m"], w: Float[Array, "*b p m"]) -> Float[Array, "*b n p"]:
    """x @ w.T in the last two axes, with equal leading axes."""
    return x @ _turned(w)


def turned_times(x: Float[Array, "*b n m"], y: Float[Array, "*b n p"]) -> Float[Array, "*b m p"]:
    """x.T @ y in the last two axes."""
    if x.shape[-1] <= y.shape[-1]:
        return _turned(x) @ y
    return _turned(jax.lax.optimization_barrier(_turned(y) @ x))


def _turned(x: Array) -> Array:
    return jnp.swapaxes(x, -1, -2)


times.defvjp(
    lambda x, w: (x @ w, (x, w)),
    lambda kept, slope: (slope @ _turned(kept[1]), turned_times(kept[0], slope)),
)
times_transposed.defvjp(
    lambda x, w: (x @ _turned(w), (x, w)),
    lambda kept, slope: (slope @ kept[1], turned_times(slope, kept[0])),
)
