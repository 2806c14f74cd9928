"""Duals of activations against adaptive quadrature, the identities of their theory, and the published table."""

import functools
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad

from theodolite.architectures import (
    Abs,
    Activation,
    Affine,
    Cos,
    Elementwise,
    Elu,
    Erf,
    Exp,
    Gaussian,
    Gelu,
    Hermite,
    Identity,
    LeakyRelu,
    Monomial,
    Polynomial,
    RbfFeature,
    Relu,
    Sigmoid,
    Sign,
    Sin,
    Softplus,
    SquaredRelu,
    Step,
    Swish,
    Tanh,
)
from theodolite.infinite_width.duals.dual import dual
from theodolite.infinite_width.duals.numerical import NumericalDual
from theodolite.numerics.errors import NoInfiniteWidthLimit

CLOSED = [
    Identity(),
    Relu(),
    LeakyRelu(0.1),
    Abs(),
    SquaredRelu(),
    Erf(),
    Gelu(),
    Sin(),
    Sin(1.3, 0.7, 0.4),
    Cos(),
    RbfFeature(0.5),
    Exp(0.5),
    Gaussian(),
    Polynomial((0.5, -1.0, 0.2, 0.3)),
    Monomial(2),
    Monomial(3),
    Hermite(4),
    Relu().normalised(),
    Gelu().normalised(),
    Erf().standardised(),
    Affine(Swish(), 2.0, -0.3),
    Hermite(3).standardised(),
]
NUMERICAL = [Tanh(), Sigmoid(), Softplus(), Swish(), Elu(), Tanh().standardised(), Elu().normalised()]
HINGE = Elementwise(lambda x: np.maximum(x - 0.5, 0.0) + 0.2 * x, bends_at=(0.5,))
SMOOTH_OR_KINKED = [*CLOSED, *NUMERICAL]
JUMPING = [Step(), Sign()]
TRIPLES = np.array(
    [
        (1.0, 0.3, 1.0),
        (1.0, -0.9, 1.0),
        (0.5, 0.6, 2.0),
        (1.0, 1.0, 1.0),
        (1.0, -1.0, 1.0),
        (0.5, 1.0, 2.0),
        (1.0, 1 - 1e-7, 1.0),
        (1.5, 0.0, 0.7),
    ]
)
named = functools.partial(pytest.mark.parametrize, ids=repr)


def adaptive(first: Callable, second: Callable, q1: float, c: float, q2: float, bends: tuple[float, ...]) -> float:
    """E[first(u) second(v)] by nested adaptive quadrature, written apart from the library."""
    s1, s2 = np.sqrt(q1), np.sqrt(q2)
    rho = c / (s1 * s2)
    across = np.sqrt(max(1 - rho * rho, 0.0))

    def density(z: float) -> float:
        return np.exp(-z * z / 2) / np.sqrt(2 * np.pi)

    def integral(function: Callable[[float], float], breaks: list[float]) -> float:
        inside = sorted({x for x in breaks if -9.5 < x < 9.5})
        return quad(function, -9.5, 9.5, points=inside or None, epsabs=1e-11, epsrel=1e-11, limit=200)[0]

    def at(function: Callable, x: float) -> np.ndarray:
        return function(np.asarray(x))

    turns = [bend / (s2 * rho) + w * across for bend in bends for w in (-6, -1, 0, 1, 6) if rho]
    outer_breaks = [bend / s1 for bend in bends] + turns
    if across == 0:
        return integral(lambda z: float(at(first, s1 * z) * at(second, s2 * rho * z)) * density(z), outer_breaks)
    fine, weights = np.polynomial.legendre.leggauss(40)

    def inner(z: float) -> float:
        ends = [(bend / s2 - rho * z) / across for bend in bends]
        edges = np.array(sorted([-9.5, -4.0, 0.0, 4.0, 9.5, *(x for x in ends if -9.5 < x < 9.5)]))
        half = np.diff(edges)[:, None] / 2
        y = edges[:-1, None] + half * (fine + 1)
        return float(np.sum(half * weights * second(s2 * (rho * z + across * y)) * density(y)))

    return integral(lambda z: float(at(first, s1 * z)) * inner(z) * density(z), outer_breaks)


