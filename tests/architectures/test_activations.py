"""Every activation: its derivative, kinks, homogeneity, dtype, JSON form and rescaled forms, on numpy and JAX."""

import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from theodolite.architectures import (
    Abs,
    Affine,
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
    Monomial,
    Polynomial,
    RbfFeature,
    Relu,
    Sigmoid,
    Sign,
    Sin,
    Softplus,
    SquaredRelu,
    Step,
    Swish,
    Tanh,
    from_config,
)
from theodolite.numerics.errors import BadInput
from theodolite.numerics.gaussian import gaussian_mean

ACTIVATIONS = [
    Identity(),
    Relu(),
    LeakyRelu(0.1),
    Abs(),
    Step(),
    Sign(),
    SquaredRelu(),
    Erf(),
    Gelu(),
    Sin(1.3, 0.7, 0.4),
    Cos(),
    RbfFeature(0.5),
    Exp(0.5),
    Gaussian(),
    Polynomial((0.5, -1.0, 0.2, 0.3)),
    Monomial(1),
    Monomial(3),
    Hermite(1),
    Hermite(4),
    Tanh(),
    Sigmoid(),
    Softplus(),
    Swish(),
    Elu(),
    Affine(Tanh(), 2.0, -0.3),
    Relu().standardised(),
    Gelu().normalised(),
]
X = np.array([-40.0, -3.0, -0.7, -0.01, 0.02, 0.4, 1.5, 6.0])
each = pytest.mark.parametrize("activation", ACTIVATIONS, ids=repr)


@pytest.mark.oracle
@each
def test_derivative_is_that_of_central_differences(activation):
    h = 1e-5
    difference = (activation(X + h) - activation(X - h)) / (2 * h)
    assert np.allclose(activation.derivative(X), difference, rtol=1e-7, atol=1e-8)


@each
def test_the_derivative_jumps_or_bends_only_where_it_says(activation):
    """Between declared bends, second differences on a fine grid stay small; at a declared jump, values do jump."""
    for jump in activation.jumps:
        sides = activation(np.array([jump - 1e-9, jump + 1e-9]))
        assert abs(sides[1] - sides[0]) > 0.1
    if not activation.jumps:
        grid = np.linspace(-3, 3, 6001)
        away = np.min([np.abs(grid - bend) for bend in (*activation.bends, np.inf)], axis=0)[1:] > 2e-3
        assert np.max(np.abs(np.diff(activation.derivative(grid)))[away]) < 0.1


@each
def test_homogeneity_is_what_degree_says(activation):
    factor = 3.0
    if activation.degree is not None:
        assert np.allclose(activation(factor * X), factor**activation.degree * activation(X), rtol=1e-13)
    else:
        assert not any(
            np.allclose(activation(factor * X), factor**degree * activation(X), rtol=1e-6) for degree in range(5)
        )


@each
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_dtype_is_kept(activation, dtype):
    x = X.astype(dtype)
    assert activation(x).dtype == activation.derivative(x).dtype == dtype


@each
def test_jax_and_numpy_agree(activation):
    with jax.enable_x64(True):
        values, slopes = (np.asarray(f(jnp.asarray(X))) for f in (activation, activation.derivative))
        automatic = np.asarray(jax.jvp(activation, (jnp.asarray(X),), (jnp.ones(len(X)),))[1])
    assert np.allclose(values, activation(X), rtol=1e-12, atol=1e-14)
    assert np.allclose(slopes, activation.derivative(X), rtol=1e-12, atol=1e-14)
    assert np.allclose(automatic, slopes, rtol=1e-10, atol=1e-12)


@each
def test_json_and_back(activation):
    again = from_config(json.loads(json.dumps(activation.config())))
    assert again == activation
    assert hash(again) == hash(activation)
    assert np.array_equal(again(X), activation(X))


@pytest.mark.exact
@pytest.mark.parametrize("inner", [Relu(), Tanh(), Gelu(), Softplus(), Cos(), SquaredRelu(), Hermite(3)], ids=repr)
def test_rescaled_forms_have_the_moments_they_promise(inner):
    standardised, normalised = inner.standardised(), inner.normalised()
    assert abs(gaussian_mean(lambda z: standardised(z) ** 2, inner.bends) - 1) < 1e-13
    assert abs(gaussian_mean(lambda z: normalised(z) ** 2, inner.bends) - 1) < 1e-13
    assert abs(gaussian_mean(normalised, inner.bends)) < 1e-13


def test_a_constant_cannot_be_normalised():
    with pytest.raises(BadInput, match="rescaled"):
        _ = Elementwise(lambda x: 0.0 * x + 1.0).normalised().scale


def test_a_function_of_the_users_finds_its_derivative_from_values():
    hat = Elementwise(lambda x: abs(x - 1) + x * x, bends_at=(1.0,))
    assert np.allclose(hat.derivative(X), np.sign(X - 1) + 2 * X, rtol=1e-11, atol=1e-11)
    assert np.allclose(hat.derivative(jnp.asarray(X[1:])), np.sign(X - 1)[1:] + 2 * X[1:], rtol=1e-6)
    assert hat.kinks == hat.bends == (1.0,)
    with pytest.raises(BadInput, match="file"):
        hat.config()


def test_a_given_derivative_is_used():
    assert Elementwise(np.sin, lambda x: 7.0 + 0 * x).derivative(np.zeros(1))[0] == 7.0


@pytest.mark.parametrize(
    "make",
    [
        lambda: RbfFeature(0.0),
        lambda: Monomial(0),
        lambda: Monomial(1.5),  # type: ignore[arg-type]
        lambda: Hermite(-1),
        lambda: Polynomial((1.0,)),
        lambda: Polynomial((1.0, float("nan"))),
        lambda: Elementwise("relu"),  # type: ignore[arg-type]
    ],
)
def test_misuse_is_refused_where_the_object_is_made(make):
    with pytest.raises(BadInput):
        make()
