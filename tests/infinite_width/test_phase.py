"""The phase of an architecture: printed values, brute iteration as an oracle, and what layers do to the verdict."""

import math

import numpy as np
import pytest

from theodolite.architectures import (
    Dense,
    Elu,
    Erf,
    Gelu,
    LeakyRelu,
    Relu,
    SquaredRelu,
    Tanh,
    balanced,
    parse,
    plain,
)
from theodolite.infinite_width import limit, ntk, phase
from theodolite.infinite_width.order_chaos.blocks import repetition, step
from theodolite.infinite_width.order_chaos.correlation import settled_variance
from theodolite.infinite_width.order_chaos.depth import characteristic_value, depth_trace
from theodolite.numerics.errors import BadInput, NoInfiniteWidthLimit


@pytest.mark.oracle
@pytest.mark.parametrize(
    ("activation", "beta", "correlation", "slope", "ntk_limit"),
    [
        (Relu(), 0.1, 0.037715, 0.74358, 0.147081),
        (Gelu(), 0.1, 0.036416, None, 0.137279),
        (Relu(), 0.3, 0.349517, None, 1.932935),
    ],
    ids=str,
)
def test_chaotic_limits_are_the_printed_ones(
    activation: Relu | Gelu, beta: float, correlation: float, slope: float | None, ntk_limit: float
) -> None:
    found = phase(balanced(activation.normalised(), 6, beta))
    assert found.verdict == "chaos"
    assert abs(found.fixed_point - correlation) < 1e-6
    assert slope is None or abs(found.fixed_slope - slope) < 6e-6
    assert abs(found.ntk_limit - ntk_limit) < 1e-6
    assert (found.normalised_limit, found.repeated, found.depth) == (0.0, True, 6)


@pytest.mark.oracle
@pytest.mark.parametrize(
    ("text", "missing"),
    [
        ("gelu.standardised*3 beta=0.5", True),
        ("relu.standardised*3 beta=0.5", True),
        ("relu.normalised*3 beta=0.1", False),
        ("gelu.normalised*3 beta=0.1", False),
        ("relu.normalised*3 beta=0", False),
        ("leakyrelu(0.2).normalised*3 beta=0.2", False),
    ],
)
def test_the_decay_rate_is_the_slope_at_great_depth(text: str, missing: bool) -> None:
    """Without the polynomial factor: smooth order, and chaos without a bias, carry one factor of the depth."""
    net = parse(text)
    found = phase(net)
    first = 100 if found.fixed_point > 1e-9 else 25  # a correlation that tends to 0 must stay above round-off
    trace = depth_trace(net.nodes[1], net.nodes[0].bias_std, [first, 2 * first], c0=0.2)  # type: ignore[arg-type, attr-defined]
    values = trace.normalised_deficit if missing else trace.normalised
    factor = (found.verdict == "order" and not found.kinked) or found.fixed_point < 1e-9
    measured = (math.log(values[1] / values[0]) - (math.log(2) if factor else 0.0)) / first
    assert abs(measured / found.decay_rate - 1) < 0.02
    assert found.depth_scale == pytest.approx(-1 / found.decay_rate)


@pytest.mark.exact
@pytest.mark.parametrize("text", ["relu*3 bias=0.3", "tanh*3 weight=1.5 bias=0.1", "gelu*3 weight=1.2 bias=0.5"])
def test_the_fixed_points_are_those_of_a_very_deep_network(text: str) -> None:
    """Brute force: 300 layers of the plain rules, away from variance 1."""
    net = parse(text)
    found = phase(net)
    deep = net >> parse(" ".join([text.partition(" ")[0].split("*")[0], "dense"] * 300) + " " + text.partition(" ")[2])
    x = np.array([[1.0, 1.0], [1.2, -math.sqrt(0.56)]])
    both = limit(deep)(x)
    assert abs(both.nngp[0, 0] / found.variance - 1) < 1e-9
    assert abs(both.nngp[0, 1] / both.nngp[0, 0] - found.fixed_point) < 1e-6
    assert abs(both.ntk[0, 1] / found.ntk_limit - 1) < 1e-5


@pytest.mark.exact
@pytest.mark.parametrize("activation", [Relu(), Tanh(), Erf(), Gelu(), Elu()], ids=str)
@pytest.mark.parametrize("beta", [0.0, 0.3])
def test_balanced_networks_have_the_characteristic_value_of_their_activation(activation: Relu, beta: float) -> None:
    found = phase(balanced(activation.normalised(), 3, beta))
    assert abs(found.characteristic - characteristic_value(activation.normalised(), beta)) < 1e-12
    assert found.variance == pytest.approx(1.0, abs=1e-12)


