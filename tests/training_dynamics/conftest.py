"""Points on the circle, and the network of the NTK paper's experiments: ReLU, four layers of weights, beta = 0.1."""

import numpy as np
import pytest

from theodolite.architectures import Relu, Serial, plain


def on_circle(angles: np.ndarray) -> np.ndarray:
    """Unit vectors (n, 2)."""
    return np.column_stack([np.cos(angles), np.sin(angles)])


@pytest.fixture(scope="session")
def net() -> Serial:
    return plain(Relu(), depth=4)


@pytest.fixture(scope="session")
def four_points() -> tuple[np.ndarray, np.ndarray]:
    """Four angles with y = x_1 x_2."""
    X = on_circle(np.array([-2.5, -0.8, 0.6, 2.1]))
    return X, X[:, 0] * X[:, 1]


@pytest.fixture(scope="session")
def sixty_points() -> np.ndarray:
    """The circle, on a grid."""
    return on_circle(np.linspace(-np.pi, np.pi, 60))
