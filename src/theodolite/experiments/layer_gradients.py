"""Gradients of sums of outputs, layer by layer, for networks drawn at random."""

from functools import lru_cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from theodolite.experiments.key import Key
from theodolite.experiments.random_networks import parameters_drawn
from theodolite.finite_width import Network

CHUNK = 1000  # points a pass: what a gradient keeps of them fits in the cache of a small machine


def layer_products(f: Network, left: np.ndarray, right: np.ndarray, weights: Any, key: Key) -> np.ndarray:
    """<d_l sum_i u_i f(x_i), d_l sum_j v_j f(z_j)> for each layer l of one network drawn at random.

    Args: f; left (n, d), right (m, d), float32, n and m multiples of 1,000 or below it; weights (u (k, n), v (k, m));
        key. Returns: (layers, k), float64. Cost: 2 k gradients.
    """
    params = jax.tree.map(lambda leaf: leaf[0], parameters_drawn(f, left.shape[1:], 1, key.rng(), left.dtype))
    found = [
        [_compiled(f)(params, *_chunks(points, own)) for own in of_points]
        for points, of_points in zip((left, right), weights, strict=True)
    ]
    names = list(params)
    return np.array(
        [
            [sum(float(jnp.vdot(a, b)) for a, b in zip(*map(jax.tree.leaves, (g[name], h[name])), strict=True))
             for g, h in zip(*found, strict=True)]
            for name in names
        ]
    )  # fmt: skip


def layer_grams(f: Network, points: np.ndarray, draws: int, key: Key) -> np.ndarray:
    """Tangent kernels of each layer, for independent networks: (draws, layers, n, n), float64."""
    rng, found = key.rng(), []
    for _ in range(draws):
        params = jax.tree.map(lambda leaf: leaf[0], parameters_drawn(f, points.shape[1:], 1, rng, points.dtype))
        rows = _jacobian(f)(params, points)
        found.append([_gram(rows[name]) for name in params])
    return np.array(found)


def _gram(tree: Any) -> np.ndarray:
    rows = np.concatenate([np.reshape(leaf, (len(leaf), -1)) for leaf in jax.tree.leaves(tree)], axis=1)
    return np.asarray(rows @ rows.T, dtype=np.float64)


def _chunks(points: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    size = min(CHUNK, len(points))
    return points.reshape(-1, size, points.shape[1]), weights.reshape(-1, size)


@lru_cache(maxsize=16)
def _compiled(f: Network) -> Any:
    def gradient(params: Any, points: Any, weights: Any) -> Any:
        def add(total: Any, chunk: Any) -> tuple[Any, None]:
            own = jax.grad(lambda p: jnp.vdot(f.apply(p, chunk[0])[:, 0], chunk[1]))(params)
            return jax.tree.map(jnp.add, total, own), None

        return jax.lax.scan(add, jax.tree.map(jnp.zeros_like, params), (points, weights))[0]

    return jax.jit(gradient)


@lru_cache(maxsize=16)
def _jacobian(f: Network) -> Any:
    return jax.jit(jax.vmap(lambda p, x: jax.grad(lambda q: f.apply(q, x[None])[0, 0])(p), in_axes=(None, 0)))
