"""The Gaussian law over initialisations: printed digits, linearised networks, ends, and what it is not."""

import numpy as np
import pytest

from theodolite.infinite_width import limit, nngp, ntk
from theodolite.kernels import RBF, Laplace
from theodolite.training_dynamics import initialisation_law, kernel_flow, law_covariance

MEANS = [0.139946, 0.263038, -0.420771, 0.112496, 0.190110, -0.411043]
DEVIATIONS = [0.106626, 0.084907, 0.048321, 0.085602, 0.088352, 0.020330]


@pytest.mark.oracle
def test_the_law_of_four_points_on_the_circle_has_the_stored_digits(net, four_points, sixty_points) -> None:
    """After 1000 steps of rate 1. Origin: an independent computation with numpy and exact kernels."""
    law = initialisation_law(kernel_flow(ntk(net), *four_points).in_steps(1.0), nngp(net))
    np.testing.assert_allclose(law.mean(sixty_points, 1000)[::10], MEANS, atol=6e-7)
    np.testing.assert_allclose(law.standard_deviation(sixty_points, 1000)[::10], DEVIATIONS, atol=6e-7)
    np.testing.assert_allclose(law.mean(sixty_points, 1000), law.mean(sixty_points, np.inf), atol=1e-12)


def test_the_nngp_in_place_of_the_ntk_is_another_mean(net, four_points, sixty_points) -> None:
    """Training the last layer only."""
    whole, last = (kernel_flow(kernel(net), *four_points).predict(sixty_points, np.inf) for kernel in (ntk, nngp))
    assert np.sqrt(np.mean((whole - last) ** 2)) == pytest.approx(0.0415, abs=5e-5)


def test_the_posterior_of_the_ntk_is_another_spread(net, four_points, sixty_points) -> None:
    X, y = four_points
    law, theta = initialisation_law(kernel_flow(ntk(net), X, y), nngp(net)), ntk(net)
    cross = theta(sixty_points, X)
    posterior = theta(sixty_points) - cross @ np.linalg.solve(theta(X), cross.T)
    spread = np.sqrt(np.maximum(np.diag(posterior), 0))
    assert law.standard_deviation(sixty_points, np.inf).mean() / spread.mean() == pytest.approx(0.26, abs=0.005)


@pytest.mark.exact
def test_with_the_last_layer_trained_the_end_is_the_posterior_of_the_nngp(net, four_points, sixty_points) -> None:
    X, y = four_points
    sigma = nngp(net)
    law = initialisation_law(kernel_flow(sigma, X, y), sigma)
    cross = sigma(sixty_points, X)
    posterior = sigma(sixty_points) - cross @ np.linalg.solve(sigma(X), cross.T)
    np.testing.assert_allclose(law.covariance(sixty_points, np.inf), posterior, atol=1e-12)
    np.testing.assert_allclose(law.mean(sixty_points, np.inf), cross @ np.linalg.solve(sigma(X), y), atol=1e-11)


@pytest.mark.exact
def test_it_starts_as_the_nngp_and_ends_without_spread_on_the_data(net, four_points, sixty_points) -> None:
    X, y = four_points
    law = initialisation_law(kernel_flow(ntk(net), X, y), nngp(net))
    np.testing.assert_allclose(law.covariance(sixty_points, 0.0), nngp(net)(sixty_points), atol=1e-15)
    assert not law.mean(sixty_points, 0.0).any()
    np.testing.assert_allclose(law.covariance(X, np.inf), 0, atol=1e-9)
    np.testing.assert_allclose(law.training_covariance(np.inf), 0, atol=1e-15)
    np.testing.assert_allclose(law.training_covariance(0.0), nngp(net)(X), atol=1e-12)
    np.testing.assert_allclose(law.mean(X, np.inf), y, atol=1e-9)
    both = law.covariance(X, [1.0, 20.0])
    np.testing.assert_allclose(both, law.training_covariance([1.0, 20.0]), atol=1e-13)
    diagonals = np.sqrt(np.diagonal(law.covariance(sixty_points, [1.0, 20.0]), axis1=1, axis2=2))
    np.testing.assert_allclose(law.standard_deviation(sixty_points, [1.0, 20.0]), diagonals, atol=1e-12)
    assert np.linalg.eigvalsh(law.covariance(sixty_points, 20.0)).min() > -1e-12


