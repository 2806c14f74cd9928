"""The greedy low-rank algorithm: minimise at one rank, add the steepest unit, until the gradient certifies the end."""

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np
from scipy.sparse.linalg import svds

from theodolite.numerics import memory
from theodolite.numerics.checks import positive, positive_integer, zero_or_positive
from theodolite.numerics.errors import BadInput, ShapeMismatch
from theodolite.numerics.progress import Progress, silent
from theodolite.training_dynamics.saddles.escape import EscapeDirection, escape_direction
from theodolite.training_dynamics.saddles.factors import minimised
from theodolite.training_dynamics.saddles.flow import LinearFlow, linear_flow
from theodolite.training_dynamics.saddles.layers import Layers, product
from theodolite.training_dynamics.saddles.matrix_costs import MatrixCost


class GreedyPath(NamedTuple):
    """What was visited: ranks (k,), costs there (k,), certificates s_1(-grad C(A)) there (k,), the matrices
    (k, d_out, d_in), the factors of the last one, and whether its certificate says that it is the global minimum."""

    ranks: np.ndarray
    values: np.ndarray
    certificates: np.ndarray
    matrices: np.ndarray
    layers: Layers
    certified: bool

    @property
    def matrix(self) -> np.ndarray:
        """The last matrix, of the highest rank visited."""
        return self.matrices[-1]


def greedy_low_rank(
    cost: MatrixCost,
    shape: tuple[int, int] | None = None,
    *,
    max_rank: int | None = None,
    tolerance: float = 1e-9,
    shrinkage: float = 0.0,
    iterations: int = 2000,
    memory_limit: int | str | None = None,
    progress: Progress = silent,
) -> GreedyPath:
    """Minimise a convex cost of a matrix over matrices of rank 0, 1, 2, ..., each from the one before.

    minimise C(B A) + shrinkage / 2 (|A|^2 + |B|^2), then add the top singular pair of -grad C, until
    s_1(-grad C) <= shrinkage: the cost is convex, so no matrix of any rank is better (with shrinkage, none is better
    for C + shrinkage * nuclear norm). No rank has to be guessed.

    The limit of `greedy_path` for ever smaller new units and longer training, by a quasi-Newton method instead of
    gradient flow. At each rank it ends in a local minimum of the factors; only the last is certified.

    Args: cost; shape, checked against the cost if given; max_rank, by default min(shape); tolerance, of the certificate
        relative to s_1(-grad C(0)); shrinkage >= 0 in units of the gradient; iterations, of each minimisation.
    Returns: a GreedyPath. Source: Jacot et al. (2021), arXiv:2106.15933, greedy algorithm; the certificate is the
        optimality condition of a convex cost.
    Cost: a few hundred gradients of C for each rank, and one singular value decomposition.

    >>> from theodolite.training_dynamics.saddles import completion, full_mse
    >>> found = greedy_low_rank(full_mse(np.diag([4.0, 2.0, 1.0])))
    >>> found.values.round(9) + 0.0, found.certificates.round(6) + 0.0, found.certified
    (array([10.5,  2.5,  0.5,  0. ]), array([4., 2., 1., 0.]), True)
    >>> greedy_low_rank(completion([[1.0, 2.0], [2.0, np.nan]])).matrix.round(6)
    array([[1., 2.],
           [2., 4.]])
    """
    _check_shape(cost, shape)
    most = min(cost.shape) if max_rank is None else positive_integer(max_rank, "max_rank")
    shrinkage = zero_or_positive(shrinkage, "shrinkage")
    memory.require(8 * (most + 1) * int(np.prod(cost.shape)), memory_limit, f"{most + 1} matrices", "lower max_rank")
    visited = _Visited()
    for step in greedy_steps(cost, most, shrinkage=shrinkage, tolerance=tolerance, iterations=iterations):
        visited.add(step.U @ step.V, step.value, step.certificate)
        progress(len(step.V), most, f"rank {len(step.V)}")
        last = step
    return visited.path((last.V, last.U), last.done)


class GreedyStep(NamedTuple):
    """A minimum at one rank: factors V (k, d_in), U (d_out, k), the cost, s_1(-grad C), whether that certifies it."""

    V: np.ndarray
    U: np.ndarray
    value: float
    certificate: float
    done: bool


def greedy_steps(
    cost: MatrixCost, most: int, *, shrinkage: float, tolerance: float, iterations: int, polish: bool = True
) -> Iterator[GreedyStep]:
    """The minima at rank 0, 1, ..., one at a time, until one is certified or has rank `most`.

    >>> from theodolite.training_dynamics.saddles import full_mse
    >>> steps = greedy_steps(full_mse(np.diag([2.0, 1.0])), 2, shrinkage=0.0, tolerance=1e-9, iterations=100)
    >>> [(len(step.V), round(step.value, 9)) for step in steps]
    [(0, 2.5), (1, 0.5), (2, 0.0)]
    """
    V, U, scale = np.zeros((0, cost.shape[1])), np.zeros((cost.shape[0], 0)), 0.0
    while True:
        A = U @ V
        u, s, v = top_pair(-cost.gradient(A))
        scale = scale or s
        yield GreedyStep(V, U, cost.value(A), s, s <= shrinkage + 10 * tolerance * scale)
        if s <= shrinkage + tolerance * scale or len(V) >= most:
            return
        first = _first_step(cost, A, np.outer(u, v), s - shrinkage)
        V, U = np.vstack([V, np.sqrt(first) * v]), np.column_stack([U, np.sqrt(first) * u])
        V, U = minimised(cost, V, U, shrinkage, tolerance, iterations, polish)


