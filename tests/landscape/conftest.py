"""Small networks and critical points for the tests of the landscape."""

import itertools
from collections.abc import Callable

import numpy as np
import pytest

from theodolite.landscape import Mlp, SquaredCost, mlp, polish, squared_cost


@pytest.fixture
def net() -> Callable[..., Mlp]:
    """A random network with layers of given sizes."""

    def made(*sizes: int, seed: int = 0, activation: str = "tanh", biased: bool = True) -> Mlp:
        rng = np.random.default_rng(seed)
        pairs = list(itertools.pairwise(sizes))
        weights = [rng.standard_normal((high, low)) / np.sqrt(low) for low, high in pairs]
        return mlp(weights, [0.5 * rng.standard_normal(high) if biased else None for _, high in pairs], activation)

    return made


@pytest.fixture(scope="session")
def critical() -> Callable[[int], tuple[SquaredCost, np.ndarray]]:
    """A critical point of positive cost with one neuron: the best fit of one neuron to a target of three."""

    def found(outputs: int) -> tuple[SquaredCost, np.ndarray]:
        rng = np.random.default_rng(3)
        X = rng.standard_normal((60, 2))
        teacher = mlp([rng.standard_normal((3, 2)), rng.standard_normal((outputs, 3))], activation="asymmetric")
        cost = squared_cost(X, teacher(X), "asymmetric")
        for seed in range(20):
            theta = polish(cost, np.random.default_rng(seed).standard_normal(2 + outputs), steps=2000)
            for _ in range(5):  # Newton's steps take the gradient from 1e-9 to round-off
                theta = theta - np.linalg.solve(cost.hessian(theta), cost.gradient(theta))
            if np.abs(cost.gradient(theta)).max() < 1e-13 and cost.value(theta) > 1e-3:
                return cost, theta
        raise AssertionError("no critical point found")

    return found
