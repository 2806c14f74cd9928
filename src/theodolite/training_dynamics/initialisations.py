"""How weights are drawn where the standard normal of `finite_width.network` is not what a paper used."""

import jax
import jax.numpy as jnp

from theodolite.numerics.checks import positive_integer


def orthogonal(key: jax.Array, fan_in: int, channels: int) -> jax.Array:
    """Weights whose columns have norm one and are orthonormal within each block of `fan_in` columns.

    W = [Q_1, Q_2, ...], the Q_i independent Haar-distributed orthogonal matrices, cut after `channels` columns.

    Args: key; fan_in, channels, both >= 1. Returns: (fan_in, channels), in JAX's default float.
    Source: Mezzadri (2007), Notices of the AMS 54, for Q: the columns of QR times the signs of the diagonal of R; the
        blocks as in the code of Geiger et al., arXiv:1809.09349.
    Cost: O(channels * fan_in^2).

    >>> W = orthogonal(jax.random.key(0), 3, 3)
    >>> bool(jnp.allclose(W.T @ W, jnp.eye(3), atol=1e-6))
    True
    """
    fan_in, channels = positive_integer(fan_in, "fan_in"), positive_integer(channels, "channels")
    blocks = -(-channels // fan_in)
    Q, R = jnp.linalg.qr(jax.random.normal(key, (blocks, fan_in, fan_in)))
    Q = Q * jnp.sign(jnp.diagonal(R, axis1=1, axis2=2))[:, None, :]
    return jnp.concatenate(list(Q), axis=1)[:, :channels]


def orthogonal_layers(key: jax.Array, sizes: tuple[int, ...]) -> list[dict[str, jax.Array]]:
    """A fully connected network: `orthogonal` weights and zero biases from each size to the next.

    >>> [layer["weight"].shape for layer in orthogonal_layers(jax.random.key(0), (10, 4, 1))]
    [(10, 4), (4, 1)]
    """
    keys = jax.random.split(key, len(sizes) - 1)
    return [
        {"weight": orthogonal(own, a, b), "bias": jnp.zeros(b)}
        for own, a, b in zip(keys, sizes[:-1], sizes[1:], strict=True)
    ]
