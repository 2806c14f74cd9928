"""The root of z = ridge + (z / samples) sum m d / (d + z), against bracketing, closed forms and its bounds."""

import math

import numpy as np
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from scipy.optimize import brentq

from theodolite.numerics import self_consistent
from theodolite.numerics.errors import BadInput, DidNotConverge, NotFinite, ShapeMismatch
from theodolite.numerics.self_consistent import degrees_of_freedom, inverse, slope, solve

POWER = 1.0 / np.arange(1, 21)
EXPONENTIAL = np.exp(-np.arange(20) / 2)
HALVING = 2.0 ** -np.arange(20)

# z and dz/d(ridge) at ridge = 0, 1e-4, 1e-2, 1, from an independent bracketing computation; None: not tabulated
TABLE = [
    (POWER, 5, 0.0, 0.41003371579, 1.536495342),
    (POWER, 5, 1e-4, 0.410187348652, 1.536161986),
    (POWER, 5, 1e-2, 0.425238956082, 1.505224507),
    (POWER, 5, 1.0, 1.57935948104, 1.067478188),
    (POWER, 20, 1e-4, 0.00315148843512, 16.08624544),
    (POWER, 20, 1e-2, 0.0376860773448, 2.240145114),
    (POWER, 20, 1.0, 1.13600161813, 1.025849474),
    (POWER, 40, 1e-4, 0.000199582887391, 1.991686378),
    (POWER, 40, 1e-2, 0.0174152576869, 1.575435442),
    (POWER, 40, 1.0, 1.06709503606, 1.013906436),
    (EXPONENTIAL, 5, 0.0, 0.114664128465, 2.72280042),
    (EXPONENTIAL, 5, 1e-4, 0.114936112317, 2.716885771),
    (EXPONENTIAL, 5, 1e-2, 0.139591302291, 2.311886437),
    (EXPONENTIAL, 5, 1.0, 1.36023361715, 1.076013497),
    (EXPONENTIAL, 20, 1e-4, 0.000458542246095, 3.258934044),
    (EXPONENTIAL, 20, 1e-2, 0.0175522665384, 1.496862074),
    (EXPONENTIAL, 20, 1.0, 1.08442662361, 1.024194765),
    (HALVING, 5, 0.0, 0.0455902406956, 3.575491551),
    (HALVING, 5, 1e-4, 0.0459464447088, 3.548726129),
    (HALVING, 5, 1e-2, 0.0741523975262, 2.443431333),
    (HALVING, 5, 1.0, 1.27255343728, 1.066353165),
    (HALVING, 20, 1e-4, 0.000262716342366, 2.210437959),
    (HALVING, 20, 1e-2, 0.0149060836261, 1.347241513),
    (HALVING, 20, 1.0, 1.06452458667, 1.01979074),
]

EIGENVALUES = st.one_of(
    st.builds(lambda r, a: np.arange(1.0, r + 1) ** -a, st.integers(1, 60), st.floats(0.0, 4.0)),
    st.builds(lambda r, a: np.exp(-a * np.arange(r)), st.integers(1, 40), st.floats(0.0, 1.0)),
    st.lists(st.floats(1e-6, 1e3), min_size=1, max_size=12).map(np.array),
)
SAMPLES = st.integers(1, 200)
RIDGE = st.floats(-10, 1).map(lambda exponent: 10.0**exponent)


def bracketed(ridge: float, d: np.ndarray, samples: float) -> float:
    """The root of df(z) / samples + ridge / z = 1, which falls from above 1 to ridge / z: bisection finds it."""

    def excess(log_z: float) -> float:
        z = math.exp(log_z)
        return float(np.sum(d / (d + z)) / samples + ridge / z - 1.0)

    low, high = math.log(ridge), math.log(2.0 * (ridge + d.sum() / samples))
    return math.exp(brentq(excess, low, high, xtol=1e-14, rtol=1e-15))


