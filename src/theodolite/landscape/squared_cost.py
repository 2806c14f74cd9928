"""The squared cost of a network with one hidden layer and no bias, with its exact gradient and Hessian."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from theodolite.landscape.mlp import Mlp
from theodolite.landscape.nonlinearity import Nonlinearity, nonlinearity
from theodolite.numerics.checks import finite, target_columns
from theodolite.numerics.errors import ShapeMismatch


@dataclass(frozen=True, eq=False)
class SquaredCost:
    """C(theta) = 1 / (2 N) sum_n |f(x_n) - y_n|^2 with f(x) = sum_i a_i sigma(w_i . x).

    theta holds W (m, d) and then A (o, m), row after row, as `Mlp.flat` does; the width m is read off its length.
    A bias is a column of ones in X. Attributes: X (N, d); Y (N, o); activation. Make one with `squared_cost`.
    """

    X: np.ndarray
    Y: np.ndarray
    activation: Nonlinearity

    def width(self, theta: np.ndarray) -> int:
        """Neurons of the network with parameters theta. Raises: ShapeMismatch for a length that fits none."""
        each = self.X.shape[1] + self.Y.shape[1]
        if np.ndim(theta) != 1 or len(theta) % each or not len(theta):
            raise ShapeMismatch(
                f"theta has shape {np.shape(theta)}; expected a vector of a multiple of {each} numbers, "
                f"{self.X.shape[1]} incoming and {self.Y.shape[1]} outgoing weights a neuron"
            )
        return len(theta) // each

    def parts(self, theta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """W (m, d) and A (o, m) in theta."""
        m, d = self.width(theta), self.X.shape[1]
        return theta[: m * d].reshape(m, d), theta[m * d :].reshape(-1, m)

    def network(self, theta: np.ndarray) -> Mlp:
        """The network with parameters theta."""
        w, a = self.parts(theta)
        return Mlp((w.copy(), a.copy()), (None, None), self.activation)

    def residuals(self, theta: np.ndarray) -> np.ndarray:
        """f(x_n) - y_n, (N, o)."""
        w, a = self.parts(theta)
        return self.activation.value(self.X @ w.T) @ a.T - self.Y

    def value(self, theta: np.ndarray) -> float:
        """The cost, in half squared units of the targets."""
        return float(np.sum(self.residuals(theta) ** 2) / (2 * len(self.X)))

    def gradient(self, theta: np.ndarray) -> np.ndarray:
        """The gradient, of the length of theta. Cost: O(N m (d + o))."""
        w, a = self.parts(theta)
        before = self.X @ w.T
        after = self.activation.value(before)
        r = (after @ a.T - self.Y) / len(self.X)
        inner = (r @ a) * self.activation.slope(before)
        return np.concatenate([(inner.T @ self.X).ravel(), (r.T @ after).ravel()])

    def jacobian(self, theta: np.ndarray) -> np.ndarray:
        """Derivatives of the outputs, (N o, P), rows in the order of `residuals`."""
        w, a = self.parts(theta)
        (n, d), (o, m) = self.X.shape, a.shape
        before = self.X @ w.T
        slopes = self.activation.slope(before)
        found = np.zeros((n, o, m * d + o * m))
        inner = slopes[:, None, :, None] * a[None, :, :, None] * self.X[:, None, None, :]
        found[:, :, : m * d] = inner.reshape(n, o, m * d)
        after = self.activation.value(before)
        for output in range(o):
            found[:, output, m * d + output * m : m * d + (output + 1) * m] = after
        return found.reshape(n * o, -1)

    def hessian(self, theta: np.ndarray) -> np.ndarray:
        """The Hessian (P, P), exact. Cost: O(N o P^2)."""
        w, a = self.parts(theta)
        (n, d), (o, m) = self.X.shape, a.shape
        jacobian = self.jacobian(theta)
        found = jacobian.T @ jacobian / n
        before = self.X @ w.T
        r = (self.activation.value(before) @ a.T - self.Y) / n
        bends = (r @ a) * self.activation.bend(before)
        slopes = self.activation.slope(before)
        squares = (self.X[:, :, None] * self.X[:, None, :]).reshape(n, -1)
        curved = (bends.T @ squares).reshape(m, d, d)
        mixed = np.array([(slopes * r[:, [output]]).T @ self.X for output in range(o)])
        for i in range(m):
            own = slice(i * d, (i + 1) * d)
            found[own, own] += curved[i]
            for output in range(o):
                column = m * d + output * m + i
                found[own, column] += mixed[output, i]
                found[column, own] += mixed[output, i]
        return found


def squared_cost(X: Any, Y: Any, activation: str | Nonlinearity = "asymmetric") -> SquaredCost:
    """The squared cost on data.

    Args: X (N, d); Y (N,) or (N, o); activation as in `mlp`. Raises: ShapeMismatch, NotFinite, BadInput.

    >>> cost = squared_cost(np.eye(2), [1.0, 0.0], "identity")
    >>> cost.value(np.zeros(3)), cost.gradient(np.ones(3)).tolist()
    (0.25, [0.0, 0.5, 0.5])
    """
    inputs = np.asarray(X, dtype=np.float64)
    if inputs.ndim != 2 or 0 in inputs.shape:
        raise ShapeMismatch(f"X has shape {inputs.shape}; expected (rows, inputs)")
    return SquaredCost(finite(inputs, "X"), target_columns(Y, len(inputs)), nonlinearity(activation))
