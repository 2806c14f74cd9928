"""Order and chaos of one activation: printed characteristic values, laws of depth, a recursion in long numbers."""

import math
from decimal import Decimal, localcontext

import numpy as np
import pytest

from theodolite.architectures import (
    Abs,
    Activation,
    Cos,
    Elu,
    Erf,
    Exp,
    Gaussian,
    Gelu,
    LeakyRelu,
    Relu,
    Sigmoid,
    Sign,
    Sin,
    Softplus,
    SquaredRelu,
    Swish,
    Tanh,
    balanced,
)
from theodolite.infinite_width import limit
from theodolite.infinite_width.duals.dual import dual
from theodolite.infinite_width.order_chaos.deficit import losses_of
from theodolite.infinite_width.order_chaos.depth import characteristic_value, critical_bias, depth_trace
from theodolite.numerics.errors import BadInput, NoInfiniteWidthLimit

PI = math.pi
TABLE = [  # activation, r and beta_c standardised, r and beta_c normalised; Jacot et al. (2019)
    (Relu(), 1.0, None, PI / (PI - 1), PI**-0.5),
    (LeakyRelu(0.1), 1.0, None, 1.342783, 0.505251),
    (Abs(), 1.0, None, PI / (PI - 2), 0.797885),
    (Elu(), 1.035905, 0.186173, 1.079013, 0.270606),
    (Erf(), 1.225700, 0.429115, 1.225700, 0.429115),
    (Tanh(), 1.177807, 0.388542, 1.177807, 0.388542),
    (Sin(), 1 / math.tanh(1), 0.488268, 1 / math.tanh(1), 0.488268),
    (Gelu(), 1.072032, 0.259214, 1.318845, 0.491692),
    (Swish(), 1.066634, 0.249943, 1.212081, 0.418297),
    (Softplus(), 0.318459, None, 1.080528, 0.272996),
    (Sigmoid(), 0.152827, None, 1.033592, 0.180279),
    (Cos(), 0.761594, None, 2.163953, 0.733405),
    (Gaussian(), 0.8, None, 3.141641, 0.825648),
    (SquaredRelu(), 4 / 3, 0.5, 1.6, 0.612372),
]
DEPTHS = [1, 2, 3, 5, 8]


@pytest.mark.oracle
@pytest.mark.parametrize(("activation", "standardised", "bias", "normalised", "normalised_bias"), TABLE, ids=str)
def test_characteristic_values_are_the_printed_ones(
    activation: Activation,
    standardised: float,
    bias: float | None,
    normalised: float,
    normalised_bias: float,
) -> None:
    plain, centred = activation.standardised(), activation.normalised()
    assert abs(characteristic_value(plain) - standardised) < 1e-6
    assert abs(characteristic_value(centred, beta=0.3) - 0.91 * normalised) < 1e-6
    for ours, theirs in ((critical_bias(plain), bias), (critical_bias(centred), normalised_bias)):
        assert ours == theirs if ours is None or theirs is None else abs(ours - theirs) < 1e-6


@pytest.mark.exact
@pytest.mark.parametrize("beta", [0.0, 0.1, 0.5])
@pytest.mark.parametrize(
    "activation",
    [Relu().standardised(), Relu().normalised(), Gelu().normalised(), Tanh().standardised(), Erf()],
    ids=str,
)
def test_the_diagonal_is_a_geometric_sum(activation: Activation, beta: float) -> None:
    """Both in the recursion and in the kernels of the network: NNGP 1, NTK (1 - r^L) / (1 - r)."""
    unit, points = activation.standardised(), np.array([[1.0, 1.0, 1.0]])
    r = characteristic_value(unit, beta)
    trace = depth_trace(unit, beta, DEPTHS, 0.3)
    for depth, diagonal in zip(DEPTHS, trace.diagonal, strict=True):
        expected = sum(r**k for k in range(depth))
        both = limit(balanced(unit, depth, beta))(points)
        assert abs(diagonal / expected - 1) < 1e-12 * depth
        assert abs(both.ntk.item() / expected - 1) < 1e-12 * depth
        assert abs(both.nngp.item() - 1) < 1e-12 * depth