@pytest.mark.oracle
@given(EIGENVALUES, SAMPLES, RIDGE)
def test_newton_from_the_right_finds_what_bracketing_finds(d: np.ndarray, samples: int, ridge: float) -> None:
    # the bracketing loses digits where the function is flat: z / (ridge dz/dridge) is the condition number there
    z = solve(ridge, d, samples)
    condition = max(1.0, z / (ridge * slope(z, d, samples)))
    assert solve(ridge, d, samples) == pytest.approx(bracketed(ridge, d, samples), rel=1e-13 * condition + 1e-12)


@pytest.mark.exact
@given(EIGENVALUES, SAMPLES, RIDGE)
def test_the_root_satisfies_the_equation(d: np.ndarray, samples: int, ridge: float) -> None:
    z = solve(ridge, d, samples)
    assert z == pytest.approx(ridge + z / samples * float(np.sum(d / (d + z))), rel=1e-12)


@pytest.mark.exact
@given(EIGENVALUES, SAMPLES, RIDGE)
def test_the_root_keeps_its_bounds(d: np.ndarray, samples: int, ridge: float) -> None:
    z = solve(ridge, d, samples)
    assert ridge <= z <= (ridge + d.sum() / samples) * (1 + 1e-12)
    if d.size < samples:
        assert z <= ridge * samples / (samples - d.size) * (1 + 1e-12)
    if d.size > samples:  # gamma = samples / size < 1
        gamma = samples / d.size
        assert z >= d.min() * (1 - gamma) / gamma * (1 - 1e-12)


@pytest.mark.exact
@given(EIGENVALUES, SAMPLES, RIDGE)
def test_the_slope_lies_between_one_and_root_over_ridge(d: np.ndarray, samples: int, ridge: float) -> None:
    z = solve(ridge, d, samples)
    assert 1 - 1e-12 <= slope(z, d, samples) <= z / ridge * (1 + 1e-12)


@pytest.mark.exact
@given(EIGENVALUES, SAMPLES, RIDGE, st.floats(1.01, 100.0))
def test_the_root_rises_with_the_ridge_ever_more_slowly(
    d: np.ndarray, samples: int, ridge: float, factor: float
) -> None:
    low, middle, high = ridge, ridge * (1 + factor) / 2, ridge * factor
    roots = [solve(value, d, samples) for value in (low, middle, high)]
    assert roots[0] < roots[1] < roots[2]
    assert roots[1] >= (roots[0] + roots[2]) / 2 * (1 - 1e-12)  # concave


@pytest.mark.exact
@given(EIGENVALUES, SAMPLES, RIDGE, st.integers(1, 50))
def test_the_root_falls_with_the_samples(d: np.ndarray, samples: int, ridge: float, more: int) -> None:
    assert solve(ridge, d, samples + more) < solve(ridge, d, samples) * (1 + 1e-12)


@pytest.mark.exact
@given(EIGENVALUES, SAMPLES, RIDGE, st.floats(-100, 100).map(lambda exponent: 10.0**exponent))
def test_the_root_scales_with_spectrum_and_ridge(d: np.ndarray, samples: int, ridge: float, scale: float) -> None:
    assert solve(scale * ridge, scale * d, samples) == pytest.approx(scale * solve(ridge, d, samples), rel=1e-12)


@pytest.mark.exact
@given(EIGENVALUES, SAMPLES, RIDGE)
def test_inverse_undoes_solve(d: np.ndarray, samples: int, ridge: float) -> None:
    z = solve(ridge, d, samples)
    # a relative rounding of z moves the ridge by z / (ridge slope) times as much
    condition = z / (ridge * slope(z, d, samples))
    assert inverse(z, d, samples) == pytest.approx(ridge, rel=1e-13 * condition + 1e-12)


@pytest.mark.exact
@given(EIGENVALUES, SAMPLES, RIDGE)
@example(np.ones(57), 1, 1.0)  # many more modes than samples: another form of the sums cancels
def test_the_slope_is_the_derivative(d: np.ndarray, samples: int, ridge: float) -> None:
    z = solve(ridge, d, samples)
    assume(ridge > 1e-5 * z)  # below, the difference of two roots is rounding
    step = 1e-3 * ridge

    def difference(h: float) -> float:
        return (solve(ridge + h, d, samples) - solve(ridge - h, d, samples)) / (2 * h)

    extrapolated = (4 * difference(step) - difference(2 * step)) / 3
    rounding = 1e-15 * z / step
    assert slope(z, d, samples) == pytest.approx(extrapolated, rel=1e-9, abs=10 * rounding)


