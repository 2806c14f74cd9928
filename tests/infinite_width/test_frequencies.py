"""Which layer learns which frequency: spectra by layer, targets by degree, advice by layer."""

import math
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mpmath import mp
from numpy.testing import assert_allclose, assert_array_equal

from theodolite.architectures import Dense, Erf, Gelu, Identity, Relu, Residual, Sin, Tanh, parse
from theodolite.infinite_width import (
    KernelRegimeIsOff,
    gram_layer_share,
    layer_spectra,
    layerwise,
    target_spectrum,
    which_layers,
)
from theodolite.infinite_width.frequencies.layer_spectra import _by_quadrature, _by_series
from theodolite.infinite_width.frequencies.power_series import layer_series
from theodolite.numerics.errors import BadInput, NoInfiniteWidthLimit
from theodolite.numerics.gegenbauer import gegenbauer_values, multiplicity

from .sixty_digits import degree_laws, legendre

RELU = Relu().standardised()


def deep(activation, layers, **dense):
    net = Dense(**dense)
    for _ in range(layers - 1):
        net = net >> activation >> Dense(**dense)
    return net


@pytest.mark.oracle
@pytest.mark.parametrize(("depth", "dimension"), [(2, 10), (3, 50), (4, 3), (5, 10)])
def test_spectra_agree_with_sixty_digits_as_far_as_they_say(depth, dimension):
    exact = sixty_digits(depth, dimension, 51)
    spectra = layer_spectra(deep(RELU, depth), dimension, 51)
    off = np.abs(spectra.degree_law - exact)
    assert (off <= (spectra.relative_error + 1e-11) * exact + 1e-40).all()  # parity zeros are 1e-60 in the oracle
    low = np.arange(51) <= (50 if dimension == 50 else 12)
    assert (off[:, low] <= 1e-8 * exact[:, low] + 1e-40).all()
    assert spectra.valid[:, low].all()
    assert (spectra.degree_law >= 0).all()


@pytest.mark.oracle
def test_noise_of_the_quadrature_is_never_called_signal():
    """In 50 dimensions round-off is a hundredth of degree 30 and a thousand times the last layer's degree 50."""
    exact = sixty_digits(3, 50, 51)
    law, error, _ = _by_quadrature(deep(RELU, 3), 50, 51, 1.0)
    assert (law >= 0).all()
    assert (np.abs(law - exact) <= error).all()
    assert (error[:, 30:] > 0.004 * exact[:, 30:]).all()
    assert error[-1, 50] > 1000 * exact[-1, 50]
    branches = Dense() >> Residual(RELU >> Dense()) >> RELU >> Dense()  # no power series: quadrature alone
    found = layer_spectra(branches, 50, 51)
    assert not found.valid[:, 30:].any()
    assert (found.eigenvalues >= 0).all()


@pytest.mark.exact
def test_the_oracle_integrates_powers_to_its_digits():
    with mp.workdps(60):
        for power in (0, 2, 398):
            assert abs(sum(w * x**power for x, w in legendre()) * (power + 1) / 2 - 1) < mp.mpf(10) ** -50


def sixty_digits(depth, dimension, degrees):
    return np.array([[float(value) for value in row] for row in degree_laws(depth, dimension, degrees)])


@pytest.mark.oracle
def test_eigenvalues_of_high_degree_in_many_dimensions_are_no_noise():
    spectra = layer_spectra(deep(RELU, 3), 50, 51)
    assert_allclose(spectra.eigenvalues[:, 50], [2.5747e-32, 1.0462e-32, 2.6267e-34], rtol=1e-4)
    exact = sixty_digits(3, 50, 51)[:, 50] / float(multiplicity(50, 50))
    assert_allclose(spectra.eigenvalues[:, 50], exact, rtol=1e-11)
    assert spectra.valid.all()


@pytest.mark.oracle
def test_quadrature_and_random_walk_agree_where_both_are_exact():
    net = deep(Erf(), 3, bias_std=0.3)
    by_angle, angle_error, _ = _by_quadrature(net, 8, 9, 1.0)
    by_walk, walk_error = _by_series(net, 8, 9, 1.0)
    assert (np.abs(by_angle - by_walk) <= angle_error + walk_error).all()
    assert (angle_error + walk_error <= 1e-8 * by_walk).all()


