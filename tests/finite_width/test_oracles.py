"""Every layer against the literal loop over positions and channels, in double precision."""

import itertools
import math
from typing import Any

import jax
import numpy as np
import pytest
from scipy.signal import correlate

from theodolite.architectures import (
    AveragePool,
    BatchNorm,
    Conv,
    ConvTranspose,
    Dense,
    Dropout,
    Flatten,
    GlobalAveragePool,
    GlobalSumPool,
    LayerNorm,
    LinearAttention,
    Node,
    ParallelSum,
    Relu,
    Reshape,
    Residual,
    SelfAttention,
    SumPool,
    Tanh,
)
from theodolite.finite_width import forward, network

from .quick import drawn_params, quickly

pytestmark = [pytest.mark.oracle, pytest.mark.usefixtures("double")]


def drawn(net: Node, shape: tuple[int, ...], outputs: int = 3, width: int = 4, n: int = 3) -> tuple[Any, Any, Any]:
    """(params of the first node, X, f(X)) as numpy arrays."""
    f = network(net, width, outputs)
    params = drawn_params(f, shape, "float64")
    X = np.random.default_rng(8).standard_normal((n, *shape))
    return next(iter(params.values())), X, np.asarray(quickly(f.apply)(params, X))


def read(node: Node, h: np.ndarray) -> np.ndarray:
    """What a node without parameters makes of a batch."""
    return np.asarray(quickly(lambda h: forward(node, {}, h, None))(h))


def agree(actual: Any, expected: Any) -> None:
    np.testing.assert_allclose(actual, expected, rtol=1e-12, atol=1e-13)


def test_dense_is_the_loop_over_neurons() -> None:
    f = network(Dense(1.3, 0.4) >> Tanh() >> Dense(0.7, 0.2), 5, outputs=2)
    params = drawn_params(f, (4,), "float64")
    one, two = params["0_dense"], params["2_dense"]
    X = np.random.default_rng(0).standard_normal((3, 4))
    expected = np.zeros((3, 2))
    for i, k in itertools.product(range(3), range(2)):
        expected[i, k] = 0.2 * two["bias"][k]
        for j in range(5):
            before = 0.4 * one["bias"][j] + 1.3 / math.sqrt(4) * sum(X[i, m] * one["weight"][m, j] for m in range(4))
            expected[i, k] += 0.7 / math.sqrt(5) * math.tanh(before) * two["weight"][j, k]
    agree(quickly(f.apply)(params, X), expected)


