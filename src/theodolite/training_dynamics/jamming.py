"""The jamming point N*: where networks begin to fit all their data, and what happens to their outputs around it."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from scipy.optimize import least_squares
from scipy.special import expit, fdtri

from theodolite.numerics.checks import finite, positive, positive_integer
from theodolite.numerics.errors import BadInput, ShapeMismatch
from theodolite.training_dynamics.ensembles import Ensemble

EXPONENTS = np.round(np.arange(0.1, 3.01, 0.05), 2)  # searched for nu


class Around(NamedTuple):
    """One width: N; the share of members that fit; mean share of unfitted points; ||f|| as mean, standard error and
    median over the members (heavy-tailed below N*)."""

    parameters: int
    fitted: float
    unfitted: float
    norm: float
    norm_standard_error: float
    norm_median: float


class Divergence(NamedTuple):
    """||f|| = constant + amplitude (N / star - 1)^-exponent, with the standard errors of the first three at this
    exponent; exponent_range, those that fit as well as the best by an F test at 95 %; rms, of the residuals of log."""

    constant: float
    amplitude: float
    star: float
    exponent: float
    standard_errors: tuple[float, float, float]
    exponent_range: tuple[float, float]
    rms: float


def around_jamming(ensemble: Ensemble, n: int) -> Around:
    """How well the members of one width fit n training points, and ||f||^2 = mean of f(x)^2 over test points.

    Source: Geiger et al. (2019), arXiv:1901.01608.

    >>> found = around_jamming(Ensemble(2, 28, np.array([[1.0, -1.0], [3.0, 3.0]]), np.array([0, 5]), np.ones(2)), 10)
    >>> found.fitted, found.unfitted, found.norm
    (0.5, 0.25, 2.0)
    """
    norms = np.sqrt(np.mean(ensemble.outputs**2, axis=1))
    error = float(norms.std(ddof=1) / np.sqrt(len(norms))) if len(norms) > 1 else float("nan")
    unfitted = float(np.mean(ensemble.unfitted) / positive_integer(n, "n"))
    fitted = float(np.mean(ensemble.unfitted == 0))
    return Around(ensemble.parameters, fitted, unfitted, float(norms.mean()), error, float(np.median(norms)))


def jamming_width(share: Callable[[int], float], narrow: int, wide: int, *, at_least: float = 0.5) -> int:
    """The smallest width at which at least half of the members fit, by bisection.

    Args: share, from a width to the share of members that fit, taken to grow with the width; narrow, a width where too
        few fit; wide, one where enough do; at_least, in (0, 1].
    Returns: a width in (narrow, wide]; where the share does not grow steadily, one of several crossings.
    Raises: BadInput when the two widths do not bracket the point. Source: Geiger et al. (2019), arXiv:1901.01608, N*.
    Cost: 2 + log2(wide - narrow) calls of share.

    >>> jamming_width(lambda width: width / 100, 1, 100)
    50
    """
    narrow, wide = positive_integer(narrow, "narrow"), positive_integer(wide, "wide")
    if not 0 < at_least <= 1:
        raise BadInput(f"at_least is a share in (0, 1], got {at_least}")
    if narrow >= wide or share(narrow) >= at_least or share(wide) < at_least:
        raise BadInput(
            f"widths {narrow} and {wide} do not bracket the jamming point; expected too few members to fit at the "
            f"first and a share of at least {at_least} at the second: try a narrower or a wider one"
        )
    while wide - narrow > 1:
        middle = (narrow + wide) // 2
        narrow, wide = (narrow, middle) if share(middle) >= at_least else (middle, wide)
    return wide


def fit_divergence(
    parameters: np.ndarray,
    norms: np.ndarray,
    standard_errors: np.ndarray | None = None,
    *,
    star: float | None = None,
    exponent: float | None = None,
) -> Divergence:
    """Fit ||f|| = c0 + c1 (N / N* - 1)^-nu to points past N*, by least squares of the logarithm.

    The exponent and N* are strongly tied: with N* left free, a handful of widths hardly tells nu = 1 from nu = 0.5.
    `exponent_range` says what the data cannot exclude: every nu whose best fit has a residual sum of squares within
    F(0.95; 1, dof) s^2 of the lowest, s^2 that sum over dof, or 1 if `standard_errors` are given and it is smaller.

    Args: parameters N (w,), all above `star` if that is given; norms (w,), > 0; standard_errors, of the norms,
        (w,), which weigh them; without, all logarithms weigh the same; star, N* if it is known, else fitted
        below the smallest N; exponent, nu if it is to be held, else the best of 0.1, 0.15, ..., 3.
    Returns: a Divergence. Raises: ShapeMismatch, BadInput for fewer points than unknowns plus one.
    Source: Geiger et al. (2019), arXiv:1901.01608, section on ||f_N|| (nu = 1 there); c0, the norm of infinitely wide
        networks, and the range are ours.

    >>> N = np.array([300.0, 400.0, 700.0, 1500.0, 4000.0, 9000.0])
    >>> found = fit_divergence(N, 1.5 + 0.8 / (N / 250.0 - 1.0))
    >>> round(found.star), round(found.constant, 2), found.exponent
    (250, 1.5, 1.0)
    """
    N, f = (finite(np.asarray(a, dtype=np.float64), name) for a, name in ((parameters, "parameters"), (norms, "norms")))
    weights = (
        np.ones_like(f)
        if standard_errors is None
        else f / finite(np.asarray(standard_errors, dtype=np.float64), "standard_errors")
    )
    if not N.shape == f.shape == weights.shape or N.ndim != 1:
        raise ShapeMismatch(f"parameters have shape {N.shape} and norms {f.shape}; expected two equal vectors")
    if not (np.isfinite(weights) & (weights > 0)).all():
        raise BadInput("the standard errors of norms must be positive")
    unknowns = 2 + (star is None) + (exponent is None)
    if len(N) <= unknowns or (f <= 0).any() or (star is not None and N.min() <= positive(star, "star")):
        raise BadInput(f"{unknowns} unknowns need at least {unknowns + 1} positive norms, at N above N*; got {len(N)}")
    tried = EXPONENTS if exponent is None else np.array([positive(exponent, "exponent")])
    fits: list[Any] = []
    for nu in tried:
        fits.append(_at(N, f, weights, star, float(nu), fits[-1].x if fits else None))
    squares = np.array([np.sum(fit.fun**2) for fit in fits])
    best = int(squares.argmin())
    dof = len(N) - unknowns
    scale = max(squares[best] / dof, 0.0 if standard_errors is None else 1.0)
    near = tried[squares <= squares[best] + scale * fdtri(1, dof, 0.95) + 1e-24]
    constant, amplitude, point = _values(N, star, fits[best].x)
    J = fits[best].jac
    bars = np.sqrt(np.diag(np.linalg.pinv(J.T @ J)) * scale)  # of the coordinates of `_values`
    gap = N.min() - point
    bars *= [constant, amplitude, *([gap * (1 - gap / N.min())] if star is None else [])]
    return Divergence(
        constant,
        amplitude,
        point,
        float(tried[best]),
        (float(bars[0]), float(bars[1]), float(bars[2]) if star is None else 0.0),
        (float(near.min()), float(near.max())),
        float(np.sqrt(np.mean((fits[best].fun / weights) ** 2))),
    )


def _at(
    N: np.ndarray, f: np.ndarray, weights: np.ndarray, star: float | None, nu: float, near: np.ndarray | None
) -> Any:
    """Least squares at one exponent; from the solution `near` by and from a few other starts, the best of them."""

    def residuals(at: np.ndarray) -> np.ndarray:
        constant, amplitude, point = _values(N, star, at)
        return weights * (np.log(constant + amplitude * (N / point - 1.0) ** -nu) - np.log(f))

    start = np.log([f.min() / 2, (f.max() - f.min() / 2) / 4])
    gaps = [()] if star is not None else [(gap,) for gap in (-3.0, 0.0)]
    starts = [np.array([*start, *gap]) for gap in gaps] + ([near] if near is not None else [])
    return min((least_squares(residuals, one, method="lm") for one in starts), key=lambda fit: fit.cost)


def _values(N: np.ndarray, star: float | None, at: np.ndarray) -> tuple[float, float, float]:
    """(c0, c1, N*) from their coordinates: two logarithms and, unless N* is given, the logit of 1 - N* / min N."""
    constant, amplitude = np.exp(np.clip(at[:2], -30.0, 30.0))
    point = N.min() * (1.0 - expit(np.clip(at[2], -12.0, 12.0))) if star is None else star
    return float(constant), float(amplitude), float(point)