@pytest.mark.exact
def test_a_plain_relu_network_settles_at_twice_the_square_of_its_bias_and_half() -> None:
    found = phase(plain(Relu(), 9, 0.1))
    assert found.variance == pytest.approx(0.02, rel=1e-10)
    assert found.characteristic == pytest.approx(0.5, rel=1e-10)
    assert found.decay_rate == pytest.approx(0.5 * math.log(0.5), rel=1e-10)
    assert (found.verdict, found.fixed_point, found.normalised_limit, found.kinked) == ("order", 1.0, 1.0, True)
    assert found.ntk_limit == pytest.approx(0.04, rel=1e-10)  # q / (1 - r)


@pytest.mark.exact
def test_edges_and_their_limits() -> None:
    assert phase(Relu()).normalised_limit == 0.25
    bias = phase(Tanh().normalised()).critical_bias_normalised
    smooth = phase(Tanh().normalised(), bias_std=bias)
    assert (smooth.verdict, smooth.normalised_limit) == ("edge", pytest.approx(1 / 3))
    assert (smooth.decay_rate, smooth.depth_scale, smooth.ntk_limit) == (0.0, math.inf, math.inf)


@pytest.mark.exact
def test_a_vanishing_variance_is_said_and_the_relu_edge_kept() -> None:
    for text, fate in (
        ("relu*4", "vanishes"),
        ("relu*4 weight=2", "explodes"),
        ("relu*4 weight=1.4142135623730951", "stable"),
    ):
        found = phase(parse(text))
        assert (found.verdict, found.variance_fate, found.normalised_limit) == ("edge", fate, 0.25)
        assert any("variance" in line for line in found.advice) == (fate != "stable")


@pytest.mark.exact
def test_layer_norm_after_the_activation_is_the_normalised_activation() -> None:
    """With weight_std^2 + bias_std^2 = 1, the same in every number."""
    with_norm = phase(parse("dense relu layernorm dense relu layernorm dense beta=0.1"))
    normalised = phase(parse("relu.normalised*2 beta=0.1"))
    for name in ("characteristic", "fixed_point", "fixed_slope", "ntk_limit", "decay_rate"):
        assert getattr(with_norm, name) == pytest.approx(getattr(normalised, name), rel=1e-10)
    np.testing.assert_allclose(with_norm.normalised_ntk, normalised.normalised_ntk, atol=1e-12)


@pytest.mark.exact
def test_the_kernel_at_the_own_depth_is_that_of_the_network() -> None:
    net = parse("gelu*4 weight=1.3 bias=0.2")
    found = phase(net)
    angles = np.radians(found.angles)
    points = math.sqrt(2) * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    kernel = ntk(net)(points, points[:1])[:, 0] / ntk(net).diagonal(points[:1])[0]
    np.testing.assert_allclose(found.normalised_ntk, kernel, atol=1e-12)
    own = [row[found.depth - 1] for row in found.by_depth]
    np.testing.assert_allclose(own, [kernel[found.angles.index(angle)] for angle in found.shown_angles], atol=1e-12)


@pytest.mark.exact
def test_a_convolutional_network_has_the_phase_of_its_layers() -> None:
    """At equal positions and with circular padding the kernels agree, so the phase does."""
    dense, conv = (
        parse("relu*2 bias=0.3"),
        parse("conv(3, padding=circular) relu conv(3, padding=circular) relu flatten dense bias=0.3"),
    )
    left, right = phase(dense), phase(conv)
    assert left.characteristic == right.characteristic
    assert left.normalised_ntk == right.normalised_ntk
    assert any("Positions are ignored" in note for note in right.notes)
    x = np.random.default_rng(0).normal(size=(3, 4))
    np.testing.assert_allclose(ntk(conv)(np.repeat(x[:, None], 5, axis=1)), ntk(dense)(x), rtol=1e-12)


@pytest.mark.exact
def test_residual_relu_blocks_stand_at_the_edge() -> None:
    """h + sqrt(2) W relu(h): variance and slope both double."""
    found = phase(parse("dense residual[relu dense(1.4142135623730951)]*6 relu dense"))
    assert (found.verdict, found.variance_fate, found.normalised_limit) == ("edge", "explodes", 0.25)
    assert found.characteristic == pytest.approx(1.0, abs=1e-12)


