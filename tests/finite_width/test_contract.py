"""What every node promises at finite width: shapes, dtypes, names; the same under jit, vmap and grad; inputs apart."""

import dataclasses
import functools
import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from theodolite import architectures as A
from theodolite.architectures import (
    Activation,
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
    Serial,
    SumPool,
    Tanh,
)
from theodolite.finite_width import Network, network

from .quick import drawn_params, quickly

pytestmark = pytest.mark.contract

WIDTH, OUTPUTS, BATCH = 5, 2, 3
FEW = {"Polynomial": ((0.5, 1.0, -0.3),), "Elementwise": (jnp.sin,), "LeakyRelu": (0.2,)}
# node, shape of one input, shape of one output
LAYERS: list[tuple[Node, tuple[int, ...], tuple[int, ...]]] = [
    (Dense(1.2, 0.3), (4,), (2,)),
    (Dense(bias_std=0.3), (4, 3), (4, 2)),
    (Conv(3, bias_std=0.1), (5, 2), (5, 2)),
    (Conv((3, 2), strides=(2, 1), padding="VALID"), (7, 4, 2), (3, 3, 2)),
    (Conv(3, strides=2, padding="CIRCULAR"), (5, 5, 1), (3, 3, 2)),
    (ConvTranspose(bias_std=0.1), (3, 2), (6, 2)),
    (ConvTranspose(3, 2, "CIRCULAR", edges="graph"), (2, 3, 2), (4, 6, 2)),
    (ConvTranspose(edges="graph"), (2, 2, 1), (4, 4, 2)),
    (AveragePool() >> Dense(), (5, 4, 3), (2, 2, 2)),
    (SumPool(3, strides=1) >> Dense(), (5, 3), (3, 2)),
    (GlobalAveragePool() >> Dense(), (3, 3, 2), (2,)),
    (Dense() >> GlobalSumPool(), (4, 3), (2,)),
    (Flatten() >> Dense(), (3, 2, 2), (2,)),
    (Reshape((2, 2, 3)) >> Conv(2), (12,), (2, 2, 2)),
    (Dense() >> LayerNorm() >> Dense(), (4,), (2,)),
    (Dense() >> BatchNorm() >> Dense(), (4, 3), (4, 2)),
    (Dense() >> Dropout(0.3) >> Dense(), (4,), (2,)),
    (Dense() >> Residual(Tanh() >> Dense(bias_std=0.2)) >> Dense(), (4,), (2,)),
    (ParallelSum((Dense(), Dense() >> Relu() >> Dense(bias_std=0.1))), (4,), (2,)),
    (SelfAttention(1.5, bias_std=0.2), (4, 3), (4, 2)),
    (LinearAttention(bias_std=0.2) >> Flatten() >> Dense(), (2, 2, 3), (2,)),
]


def activations() -> list[Node]:
    """One of each; the rescaled forms of one."""
    kinds = [getattr(A, name) for name in A.__all__]
    plain = [
        kind(*FEW.get(kind.__name__, ()))
        for kind in kinds
        if issubclass_of(kind, Activation) and dataclasses.is_dataclass(kind) and not issubclass(kind, A.Rescaled)
    ]
    return [*plain, A.Affine(Relu(), 2.0, -0.5), A.Erf().standardised(), A.Exp(0.5).normalised()]


def issubclass_of(thing: Any, kind: type) -> bool:
    return isinstance(thing, type) and issubclass(thing, kind)


CASES = LAYERS + [(Dense(bias_std=0.5) >> node >> Dense(), (3,), (2,)) for node in activations()]
NAMES = [
    f"{index}-{type(net.nodes[1] if index >= len(LAYERS) else net).__name__}" for index, (net, *_) in enumerate(CASES)
]  # type: ignore[attr-defined]
cases = pytest.mark.parametrize(("net", "inputs", "outputs"), CASES, ids=NAMES)


def batch(inputs: tuple[int, ...]) -> np.ndarray:
    return np.random.default_rng(3).standard_normal((BATCH, *inputs))


def kinds_in(net: Node) -> set[type]:
    inside = net.nodes if isinstance(net, Serial) else getattr(net, "branches", ())
    inside = (*inside, net.branch) if isinstance(net, Residual) else inside
    return {type(net)}.union(*map(kinds_in, inside))


def test_every_kind_of_node_is_among_the_cases() -> None:
    known = {kind for name in A.__all__ if issubclass_of(kind := getattr(A, name), Node)}
    drawn = {kind for kind in known if dataclasses.is_dataclass(kind)}
    assert drawn == {kind for net, *_ in CASES for kind in kinds_in(net)}


@functools.cache
def everything() -> list[Any]:
    """For each case the batch at once, one input alone, and the gradients: one compilation for all cases."""
    networks = [network(net, WIDTH, OUTPUTS) for net, *_ in CASES]
    params = [drawn_params(f, inputs) for f, (_, inputs, _) in zip(networks, CASES, strict=True)]

    def of_one(f: Network, p: Any, x: Any, alone: bool) -> Any:
        slopes = jax.grad(lambda p, x: jnp.sum(f.apply(p, x) ** 2), argnums=(0, 1))(p, x)
        return f.apply(p, x), f.apply(p, x[1:2]) if alone else None, slopes

    # activations act on single numbers: one of them is enough
    apart = [index <= len(LAYERS) and BatchNorm not in kinds_in(net) for index, (net, *_) in enumerate(CASES)]
    batches = [batch(inputs).astype("float32") for _, inputs, _ in CASES]
    return quickly(lambda P, B: [of_one(*each) for each in zip(networks, P, B, apart, strict=True)])(params, batches)