@pytest.mark.oracle
@given(st.integers(1, 300), st.integers(1, 300), RIDGE, st.floats(1e-3, 1e3))
def test_equal_eigenvalues_have_a_closed_form(modes: int, samples: int, ridge: float, d: float) -> None:
    # z^2 - (ridge + d R/M - d) z - ridge d = 0
    b = ridge + d * modes / samples - d
    root = math.sqrt(b * b + 4 * ridge * d)
    closed = (b + root) / 2 if b > 0 else 2 * ridge * d / (root - b)
    rounding = 1e-16 * (ridge + d) / root  # of b, when its terms cancel
    assert solve(ridge, np.full(modes, d), samples) == pytest.approx(closed, rel=1e-12 + 10 * rounding)


@pytest.mark.oracle
@pytest.mark.parametrize(("d", "samples", "ridge", "root", "derivative"), TABLE)
def test_roots_and_slopes_agree_with_the_table(
    d: np.ndarray, samples: int, ridge: float, root: float, derivative: float
) -> None:
    z = solve(ridge, d, samples)
    assert z == pytest.approx(root, rel=1e-9)
    assert slope(z, d, samples) == pytest.approx(derivative, rel=1e-9)


@pytest.mark.oracle
def test_the_inverse_agrees_with_the_table_and_says_what_is_out_of_reach() -> None:
    assert degrees_of_freedom(0.1, POWER) == pytest.approx(10.66018876952137, rel=1e-13)
    for samples, ridge in ((15, 0.02893207486985753), (20, 0.04669905615239315), (40, 0.07334952807619657)):
        assert inverse(0.1, POWER, samples) == pytest.approx(ridge, rel=1e-12)
    assert inverse(0.1, POWER, 10) == pytest.approx(-0.0066, abs=5e-5)  # ten samples cannot hold 10.7 dimensions


@pytest.mark.exact
@given(EIGENVALUES, SAMPLES)
def test_without_ridge_all_samples_are_used_up_or_the_root_is_zero(d: np.ndarray, samples: int) -> None:
    z = solve(0.0, d, samples)
    if d.size > samples:
        assert degrees_of_freedom(z, d) == pytest.approx(samples, rel=1e-9)
    else:
        assert z == 0.0


@pytest.mark.exact
@pytest.mark.parametrize(("ridge", "ratio"), [(1e-6, 1.0047), (1e-8, 1.0005), (1e-10, 1.00005), (1e-28, 1.0)])
def test_with_as_many_modes_as_samples_the_root_is_the_square_root_of_the_ridge(ridge: float, ratio: float) -> None:
    d = 1.0 / np.arange(1, 101)
    t = np.sum(1.0 / d) / 100
    z = solve(ridge, d, 100)
    assert z / math.sqrt(ridge / t) == pytest.approx(ratio, rel=5e-5 if ridge > 1e-28 else 1e-10)
    if ridge == 1e-28:  # 1 - sum of squares would cancel here
        assert slope(z, d, 100) * 2 * math.sqrt(ridge * t) == pytest.approx(1.0, rel=1e-10)


@pytest.mark.exact
def test_the_slope_is_infinite_at_zero_when_modes_and_samples_are_equal() -> None:
    assert slope(0.0, [1.0, 2.0], 2) == math.inf
    assert slope(0.0, [1.0, 2.0], 4) == 2.0  # 1 / (1 - 2/4)


@pytest.mark.exact
@given(st.lists(st.tuples(st.floats(1e-3, 10), st.integers(0, 6)), min_size=1, max_size=8), SAMPLES, RIDGE)
def test_multiplicities_stand_for_repeated_eigenvalues(
    levels: list[tuple[float, int]], samples: int, ridge: float
) -> None:
    d, m = np.array(levels).T
    repeated = np.repeat(d, m.astype(int))
    z = solve(ridge, d, samples, multiplicities=m)
    assert z == pytest.approx(solve(ridge, repeated, samples), rel=1e-12)
    assert slope(z, d, samples, multiplicities=m) == pytest.approx(slope(z, repeated, samples), rel=1e-12)
    assert inverse(z, d, samples, multiplicities=m) == pytest.approx(inverse(z, repeated, samples), rel=1e-12)
    assert degrees_of_freedom(z, d, multiplicities=m) == pytest.approx(degrees_of_freedom(z, repeated), rel=1e-12)


