"""The fast routes against the plain rule, and what holds for every kernel of a network."""

import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from threadpoolctl import threadpool_limits

from theodolite.architectures import Dense, Elementwise, Node, Relu, balanced, parse, plain
from theodolite.infinite_width import NTK, layerwise, limit, nngp, ntk
from theodolite.infinite_width.routes import fully_connected, reading, traced
from theodolite.kernels import Pairs, from_config, gram
from theodolite.numerics.errors import BadInput, NoInfiniteWidthLimit, ShapeMismatch

random = np.random.default_rng(7)
FREE = random.standard_normal((90, 6)) * np.linspace(0.3, 3.0, 90)[:, None]
SPHERE = FREE / np.linalg.norm(FREE, axis=1, keepdims=True) * np.sqrt(6)
OTHERS = random.standard_normal((70, 6))
NETS = [
    "relu*3", "relu*3 bias=0.3", "relu.normalised*4 beta=0.1", "leakyrelu(0.2).standardised*2 bias=0.1", "abs*2",
    "erf*3 bias=0.2", "gelu.normalised*2 bias=0.1", "identity*2 bias=0.5", "squaredrelu*2", "sin*2 beta=0.2",
    "dense dense relu dense gelu", "dense relu residual[dense relu dense] dense", "dense gelu layernorm dense",
    "sum[dense relu | dense relu] dense", "dense relu dropout(0.3) dense relu dense bias=0.2", "relu*40 beta=0.3",
]  # fmt: skip


def plainly(net: Node, X: np.ndarray, Z: np.ndarray | None = None, rates: tuple[float, ...] | None = None):
    return reading.read_pairs(net, Pairs(X, Z), rates, True)


def close(found: np.ndarray, expected: np.ndarray, tolerance: float) -> None:
    assert found.shape == expected.shape
    assert np.abs(found - expected).max() <= tolerance * np.abs(expected).max()


@pytest.mark.exact
@pytest.mark.parametrize("points", [FREE, SPHERE], ids=["free", "sphere"])
@pytest.mark.parametrize("text", NETS)
def test_fast_routes_give_what_the_plain_rule_gives(text: str, points: np.ndarray) -> None:
    net = parse(text)
    for Z in (None, OTHERS):
        found, expected = limit(net)(points, Z), plainly(net, points, Z)
        close(found.nngp, expected.nngp, 1e-12)
        # in deep order cosines come so close to 1 that slopes lose digits: the series has them, the plain rule does not
        close(found.ntk, expected.ntk, 3e-8 if "*40" in text else 5e-12)
        close(ntk(net)(points, Z), found.ntk, 1e-13)
        close(nngp(net)(points, Z), found.nngp, 1e-13)


def test_the_routes_are_the_ones_meant() -> None:
    """So that a route that quietly stepped aside would be seen."""

    def takes(text: str, X: np.ndarray) -> bool:
        return fully_connected.fill(parse(text), Pairs(X), None, True, True) is not None

    assert takes("relu*3 bias=0.3", FREE)
    assert takes("relu*3", FREE)
    assert takes("tanh*2 bias=0.1", SPHERE)
    assert takes("tanh*2 bias=0.1", FREE / 2)
    assert not takes("tanh*2 bias=0.1", FREE)  # variances beyond what a series of 2,048 terms holds
    assert not takes("elu*2 bias=0.1", FREE)
    assert not takes("relu*3", FREE[:20])  # few pairs: compiled code is not worth loading
    assert not takes("reshape((3, 2)) conv(2) relu flatten dense", FREE)


@pytest.mark.parametrize("text", ["relu*3", "relu*3 bias=0.3", "erf*10 bias=0.1", "relu*30"])
def test_single_precision_is_good_to_a_millionth(text: str) -> None:
    net = parse(text)
    single, double = limit(net)(FREE.astype(np.float32)), limit(net)(FREE.astype(np.float32).astype(float))
    for found, expected in zip(single, double, strict=True):
        assert found.dtype == np.float32
        close(found.astype(float), expected, 1e-6)
        np.testing.assert_allclose(found.diagonal(), expected.diagonal(), rtol=1e-6)