@pytest.mark.parametrize("index", range(len(CASES)), ids=NAMES)
def test_a_network_keeps_its_promises(index: int) -> None:
    *_, outputs = CASES[index]
    values, alone, slopes = everything()[index]
    assert values.shape == (BATCH, *outputs)
    assert {leaf.dtype for leaf in jax.tree.leaves((values, slopes))} == {jnp.dtype("float32")}
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves((values, slopes)))
    assert any(np.abs(leaf).max() > 0 for leaf in jax.tree.leaves(slopes[0]))
    if alone is not None:
        np.testing.assert_allclose(alone, values[1:2], rtol=1e-4, atol=1e-5 * np.abs(values).max())


@pytest.mark.parametrize("index", [1, 4, 6, 14, 19, 20])
def test_compiled_and_plain_calls_agree(index: int) -> None:
    net, inputs, _ = CASES[index]
    f = network(net, WIDTH, OUTPUTS)
    values = everything()[index][0]
    plain = f.apply(drawn_params(f, inputs), batch(inputs))
    np.testing.assert_allclose(plain, values, rtol=1e-4, atol=1e-5 * np.abs(values).max())


@cases
def test_parameters_and_not_data_or_settings_give_the_dtype(
    net: Node, inputs: tuple[int, ...], outputs: tuple[int, ...], double: None
) -> None:
    f = network(net, WIDTH, OUTPUTS)
    X = jax.ShapeDtypeStruct((BATCH, *inputs), "float64")
    for dtype in ("float32", "float64"):
        params = jax.eval_shape(lambda key, dtype=dtype: f.init(key, inputs, dtype), jax.random.key(0))
        assert jax.eval_shape(f.apply, params, X) == jax.ShapeDtypeStruct((BATCH, *outputs), dtype)


@pytest.mark.parametrize("net", [Conv(bias_std=0.1) >> Relu() >> Flatten() >> Dense(), SelfAttention()])
def test_init_and_apply_widen_over_keys(net: Node) -> None:
    f = network(net, WIDTH, OUTPUTS)
    keys = jax.random.split(jax.random.key(1), 4)
    X = batch((4, 3)).astype("float32")

    def drawn(key: Any) -> Any:
        return f.apply(f.init(key, (4, 3)), X)

    one = quickly(drawn)
    many, one_by_one = quickly(jax.vmap(drawn))(keys), [one(key) for key in keys]
    np.testing.assert_allclose(many, jnp.stack(one_by_one), rtol=1e-4, atol=1e-5)
    assert float(jnp.abs(many[0] - many[1]).min()) > 1e-6


def test_parameters_are_named_and_counted() -> None:
    block = Residual(Relu() >> Conv(3, bias_std=0.1))
    net = Conv(3) >> block >> ParallelSum((Conv(1), Serial((Relu(),)))) >> Flatten() >> Dense(bias_std=0.2)
    f = network(net, 4, outputs=3)
    params = jax.eval_shape(lambda key: f.init(key, (5, 2)), jax.random.key(0))
    assert jax.tree.map(jnp.shape, params) == {
        "0_conv": {"weight": (3, 2, 4)},
        "1_residual": {"1_conv": {"weight": (3, 4, 4), "bias": (4,)}},
        "2_parallel_sum": {"branch_0": {"0_conv": {"weight": (1, 4, 4)}}},
        "4_dense": {"weight": (20, 3), "bias": (3,)},
    }
    assert sum(leaf.size for leaf in jax.tree.leaves(params)) == 24 + 52 + 16 + 63


def test_all_parameters_are_standard_normal_and_independent() -> None:
    f = network(Dense(3.0, 2.0) >> Relu() >> Dense(0.1, 5.0), 40, outputs=40)
    leaves = [leaf.ravel() for leaf in jax.tree.leaves(f.init(jax.random.key(2), (40,)))]
    for leaf in leaves:
        assert abs(float(leaf.mean())) < 4.5 / math.sqrt(leaf.size)
        assert abs(float((leaf**2).mean()) - 1) < 4.5 * math.sqrt(2 / leaf.size)
    largest = [leaf for leaf in leaves if leaf.size == 1600]
    assert abs(float(jnp.corrcoef(jnp.stack(largest))[0, 1])) < 4.5 / 40


def test_widths_may_differ_from_layer_to_layer() -> None:
    net = Dense() >> Relu() >> ParallelSum((Dense(), Dense())) >> Relu() >> SelfAttention()
    params = drawn_params(network(net, (3, 6, 6), outputs=2), (4, 5))
    assert params["0_dense"]["weight"].shape == (5, 3)
    assert params["2_parallel_sum"]["branch_1"]["0_dense"]["weight"].shape == (3, 6)
    attention = {name: leaf.shape for name, leaf in params["4_self_attention"].items()}
    assert attention == {"query_key": (3, 6, 6), "value": (3, 6, 2), "output": (3, 2, 2)}


def test_an_activation_at_the_end_acts_on_the_outputs() -> None:
    params = {"0_dense": {"weight": jnp.array([[1.0, -1.0]])}}
    assert network(Dense() >> Relu(), 8, outputs=2).apply(params, [[2.0]]).tolist() == [[2.0, 0.0]]
