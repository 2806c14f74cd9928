"""The first path: from small weights a network of any width follows the one of width 1 out of the origin."""

import numpy as np
from scipy.interpolate import CubicSpline

from theodolite.numerics.checks import positive
from theodolite.numerics.errors import BadInput
from theodolite.training_dynamics.saddles.critical import critical_values
from theodolite.training_dynamics.saddles.escape import escape_direction
from theodolite.training_dynamics.saddles.flow import LinearFlow, linear_flow
from theodolite.training_dynamics.saddles.layers import padded
from theodolite.training_dynamics.saddles.matrix_costs import MatrixCost


def first_path(
    cost: MatrixCost, depth: int, *, radius: float = 1e-3, width: int = 1, tolerance: float = 1e-9
) -> LinearFlow:
    """The path of the network of width 1 that leaves 0 at optimal speed, until it rests at the first saddle.

    Args: cost; depth L >= 2; radius of the start, whose norm is exp or a power of time past; width, more than 1 pads
        with zero neurons, which stay zero. The run ends three escape times and 30 / s_1 later, or at the value of the
        first saddle where that is known.
    Returns: a LinearFlow. Warns: NotSimple. Source: Jacot et al. (2021), arXiv:2106.15933, theorem on the first path.

    >>> from theodolite.training_dynamics.saddles import full_mse
    >>> path = first_path(full_mse(np.diag([4.0, 2.0, 1.0])), depth=3, radius=0.01)
    >>> path.singular_values[-1].round(2) + 0.0
    array([4., 0., 0.])
    """
    way = escape_direction(cost, depth)
    if way.singular_value == 0.0:
        raise BadInput("the gradient at 0 vanishes: 0 is a minimum already, and no path leaves it")
    size = float(np.linalg.norm(cost.gradient(np.zeros(cost.shape))))
    time = 3.0 * way.time(positive(radius, "radius"), max(1.0, size)) + 30.0 / way.singular_value
    stop = None
    if cost.energies is not None:
        levels = critical_values(cost)
        stop = float(levels[1] + 1e-7 * (levels[0] - levels[1]))
    return linear_flow(padded(way.layers(1, radius), width), cost, time, stop=stop, tolerance=tolerance)


def path_gap(flow: LinearFlow, path: LinearFlow, level: float, window: float) -> float:
    """How far two runs are apart: sup |A(t) - A'(t)|_F over a window of times around the moment both cost `level`.

    Args: flow, path; level, a cost both pass through; window, its whole length. Times are compared after shifting
        each run so that it costs `level` at 0.
    Raises: BadInput when one of them never has that cost, or starts or ends within the window.

    >>> from theodolite.training_dynamics.saddles import full_mse
    >>> path = first_path(full_mse(np.diag([4.0, 2.0])), depth=2)
    >>> path_gap(path, path, level=6.0, window=0.25)
    0.0
    """
    shifts = np.linspace(-0.5 * positive(window, "window"), 0.5 * window, 201)
    found = []
    for run in (flow, path):
        moment = _moment(run, level)
        times = moment + shifts
        if not (np.isfinite(moment) and run.times[0] <= times[0] and times[-1] <= run.times[-1]):
            raise BadInput(f"a run does not pass through cost {level} with a window of {window}; try another level")
        found.append(CubicSpline(run.times, run.products)(times))
    return float(np.linalg.norm(found[0] - found[1], axis=(1, 2)).max())


def _moment(run: LinearFlow, level: float) -> float:
    """When the cost is `level`, by inverting a cubic spline."""
    near = run.time_of(level)
    if not np.isfinite(near):
        return near
    roots = CubicSpline(run.times, run.values).solve(level, extrapolate=False)
    return float(roots[np.argmin(np.abs(roots - near))]) if len(roots) else near