@pytest.mark.parametrize("padding", ["SAME", "VALID", "CIRCULAR"])
@pytest.mark.parametrize(
    ("shape", "window", "strides"),
    [((7, 2), 3, 1), ((8, 1), 4, 2), ((7, 2), 2, 3), ((6, 5, 2), 3, 1), ((6, 7, 2), (2, 3), (2, 3)), ((4, 4, 1), 4, 1)],
)
def test_conv_is_the_correlation_of_scipy(shape: tuple[int, ...], window: Any, strides: Any, padding: str) -> None:
    node = Conv(window, strides, padding, 1.4, 0.3)
    params, X, found = drawn(node, shape)
    weight = params["weight"]
    axes = len(shape) - 1
    window, strides = weight.shape[:axes], np.broadcast_to(strides, axes)
    extra = [
        0 if padding == "VALID" else max((-(-m // s) - 1) * s + w - m, 0)
        for m, w, s in zip(shape[:-1], window, strides, strict=True)
    ]
    border = [(e // 2, e - e // 2) for e in extra]
    kept = tuple(slice(None, None, s) for s in strides)
    expected = np.zeros_like(found)
    for i, out in itertools.product(range(len(X)), range(found.shape[-1])):
        for c in range(shape[-1]):
            wide = np.pad(X[i, ..., c], border, mode="wrap" if padding == "CIRCULAR" else "constant")
            expected[i, ..., out] += correlate(wide, weight[..., c, out], mode="valid", method="direct")[kept]
    agree(found, 1.4 / math.sqrt(math.prod(window) * shape[-1]) * expected + 0.3 * params["bias"])


@pytest.mark.parametrize("padding", ["SAME", "CIRCULAR"])
@pytest.mark.parametrize("edges", ["nominal", "graph"])
@pytest.mark.parametrize(
    ("shape", "window", "strides"),
    [
        ((4, 2), 4, 2),
        ((3, 2), 3, 2),
        ((3, 1), 5, 3),
        ((3, 1), 2, 3),
        ((5, 2), 3, 1),
        ((2, 3, 2), 4, 2),
        ((2, 3, 2), (2, 3), (2, 1)),
    ],
)
def test_deconvolution_is_the_list_of_parents(
    shape: tuple[int, ...], window: Any, strides: Any, edges: str, padding: str
) -> None:
    """T24. Source: Jacot, Gabriel, Ged and Hongler (2019), arXiv:1907.05715."""
    params, X, found = drawn(ConvTranspose(window, strides, padding, edges, 1.4, 0.3), shape)
    weight, axes = params["weight"], len(shape) - 1
    window, strides = np.array(weight.shape[:axes]), np.broadcast_to(strides, axes)
    old, pad = np.array(shape[:-1]), np.maximum(window - strides, 0) // 2
    new = old * strides
    assert found.shape[1:-1] == tuple(new)
    for p in np.ndindex(*new):
        parents = []
        for q in np.ndindex(*old):
            kind = p + pad - strides * q
            kind = kind % new if padding == "CIRCULAR" else kind
            if np.all((kind >= 0) & (kind < window)):
                parents.append((q, tuple(kind)))
        number = np.prod(window / strides) if edges == "nominal" else len(parents)
        total = sum((X[(slice(None), *q)] @ weight[kind] for q, kind in parents), start=np.zeros((len(X), 3)))
        expected = 1.4 / math.sqrt(shape[-1] * max(number, 1e-9)) * total + 0.3 * params["bias"]
        agree(found[(slice(None), *p)], expected)


@pytest.mark.parametrize(
    ("shape", "window", "strides"), [((7, 2), 3, 2), ((6, 5, 2), (2, 3), (1, 2)), ((4, 4, 1), 2, None)]
)
def test_pools_are_sums_and_means_over_windows(shape: tuple[int, ...], window: Any, strides: Any) -> None:
    X = np.random.default_rng(1).standard_normal((2, *shape))
    sums, means = read(SumPool(window, strides), X), read(AveragePool(window, strides), X)
    assert sums.shape == means.shape
    axes = len(shape) - 1
    window, strides = np.broadcast_to(window, axes), np.broadcast_to(window if strides is None else strides, axes)
    assert sums.shape[1:-1] == tuple((m - w) // s + 1 for m, w, s in zip(shape[:-1], window, strides, strict=True))
    for p in np.ndindex(*sums.shape[1:-1]):
        seen = X[(slice(None), *(slice(a * s, a * s + w) for a, s, w in zip(p, strides, window, strict=True)))]
        agree(sums[(slice(None), *p)], seen.sum(tuple(range(1, axes + 1))))
        agree(means[(slice(None), *p)], seen.mean(tuple(range(1, axes + 1))))


def test_global_pools_flatten_and_reshape_keep_their_order() -> None:
    X = np.random.default_rng(2).standard_normal((2, 3, 4, 5))
    agree(read(GlobalSumPool(), X), X.sum((1, 2)))
    agree(read(GlobalAveragePool(), X), X.mean((1, 2)))
    agree(read(Flatten(), X), X.reshape(2, 60))
    agree(read(Reshape((3, 4, 5)), X.reshape(2, 60)), X)


def test_layer_norm_standardises_the_channels_of_each_position() -> None:
    X = np.random.default_rng(3).standard_normal((2, 3, 5))
    found = read(LayerNorm(), X)
    for i, p in np.ndindex(2, 3):
        centred = X[i, p] - X[i, p].mean()
        np.testing.assert_allclose(found[i, p], math.sqrt(5) * centred / np.linalg.norm(centred), rtol=1e-10)


def test_batch_norm_standardises_each_channel_over_batch_and_positions() -> None:
    X = np.random.default_rng(4).standard_normal((6, 3, 2, 4))
    found = read(BatchNorm(), X)
    for c in range(4):
        values = X[..., c]
        np.testing.assert_allclose(found[..., c], (values - values.mean()) / values.std(), rtol=1e-10, atol=1e-11)


@pytest.mark.parametrize("node", [LayerNorm(), BatchNorm()])
def test_constant_units_are_normalised_to_zero_with_finite_slopes(node: Node) -> None:
    constant = jax.numpy.full((4, 3), 0.7)
    assert np.abs(read(node, np.full((4, 3), 0.7))).max() < 1e-6
    slope = quickly(jax.grad(lambda h: forward(node, {}, h, None)[0, 0]))(constant)
    assert np.isfinite(slope).all()


@pytest.mark.parametrize("shape", [(4, 3), (2, 2, 3)])
def test_tied_attention_is_the_loop_over_heads_and_positions(shape: tuple[int, ...]) -> None:
    params, X, found = drawn(SelfAttention(1.3, 0.8, 0.4), shape, outputs=2, width=5)
    A, V, out, b = params["query_key"], params["value"], params["output"], params["bias"]
    heads, c, k = A.shape
    v = V.shape[-1]
    assert (heads, k, v) == (3, 5, 2)
    for x, y in zip(X.reshape(len(X), -1, c), found.reshape(len(X), -1, 2), strict=True):
        for i in range(len(x)):
            expected = 0.4 * b
            for h in range(heads):
                raised = [math.exp(1.3**2 / (c * k) * float((x[i] @ A[h]) @ (x[j] @ A[h]))) for j in range(len(x))]
                mixed = sum(e / sum(raised) * (x[j] @ V[h]) for j, e in enumerate(raised))
                expected = expected + 0.8 / math.sqrt(heads * v * c) * (mixed @ out[h])
            agree(y[i], expected)


def test_linear_attention_is_the_loop_over_heads_and_positions() -> None:
    params, X, found = drawn(LinearAttention(0.8, 0.4), (4, 3), outputs=2, width=5)
    Q, K, V, out = (params[name] for name in ("query", "key", "value", "output"))
    heads, c, k = Q.shape
    assert (heads, k) == (5, 3)
    for x, y in zip(X, found, strict=True):
        for i in range(4):
            expected = 0.4 * params["bias"]
            for h, j in itertools.product(range(heads), range(4)):
                score = (x[i] @ Q[h]) @ (x[j] @ K[h]) / (c * math.sqrt(k))
                expected = expected + 0.8 / math.sqrt(heads * k * c) * score * (x[j] @ V[h]) @ out[h]
            agree(y[i], expected)


def test_branches_add_what_they_make_of_the_same_input() -> None:
    h = np.random.default_rng(5).standard_normal((3, 4))
    agree(read(Residual(Relu()), h), h + np.maximum(h, 0))
    agree(
        read(ParallelSum((Tanh(), Relu(), Tanh() >> Relu())), h),
        np.tanh(h) + np.maximum(h, 0) + np.maximum(np.tanh(h), 0),
    )


def test_dropout_keeps_what_it_keeps_in_proportion_and_rests_without_a_key() -> None:
    h = jax.numpy.ones((100, 50))
    agree(read(Dropout(0.3), h), h)
    dropped = np.asarray(forward(Dropout(0.3), {}, h, jax.random.key(0)))
    agree(np.unique(dropped), [0.0, 1 / 0.7])
    assert abs((dropped > 0).mean() - 0.7) < 4.5 * math.sqrt(0.21 / h.size)
    assert np.any(dropped[0] != dropped[1])  # fresh for each input
    f = network(Dropout(0.5) >> Dropout(0.5) >> Dense(), 1)
    params = {"2_dense": {"weight": jax.numpy.eye(50)}}
    both = np.asarray(f.apply(params, h, key=jax.random.key(1)))
    assert abs((both != 0).mean() - 0.25) < 4.5 * math.sqrt(0.1875 / h.size)  # each layer with draws of its own
