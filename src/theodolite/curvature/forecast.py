"""The moments of the Hessian of a network at any time of training, without training it."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from theodolite.architectures import Node
from theodolite.curvature.cost_evolution import ConvexCost
from theodolite.curvature.evolution import POWERS, Moments, SquaredCost, Start
from theodolite.curvature.limiting_kernels import LimitingKernels, limiting_kernels
from theodolite.numerics.checks import finite, positive, positive_integer, target_columns
from theodolite.numerics.costs import CROSS_ENTROPY, MEAN_SQUARED, Cost
from theodolite.numerics.errors import BadInput, ShapeMismatch

COSTS = {"mse": MEAN_SQUARED, "cross_entropy": CROSS_ENTROPY}


@dataclass(frozen=True, eq=False)
class Forecast:
    """Traces of powers 1, 2, 3, 4 of three matrices at each time, for a network in the NTK parametrisation.

    Attributes: times (l,); gauss_newton, Tr I^k, (l, 4); residual, Tr S^k, (l, 4), 0 for k >= 3; hessian, Tr H^k
    (l, 4), their sum; each with its `_spread`, the standard deviation over initialisations (0 when the start was
    given); draws, how many initial functions were averaged, 0 for closed forms.
    """

    times: np.ndarray
    gauss_newton: np.ndarray
    residual: np.ndarray
    hessian: np.ndarray
    gauss_newton_spread: np.ndarray
    residual_spread: np.ndarray
    hessian_spread: np.ndarray
    draws: int = 0

    @property
    def hessian_error(self) -> np.ndarray:
        """The standard error of `hessian` from the number of draws, (l, 4); 0 for closed forms."""
        return self.hessian_spread / np.sqrt(self.draws) if self.draws else np.zeros_like(self.hessian_spread)

    def to_json(self) -> dict[str, Any]:
        """The numbers as nested lists."""
        arrays = {name: value.tolist() for name, value in vars(self).items() if isinstance(value, np.ndarray)}
        return {**arrays, "draws": self.draws}


def forecast(
    net: Node,
    X: Any,
    Y: Any,
    times: Any,
    loss: str | Cost = "mse",
    *,
    start: tuple[Any, Any] | None = None,
    learning_rate: float | None = None,
    draws: int = 200,
    seed: int = 0,
    memory_limit: int | str | None = None,
) -> Forecast:
    """Tr I^k, Tr S^k and Tr H^k = Tr I^k + Tr S^k in training, from the limiting kernels of a wide network.

    Args: net, `Dense() >> Act() >> ... >> Dense()`, smooth; X (n, d); Y (n,) or (n, k), for "cross_entropy"
        probabilities of the second of two classes, or rows that sum to 1; times, of gradient flow on the mean cost
        (learning rate times steps), >= 0; loss, "mse" (half the squared distance, mean over points), "cross_entropy"
        or a `numerics.costs.Cost`; start = (f_0, g_0), each (n,) or (n, k), of the network in question
        (`network.apply` and `laplacian`), else means over initialisations; learning_rate, with "mse", for times that
        are multiples of the steps of gradient descent; draws and seed, of initial functions for other costs.
    Returns: Forecast. For "mse" all is in closed form; other costs integrate one flow for all drawn initial functions.
    Raises: as `limiting_kernels`; ShapeMismatch, BadInput, NotFinite; DidNotConverge.
    Source: Jacot, Gabriel and Hongler (2020), arXiv:1910.02875, theorem 1 and corollary 1, corrected.
    Cost: the kernels; then for each time n^3 ("mse"), or draws x (n k)^3.

    >>> from theodolite.architectures import Softplus, plain
    >>> X = np.array([[1.0, 0.5, -0.3], [-0.4, 1.2, 0.8], [0.9, -0.2, 1.1]])
    >>> found = forecast(plain(Softplus(), depth=3, beta=0.3), X, [1.0, -1.0, 1.0], times=[0.0, 2.0])
    >>> found.gauss_newton[:, :2].round(4).tolist(), found.residual[:, :2].round(4).tolist()
    ([[1.2739, 1.4032], [1.2739, 1.4032]], [[0.2283, 0.7369], [0.0105, 0.1012]])
    """
    cost = cost_of(loss)
    moments_at = _times(times)
    kernels = limiting_kernels(net, X, memory_limit=memory_limit)
    n = len(kernels.sigma)
    targets = target_columns(Y, n)
    cost.check(targets)
    given = None if start is None else Start(*(_columns(part, targets.shape) for part in start))
    if learning_rate is not None:
        learning_rate = _stable(positive(learning_rate, "learning_rate"), kernels, moments_at, cost)
    if cost is MEAN_SQUARED:
        squared = SquaredCost(kernels, targets, learning_rate)
        moments = squared.on_average(moments_at) if given is None else squared.starting_at(given, moments_at)
        return _summed(moments_at, moments)
    flow = ConvexCost(kernels, targets, cost)
    if given is not None:
        return _summed(moments_at, flow.starting_at(given, moments_at))
    draws = positive_integer(draws, "draws")
    starts = initial_functions(kernels, targets.shape[1], draws, np.random.default_rng(seed))
    gauss_newton, residual = flow.of_each(starts, moments_at)
    parts = [part for array in (gauss_newton, residual, gauss_newton + residual) for part in _mean_and_spread(array)]
    return Forecast(moments_at, parts[0], parts[2], parts[4], parts[1], parts[3], parts[5], draws)


def initial_functions(kernels: LimitingKernels, outputs: int, draws: int, rng: np.random.Generator) -> list[Start]:
    """Draws of (f_0, g_0) at the training points, (n, outputs) each: a Gaussian pair, independent across outputs."""
    n = len(kernels.sigma)
    covariance = np.block([[kernels.sigma, kernels.phi.T], [kernels.phi, kernels.xi]])
    eigenvalues, vectors = np.linalg.eigh(covariance)
    root = vectors * np.sqrt(np.maximum(eigenvalues, 0.0))
    drawn = np.einsum("ij,sjk->sik", root, rng.standard_normal((draws, 2 * n, outputs)))
    return [Start(one[:n], one[n:]) for one in drawn]


def _mean_and_spread(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return values.mean(0), values.std(0, ddof=1) if len(values) > 1 else np.full(values.shape[1:], np.nan)


def _summed(times: np.ndarray, moments: Moments) -> Forecast:
    return Forecast(
        times,
        moments.gauss_newton,
        moments.residual,
        moments.gauss_newton + moments.residual,
        np.zeros((len(times), POWERS)),
        moments.residual_spread,
        moments.residual_spread,
    )


def cost_of(loss: Any) -> Cost:
    """The cost of a name, or the cost itself. Raises: BadInput.

    >>> cost_of("mse").name
    'mse'
    """
    if isinstance(loss, Cost):
        return loss
    if not isinstance(loss, str) or loss not in COSTS:
        raise BadInput(
            f"no loss is called {loss!r}; expected {' or '.join(map(repr, COSTS))}, or a numerics.costs.Cost"
        )
    return COSTS[loss]


def _times(times: Any) -> np.ndarray:
    array = np.atleast_1d(np.asarray(times, dtype=np.float64))
    if array.ndim != 1 or not array.size:
        raise ShapeMismatch(f"times have shape {array.shape}; expected one time or a vector of them")
    if finite(array, "times").min() < 0:
        raise BadInput(f"times begin at 0, the initialisation; got {array.min()}")
    return array


def _columns(values: Any, shape: tuple[int, ...]) -> np.ndarray:
    array = np.asarray(values, dtype=np.float64)
    if array.size != shape[0] * shape[1] or len(array) != shape[0]:
        raise ShapeMismatch(f"start holds an array of shape {array.shape}; expected {shape}, as the targets")
    return finite(array.reshape(shape), "start")


def _stable(learning_rate: float, kernels: LimitingKernels, times: np.ndarray, cost: Cost) -> float:
    if cost is not MEAN_SQUARED:
        raise BadInput(
            "learning_rate is for loss='mse'; other costs are forecast for gradient flow, time = rate x steps"
        )
    largest = 2.0 * len(kernels.theta) / float(np.linalg.eigvalsh(kernels.theta)[-1])
    if learning_rate >= largest:
        raise BadInput(
            f"learning_rate {learning_rate:g} is unstable; the largest stable one is just below {largest:.6g}"
        )
    steps = times / learning_rate
    if np.abs(steps - np.round(steps)).max() > 1e-6:
        raise BadInput(f"times should be multiples of learning_rate {learning_rate:g}, got {times.tolist()}")
    return learning_rate
