"""A monitor for factorised layers in anybody's training loop: the rank now, and when the next jump is due."""

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from scipy.integrate import quad

from theodolite.numerics.checks import finite, positive
from theodolite.numerics.errors import BadInput, ShapeMismatch
from theodolite.training_dynamics.saddles.gradients import layer_gradients
from theodolite.training_dynamics.saddles.greedy import top_pair
from theodolite.training_dynamics.saddles.layers import Layers, as_layers, flattened
from theodolite.training_dynamics.saddles.roots import bracketed_root


class RankReading(NamedTuple):
    """One look at a factorised layer. NaN stands for what could not be told from what was given.

    time; rank; singular_values of the product, descending; gradient_norm over the factors; loss; level, the nearest
    saddle level (of those given; without any, the loss at the smallest gradient that this rank has had so far);
    certificate s_1(-grad C(A)), 0 at a global minimum; jump_in, the time of gradient flow until the rank grows;
    jump_steps, that in steps of the learning rate.
    """

    time: float
    rank: int
    singular_values: np.ndarray
    gradient_norm: float
    loss: float
    level: float
    certificate: float
    jump_in: float
    jump_steps: float


class RankMonitor:
    """Watches the product A = W_L ... W_1 of a factorised layer while somebody else trains it.

    Args: threshold, the rank counts singular values above this share of `scale`; scale, the size of the matrix to come,
        by default the larger of the largest singular value so far and s_1(-grad C) of the first reading (right where
        the curvature of the cost is near 1); levels, costs of saddles, as `critical_values` or
        `greedy_low_rank(cost).values` give them; learning_rate, of plain gradient descent, to count in steps.
    Attributes: readings, all of them, oldest first.

    The prediction is that of gradient flow (gradient descent with small steps): momentum, Adam and weight decay change
    it. For two layers it is exact near a saddle; for more, an estimate from the part of each layer along the way out.

    >>> from theodolite.training_dynamics.saddles import full_mse, layer_gradients, random_layers
    >>> cost = full_mse(np.diag([4.0, 2.0]))
    >>> A, B = random_layers((2, 2), width=3, depth=2, sigma=1e-3)
    >>> monitor = RankMonitor(learning_rate=0.01)
    >>> for step in range(200):
    ...     G = cost.gradient(B @ A)
    ...     reading = monitor.update([A, B], G, loss=cost.value(B @ A))
    ...     A, B = (W - 0.01 * g for W, g in zip([A, B], layer_gradients([A, B], G)))
    >>> first = monitor.readings[0]
    >>> first.rank, round(first.jump_steps), [r.rank for r in monitor.readings].index(1)
    (0, 147, 151)
    """

    def __init__(
        self,
        *,
        threshold: float = 0.05,
        scale: float | None = None,
        levels: Sequence[float] | np.ndarray | None = None,
        learning_rate: float | None = None,
    ) -> None:
        if not 0 < threshold < 1:
            raise BadInput(f"threshold is a share in (0, 1), got {threshold}")
        self.threshold = threshold
        self.scale = None if scale is None else positive(scale, "scale")
        self.levels = None if levels is None else finite(np.atleast_1d(np.asarray(levels, dtype=float)), "levels")
        self.learning_rate = None if learning_rate is None else positive(learning_rate, "learning_rate")
        self.readings: list[RankReading] = []
        self._largest = 0.0

    def update(
        self,
        factors: Iterable[Any],
        gradient: Any = None,
        *,
        factor_gradients: Iterable[Any] | None = None,
        loss: float = float("nan"),
        time: float | None = None,
    ) -> RankReading:
        """Take a reading; factors and gradients may be arrays of numpy, JAX or PyTorch.

        Args: factors W_1, ..., W_L (an adapter B A: [A, B]); gradient of the loss with respect to the product
            (d_out, d_in), which for an adapter is that of the frozen weight: without it no jump is predicted;
            factor_gradients, used for the gradient norm when `gradient` is not known; loss; time, by default the
            number of readings so far, times the learning rate if that is known.
        Returns: a RankReading, also kept in `readings`. Raises: ShapeMismatch, NotFinite.
        Cost: decompositions of A (through its factors) and one singular pair of the gradient.
        """
        layers = as_layers((_host(W) for W in factors), at_least=2)
        A_left, s, A_right = product_svd(layers)
        G = None if gradient is None else self._gradient(_host(gradient), layers)
        norm = certificate = jump = float("nan")
        if G is not None:
            norm = float(np.linalg.norm(flattened(layer_gradients(layers, G))))
            u, certificate, v = top_pair(-G)
        elif factor_gradients is not None:
            norm = float(np.sqrt(sum(np.sum(_host(g).astype(float) ** 2) for g in factor_gradients)))
        self._largest = max(self._largest, float(s[0]), 0.0 if self.readings or G is None else certificate)
        limit = self.threshold * (self.scale or self._largest)
        rank = int(np.sum(s > limit)) if limit > 0 else 0
        if G is not None and limit > 0:
            jump = jump_time(layers, (A_left[:, :rank], A_right[:rank]), (u, certificate, v), limit)
        rate = self.learning_rate
        now = float(len(self.readings)) * (rate or 1.0) if time is None else float(time)
        steps = float("nan") if rate is None else jump / rate
        reading = RankReading(now, rank, s, norm, float(loss), 0.0, certificate, jump, steps)
        self.readings.append(reading._replace(level=self._level(reading)))
        return self.readings[-1]

    def _level(self, now: RankReading) -> float:
        if self.levels is not None:
            return float(self.levels[np.argmin(np.abs(self.levels - now.loss))]) if np.isfinite(now.loss) else np.nan
        before = [one for one in [*self.readings, now] if one.rank == now.rank and np.isfinite(one.gradient_norm)]
        return min(before, key=lambda one: one.gradient_norm).loss if before else float("nan")

    def _gradient(self, gradient: np.ndarray, layers: Layers) -> np.ndarray:
        shape = (layers[-1].shape[0], layers[0].shape[1])
        if gradient.shape != shape:
            raise ShapeMismatch(
                f"the gradient has shape {gradient.shape}; expected that of the product W_L ... W_1, {shape} "
                "(gradients of the factors go into factor_gradients)"
            )
        return finite(gradient.astype(np.float64), "the gradient")


