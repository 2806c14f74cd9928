"""Tangent kernels of any function of parameters: by its Jacobian, or by products with it."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

Function = Callable[[Any, Any], Any]  # f(params, X), X a batch (n, ...), to (n, ...)


def one_at_a_time(f: Function, params: Any) -> Callable[[Any, Any], jax.Array]:
    """g(params, x), the outputs (k,) for one input x."""

    def g(p: Any, x: Any) -> jax.Array:
        return jnp.ravel(f(p, x[None]))

    return g


def jacobian(f: Function, params: Any, X: Any) -> list[jax.Array]:
    """For each array of parameters, the derivatives (n, k, size). Cost: k backward passes an input; n k P numbers."""
    g = one_at_a_time(f, params)
    rows = jax.vmap(lambda x: jax.jacrev(g)(params, x))(X)
    return [leaf.reshape(*leaf.shape[:2], -1) for leaf in jax.tree.leaves(rows)]


def by_jacobians(f: Function, params: Any, X: Any, Z: Any, trace: bool) -> jax.Array:
    """J(X) J(Z)': (n, m) traced over the outputs, else (n, m, k, k)."""
    left = jacobian(f, params, X)
    right = left if Z is X else jacobian(f, params, Z)
    product = (
        (lambda a, b: a.reshape(len(a), -1) @ b.reshape(len(b), -1).T)
        if trace
        else (lambda a, b: jnp.einsum("iop,jqp->ijoq", a, b))
    )
    parts = [product(a, b) for a, b in zip(left, right, strict=True)]
    return sum(parts[1:], start=parts[0])


def by_products(f: Function, params: Any, X: Any, Z: Any, trace: bool) -> jax.Array:
    """The gradient of one output for one input, then the derivative of all outputs for Z along it.

    Cost: n k backward passes of one input, n k forward passes of Z; memory of one gradient at a time.
    """
    g = one_at_a_time(f, params)
    outputs = len(jax.eval_shape(g, params, X[0]))

    def moved(direction: Any) -> jax.Array:
        return jax.jvp(lambda p: f(p, Z).reshape(len(Z), -1), (params,), (direction,))[1]

    def row(x: Any) -> jax.Array:
        pull = jax.vjp(lambda p: g(p, x), params)[1]
        along = [moved(pull(one)[0]) for one in jnp.eye(outputs, dtype=jnp.result_type(*jax.tree.leaves(params)))]
        if trace:
            return sum((part[:, o] for o, part in enumerate(along[1:], 1)), start=along[0][:, 0])
        return jnp.stack(along, axis=1)

    return jax.lax.map(row, X)
