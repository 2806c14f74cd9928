"""Misuse is refused with what came, what was expected and what to try."""

import dataclasses
from typing import Any

import jax
import numpy as np
import pytest

from theodolite.architectures import (
    AveragePool,
    Conv,
    ConvTranspose,
    Dense,
    Elementwise,
    Flatten,
    GlobalSumPool,
    LayerNorm,
    LinearAttention,
    Node,
    ParallelSum,
    Relu,
    Reshape,
    Residual,
    SelfAttention,
)
from theodolite.finite_width import network
from theodolite.numerics.errors import BadInput, ShapeMismatch

from .quick import drawn_params

KEY = jax.random.key(0)


@pytest.mark.parametrize(
    ("net", "width", "outputs", "words"),
    [
        (Relu(), 4, 1, "no layer of weights.*add one"),
        (Flatten() >> Residual(Relu()), 4, 1, "no layer of weights"),
        (Dense, 4, 1, "expected an architecture"),
        (Dense() >> Dense(), 0, 1, "width must be a positive integer, got 0"),
        (Dense() >> Dense(), 2.5, 1, "width must be a positive integer"),
        (Dense() >> Dense(), (0,), 1, "each width must be a positive integer"),
        (Dense() >> Dense(), 4, 0, "outputs must be a positive integer"),
    ],
)
def test_what_makes_no_network_is_refused_where_it_is_made(net: Any, width: Any, outputs: int, words: str) -> None:
    with pytest.raises(BadInput, match=words):
        network(net, width, outputs)


@pytest.mark.parametrize("widths", [(), (3, 4)])
def test_a_wrong_count_of_widths_is_named(widths: tuple[int, ...]) -> None:
    with pytest.raises(ShapeMismatch, match=f"width has {len(widths)} entries, the architecture 1 hidden"):
        network(Dense() >> Relu() >> Dense(), widths)


@pytest.mark.parametrize(
    "net", [Conv(), ConvTranspose(), AveragePool(), GlobalSumPool(), SelfAttention(), LinearAttention()]
)
def test_flat_vectors_are_refused_where_positions_are_needed(net: Node) -> None:
    with pytest.raises(ShapeMismatch, match=r"have none; begin the architecture with Reshape\(\(h, w, channels\)\)"):
        network(net >> Dense(), 4).init(KEY, (9,))


@pytest.mark.parametrize(
    ("net", "shape", "words"),
    [
        (Conv(5), (4, 1), r"positions \(4,\): a window of 5 is larger than the input's 4"),
        (Conv(2, strides=(1, 5)), (4, 4, 1), r"positions \(4, 4\): a stride of 5 is larger than the input's 4"),
        (AveragePool(3) >> Dense(), (2, 2, 1), r"a window of 3 is larger than the input's 2 .*use a smaller one"),
        (Conv(3, padding="VALID") >> Conv(3, padding="VALID"), (4, 1), r"positions \(2,\)"),
        (ConvTranspose(5, 2), (2, 1), r"makes \(4,\) positions of \(2,\)"),
        (Reshape((2, 2, 1)) >> Conv(1), (5,), "holds 4 numbers, got inputs of shape .* with 5"),
        (Dense() >> Residual(Relu() >> Dense()), (4,), r"\(4,\), \(1,\), which must be equal.*let a Dense\(\) follow"),
        (ParallelSum((Conv(2), Conv(2, padding="VALID"))), (4, 1), r"\(4, 1\), \(3, 1\), which must be equal"),
    ],
)
def test_inputs_that_do_not_fit_are_refused_before_anything_is_drawn(net: Node, shape: Any, words: str) -> None:
    f = network(net, 4)
    with pytest.raises(ShapeMismatch, match=words):
        f.init(KEY, shape)


@pytest.mark.parametrize(
    ("net", "shape", "words"),
    [
        (Conv((3, 3)), (4, 1), "has 2 numbers; the positions have 1 axes"),
        (Dense() >> LayerNorm(), (4,), "over one channel is always zero"),
        (Dense(), 4, r"input_shape must be a tuple such as X.shape\[1:\], got 4"),
        (Dense(), (), "input_shape must be a tuple"),
        (Dense(), (4, 0), "each size in input_shape must be a positive integer, got 0"),
    ],
)
def test_settings_that_cannot_be_used_are_refused(net: Node, shape: Any, words: str) -> None:
    with pytest.raises(BadInput, match=words):
        network(net, 4).init(KEY, shape)


def test_parameters_are_floats_that_jax_can_hold() -> None:
    f = network(Dense(), 4)
    with pytest.raises(BadInput, match="expected float32 or float64"):
        f.init(KEY, (2,), int)
    with pytest.raises(BadInput, match=r"32-bit mode.*enable_x64"):
        f.init(KEY, (2,), "float64")


def test_data_that_do_not_fit_the_parameters_are_refused() -> None:
    f = network(Dense(), 4)
    params = drawn_params(f, (2,))
    with pytest.raises(ShapeMismatch, match=r"for one input x pass x\[None\]"):
        f.apply(params, np.ones(2))
    with pytest.raises(ShapeMismatch, match=r"weights for 2 channels, got 3 .*init\(key, X.shape\[1:\]\)"):
        f.apply(params, np.ones((5, 3)))


def test_a_function_that_changes_the_shape_is_no_activation() -> None:
    f = network(Dense() >> Elementwise(lambda x: x[..., :1]) >> Dense(), 4)
    with pytest.raises(ShapeMismatch, match="expected one number for each number"):
        f.apply(drawn_params(f, (2,)), np.ones((5, 2)))


def test_a_node_without_rules_says_where_they_go() -> None:
    @dataclasses.dataclass(frozen=True, repr=False)
    class Mystery(Node):
        """Nothing knows it."""

    with pytest.raises(BadInput, match="no rule at finite width; register one"):
        network(Dense() >> Mystery(), 4).init(KEY, (2,))
