"""The squared cost, in closed form: each kernel principal component of the error decays on its own."""

import dataclasses
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from theodolite.numerics import memory
from theodolite.numerics.errors import BadInput
from theodolite.training_dynamics.gram_spectrum import GramSpectrum
from theodolite.training_dynamics.pace import GradientDescent, GradientFlow, Pace
from theodolite.training_dynamics.problem import Problem
from theodolite.training_dynamics.trajectory import Trajectory


@dataclass(frozen=True, eq=False)
class KernelFlow(Trajectory):
    """Training of a kernel machine on the cost 1/(2N) sum_i |f(x_i) - y_i|^2; `kernel_flow` makes it.

        d/dt f_t(x) = -1/N sum_j K(x, x_j) (f_t(x_j) - y_j)
        f_t(X) = y + V exp(-t L) V' (f_0(X) - y)
        f_t(x) = f_0(x) + 1/N K(x, X) V phi_t(L) V' (y - f_0(X)),   K(X, X) / N = V L V'

    The 1/N stays in the dynamics. Along the null space of K nothing moves; eigenvalues below round-off count as null,
    so that t = infinity is the limit of late times also for repeated rows. `in_steps` gives discrete gradient descent.
    Source: Jacot, Gabriel and Hongler (2018), arXiv:1806.07572, sections 3 and 5.
    """

    problem: Problem = field(repr=False)
    spectrum: GramSpectrum = field(repr=False)
    pace: Pace = field(default_factory=GradientFlow)
    memory_limit: int | str | None = None

    @property
    def eigenvalues(self) -> np.ndarray:
        """The positive eigenvalues of K/N, (r,), largest first."""
        return self.spectrum.eigenvalues

    @property
    def max_learning_rate(self) -> float:
        """2 / lambda_max(K/N): gradient descent is stable below."""
        return float(2.0 / self.eigenvalues[0])

    def in_steps(self, learning_rate: float) -> "KernelFlow":
        """The same problem under discrete gradient descent: `times` are then numbers of steps.

        Replaces exp(-t lambda) by (1 - learning_rate lambda)^k everywhere, in the law and the components too.
        Args: learning_rate > 0, below `max_learning_rate`. Raises: BadInput, which says the largest stable one.

        >>> from theodolite.training_dynamics import kernel_flow_from_gram
        >>> flow = kernel_flow_from_gram([[2.0, 0.0], [0.0, 1.0]], [1.0, 1.0])
        >>> flow.in_steps(1.0).on_training([0, 1, 2])
        array([[0.  , 0.  ],
               [1.  , 0.5 ],
               [1.  , 0.75]])
        """
        pace = GradientDescent(learning_rate)
        if pace.learning_rate >= self.max_learning_rate:
            raise BadInput(
                f"learning_rate {pace.learning_rate:g} is unstable, the outputs would not converge; the largest stable "
                f"one is just below 2 / lambda_max(K/N) = {self.max_learning_rate:.6g}"
            )
        return dataclasses.replace(self, pace=pace)

    def checked_times(self, times: Any) -> np.ndarray:
        return self.pace.times(times)

    @cached_property
    def _start(self) -> np.ndarray:
        """f_0(X) - y, (n, k)."""
        return self.problem.initial - self.problem.targets

    @cached_property
    def coefficients(self) -> np.ndarray:
        """V' (f_0(X) - y), (r, k): the first error along the eigenvectors, in the order of `eigenvalues`."""
        return self.spectrum.vectors.T @ self._start

    @cached_property
    def _null(self) -> np.ndarray:
        """The part of f_0(X) - y that is never learned, (n, k)."""
        return self.spectrum.null_part(self._start)

    def along_components(self, times: Any) -> np.ndarray:
        """What remains of the error along each eigenvector, exp(-t lambda_i) v_i'(f_0(X) - y), (l, r, k).

        Divide by sqrt(n) for coefficients along the principal components, which have mean square 1.
        """
        remaining = self.pace.remaining(self.eigenvalues, self.checked_times(times))
        return remaining[:, :, None] * self.coefficients

    def outputs(self, times: np.ndarray) -> np.ndarray:
        return self.problem.targets + self._null + self.spectrum.vectors @ self.along_components(times)

    def dual(self, times: Any) -> np.ndarray:
        """a_t = 1/N V phi_t(L) V' (y - f_0(X)), (l, n, k), so that f_t(x) = f_0(x) + K(x, X) a_t."""
        integrated = self.pace.integrated(self.eigenvalues, self.checked_times(times))
        return self.spectrum.vectors @ (-integrated[:, :, None] / self.problem.n * self.coefficients)

    def cost(self, times: Any) -> Any:
        """1/(2N) sum_i |f_t(x_i) - y_i|^2: a float for one time, (l,) for several.

        >>> from theodolite.training_dynamics import kernel_flow_from_gram
        >>> kernel_flow_from_gram([[2.0, 0.0], [0.0, 2.0]], [1.0, 1.0]).cost([0.0, 0.5]).round(6)
        array([0.5    , 0.18394])
        """
        squares = (self.along_components(times) ** 2).sum((1, 2)) + (self._null**2).sum()
        costs = squares / (2 * self.problem.n)
        return float(costs[0]) if np.ndim(times) == 0 else costs

    def smoother(self, Z: Any, time: float) -> np.ndarray:
        """A_t(Z) = 1/N K(Z, X) V phi_t(L) V', (m, n): f_t(Z) = f_0(Z) + A_t (y - f_0(X)).

        Args: Z as in `predict`; time, one number. Raises: as `predict`. Cost: O(m n r); memory 3 m n numbers.
        """
        checked = self.checked_times(time)
        memory.require(
            3 * 8 * self.problem.n * max(np.shape(Z)[:1], default=1),
            self.memory_limit,
            f"the smoother of {self.problem.n} training points",
            "ask for fewer new points at once, or a larger memory_limit",
        )
        integrated = self.pace.integrated(self.eigenvalues, checked)[0]
        vectors = self.spectrum.vectors
        rows = self.problem.points.rows(Z, self.memory_limit)
        return (rows @ vectors * (integrated / self.problem.n)) @ vectors.T

    def residual_operator(self, time: float) -> np.ndarray:
        """V exp(-t L) V' and the null projector, (n, n): f_t(X) - y = residual_operator @ (f_0(X) - y)."""
        remaining = self.pace.remaining(self.eigenvalues, self.checked_times(time))[0]
        vectors = self.spectrum.vectors
        kept = (vectors * remaining) @ vectors.T
        return kept + self.spectrum.null_part(np.eye(self.problem.n)) if self.spectrum.rank < self.problem.n else kept