@pytest.mark.exact
def test_degrees_add_up_to_the_kernel():
    net, t = deep(Erf(), 3, bias_std=0.3), np.array([-0.9, 0.0, 0.5])
    X = math.sqrt(8) * np.stack([t, np.sqrt(1 - t * t), *np.zeros((6, 3))], axis=1)
    found = layer_spectra(net, 8, 60)
    for layer, kernel in enumerate(layerwise(net)):  # the addition theorem
        total = found.degree_law[layer] @ gegenbauer_values(t, 8, 60)
        assert_allclose(total, kernel(X, math.sqrt(8) * np.eye(8)[:1])[:, 0], rtol=1e-12)


@pytest.mark.exact
def test_degrees_of_relu_layers_add_up_to_the_kernel_but_for_the_tail():
    spectra, t = layer_spectra(deep(RELU, 3), 10, 200), np.array([-0.9, 0.0, 0.5])
    X = math.sqrt(10) * np.stack([t, np.sqrt(1 - t * t), *np.zeros((8, 3))], axis=1)
    for layer, kernel in enumerate(layerwise(deep(RELU, 3))):
        total = spectra.degree_law[layer] @ gegenbauer_values(t, 10, 200)
        tail = spectra.traces[layer] - spectra.degree_law[layer].sum()
        assert 0 <= tail < 1e-2
        assert (np.abs(total - kernel(X, math.sqrt(10) * np.eye(10)[:1])[:, 0]) <= tail + 1e-13).all()


@pytest.mark.exact
def test_one_layer_is_linear_and_relu_layers_have_one_trace():
    assert_allclose(layer_spectra(Dense(), 10, 4).degree_law, [[0.0, 1.0, 0.0, 0.0]], atol=1e-14)
    assert_allclose(layer_spectra(deep(RELU, 5), 10, 4).traces, 1.0, rtol=1e-14)


@pytest.mark.oracle
def test_in_many_dimensions_degrees_have_the_coefficients_of_the_power_series():
    net = deep(RELU, 3)
    limit = layer_series(net).coefficients[:, :9]
    off = [np.abs(layer_spectra(net, d, 9).degree_law - limit).max() for d in (20, 100, 500)]
    assert_allclose(off, [1.4e-2, 2.8e-3, 5.5e-4], rtol=0.04)  # another implementation's; k^2 / d


@pytest.mark.exact
def test_a_linear_network_has_degree_one_alone():
    spectra = layer_spectra(deep(Identity(), 3), 6, 5)
    assert_allclose(spectra.degree_law, np.tile([0.0, 1, 0, 0, 0], (3, 1)), atol=1e-14)
    assert_array_equal(spectra.multiplicities, [multiplicity(6, k) for k in range(5)])


@pytest.mark.exact
def test_odd_degrees_that_vanish_are_zero_and_known_to_be():
    spectra = layer_spectra(deep(RELU, 2), 10, 10)
    assert_array_equal(spectra.degree_law[:, 3::2], 0.0)
    assert spectra.valid.all()


@pytest.mark.exact
@pytest.mark.parametrize("activation", [Erf(), Tanh(), Gelu(), Sin()])
@pytest.mark.parametrize("dimension", [5, 20])
def test_mean_frequency_falls_from_layer_to_layer_as_it_must(activation, dimension):
    """E_l[k (k + d - 2)] - E_(l+1)[...] = (d - 1) chi^(l-2) Var(m): m has the law of squared Hermite coefficients."""
    activation, depth, d = activation.standardised(), 4, dimension
    z, w = np.polynomial.hermite_e.hermegauss(120)
    w = w / w.sum()
    values, hermite, squares = activation(z), [np.ones_like(z), z], []
    for m in range(80):
        squares.append(float(w @ (values * hermite[m])) ** 2)
        hermite.append((z * hermite[m + 1] - math.sqrt(m + 1) * hermite[m]) / math.sqrt(m + 2))
    orders = np.arange(80)
    chi = orders @ squares
    variance = orders**2 @ np.array(squares) - chi**2
    spectra = layer_spectra(deep(activation, depth), d, 80)
    k = np.arange(80)
    means = (spectra.degree_law / spectra.traces[:, None]) @ (k * (k + d - 2))
    for layer in range(1, depth):
        expected = (d - 1) * chi ** (layer - 2) * variance
        assert_allclose(means[layer - 1] - means[layer], expected, rtol=1e-4)