@pytest.mark.exact
@pytest.mark.parametrize("c0", [-1.0, -0.4, 0.2, 0.9])
@pytest.mark.parametrize(
    "activation",
    [Relu(), LeakyRelu(0.3).normalised(), Elu(), Gelu(), Tanh(), SquaredRelu().normalised(), Exp(0.3)],
    ids=str,
)
def test_the_recursion_agrees_with_the_kernels_of_the_network(activation: Activation, c0: float) -> None:
    """Two routes: deficits and closed losses here, the rules of every layer there."""
    trace = depth_trace(activation, 0.2, DEPTHS, c0)
    x = np.array([[1.0, 0.0], [c0, math.sqrt(1 - c0 * c0)]]) * math.sqrt(2)
    for place, depth in enumerate(DEPTHS):
        both = limit(balanced(activation.standardised(), depth, 0.2))(x[:1], x[1:])
        assert abs(trace.correlation[place] - both.nngp.item()) < 1e-11
        assert abs(trace.ntk[place] - both.ntk.item()) < 1e-11
        assert abs(trace.normalised[place] - both.ntk.item() / trace.diagonal[place]) < 1e-11
        assert abs(trace.normalised[place] + trace.normalised_deficit[place] - 1) < 1e-13


def cosine_and_sine(angle: Decimal) -> tuple[Decimal, Decimal]:
    """Their power series, 90 terms."""
    terms = [Decimal(1)]
    for k in range(1, 90):
        terms.append(terms[-1] * angle / k)
    signed = [-term if k % 4 in (2, 3) else term for k, term in enumerate(terms)]
    return sum(signed[0::2], Decimal(0)), sum(signed[1::2], Decimal(0))


def angle_of(c: Decimal) -> Decimal:
    """arccos by Newton's method."""
    angle = (2 * (1 - c)).sqrt()
    for _ in range(9):
        cosine, sine = cosine_and_sine(angle)
        angle += (cosine - c) / sine
    return angle


@pytest.mark.oracle
def test_deficits_hold_where_the_correlation_has_long_been_rounded_to_one() -> None:
    """Standardised ReLU, beta = 0.5, against 120 digits; at depth 400 the deficit is 1e-50."""
    with localcontext() as context:
        context.prec = 120
        pi, one, weight = 2 * angle_of(Decimal(0)), Decimal(1), Decimal(3) / 4
        c, theta, diagonal = Decimal("0.4"), Decimal("0.4"), one
        for _ in range(399):
            angle = angle_of(c)
            slope = weight * (1 - angle / pi)
            c = one / 4 + weight * (cosine_and_sine(angle)[1] + (pi - angle) * c) / pi
            theta, diagonal = c + slope * theta, 1 + weight * diagonal
        deficit, missing = float(1 - c), float(1 - theta / diagonal)
    trace = depth_trace(Relu(), 0.5, [400], c0=0.2)
    assert deficit < 1e-45
    assert abs(trace.deficit[0] / deficit - 1) < 1e-12
    assert abs(trace.normalised_deficit[0] / missing - 1) < 1e-12


@pytest.mark.exact
@pytest.mark.parametrize("activation", [Relu(), LeakyRelu(0.2), Elu(), Gelu(), Tanh(), Cos()], ids=str)
@pytest.mark.parametrize("delta", [2.0, 1.5, 0.7, 0.05, 0.0199, 1e-3])
def test_losses_are_differences_of_the_dual(activation: Activation, delta: float) -> None:
    unit = activation.normalised()
    of = dual(unit)
    loss, slope_loss = losses_of(unit)(delta)
    assert abs(loss - (of.square(1.0) - of.value(1.0, 1 - delta, 1.0))) < 1e-13
    assert abs(slope_loss - (of.slope_square(1.0) - of.slope(1.0, 1 - delta, 1.0))) < 2e-13


def slope(activation: Activation, beta: float, missing: bool = False) -> float:
    """Mean change a layer of the logarithm, over layers 40 to 80, of the normalised NTK or of what it lacks to 1."""
    trace = depth_trace(activation, beta, [40, 80], c0=0.2)
    values = trace.normalised_deficit if missing else trace.normalised
    return math.log(values[1] / values[0]) / 40


@pytest.mark.oracle
def test_smooth_order_decays_like_depth_times_r_to_the_depth() -> None:
    trace = depth_trace(Gelu(), 0.5, [5, 10, 20, 40, 80], c0=0.2)
    assert abs(trace.characteristic - 0.80402) < 1e-5
    shares = trace.normalised_deficit / (trace.depths * trace.characteristic**trace.depths)
    np.testing.assert_allclose(shares, [0.246, 0.215, 0.234, 0.269, 0.289], atol=6e-4)
    found = slope(Gelu(), 0.5, missing=True) - math.log(2) / 40
    assert abs(found + 0.2163) < 6e-5
    assert abs(found / math.log(trace.characteristic) - 1) < 0.02
    tanh = depth_trace(Tanh(), 0.6, [5, 80], c0=0.2)
    shares = tanh.normalised_deficit / (tanh.depths * tanh.characteristic**tanh.depths)
    np.testing.assert_allclose(shares, [0.262, 0.366], atol=6e-4)


