"""Activations with two derivatives and the symmetries that matter here: odd or not, positively homogeneous or not."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.special import erf, expit

from theodolite.numerics.errors import BadInput

Function = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Nonlinearity:
    """sigma with sigma' (`slope`) and sigma'' (`bend`), acting on each number.

    `odd`: sigma(-x) = -sigma(x), so that a neuron with both signs turned is the same; `homogeneous`:
    sigma(c x) = c sigma(x) for c > 0, so that a neuron may pass any factor from its incoming to its outgoing weights.
    """

    name: str
    value: Function
    slope: Function
    bend: Function
    odd: bool = False
    homogeneous: bool = False

    def __call__(self, x: np.ndarray) -> np.ndarray:
        return self.value(x)


def nonlinearity(name: "str | Nonlinearity") -> Nonlinearity:
    """The nonlinearity with a name; one that is a `Nonlinearity` already is returned as it is.

    "asymmetric" is softplus(x) + sigmoid(4 x), generic in the sense of the landscape paper: neither odd nor even, no
    derivative at zero vanishing for good. Raises: BadInput for a name that is not in `NONLINEARITIES`.

    >>> nonlinearity("tanh").odd, nonlinearity("relu").homogeneous
    (True, True)
    """
    if isinstance(name, Nonlinearity):
        return name
    found = NONLINEARITIES.get(str(name).lower())
    if found is None:
        raise BadInput(
            f"activation {name!r} is unknown here; expected one of {', '.join(NONLINEARITIES)}, or a "
            "theodolite.landscape.Nonlinearity with value, slope and bend"
        )
    return found


def _gauss(x: np.ndarray) -> np.ndarray:
    return np.exp(-(x**2) / 2) / np.sqrt(2 * np.pi)


def _normal(x: np.ndarray) -> np.ndarray:
    return 0.5 * (1 + erf(x / np.sqrt(2)))


def _sigmoid_slope(x: np.ndarray) -> np.ndarray:
    s = expit(x)
    return s * (1 - s)


def _sigmoid_bend(x: np.ndarray) -> np.ndarray:
    s = expit(x)
    return s * (1 - s) * (1 - 2 * s)


def _softplus(x: np.ndarray) -> np.ndarray:
    return np.logaddexp(0.0, x)


def _tanh_slope(x: np.ndarray) -> np.ndarray:
    return 1 - np.tanh(x) ** 2


def _flat(x: np.ndarray) -> np.ndarray:
    return np.zeros_like(x)


_ALL = (
    Nonlinearity("relu", lambda x: np.maximum(x, 0.0), lambda x: 1.0 * (x > 0), _flat, homogeneous=True),
    Nonlinearity("tanh", np.tanh, _tanh_slope, lambda x: -2 * np.tanh(x) * _tanh_slope(x), odd=True),
    Nonlinearity(
        "erf",
        erf,
        lambda x: 2 / np.sqrt(np.pi) * np.exp(-(x**2)),
        lambda x: -4 * x / np.sqrt(np.pi) * np.exp(-(x**2)),
        odd=True,
    ),
    Nonlinearity("sin", np.sin, np.cos, lambda x: -np.sin(x), odd=True),
    Nonlinearity("sigmoid", expit, _sigmoid_slope, _sigmoid_bend),
    Nonlinearity("softplus", _softplus, expit, _sigmoid_slope),
    Nonlinearity(
        "gelu",
        lambda x: x * _normal(x),
        lambda x: _normal(x) + x * _gauss(x),
        lambda x: (2 - x**2) * _gauss(x),
    ),
    Nonlinearity(
        "silu",
        lambda x: x * expit(x),
        lambda x: expit(x) + x * _sigmoid_slope(x),
        lambda x: 2 * _sigmoid_slope(x) + x * _sigmoid_bend(x),
    ),
    Nonlinearity(
        "asymmetric",
        lambda x: _softplus(x) + expit(4 * x),
        lambda x: expit(x) + 4 * _sigmoid_slope(4 * x),
        lambda x: _sigmoid_slope(x) + 16 * _sigmoid_bend(4 * x),
    ),
    Nonlinearity("identity", lambda x: x, lambda x: np.ones_like(x), _flat, odd=True, homogeneous=True),
)
NONLINEARITIES: dict[str, Nonlinearity] = {one.name: one for one in _ALL}