@pytest.mark.exact
@given(weights=st.lists(st.floats(0.02, 1.0), min_size=3, max_size=5))
@settings(max_examples=10, deadline=None)
def test_lower_layers_dominate_in_every_tail_of_the_power_series(weights):
    """Any activation of finitely many Hermite orders: the composition is done here with polynomials."""
    a = np.array(weights) / sum(weights)
    rho, slope = np.polynomial.Polynomial(a), np.polynomial.Polynomial(a).deriv()
    f = [np.polynomial.Polynomial([0.0, 1.0])]
    f += [rho(f[0])]
    f += [rho(f[1])]
    layers = [f[0] * slope(f[0]) * slope(f[1]), f[1] * slope(f[1]), f[2]]
    tails = []
    for layer in layers:
        law = np.zeros(80)
        law[: len(layer.coef)] = layer.coef / layer.coef.sum()
        tails.append(np.cumsum(law[::-1])[::-1])
    assert (np.diff(tails, axis=0) <= 1e-12).all()


@pytest.mark.exact
@pytest.mark.parametrize("dimension", [3, 10, 50])
def test_lower_layers_of_relu_networks_dominate_in_every_tail_of_degrees(dimension):
    tails = layer_spectra(deep(RELU, 5), dimension, 51).tail
    assert (np.diff(tails, axis=0) <= 1e-12).all()


@pytest.mark.exact
def test_tails_of_relu_layers_are_weighted_by_the_slopes_above_them():
    """mu_k^(l) ~ w_l k^-d, w_l = L - l + 1 for l >= 2 and L + (-1)^k R for the first, R the slopes at the antipode."""
    spectra = layer_spectra(deep(RELU, 5), 3, 402)
    t, product = -1.0, 1.0
    for _ in range(3):
        t = (math.sqrt(1 - t * t) + t * (math.pi - math.acos(t))) / math.pi
        product *= 1 - math.acos(t) / math.pi
    ratios = spectra.eigenvalues[:4, 400:] / spectra.eigenvalues[3, 400:]
    assert_allclose(ratios, [[4 + product, 4 - product], [3, 3], [2, 2], [1, 1]], rtol=1e-3)
    assert not spectra.valid[4, 400]  # the output layer's is below what can be resolved, and says so


@pytest.mark.exact
def test_the_power_series_gives_the_kernel_back():
    net = deep(Tanh(), 3, bias_std=0.2, weight_std=1.3)
    series = layer_series(net, 0.7)
    t = np.array([-0.8, 0.1, 0.6])
    X = math.sqrt(0.7 * 2) * np.stack([t, np.sqrt(1 - t * t)], axis=1)
    for layer, kernel in enumerate(layerwise(net)):
        value = np.polynomial.polynomial.polyval(t, series.coefficients[layer])
        assert_allclose(value, kernel(X, np.array([[math.sqrt(1.4), 0.0]]))[:, 0], rtol=1e-11)


def test_rates_weigh_the_layers():
    net = deep(RELU, 2)
    plain, weighed = layer_spectra(net, 4, 3), layer_spectra(net, 4, 3, rates=(2.0, 0.5))
    assert_allclose(weighed.eigenvalues, plain.eigenvalues * [[2.0], [0.5]], rtol=1e-15)
    assert_allclose(weighed.traces, plain.traces * [2.0, 0.5])


def test_what_has_no_spectrum_by_layer_is_refused():
    with pytest.raises(BadInput, match="learning rates"):
        layer_spectra(deep(RELU, 2), 4, 3, rates=(1.0,))
    with pytest.raises(NoInfiniteWidthLimit):
        layer_spectra(parse("step*1"), 4, 3)


def sphere(n, d, seed=0):
    X = np.random.default_rng(seed).normal(size=(n, d))
    return X * math.sqrt(d) / np.linalg.norm(X, axis=1, keepdims=True)


@pytest.mark.montecarlo
def test_target_spectrum_is_unbiased_and_knows_its_noise():
    """Planted: degree 1 energy 1, degree 2 energy 2; 60 draws."""
    d, runs, found, null = 5, 60, [], []
    for seed in range(runs):
        X = sphere(400, d, seed)
        noise = np.random.default_rng(1000 + seed).normal(size=400)
        second = X[:, 0] * X[:, 1]  # E (x1 x2)^2 = d / (d + 2) on the sphere of radius sqrt(d)
        y = X[:, 2] + second * math.sqrt(2 * (d + 2) / d) + 0.5 * noise
        found.append(target_spectrum(X, y, 4).energy)
        null.append(target_spectrum(X, noise, 4))
    means, errors = np.mean(found, axis=0), np.std(found, axis=0, ddof=1) / math.sqrt(runs)
    assert (np.abs(means - [0, 1, 2, 0]) < 4 * errors).all()
    spread = np.std([one.energy for one in null], axis=0, ddof=1)
    said = np.mean([one.standard_deviation for one in null], axis=0)
    sizes = np.array([multiplicity(d, k) for k in range(4)])  # noise gives a chi-square of N(d, k) degrees of freedom
    assert (np.abs(spread / said - 1) < 4 * np.sqrt((2 + 12 / sizes) / (4 * runs))).all()


