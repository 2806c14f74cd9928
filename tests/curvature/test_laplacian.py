"""The Laplacian of a network's outputs against the trace of their dense Hessians."""

import jax
import jax.flatten_util
import jax.numpy as jnp
import numpy as np
import pytest

from theodolite.architectures import Conv, Dense, Dropout, Erf, Node, Relu, Softplus, Tanh
from theodolite.curvature.laplacian import laplacian, residual_trace
from theodolite.experiments.random_networks import parameters_drawn
from theodolite.finite_width import network
from theodolite.numerics.errors import BadInput, NoInfiniteWidthLimit, ShapeMismatch, TooLarge

NETS = {
    2: Dense(bias_std=0.3) >> Tanh() >> Dense(weight_std=1.4),
    3: Dense(weight_std=0.8) >> Softplus() >> Dense(bias_std=0.5) >> Erf() >> Dense(1.2, 0.1),
    4: Dense(1.1, 0.2) >> Tanh() >> Dense(1.3) >> Tanh() >> Dense(0.9, 0.4) >> Softplus().normalised() >> Dense(),
}
HURRIED = {"xla_backend_optimization_level": 0}


def drawn(net: Node, width: int, d: int, outputs: int, rng: np.random.Generator):
    f = network(net, width, outputs)
    params = jax.tree.map(lambda one: one[0], parameters_drawn(f, (d,), 1, rng, np.float64))
    return f, params


@pytest.mark.parametrize("depth", NETS)
def test_it_is_the_trace_of_the_dense_hessian(depth: int, rng: np.random.Generator) -> None:
    f, params = drawn(NETS[depth], 4, 3, 2, rng)
    X = rng.standard_normal((2, 3))
    with jax.enable_x64(True):
        flat, back = jax.flatten_util.ravel_pytree(params)
        dense = jax.jit(jax.hessian(lambda p: f.apply(back(p), X)), compiler_options=HURRIED)(flat)
        expected = np.trace(np.asarray(dense), axis1=2, axis2=3)
    found = laplacian(f, params, X)
    assert found.dtype == np.float64
    assert np.abs(found - expected).max() < 1e-13 * np.abs(expected).max()
    slopes = rng.standard_normal((2, 2))
    residual = np.einsum("nk,nkpp->", slopes, np.asarray(dense))
    assert abs(residual_trace(f, params, X, slopes) - residual) < 1e-12


def test_it_follows_the_precision_of_the_parameters(rng: np.random.Generator) -> None:
    f, params = drawn(NETS[2], 8, 3, 1, rng)
    X = rng.standard_normal((3, 3))
    rounded = laplacian(f, jax.tree.map(lambda leaf: jnp.asarray(leaf, jnp.float32), params), X)
    assert rounded.dtype == np.float32
    assert np.abs(rounded - laplacian(f, params, X)).max() < 1e-5


def test_one_affine_layer_has_none(rng: np.random.Generator) -> None:
    f, params = drawn(Dense(bias_std=1.0), 1, 3, 2, rng)
    assert np.array_equal(laplacian(f, params, np.ones((2, 3))), np.zeros((2, 2)))


def test_what_it_cannot_read_is_refused(rng: np.random.Generator) -> None:
    f, params = drawn(NETS[2], 4, 3, 1, rng)
    with pytest.raises(NoInfiniteWidthLimit, match="Softplus"):
        laplacian(network(Dense() >> Relu() >> Dense(), 4), params, np.ones((1, 3)))
    with pytest.raises(BadInput, match="fully connected"):
        laplacian(network(Dense() >> Tanh() >> Dropout(0.5) >> Dense(), 4), params, np.ones((1, 3)))
    with pytest.raises(BadInput, match="fully connected"):
        laplacian(network(Conv() >> Tanh() >> Dense(), 4), params, np.ones((1, 3)))
    with pytest.raises(BadInput, match="random probes"):
        laplacian(lambda p, x: x, params, np.ones((1, 3)))  # type: ignore[arg-type]
    with pytest.raises(ShapeMismatch, match=r"\(n, d\)"):
        laplacian(f, params, np.ones(3))
    with pytest.raises(ShapeMismatch, match="slopes"):
        residual_trace(f, params, np.ones((2, 3)), np.ones(3))
    with pytest.raises(TooLarge, match="random probes"):
        laplacian(f, params, np.ones((1, 3)), memory_limit=100)