@pytest.mark.oracle
@named("activation", [*SMOOTH_OR_KINKED, HINGE])
def test_value_and_slope_are_what_adaptive_quadrature_finds(activation):
    worst = 0.0
    for q1, c, q2 in TRIPLES[[1, 2, 3, 6]]:
        value, slope = dual(activation).both(q1, c, q2)
        bends = activation.bends
        worst = max(worst, abs(value - adaptive(activation, activation, q1, c, q2, bends)))
        worst = max(worst, abs(slope - adaptive(activation.derivative, activation.derivative, q1, c, q2, bends)))
    assert worst < (1e-6 if activation is HINGE else 1e-9)


@pytest.mark.oracle
@named("activation", JUMPING)
def test_covariances_of_jumping_activations(activation):
    for q1, c, q2 in TRIPLES[[0, 1, 2, 3, 4]]:
        exact = adaptive(activation, activation, q1, c, q2, (0.0,))
        assert abs(dual(activation).value(q1, c, q2) - exact) < 1e-9


@named("activation", JUMPING)
def test_a_jump_has_no_slope(activation):
    for ask in (lambda d: d.slope(1.0, 0.5, 1.0), lambda d: d.both(1.0, 0.5, 1.0), lambda d: d.slope_square(1.0)):
        with pytest.raises(NoInfiniteWidthLimit, match="tangent kernel"):
            ask(dual(activation))
        with pytest.raises(NoInfiniteWidthLimit, match="tangent kernel"):
            ask(NumericalDual(activation))


@pytest.mark.oracle
@named("activation", [a for a in CLOSED if a.degree != 1] + [Relu(), LeakyRelu(0.1), *JUMPING])
def test_quadrature_finds_the_closed_forms(activation):
    """The Hermite series and the split quadrature against formulas, off the sphere, and for variances up to 30."""
    points = np.array([*TRIPLES, (1e-3, 1e-3, 1e-3), (30.0, 29.9, 30.0), (30.0, 30.0, 30.0), (1e-3, 0.1, 30.0)]).T
    numerical, closed = NumericalDual(activation), dual(activation)
    size = np.sqrt(closed.square(points[0]) * closed.square(points[2])) + 1e-3
    assert np.max(np.abs(numerical.value(*points) - closed.value(*points)) / size) < 1e-12
    assert np.allclose(numerical.mean(points[0]), closed.mean(points[0]), rtol=1e-12, atol=1e-14)
    assert np.allclose(numerical.square(points[0]), closed.square(points[0]), rtol=1e-12)
    if not activation.jumps:
        size = np.sqrt(closed.slope_square(points[0]) * closed.slope_square(points[2])) + 1e-3
        assert np.max(np.abs(numerical.slope(*points) - closed.slope(*points)) / size) < 1e-12
        assert np.allclose(numerical.slope_square(points[0]), closed.slope_square(points[0]), rtol=1e-12)


@pytest.mark.exact
@named("activation", SMOOTH_OR_KINKED)
def test_the_slope_is_the_derivative_of_the_value(activation):
    """Price's theorem, by central differences: rounding / h = 1e-10."""
    triples = np.array([(1.0, 0.3, 1.0), (1.0, -0.6, 1.0), (0.5, 0.6, 2.0), (1.5, 0.0, 0.7)]).T
    q1, c, q2 = triples
    d, h = dual(activation), 1e-6
    difference = (d.value(q1, c + h, q2) - d.value(q1, c - h, q2)) / (2 * h)
    assert np.max(np.abs(difference - d.slope(q1, c, q2))) < 2e-8


@pytest.mark.exact
@named("activation", [*SMOOTH_OR_KINKED, HINGE])
def test_squares_are_the_diagonal(activation):
    q, d = np.array([0.01, 0.4, 1.0, 3.0]), dual(activation)
    tolerance = 1e-6 if activation is HINGE else 1e-12
    assert np.allclose(d.square(q), d.value(q, q, q), rtol=tolerance, atol=tolerance)
    assert np.allclose(d.slope_square(q), d.slope(q, q, q), rtol=tolerance, atol=tolerance)


@pytest.mark.exact
@named("activation", [*SMOOTH_OR_KINKED, *JUMPING, HINGE])
def test_independent_points_give_the_product_of_means(activation):
    q1, q2, d = np.array([0.3, 1.0, 2.0]), np.array([1.0, 0.2, 4.0]), dual(activation)
    assert np.allclose(d.value(q1, 0 * q1, q2), d.mean(q1) * d.mean(q2), rtol=1e-12, atol=1e-13)


