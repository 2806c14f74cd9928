"""Every node crossed with every reading: covariances, weights, their agreement by Monte Carlo, JSON; or a refusal."""

import json
import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import theodolite.architectures as architectures
from theodolite.architectures import Activation, Node, from_config, nodes_of, parse
from theodolite.finite_width import network
from theodolite.infinite_width import limit, nngp, ntk
from theodolite.numerics.errors import NoInfiniteWidthLimit

random = np.random.default_rng(11)
VECTORS = random.standard_normal((3, 4))
MORE_VECTORS = random.standard_normal((4, 2)) * np.array([[0.3], [1.0], [2.0], [1.0]])
SEQUENCES = random.standard_normal((3, 5, 2))
IMAGES = random.standard_normal((2, 4, 3, 2))

WIDTH, DRAWS, SIGMAS = 64, 400, 4.5
# An architecture for each node, what it reads, and how large n * bias / max may be (spread of a layer of that width).
CASES: dict[str, tuple[str, list[np.ndarray], float]] = {
    "Dense": ("dense(weight_std=1.2, bias_std=0.3)", [VECTORS, MORE_VECTORS], 0.0),
    "Conv": ("conv(3, bias_std=0.2) relu conv(2, strides=2, padding=circular) flatten dense", [SEQUENCES, IMAGES], 2.0),
    "ConvTranspose": ("convtranspose(3, edges=graph) relu convtranspose(2) flatten dense", [SEQUENCES, IMAGES], 2.0),
    "AveragePool": ("conv(2) relu averagepool(2) flatten dense(bias_std=0.5)", [SEQUENCES, IMAGES], 2.0),
    "SumPool": ("conv(2) relu sumpool(2) dense flatten dense", [SEQUENCES, IMAGES], 2.0),
    "GlobalAveragePool": ("conv(2) relu globalaveragepool dense relu dense", [SEQUENCES, IMAGES], 3.0),
    "GlobalSumPool": ("conv(2) relu globalsumpool dense", [SEQUENCES, IMAGES], 2.0),
    "Flatten": ("conv(2) flatten dense relu dense", [SEQUENCES, IMAGES], 2.0),
    "Reshape": ("reshape((2, 2)) conv(2) flatten dense", [VECTORS], 2.0),
    "LayerNorm": ("dense relu layernorm dense layernorm erf dense", [VECTORS, MORE_VECTORS], 6.0),
    "Residual": ("dense residual[relu dense] relu dense", [VECTORS, MORE_VECTORS], 4.0),
    "ParallelSum": ("sum[dense relu | dense erf.normalised] dense", [VECTORS, MORE_VECTORS], 2.0),
    "SelfAttention": ("conv(1) selfattention(bias_std=0.2) flatten dense", [SEQUENCES], 12.0),
    "LinearAttention": ("conv(1) linearattention flatten dense", [SEQUENCES], 12.0),
    "Serial": ("dense relu dense erf dense", [VECTORS, MORE_VECTORS], 3.0),
}
REFUSED = {"BatchNorm": "dense relu batchnorm dense"}
ACTIVATIONS = [
    "relu", "leakyrelu(0.2)", "abs", "squaredrelu", "erf", "gelu", "sin", "cos", "rbffeature", "exp(0.5)", "gaussian",
    "polynomial((0.1, 1, 0.3))", "monomial(2)", "hermite(3)", "tanh", "sigmoid", "softplus", "swish", "elu", "identity",
    "relu.normalised", "gelu.standardised",
]  # fmt: skip
ONLY_NNGP = ["step", "sign"]
DRAWN = ["relu", "squaredrelu", "gelu", "sin", "tanh", "elu", "relu.normalised", "step"]  # the others in full runs