def greedy_path(
    cost: MatrixCost,
    depth: int,
    epsilon: float,
    time: float | None = None,
    *,
    max_rank: int | None = None,
    tolerance: float = 1e-6,
    progress: Progress = silent,
) -> tuple[GreedyPath, tuple[LinearFlow, ...]]:
    """The algorithm A_(epsilon, T) as the paper has it: widen by one unit of size epsilon, flow for a time T, repeat.

    W_1 gets the row epsilon v^T, W_L the column epsilon u, middle layers epsilon on the new diagonal entry, with u, v
    the top singular pair of -grad C(A).

    Args: cost; depth L >= 2; epsilon > 0; time T of each part, by default twice what the unit needs to grow and
        30 / s_1; max_rank; tolerance, relative, of the certificate and of C at its minimum where that is known.
    Returns: a GreedyPath (its values approach the saddles as epsilon falls and T grows) and the flow of each part.
    Source: Jacot et al. (2021), arXiv:2106.15933, algorithm A_(epsilon, T, eta); eta, the step of gradient descent, is
        replaced by adaptive integration.

    >>> from theodolite.training_dynamics.saddles import full_mse
    >>> found, flows = greedy_path(full_mse(np.diag([4.0, 2.0])), depth=3, epsilon=1e-2)
    >>> found.values.round(6) + 0.0
    array([10.,  2.,  0.])
    """
    epsilon = positive(epsilon, "epsilon")
    most = min(cost.shape) if max_rank is None else positive_integer(max_rank, "max_rank")
    layers: Layers | None = None
    visited, flows, scale, first = _Visited(), [], 0.0, 0.0
    while True:
        A = np.zeros(cost.shape) if layers is None else product(layers)
        certificate = top_pair(-cost.gradient(A))[1]
        scale, first = scale or certificate, first or cost.value(A)
        visited.add(A, cost.value(A), certificate)
        progress(len(flows), most, f"rank {len(flows)}")
        near = cost.value(A) - cost.floor <= tolerance**2 * (first - cost.floor)
        done = certificate <= tolerance * scale
        if done or near or len(flows) >= most:
            return visited.path(layers or (), done or near), tuple(flows)
        way = escape_direction(cost, depth, A)
        start = widened(layers, way, epsilon)
        long = 2.0 * way.time(np.sqrt(depth) * epsilon, 1.0) + 30.0 / way.singular_value if time is None else time
        flow = linear_flow(start, cost, long, tolerance=1e-9)
        flows.append(flow)
        layers = flow.layers()


def widened(layers: Iterable[Any] | None, way: EscapeDirection, epsilon: float) -> Layers:
    """Layers with one more unit of size epsilon along an escape direction; None stands for width 0.

    >>> way = EscapeDirection(1.0, np.array([1.0, 0.0]), np.array([0.0, 1.0]), 0.0, 2)
    >>> [W.tolist() for W in widened([np.ones((1, 2)), np.ones((2, 1))], way, 0.1)]
    [[[1.0, 1.0], [0.0, 0.1]], [[1.0, 0.1], [1.0, 0.0]]]
    """
    new = way.layers(1, epsilon * np.sqrt(way.depth))
    if layers is None:
        return new
    found = list(layers)
    last = len(found) - 1
    wide = []
    for i, (W, unit) in enumerate(zip(found, new, strict=True)):
        if i == 0:
            wide.append(np.vstack([W, unit]))
        elif i == last:
            wide.append(np.column_stack([W, unit]))
        else:
            wide.append(np.block([[W, np.zeros((len(W), 1))], [np.zeros((1, W.shape[1])), unit]]))
    return tuple(wide)


def top_pair(matrix: np.ndarray) -> tuple[np.ndarray, float, np.ndarray]:
    """The top singular triple (u, s, v) of a matrix."""
    if min(matrix.shape) > 400:
        found: Any = svds(matrix, k=1, v0=np.ones(min(matrix.shape)))
        return found[0][:, 0], float(found[1][0]), found[2][0]
    u, s, vt = np.linalg.svd(matrix, full_matrices=False)
    return u[:, 0], float(s[0]), vt[0]


class _Visited:
    def __init__(self) -> None:
        self.matrices: list[np.ndarray] = []
        self.values: list[float] = []
        self.certificates: list[float] = []

    def add(self, A: np.ndarray, value: float, certificate: float) -> None:
        self.matrices.append(A)
        self.values.append(value)
        self.certificates.append(certificate)

    def path(self, layers: Layers, certified: bool) -> GreedyPath:
        ranks = np.arange(len(self.values))
        matrices = np.array(self.matrices)
        return GreedyPath(ranks, np.array(self.values), np.array(self.certificates), matrices, layers, bool(certified))


def _first_step(cost: MatrixCost, A: np.ndarray, unit: np.ndarray, slope: float) -> float:
    """Where the cost along the new unit is lowest, to second order."""
    bend = float(np.sum(unit * cost.curvature(A, unit)))
    return slope / bend if bend > 1e-12 * slope else 1.0


def _check_shape(cost: MatrixCost, shape: tuple[int, int] | None) -> None:
    if shape is not None and tuple(shape) != cost.shape:
        raise ShapeMismatch(f"shape is {tuple(shape)}, but the cost is one of matrices {cost.shape}")
    if not np.isfinite(cost.value(np.zeros(cost.shape))):
        raise BadInput("the cost at 0 is not finite")
