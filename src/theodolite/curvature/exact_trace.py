"""Traces without probes, where there is a shorter way: the Gram matrix for I, the Laplacian for S, both for H."""

import numpy as np

from theodolite.architectures import Activation, Dense
from theodolite.curvature.estimate import Estimate
from theodolite.curvature.gram_spectrum import weighted_gram
from theodolite.curvature.laplacian import residual_trace
from theodolite.curvature.operators import Operator
from theodolite.curvature.problem import Problem
from theodolite.finite_width import Network
from theodolite.numerics.errors import BadInput, NoInfiniteWidthLimit, TooLarge

SMALL_GRAM = 2000  # outputs N k for which the Gram matrix of the Jacobian is taken
OPERATIONS = 2e11  # of the Laplacian's recursion: some seconds


def exact_trace(matrix: Operator) -> Estimate | None:
    """Tr I from the Gram matrix, Tr S from the Laplacian of the outputs, Tr H as their sum; None where that is dear.

    Args: matrix, an Operator. I wants at most 2000 outputs N k; S a network of `finite_width.network`, fully connected
        and smooth, all of whose parameters are asked for, and 4 N width^3 a layer below 2e11 operations.
    Returns: an Estimate without a standard error, or None.
    Source: Jacot, Gabriel and Hongler (2020), arXiv:1910.02875, section 3; the recursion is derived here.

    >>> import jax
    >>> from theodolite.architectures import Tanh
    >>> from theodolite.curvature import residual
    >>> from theodolite.finite_width import network
    >>> net = network(Dense() >> Tanh() >> Dense(), width=3)
    >>> params = net.init(jax.random.key(0), (2,))
    >>> exact_trace(residual("mse", net, params, (np.eye(2), np.zeros(2)))).method
    'Laplacian'
    """
    own = matrix.problem
    if matrix.name == "gauss_newton":
        if own.output_count > SMALL_GRAM:
            return None
        return Estimate(float(np.trace(weighted_gram(own, memory_limit=matrix.memory_limit))), 0.0, 0, "gram")
    rest = _residual(own, matrix.memory_limit)
    if matrix.name == "residual" or rest is None:
        return rest
    ours = exact_trace(Operator("gauss_newton", own, matrix.memory_limit))
    return None if ours is None else Estimate(ours.value + rest.value, 0.0, 0, "Tr I + Tr S")


def _residual(own: Problem, memory_limit: int | str | None) -> Estimate | None:
    net = own.f
    if not isinstance(net, Network) or len(own.names) != len(own.form.kinds):
        return None
    if any(not isinstance(node, Dense | Activation) or getattr(node, "bends", ()) for node in net.net):
        return None
    widths = [shape[-1] for shape in own.form.shapes if len(shape) > 1]
    if 4.0 * own.rows * sum(width**3 for width in widths) > OPERATIONS:
        return None
    inputs = np.concatenate([np.asarray(block.X) for block in own.blocks])
    try:
        slopes = own.slopes.reshape(own.rows, -1)
        return Estimate(residual_trace(net, own.params, inputs, slopes, memory_limit=memory_limit), 0.0, 0, "Laplacian")
    except (BadInput, NoInfiniteWidthLimit, TooLarge):  # a sentence that the recursion does not read
        return None
