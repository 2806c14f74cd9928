"""Order and chaos of one activation: its characteristic value, the bias that balances it, and its kernels in depth.

Fully connected networks of weight_std sqrt(1 - beta^2) and bias_std beta, with an activation of mean square 1 on inputs
of squared norm d: every layer has variance 1 (`architectures.balanced`).
Source: Jacot, Gabriel, Ged and Hongler (2019), arXiv:1907.05715.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from theodolite.architectures import Activation, Rescaled
from theodolite.infinite_width.duals.dual import dual
from theodolite.infinite_width.order_chaos.deficit import losses_of
from theodolite.numerics.checks import positive_integer
from theodolite.numerics.errors import BadInput, NoInfiniteWidthLimit


def characteristic_value(activation: Activation, beta: float = 0.0) -> float:
    """r = (1 - beta^2) E sigma'(Z)^2 / E sigma(Z)^2, the slope at 1 of the correlation map of a balanced network.

    Below 1 inputs become parallel with depth (order), above 1 they part (chaos).

    Args: activation, standardised here when it is not (a `.normalised()` one is already); beta in [0, 1].
    Raises: NoInfiniteWidthLimit for activations with jumps.
    Source: Jacot et al. (2019), arXiv:1907.05715. Cost: two Gaussian integrals.

    >>> from theodolite.architectures import Relu, Sin
    >>> round(characteristic_value(Relu(), beta=0.5), 12)
    0.75
    >>> round(characteristic_value(Sin()), 6), round(characteristic_value(Relu().normalised()), 6)  # coth 1, pi/(pi-1)
    (1.313035, 1.466942)
    """
    if activation.jumps:
        raise NoInfiniteWidthLimit(f"{activation!r} jumps: E sigma'(Z)^2 is infinite, and so is its tangent kernel")
    of = dual(activation)
    return (1 - _beta(beta) ** 2) * float(of.slope_square(1.0)) / float(of.square(1.0))


def critical_bias(activation: Activation) -> float | None:
    """beta_c = sqrt(1 - 1 / r), r the characteristic value at beta = 0: chaos below, order above; None without chaos.

    Source: Jacot et al. (2019), arXiv:1907.05715, the borderline between order and chaos.

    >>> from theodolite.architectures import Gelu, Relu
    >>> critical_bias(Relu().standardised()) is None, round(critical_bias(Relu().normalised()) ** -2 - np.pi, 12)
    (True, 0.0)
    >>> round(critical_bias(Gelu().standardised()), 6)
    0.259214
    """
    r = characteristic_value(activation)
    return math.sqrt(1 - 1 / r) if r > 1 + 1e-12 else None


@dataclass(frozen=True, eq=False)
class DepthTrace:
    """Kernels of two inputs against depth; each field but the last two has one entry for each of `depths`.

    `deficit`: 1 - c, c the NNGP (the correlation); `ntk`, off the diagonal; `diagonal`, the NTK of one input with
    itself, (1 - r^L) / (1 - r); `normalised`: their ratio; `normalised_deficit`: 1 minus that, without cancellation.
    """

    depths: np.ndarray
    deficit: np.ndarray
    ntk: np.ndarray
    diagonal: np.ndarray
    normalised: np.ndarray
    normalised_deficit: np.ndarray
    characteristic: float
    beta: float

    @property
    def correlation(self) -> np.ndarray:
        """c, the NNGP."""
        return 1.0 - self.deficit


def depth_trace(activation: Activation, beta: float, depths: Sequence[int], c0: float) -> DepthTrace:
    """NNGP and NTK of two inputs of squared norm d and cosine c0, in balanced networks of several depths.

    c_1 = beta^2 + (1 - beta^2) c0, c_(l+1) = beta^2 + (1 - beta^2) T(c_l), Theta_1 = c_1,
    Theta_(l+1) = c_(l+1) + (1 - beta^2) T'(c_l) Theta_l, T the dual of the standardised activation. The deficits 1 - c
    and 1 - Theta / diagonal are carried along, so they are right far below round-off of c. A correlation that tends to
    0 (chaos with beta = 0 and a mean of zero) is right to round-off of 1.

    Args: activation, standardised here when it is not; beta in [0, 1]; depths, numbers of weight layers >= 1, in any
        order; c0 in [-1, 1].
    Returns: a DepthTrace, in the order of depths. Raises: BadInput, NoInfiniteWidthLimit.
    Source: Jacot et al. (2019), arXiv:1907.05715. Cost: one dual a layer, up to the largest depth.

    >>> from theodolite.architectures import Relu
    >>> trace = depth_trace(Relu(), beta=0.5, depths=[2, 400], c0=0.2)
    >>> trace.normalised.round(6), trace.diagonal.round(6), bool(trace.deficit[1] < 1e-40)
    (array([0.484226, 1.      ]), array([1.75, 4.  ]), True)
    """
    weight = 1 - _beta(beta) ** 2
    wanted = [positive_integer(depth, "each depth") for depth in depths]
    if not wanted or not -1 <= c0 <= 1:
        raise BadInput(f"expected at least one depth and c0 in [-1, 1], got depths {depths!r} and c0 = {c0!r}")
    unit = activation.standardised()
    r, losses = characteristic_value(unit, beta), losses_of(unit)
    rows = np.empty((max(wanted), 5))
    deficit = weight * (1.0 - c0)
    inverse, ratio, missing = 1.0, 1.0 - deficit, deficit  # 1 / diagonal, Theta / diagonal and 1 minus that
    ntk = 1.0 - deficit
    for layer in range(max(wanted)):
        if layer:
            loss, slope_loss = losses(deficit)
            deficit, slope_loss = weight * loss, weight * slope_loss
            slope, sum_ = r - slope_loss, inverse + r
            ntk = 1.0 - deficit + slope * ntk
            ratio = ((1.0 - deficit) * inverse + slope * ratio) / sum_
            missing = (deficit * inverse + slope * missing + slope_loss) / sum_
            inverse /= sum_
        rows[layer] = deficit, ntk, 1.0 / inverse if inverse else math.inf, ratio, missing
    columns = rows[np.array(wanted) - 1].T
    return DepthTrace(np.array(wanted), *columns, characteristic=r, beta=float(beta))


def unscaled(activation: Activation) -> Activation:
    """The activation inside any rescaling.

    >>> from theodolite.architectures import Relu
    >>> unscaled(Relu().normalised())
    Relu()
    """
    return unscaled(activation.activation) if isinstance(activation, Rescaled) else activation


def _beta(beta: float) -> float:
    if not 0 <= beta <= 1:
        raise BadInput(f"beta must lie in [0, 1], got {beta!r}: weight_std is sqrt(1 - beta^2)")
    return float(beta)
