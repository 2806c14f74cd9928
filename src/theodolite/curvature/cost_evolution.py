"""How the moments of the Hessian change while a wide network is trained on any convex cost: one flow of the outputs."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.integrate import solve_ivp

from theodolite.curvature.evolution import POWERS, Moments, Start
from theodolite.curvature.limiting_kernels import LimitingKernels
from theodolite.numerics.costs import Cost
from theodolite.numerics.errors import DidNotConverge

TOLERANCE = 1e-9
STIFF = 1000.0  # time times the fastest rate; beyond it an explicit method would take as many steps


@dataclass(frozen=True, eq=False)
class ConvexCost:
    """Training on a convex cost C with the limiting kernels of the training points; targets (n, k).

        d/dt f = -theta grad C(f),   d/dt g = -lambda grad C(f)

    Both follow from s_t = -integral of grad C: f_t = f_0 + theta s_t, g_t = g_0 + lambda s_t.
    Source: Jacot, Gabriel and Hongler (2020), arXiv:1910.02875, section 3; the curvature of the binary cross-entropy is
    p (1 - p) = 1 / (2 + e^f + e^-f), printed there with 1 for 2.
    """

    kernels: LimitingKernels
    targets: np.ndarray
    cost: Cost

    def starting_at(self, start: Start, times: np.ndarray) -> Moments:
        """The moments of the one network that starts with these outputs and traces."""
        gauss_newton, residual = self.of_each([start], times)
        return Moments(gauss_newton[0], residual[0], np.zeros_like(residual[0]))

    def of_each(self, starts: list[Start], times: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Tr I^k and Tr S^k of several networks, (starts, times, 4) each.

        Raises: DidNotConverge. Cost: one evaluation of the flow is n^2 k multiplications for each start; Tr I^k takes
        (n k)^3 for each start and time.
        """
        outputs = np.stack([start.outputs for start in starts])
        n = len(self.targets)
        gone = self._integrals(outputs, times)
        gauss_newton = np.zeros((len(starts), len(times), POWERS))
        residual = np.zeros_like(gauss_newton)
        for i, start in enumerate(starts):
            for j in range(len(times)):
                f = start.outputs + self.kernels.theta @ gone[j, i]
                g = start.traces + self.kernels.lambda_ @ gone[j, i]
                slope = self.cost.derivative(f, self.targets) / n
                gauss_newton[i, j] = self._powers(f)
                residual[i, j, :2] = np.sum(g * slope), np.sum(slope * (self.kernels.upsilon @ slope))
        return gauss_newton, residual

    def _powers(self, f: np.ndarray) -> np.ndarray:
        """Tr (HC theta)^k, k = 1, 2, 3, 4."""
        n, k = f.shape
        curvature = self.cost.curvature(f, self.targets) / n
        product = np.einsum("iab,ij->iajb", curvature, self.kernels.theta).reshape(n * k, n * k)
        square = product @ product
        return np.array([np.trace(product), np.trace(square), np.sum(square * product.T), np.sum(square * square.T)])

    def _integrals(self, outputs: np.ndarray, times: np.ndarray) -> np.ndarray:
        """s_t, (times, starts, n, k)."""
        order, place = np.unique(times, return_inverse=True)
        starts, n, k = outputs.shape
        found = np.zeros((len(order), starts, n, k))
        if order[-1] > 0:
            largest = float(np.linalg.eigvalsh(self.kernels.theta)[-1]) / n
            stiff = order[-1] * largest * self.cost.steepest > STIFF
            groups = [slice(i, i + 1) for i in range(starts)] if stiff else [slice(0, starts)]
            for group in groups:
                found[:, group] = self._integrate(outputs[group], order, stiff)
        return found[place]

    def _integrate(self, outputs: np.ndarray, order: np.ndarray, stiff: bool) -> np.ndarray:
        starts, n, k = outputs.shape
        many = np.tile(self.targets, (starts, 1))
        theta = self.kernels.theta

        def at(s: np.ndarray) -> np.ndarray:
            return outputs + np.einsum("ij,sjk->sik", theta, s.reshape(starts, n, k), optimize=True)

        def speed(_: float, s: np.ndarray) -> np.ndarray:
            return -self.cost.derivative(at(s).reshape(starts * n, k), many).ravel() / n

        def jacobian(_: float, s: np.ndarray) -> np.ndarray:
            curvature = self.cost.curvature(at(s)[0], self.targets) / n
            return -np.einsum("iab,ij->iajb", curvature, theta).reshape(n * k, n * k)

        scale = max(float(np.abs(theta).max()), 1e-300)
        options: dict[str, Any] = {"jac": jacobian} if stiff else {}
        solved: Any = solve_ivp(
            speed,
            (0.0, order[-1]),
            np.zeros(outputs.size),
            method="LSODA" if stiff else "DOP853",
            t_eval=order,
            rtol=TOLERANCE,
            atol=TOLERANCE / scale,
            **options,
        )
        if not solved.success:
            raise DidNotConverge(f"the flow stopped at time {solved.t[-1] if solved.t.size else 0}: {solved.message}")
        return solved.y.T.reshape(-1, starts, n, k)
