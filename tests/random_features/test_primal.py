"""Primal criteria against those of the dense n x n kernel F F'."""

import numpy as np
import pytest

from theodolite.kernel_regression import RidgePath, kare
from theodolite.numerics import BadInput, TooLarge
from theodolite.random_features.primal import PrimalCriteria
from theodolite.random_features.statistics import SufficientStatistics


def problem(n, features, targets=1, seed=0, decay=1.0):
    random = np.random.default_rng(seed)
    F = random.standard_normal((n, features)) * np.arange(1, features + 1.0) ** -decay
    Y = F[:, :3] @ random.standard_normal((min(3, features), targets)) + 0.3 * random.standard_normal((n, targets)) + 5
    return F, Y, PrimalCriteria(SufficientStatistics.of_block(F, Y))


@pytest.mark.oracle
@pytest.mark.parametrize(("n", "features"), [(80, 12), (60, 60), (40, 70)])
@pytest.mark.parametrize("targets", [1, 3])
def test_they_equal_those_of_the_dense_kernel(n, features, targets):
    F, Y, primal = problem(n, features, targets)
    centred = Y - Y.mean(axis=0)
    dense = RidgePath(F @ F.T, centred)
    ridges = np.geomspace(1e-5, 10.0, 9)
    for name in ("kare", "training_error", "effective_dimension", "signal_capture_threshold"):
        np.testing.assert_allclose(getattr(primal, name)(ridges), getattr(dense, name)(ridges), rtol=1e-8)
    np.testing.assert_allclose(
        primal.log_marginal_likelihood(ridges), dense.log_marginal_likelihood(ridges), rtol=1e-8, atol=1e-8
    )
    assert primal.kare(0.01) == pytest.approx(kare(F @ F.T, centred, 0.01), rel=1e-8)


@pytest.mark.exact
def test_weights_are_those_of_the_normal_equations_and_predict_as_the_kernel_does():
    F, Y, primal = problem(50, 9, 2)
    ridge, centred = 0.03, Y - Y.mean(axis=0)
    weights = primal.weights(ridge)
    np.testing.assert_allclose(weights, np.linalg.solve(F.T @ F + 50 * ridge * np.eye(9), F.T @ centred), rtol=1e-9)
    np.testing.assert_allclose(F @ weights, F @ F.T @ RidgePath(F @ F.T, centred).dual(ridge), rtol=1e-8)
    assert primal.training_error(ridge) == pytest.approx(
        np.mean(np.sum((centred - F @ weights) ** 2, axis=1)), rel=1e-9
    )


@pytest.mark.oracle
@pytest.mark.parametrize("seed", range(6))
def test_residuals_of_an_interpolating_machine_keep_their_digits(seed):
    F, Y, primal = problem(30, 60, seed=seed, decay=0.0)
    centred = Y - Y.mean(axis=0)
    expected = np.mean((1e-9 * np.linalg.solve(F @ F.T / 30 + 1e-9 * np.eye(30), centred)) ** 2)
    assert expected < 1e-15 * np.mean(centred**2)
    assert primal.training_error(1e-9) == pytest.approx(expected, rel=1e-6, abs=0)


def test_the_best_ridge_is_that_of_the_dense_kernel():
    F, Y, primal = problem(120, 30, decay=0.5)
    dense = RidgePath(F @ F.T, Y - Y.mean(axis=0))
    assert primal.kare(primal.best_ridge()) <= dense.kare(dense.best_ridge("kare")) * (1 + 1e-6)
    assert primal.best_ridge(lambda ridges: np.abs(np.log(ridges / 0.02))) == pytest.approx(0.02, rel=1e-2)


@pytest.mark.exact
def test_the_concentration_is_that_of_the_resolvent():
    F, _, primal = problem(50, 9)
    inverse = np.linalg.inv(F @ F.T / 50 + 0.1 * np.eye(50))
    squared = inverse @ inverse
    expected = 50 * np.trace(squared @ squared) / np.trace(squared) ** 2
    assert primal.concentration(0.1) == pytest.approx(expected, rel=1e-9)


def test_too_little_is_refused():
    with pytest.raises(BadInput, match="at least two"):
        PrimalCriteria(SufficientStatistics.of_block(np.ones((1, 3)), np.ones(1)))
    with pytest.raises(TooLarge, match="fewer features"):
        PrimalCriteria(SufficientStatistics.of_block(np.ones((4, 300)), np.ones(4)), memory_limit="1MB")
