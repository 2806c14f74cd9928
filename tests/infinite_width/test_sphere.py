"""Mercer spectra on the sphere: printed values, Gram matrices, and which degrees a kernel is blind to."""

import math

import numpy as np
import pytest

from theodolite.architectures import Abs, Activation, Cos, Erf, Monomial, Node, Relu, parse, plain
from theodolite.infinite_width import nngp, ntk
from theodolite.infinite_width.sphere import definiteness, mercer
from theodolite.kernels import RBF, LaplaceL1, Linear
from theodolite.numerics.errors import BadInput

PRINTED = [  # Jacot, Gabriel and Hongler (2018): activation, depth, beta, dimension and mu_0, ..., mu_6
    (Relu(), 2, 0.0, 3, ("8.333e-02", "5.556e-02", "1.302e-02", None, "8.681e-04", None, "2.340e-04")),
    (Relu(), 2, 0.1, 3, ("9.876e-02", "5.769e-02", "1.238e-02", "2.889e-04", "7.064e-04", "1.069e-04", "1.638e-04")),
    (Relu(), 3, 0.0, 3, ("7.752e-02", "3.090e-02", "8.947e-03", "1.554e-03", "7.619e-04", "2.548e-04", "2.063e-04")),
    (Relu(), 4, 0.1, 3, ("8.308e-02", "1.810e-02", "5.616e-03", "1.481e-03", "6.423e-04", "2.929e-04", "1.772e-04")),
    (Relu(), 4, 0.1, 2, ("1.235e-01", "4.353e-02", "1.775e-02", "6.000e-03", "3.195e-03", "1.746e-03", "1.225e-03")),
    (Erf(), 2, 0.1, 3, ("2.598e-02", "1.735e-01", "3.700e-04", "1.699e-03", "1.358e-05", "3.960e-05", "5.404e-07")),
    (Monomial(2), 2, 0.1, 3, ("3.507e-01", "1.333e-02", "8.889e-02", None, None, None, None)),
]
RANKS = [  # 12 antipodal pairs on the sphere of R^3
    (Relu(), 2, 0.0, 15),
    (Relu(), 2, 0.1, 24),
    (Relu(), 3, 0.0, 24),
    (Erf(), 2, 0.0, 12),
    (Erf(), 3, 0.0, 12),
    (Erf(), 2, 0.1, 24),
    (Cos(), 2, 0.0, 12),
    (Abs(), 2, 0.0, 12),
    (Abs(), 2, 0.1, 24),
    (Monomial(2), 2, 0.1, 9),
    (Monomial(3), 2, 0.1, 16),
]


@pytest.mark.oracle
@pytest.mark.parametrize(("activation", "depth", "beta", "dimension", "expected"), PRINTED)
def test_eigenvalues_are_the_printed_ones(
    activation: Activation, depth: int, beta: float, dimension: int, expected: tuple[str | None, ...]
) -> None:
    spectrum = mercer(plain(activation, depth, beta), dimension)
    for value, digits in zip(spectrum.eigenvalues, expected, strict=False):
        if digits is None:
            assert abs(value) < 1e-16
        else:
            assert f"{value:.3e}" == digits


@pytest.mark.oracle
@pytest.mark.parametrize(("activation", "depth", "beta", "rank"), RANKS)
def test_ranks_of_antipodal_pairs_are_exact(activation: Activation, depth: int, beta: float, rank: int) -> None:
    half = np.random.default_rng(0).normal(size=(12, 3))
    half /= np.linalg.norm(half, axis=1, keepdims=True)
    gram = ntk(plain(activation, depth, beta))(np.concatenate([half, -half]))
    assert np.linalg.matrix_rank(gram, tol=1e-9, hermitian=True) == rank


@pytest.mark.exact
@pytest.mark.parametrize(("activation", "depth", "beta", "rank"), RANKS)
def test_the_verdict_agrees_with_the_rank(activation: Activation, depth: int, beta: float, rank: int) -> None:
    """12 antipodal pairs: 12 for an infinite parity, the sum of multiplicities for a finite one."""
    found = definiteness(plain(activation, depth, beta))
    assert found.positive_definite == (rank == 24)
    expected = 0
    for first, last in ((0, found.even), (1, found.odd)):
        expected += 12 if last == math.inf else sum(2 * k + 1 for k in range(first, int(last or first - 1) + 1, 2))
    assert expected == rank


