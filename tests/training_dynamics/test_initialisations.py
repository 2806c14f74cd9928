"""Orthogonal weights: blocks that are orthonormal, Haar moments, and the set-up they serve."""

import jax
import numpy as np
import pytest

from theodolite.numerics.errors import BadInput
from theodolite.training_dynamics import orthogonal, orthogonal_layers


@pytest.mark.exact
@pytest.mark.parametrize(("fan_in", "channels"), [(4, 4), (4, 10), (7, 3), (5, 1), (1, 3)])
def test_each_block_of_columns_is_orthonormal(fan_in: int, channels: int) -> None:
    W = np.asarray(orthogonal(jax.random.key(1), fan_in, channels))
    assert W.shape == (fan_in, channels)
    for start in range(0, channels, fan_in):
        block = W[:, start : start + fan_in]
        np.testing.assert_allclose(block.T @ block, np.eye(block.shape[1]), atol=1e-6)


@pytest.mark.montecarlo
def test_moments_are_those_of_the_haar_measure() -> None:
    """E Q_11^2 = 1/n, E Q_11^4 = 3 / (n (n + 2)), E (trace Q) = 0 and E (trace Q)^2 = 1: Diaconis and Shahshahani
    (1994). Without the signs of R the diagonal of Q is mostly negative and the trace far from 0."""
    n, draws = 3, 4000
    Q = np.asarray(jax.vmap(lambda key: orthogonal(key, n, n))(jax.random.split(jax.random.key(2), draws)), float)
    trace = np.trace(Q, axis1=1, axis2=2)
    observed = {
        "second": (Q[:, 0, 0] ** 2, 1 / n),
        "fourth": (Q[:, 0, 0] ** 4, 3 / (n * (n + 2))),
        "trace": (trace, 0.0),
        "trace squared": (trace**2, 1.0),
    }
    for name, (values, exact) in observed.items():
        assert abs(values.mean() - exact) < 4.5 * values.std() / np.sqrt(draws), name


@pytest.mark.exact
def test_blocks_layers_and_keys_are_independent() -> None:
    W = np.asarray(orthogonal(jax.random.key(3), 4, 8))
    assert np.abs(W[:, :4] - W[:, 4:]).max() > 0.1
    first, second, third = orthogonal_layers(jax.random.key(3), (4, 4, 4, 1))
    assert np.abs(np.asarray(first["weight"] - second["weight"])).max() > 0.1
    assert third["weight"].shape == (4, 1)
    assert all(not np.any(layer["bias"]) for layer in (first, second, third))


def test_sizes_must_be_positive() -> None:
    with pytest.raises(BadInput, match="fan_in must be a positive integer"):
        orthogonal(jax.random.key(0), 0, 3)
