"""The law over initialisations: a network of infinite width is a Gaussian process at every time of its training."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from theodolite.kernels import Kernel, as_kernel, gram
from theodolite.numerics import memory
from theodolite.numerics.errors import BadInput, ShapeMismatch
from theodolite.training_dynamics.problem import KernelRows
from theodolite.training_dynamics.squared_flow import KernelFlow


def law_covariance(smoother: Any, nngp: Any, nngp_cross: Any, nngp_new: Any) -> np.ndarray:
    """The covariance of f_t on new points over initialisations, from the four matrices it consists of.

        Sigma(x, x') - A_t(x) Sigma(X, x') - Sigma(x, X) A_t(x')' + A_t(x) Sigma(X, X) A_t(x')'

    Not the posterior of a Gaussian process with the tangent kernel as prior: the spread at initialisation is Sigma's,
    only the movement is Theta's.

    Args: smoother A_t (m, n), as `KernelFlow.smoother` gives it; nngp Sigma(X, X) (n, n); nngp_cross Sigma(Z, X)
        (m, n); nngp_new Sigma(Z, Z) (m, m). Returns: (m, m), in squared units of the targets. Raises: ShapeMismatch.
    Source: follows from Jacot, Gabriel and Hongler (2018), arXiv:1806.07572, proposition 1 and section 5.
    Cost: O(m n (m + n)).

    >>> law_covariance([[0.5]], [[1.0]], [[1.0]], [[1.0]])
    array([[0.25]])
    """
    A, train, cross, new = (np.asarray(part, dtype=np.float64) for part in (smoother, nngp, nngp_cross, nngp_new))
    expected = {"nngp": (train, A.shape[-1:] * 2), "nngp_cross": (cross, A.shape), "nngp_new": (new, A.shape[:1] * 2)}
    for name, (matrix, shape) in expected.items():
        if A.ndim != 2 or matrix.shape != shape:
            raise ShapeMismatch(f"{name} has shape {matrix.shape} beside a smoother {A.shape}; expected {shape}")
    shared = A @ cross.T
    covariance = new - shared - shared.T + A @ train @ A.T
    return (covariance + covariance.T) / 2


@dataclass(frozen=True, eq=False)
class InitialisationLaw:
    """Mean and covariance of f_t over initialisations f_0 ~ GP(0, Sigma); `initialisation_law` makes it.

    Outputs are independent of each other, each with the same covariance. Times as for the flow: a number, or (l,).
    Attributes: flow, of the tangent kernel, from f_0 = 0; nngp, the covariance at initialisation, a kernel.
    """

    flow: KernelFlow
    nngp: Kernel
    _train: np.ndarray

    def mean(self, Z: Any, times: Any) -> np.ndarray:
        """A_t y, shaped as `KernelFlow.predict`: (m,) or (m, k), with a time axis in front for several times."""
        return self.flow.predict(Z, times)

    def covariance(self, Z: Any, times: Any) -> np.ndarray:
        """The covariance on new points, (m, m) or (l, m, m), as `law_covariance`. Cost: O(m n (m + n)) a time."""
        cross, new = self._cross(Z), np.asarray(gram(self.nngp, Z, memory_limit=self.flow.memory_limit))
        return self._each(times, new.shape, lambda t: law_covariance(self.flow.smoother(Z, t), self._train, cross, new))

    def standard_deviation(self, Z: Any, times: Any) -> np.ndarray:
        """The square root of the covariance's diagonal, (m,) or (l, m), without the matrix. Cost: O(m n^2) a time."""
        cross = self._cross(Z)
        variance = np.asarray(self.nngp.diagonal(np.asarray(Z)))

        def deviation(t: float) -> np.ndarray:
            A = self.flow.smoother(Z, t)
            return np.sqrt(np.maximum(variance + np.einsum("ij,ij->i", A @ self._train - 2.0 * cross, A), 0.0))

        return self._each(times, variance.shape, deviation)

    def training_covariance(self, times: Any) -> np.ndarray:
        """The covariance on the training points, E Sigma E' with E = V exp(-tL) V', (n, n) or (l, n, n)."""

        def covariance(t: float) -> np.ndarray:
            rest = self.flow.residual_operator(t)
            return rest @ self._train @ rest.T

        return self._each(times, self._train.shape, covariance)

    def _cross(self, Z: Any) -> np.ndarray:
        assert isinstance(self.flow.problem.points, KernelRows)
        return np.asarray(gram(self.nngp, Z, self.flow.problem.points.X, memory_limit=self.flow.memory_limit))

    def _each(self, times: Any, shape: tuple[int, ...], one: Callable[[float], np.ndarray]) -> np.ndarray:
        checked = self.flow.checked_times(times)
        memory.require(
            8 * (len(checked) + 3) * math.prod(shape),
            self.flow.memory_limit,
            f"the law at {len(checked)} times on {shape[0]} points",
            "ask for fewer times or points, for standard_deviation, or for a larger memory_limit",
        )
        values = np.empty((len(checked), *shape))
        for place, t in enumerate(checked):
            values[place] = one(float(t))
        return values[0] if np.ndim(times) == 0 else values


def initialisation_law(flow: KernelFlow, nngp: Any) -> InitialisationLaw:
    """The Gaussian law of an infinitely wide network during its training, over random initialisations.

    mean A_t y; covariance Sigma - A_t Sigma - Sigma A_t' + A_t Sigma A_t', A_t = 1/N Theta(., X) V phi_t(L) V'.

    Args: flow, `kernel_flow(ntk(net), X, Y)` from f_0 = 0, or its `in_steps`; with `nngp(net)` in place of `ntk(net)`
        only the last layer is trained. nngp, Sigma: the kernel `nngp(net)` or a function (X, Z) -> (n, m).
    Returns: an `InitialisationLaw`: `mean`, `covariance`, `standard_deviation` on new points at any time, infinity
        included, and `training_covariance`.
    Raises: BadInput for a flow with an initial function, or made from a Gram matrix (use `law_covariance` there).
    Source: Jacot, Gabriel and Hongler (2018), arXiv:1806.07572, proposition 1 and section 5; the covariance follows.
    Cost: one Gram matrix of the NNGP.

    >>> from theodolite.architectures import Relu, plain
    >>> from theodolite.infinite_width import nngp, ntk
    >>> from theodolite.training_dynamics import kernel_flow
    >>> net = plain(Relu(), depth=2)
    >>> law = initialisation_law(kernel_flow(ntk(net), [[1.0, 0.0], [0.0, 1.0]], [1.0, -1.0]), nngp(net))
    >>> law.standard_deviation([[1.0, 0.0], [0.6, 0.8]], [0.0, float("inf")]).round(3)
    array([[0.515, 0.515],
           [0.   , 0.177]])
    """
    if not isinstance(flow, KernelFlow):
        raise BadInput(f"the law is known for the squared cost, expected a KernelFlow, got {type(flow).__name__}")
    if not isinstance(flow.problem.points, KernelRows):
        raise BadInput("this flow was made from a Gram matrix and has no points; use law_covariance with four matrices")
    if not flow.problem.starts_at_zero:
        raise BadInput("this flow has an initial function of its own; the law averages over all: make it without one")
    kernel = as_kernel(nngp)
    train = gram(kernel, flow.problem.points.X, memory_limit=flow.memory_limit)
    return InitialisationLaw(flow, kernel, np.asarray(train, dtype=np.float64))
