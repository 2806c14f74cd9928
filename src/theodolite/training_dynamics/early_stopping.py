"""Early stopping: the error on other points during training, its lowest time, and the ridge that does the same."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.optimize import minimize_scalar

from theodolite.numerics.checks import target_columns
from theodolite.numerics.errors import BadInput
from theodolite.training_dynamics.pace import GradientDescent
from theodolite.training_dynamics.squared_flow import KernelFlow

PER_DECADE = 16  # times of the default grid


def equivalent_ridge(time: float) -> float:
    """1 / t: the ridge whose filter lambda / (lambda + ridge) resembles 1 - exp(-t lambda).

    Both keep components of eigenvalue far above 1/t and drop those far below. In this library's convention of the
    ridge, which weighs against the mean squared error. Args: time > 0; 0 gives infinity, infinity gives 0.
    Source: Jacot, Gabriel and Hongler (2018), arXiv:1806.07572, section 5 (early stopping).

    >>> equivalent_ridge(200.0)
    0.005
    """
    if not time >= 0:
        raise BadInput(f"a time must be zero or positive, got {time!r}")
    return float("inf") if time == 0 else 1.0 / float(time)


@dataclass(frozen=True, eq=False)
class EarlyStopping:
    """The early-stopping curve and its lowest point; `early_stopping` makes it.

    Attributes: times (l,), or numbers of steps, ascending; errors (l,), mean over the points of |f_t - target|^2, in
    squared units of the targets; training_errors (l,), the same on the training points; time, the best one; error
    there; elapsed, the same time in units of the flow (steps times learning rate).
    """

    times: np.ndarray
    errors: np.ndarray
    training_errors: np.ndarray
    time: float
    error: float
    elapsed: float

    @property
    def ridge(self) -> float:
        """The equivalent ridge, 1 / elapsed."""
        return equivalent_ridge(self.elapsed)


def early_stopping(flow: KernelFlow, Z: Any, targets: Any, times: Any = None, *, initial: Any = None) -> EarlyStopping:
    """When to stop training: the error on points that were not trained on, at all times.

    error(t) = 1/M sum_j |f_t(z_j) - g_j|^2.

    Args: flow of the squared cost; Z (m, ...), held-out points as `flow.predict` takes them; targets (m,) or (m, k),
        their values; times, ascending, by default 0, sixteen a decade from 0.01 / lambda_1 to 10 / lambda_r, and
        infinity; initial as in `flow.predict`.
    Returns: `EarlyStopping`. Between the times beside the lowest, a bounded search goes to the bottom of the valley;
        steps stay whole. Raises: as `flow.predict`.
    Source: Jacot, Gabriel and Hongler (2018), arXiv:1806.07572, section 5 (early stopping).
    Cost: m n kernel values, then O(m n k) a time; memory 2 m n numbers.

    >>> from theodolite.kernels import RBF
    >>> x = np.linspace(0, 6, 30)[:, None]
    >>> noisy = np.sin(x[:, 0]) + 0.5 * np.cos(40.0 * x[:, 0])
    >>> from theodolite.training_dynamics import kernel_flow
    >>> stop = early_stopping(kernel_flow(RBF(0.5), x, noisy), x + 0.1, np.sin(x[:, 0] + 0.1))
    >>> bool(stop.error < 0.5 * stop.errors[-1]), 0 < stop.ridge < 1
    (True, True)
    """
    problem = flow.problem
    rows = problem.points.rows(Z, flow.memory_limit)
    wanted = target_columns(targets, len(rows))
    if wanted.shape[1] != problem.targets.shape[1]:
        raise BadInput(f"targets have {wanted.shape[1]} columns, training had {problem.targets.shape[1]}")
    gap = problem.initial_at(Z, len(rows), initial) - wanted
    moving = rows @ flow.spectrum.vectors / problem.n

    def error(t: float) -> float:
        learned = flow.pace.integrated(flow.eigenvalues, np.array([t]))[0]
        return float(((gap - moving @ (learned[:, None] * flow.coefficients)) ** 2).sum() / len(wanted))

    grid = _default_times(flow) if times is None else np.unique(flow.checked_times(times))
    errors = np.array([error(t) for t in grid])
    best = int(errors.argmin())
    time, lowest = float(grid[best]), float(errors[best])
    beside = grid[max(best - 1, 0) : best + 2]
    steps = isinstance(flow.pace, GradientDescent)
    if not steps and beside[0] > 0 and np.isfinite(beside[-1]) and len(beside) > 1:
        bounds = (np.log(beside[0]), np.log(beside[-1]))
        found: Any = minimize_scalar(lambda u: error(np.exp(u)), bounds=bounds, method="bounded")
        if found.fun < lowest:
            time, lowest = float(np.exp(found.x)), float(found.fun)
    elapsed = time * flow.pace.learning_rate if isinstance(flow.pace, GradientDescent) else time
    return EarlyStopping(grid, errors, 2.0 * flow.cost(grid), time, lowest, elapsed)


def _default_times(flow: KernelFlow) -> np.ndarray:
    first, last = 0.01 / flow.eigenvalues[0], 10.0 / flow.eigenvalues[-1]
    times = np.geomspace(first, last, 1 + int(np.ceil(PER_DECADE * np.log10(last / first))))
    if isinstance(flow.pace, GradientDescent):
        times = np.unique(np.ceil(times / flow.pace.learning_rate))
    return np.concatenate([[0.0], times, [np.inf]])
