"""Duals on JAX arrays: the same values as on the host, compiled, differentiable, also at parallel points and q = 0."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from theodolite.architectures import (
    Cos,
    Elementwise,
    Elu,
    Erf,
    Exp,
    Gaussian,
    Gelu,
    Hermite,
    Identity,
    LeakyRelu,
    Polynomial,
    Relu,
    Sigmoid,
    Softplus,
    SquaredRelu,
    Step,
    Swish,
    Tanh,
)
from theodolite.infinite_width.duals.dual import dual

TRIPLES = np.array(
    [(1.0, 0.3, 1.0), (0.5, 0.6, 2.0), (1.0, 1.0, 1.0), (1.0, -1.0, 1.0), (0.5, 1.0, 2.0), (0.0, 0.0, 1.0), (0, 0, 0)]
)
SMOOTH = [
    Identity(),
    Erf(),
    Gelu(),
    Cos(),
    Exp(0.5),
    Gaussian(),
    Polynomial((0.5, -1.0, 0.2)),
    Hermite(3),
    Gelu().normalised(),
    Tanh(),
    Sigmoid(),
    Softplus(),
    Swish(),
]
KINKED = [Relu(), LeakyRelu(0.1), SquaredRelu(), Relu().normalised(), Elu()]
HINGE = Elementwise(lambda x: abs(x - 0.5) + x, bends_at=(0.5,))


@pytest.mark.parametrize("activation", [*SMOOTH, *KINKED, HINGE], ids=repr)
def test_jax_and_numpy_agree_and_derivatives_are_finite(activation):
    d, host = dual(activation), TRIPLES.T

    def everything(q1, c, q2):
        def total(q1, c, q2):
            value, slope = d.both(q1, c, q2)
            return value.sum(), (value, slope, d.mean(q1), d.square(q1), d.slope_square(q1))

        return jax.grad(total, argnums=(0, 1, 2), has_aux=True)(q1, c, q2)

    with jax.enable_x64(True):
        quick = jax.jit(everything, compiler_options={"xla_backend_optimization_level": 0})
        gradients, found = quick(*map(jnp.asarray, host))
        gradients, found = [np.asarray(g) for g in gradients], [np.asarray(f) for f in found]
    expected = [*d.both(*host), d.mean(host[0]), d.square(host[0]), d.slope_square(host[0])]
    tolerance = 1e-9 if activation is HINGE else 1e-12
    for one, other in zip(found, expected, strict=True):
        assert one.dtype == np.float64
        assert np.allclose(one, other, rtol=tolerance, atol=tolerance)
    assert all(np.isfinite(g).all() for g in gradients)
    if activation not in [Relu(), LeakyRelu(0.1), SquaredRelu(), Relu().normalised()]:
        assert np.allclose(gradients[1], expected[1], rtol=1e-9, atol=1e-9)  # also where the points are parallel
    else:
        assert np.allclose(gradients[1][:2], expected[1][:2], rtol=1e-10)


@pytest.mark.parametrize("activation", [Relu(), Gelu(), Tanh(), Step()], ids=repr)
def test_single_precision_stays_single(activation):
    triples = [jnp.asarray(part, dtype=jnp.float32) for part in TRIPLES.T]
    value = dual(activation).value(*triples)
    assert value.dtype == jnp.float32
    assert np.allclose(value, dual(activation).value(*TRIPLES.T), atol=1e-5)


def test_inputs_that_meet_have_finite_gradients():
    """Gradient of a Gram of equal, opposite, collinear points and one at the origin, with respect to the points."""
    points = np.array([[1.0, 2.0], [1.0, 2.0], [-1.0, -2.0], [2.0, 4.0], [0.0, 0.0]])

    def total(X, d):
        gram, q = X @ X.T / 2, (X * X).sum(axis=1) / 2
        value, slope = d.both(q[:, None], gram, q[None, :])
        return (value + slope).sum()

    duals = [dual(activation) for activation in (Relu(), SquaredRelu(), Gelu(), Tanh())]
    with jax.enable_x64(True):
        everything = jax.jit(
            lambda X: [jax.grad(total)(X, d) for d in duals],
            compiler_options={"xla_backend_optimization_level": 0},
        )
        gradients = everything(jnp.asarray(points))
    assert all(np.isfinite(np.asarray(gradient)).all() for gradient in gradients)