def linearised_networks(start: np.ndarray, features: np.ndarray, y: np.ndarray, rate: float, steps: int) -> np.ndarray:
    """Outputs of f = f_0 + J theta after gradient descent on theta; one network a column. Training points first."""
    n = len(y)
    parameters = np.zeros((features.shape[1], start.shape[1]))
    for _ in range(steps):
        error = start[:n] + features[:n] @ parameters - y[:, None]
        parameters -= rate / n * features[:n].T @ error
    return start + features @ parameters


@pytest.mark.montecarlo
@pytest.mark.parametrize("steps", [3, 40])
def test_two_thousand_linearised_networks_follow_the_law(net, four_points, rng, steps: int) -> None:
    """f_0 from a Cholesky factor of Sigma, features a Cholesky factor of Theta; z < 4.5 on all moments."""
    X, y = four_points
    Z = rng.normal(size=(5, 2))
    Sigma, Theta = limit(net)(np.vstack([X, Z]))
    law = initialisation_law(kernel_flow(ntk(net), X, y).in_steps(3.0), nngp(net))
    mean, covariance = law.mean(np.vstack([X, Z]), steps), law.covariance(np.vstack([X, Z]), steps)
    starts = np.linalg.cholesky(Sigma) @ rng.normal(size=(9, 2000))
    outputs = linearised_networks(starts, np.linalg.cholesky(Theta), y, 3.0, steps)
    gap = outputs - mean[:, None]
    products = gap[:, None] * gap[None]
    root = np.sqrt(2000)
    assert np.abs(gap.mean(1) / (gap.std(1) / root)).max() < 4.5
    assert np.abs((products.mean(2) - covariance) / (products.std(2) / root)).max() < 4.5
    wrong = law.covariance(np.vstack([X, Z]), 10 * steps)
    assert np.abs((products.mean(2) - wrong) / (products.std(2) / root)).max() > 4.5


@pytest.mark.exact
def test_the_covariance_is_that_of_the_linear_map_of_training(net, four_points, rng) -> None:
    """The explicit loop on a basis of initial functions gives the map; no sampling."""
    X, y = four_points
    points = np.vstack([X, rng.normal(size=(5, 2))])
    Sigma, Theta = limit(net)(points)
    law = initialisation_law(kernel_flow(ntk(net), X, y).in_steps(3.0), nngp(net))
    M = linearised_networks(np.eye(9), np.linalg.cholesky(Theta), 0 * y, 3.0, 40)
    np.testing.assert_allclose(law.covariance(points, 40), M @ Sigma @ M.T, atol=1e-13)


def test_from_four_matrices(net, four_points, sixty_points) -> None:
    X, y = four_points
    law, sigma = initialisation_law(kernel_flow(ntk(net), X, y), nngp(net)), nngp(net)
    smoother = law.flow.smoother(sixty_points, 20.0)
    again = law_covariance(smoother, sigma(X), sigma(sixty_points, X), sigma(sixty_points))
    np.testing.assert_allclose(again, law.covariance(sixty_points, 20.0), atol=1e-15)


def test_several_outputs_share_one_covariance(rng) -> None:
    X, Z, y = rng.normal(size=(6, 2)), rng.normal(size=(3, 2)), rng.normal(size=(6, 2))
    law = initialisation_law(kernel_flow(RBF(1.0), X, y), Laplace(1.0))
    assert law.mean(Z, [1.0, 2.0]).shape == (2, 3, 2)
    assert law.covariance(Z, [1.0, 2.0]).shape == (2, 3, 3)
    assert law.standard_deviation(Z, 1.0).shape == (3,)
    single = initialisation_law(kernel_flow(RBF(1.0), X, y[:, 0]), Laplace(1.0))
    np.testing.assert_allclose(law.mean(Z, 1.0)[:, 0], single.mean(Z, 1.0), atol=1e-14)
