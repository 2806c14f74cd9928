"""The pace of training: how much of each component has been learned, after a time or after a number of steps."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from theodolite.numerics.checks import positive
from theodolite.numerics.errors import BadInput, ShapeMismatch
from theodolite.training_dynamics.gram_spectrum import gram_spectrum

_LINEAR = 1e-12  # below this, 1 - exp(-p) equals p to the last digit


@dataclass(frozen=True)
class GradientFlow:
    """Continuous time t: what remains along a component is exp(-t lambda).

    >>> GradientFlow().remaining(np.array([2.0]), np.array([0.0, 0.5, np.inf])).round(6)
    array([[1.      ],
           [0.367879],
           [0.      ]])
    """

    def times(self, times: Any) -> np.ndarray:
        """Times (l,), zero or positive, infinity included. Raises BadInput, ShapeMismatch."""
        return times_array(times)

    def remaining(self, eigenvalues: np.ndarray, times: np.ndarray) -> np.ndarray:
        """exp(-t lambda), (l, r)."""
        return np.exp(-times[:, None] * eigenvalues)

    def integrated(self, eigenvalues: np.ndarray, times: np.ndarray) -> np.ndarray:
        """phi_t(lambda) = (1 - exp(-t lambda)) / lambda, the integral of what remains, (l, r); t for small t lambda."""
        t = times[:, None]
        return np.where(t * eigenvalues < _LINEAR, t, -np.expm1(-t * eigenvalues) / eigenvalues)


@dataclass(frozen=True)
class GradientDescent:
    """Steps of a constant learning rate: what remains after k of them is (1 - learning_rate lambda)^k.

    Stable below 2 / (the largest eigenvalue of K/N), which `max_learning_rate` gives. `GradientFlow` at time
    k * learning_rate is near only while learning_rate * lambda is small: the gap grows to 0.18 learning_rate * lambda
    of the first error along the component.

    >>> GradientDescent(0.5).remaining(np.array([1.0, 3.0]), np.array([2.0]))
    array([[0.25, 0.25]])
    """

    learning_rate: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "learning_rate", positive(self.learning_rate, "learning_rate"))

    def times(self, times: Any) -> np.ndarray:
        """Numbers of steps (l,), whole, infinity included. Raises BadInput, ShapeMismatch."""
        steps = times_array(times, "a number of steps")
        broken = steps[steps != np.floor(steps)]
        if broken.size:
            raise BadInput(f"a number of steps must be whole, got {broken[0]}; for continuous time use the flow itself")
        return steps

    def remaining(self, eigenvalues: np.ndarray, times: np.ndarray) -> np.ndarray:
        """(1 - learning_rate lambda)^k, (l, r)."""
        return (1.0 - self.learning_rate * eigenvalues) ** times[:, None]

    def integrated(self, eigenvalues: np.ndarray, times: np.ndarray) -> np.ndarray:
        """[1 - (1 - learning_rate lambda)^k] / lambda, (l, r); k learning_rate for small eigenvalues."""
        k, step = times[:, None], self.learning_rate * eigenvalues
        gentle = step < 0.5  # there the power is near 1 for few steps, and the difference would cancel
        logarithm = np.log1p(-np.where(gentle, step, 0.0))
        learned = np.where(gentle, -np.expm1(k * np.where(gentle, logarithm, -1.0)), 1.0 - (1.0 - step) ** k)
        return np.where(k * step < _LINEAR, k * self.learning_rate, learned / eigenvalues)


Pace = GradientFlow | GradientDescent


def max_learning_rate(gram: Any, *, memory_limit: int | str | None = None) -> float:
    """The learning rate below which gradient descent on the squared cost is stable, 2 / lambda_max(K/N).

    Args: gram (n, n), symmetric positive semi-definite. Returns: a number, in 1 / the unit of the kernel.
    Raises: as `kernel_flow_from_gram`. Cost: an eigendecomposition; a flow has the number as an attribute.
    Source: Jacot, Gabriel and Hongler (2018), arXiv:1806.07572, section 5, for the cost 1/(2N) sum |f - y|^2.

    >>> max_learning_rate([[2.0, 0.0], [0.0, 1.0]])
    2.0
    """
    return float(2.0 / gram_spectrum(gram, memory_limit=memory_limit).eigenvalues[0])


def times_array(times: Any, name: str = "a time") -> np.ndarray:
    """Times as float64 (l,), zero or positive, infinity included."""
    array = np.asarray(times)
    if array.ndim > 1:
        raise ShapeMismatch(f"times have shape {array.shape}; expected a number or a vector of numbers")
    if array.dtype.kind not in "fiu":
        raise BadInput(f"times have dtype {array.dtype}; expected real numbers")
    array = np.atleast_1d(array.astype(np.float64))
    wrong = array[~(array >= 0)]
    if wrong.size:
        raise BadInput(f"{name} must be zero or positive, got {wrong[0]}")
    return array
