"""The empirical tangent kernel: identities that hold at any width, and means that the theory gives."""

import functools
import math
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.integrate import dblquad, quad
from scipy.special import softmax

from theodolite.architectures import (
    BatchNorm,
    Dense,
    LayerNorm,
    LinearAttention,
    Node,
    Relu,
    SelfAttention,
    Serial,
    Tanh,
    balanced,
)
from theodolite.finite_width import Network, network

from .quick import drawn_params, quickly
from .tangent import tangent_gram

SIGMAS = 4.5  # two-sided tail 7e-6
X = np.array([[1.0, -0.5, 0.3], [0.2, 0.9, -1.1], [-0.7, 0.1, 0.4]])


def gram_of(f: Network, *arrays: Any) -> np.ndarray:
    """The empirical tangent kernel, compiled."""
    return np.asarray(quickly(lambda *arrays: tangent_gram(f, *arrays))(*arrays))


def means(draw: Callable[[Any], Any], count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard error of `draw(key)` over independent keys."""
    values = np.asarray(jax.jit(jax.vmap(draw))(jax.random.split(jax.random.key(seed), count)), dtype=np.float64)
    return values.mean(0), values.std(0, ddof=1) / math.sqrt(count)


@pytest.mark.exact
def test_jacobians_and_layers_give_one_kernel(double: None) -> None:
    """T9: sum over layers of backward signals times forward activations, by hand for one hidden layer."""
    f = network(Dense(1.2, 0.3) >> Tanh() >> Dense(0.8, 0.5), 7)
    params = drawn_params(f, (3,), "float64")
    W, b = params["0_dense"]["weight"], params["0_dense"]["bias"]
    before = 1.2 / math.sqrt(3) * X @ W + 0.3 * b
    back = 0.8 / math.sqrt(7) * (1 - np.tanh(before) ** 2) * params["2_dense"]["weight"][:, 0]
    first = back @ back.T * (1.2**2 * X @ X.T / 3 + 0.3**2)
    last = 0.8**2 * np.tanh(before) @ np.tanh(before).T / 7 + 0.5**2
    gram = gram_of(f, params, X)
    np.testing.assert_allclose(gram, first + last, rtol=1e-12)
    np.testing.assert_allclose(gram_of(f, params, X[:2], X[1:]), gram[:2, 1:], rtol=1e-12)


@pytest.mark.exact
@pytest.mark.parametrize(("activation", "depth", "beta"), [(Relu(), 4, 0.1), (Tanh(), 4, 0.5), (Relu(), 2, 0.0)])
def test_batch_norm_leaves_the_constant_mode_to_the_last_bias(
    activation: Any, depth: int, beta: float, double: None
) -> None:
    """T22: the mean of the Gram matrix is beta^2 for any parameters. Source: Jacot et al. (2019), arXiv:1907.05715."""
    points = np.random.default_rng(7).standard_normal((12, 4))
    plain = balanced(activation.standardised(), depth, beta)
    normed = Serial((*plain.nodes[:-1], BatchNorm(), plain.nodes[-1]))
    without, found = (
        float(gram_of(f, drawn_params(f, (4,), "float64"), points).mean())
        for f in (network(plain, 24), network(normed, 24))
    )
    assert abs(found - beta**2) < 1e-10
    assert without > beta**2 + 0.01


@functools.cache
def tanh_moments(a: float, c: float, b: float) -> tuple[float, float]:
    """E tanh(u) tanh(v) and E tanh'(u) tanh'(v), by quadrature over the density; covariance ((a, c), (c, b))."""
    first, along = math.sqrt(a), c / math.sqrt(a)
    across = math.sqrt(max(b - along**2, 0.0))

    def mean(g: Callable[[float], float]) -> float:
        def integrand(t: float, s: float) -> float:
            return g(first * s) * g(along * s + across * t) * math.exp(-(s * s + t * t) / 2) / (2 * math.pi)

        if across < 1e-9:
            return quad(lambda s: g(first * s) ** 2 * math.exp(-s * s / 2) / math.sqrt(2 * math.pi), -9, 9)[0]
        return dblquad(integrand, -8, 8, -8, 8, epsabs=1e-7, epsrel=1e-7)[0]

    return mean(math.tanh), mean(lambda x: 1 - math.tanh(x) ** 2)


def relu_moments(a: float, c: float, b: float) -> tuple[float, float]:
    """E relu(u) relu(v) and E relu'(u) relu'(v), by quadrature over the angle of the normal plane, where E r^2 = 2."""
    first, along = math.sqrt(a), c / math.sqrt(a)
    across = math.sqrt(max(b - along**2, 0.0))

    def pair(angle: float) -> tuple[float, float]:
        return first * math.cos(angle), along * math.cos(angle) + across * math.sin(angle)

    edges = sorted(math.atan2(-along, across) % math.pi + k * math.pi for k in range(2))
    breaks = [math.pi / 2, 3 * math.pi / 2, *edges]

    def mean(g: Callable[[float], float]) -> float:
        def integrand(angle: float) -> float:
            u, v = pair(angle)
            return g(u) * g(v) / (2 * math.pi)

        return quad(integrand, 0, 2 * math.pi, points=breaks, limit=200)[0]

    return 2 * mean(lambda x: max(x, 0.0)), mean(lambda x: float(x > 0))


@pytest.mark.montecarlo
@pytest.mark.parametrize(("activation", "moments"), [(Tanh(), tanh_moments), (Relu(), relu_moments)])
@pytest.mark.parametrize("width", [1, 8])
def test_one_hidden_layer_has_the_limiting_kernel_as_its_mean_at_any_width(
    activation: Any, moments: Callable[..., Any], width: int
) -> None:
    """T10, without any allowance."""
    f = network(Dense(1.3, 0.4) >> activation >> Dense(0.9, 0.2), width)
    found, error = means(lambda key: tangent_gram(f, f.init(key, (3,)), X.astype("float32")), 5000)
    one = 1.3**2 * X @ X.T / 3 + 0.4**2
    for i, j in [(0, 0), (0, 1), (1, 2)]:
        value, slope = moments(one[i, i], one[i, j], one[j, j])
        exact = 0.9**2 * value + 0.2**2 + 0.9**2 * slope * one[i, j]
        assert abs(found[i, j] - exact) < SIGMAS * error[i, j]
        assert error[i, j] < 0.1 * abs(one).max()


@pytest.mark.montecarlo
def test_outputs_are_uncorrelated_and_alike_in_the_mean() -> None:
    """T12: blocks of different outputs vanish in the mean, blocks of one output agree."""
    f = network(Dense() >> Tanh() >> Dense(), 16, outputs=2)

    def blocks(key: Any) -> Any:
        params = f.init(key, (3,))
        rows = [leaf.reshape(3, 2, -1) for leaf in jax.tree.leaves(jax.jacrev(f.apply)(params, X.astype("float32")))]
        gram = sum(jnp.einsum("iop,jqp->oqij", row, row) for row in rows)
        return jnp.stack([gram[0, 1], gram[0, 0] - gram[1, 1]])

    found, error = means(blocks, 2000)
    assert (np.abs(found) < SIGMAS * error + 1e-6).all()


@pytest.mark.montecarlo
def test_layer_norm_after_the_activation_acts_as_a_normalised_activation() -> None:
    """T23. The diagonal to expect is that of normalised ReLU, 7.6243520988, on the sphere of radius sqrt(d)."""
    beta, width, draws = 0.1, 200, 40
    points = np.random.default_rng(5).standard_normal((3, 4))
    points = (2 * points / np.linalg.norm(points, axis=1, keepdims=True)).astype("float32")
    nodes: list[Node] = []
    for node in balanced(Relu(), 4, beta):
        nodes += [node, LayerNorm()] if isinstance(node, Relu) else [node]
    f = network(Serial(tuple(nodes)), width)
    found, error = means(lambda key: jnp.diagonal(tangent_gram(f, f.init(key, (4,)), points)), draws)
    expected = 7.6243520988
    assert (np.abs(found - expected) < SIGMAS * error + 1.5 * expected / width).all()
    assert (np.abs(found - 3.9404) > 2).all()  # of ReLU that is only standardised


def sequences() -> tuple[np.ndarray, np.ndarray]:
    """Two inputs (3, 2) and their covariances over positions (2, 2, 3, 3)."""
    h = np.random.default_rng(9).uniform(0.2, 1.5, (2, 3, 2))
    return h, np.einsum("xic,yjc->xyij", h, h) / 2


@pytest.mark.montecarlo
def test_linear_attention_has_its_limits_as_means_at_any_width() -> None:
    """Covariance w^2 S(x, z) sum of S(x, z)^2 + b^2; each of four matrices adds it to the tangent kernel, bias once."""
    h, S = sequences()
    f = network(LinearAttention(0.9, 0.5), 4)
    x, z = h.astype("float32")

    def draw(key: Any) -> Any:
        params = f.init(key, (3, 2))
        left, right = f.apply(params, x[None])[0, :, 0], f.apply(params, z[None])[0, :, 0]
        return jnp.outer(left, right), tangent_gram(f, params, x[None], z[None])[0, 0]

    values, errors = means(lambda key: jnp.append(*draw(key)), 10_000)
    product, error = values[:-1].reshape(3, 3), errors[:-1].reshape(3, 3)
    limit = 0.9**2 * S[0, 1] * (S[0, 1] ** 2).sum()
    assert (np.abs(product - limit - 0.25) < SIGMAS * error).all()
    assert (error < 0.1 * limit).all()
    assert (
        abs(values[-1] - (4 * limit + 0.25).diagonal().mean()) < SIGMAS * errors[-1]
    )  # one kernel a position, averaged


@pytest.mark.montecarlo
def test_tied_attention_tends_to_the_softmax_of_the_covariance() -> None:
    h, S = sequences()
    width = 100
    f = network(SelfAttention(1.4, 0.9, 0.5), width)
    weights = [softmax(1.4**2 * S[i, i], axis=-1) for i in range(2)]
    limit = 0.9**2 * weights[0] @ S[0, 1] @ weights[1].T + 0.25
    points = h.astype("float32")

    def draw(key: Any) -> Any:
        values = f.apply(f.init(key, (3, 2)), points)[..., 0]
        return jnp.outer(values[0], values[1])

    product, error = means(draw, 2000)
    assert (np.abs(product - limit) < SIGMAS * error + 2 * limit.max() / width).all()
    even = 0.9**2 * S[0, 1].mean() + 0.25
    assert np.abs(limit - even).max() > SIGMAS * error.max()  # what attention to all alike would give is told apart