def drawn(net: Node, X: np.ndarray, draws: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """f f' and the empirical tangent kernel of `draws` networks, (draws, n, n) each."""
    reading = network(net, width)
    inputs = jnp.asarray(X, jnp.float32)

    def one(key: Any) -> tuple[Any, Any]:
        params = reading.init(key, X.shape[1:], jnp.float32)
        values = reading.apply(params, inputs)[:, 0]
        rows = jax.tree.leaves(jax.jacrev(lambda p: reading.apply(p, inputs)[:, 0])(params))
        flat = [row.reshape(len(X), -1) for row in rows]
        return jnp.outer(values, values), sum(row @ row.T for row in flat)

    keys = jax.random.split(jax.random.key(3), draws)
    both = jax.jit(lambda some: jax.lax.map(one, some, batch_size=50))(keys)
    return np.asarray(both[0], float), np.asarray(both[1], float)


def agrees(net: Node, X: np.ndarray, bias: float, tangent: bool = True, width: int = WIDTH, draws: int = DRAWS) -> None:
    exact, samples = limit(net)(X) if tangent else (nngp(net)(X), None), drawn(net, X, draws, width)
    for kernel, sample in list(zip(exact, samples, strict=True))[: 2 if tangent else 1]:
        spread = sample.std(axis=0, ddof=1) / math.sqrt(len(sample))
        off = np.abs(sample.mean(axis=0) - kernel)
        allowed = SIGMAS * spread + bias * np.abs(kernel).max() / width + 2e-5 * np.abs(kernel).max()
        assert (off <= allowed).all(), f"{net!r}: off by {(off / spread).max():.1f} sigma, {off / np.abs(kernel).max()}"


def test_no_node_is_forgotten() -> None:
    nodes = {
        name
        for name, kind in vars(architectures).items()
        if isinstance(kind, type) and issubclass(kind, Node) and "__dataclass_fields__" in vars(kind)
    }
    activations = {name for name in nodes if issubclass(getattr(architectures, name), Activation)}
    written = {type(node).__name__ for text in (*ACTIVATIONS, *ONLY_NNGP) for node in parse(text)}
    assert activations - {"Elementwise", "Affine", "Dropout"} <= written
    assert nodes - activations == {*CASES, *REFUSED, "Dropout"}  # Dropout has a test of its own


@pytest.mark.contract
@pytest.mark.montecarlo
@pytest.mark.parametrize("name", CASES)
def test_networks_of_finite_width_have_the_kernels_of_infinite_width(name: str) -> None:
    text, inputs, bias = CASES[name]
    agrees(parse(text), inputs[0], bias, width=24 if "Attention" in name else WIDTH)


@pytest.mark.full
@pytest.mark.contract
@pytest.mark.montecarlo
@pytest.mark.parametrize("name", [name for name, (_, inputs, _) in CASES.items() if len(inputs) > 1])
def test_they_do_so_on_other_shapes(name: str) -> None:
    text, inputs, bias = CASES[name]
    agrees(parse(text), inputs[1], bias)


@pytest.mark.contract
@pytest.mark.montecarlo
@pytest.mark.parametrize(
    "text",
    [pytest.param(text, marks=[] if text in DRAWN else pytest.mark.full) for text in (*ACTIVATIONS, *ONLY_NNGP)],
)
def test_one_hidden_layer_is_unbiased_at_any_width(text: str) -> None:
    net = parse(f"dense(bias_std=0.3) {text} dense(bias_std=0.1)")
    agrees(net, VECTORS, 0.0, tangent=text not in ONLY_NNGP, width=8, draws=4000)


@pytest.mark.contract
@pytest.mark.montecarlo
def test_dropout_swells_the_diagonal() -> None:
    net, kept = parse("dense relu dropout(0.25) dense"), parse("dense relu dense")
    both, plain = limit(net)(VECTORS), limit(kept)(VECTORS)
    off = ~np.eye(3, dtype=bool)
    for with_dropout, without in zip(both, plain, strict=True):
        np.testing.assert_allclose(with_dropout[off], without[off], rtol=1e-14)
    np.testing.assert_allclose(both.nngp.diagonal(), plain.nngp.diagonal() / 0.75, rtol=1e-14)
    np.testing.assert_allclose(nngp(net).diagonal(VECTORS), both.nngp.diagonal(), rtol=1e-14)
    reading = network(net, 64)

    def value(key: Any) -> Any:
        weights, mask = jax.random.split(key)
        values = reading.apply(reading.init(weights, (4,), jnp.float32), jnp.asarray(VECTORS, jnp.float32), mask)[:, 0]
        return jnp.outer(values, values)

    drawn = np.asarray(jax.jit(jax.vmap(value))(jax.random.split(jax.random.key(5), 4000)), float)
    error = np.abs(drawn.mean(axis=0) - both.nngp) / (drawn.std(axis=0) / math.sqrt(len(drawn)))
    assert error.max() < SIGMAS


@pytest.mark.contract
@pytest.mark.parametrize("text", [*(case[0] for case in CASES.values()), *REFUSED.values()], ids=[*CASES, *REFUSED])
def test_architectures_survive_json(text: str) -> None:
    net = parse(text)
    again = from_config(json.loads(json.dumps(net.config())))
    assert again == net
    assert hash(again) == hash(net)
    assert nodes_of(eval(repr(net), dict(vars(architectures)))) == net.nodes  # noqa: S307


@pytest.mark.contract
@pytest.mark.parametrize("name", REFUSED)
def test_nodes_without_a_limit_say_so(name: str) -> None:
    with pytest.raises(NoInfiniteWidthLimit, match=f"{name}.*finite_width.network"):
        ntk(parse(REFUSED[name]))(VECTORS)


@pytest.mark.contract
@pytest.mark.parametrize("text", ONLY_NNGP)
def test_a_jump_has_a_covariance_and_no_tangent_kernel(text: str) -> None:
    net = parse(f"dense {text} dense")
    assert nngp(net)(VECTORS).shape == (3, 3)
    with pytest.raises(NoInfiniteWidthLimit):
        ntk(net)(VECTORS)