@pytest.mark.parametrize("text", ["relu*3", "relu*3 bias=0.3", "tanh*2 bias=0.1"])
def test_diagonals_are_exact(text: str) -> None:
    kernel = ntk(parse(text))
    np.testing.assert_array_equal(kernel(FREE).diagonal(), kernel.diagonal(FREE))
    np.testing.assert_allclose(kernel.diagonal(FREE[:5]), [kernel(x[None]).item() for x in FREE[:5]], rtol=1e-15)


@pytest.mark.parametrize("text", ["relu*3", "relu*3 bias=0.3", "tanh*2 bias=0.1"])
def test_blocks_order_and_threads_do_not_matter(text: str) -> None:
    kernel, shuffled = ntk(parse(text)), random.permutation(len(FREE))
    whole = kernel(FREE)
    for block in (7, 64, 90):
        close(gram(kernel, FREE, block=block), whole, 1e-13)
    close(kernel(FREE[shuffled]), whole[np.ix_(shuffled, shuffled)], 1e-13)
    many = np.tile(FREE, (8, 1)) * np.linspace(1, 2, 720)[:, None] / (10 if "tanh" in text else 1)
    with threadpool_limits(1):
        alone = kernel(many)
    assert np.array_equal(alone, kernel(many))
    assert np.array_equal(alone, alone.T)


@pytest.mark.exact
def test_zero_rows_and_parallel_ones_have_their_limits() -> None:
    points = np.vstack([np.zeros(6), FREE, 2 * FREE[:1], -FREE[:1]])
    for text in ("relu*3", "relu*3 bias=0.3", "erf*2 bias=0.1"):
        found, expected = ntk(parse(text))(points), plainly(parse(text), points).ntk
        assert np.isfinite(found).all()
        close(found, expected, 1e-7)  # the slope of a ReLU bends at parallel points: half the digits
    assert np.all(ntk(parse("relu*3"))(points)[0] == 0)


@pytest.mark.exact
@pytest.mark.parametrize(
    "text", ["relu*3 bias=0.3", "conv(2) relu residual[dense erf] globalaveragepool dense bias=0.2"]
)
def test_the_terms_of_the_layers_add_up(text: str) -> None:
    net = parse(text)
    X = FREE if "conv" not in text else random.standard_normal((3, 4, 2))
    parts = [kernel(X) for kernel in layerwise(net)]
    close(sum(parts), ntk(net)(X), 1e-13)
    close(parts[-1], nngp(net)(X), 1e-13)  # training the last layer alone
    rates = tuple(0.5 + k for k in range(len(parts)))
    close(ntk(net, rates=rates)(X), sum(rate * part for rate, part in zip(rates, parts, strict=True)), 1e-13)


@pytest.mark.exact
def test_linear_networks_have_the_kernels_of_the_inner_product() -> None:
    inner = FREE @ FREE.T / 6
    for layers in (1, 2, 5):
        both = limit(parse("dense " * layers))(FREE)
        close(both.nngp, inner, 1e-14)
        close(both.ntk, layers * inner, 1e-14)


def test_kernels_survive_json_and_the_algebra() -> None:
    kernel = 0.5 * ntk(parse("relu*2 bias=0.1"), rates=[1, 2, 0.5]) + nngp(parse("erf*2"))
    again = from_config(json.loads(json.dumps(kernel.config())))
    assert again == kernel
    assert np.array_equal(again(FREE), kernel(FREE))
    assert repr(ntk(parse("relu"))) == "ntk(Dense() >> Relu() >> Dense())"


@settings(max_examples=25)
@given(
    st.sampled_from([parse(text) for text in NETS if "squared" not in text]),
    arrays(float, (7, 3), elements=st.floats(-3, 3).map(lambda value: round(value, 3))),
)
def test_gram_matrices_are_positive_semi_definite(net: Node, X: np.ndarray) -> None:
    for matrix in limit(net)(X):
        assert np.array_equal(matrix, matrix.T)
        # off the diagonal parallel points cost half the digits, downwards
        assert np.linalg.eigvalsh(matrix).min() >= -1e-12 * np.abs(matrix).max()


