"""Kernel principal components against direct eigenvectors, the out-of-sample formula and the trajectory itself."""

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.decomposition import KernelPCA

from theodolite.architectures import Relu, plain
from theodolite.infinite_width import ntk
from theodolite.kernels import Linear
from theodolite.training_dynamics import kernel_components, kernel_flow, kernel_flow_from_gram


@pytest.mark.oracle
def test_they_are_the_eigenvectors_of_the_gram_matrix_over_n(net, rng) -> None:
    X, Z = rng.normal(size=(12, 2)), rng.normal(size=(7, 2))
    kernel = ntk(net)
    components = kernel_components(kernel, X, 5)
    K = kernel(X)
    np.testing.assert_allclose(K / 12 @ components.values, components.values * components.eigenvalues, atol=1e-13)
    np.testing.assert_allclose(components.values.T @ components.values / 12, np.eye(5), atol=1e-13)
    np.testing.assert_allclose(components.eigenvalues, np.linalg.eigvalsh(K / 12)[::-1][:5], rtol=1e-11)
    direct = [
        sum(kernel(z[None], x[None])[0, 0] * f for x, f in zip(X, components.values[:, 2]))
        / (12 * components.eigenvalues[2])
        for z in Z
    ]
    np.testing.assert_allclose(components.at(Z)[:, 2], direct, rtol=1e-11)
    np.testing.assert_allclose(components.at(X), components.values, atol=1e-11)
    biggest = components.values[np.abs(components.values).argmax(0), np.arange(5)]
    assert (biggest > 0).all()


@pytest.mark.oracle
def test_new_points_as_in_kernel_pca_of_a_centred_linear_kernel(rng) -> None:
    """scikit-learn centres, and its scores are sqrt(lambda) larger; centred data have a centred linear kernel."""
    X = rng.normal(size=(20, 3))
    X -= X.mean(0)
    Z = rng.normal(size=(4, 3))
    components = kernel_components(Linear(), X)
    pca = KernelPCA(n_components=3, kernel="precomputed").fit(Linear()(X))
    scores = pca.transform(Linear()(Z, X))
    np.testing.assert_allclose(np.abs(components.at(Z) * np.sqrt(components.eigenvalues)), np.abs(scores), rtol=1e-9)


@pytest.mark.exact
def test_the_error_along_each_halves_in_its_half_life(net, rng) -> None:
    X, y = rng.normal(size=(12, 2)), rng.normal(size=(12, 2))
    flow = kernel_flow(ntk(net), X, y)
    components = kernel_components(flow)
    before = components.coefficients(flow.on_training(0.0) - y)
    for i, (half_life, tenth) in enumerate(zip(components.half_lives, components.times_to(0.1))):
        for time, share in ((half_life, 0.5), (tenth, 0.1)):
            after = components.coefficients(flow.on_training(time) - y)
            np.testing.assert_allclose(after[i], share * before[i], atol=1e-12)
    along = flow.along_components([0.0, 5.0]) / np.sqrt(12)
    np.testing.assert_allclose(np.abs(along[0]), np.abs(before), atol=1e-12)
    np.testing.assert_allclose(along[1], along[0] * np.exp(-5.0 * flow.eigenvalues)[:, None], atol=1e-12)


@pytest.mark.exact
def test_a_start_along_one_component_stays_on_it(net, rng) -> None:
    """f* = f_0 + f^(2): the trajectory is a straight line, f_t - f* = -exp(-t lambda_2) f^(2), also on new points."""
    X, Z = rng.normal(size=(12, 2)), rng.normal(size=(5, 2))
    components = kernel_components(ntk(net), X, 2)
    flow = kernel_flow(ntk(net), X, components.values[:, 1])
    learned = 1 - np.exp(-30.0 * components.eigenvalues[1])
    np.testing.assert_allclose(flow.on_training(30.0), learned * components.values[:, 1], atol=1e-12)
    np.testing.assert_allclose(flow.predict(Z, 30.0), learned * components.at(Z)[:, 1], atol=1e-11)


def test_those_of_a_gram_matrix_take_rows(net, rng) -> None:
    X, Z = rng.normal(size=(12, 2)), rng.normal(size=(5, 2))
    of_gram = kernel_components(kernel_flow_from_gram(ntk(net)(X), np.zeros(12)), count=3)
    of_kernel = kernel_components(ntk(net), X, 3)
    np.testing.assert_allclose(of_gram.at(ntk(net)(Z, X)), of_kernel.at(Z), atol=1e-11)


@pytest.mark.oracle
def test_digits_have_a_constant_first_component_and_a_gap_that_grows_with_the_bias() -> None:
    """256 digits, four layers of weights. Origin: an independent computation with numpy."""
    images = load_digits().data[np.random.default_rng(0).permutation(1797)[:256]] / 16
    small, large = (kernel_components(ntk(plain(Relu(), 4, beta)), images, 5) for beta in (0.1, 1.0))
    np.testing.assert_allclose(small.eigenvalues, [0.09764, 0.004503, 0.004241, 0.003442, 0.002583], rtol=2e-4)
    assert abs(small.coefficients(np.ones(256))[0]) == pytest.approx(0.997, abs=1e-3)
    gaps = [one.eigenvalues[0] / one.eigenvalues[1] for one in (small, large)]
    np.testing.assert_allclose(gaps, [21.7, 256.3], rtol=3e-3)
