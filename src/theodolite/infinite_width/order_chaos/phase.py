"""Order or chaos: what depth does to the tangent kernel of an architecture, and what to change.

Source: Jacot, Gabriel, Ged and Hongler (2019), arXiv:1907.05715.
"""

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from theodolite.architectures import Activation, Node, Serial, balanced, layers_with_weights
from theodolite.infinite_width.order_chaos.blocks import (
    Block,
    Repetition,
    first_moments,
    onwards,
    repetition,
    without_positions,
)
from theodolite.infinite_width.order_chaos.correlation import (
    FixedPoint,
    Variance,
    fixed_point,
    settled_variance,
    slope,
    step,
)
from theodolite.infinite_width.order_chaos.depth import critical_bias, unscaled
from theodolite.infinite_width.order_chaos.phase_changes import activations_of, advice, alternatives, with_bias
from theodolite.infinite_width.order_chaos.phase_record import Phase
from theodolite.infinite_width.routes.angle_series import homogeneity
from theodolite.infinite_width.rules.moments import Moments
from theodolite.numerics.checks import zero_or_positive
from theodolite.numerics.errors import BadInput, NoInfiniteWidthLimit

EDGE = 1e-6  # |r - 1| up to which a network counts as at the edge
UNSETTLED_EDGE = 0.02  # the same where the variance vanishes or explodes, so that r is only approached
ANGLES = (10.0, 30.0, 60.0, 90.0, 135.0)  # degrees
ALL_ANGLES = tuple(float(angle) for angle in np.linspace(0.0, 180.0, 37))
FEWEST_LAYERS = 12  # to show against depth
HUGE = 1e60  # variances beyond which nothing more is shown


def phase(net: Node, bias_std: float | None = None) -> Phase:
    """Whether an architecture is in order, in chaos or at the edge, and what to change.

    r is the slope at 1 of the map from the correlation of two inputs before a layer to that after it, at the variance
    that the network's own recursion settles at; for standardised activations r = (1 - beta^2) E sigma'(Z)^2.

    Args: net, an architecture, or an activation alone, which stands for ten balanced layers (weight_std
        sqrt(1 - bias_std^2)) of its standardised form; bias_std, in place of that of all layers (0 for an activation).
        Inputs are taken to have squared norm d. Convolutions are read at equal positions, away from borders; dropout is
        left out; see `notes` of the result.
    Returns: a Phase. Raises: BadInput when there is no activation between layers, or positions mix in another way;
        NoInfiniteWidthLimit for jumps and for BatchNorm between layers.
    Source: Jacot et al. (2019), arXiv:1907.05715; edge limits 1/4, 1/3 from Theta' = 1 - 3 Theta / l, 1 - 2 Theta / l.
    Cost: milliseconds with closed forms; a second or two for kinked activations without one.

    >>> from theodolite.architectures import Relu, parse
    >>> found = phase(parse("relu.normalised*8 beta=0.1"))
    >>> found.verdict, round(found.characteristic, 5), round(found.fixed_point, 6), round(found.ntk_limit, 6)
    ('chaos', 1.45227, 0.037715, 0.147081)
    >>> round(phase(Relu(), bias_std=0.5).decay_rate / math.log(0.75), 12)
    0.5
    """
    body, repeats, notes = _read(net, bias_std)
    found = _judged(repeats)
    limits = _limits(found, repeats)
    several = {unscaled(activation) for activation in activations_of(body)}
    one = several.pop() if len(several) == 1 else None
    if not repeats.exact:
        notes = (*notes, "The layers do not repeat a block: values are means a layer, as if all were repeated.")
    with np.errstate(over="ignore", invalid="ignore"):  # a variance that explodes within the own depth gives NaN
        own, by_depth = _normalised(onwards((body,), _start(ALL_ANGLES)).ntk), _by_depth(repeats)
    measured = Phase(
        **found.public(),
        **limits,
        depth=len(layers_with_weights(body)),
        angles=ALL_ANGLES,
        normalised_ntk=tuple(own),
        shown_angles=ANGLES,
        by_depth=by_depth,
        critical_bias=None if one is None else critical_bias(one.standardised()),
        critical_bias_normalised=None if one is None else critical_bias(one.normalised()),
        repeated=repeats.exact,
        notes=notes,
    )
    others = alternatives(body, measured.verdict, one, _summary)
    return replace(measured, alternatives=others, advice=advice(measured, others))


@dataclass(frozen=True)
class _Judged:
    """The correlation map of the repeated blocks and its verdict; slopes are of all blocks of a period together."""

    variance: Variance
    slope: float
    fixed: FixedPoint
    layers: int
    verdict: str
    kinked: bool

    def public(self) -> dict[str, Any]:
        return {
            "characteristic": self.slope ** (1 / self.layers),
            "verdict": self.verdict,
            "variance": self.variance.value,
            "variance_fate": self.variance.fate,
            "fixed_point": self.fixed.correlation,
            "fixed_slope": max(self.fixed.slope, 0.0) ** (1 / self.layers),
            "kinked": self.kinked,
        }