@settings(max_examples=8)
@given(
    st.sampled_from([parse(text) for text in ("relu*3", "relu*3 bias=0.3", "erf*3 bias=0.2", "tanh*2 bias=0.1")]),
    st.integers(0, 2**32 - 1),
    st.integers(1, 80),
)
def test_order_blocks_and_float_width_do_not_matter(net: Node, seed: int, block: int) -> None:
    """To 1e-12 in float64; to 2e-6 in float32, whose cosines are off by about 1e-7."""
    rng = np.random.default_rng(seed)
    X, shuffled = rng.standard_normal((70, 20)), rng.permutation(70)
    for kernel in (nngp(net), ntk(net)):
        whole = kernel(X)
        assert np.array_equal(whole, whole.T)
        close(kernel(X[shuffled]), whole[np.ix_(shuffled, shuffled)], 1e-12)
        close(gram(kernel, X, block=block), whole, 1e-12)
        close(kernel(X.astype(np.float32)).astype(float), whole, 2e-6)


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda: ntk(Relu()), NoInfiniteWidthLimit, "has no weights; expected at least one Dense or Conv"),
        (lambda: ntk("relu*2"), BadInput, "expected an architecture"),
        (lambda: ntk(plain(Relu(), 2), rates=[1.0]), BadInput, "1 learning rates .* expected 2"),
        (lambda: ntk(plain(Relu(), 2), rates=[0, 0]), BadInput, "not all zero"),
        (lambda: ntk(parse("dense step dense"))(FREE), NoInfiniteWidthLimit, "an activation that jumps"),
        (lambda: ntk(parse("conv relu flatten dense"))(FREE), ShapeMismatch, r"begin the architecture with Reshape"),
        (lambda: ntk(parse("conv relu dense"))(np.ones((2, 5, 1))), ShapeMismatch, r"positions \(5,\); add Flatten"),
        (lambda: ntk(parse("conv(9) flatten dense"))(np.ones((2, 5, 1))), ShapeMismatch, "a window of 9 is larger"),
        (lambda: ntk(parse("conv(3, strides=8) flatten dense"))(np.ones((2, 5, 1))), ShapeMismatch, "a stride of 8"),
        (lambda: ntk(parse("conv((3, 3)) flatten dense"))(np.ones((2, 5, 1))), BadInput, "has 2 numbers"),
        (lambda: ntk(parse("reshape((2, 2, 1)) conv flatten dense"))(FREE), ShapeMismatch, "6 numbers each"),
        (lambda: ntk(parse("dense relu relu dense"))(FREE), NoInfiniteWidthLimit, "not Gaussian"),
        (lambda: ntk(Relu() >> Dense())(FREE), NoInfiniteWidthLimit, "before any weights"),
        (lambda: ntk(parse("layernorm dense"))(FREE), NoInfiniteWidthLimit, "standardise the inputs"),
        (lambda: ntk(parse("residual[dense] dense"))(FREE), NoInfiniteWidthLimit, "raw input"),
        (lambda: ntk(parse("dense sum[relu | identity] dense"))(FREE), NoInfiniteWidthLimit, "depend on each other"),
        (lambda: ntk(parse("relu*2"))(FREE, OTHERS[:, :3]), ShapeMismatch, "6 and 3 columns"),
        (lambda: ntk(parse("selfattention dense"))(FREE), ShapeMismatch, "needs positions"),
    ],
)
def test_what_cannot_be_read_is_refused_in_words(make, error: type, words: str) -> None:
    with pytest.raises(error, match=words):
        make()