@pytest.mark.exact
@named("activation", [Gelu(), Relu(), Cos(), Softplus(), Elu()])
def test_an_affine_change_is_right_off_the_sphere(activation):
    scale, shift = 1.7, -0.4
    q1, c, q2 = TRIPLES.T
    inner, moved = dual(activation), NumericalDual(Affine(activation, scale, shift))
    exact = scale**2 * inner.value(q1, c, q2) + scale * shift * (inner.mean(q1) + inner.mean(q2)) + shift**2
    assert np.allclose(dual(Affine(activation, scale, shift)).value(q1, c, q2), exact, rtol=0, atol=1e-13)
    assert np.allclose(moved.value(q1, c, q2), exact, rtol=0, atol=1e-11)
    on_the_sphere = scale**2 * inner.value(q1, c, q2) + 2 * scale * shift * inner.mean(1.0) + shift**2
    assert np.max(np.abs(exact - on_the_sphere)) > 0.01  # the shortcut would be noticed


@pytest.mark.exact
@named("activation", [a for a in [*SMOOTH_OR_KINKED, *JUMPING] if a.degree is not None])
def test_homogeneity(activation):
    q1, c, q2 = TRIPLES.T
    d, factor = dual(activation), 2.5
    power = factor**activation.degree
    assert np.allclose(d.value(factor**2 * q1, factor * c, q2), power * d.value(q1, c, q2), rtol=1e-12, atol=1e-13)


@pytest.mark.exact
@named("activation", [*SMOOTH_OR_KINKED, *JUMPING])
def test_cauchy_schwarz(activation):
    q1, c, q2 = TRIPLES.T
    d = dual(activation)
    bound = np.sqrt(d.square(q1) * d.square(q2))
    assert np.all(np.abs(d.value(q1, c, q2)) <= bound * (1 + 1e-12))


@pytest.mark.exact
@given(seed=st.integers(0, 2**32 - 1), scale=st.floats(0.1, 4.0), index=st.integers(0, 28))
def test_the_dual_of_a_gram_matrix_is_positive(seed, scale, index):
    activation = SMOOTH_OR_KINKED[index]
    X = scale * np.random.default_rng(seed).normal(size=(7, 4))
    X[1], X[2], X[3] = -X[0], 2 * X[0], 0.0
    gram = X @ X.T / 4
    q = np.diag(gram)
    d = dual(activation)
    for square, diagonal in zip(d.both(q[:, None], gram, q[None, :]), (d.square(q), d.slope_square(q)), strict=True):
        square = square.copy()
        square[np.arange(3), np.arange(3)] = diagonal[:3]
        assert np.isfinite(square).all()
        assert np.linalg.eigvalsh((square + square.T) / 2)[0] > -1e-8 * np.abs(square).max()


@pytest.mark.oracle
@named(
    ("activation", "mean", "square", "slope", "standardised", "normalised"),
    [
        (Relu(), 0.398942, 0.5, 0.5, 1, 1.466942),
        (LeakyRelu(0.1), 0.359048, 0.505, 0.505, 1, 1.342783),
        (Abs(), 0.797885, 1, 1, 1, 2.751938),
        (Elu(), 0.160521, 0.644945, 0.668102, 1.035905, 1.079013),
        (Erf(), 0, 0.464559, 0.569410, 1.225700, 1.225700),
        (Tanh(), 0, 0.394294, 0.464403, 1.177807, 1.177807),
        (Sin(), 0, 0.432332, 0.567668, 1.313035, 1.313035),
        (Gelu(), 0.282095, 0.425221, 0.455851, 1.072032, 1.318845),
        (Swish(), 0.206621, 0.355776, 0.379482, 1.066634, 1.212081),
        (Softplus(), 0.806059, 0.921246, 0.293379, 0.318459, 1.080528),
        (Sigmoid(), 0.5, 0.293379, 0.044836, 0.152827, 1.033592),
        (Cos(), 0.606531, 0.567668, 0.432332, 0.761594, 2.163953),
        (Gaussian(), 0.577350, 0.447214, 0.357771, 0.8, 3.141641),
        (SquaredRelu(), 0.5, 1.5, 2, 4 / 3, 1.6),
    ],
)
def test_published_moments_and_characteristic_values(activation, mean, square, slope, standardised, normalised):
    d = dual(activation)
    measured = [d.mean(1.0), d.square(1.0), d.slope_square(1.0)]
    measured += [dual(form).slope_square(1.0) for form in (activation.standardised(), activation.normalised())]
    assert np.allclose(measured, [mean, square, slope, standardised, normalised], rtol=0, atol=1e-6)
    assert np.allclose(dual(activation.normalised()).square(1.0), 1.0, rtol=1e-13)
    assert abs(dual(activation.normalised()).mean(1.0)) < 1e-13


