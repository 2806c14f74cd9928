"""Other libraries' models, and our networks, give the Hessian that the same function written by hand has."""

import importlib.util

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from theodolite import curvature
from theodolite.architectures import Dense, Tanh
from theodolite.finite_width import from_torch, network
from theodolite.numerics.errors import NotDeterministic

random = np.random.default_rng(4)
X, Y = random.standard_normal((6, 3)).astype(np.float32), random.standard_normal((6, 2)).astype(np.float32)
W, B, V = (random.standard_normal(shape).astype(np.float32) for shape in ((3, 4), (4,), (4, 2)))


def by_hand(params, X):
    W, B, V = params
    return jnp.tanh(X @ W + B) @ V


def reference() -> np.ndarray:
    return np.sort(np.linalg.eigvalsh(curvature.hessian("mse", by_hand, [W, B, V], (X, Y)).dense()))


def agrees(f, params) -> curvature.Problem:
    own = curvature.problem("mse", f, params, (X, Y))
    found = np.linalg.eigvalsh(curvature.hessian(own).dense())
    np.testing.assert_allclose(found, reference(), atol=2e-5 * np.abs(reference()).max())
    return own


@pytest.mark.oracle
def test_our_networks() -> None:
    net = network(Dense(bias_std=1.0) >> Tanh() >> Dense(), 4, outputs=2)
    params = {"0_dense": {"weight": W * 3**0.5, "bias": B}, "2_dense": {"weight": V * 2.0}}
    rescaled = [W * 3**0.5, B, V * 2.0]
    found = curvature.problem("mse", net, params, (X, Y))
    expected = curvature.problem("mse", lambda p, X: by_hand([p[0] / 3**0.5, p[1], p[2] / 2.0], X), rescaled, (X, Y))
    assert list(found.layers) == ["0_dense", "2_dense"]
    values = [np.linalg.eigvalsh(curvature.hessian(own).dense()) for own in (found, expected)]
    np.testing.assert_allclose(*values, atol=1e-5)


@pytest.mark.oracle
@pytest.mark.skipif(importlib.util.find_spec("flax") is None, reason="Flax is not installed")
def test_flax_linen_and_nnx() -> None:
    from flax import linen, nnx

    class Model(linen.Module):
        @linen.compact
        def __call__(self, x):
            h = jnp.tanh(linen.Dense(4, name="first")(x))
            return linen.Dense(2, use_bias=False, name="last")(h)

    params = {"params": {"first": {"kernel": W, "bias": B}, "last": {"kernel": V}}}
    own = agrees(lambda p, x: Model().apply(p, x), params)
    assert list(own.layers) == ["params/first", "params/last"]

    class Net(nnx.Module):
        def __init__(self, rngs):
            self.first, self.last = nnx.Linear(3, 4, rngs=rngs), nnx.Linear(4, 2, use_bias=False, rngs=rngs)
            self.dropout = nnx.Dropout(0.5, rngs=rngs)

        def __call__(self, x):
            return self.last(self.dropout(jnp.tanh(self.first(x))))

    model = Net(nnx.Rngs(0))
    model.first.kernel[...], model.first.bias[...], model.last.kernel[...] = map(jnp.asarray, (W, B, V))

    def apply(state, x):
        return nnx.merge(graph, state)(x)

    graph, state = nnx.split(model)
    with pytest.raises(NotDeterministic, match="dropout left on"):
        curvature.problem("mse", apply, state, (X, Y))
    model.eval()
    graph, state = nnx.split(model)
    own = agrees(apply, state)
    assert list(own.layers) == ["first", "last"]


@pytest.mark.oracle
@pytest.mark.skipif(importlib.util.find_spec("equinox") is None, reason="Equinox is not installed")
def test_equinox_modules_are_their_own_parameters() -> None:
    import equinox

    model = equinox.nn.MLP(3, 2, 4, 1, activation=jnp.tanh, use_final_bias=False, key=jax.random.key(0))
    places = lambda m: (m.layers[0].weight, m.layers[0].bias, m.layers[1].weight)  # noqa: E731
    model = equinox.tree_at(places, model, tuple(map(jnp.asarray, (W.T, B, V.T))))
    own = agrees(lambda m, x: jax.vmap(m)(x), model)
    assert list(own.layers) == ["layers/0", "layers/1"]


@pytest.mark.full
@pytest.mark.oracle
def test_torch_modules_through_their_tangent_kernel() -> None:
    torch = pytest.importorskip("torch")
    module = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Tanh(), torch.nn.Linear(4, 2, bias=False))
    with torch.no_grad():
        for weight, value in zip(module.parameters(), (W.T, B, V.T), strict=True):
            weight.copy_(torch.as_tensor(value.copy()))
        outputs = module(torch.as_tensor(X)).numpy()
    gram = from_torch(module).full(X)
    for loss, targets in (("cross_entropy", np.arange(6) % 2),):
        own = curvature.problem(loss, by_hand, [W, B, V], (X, targets))
        expected = np.sort(np.linalg.eigvalsh(curvature.gauss_newton(own).dense()))[::-1][:12]
        found = curvature.gauss_newton_from_gram(gram, loss, outputs, targets)
        np.testing.assert_allclose(found, expected, atol=1e-5 * expected[0])
        np.testing.assert_allclose(curvature.gauss_newton_eigenvalues(own), expected, atol=1e-5 * expected[0])
