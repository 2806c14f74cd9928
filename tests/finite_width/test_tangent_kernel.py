"""The empirical tangent kernel: all routes against the dense Jacobian, models of other libraries, use as a kernel."""

import importlib.util
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.flatten_util import ravel_pytree

from theodolite.architectures import parse
from theodolite.finite_width import linearise, network, tangent_kernel, taylor
from theodolite.finite_width.tangent_plan import plan
from theodolite.kernel_regression import RidgePath
from theodolite.kernels import gram
from theodolite.numerics.errors import BadInput, ShapeMismatch, TooLarge

random = np.random.default_rng(5)
NETS = {
    "vectors": ("relu*2 bias=0.3", (4,), 3),
    "one output": ("dense erf dense", (4,), 1),
    "images": ("conv(2) relu conv(2, strides=2, padding=circular) flatten dense bias=0.2", (4, 3, 2), 2),
    "pooled": ("conv(2) relu globalaveragepool dense", (5, 4, 2), 2),
    "at positions": ("conv(2) relu dense relu averagepool flatten dense bias=0.1", (6, 2), 2),
    "branches": ("dense residual[relu dense] sum[dense relu | dense] layernorm dense bias=0.1", (4,), 2),
    "attention": ("conv(1) selfattention flatten dense", (4, 2), 1),
}


def dense_jacobian(f: Any, params: Any, X: Any) -> np.ndarray:
    """(n, k, P), row after row, by forward differentiation of the whole batch: another way than all routes."""
    flat, unflatten = ravel_pytree(params)
    return np.asarray(jax.jacfwd(lambda p: f(unflatten(p), X).reshape(len(X), -1))(flat))


@pytest.mark.exact
@pytest.mark.usefixtures("double")
@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=[] if name in ("vectors", "images", "branches") else pytest.mark.full) for name in NETS],
)
def test_all_routes_agree_with_the_dense_jacobian(name: str) -> None:
    text, shape, outputs = NETS[name]
    net = network(parse(text), 6, outputs)
    params = net.init(jax.random.key(1), shape, jnp.float64)
    X, Z = random.standard_normal((4, *shape)), random.standard_normal((3, *shape))
    left, right = dense_jacobian(net.apply, params, jnp.asarray(X)), dense_jacobian(net.apply, params, jnp.asarray(Z))
    full = np.einsum("iop,jqp->ijoq", left, right)
    open_routes = [route.name for route in tangent_kernel(net, params, X, Z, explain=True).routes]
    assert ("layers" in open_routes) == (name != "attention")
    for route in open_routes if name in ("vectors", "attention") else ["layers"]:
        every = tangent_kernel(net, params, X, Z, outputs="full", route=route)
        np.testing.assert_allclose(every, full, atol=1e-10 * np.abs(full).max())
        traced = tangent_kernel(net, params, X, Z, route=route)
        np.testing.assert_allclose(traced, np.einsum("ijoo->ij", full) / outputs, atol=1e-10 * np.abs(full).max())
    if name != "vectors":
        return
    whole = tangent_kernel(net, params, X, outputs="full", block=3)
    np.testing.assert_allclose(whole, np.einsum("iop,jqp->ijoq", left, left), atol=1e-10 * np.abs(full).max())


@pytest.mark.usefixtures("double")
def test_as_a_kernel_it_goes_wherever_kernels_go() -> None:
    net = network(parse("relu*2 bias=0.1"), 32)
    params = net.init(jax.random.key(2), (3,), jnp.float64)
    X, y = random.standard_normal((30, 3)), random.standard_normal(30)
    kernel = tangent_kernel(net, params)
    matrix = gram(kernel, X)
    np.testing.assert_allclose(matrix, tangent_kernel(net, params, X), rtol=1e-14)
    np.testing.assert_allclose(kernel.diagonal(X), matrix.diagonal(), rtol=1e-12)
    np.testing.assert_allclose((2.0 * kernel)(X, X[:5]), 2.0 * matrix[:, :5], rtol=1e-12)
    assert np.array_equal(matrix, matrix.T)
    assert RidgePath(matrix, y).kare(0.1) > 0
    with pytest.raises(BadInput, match="cannot be written"):
        kernel.config()


def test_functions_by_hand_and_by_other_libraries() -> None:
    X = random.standard_normal((5, 3)).astype(np.float32)
    params = {"a": jnp.ones((3, 4)), "b": jnp.full((4,), 0.5)}

    def by_hand(p: Any, x: Any) -> Any:
        return jnp.tanh(x @ p["a"]) @ p["b"]

    expected = np.einsum("iop,jop->ij", *2 * [dense_jacobian(by_hand, params, X)])
    for route in ("jacobian", "products"):
        np.testing.assert_allclose(tangent_kernel(by_hand, params, X, route=route), expected, rtol=1e-5)
    assert tangent_kernel(by_hand, params, X).dtype == np.float32
    assert "by_hand" in repr(tangent_kernel(by_hand, params))


