"""The first two moments of the Hessian at initialisation when outputs are scaled so that the NTK moves in training."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from theodolite.architectures import Node
from theodolite.curvature.forecast import cost_of
from theodolite.curvature.limiting_kernels import limiting_kernels
from theodolite.numerics.checks import target_columns
from theodolite.numerics.costs import Cost


@dataclass(frozen=True)
class MeanFieldMoments:
    """Limits for outputs w^(-1/2) f and learning rate w, so that curvature is that of w H = w I + w S, w the width.

    Attributes: gauss_newton, of Tr(w I); residual_deviation, of the standard deviation over initialisations of
    w^(-1/2) Tr(w S), whose mean vanishes; residual_square, of w^(-1) Tr((w S)^2).
    """

    gauss_newton: float
    residual_deviation: float
    residual_square: float


def mean_field_moments(
    net: Node, X: Any, Y: Any, loss: str | Cost = "mse", *, memory_limit: int | str | None = None
) -> MeanFieldMoments:
    """The moments at initialisation in the mean-field scaling, where S outweighs I in the second moment by a factor w.

        Tr(w I) -> Tr(HC theta),   w^(-1/2) Tr(w S) -> N(0, c' xi c),   w^(-1) Tr((w S)^2) -> c' upsilon c

    with c = grad C and HC its Hessian at outputs 0, which is where such a network starts.

    Args: net, X, Y, loss as in `forecast`.
    Returns: MeanFieldMoments. Raises: as `limiting_kernels`; BadInput for targets the loss cannot have.
    Source: derived here; the abstract of Jacot, Gabriel and Hongler (2020), arXiv:1910.02875 announces such a result.
    Cost: that of the kernels.

    >>> from theodolite.architectures import Softplus, plain
    >>> X = np.array([[1.0, 0.5, -0.3], [-0.4, 1.2, 0.8], [0.9, -0.2, 1.1]])
    >>> found = mean_field_moments(plain(Softplus(), depth=3, beta=0.3), X, [1.0, -1.0, 1.0])
    >>> round(found.gauss_newton, 4), round(found.residual_square, 4)
    (1.2739, 0.1754)
    """
    cost = cost_of(loss)
    kernels = limiting_kernels(net, X, memory_limit=memory_limit)
    n = len(kernels.sigma)
    targets = target_columns(Y, n)
    cost.check(targets)
    zero = np.zeros_like(targets)
    slope, curvature = cost.derivative(zero, targets) / n, cost.curvature(zero, targets) / n
    return MeanFieldMoments(
        gauss_newton=float(np.einsum("iaa,ii->", curvature, kernels.theta)),
        residual_deviation=float(np.sqrt(max(np.sum(slope * (kernels.xi @ slope)), 0.0))),
        residual_square=float(np.sum(slope * (kernels.upsilon @ slope))),
    )
