"""Leaving a saddle: the steepest direction, its speed and the time it takes."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from theodolite.numerics.checks import positive, positive_integer
from theodolite.numerics.errors import BadInput, ShapeMismatch
from theodolite.training_dynamics.saddles.critical import warn_if_not_simple
from theodolite.training_dynamics.saddles.flow import LinearFlow
from theodolite.training_dynamics.saddles.layers import Layers
from theodolite.training_dynamics.saddles.matrix_costs import MatrixCost


@dataclass(frozen=True)
class EscapeDirection:
    """The way out of a saddle: s_1, left u (d_out,) and right v (d_in,) the top singular triple of -grad C(A), the
    second singular value, and the depth L. For s_1 = 0 the matrix is a global minimum of C: there is no way out."""

    singular_value: float
    left: np.ndarray
    right: np.ndarray
    second: float
    depth: int

    @property
    def speed(self) -> float:
        """The optimal escape speed s* = s_1 L^(-(L-2)/2): the norm of the layers grows as dr/dt = s* r^(L-1)."""
        return self.singular_value * self.depth ** (-(self.depth - 2) / 2)

    def layers(self, width: int, radius: float) -> Layers:
        """Layers of norm `radius` on the steepest direction: W_l = r L^(-1/2) e_1 e_1^T inside, u and v at the ends.

        On the sphere of radius 1 they minimise H = Tr(grad C^T W_L ... W_1), with the value -s_1 L^(-L/2).
        """
        width, each = positive_integer(width, "width"), positive(radius, "radius") / np.sqrt(self.depth)
        first = np.eye(width)[0]
        inner = [each * np.outer(first, first)] * (self.depth - 2)
        return (each * np.outer(first, self.right), *inner, each * np.outer(self.left, first))

    def time(self, radius: float, until: float = np.inf) -> float:
        """How long the norm takes from `radius` to `until`: log(until / radius) / s_1 for L = 2, otherwise
        (radius^-(L-2) - until^-(L-2)) / ((L-2) s*), which stays finite for until = infinity."""
        radius = positive(radius, "radius")
        if self.singular_value == 0.0:
            return np.inf
        if self.depth == 2:
            return float(np.log(until / radius) / self.singular_value)
        power = self.depth - 2
        return float((radius**-power - (0.0 if np.isinf(until) else until**-power)) / (power * self.speed))


def escape_direction(cost: MatrixCost, depth: int, at: Any = None) -> EscapeDirection:
    """The steepest way out of the saddle at A, by default 0, for layers that do not take part in A yet.

    Args: cost; depth L >= 2; at, the matrix A (d_out, d_in). Returns: an EscapeDirection.
    Warns: NotSimple when the top singular value of -grad C(A) is not simple: the first path is then not determined.
    Source: Jacot et al. (2021), arXiv:2106.15933, section 4 (optimal escape paths). Cost: one decomposition.

    >>> from theodolite.training_dynamics.saddles import full_mse
    >>> way = escape_direction(full_mse(np.diag([4.0, 2.0])), depth=3)
    >>> way.singular_value, round(way.speed, 6), round(way.time(0.1), 6)
    (4.0, 2.309401, 4.330127)
    """
    depth = positive_integer(depth, "depth")
    if depth < 2:
        raise BadInput("depth must be at least 2, got 1: one matrix alone has no saddles")
    A = np.zeros(cost.shape) if at is None else np.asarray(at, dtype=np.float64)
    if A.shape != cost.shape:
        raise ShapeMismatch(f"the matrix has shape {A.shape}; the cost expects {cost.shape}")
    U, s, Vt = np.linalg.svd(-cost.gradient(A), full_matrices=False)
    second = float(s[1]) if len(s) > 1 else 0.0
    if second > 0:
        warn_if_not_simple(s[:2], "directions")
    return EscapeDirection(float(s[0]), U[:, 0], Vt[0], second, depth)


def escape_time(flow: LinearFlow, cost: MatrixCost, first_level: float) -> float:
    """The first time with C(A) = (C_0 + C_1) / 2, C_0 the cost at 0, C_1 that of the first saddle after it.

    Args: flow, from near the origin; cost; first_level, C_1. Returns: a time of the flow, NaN if the run ended before.
    Source: Jacot et al. (2021), arXiv:2106.15933, section 4. Cost: none to speak of.

    >>> from theodolite.training_dynamics.saddles import full_mse, linear_flow, random_layers
    >>> cost = full_mse(np.diag([4.0, 1.0]))
    >>> flow = linear_flow(random_layers((2, 2), width=3, depth=2, sigma=1e-3), cost, 8.0)
    >>> 0 < escape_time(flow, cost, first_level=cost.value(np.diag([4.0, 0.0]))) < 8
    True
    """
    return flow.time_of(0.5 * (cost.value(np.zeros(cost.shape)) + first_level))