def _read(net: Node, bias_std: float | None) -> tuple[Node, Repetition, tuple[str, ...]]:
    if not isinstance(net, Node):
        raise BadInput(f"expected an architecture such as Dense() >> Relu() >> Dense(), got {net!r}")
    if isinstance(net, Activation):
        net = balanced(net.standardised(), depth=10, beta=0.0 if bias_std is None else bias_std)
    elif bias_std is not None:
        net = with_bias(net, zero_or_positive(bias_std, "bias_std"))
    body, notes = without_positions(net)
    for activation in activations_of(body):
        if activation.jumps:
            raise NoInfiniteWidthLimit(
                f"{activation!r} jumps, so its tangent kernel is infinite; take a continuous one such as erf or tanh"
            )
    return body, repetition(body), notes


def _judged(repeats: Repetition) -> _Judged:
    block, layers = repeats.together, len(repeats.blocks)
    start = float(onwards(repeats.first, first_moments(np.zeros(0))).left[0])
    variance = settled_variance(block, start) if repeats.exact else Variance(start, "stable")
    tolerance = EDGE if variance.fate == "stable" else UNSETTLED_EDGE
    at_one = slope(block, variance.value, 1.0)
    r = at_one ** (1 / layers)
    verdict = "edge" if abs(r - 1) <= tolerance else "order" if r < 1 else "chaos"
    fixed = FixedPoint(1.0, at_one) if verdict != "chaos" else fixed_point(block, variance.value, 0.0)
    return _Judged(variance, at_one, fixed, layers, verdict, any(_kinked(one) for one in activations_of(Serial(block))))


def _limits(found: _Judged, repeats: Repetition) -> dict[str, Any]:
    """Where the NTK of two inputs tends to, and how fast."""
    r, at_fixed = (max(value, 1e-300) ** (1 / found.layers) for value in (found.slope, found.fixed.slope))
    settled = found.variance.fate == "stable"
    if found.verdict == "edge":
        rate, limit, ntk = 0.0, _edge_limit(found, repeats.together), math.inf if settled else math.nan
    else:
        at_end = step(repeats.together, found.variance.value, found.fixed.correlation)
        ntk = at_end.added / (1 - at_end.passed) if settled and repeats.exact else math.nan
        if found.verdict == "order":
            rate, limit = math.log(r) * (0.5 if found.kinked else 1.0), 1.0
        else:  # without a correlation to keep, the slope at 0 adds to the decay
            rate, limit = -math.log(r) + (math.log(at_fixed) if found.fixed.correlation < 1e-9 else 0.0), 0.0
    scale = math.inf if rate == 0 else -1 / rate
    return {"decay_rate": rate, "depth_scale": scale, "normalised_limit": limit, "ntk_limit": ntk}


def _edge_limit(found: _Judged, block: Block) -> float:
    """1/4 with a kink, 1/3 without; NaN where the map is linear at 1, or the variance moves and changes the map."""
    if found.kinked:
        return 0.25 if found.variance.fate == "stable" or homogeneity(Serial(block)) is not None else math.nan
    curved = slope(block, found.variance.value, 0.9) < found.slope - 1e-9
    return 1 / 3 if found.variance.fate == "stable" and curved else math.nan


def _kinked(activation: Activation) -> bool:
    """Whether the derivative jumps somewhere."""
    if not activation.kinks:
        return False
    kinks = np.array(activation.kinks)
    jump = activation.derivative(kinks + 1e-7) - activation.derivative(kinks - 1e-7)
    return bool(np.abs(jump).max() > 1e-4 * np.abs(activation.derivative(kinks[:, None] + np.linspace(-2, 2, 9))).max())


def _start(angles: tuple[float, ...]) -> Moments:
    return first_moments(np.cos(np.radians(angles)))


def _normalised(ntk: np.ndarray) -> list[float]:
    """The NTK of each pair over that of one input with itself, which comes first."""
    return [float(value) for value in ntk[1:] / ntk[0]]


def _by_depth(repeats: Repetition) -> tuple[tuple[float, ...], ...]:
    count = max(len(repeats.blocks) * repeats.times, FEWEST_LAYERS - 1 if repeats.exact else 0)
    moments = onwards(repeats.first, _start(ANGLES))
    rows = [_normalised(moments.ntk)]
    for layer in range(count):
        if not moments.left[0] < HUGE:
            break
        moments = onwards(repeats.blocks[layer % len(repeats.blocks)], moments)
        rows.append(_normalised(moments.ntk))
    return tuple(zip(*rows, strict=True))


def _summary(net: Node) -> tuple[float, str] | None:
    """(r, verdict) alone, of a changed architecture; None when its variance vanishes or explodes."""
    found = _judged(repetition(net))
    return (found.slope ** (1 / found.layers), found.verdict) if found.variance.fate == "stable" else None
