"""The kernels of infinitely wide ReLU networks: against a table, quadrature, and networks drawn at random."""

import math
from itertools import pairwise

import numpy as np
import pytest
from scipy.integrate import quad

from theodolite.architectures import Relu, plain
from theodolite.infinite_width import NNGP, NTK, nngp, ntk


def relu_ntk(depth: int = 1, bias_std: float = 0.0) -> NTK:
    """The NTK of `depth` hidden layers."""
    return ntk(plain(Relu().standardised(), depth + 1, bias_std))


def relu_nngp(depth: int = 1, bias_std: float = 0.0) -> NNGP:
    """The NNGP of `depth` hidden layers."""
    return nngp(plain(Relu().standardised(), depth + 1, bias_std))


POINTS = np.round(np.random.default_rng(2020).standard_normal((40, 3)), 6)
DRAWS = 500
SMALL = np.array([[1.0, 0.5, -0.2], [0.3, -1.2, 0.8], [-1.0, -0.4, 0.3], [1.1, 0.5, -0.2]])


@pytest.mark.oracle
def test_tangent_kernels_agree_with_the_table() -> None:
    assert POINTS[0].tolist() == [1.260207, 0.223178, 1.332549]
    one = relu_ntk(1)(POINTS[:2])
    three = relu_ntk(3, bias_std=math.sqrt(0.1))(POINTS[:2])
    np.testing.assert_allclose(one[0], [2.2757446266, -0.1047289410], atol=5e-11)
    np.testing.assert_allclose(three[0], [5.5514892933, 1.1893936135], atol=5e-11)


def relu_moments(covariance: np.ndarray) -> tuple[float, float]:
    """(E[2 relu(u) relu(v)], E[2 1(u > 0) 1(v > 0)]) for Gaussian (u, v), by quadrature over directions.

    With (u, v) = r (cos-like, cos-like) in the plane of a standard Gaussian, the radius integrates to 2 and 1, and what
    is left is an integral over the circle whose integrand has kinks at four known angles.
    """
    a, b = np.linalg.cholesky(covariance + 1e-300 * np.eye(2))
    turn = [math.atan2(*side[::-1]) for side in (a, b)]
    kinks = sorted((angle + s * math.pi / 2) % (2 * math.pi) for angle in turn for s in (1, -1))
    edges = [0.0, *kinks, 2 * math.pi]

    def ramps(t: float) -> float:
        direction = np.array([math.cos(t), math.sin(t)])
        return max(float(a @ direction), 0.0) * max(float(b @ direction), 0.0)

    def steps(t: float) -> float:
        direction = np.array([math.cos(t), math.sin(t)])
        return float(a @ direction > 0) * float(b @ direction > 0)

    def around(f) -> float:
        return sum(quad(f, low, high, epsabs=1e-13)[0] for low, high in pairwise(edges))

    return 2 * 2 * around(ramps) / (2 * math.pi), 2 * around(steps) / (2 * math.pi)


def by_quadrature(x: np.ndarray, z: np.ndarray, depth: int, bias_std: float) -> tuple[float, float]:
    """(NNGP, NTK) by the recursion over layers with each Gaussian expectation integrated numerically."""
    pair = np.stack([x, z])
    covariance = pair @ pair.T / len(x) + bias_std**2
    ntk = covariance[0, 1]
    for _ in range(depth):
        ramps, steps = relu_moments(covariance)
        same = [relu_moments(np.full((2, 2), covariance[i, i]) + 1e-14 * np.eye(2))[0] for i in (0, 1)]
        covariance = np.array([[same[0], ramps], [ramps, same[1]]]) + bias_std**2
        ntk = covariance[0, 1] + ntk * steps
    return covariance[0, 1], ntk


@pytest.mark.oracle
@pytest.mark.parametrize("depth", [1, 2, 3])
@pytest.mark.parametrize("bias_std", [0.0, 0.4])
def test_kernels_agree_with_quadrature_layer_by_layer(depth: int, bias_std: float) -> None:
    nngp, ntk = relu_nngp(depth, bias_std)(SMALL), relu_ntk(depth, bias_std)(SMALL)
    for i, j in ((0, 1), (0, 2), (1, 2), (0, 3)):
        expected = by_quadrature(SMALL[i], SMALL[j], depth, bias_std)
        np.testing.assert_allclose((nngp[i, j], ntk[i, j]), expected, rtol=1e-9, atol=1e-10)


@pytest.mark.montecarlo
@pytest.mark.parametrize("bias_std", [0.0, 0.5])
def test_one_hidden_layer_has_these_kernels_on_average_at_any_width(bias_std: float) -> None:
    """The units of one hidden layer are independent draws, so that the sample gives its own error bar."""
    rng = np.random.default_rng(1)
    units = 400_000
    weights, bias, readout = rng.standard_normal((units, 3)), rng.standard_normal(units), rng.standard_normal(units)
    fields = weights @ SMALL.T / math.sqrt(3) + bias_std * bias[:, None]
    inputs = SMALL @ SMALL.T / 3 + bias_std**2
    for i, j in ((0, 0), (0, 1), (0, 2), (1, 2), (0, 3)):
        hidden = 2 * np.maximum(fields[:, i], 0) * np.maximum(fields[:, j], 0)
        moving = 2 * readout**2 * (fields[:, i] > 0) * (fields[:, j] > 0) * inputs[i, j]
        for kernel, draws in ((relu_nngp(1, bias_std), hidden), (relu_ntk(1, bias_std), hidden + moving)):
            bar = draws.std() / math.sqrt(units)
            assert kernel(SMALL)[i, j] == pytest.approx(draws.mean() + bias_std**2, abs=4.5 * bar)


