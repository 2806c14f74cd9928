"""Gradient flow of deep linear networks, integrated with adaptive steps."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from scipy import integrate

from theodolite.numerics import memory
from theodolite.numerics.checks import positive, positive_integer
from theodolite.numerics.errors import BadInput, DidNotConverge, ShapeMismatch
from theodolite.numerics.progress import Progress, silent
from theodolite.training_dynamics.saddles.gradients import layer_gradients
from theodolite.training_dynamics.saddles.layers import Layers, as_layers, flattened, product, unflattened
from theodolite.training_dynamics.saddles.matrix_costs import MatrixCost
from theodolite.training_dynamics.saddles.roots import bracketed_root

INTEGRATORS = {"DOP853": integrate.DOP853, "LSODA": integrate.LSODA}


@dataclass(frozen=True)
class LinearFlow:
    """The path of a deep linear network: m times, from 0 to the end or to where the cost reached `stop`.

    times (m,); states (m, P), all entries of all layers; products A (m, d_out, d_in); values C(A) (m,);
    gradient_norms |grad L(theta)| (m,); singular_values of A (m, r), descending; shapes of the layers; stopped, whether
    the last state is the one where the cost reached `stop`.
    """

    times: np.ndarray
    states: np.ndarray
    products: np.ndarray
    values: np.ndarray
    gradient_norms: np.ndarray
    singular_values: np.ndarray
    shapes: tuple[tuple[int, int], ...]
    stopped: bool

    def layers(self, index: int = -1) -> Layers:
        """W_1, ..., W_L at one of the times."""
        return unflattened(self.states[index].copy(), self.shapes)

    @property
    def norms(self) -> np.ndarray:
        """|theta(t)| (m,)."""
        return np.linalg.norm(self.states, axis=1)

    def ranks(self, threshold: float = 0.05) -> np.ndarray:
        """How many singular values exceed `threshold` times the largest of the run, at each time (m,)."""
        return np.sum(self.singular_values > threshold * self.singular_values.max(), axis=1)

    def time_of(self, value: float) -> float:
        """The first time the cost is `value`, interpolated; NaN if it never is."""
        below = np.flatnonzero(self.values <= value)
        if not len(below):
            return float("nan")
        i = int(below[0])
        if i == 0:
            return float(self.times[0])
        high, low = self.values[i - 1], self.values[i]
        return float(self.times[i - 1] + (self.times[i] - self.times[i - 1]) * (high - value) / (high - low))


def linear_flow(
    layers: Iterable[Any],
    cost: MatrixCost,
    time: float,
    *,
    stop: float | None = None,
    tolerance: float = 1e-8,
    between: int = 4,
    integrator: Literal["DOP853", "LSODA"] = "DOP853",
    memory_limit: int | str | None = None,
    progress: Progress = silent,
) -> LinearFlow:
    """Gradient flow d theta/dt = -grad L(theta) of L(theta) = C(W_L ... W_1).

    Args: layers, where it starts; cost; time, how long at most, > 0; stop, a cost where it ends earlier (the state at
        that very moment is the last one kept); tolerance, relative, of each step (the absolute one is a hundredth of
        it in units of the initial weights); between, how many times are kept in each step; integrator, "LSODA" pays
        for tiny networks.
    Returns: a LinearFlow. Steps adapt: short in jumps, long on plateaus, and so do the times that are kept.
    Raises: BadInput for a start at a critical point, such as exactly 0, where nothing would ever move; ShapeMismatch,
        NotFinite, TooLarge, DidNotConverge.
    Source: Jacot et al. (2021), arXiv:2106.15933. Cost: 12 gradients a step (DOP853), m times the number of weights.

    >>> from theodolite.training_dynamics.saddles import full_mse, random_layers
    >>> cost = full_mse(np.diag([4.0, 2.0, 1.0]))
    >>> flow = linear_flow(random_layers((3, 3), width=4, depth=2, sigma=1e-3), cost, 50.0, stop=1e-4)
    >>> flow.stopped, bool(abs(flow.values[-1] - 1e-4) < 1e-9), flow.ranks()[-1].item()
    (True, True, 3)
    """
    start = as_layers(layers)
    if product(start).shape != cost.shape:
        raise ShapeMismatch(f"the layers make a matrix {product(start).shape}; the cost expects {cost.shape}")
    time, between = positive(time, "time"), positive_integer(between, "between")
    shapes = tuple(W.shape for W in start)
    theta = flattened(start)

    def rate(t: float, state: np.ndarray) -> np.ndarray:
        now = unflattened(state, shapes)
        return -flattened(layer_gradients(now, cost.gradient(product(now))))

    if not np.any(rate(0.0, theta)):
        where = "exactly 0" if not theta.any() else "a critical point"
        raise BadInput(
            f"the start is {where}: the gradient vanishes there and gradient flow stays for ever; start from small "
            "random weights (`random_layers`) or along `escape_direction(cost, depth).layers(width, radius)`"
        )
    kept = _Kept(cost, shapes, memory_limit)
    kept.add(0.0, theta)
    stopped = stop is not None and kept.values[0] <= stop
    size = float(np.sqrt(np.mean(theta**2)))
    solver = INTEGRATORS[integrator](rate, 0.0, theta, time, rtol=tolerance, atol=1e-2 * tolerance * size)
    while solver.status == "running" and not stopped:
        message = solver.step()
        if solver.status == "failed":
            raise DidNotConverge(f"gradient flow stopped at time {solver.t}: {message}; try a looser tolerance")
        at, end = solver.dense_output(), solver.t
        old = float(solver.t_old or 0.0)
        if stop is not None and cost.value(product(unflattened(solver.y, shapes))) <= stop:
            stopped, end = True, _moment(at, cost, shapes, stop, old, float(solver.t))
        for moment in np.linspace(old, end, between + 1)[1:]:
            kept.add(float(moment), solver.y if moment == solver.t else at(moment))
        progress(min(float(end), time), time, "gradient flow")
    return kept.flow(stopped)


def _moment(at: Any, cost: MatrixCost, shapes: Any, stop: float, old: float, new: float) -> float:
    """When the interpolated cost equals `stop`, within the step from old to new."""

    def above(moment: float) -> float:
        return cost.value(product(unflattened(at(moment), shapes))) - stop

    if above(old) <= 0:
        return new
    return new if above(new) > 0 else bracketed_root(above, old, new, 1e-13)


class _Kept:
    """States along the way and what is read off them; asks for memory before it doubles."""

    def __init__(self, cost: MatrixCost, shapes: tuple[tuple[int, int], ...], memory_limit: int | str | None) -> None:
        self.cost, self.shapes, self.limit = cost, shapes, memory_limit
        self.times: list[float] = []
        self.states: list[np.ndarray] = []
        self.products: list[np.ndarray] = []
        self.values: list[float] = []
        self.norms: list[float] = []
        self.room = 0

    def add(self, time: float, state: np.ndarray) -> None:
        if len(self.times) >= self.room:
            self.room = max(1024, 2 * self.room)
            needed = 2 * 8 * self.room * (state.size + int(np.prod(self.cost.shape)))
            instead = "ask for a shorter time, fewer times a step (between=1) or a looser tolerance"
            memory.require(needed, self.limit, f"{self.room} states of {state.size} weights", instead)
        layers = unflattened(state, self.shapes)
        A = product(layers)
        self.times.append(time)
        self.states.append(np.array(state))
        self.products.append(A)
        self.values.append(self.cost.value(A))
        self.norms.append(float(np.linalg.norm(flattened(layer_gradients(layers, self.cost.gradient(A))))))

    def flow(self, stopped: bool) -> LinearFlow:
        products = np.array(self.products)
        singular = np.linalg.svd(products, compute_uv=False)
        return LinearFlow(
            np.array(self.times),
            np.array(self.states),
            products,
            np.array(self.values),
            np.array(self.norms),
            singular,
            self.shapes,
            bool(stopped),
        )
