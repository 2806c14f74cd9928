"""How the moments of the Hessian change while a wide network is trained on the squared cost, in closed form."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from theodolite.curvature.limiting_kernels import LimitingKernels

POWERS = 4


class Start(NamedTuple):
    """The outputs f and traces g = sum_p d^2 f / d theta_p^2 at the training points before training, (n, k) each."""

    outputs: np.ndarray
    traces: np.ndarray


class Moments(NamedTuple):
    """Tr I^k and Tr S^k for k = 1, 2, 3, 4, (times, 4) each, and the standard deviations of Tr S^k over what was
    averaged. Tr S^3 and Tr S^4 vanish with the width."""

    gauss_newton: np.ndarray
    residual: np.ndarray
    residual_spread: np.ndarray


@dataclass(frozen=True, eq=False)
class SquaredCost:
    """The cost |f - y|^2 / (2 n) on n points: E_t = exp(-t theta / n) takes f_0 - y to f_t - y.

    Attributes: kernels, on the training points; targets (n, k); learning_rate of full-batch gradient descent, or None
    for gradient flow. With it E_t = (1 - learning_rate theta / n)^(t / learning_rate): time is rate times steps.
    """

    kernels: LimitingKernels
    targets: np.ndarray
    learning_rate: float | None = None

    def gauss_newton(self, times: np.ndarray) -> np.ndarray:
        """Tr I^k = k_outputs sum_i (lambda_i / n)^k, constant in time, (times, 4)."""
        n, outputs = self.targets.shape
        eigenvalues = np.linalg.eigvalsh(self.kernels.theta) / n
        traces = outputs * np.array([np.sum(eigenvalues**power) for power in range(1, POWERS + 1)])
        return np.tile(traces, (len(times), 1))

    def on_average(self, times: np.ndarray) -> Moments:
        """Means and standard deviations over initialisations, with f_0 and g_0 jointly Gaussian.

            E Tr S_t   = 1/n Tr(E_t phi) - 1/n Tr(E_t lambda theta^-1 (1 - E_t) B),   B = sigma + y y'
            E Tr S_t^2 = 1/n^2 Tr(E_t upsilon E_t B)

        summed over outputs; found here as moments of quadratic forms of (f_0 - y, g_0), which gives the spread too.
        Source: Jacot, Gabriel and Hongler (2020), arXiv:1910.02875, corollary 1, which prints 1 + E_t for 1 - E_t and
        no 1/n in the exponent.
        """
        n, k = len(self.targets), self.kernels
        covariance = np.block([[k.sigma, k.phi.T], [k.phi, k.xi]])
        residual, spread = np.zeros((len(times), POWERS)), np.zeros((len(times), POWERS))
        for at, forms in enumerate(self._forms(times)):
            for power, form in enumerate(forms):
                through = form @ covariance
                own = np.trace(through)
                square = 2 * np.sum(through * through.T)
                for target in self.targets.T:
                    centre = np.concatenate([-target, np.zeros(n)])
                    moved = form @ centre
                    residual[at, power] += own + centre @ moved
                    spread[at, power] += square + 4 * moved @ covariance @ moved
        return Moments(self.gauss_newton(times), residual, np.sqrt(np.maximum(spread, 0.0)))

    def starting_at(self, start: Start, times: np.ndarray) -> Moments:
        """The moments of the one network that starts with these outputs and traces.

        f_t - y = E_t (f_0 - y),   g_t = g_0 + lambda theta^-1 (1 - E_t) (y - f_0),   Tr S = g' (f - y) / n
        """
        both = np.concatenate([start.outputs - self.targets, start.traces])
        residual = np.zeros((len(times), POWERS))
        for at, forms in enumerate(self._forms(times)):
            for power, form in enumerate(forms):
                residual[at, power] = np.sum(both * (form @ both))
        return Moments(self.gauss_newton(times), residual, np.zeros_like(residual))

    def _forms(self, times: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
        """Symmetric (2n, 2n) matrices A, one for Tr S and one for Tr S^2, with Tr S^k = v' A v, v = (f_0 - y, g_0)."""
        n = len(self.targets)
        eigenvalues, vectors = np.linalg.eigh(self.kernels.theta / n)
        eigenvalues = np.maximum(eigenvalues, 0.0)
        found = []
        for time in times:
            remaining, integrated = self._pace(eigenvalues, time)
            E, gone = (vectors * remaining) @ vectors.T, (vectors * integrated) @ vectors.T / n
            moved = -E @ self.kernels.lambda_ @ gone / n
            half = E / (2 * n)
            zero = np.zeros((n, n))
            square = np.zeros((2 * n, 2 * n))
            square[:n, :n] = E @ self.kernels.upsilon @ E / n**2
            found.append((np.block([[(moved + moved.T) / 2, half], [half, zero]]), square))
        return found

    def _pace(self, eigenvalues: np.ndarray, time: float) -> tuple[np.ndarray, np.ndarray]:
        """(E_t, (1 - E_t) / lambda) for eigenvalues lambda of theta / n; the second is t where lambda is 0."""
        if self.learning_rate is None:
            logarithm = -time * eigenvalues
            remaining = np.exp(logarithm)
            gone = -np.expm1(logarithm)
        else:
            remaining = (1.0 - self.learning_rate * eigenvalues) ** round(time / self.learning_rate)
            gone = 1.0 - remaining
        flat = eigenvalues * max(time, 1.0) < 1e-13
        return remaining, np.where(flat, time, gone / np.where(flat, 1.0, eigenvalues))