def product_svd(layers: Layers) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The singular value decomposition of W_L ... W_1, at the cost of its narrowest width; singular values at least 1.

    >>> product_svd((np.array([[3.0, 4.0]]), np.array([[0.0], [2.0]])))[1]
    array([10.])
    """
    Q, R = np.linalg.qr(layers[-1])
    P, S = np.linalg.qr(layers[0].T)
    inner = R
    for W in layers[-2:0:-1]:
        inner = inner @ W
    U, s, Vt = np.linalg.svd(inner @ S.T, full_matrices=False)
    return Q @ U, s, Vt @ P.T


def jump_time(
    layers: Layers,
    used: tuple[np.ndarray, np.ndarray],
    way: tuple[np.ndarray, float, np.ndarray],
    until: float,
) -> float:
    """How long until the part of the layers along the way out of a saddle makes a singular value `until`.

    What the layers use already is projected out. Two layers: x = W_1 v and y = W_2^T u obey dx/dt = s y, dy/dt = s x,
    so x . y = (|z_+|^2 e^(2st) - |z_-|^2 e^(-2st)) / 2 with z_+- = (x +- y) / sqrt(2). More layers: with a_l the size
    of layer l along the chain that starts at v (for the last layer, at u), da_l/dt = s prod_{m != l} a_m.

    Args: layers; used, left (d_out, k) and right (k, d_in) singular vectors of A in use; way, the top singular triple
        of -grad C(A); until > 0. Returns: a time, 0 if it is past, infinity where nothing points along the way.

    >>> W = (np.array([[0.1]]), np.array([[0.1]]))
    >>> none = (np.zeros((1, 0)), np.zeros((0, 1)))
    >>> round(jump_time(W, none, (np.ones(1), 2.0, np.ones(1)), 0.04), 9), round(np.log(4.0).item() / 4.0, 9)
    (0.34657359, 0.34657359)
    """
    left, right = used
    u, s, v = way
    spare = min(len(right.T), len(left), *(len(W) for W in layers[:-1])) - left.shape[1]
    if s <= 0 or spare <= 0:  # a minimum, or no unit left to grow
        return float("inf")
    chain, basis = v - right.T @ (right @ v), right.T
    sizes = []
    for W in layers[:-1]:
        basis = np.linalg.qr(W @ basis)[0] if basis.shape[1] else np.zeros((len(W), 0))
        chain = W @ chain
        chain = chain - basis @ (basis.T @ chain)
        sizes.append(float(np.linalg.norm(chain)))
        if len(sizes) < len(layers) - 1 and sizes[-1] > 0:
            chain = chain / sizes[-1]
    last = layers[-1].T @ (u - left @ (left.T @ u))
    last = last - basis @ (basis.T @ last)
    if len(layers) == 2:
        plus, minus = float(np.sum((chain + last) ** 2) / 2), float(np.sum((chain - last) ** 2) / 2)
        if plus == 0.0:
            return float("inf")
        return max(0.0, float(np.log((until + np.hypot(until, np.sqrt(plus * minus))) / plus) / (2.0 * s)))
    return _chain_time(np.array([*sizes, float(np.linalg.norm(last))]), s, until)


def _chain_time(sizes: np.ndarray, s: float, until: float) -> float:
    """Differences of squares are kept, so with q the smallest square dq/dt = 2 s prod sqrt(q + c_l)."""
    if np.prod(sizes) >= until:
        return 0.0
    squares = np.sort(sizes**2)
    q, c = float(squares[0]), squares - squares[0]
    if squares[1] == 0.0:  # two layers at zero: a critical point
        return float("inf")

    def gap(q: float) -> float:
        return 0.5 * float(np.sum(np.log(q + c))) - float(np.log(until))

    end = bracketed_root(gap, max(q, 1e-300), max(1.0, until) ** 2 + q)

    def pace(root: float) -> float:  # in the variable sqrt(q), whose square root singularity is gone
        return 1.0 / (s * float(np.prod(np.sqrt(root**2 + c[1:]))))

    grid = np.sqrt([q, *(x for x in c[1:] if q < x < end), end])
    return float(sum(quad(pace, a, b, epsabs=0.0, limit=200)[0] for a, b in pairwise(grid)))


def _host(values: Any) -> np.ndarray:
    """A host array, also of a PyTorch tensor that requires a gradient or lives on a device."""
    if hasattr(values, "detach"):
        values = values.detach().cpu()
    return np.asarray(values)