@pytest.mark.exact
def test_two_alternating_activations_have_the_mean_of_their_slopes() -> None:
    net = parse("dense relu.standardised dense erf.standardised dense relu.standardised dense erf.standardised dense")
    found = phase(net)
    assert found.repeated
    assert found.characteristic == pytest.approx(math.sqrt(characteristic_value(Erf())), rel=1e-12)


@pytest.mark.exact
def test_what_is_no_repetition_is_said() -> None:
    found = phase(parse("dense relu.standardised dense erf.standardised dense"))
    assert not found.repeated
    assert found.characteristic == pytest.approx(math.sqrt(characteristic_value(Erf())), rel=1e-12)
    assert any("do not repeat" in note for note in found.notes)
    assert found.critical_bias is None


@pytest.mark.exact
def test_the_readout_may_differ_from_the_blocks() -> None:
    found = repetition(parse("dense(bias_std=0.1) relu dense(bias_std=0.1) relu dense(bias_std=0.1) relu dense"))
    assert (found.blocks, found.times, found.exact) == (((Relu(), Dense(bias_std=0.1)),), 2, True)


@pytest.mark.exact
def test_variances_settle_where_iteration_takes_them() -> None:
    for block, start in (
        ((Tanh(), Dense(1.5, 0.05)), 2.0),
        ((Gelu(), Dense(1.0, 0.1)), 1.0),
        ((Relu().normalised(), Dense(0.995, 0.1)), 1.000025),
        ((SquaredRelu(), Dense(0.5)), 0.3),
    ):
        q = start
        for _ in range(3000):
            q, before = step(block, q, 1.0).variance, q
            if abs(q - before) <= 1e-15 * q:
                break
        found = settled_variance(block, start)
        assert found.value == pytest.approx(q, rel=1e-9) if found.fate == "stable" else q < 1e-9


@pytest.mark.exact
def test_alternatives_bring_what_they_promise() -> None:
    for text in ("relu*8 bias=0.1", "relu.normalised*8 beta=0.1"):
        found = phase(parse(text))
        assert {verdict for _, _, verdict in found.alternatives} >= {"edge", "chaos"}
        edges = [change for change, _, verdict in found.alternatives if verdict == "edge"]
        assert any(
            line.startswith("To the edge: ") and any(change in line for change in edges) for line in found.advice
        )
        for change, r, verdict in found.alternatives:
            if ".standardised() with" in change or ".normalised() with" in change:
                name, _, numbers = change.partition(" with ")
                weight, bias = (float(part.partition("=")[2]) for part in numbers.split(", "))
                again = phase(parse(f"{name.lower().replace('()', '')}*8 weight={weight} bias={bias}"))
                assert abs(again.characteristic - r) < 2e-3  # the words give four digits of the two numbers
                assert verdict == "edge" or again.verdict == verdict


@pytest.mark.exact
def test_another_bias_can_be_asked_for() -> None:
    assert phase(parse("relu*3"), bias_std=0.1) == phase(parse("relu*3 bias=0.1"))
    assert phase(Relu(), bias_std=0.5).characteristic == pytest.approx(0.75, rel=1e-12)
    with pytest.raises(BadInput, match="bias_std must be zero or positive"):
        phase(parse("relu*3"), bias_std=-1.0)


@pytest.mark.exact
def test_kinks_are_told_from_bends() -> None:
    assert [phase(one).kinked for one in (Relu(), LeakyRelu(0.9), SquaredRelu(), Elu(), Gelu())] == [
        True,
        True,
        False,
        False,
        False,
    ]


def test_batch_norm_is_explained_or_refused() -> None:
    found = phase(parse("dense relu dense relu batchnorm dense bias=0.2"))
    assert any("bias_std^2" in note and "0.04" in note for note in found.notes)
    with pytest.raises(NoInfiniteWidthLimit, match=r"LayerNorm or a \.normalised"):
        phase(parse("dense relu batchnorm dense relu dense"))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("dense dense", "no activation between"),
        ("dense relu", "no activation between"),
        ("conv relu selfattention relu dense", "mixes positions"),
    ],
)
def test_what_has_no_phase_is_refused(text: str, words: str) -> None:
    with pytest.raises(BadInput, match=words):
        phase(parse(text))


def test_jumps_are_refused() -> None:
    with pytest.raises(NoInfiniteWidthLimit, match="erf or tanh"):
        phase(parse("sign*3"))


def test_an_exploding_variance_ends_the_picture_not_the_program() -> None:
    found = phase(parse("squaredrelu*9"))
    assert (found.verdict, found.variance_fate) == ("chaos", "explodes")
    assert np.isfinite(found.by_depth).all()