@pytest.mark.oracle
def test_order_with_a_kink_decays_with_half_the_rate() -> None:
    trace = depth_trace(Relu(), 0.5, [20, 40, 80], c0=0.2)
    np.testing.assert_allclose(trace.normalised_deficit * 0.75 ** (-trace.depths / 2), [1.18, 1.32, 1.33], atol=6e-3)
    assert abs(slope(Relu(), 0.5, missing=True) + 0.14355) < 6e-6
    assert abs(slope(Relu(), 0.5, missing=True) / (math.log(0.75) / 2) - 1) < 0.02


@pytest.mark.oracle
@pytest.mark.parametrize(
    ("activation", "beta", "limits", "rate"),
    [
        (Relu(), 0.1, (0.037715, 0.147081), -0.37314),
        (Gelu(), 0.1, (0.036416, 0.137279), -0.26672),
        (Relu(), 0.3, (0.349517, 1.932935), None),
    ],
    ids=str,
)
def test_chaos_keeps_the_off_diagonal_bounded(
    activation: Activation, beta: float, limits: tuple[float, float], rate: float | None
) -> None:
    trace = depth_trace(activation.normalised(), beta, [400], c0=0.2)
    np.testing.assert_allclose([trace.correlation[0], trace.ntk[0]], limits, atol=1e-6)
    if rate is not None:
        found = slope(activation.normalised(), beta)
        assert abs(found - rate) < 6e-6
        assert abs(found / -math.log(trace.characteristic) - 1) < 0.02


@pytest.mark.oracle
def test_close_pairs_part_later() -> None:
    trace = depth_trace(Relu().normalised(), 0.1, [5, 40], c0=0.9)
    np.testing.assert_allclose(trace.normalised, [0.498, 2.3e-8], rtol=5e-3)


@pytest.mark.oracle
def test_chaos_without_bias_decays_faster() -> None:
    """Like L (B'(0) / r)^L, here (1 / 2)^L: -0.682 over layers 40 to 80 for c0 = 0.9."""
    trace = depth_trace(Relu().normalised(), 0.0, [40, 80], c0=0.9)
    assert abs(math.log(trace.normalised[1] / trace.normalised[0]) / 40 + 0.682) < 5e-4


@pytest.mark.oracle
def test_the_edge_with_a_kink_tends_to_a_quarter() -> None:
    trace = depth_trace(Relu(), 0.0, [100, 1000, 10_000], c0=0.2)
    np.testing.assert_allclose(trace.normalised, [0.2741, 0.25343, 0.25043], atol=6e-5)
    assert abs(trace.normalised[-1] - 0.25) < 0.002
    assert abs(trace.deficit[-1] * 1e8 / (9 * PI**2 / 2) - 1) < 0.005


@pytest.mark.oracle
@pytest.mark.parametrize(
    ("activation", "value", "pace"), [(Tanh(), 0.33307, 3.0967), (Gelu(), 0.33333, 3.3068), (Erf(), 0.33314, 2.5016)]
)
def test_a_smooth_edge_tends_to_a_third(activation: Activation, value: float, pace: float) -> None:
    unit = activation.normalised()
    trace = depth_trace(unit, critical_bias(unit) or 0.0, [10_000, 20_000], c0=0.2)
    assert abs(trace.normalised[0] - 1 / 3) < 0.001
    assert abs(trace.normalised[1] - value) < 6e-6
    assert abs(trace.deficit[1] * 20_000 - pace) < 6e-5


@pytest.mark.exact
def test_ten_thousand_chaotic_layers_overflow_nothing_but_the_diagonal() -> None:
    trace = depth_trace(Relu().normalised(), 0.1, [10_000], c0=0.2)
    assert trace.diagonal[0] == math.inf
    assert trace.normalised[0] < 1e-300
    assert trace.normalised_deficit[0] == pytest.approx(1)
    assert trace.ntk[0] == pytest.approx(0.147081, abs=1e-6)


def test_equal_inputs_stay_equal() -> None:
    trace = depth_trace(Gelu(), 0.1, [1, 50], c0=1.0)
    assert (trace.deficit == 0).all()
    np.testing.assert_allclose(trace.normalised, 1.0, rtol=1e-14)


def test_jumps_and_impossible_numbers_are_refused() -> None:
    with pytest.raises(NoInfiniteWidthLimit, match="jumps"):
        characteristic_value(Sign())
    with pytest.raises(BadInput, match="beta must lie in"):
        characteristic_value(Relu(), beta=1.5)
    with pytest.raises(BadInput, match="c0 in"):
        depth_trace(Relu(), 0.1, [3], c0=1.2)
    with pytest.raises(BadInput, match="each depth must be a positive integer"):
        depth_trace(Relu(), 0.1, [0], c0=0.2)
