"""How much the output of a network depends on its initial weights: ||f_N - mean f_N|| and its power law in N."""

from typing import NamedTuple

import numpy as np

from theodolite.numerics.checks import finite
from theodolite.numerics.errors import BadInput, ShapeMismatch


class Fluctuation(NamedTuple):
    """||f - mean f|| with its standard error, and the same divided by ||mean f||."""

    norm: float
    standard_error: float
    relative: float
    relative_standard_error: float


class PowerLaw(NamedTuple):
    """y = amplitude * x^slope; the standard error of the slope; chi, sqrt(chi^2 / dof) of the points about the line."""

    slope: float
    standard_error: float
    amplitude: float
    chi: float


def fluctuation(outputs: np.ndarray) -> Fluctuation:
    """||delta f||^2 = sum over members of <(f_a - mean f)^2> / (n - 1), <> the mean over points.

    The n - 1 corrects for the mean over n members, which moves with them. Errors come from leaving out each member.

    Args: outputs (n, ...), n >= 3 members; further axes are points, or pairs of points for a kernel.
    Returns: a Fluctuation. Raises: ShapeMismatch for fewer members.
    Source: Geiger et al. (2019), arXiv:1901.01608; Efron and Stein (1981), Annals of Statistics 9, for the errors.
    Cost: O(size of outputs).

    >>> found = fluctuation(np.random.default_rng(0).standard_normal((50, 400)))
    >>> bool(abs(found.norm - 1) < 3 * found.standard_error)
    True
    """
    f = finite(np.asarray(outputs, dtype=np.float64), "outputs")
    if f.ndim < 2 or len(f) < 3:
        raise ShapeMismatch(f"outputs have shape {f.shape}; expected (members, points) with at least 3 members")
    n, f = len(f), f.reshape(len(f), -1)
    mean = f.mean(0)
    off = f - mean
    squares = np.mean(off**2, axis=1)
    # without member i: the mean moves by -off_i / (n - 1), the sum of squares loses n / (n - 1) squares_i
    norms = np.sqrt((squares.sum() - n / (n - 1) * squares) / (n - 2))
    means = np.sqrt(np.mean(mean**2) - 2 * off @ mean / len(mean) / (n - 1) + squares / (n - 1) ** 2)
    norm, size = np.sqrt(squares.sum() / (n - 1)), np.sqrt(np.mean(mean**2))
    with np.errstate(divide="ignore", invalid="ignore"):
        return Fluctuation(float(norm), _jackknife(norms), float(norm / size), _jackknife(norms / means))


def fit_power_law(x: np.ndarray, y: np.ndarray, standard_errors: np.ndarray) -> PowerLaw:
    """Fit log y = log amplitude + slope log x, each point weighed by its error.

    Args: x, y (w,), positive, w >= 2; standard_errors (w,), of y, positive.
    Returns: a PowerLaw. Where the points scatter more than their errors say (chi > 1), the error of the slope is
        enlarged by chi, as for measurements that disagree.
    Raises: ShapeMismatch, BadInput. Source: weighted least squares.

    >>> x = np.array([1.0, 10.0, 100.0])
    >>> law = fit_power_law(x, 3.0 * x**-0.25, 0.1 * x**-0.25)
    >>> round(law.slope, 6), round(law.amplitude, 6)
    (-0.25, 3.0)
    """
    x, y, errors = (np.asarray(a, dtype=np.float64) for a in (x, y, standard_errors))
    if x.ndim != 1 or not x.shape == y.shape == errors.shape or len(np.unique(x)) < 2:
        raise ShapeMismatch(
            f"x, y and standard_errors have shapes {x.shape}, {y.shape}, {errors.shape}; expected equal vectors"
        )
    if not all(np.isfinite(a).all() and (a > 0).all() for a in (x, y, errors)):
        raise BadInput("a power law needs positive finite x, y and standard_errors")
    weights = (y / errors) ** 2  # of log y
    u, v = np.log(x), np.log(y)
    centre, height = np.average(u, weights=weights), np.average(v, weights=weights)
    spread = np.sum(weights * (u - centre) ** 2)
    slope = float(np.sum(weights * (u - centre) * (v - height)) / spread)
    rest = v - height - slope * (u - centre)
    chi = float(np.sqrt(np.sum(weights * rest**2) / (len(x) - 2))) if len(x) > 2 else 1.0
    return PowerLaw(slope, float(max(chi, 1.0) / np.sqrt(spread)), float(np.exp(height - slope * centre)), chi)


def _jackknife(values: np.ndarray) -> float:
    n = len(values)
    return float(np.sqrt((n - 1) / n * np.sum((values - values.mean()) ** 2)))