@pytest.mark.oracle
def test_thirteen_degrees_capture_the_printed_share_of_the_trace() -> None:
    spectrum = mercer(plain(Relu(), 4, 0.1), dimension=3, degrees=13)
    assert abs(spectrum.captured - 0.9685) < 1e-4


@pytest.mark.exact
def test_the_captured_share_grows_to_one() -> None:
    shares = np.cumsum(mercer(plain(Erf(), 2, 0.1), dimension=3, degrees=40).shares)
    assert (np.diff(shares) > -1e-14).all()
    assert abs(shares[-1] - 1) < 1e-12


@pytest.mark.oracle
def test_eigenvalues_of_a_relu_network_fall_like_the_degree_to_minus_the_dimension() -> None:
    degree = np.arange(20, 61)
    found = mercer(plain(Relu(), 4, 0.1), dimension=3, degrees=61).eigenvalues[20:]
    assert abs(np.polyfit(np.log(degree), np.log(found), 1)[0] + 2.97) < 0.005


@pytest.mark.montecarlo
def test_the_gram_matrix_of_uniform_points_has_these_eigenvalues() -> None:
    """Clusters of 1, 3, 5 and 7; their means are off by (2 / n)^(1/2) or less, four times as much is allowed."""
    n = 600
    points = np.random.default_rng(1).normal(size=(n, 3))
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    net = plain(Relu(), 4, 0.1)
    found = np.linalg.eigvalsh(ntk(net)(points) / n)[::-1]
    spectrum = mercer(net, 3)
    for k, (start, size) in enumerate(((0, 1), (1, 3), (4, 5), (9, 7))):
        assert abs(found[start : start + size].mean() / spectrum.eigenvalues[k] - 1) < 4 * math.sqrt(2 / n)


@pytest.mark.exact
def test_the_series_gives_back_the_kernel() -> None:
    """sum_k N(d, k) mu_k P_k(cos theta) = K(cos theta), here for the RBF kernel, whose series ends at round-off."""
    from theodolite.numerics.gegenbauer import gegenbauer_values

    kernel = RBF(2.0)
    spectrum = mercer(kernel, dimension=5, degrees=40)
    angles = np.linspace(0, np.pi, 9)
    points = np.stack([np.cos(angles), np.sin(angles), *np.zeros((3, 9))], axis=1)
    series = spectrum.shares * spectrum.trace @ gegenbauer_values(np.cos(angles), 5, 40)
    np.testing.assert_allclose(series, kernel(points, points[:1])[:, 0], atol=1e-13)


@pytest.mark.exact
def test_the_radius_scales_an_unbiased_relu_network() -> None:
    net = plain(Relu(), 3, 0.0)
    wide, unit = mercer(net, 4, radius=2.0), mercer(net, 4)
    np.testing.assert_allclose(wide.eigenvalues, 4 * unit.eigenvalues, atol=1e-16)
    assert wide.trace == pytest.approx(4 * unit.trace)


def test_a_linear_kernel_is_one_degree() -> None:
    found = definiteness(Linear(), dimension=4)
    assert (found.even, found.odd, found.positive_definite) == (None, 1.0, False)


def test_the_covariance_at_initialisation_is_read_when_asked_for() -> None:
    net = plain(Relu(), 2, 0.0)
    assert mercer(nngp(net), 3).trace == pytest.approx(1 / 6)
    assert mercer(net, 3).trace == pytest.approx(1 / 3)


@pytest.mark.parametrize("kernel", [LaplaceL1(1.0), parse("reshape((4,4,1)) conv relu flatten dense")])
def test_kernels_of_more_than_the_angle_are_refused(kernel: Node) -> None:
    with pytest.raises(BadInput, match="not a function of the angle"):
        mercer(kernel, dimension=16)