@pytest.mark.oracle
@pytest.mark.skipif(importlib.util.find_spec("flax") is None, reason="Flax is not installed")
def test_flax_modules() -> None:
    from flax import linen

    class Small(linen.Module):
        @linen.compact
        def __call__(self, x: Any) -> Any:
            return linen.Dense(2)(jnp.tanh(linen.Dense(5)(x)))

    model, X = Small(), random.standard_normal((4, 3)).astype(np.float32)
    params = model.init(jax.random.key(0), X)
    expected = np.einsum("iop,jop->ij", *2 * [dense_jacobian(model.apply, params, X)]) / 2
    np.testing.assert_allclose(tangent_kernel(model.apply, params, X), expected, rtol=1e-5)


@pytest.mark.oracle
@pytest.mark.skipif(importlib.util.find_spec("equinox") is None, reason="Equinox is not installed")
def test_equinox_modules() -> None:
    import equinox

    model = equinox.nn.MLP(3, 2, 5, 1, key=jax.random.key(0))
    params, static = equinox.partition(model, equinox.is_array)
    X = random.standard_normal((4, 3)).astype(np.float32)

    def f(p: Any, x: Any) -> Any:
        return jax.vmap(equinox.combine(p, static))(x)

    expected = np.einsum("iop,jop->ij", *2 * [dense_jacobian(f, params, X)]) / 2
    np.testing.assert_allclose(tangent_kernel(f, params, X), expected, rtol=1e-5)


@pytest.mark.exact
@pytest.mark.usefixtures("double")
def test_taylor_polynomials_are_exact_for_polynomials_and_close_for_others() -> None:
    def cubic(p: Any, x: Any) -> Any:
        return p["a"] ** 3 * x + p["a"] * p["b"]

    here, there = {"a": 1.2, "b": -0.7}, {"a": 1.5, "b": 0.4}
    x = jnp.array([0.3, 2.0])
    np.testing.assert_allclose(taylor(cubic, here, 3)(there, x), cubic(there, x), rtol=1e-14)
    assert np.abs(taylor(cubic, here, 2)(there, x) - cubic(there, x)).max() == pytest.approx(0.3**3 * 2.0)
    net = network(parse("dense tanh dense"), 16)
    params = net.init(jax.random.key(3), (3,), jnp.float64)
    direction = net.init(jax.random.key(4), (3,), jnp.float64)
    X = random.standard_normal((4, 3))
    for order in (1, 2):
        errors = []
        for size in (0.02, 0.01):
            moved = jax.tree.map(lambda p, d, size=size: p + size * d, params, direction)
            errors.append(np.abs(taylor(net, params, order)(moved, X) - net.apply(moved, X)).max())
        assert errors[0] / errors[1] == pytest.approx(2.0 ** (order + 1), rel=0.15)
    assert np.array_equal(linearise(net, params)(params, X), net.apply(params, X))


def test_the_tangent_kernel_of_the_linearised_network_is_constant() -> None:
    net = network(parse("dense tanh dense"), 8)
    params, others = (net.init(jax.random.key(k), (3,)) for k in (0, 1))
    X = random.standard_normal((4, 3))
    linear = linearise(net, params)
    np.testing.assert_allclose(
        tangent_kernel(linear, others, X), tangent_kernel(net, params, X, route="jacobian"), rtol=2e-5
    )


def test_the_plan_says_what_it_takes_and_why() -> None:
    net = network(parse("relu*3"), 64, 10)
    params = net.init(jax.random.key(0), (20,))
    X = np.zeros((16, 20))
    told = tangent_kernel(net, params, X, explain=True)
    assert told.taken.name == "layers"
    assert told.parameters == 20 * 64 + 2 * 64 * 64 + 64 * 10
    assert "layers" in str(told)
    assert "<- taken" in str(told)
    single = plan(lambda p, x: x @ p, jnp.zeros((10**6, 1)), jnp.zeros((2, 10**6)), jnp.zeros((2, 10**6)), True)
    assert {route.name for route in single.routes} == {"jacobian", "products"}


def test_progress_is_told_and_memory_asked_for() -> None:
    net = network(parse("relu*2"), 64)
    params = net.init(jax.random.key(0), (20,))
    heard: list[tuple[int, int]] = []
    tangent_kernel(net, params, np.ones((9, 20)), block=4, progress=lambda done, total, _: heard.append((done, total)))
    assert heard == [(4, 9), (8, 9), (9, 9)]
    with pytest.raises(TooLarge, match="tangent kernel of 9 x 9 inputs"):
        tangent_kernel(net, params, np.ones((9, 20)), memory_limit=100)


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"outputs": "all"}, BadInput, "'trace' or 'full'"),
        ({"route": "fast"}, BadInput, "no route 'fast'.*open: "),
        ({"params": {}}, BadInput, "empty tree"),
        ({"f": 3}, BadInput, "expected a Network or a function"),
        ({"Z": np.ones((2, 4))}, ShapeMismatch, r"inputs of shape \(3,\) and Z of \(4,\)"),
        ({"block": 0.5}, BadInput, "block"),
        ({"X": None, "outputs": "full"}, BadInput, "give X for 'full'"),
    ],
)
def test_what_cannot_be_computed_is_refused_in_words(change: dict[str, Any], error: type, words: str) -> None:
    net = network(parse("relu"), 4)
    given: dict[str, Any] = {"f": net, "params": net.init(jax.random.key(0), (3,)), "X": np.ones((2, 3))} | change
    with pytest.raises(error, match=words):
        tangent_kernel(**given)