def test_target_spectrum_adds_up_over_columns_and_refuses_what_is_no_sphere():
    X = sphere(50, 4)
    both = target_spectrum(X, X[:, :2], 3)
    single = [target_spectrum(X, X[:, j], 3).energy for j in (0, 1)]
    assert_allclose(both.energy, sum(single), rtol=1e-12)
    assert both.total == pytest.approx((X[:, :2] ** 2).sum(axis=1).mean())
    with pytest.raises(BadInput, match="divide each centred row"):
        target_spectrum(X * np.linspace(1, 2, 50)[:, None], X[:, 0])


def test_advice_gives_high_frequencies_to_the_first_layer_and_pays_off():
    X = sphere(3000, 4)
    y = X[:, 0] * X[:, 1] * X[:, 2] * X[:, 3]  # degree 4 alone
    advice = which_layers(deep(RELU, 4), X, y, steps=50)
    shares = advice.spectra.share[:, 4]
    assert_allclose(advice.share, shares, atol=0.02)
    assert advice.rates.argmax() == 0
    assert advice.rates @ advice.spectra.traces == pytest.approx(advice.spectra.traces.sum())
    assert advice.remaining < advice.remaining_uniform
    assert advice.gain > 1
    assert list(advice.learning_rates(0.1)) == ["0_dense", "2_dense", "4_dense", "6_dense"]


@pytest.mark.exact
def test_suggested_rates_are_no_worse_than_a_grid_of_others():
    X = sphere(2000, 5)
    advice = which_layers(deep(RELU, 2), X, X[:, 0] + X[:, 0] * X[:, 1], steps=20)
    energy = np.where(advice.target.found, advice.target.energy, 0.0)
    time = 20 / advice.spectra.eigenvalues.sum(axis=0).max()
    for first in np.linspace(0, 2, 41):
        left = energy @ np.exp(-2 * time * (np.array([first, 2 - first]) @ advice.spectra.eigenvalues))
        assert advice.remaining <= left / energy.sum() + 1e-9


def test_measured_shares_far_from_predicted_ones_warn():
    X = sphere(500, 4)
    advice = which_layers(deep(RELU, 2), X, X[:, 0])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        advice.compare({"0_dense": float(advice.share[0]), "2_dense": float(advice.share[1])})
    with pytest.warns(KernelRegimeIsOff, match="2_dense removed"):
        advice.compare({"0_dense": 0.0, "2_dense": 1.0})
    with pytest.raises(BadInput, match="2_dense"):
        advice.compare({"0_dense": 1.0})


def test_targets_of_noise_and_networks_of_branches_get_no_advice():
    X = sphere(200, 4)
    X = np.concatenate([X, -X])
    with pytest.raises(BadInput, match="stands out"):
        which_layers(deep(RELU, 2), X, X[:, 0], degrees=1)
    with pytest.raises(BadInput, match="branches"):
        which_layers(Dense() >> Residual(RELU >> Dense()) >> Dense(), X, X[:, 0])


def test_points_spread_unevenly_over_the_sphere_get_no_advice():
    X = np.random.default_rng(3).normal(size=(300, 20)) * np.geomspace(1, 0.01, 20)
    X /= np.linalg.norm(X, axis=1, keepdims=True)
    with pytest.raises(BadInput, match="gram_layer_share"):
        which_layers(deep(RELU, 3), X, X[:, 0])


@pytest.mark.exact
def test_shares_on_data_add_up_and_follow_the_eigenvectors():
    X, net = sphere(60, 6), deep(RELU, 3)
    found = gram_layer_share(net, X)
    assert_allclose(found.share.sum(axis=0), 1.0, rtol=1e-10)
    total = sum(kernel(X) for kernel in layerwise(net))
    values, vectors = np.linalg.eigh(total)
    assert_allclose(found.eigenvalues, values[::-1], rtol=1e-9)
    first = vectors[:, -1] @ layerwise(net)[0](X) @ vectors[:, -1] / values[-1]
    assert found.share[0, 0] == pytest.approx(first)
    assert found.binned((0, 10, 60)).shape == (3, 2)
