"""The effective ridge as a JAX function: traceable, differentiable, to be mapped over ridges and features."""

from functools import cache
from typing import Any

_MAX_STEPS = 200


def traceable_effective_ridge(eigenvalues: Any, ridge: Any, features: Any) -> Any:
    """`effective_ridge` for use inside JAX programs; differentiable in all arguments by the implicit function theorem.

        dz = s (d ridge + (1/P) sum_k q_k^2 d d_k - (z - ridge)/P dP),     s the slope, q_k = z / (z + d_k)

    Args: eigenvalues (n,), ridge and features, JAX or numpy numbers; nothing is checked, for values may be traced.
    Returns: z, a JAX scalar in JAX's floating dtype: float64 inside `jax.enable_x64(True)`.
    Source: derived from the scalar equation; the loop itself is not differentiated.

    >>> import jax, numpy as np
    >>> spectrum = 1 / np.arange(1.0, 21.0)
    >>> with jax.enable_x64(True):
    ...     z, slope = jax.value_and_grad(traceable_effective_ridge, argnums=1)(spectrum, 1.0, 5.0)
    >>> round(float(z), 9), round(float(slope), 9)
    (1.579359481, 1.067478188)
    """
    return _solver()(eigenvalues, ridge, features)


@cache
def _solver() -> Any:
    import jax
    import jax.numpy as jnp

    def unused(z: Any, d: Any, features: Any) -> tuple[Any, Any, Any]:
        """q and (1 - sum s / P, 1 - sum s^2 / P), s = d / (d + z), in the form that cancels least."""
        positive = d > 0
        q = jnp.where(positive, z / jnp.where(positive, z + d, 1.0), 1.0)
        left = features - d.shape[0]
        return q, (left + q.sum()) / features, (left + (q * (2.0 - q)).sum()) / features

    def newton(d: Any, ridge: Any, features: Any) -> Any:
        near = 4 * jnp.finfo(d.dtype).eps

        def going(state: Any) -> Any:
            z, following, step = state
            return (following < z * (1 - near)) & (step < _MAX_STEPS)

        def step(state: Any) -> Any:
            _, z, count = state
            _, first, second = unused(z, d, features)
            following = z - (z * first - ridge) / second
            return z, jnp.where(following > 0, following, z / 2), count + 1

        start = ridge + d.sum() / features
        z, following, _ = jax.lax.while_loop(going, step, (2 * start, start, 0))
        vanishes = (ridge == 0) & ((d > 0).sum() <= features)
        return jnp.where(vanishes, 0.0, jnp.minimum(z, following))

    @jax.custom_jvp
    def root(d: Any, ridge: Any, features: Any) -> Any:
        return newton(d, ridge, features)

    @root.defjvp
    def _(arguments: Any, tangents: Any) -> Any:
        d, ridge, features = arguments
        d_dot, ridge_dot, features_dot = tangents
        z = root(d, ridge, features)
        q, _, second = unused(z, d, features)
        moved = ridge_dot + (q * q) @ d_dot / features - (z - ridge) / features * features_dot
        return z, moved / second

    def solve(eigenvalues: Any, ridge: Any, features: Any) -> Any:
        return root(*(jnp.asarray(value, dtype=float) for value in (eigenvalues, ridge, features)))

    return solve
