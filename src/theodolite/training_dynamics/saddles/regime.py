"""Which regime a start is in: lazy, saddle to saddle, or between; and which scale puts it where."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np

from theodolite.numerics.checks import positive, positive_integer
from theodolite.numerics.errors import BadInput
from theodolite.training_dynamics.saddles.distances import nearest_minimum, nearest_saddle
from theodolite.training_dynamics.saddles.layers import as_layers, flattened
from theodolite.training_dynamics.saddles.matrix_costs import MatrixCost
from theodolite.training_dynamics.saddles.roots import bracketed_root

Verdict = Literal["lazy", "critical", "saddle-to-saddle"]
CLEARLY = 0.25  # one distance below a quarter of the other decides; our choice, not a result of the paper


class Regime(NamedTuple):
    """The verdict; distances to the nearest minimum and saddle; sigma, the root mean square entry of the hidden side;
    gamma = -log sigma^2 / log width."""

    verdict: Verdict
    to_minimum: float
    to_saddle: float
    sigma: float
    gamma: float


def verdict(to_minimum: float, to_saddle: float) -> Verdict:
    """Lazy when the minimum is clearly nearer than the saddle, saddle-to-saddle when the saddle is, else critical.

    >>> verdict(0.1, 5.0), verdict(1.0, 2.0), verdict(3.0, 0.1)
    ('lazy', 'critical', 'saddle-to-saddle')
    """
    if to_minimum < CLEARLY * to_saddle:
        return "lazy"
    return "saddle-to-saddle" if to_saddle < CLEARLY * to_minimum else "critical"


def regime(layers: Iterable[Any], cost: MatrixCost, *, seed: int | np.random.Generator = 0) -> Regime:
    """Measure both distances of a start and say which regime it is in.

    Args: layers, W_1, ..., W_L; cost with a known minimum. Raises: as `nearest_minimum`.
    Source: Jacot et al. (2021), arXiv:2106.15933, theorem 1; the threshold of a quarter is ours.

    >>> from theodolite.training_dynamics.saddles import full_mse, random_layers
    >>> cost = full_mse(np.diag([2.0, 1.0, 0.5]))
    >>> [regime(random_layers((3, 3), 64, 3, 64 ** (-gamma / 2)), cost).verdict for gamma in (2 / 3, 1.0, 2.0)]
    ['lazy', 'critical', 'saddle-to-saddle']
    """
    found = as_layers(layers, at_least=2)
    to_minimum, to_saddle = nearest_minimum(found, cost, seed=seed).distance, nearest_saddle(found)
    sigma = float(np.sqrt(np.mean(flattened(found) ** 2)))
    width = max(len(found[0]), 2)
    return Regime(
        verdict(to_minimum, to_saddle), to_minimum, to_saddle, sigma, float(-2.0 * np.log(sigma) / np.log(width))
    )


class InitialisationOption(NamedTuple):
    """One scale: sigma and gamma (sigma^2 = width^-gamma); predicted distances, regime, and time to leave 0."""

    sigma: float
    gamma: float
    regime: Verdict
    to_minimum: float
    to_saddle: float
    escape_time: float


@dataclass(frozen=True)
class InitialisationAdvice:
    """Options from large to small sigma; above `lazy_above` training is lazy, below `low_rank_below` it goes from
    saddle to saddle and prefers low rank, at the price of `escape_time`."""

    options: tuple[InitialisationOption, ...]
    lazy_above: float
    low_rank_below: float

    def __str__(self) -> str:
        head = "   sigma   gamma  regime            to minimum  to saddle  escape time"
        rows = [
            f"{o.sigma:8.3g} {o.gamma:7.3g}  {o.regime:16s} {o.to_minimum:11.3g} {o.to_saddle:10.3g} "
            f"{o.escape_time:12.3g}"
            for o in self.options
        ]
        words = f"lazy above sigma {self.lazy_above:.3g}; low rank preferred below {self.low_rank_below:.3g}"
        return "\n".join([head, *rows, words])


def initialisation_advice(
    width: int,
    depth: int,
    target_scale: Any,
    *,
    shape: tuple[int, int] | None = None,
    sigma: float | None = None,
) -> InitialisationAdvice:
    """What a scale of the initial weights leads to, before any training.

    With s = sigma sqrt(width): to the saddle s sqrt(d_in + d_out); to the minimum the smaller of
    |A* - A_0| / (sqrt(L) s^(L-1)) and sqrt(L sum s_i^(2/L)); out of the origin
    log(...) / s_1 or s^-(L-2) / ((L-2) s_1).

    Args: width; depth L >= 2; target_scale, the singular values of the matrix to be learned, or the largest alone;
        shape (d_out, d_in), by default (width, width); sigma, a scale to be judged beside gamma = 1 - 1/L (the tangent
        kernel's), 1, 1.5, 2 and 3.
    Returns: an InitialisationAdvice; its `str` is a table. Times are those of gradient flow on a cost of curvature 1,
        right to about 20 %: they depend on the draw for L > 2. Raises: BadInput.
    Source: Jacot et al. (2021), arXiv:2106.15933, theorem 1; constants by first-order estimates of ours.

    >>> advice = initialisation_advice(128, 3, [2.0, 1.2, 0.7, 0.4], shape=(4, 4))
    >>> [option.regime for option in advice.options]
    ['lazy', 'critical', 'saddle-to-saddle', 'saddle-to-saddle', 'saddle-to-saddle']
    >>> round(advice.low_rank_below, 4)
    0.0272
    """
    width, depth = positive_integer(width, "width"), positive_integer(depth, "depth")
    if depth < 2 or width < 2:
        raise BadInput(f"width and depth must be at least 2, got {width} and {depth}")
    values = np.atleast_1d(np.asarray(target_scale, dtype=np.float64))
    if values.ndim != 1 or not len(values) or not (values > 0).all() or not np.isfinite(values).all():
        raise BadInput(f"target_scale must be positive singular values, got {target_scale!r}")
    values = np.sort(values)[::-1]
    d_out, d_in = shape or (width, width)
    scales = {float(width ** (-gamma / 2)) for gamma in (1 - 1 / depth, 1.0, 1.5, 2.0, 3.0)}
    scales |= set() if sigma is None else {positive(sigma, "sigma")}

    def option(sigma: float) -> InitialisationOption:
        s = sigma * np.sqrt(width)
        noise = d_out * d_in * sigma ** (2 * depth) * width ** (depth - 1)
        near = float(np.sqrt((np.sum(values**2) + noise) / depth)) / s ** (depth - 1)
        small = float(np.sqrt(depth * np.sum(values ** (2 / depth))))
        to_minimum, to_saddle = min(near, small), s * float(np.sqrt(d_in + d_out))
        gamma = float(-2.0 * np.log(sigma) / np.log(width))
        time = _escape_time(float(values[0]), depth, float(s))
        return InitialisationOption(sigma, gamma, verdict(to_minimum, to_saddle), to_minimum, to_saddle, time)

    def excess(log_sigma: float, share: float) -> float:
        at = option(float(np.exp(log_sigma)))
        return float(np.log(at.to_saddle / at.to_minimum) - np.log(share))

    bounds = [
        float(np.exp(bracketed_root(lambda x, share=share: excess(x, share), -60.0, 20.0)))
        for share in (1 / CLEARLY, CLEARLY)
    ]
    return InitialisationAdvice(tuple(option(s) for s in sorted(scales, reverse=True)), *bounds)


def _escape_time(top: float, depth: int, s: float) -> float:
    """Until the first mode has brought the cost half way down: exact for two layers as s falls, else an estimate."""
    if depth > 2:
        return s ** -(depth - 2) / ((depth - 2) * top)
    half = top * (1.0 - np.sqrt(0.5))
    start = min(0.5 * s**2, half)
    return float(np.log((top / start - 1.0) * half / (top - half)) / (2.0 * top))