@pytest.mark.parametrize(
    "text",
    [
        "relu*3 bias=0.1",
        "gelu",
        "relu*5",
        pytest.param("conv(2) relu globalaveragepool dense", marks=pytest.mark.full),
    ],
)
def test_traced_values_agree_and_gradients_are_finite(text: str) -> None:
    kernel = ntk(parse(text))
    X = FREE[:5] if "conv" not in text else random.standard_normal((3, 4, 2))
    with jax.enable_x64(True):
        traced = jax.jit(lambda a: kernel(a))(jnp.asarray(X))
        assert np.abs(np.asarray(traced) - kernel(X)).max() < 1e-12
        gradient = jax.jit(jax.grad(lambda a: jnp.sum(kernel(a, a))))(jnp.asarray(X))
        step = 1e-6 * random.standard_normal(X.shape)
        # pairs of equal points sit on the kink of the slope: move one copy only against a fixed other set
        other = jnp.asarray(X[::-1] * 1.1 + 0.05)
        slope = jax.grad(lambda a: jnp.sum(kernel(a, other)))(jnp.asarray(X))
        ahead, behind = (float(jnp.sum(kernel(jnp.asarray(X + s * step), other))) for s in (1, -1))
    assert np.isfinite(np.asarray(gradient)).all()
    assert float(np.sum(np.asarray(slope) * step)) == pytest.approx((ahead - behind) / 2, rel=1e-6)


def test_functions_of_the_user_are_kernels_too() -> None:
    bent = Dense() >> Elementwise(lambda x: np.maximum(x, 0.0), bends_at=(0.0,)) >> Dense()
    close(nngp(bent)(SPHERE[:6]), nngp(plain(Relu(), 2, 0.0))(SPHERE[:6]), 1e-6)
    with pytest.raises(BadInput, match="cannot be written"):
        NTK(bent).config()


def test_balanced_networks_keep_the_diagonal_law() -> None:
    """Theta(x, x) = (1 - r^L) / (1 - r) on the sphere: spec of order and chaos, exact for every activation."""
    for activation, r in ((Relu().standardised(), 0.91), (Relu().normalised(), np.pi / (np.pi - 1) * 0.91)):
        for depth in (2, 5, 12):
            found = ntk(balanced(activation, depth, 0.3)).diagonal(SPHERE)
            np.testing.assert_allclose(found, (1 - r**depth) / (1 - r), rtol=1e-12 * depth)


@pytest.mark.exact
def test_traced_series_and_rules_agree_where_points_are_parallel_too() -> None:
    """Values and derivatives of the series for JAX, against the rules written out on the host and in JAX."""
    net, rates = parse("relu*4"), (0.5, 1.0, 2.0, 0.0, 1.0)
    points = np.vstack([FREE[:4], 2 * FREE[:1], -FREE[:1], np.zeros(6)])
    with jax.enable_x64(True):
        X = jnp.asarray(points)

        def by_series(a: jax.Array) -> jax.Array:
            return ntk(net, rates=rates)(a, X)

        def by_rules(a: jax.Array) -> jax.Array:
            return reading.read_pairs(net, Pairs(a, X), rates, True).ntk

        assert traced.fill(net, Pairs(X), rates, True) is not None
        np.testing.assert_allclose(by_series(X), plainly(net, points, points, rates).ntk, atol=1e-13)
        np.testing.assert_allclose(
            ntk(net, rates=rates)(X).diagonal(), ntk(net, rates=rates).diagonal(points), rtol=1e-14
        )
        # at the origin there is no derivative, and each convention has its own finite number
        ours, theirs = (jax.jacfwd(of)(X)[:, :, :-1] for of in (by_series, by_rules))
        apart = ~np.eye(7, dtype=bool)
        np.testing.assert_allclose(ours[apart], theirs[apart], atol=2e-7)  # 2 x rounds to an angle of 1e-8
        np.testing.assert_allclose(ours[~apart], theirs[~apart], atol=1e-12)


def test_repeated_blocks_are_compiled_once() -> None:
    net = parse("dense relu dense tanh dense tanh dense tanh dense gelu dense bias=0.1")
    rates = tuple(0.1 * k for k in range(1, 7))
    with jax.enable_x64(True):
        found = jax.jit(lambda a: ntk(net, rates=rates)(a))(jnp.asarray(FREE[:6]))
    np.testing.assert_allclose(found, ntk(net, rates=rates)(FREE[:6]), atol=1e-12)