@named("activation", [*SMOOTH_OR_KINKED, HINGE])
def test_no_variance_is_no_trouble(activation):
    """At q = 0: u = 0, and v is independent of it."""
    d = dual(activation)
    zero = float(activation(np.zeros(1))[0])
    value, slope = d.both(np.zeros(2), np.zeros(2), np.array([0.0, 1.0]))
    assert np.allclose(value, [zero**2, zero * d.mean(1.0)], rtol=1e-12, atol=1e-13)
    assert np.isfinite(slope).all()
    assert np.allclose([d.mean(0.0), d.square(0.0)], [zero, zero**2], atol=1e-13)


@named("activation", [*SMOOTH_OR_KINKED, HINGE])
def test_float32_follows_float64(activation):
    single, double = TRIPLES[:6].astype(np.float32).T, TRIPLES[:6].astype(np.float32).astype(np.float64).T
    d = dual(activation)
    for coarse, fine in zip(d.both(*single), d.both(*double), strict=True):
        assert coarse.dtype == np.float32
        assert np.allclose(coarse, fine, rtol=0, atol=2e-3 if activation.kinks else 2e-5)
    for name in ("mean", "square", "slope_square"):
        coarse = getattr(d, name)(single[0])
        assert coarse.dtype == np.float32
        assert np.allclose(coarse, getattr(d, name)(double[0]), rtol=1e-5, atol=1e-6)


@named("activation", [Relu(), Tanh(), Elu(), Gelu().normalised()])
def test_a_gram_matrix_is_its_entries(activation, rng):
    X = rng.normal(size=(40, 8))
    gram = X @ X.T / 8
    q = np.diag(gram)
    d = dual(activation)
    whole = d.both(q[:, None], gram, q[None, :])
    entries = d.both(np.repeat(q, 40), gram.ravel(), np.tile(q, 40))
    for one, other in zip(whole, entries, strict=True):
        assert np.allclose(one.ravel(), other, rtol=0, atol=1e-12)


def test_gauss_hermite_would_not_do_for_a_kink():
    """The closed form of ReLU is not what tensor quadrature gives: an error above 1e-5 says which one was used."""
    z, w = np.polynomial.hermite_e.hermegauss(50)
    w = w / w.sum()
    v = 0.9 * z[:, None] + np.sqrt(1 - 0.81) * z[None, :]
    tensor = np.sum(w[:, None] * w * np.maximum(z, 0)[:, None] * np.maximum(v, 0))
    assert abs(tensor - dual(Relu()).value(1.0, 0.9, 1.0)) > 1e-5


def test_a_wrong_dual_is_noticed():
    """Negative control: a slope 1 % too large breaks Price's theorem by far more than its tolerance."""
    h = 1e-6
    difference = (dual(Relu()).value(1.0, 0.3 + h, 1.0) - dual(Relu()).value(1.0, 0.3 - h, 1.0)) / (2 * h)
    assert abs(difference - 1.01 * dual(Relu()).slope(1.0, 0.3, 1.0)) > 1e-3


def test_hermite_polynomials_of_high_degree_stay_exact():
    rho = np.array([-0.9, 0.5, 1.0])
    for order in (1, 2, 20, 60):
        value, slope = dual(Hermite(order)).both(1.0, rho, 1.0)
        assert np.allclose(value, rho**order, rtol=1e-12, atol=0)
        assert np.allclose(slope, order * rho ** (order - 1), rtol=1e-12, atol=0)


def test_only_activations_have_a_dual():
    with pytest.raises(TypeError, match="Relu"):
        dual("relu")  # type: ignore[arg-type]


class Cubed(Activation):
    """An activation of the user's own."""

    def __call__(self, x):
        return x**3

    def derivative(self, x):
        return 3 * x**2


def test_an_activation_of_the_users_own_has_a_dual():
    points = TRIPLES.T
    assert np.allclose(dual(Cubed()).both(*points), dual(Monomial(3)).both(*points), rtol=0, atol=1e-11)
