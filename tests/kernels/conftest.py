"""One member of every kind of kernel, for the tests that cross all kernels with one behaviour."""

from typing import Any

import pytest

from theodolite.architectures import Relu, plain
from theodolite.infinite_width import NNGP, NTK, nngp, ntk
from theodolite.kernels import (
    RBF,
    Custom,
    Kernel,
    Laplace,
    LaplaceL1,
    Linear,
    Matern,
    Polynomial,
    RationalQuadratic,
)


def relu_ntk(depth: int = 1, bias_std: float = 0.0) -> NTK:
    """The NTK of `depth` hidden layers."""
    return ntk(plain(Relu().standardised(), depth + 1, bias_std))


def relu_nngp(depth: int = 1, bias_std: float = 0.0) -> NNGP:
    """The NNGP of `depth` hidden layers."""
    return nngp(plain(Relu().standardised(), depth + 1, bias_std))


def shifted_line(X: Any, Z: Any) -> Any:
    """A kernel that a user wrote: one feature, x_0 + 2."""
    return (X[:, :1] + 2.0) * (Z[:, :1] + 2.0).T


DISTANCE = [
    RBF(2.5),
    Laplace(1.5),
    LaplaceL1(3.0),
    Matern(1.3, nu=0.5),
    Matern(1.3, nu=1.5),
    Matern(1.3, nu=2.5),
    RationalQuadratic(2.0, alpha=0.7),
]
PRODUCT = [Linear(), Linear(0.3), Polynomial(1), Polynomial(3, offset=0.5)]
NETWORK = [relu_ntk(), relu_ntk(3, bias_std=0.3), relu_nngp(2, bias_std=0.1)]
COMBINED = [RBF(1.0) + 0.5 * Linear(0.1), Laplace(2.0) * Polynomial(2), 2.5 * (Matern(1.0) + relu_ntk(2))]
NAMED: list[Kernel] = DISTANCE + PRODUCT + NETWORK + COMBINED


@pytest.fixture(scope="session", params=[*NAMED, Custom(shifted_line)], ids=repr)
def kernel(request: pytest.FixtureRequest) -> Kernel:
    """Every kind of kernel, one after the other."""
    return request.param


@pytest.fixture(scope="session", params=NAMED, ids=repr)
def named_kernel(request: pytest.FixtureRequest) -> Kernel:
    """Every kind of kernel that can be written to a file."""
    return request.param


@pytest.fixture(scope="session", params=DISTANCE, ids=repr)
def distance_kernel(request: pytest.FixtureRequest) -> Kernel:
    """Every kernel of the distance between two points."""
    return request.param


@pytest.fixture(
    scope="session",
    params=[
        *DISTANCE,
        Linear(0.3),
        Polynomial(3, offset=0.5),
        relu_ntk(2, 0.3),
        COMBINED[0],
    ],
    ids=repr,
)
def traced_kernel(request: pytest.FixtureRequest) -> Kernel:
    """Every rule that JAX has to trace, once or twice: compiling takes a second each."""
    return request.param


@pytest.fixture(scope="session", params=NETWORK, ids=repr)
def network_kernel(request: pytest.FixtureRequest) -> Kernel:
    """Every kernel of an infinitely wide network."""
    return request.param
