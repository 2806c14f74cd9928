"""The empirical tangent kernel by contraction of Jacobians, for tests."""

from typing import Any

import jax
import jax.numpy as jnp

from theodolite.finite_width import Network


def tangent_gram(network: Network, params: Any, X: Any, Z: Any = None) -> jax.Array:
    """sum over parameters of df(x) df(z), averaged over the outputs: (n, m).

    Positions, where there are any, count as outputs. Cost: one Jacobian of n * outputs rows for each set of points.
    """
    left = _rows(network, params, X)
    right = left if Z is None else _rows(network, params, Z)
    blocks = [jnp.einsum("iop,jop->ij", a, b) for a, b in zip(left, right, strict=True)]
    return sum(blocks[1:], start=blocks[0]) / left[0].shape[1]


def _rows(network: Network, params: Any, X: Any) -> list[jax.Array]:
    """For each array of parameters, the Jacobian (n, outputs, entries)."""

    def outputs(p: Any) -> jax.Array:
        return network.apply(p, X).reshape(len(X), -1)

    jacobian = jax.jacrev(outputs)(params)
    return [leaf.reshape(*leaf.shape[:2], -1) for leaf in jax.tree.leaves(jacobian)]
