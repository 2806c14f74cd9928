"""What a layer of infinite width is: second moments of its channels, for pairs of inputs and of positions."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from array_api_compat import array_namespace

UNKNOWN = "unknown"  # a mean that is not zero and was not followed through a pooling


@dataclass(frozen=True)
class Moments:
    """Second moments over the channels of one layer.

    `nngp` (*pairs, *places): E[h(x, p) h(z, p')]; `ntk`: the tangent kernel so far, of the same shape, None before any
    weights or when it is not wanted. `left` and `right`: the same as `nngp` for (x, x) and (z, z), with shapes that
    broadcast: (n, 1, *places), (1, m, *places). Places are the positions, when only p' = p is needed, or all pairs of
    positions (*positions, *positions), when `joint`. `same`: where x and z are one point, a mask over the pairs, None
    when nowhere. `mean_left`, `mean_right` (n, 1, *positions): E h, None for zero.
    """

    nngp: Any
    ntk: Any
    left: Any
    right: Any
    positions: tuple[int, ...]
    joint: bool
    same: Any
    tangent: bool  # whether the tangent kernel is wanted
    mean_left: Any = None
    mean_right: Any = None
    gaussian: bool = False  # whether the channels are jointly Gaussian: independent weights made them
    alone: bool = False  # whether each pair is a point with itself
    weighted: bool = False  # whether weights were met at all; before, channels are the columns of the input

    @property
    def xp(self) -> Any:
        return array_namespace(self.nngp)

    def map(self, change: Callable[[Any], Any], **fields: Any) -> "Moments":
        """The same change, linear and along places only, of all second moments."""
        return replace(
            self,
            nngp=change(self.nngp),
            ntk=None if self.ntk is None else change(self.ntk),
            left=change(self.left),
            right=change(self.right),
            **fields,
        )

    def variances(self, moments: Any) -> Any:
        """E h(x, p)^2 of `left` or `right`, (*pairs, *positions)."""
        return diagonal_places(moments, len(self.positions)) if self.joint else moments

    def first(self, single: Any) -> Any:
        """A quantity of (x, p), broadcast over the places of p'."""
        return single[(..., *(None,) * len(self.positions))] if self.joint else single

    def second(self, single: Any) -> Any:
        """A quantity of (z, p'), broadcast over the places of p."""
        axes = len(self.positions)
        return single[(..., *(None,) * axes, *(slice(None),) * axes)] if self.joint else single

    def one_place(self) -> Any:
        """A mask over the places, True where p' = p; None when all are so."""
        if not self.joint:
            return None
        xp, size = self.xp, math.prod(self.positions)
        return xp.reshape(xp.eye(size, dtype=bool), self.positions * 2)

    def one_point(self) -> Any:
        """A mask, True where x = z and p = p', that broadcasts with `nngp`; None when nowhere."""
        if self.same is None:
            return None
        place = self.one_place()
        same = self.same[(..., *(None,) * (self.nngp.ndim - self.same.ndim))]
        return same if place is None else same & place


def diagonal_places(moments: Any, axes: int) -> Any:
    """The entries with p' = p of an array (..., *positions, *positions): (..., *positions)."""
    if axes == 0:
        return moments
    xp = array_namespace(moments)
    positions = tuple(moments.shape[-axes:])
    lead = tuple(moments.shape[: moments.ndim - 2 * axes])
    size = math.prod(positions)
    square = xp.reshape(moments, (*lead, size, size))
    return xp.reshape(xp.linalg.diagonal(square), (*lead, *positions))
