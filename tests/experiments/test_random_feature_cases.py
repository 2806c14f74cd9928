"""The checks of the random-feature cases can fail: a wrong law is noticed."""

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from theodolite.experiments import Bench, Key
from theodolite.experiments.cases import (
    random_features_average_eigenvalues,
    random_features_average_predictor,
    random_features_double_descent,
    random_features_effective_ridge,
    random_features_non_gaussian,
    random_features_rate,
    random_features_ridge_rules,
    random_features_variance,
)
from theodolite.experiments.random_features import hat_diagonals


def values(module: Any, **settings: Any) -> list[float]:
    """The values of the checks of a smoke run."""
    config = dataclasses.replace(module.CASE.smoke, **settings)
    return [check.value for check in module.CASE.checks(config, module.CASE.run(config, Key(0), Bench()))]


def scaled(function: Callable[..., Any], factor: float) -> Callable[..., Any]:
    return lambda *arguments, **options: factor * function(*arguments, **options)


@pytest.mark.exact
@pytest.mark.parametrize("features", [3, 9])
def test_diagonals_of_hat_matrices_are_those_of_the_definition(features: int) -> None:
    d = np.array([1.0, 0.5, 0.2, 0.1])
    found = hat_diagonals(d, 0.03, features, 5, np.random.default_rng(0))
    W = np.random.default_rng(0).standard_normal((5, 4, features))
    for diagonal, own in zip(found, W, strict=True):
        F = np.sqrt(d)[:, None] * own / np.sqrt(features)
        A = F @ np.linalg.inv(F.T @ F + 0.03 * np.eye(features)) @ F.T
        np.testing.assert_allclose(diagonal, np.diag(A), rtol=1e-9)


def test_the_ridge_itself_in_the_place_of_the_effective_one_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (random_features_average_eigenvalues, random_features_rate):
        monkeypatch.setattr(module, "effective_ridge", lambda d, ridge, features: ridge)
    gap, share = values(random_features_average_eigenvalues)
    assert gap > 0.4
    assert share == 1.0
    assert values(random_features_rate)[0] > -0.75


def test_a_wrong_root_or_slope_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    module = random_features_effective_ridge
    assert max(values(module)[:2]) < 1e-12
    monkeypatch.setattr(module, "effective_ridge", scaled(module.effective_ridge, 1.0 + 1e-6))
    assert values(module)[0] > 5e-7
    monkeypatch.setattr(module, "effective_ridge_slope", scaled(module.effective_ridge_slope, 1.1))
    assert values(module)[4] > 0.01
    monkeypatch.setattr(module, "effective_ridge_slope", scaled(module.effective_ridge_slope, 0.5))
    assert values(module)[5] > 0.1


def test_moments_at_the_ridge_itself_are_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """With infinitely many features the effective ridge is the ridge, and there is no variance."""
    right = values(random_features_average_predictor)[0]
    for module in (random_features_average_predictor, random_features_double_descent, random_features_variance):
        moments = module.predicted_moments
        monkeypatch.setattr(
            module, "predicted_moments", lambda problem, ridge, features, moments=moments: moments(problem, ridge, 1e6)
        )
    assert values(random_features_average_predictor)[0] > 3 * max(right, 0.02)
    assert min(values(random_features_double_descent)[3:6]) > 0.5
    assert min(values(random_features_variance)[:2]) > 0.3


def test_a_curve_without_its_variance_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    curve = random_features_double_descent.risk_curve
    monkeypatch.setattr(
        random_features_double_descent, "risk_curve", lambda *arguments: curve(*arguments, models=10**6)
    )
    assert values(random_features_double_descent)[6] > 1.5


def test_the_wrong_kernel_for_the_features_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    setting = random_features_non_gaussian._setting

    def swapped(family: str, data: Any) -> tuple[Any, ...]:
        own, _, scale = setting(family, data)
        return own, setting("ReLU" if family == "Fourier" else "Fourier", data)[1], scale

    monkeypatch.setattr(random_features_non_gaussian, "_setting", swapped)
    assert min(values(random_features_non_gaussian)) > 0.6


def test_a_matched_ridge_that_is_too_large_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    right = values(random_features_ridge_rules)
    monkeypatch.setattr(random_features_ridge_rules, "ridge_for", lambda d, ridge, features: 1000 * ridge)
    wrong = values(random_features_ridge_rules)
    assert wrong[1] < 0.8 * right[1]  # nearer to what one model wants
    assert abs(wrong[2] - 1) > 10 * abs(right[2] - 1)
