"""The tangent kernel of a function of parameters, by products with its Jacobian instead of the Jacobian itself."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp


def tangent_gram(f: Callable[[Any], Any], params: Any, g: Callable[[Any], Any] | None = None) -> jax.Array:
    """sum over parameters p of (d f_i / d p) (d g_j / d p): one gradient of f_i, then the derivative of g along it.

    For what `tangent_kernel` does not do: batches whose points are tied together (BatchNorm), and many draws of params
    mapped over in one compiled call.

    Args: f, from a tree of parameters to a vector (n,); params; g, to a vector (m,), f itself by default.
    Returns: (n, m), in the dtype of params. Traceable.
    Source: Jacot, Gabriel and Hongler (2018), arXiv:1806.07572, theorem 1.
    Cost: n backward passes of f and n forward passes of g; memory for n copies of the parameters.

    >>> tangent_gram(lambda p: p["a"] * jnp.array([1.0, 2.0]) + p["b"], {"a": 3.0, "b": 0.5}).tolist()
    [[2.0, 3.0], [3.0, 5.0]]
    """
    values, pull = jax.vjp(f, params)

    def row(direction: jax.Array) -> jax.Array:
        return jax.jvp(g or f, (params,), pull(direction))[1]

    return jax.vmap(row)(jnp.eye(len(values), dtype=values.dtype))
