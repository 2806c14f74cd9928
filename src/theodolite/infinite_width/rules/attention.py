"""Rules of attention. Source: Hron, Bahri, Sohl-Dickstein and Novak (2020), arXiv:2006.10540."""

import math
from dataclasses import replace
from typing import Any

from array_api_compat import array_namespace

from theodolite.architectures import LinearAttention, SelfAttention
from theodolite.infinite_width.rules.common import Rates, next_moments
from theodolite.infinite_width.rules.moments import Moments
from theodolite.numerics.errors import ShapeMismatch


@next_moments.register
def _(node: SelfAttention, moments: Moments, rates: Rates) -> Moments:
    """K' = w^2 G(x) K G(z)' + b^2, G(x) = softmax(q^2 K(x, x)); values and output each add their term to the NTK."""
    _needs_positions(node, moments)
    left = _softmax(node.qk_std**2 * _square(moments.left, moments))
    right = _softmax(node.qk_std**2 * _square(moments.right, moments))

    def weighed(array: Any, first: Any, second: Any) -> Any:
        xp = array_namespace(array)
        mixed = first @ _square(array, moments) @ xp.matrix_transpose(second)
        return node.weight_std**2 * xp.reshape(mixed, (*mixed.shape[:-2], *moments.positions * 2))

    nngp = weighed(moments.nngp, left, right)
    ntk = None if moments.ntk is None else weighed(moments.ntk, left, right)
    own = weighed(moments.left, left, left), weighed(moments.right, right, right)
    return _attended(node, moments, next(rates), nngp, 2.0, ntk, *own)


@next_moments.register
def _(node: LinearAttention, moments: Moments, rates: Rates) -> Moments:
    """K'(p, p') = w^2 K(p, p') sum over q, q' of K(q, q')^2 + b^2; queries, keys, values, output each add a term."""
    _needs_positions(node, moments)
    xp = moments.xp
    places = tuple(range(-2 * len(moments.positions), 0))

    def total(array: Any) -> Any:
        return xp.sum(array, axis=places, keepdims=True)

    def heads(array: Any) -> Any:
        return node.weight_std**2 * array * total(array * array)

    ntk = None
    if moments.ntk is not None:
        through_values_and_keys = 2.0 * moments.nngp * total(moments.nngp * moments.ntk)
        ntk = node.weight_std**2 * (moments.ntk * total(moments.nngp**2) + through_values_and_keys)
    nngp = heads(moments.nngp)
    return _attended(node, moments, next(rates), nngp, 4.0, ntk, heads(moments.left), heads(moments.right))


def _attended(
    node: SelfAttention | LinearAttention,
    moments: Moments,
    rate: float,
    nngp: Any,
    matrices: float,
    ntk: Any,
    left: Any,
    right: Any,
) -> Moments:
    """The new moments: each of the `matrices` of weights adds nngp to the NTK, the bias its own, the rest is `ntk`."""
    bias = node.bias_std**2
    own = rate * (matrices * nngp + bias)
    return replace(
        moments,
        nngp=nngp + bias,
        ntk=(own if ntk is None else ntk + own) if moments.tangent else None,
        left=left + bias,
        right=right + bias,
        mean_left=None,
        mean_right=None,
        gaussian=True,
        weighted=True,
    )


def _needs_positions(node: SelfAttention | LinearAttention, moments: Moments) -> None:
    if not moments.positions:
        raise ShapeMismatch(
            f"{node!r} needs positions, and its input has none; give sequences (n, length, channels), or begin the "
            "architecture with Reshape((length, channels)) >> ..."
        )
    assert moments.joint, "attention needs the moments of pairs of positions"


def _square(array: Any, moments: Moments) -> Any:
    """(..., *positions, *positions) as matrices over the positions."""
    lead = array.shape[: array.ndim - 2 * len(moments.positions)]
    size = math.prod(moments.positions)
    return array_namespace(array).reshape(array, (*lead, size, size))


def _softmax(scores: Any) -> Any:
    xp = array_namespace(scores)
    raised = xp.exp(scores - xp.max(scores, axis=-1, keepdims=True))
    return raised / xp.sum(raised, axis=-1, keepdims=True)