def tangent_draw(rng: np.random.Generator, width: int, depth: int, bias_std: float) -> tuple[np.ndarray, np.ndarray]:
    """(h.h'/width + b^2 of the last hidden layer, sum over all parameters of df df') of one random network."""
    layer, forward = SMALL, []  # layers are (points, units)
    for _ in range(depth):
        weights = rng.standard_normal((layer.shape[1], width))
        field = layer @ weights / math.sqrt(layer.shape[1]) + bias_std * rng.standard_normal(width)
        forward.append((layer, weights, field))
        layer = math.sqrt(2) * np.maximum(field, 0)
    nngp = layer @ layer.T / width + bias_std**2
    ntk = nngp.copy()
    back = np.broadcast_to(rng.standard_normal(width) / math.sqrt(width), layer.shape)
    for below, weights, field in reversed(forward):
        delta = back * math.sqrt(2) * (field > 0)
        ntk += (delta @ delta.T) * (below @ below.T / below.shape[1] + bias_std**2)
        back = delta @ weights.T / math.sqrt(below.shape[1])
    return nngp, ntk


@pytest.mark.montecarlo
@pytest.mark.parametrize(("depth", "bias_std"), [(2, 0.0), (3, 0.4)])
def test_wide_networks_drawn_at_random_tend_to_these_kernels(depth: int, bias_std: float) -> None:
    """The bias of finite width falls as 1 / width; twice the mean at width 2w minus the mean at w is free of it."""
    rng = np.random.default_rng(2)
    narrow, wide = 64, 128
    draws = {w: np.array([tangent_draw(rng, w, depth, bias_std) for _ in range(DRAWS)]) for w in (narrow, wide)}
    mean = 2 * draws[wide].mean(0) - draws[narrow].mean(0)
    bar = np.sqrt(4 * draws[wide].var(0) + draws[narrow].var(0)) / math.sqrt(DRAWS)
    exact = np.array([relu_nngp(depth, bias_std)(SMALL), relu_ntk(depth, bias_std)(SMALL)])
    assert (np.abs(mean - exact) <= 4.5 * bar).all()
    assert (bar <= 0.1 * np.abs(exact).max()).all()  # the bars are narrow enough to mean something


@pytest.mark.exact
@pytest.mark.parametrize("kernel", [relu_ntk(2), relu_nngp(3)])
def test_without_bias_the_kernels_are_homogeneous_of_degree_one_in_each_point(kernel: NTK | NNGP) -> None:
    lengths = np.array([1e-150, 1e-3, 1.0, 1e150])
    stretched = kernel(lengths[:, None] * SMALL)
    assert np.isfinite(stretched).all()
    np.testing.assert_allclose(stretched, lengths[:, None] * lengths * kernel(SMALL), rtol=1e-9)


@pytest.mark.exact
@pytest.mark.parametrize("kernel", [relu_ntk(2), relu_nngp(2), relu_ntk(1, 0.3), relu_nngp(3, 0.3)])
def test_rotations_leave_the_kernels_alone(kernel: NTK | NNGP) -> None:
    turn = np.linalg.qr(np.random.default_rng(0).standard_normal((3, 3)))[0]
    np.testing.assert_allclose(kernel(SMALL @ turn), kernel(SMALL), rtol=1e-7)


@pytest.mark.exact
def test_opposite_points_share_what_the_last_layers_make_of_them() -> None:
    x = np.array([[1.0, 2.0]])
    assert relu_ntk(1)(x, -x).item() == pytest.approx(0.0, abs=1e-7)
    assert relu_nngp(1)(x, -x).item() == pytest.approx(0.0, abs=1e-15)
    # two layers: cosine 0 before the second, so that 1/pi of the variance remains
    assert relu_nngp(2)(x, -x).item() == pytest.approx(2.5 / math.pi, rel=1e-12)


@pytest.mark.parametrize("kernel", [relu_ntk(2), relu_nngp(2)])
def test_a_point_at_the_origin_has_kernel_zero_without_bias(kernel: NTK | NNGP) -> None:
    matrix = kernel(np.array([[0.0, 0.0], [1.0, 2.0]]))
    np.testing.assert_array_equal(matrix[0], [0.0, 0.0])
    assert matrix[1, 1] > 0


@pytest.mark.parametrize("kernel", [relu_ntk(3, 0.2), relu_nngp(3, 0.2)])
def test_equal_rows_have_equal_values_to_half_the_digits(kernel: NTK | NNGP) -> None:
    """arccos turns a rounding eps of the cosine into an angle of sqrt(2 eps): 2e-8 of the value, never more."""
    X = np.repeat(np.random.default_rng(5).standard_normal((30, 17)), 2, axis=0)
    matrix = kernel(X)
    np.testing.assert_allclose(matrix[::2, 1::2].diagonal(), matrix.diagonal()[::2], rtol=1e-7)
