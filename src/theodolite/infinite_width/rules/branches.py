"""Rules of branches that are added: residual blocks and parallel sums."""

from dataclasses import replace
from typing import Any

from theodolite.architectures import Identity, Node, ParallelSum, Residual, layers_with_weights
from theodolite.infinite_width.rules.common import Rates, next_moments
from theodolite.infinite_width.rules.moments import UNKNOWN, Moments
from theodolite.numerics.errors import NoInfiniteWidthLimit, ShapeMismatch


@next_moments.register
def _(node: Residual, moments: Moments, rates: Rates) -> Moments:
    return _sum((Identity(), node.branch), moments, rates)


@next_moments.register
def _(node: ParallelSum, moments: Moments, rates: Rates) -> Moments:
    return _sum(node.branches, moments, rates)


def _sum(branches: tuple[Node, ...], moments: Moments, rates: Rates) -> Moments:
    without = [branch for branch in branches if not layers_with_weights(branch)]
    if len(without) > 1:
        raise NoInfiniteWidthLimit(
            f"the branches {without[0]!r} and {without[1]!r} have no weights and depend on each other; expected a "
            "Dense or Conv layer in all branches but one"
        )
    if without and not moments.weighted:
        raise NoInfiniteWidthLimit(
            f"the branch {without[0]!r} carries the raw input, whose columns cannot be added to infinitely many "
            "channels; put a Dense or Conv layer before the sum"
        )
    total, *others = [next_moments(branch, moments, rates) for branch in branches]
    for other in others:
        total = _added(total, other)
    return total


def _added(one: Moments, other: Moments) -> Moments:
    """Moments of the sum of two independent layers."""
    if one.positions != other.positions:
        raise ShapeMismatch(f"branches end with positions {one.positions} and {other.positions}; expected the same")
    means = (one.mean_left, other.mean_left)
    if all(mean is not None for mean in means) and any(mean is UNKNOWN for mean in means):
        raise NoInfiniteWidthLimit("branches that end in pooled activations are added; end one of them with a Dense")

    def crossed(of: Moments, first: Any, second: Any) -> Any:
        """E h of one branch times E h of the other, in both orders."""
        if any(mean is None for mean in (*first, *second)):
            return 0.0
        return of.first(first[0]) * of.second(second[1]) + of.first(first[1]) * of.second(second[0])

    left, right = (one.mean_left, other.mean_left), (one.mean_right, other.mean_right)
    return replace(
        one,
        nngp=one.nngp + other.nngp + crossed(one, left, right),
        ntk=other.ntk if one.ntk is None else one.ntk if other.ntk is None else one.ntk + other.ntk,
        left=one.left + other.left + crossed(one, left, left),
        right=one.right + other.right + crossed(one, right, right),
        mean_left=_plus(one.mean_left, other.mean_left),
        mean_right=_plus(one.mean_right, other.mean_right),
        gaussian=one.gaussian and other.gaussian,
        weighted=True,
    )


def _plus(one: Any, other: Any) -> Any:
    if one is None or other is None:
        return other if one is None else one
    return one + other