@pytest.mark.exact
@given(EIGENVALUES, SAMPLES, RIDGE)
def test_order_and_zero_eigenvalues_do_not_matter(d: np.ndarray, samples: int, ridge: float) -> None:
    shuffled = np.concatenate([np.zeros(3), d[::-1]])
    assert solve(ridge, shuffled, samples) == pytest.approx(solve(ridge, d, samples), rel=1e-13)


@pytest.mark.exact
@pytest.mark.parametrize("power", [1.2, 2.0, 3.0])
@pytest.mark.parametrize("ridge", [0.0, 1e-3, 0.1])
def test_modes_far_below_the_root_enter_through_their_trace_alone(power: float, ridge: float) -> None:
    d = np.arange(1.0, 100_001) ** -power
    kept, rest = d[:3000], d[3000:].sum()
    whole, short = solve(ridge, d, 50), solve(ridge, kept, 50, tail=rest)
    assert abs(short / whole - 1) <= kept[-1] / whole  # of the order of the last kept eigenvalue over the root
    assert abs(solve(ridge, kept, 50) / whole - 1) > 3 * abs(short / whole - 1)  # and better than forgetting them


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"ridge": -1e-3}, BadInput, "ridge and tail must be zero or positive"),
        ({"ridge": math.nan}, BadInput, "got ridge = nan"),
        ({"ridge": math.inf}, BadInput, "got ridge = inf"),
        ({"tail": -1.0}, BadInput, "tail = -1"),
        ({"tail": math.inf}, BadInput, "tail = inf"),
        ({"samples": 0.5}, BadInput, "samples must be at least 1, got 0.5"),
        ({"samples": math.inf}, BadInput, "samples must be at least 1, got inf"),
        ({"samples": math.nan}, BadInput, "got nan"),
        ({"eigenvalues": [1.0, -1e-9]}, BadInput, "eigenvalues and multiplicities must be zero or positive"),
        ({"eigenvalues": [1.0, math.nan]}, NotFinite, "eigenvalues holds nan at 1"),
        ({"eigenvalues": np.ones((2, 2))}, ShapeMismatch, "vectors of one length"),
        ({"multiplicities": [1.0]}, ShapeMismatch, "vectors of one length"),
        ({"multiplicities": [1.0, -1.0]}, BadInput, "zero or positive"),
        ({"multiplicities": [1.0, math.nan]}, NotFinite, "multiplicities holds nan at 1"),
    ],
)
def test_what_cannot_be_solved_is_refused_in_words(arguments: dict, error: type, words: str) -> None:
    with pytest.raises(error, match=words):
        solve(**{"ridge": 0.1, "eigenvalues": [1.0, 0.5], "samples": 3} | arguments)


@pytest.mark.parametrize("z", [-1.0, math.nan, math.inf])
def test_a_root_below_zero_is_refused(z: float) -> None:
    with pytest.raises(BadInput, match="z must be zero or positive"):
        slope(z, [1.0], 2)
    with pytest.raises(BadInput, match="z must be zero or positive"):
        inverse(z, [1.0], 2)
    with pytest.raises(BadInput, match="z must be zero or positive"):
        degrees_of_freedom(z, [1.0])


def test_an_iteration_that_does_not_settle_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(self_consistent, "_MAX_STEPS", 1)
    with pytest.raises(DidNotConverge, match=r"did not settle in 1 steps: ridge = 0\.01"):
        solve(0.01, POWER, 20)


@given(EIGENVALUES, SAMPLES, st.one_of(RIDGE, st.just(0.0)))
def test_twenty_five_steps_are_plenty(d: np.ndarray, samples: int, ridge: float) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(self_consistent, "_MAX_STEPS", 25)
        solve(ridge, d, samples)
