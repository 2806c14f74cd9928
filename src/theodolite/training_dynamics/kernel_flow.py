"""Training by gradient flow in function space, from a kernel and points or from a Gram matrix."""

from typing import Any, Literal, overload

import numpy as np
import scipy.linalg

from theodolite.kernel_regression.spectral import refuse_negative
from theodolite.numerics import memory
from theodolite.numerics.checks import positive, symmetric_gram
from theodolite.numerics.costs import CROSS_ENTROPY, Cost
from theodolite.numerics.errors import BadInput
from theodolite.training_dynamics.cost_flow import CostFlow
from theodolite.training_dynamics.gram_spectrum import gram_spectrum
from theodolite.training_dynamics.problem import Problem, problem_from_gram, problem_from_kernel
from theodolite.training_dynamics.squared_flow import KernelFlow

NamedCost = Literal["mse", "cross_entropy"] | Cost


@overload
def kernel_flow(
    kernel: Any,
    X: Any,
    Y: Any,
    loss: Literal["mse"] = "mse",
    *,
    initial: Any = None,
    tolerance: float = 1e-9,
    memory_limit: int | str | None = None,
) -> KernelFlow: ...
@overload
def kernel_flow(
    kernel: Any,
    X: Any,
    Y: Any,
    loss: Literal["cross_entropy"] | Cost,
    *,
    initial: Any = None,
    tolerance: float = 1e-9,
    memory_limit: int | str | None = None,
) -> CostFlow: ...
def kernel_flow(
    kernel: Any,
    X: Any,
    Y: Any,
    loss: NamedCost = "mse",
    *,
    initial: Any = None,
    tolerance: float = 1e-9,
    memory_limit: int | str | None = None,
) -> KernelFlow | CostFlow:
    """Kernel gradient descent in continuous time; for the tangent kernel, the training of an infinitely wide network.

    d/dt f_t(x) = -1/N sum_j K(x, x_j) d_j, with d = f_t - y for the squared cost 1/(2N) sum |f - y|^2.

    Args: kernel, or any function (X, Z) -> (n, m); X (n, ...) points; Y (n,) or (n, k) targets, outputs learn apart
        (K = Theta x identity); loss, "mse" in closed form, "cross_entropy" or a `Cost` by integration, where Y holds
        probabilities, (n,) of the second of two classes or (n, k); initial, f_0, by default 0: a function of points,
        or its values at X; tolerance of the integration, relative, per step; memory_limit, bytes or "4GB".
    Returns: a `KernelFlow` or a `CostFlow`: `on_training(times)`, `predict(Z, times)`, `cost(times)`.
    Raises: ShapeMismatch, NotFinite, NotPositiveDefinite, BadInput, TooLarge.
    Source: Jacot, Gabriel and Hongler (2018), arXiv:1806.07572, sections 3 to 5.
    Cost: the Gram matrix and one eigendecomposition, about 9 n^3 operations and 6 n^2 numbers.

    >>> from theodolite.kernels import RBF
    >>> flow = kernel_flow(RBF(1.0), [[0.0], [1.0]], [1.0, -1.0])
    >>> flow.predict([[0.0], [0.5]], [0.0, 1.0, float("inf")]).round(4) + 0.0
    array([[0.   , 0.   ],
           [0.271, 0.   ],
           [1.   , 0.   ]])
    >>> kernel_flow(RBF(1.0), [[0.0], [1.0]], [1.0, 0.0], "cross_entropy").cost([0.0, 1.0]).round(4)
    array([0.6931, 0.6201])
    """
    return _flow(problem_from_kernel(kernel, X, Y, initial, memory_limit), loss, tolerance, memory_limit)


@overload
def kernel_flow_from_gram(
    gram: Any,
    targets: Any,
    loss: Literal["mse"] = "mse",
    *,
    initial: Any = None,
    tolerance: float = 1e-9,
    memory_limit: int | str | None = None,
) -> KernelFlow: ...
@overload
def kernel_flow_from_gram(
    gram: Any,
    targets: Any,
    loss: Literal["cross_entropy"] | Cost,
    *,
    initial: Any = None,
    tolerance: float = 1e-9,
    memory_limit: int | str | None = None,
) -> CostFlow: ...
def kernel_flow_from_gram(
    gram: Any,
    targets: Any,
    loss: NamedCost = "mse",
    *,
    initial: Any = None,
    tolerance: float = 1e-9,
    memory_limit: int | str | None = None,
) -> KernelFlow | CostFlow:
    """As `kernel_flow`, from a Gram matrix computed elsewhere; new points are then given as their rows K(Z, X).

    Args: gram (n, n), symmetric positive semi-definite, such as an empirical tangent kernel; targets (n,) or (n, k);
        initial, values of f_0 at the training points; the others, returns, raises and cost as `kernel_flow`.
    Source: Jacot, Gabriel and Hongler (2018), arXiv:1806.07572, section 5.

    >>> flow = kernel_flow_from_gram([[2.0, 1.0], [1.0, 2.0]], [1.0, 0.0])
    >>> flow.predict([[1.0, 1.0]], [1.0, float("inf")]).round(4)
    array([[0.259 ],
           [0.3333]])
    """
    return _flow(problem_from_gram(gram, targets, initial), loss, tolerance, memory_limit)


def _flow(problem: Problem, loss: NamedCost, tolerance: float, memory_limit: int | str | None) -> KernelFlow | CostFlow:
    if isinstance(loss, str) and loss == "mse":
        return KernelFlow(problem, gram_spectrum(problem.gram, memory_limit=memory_limit), memory_limit=memory_limit)
    cost = CROSS_ENTROPY if isinstance(loss, str) and loss == "cross_entropy" else loss
    if not isinstance(cost, Cost):
        raise BadInput(f"loss must be 'mse', 'cross_entropy' or a Cost, got {loss!r}")
    cost.check(problem.targets)
    tolerance = positive(tolerance, "tolerance")
    n = problem.n
    memory.require(4 * 8 * n * n, memory_limit, f"the flow of {n} points", "use fewer rows or a larger memory_limit")
    gram = symmetric_gram(problem.gram)
    smallest, largest = np.sort(scipy.linalg.eigvalsh(gram))[[0, -1]]
    refuse_negative(smallest, largest)
    if largest <= 0:
        raise BadInput("the Gram matrix is zero, training would move nothing; expected a kernel with K(x, x) > 0")
    return CostFlow(problem, gram, float(largest) / n, cost, tolerance, memory_limit)
