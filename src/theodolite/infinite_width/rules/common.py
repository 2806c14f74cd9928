"""The covariance reading: one rule a node, from the moments of one layer to those of the next.

Source: Jacot, Gabriel and Hongler (2018), arXiv:1806.07572, proposition 1 and theorem 1, for dense layers; Arora et al.
(2019), arXiv:1904.11955, for convolutions.
"""

from collections.abc import Iterator
from dataclasses import replace
from functools import singledispatch
from typing import Any

from array_api_compat import array_namespace, is_jax_array

from theodolite.architectures import (
    Activation,
    BatchNorm,
    Dense,
    Dropout,
    Flatten,
    Identity,
    LayerNorm,
    Node,
    Serial,
)
from theodolite.infinite_width.duals.dual import dual
from theodolite.infinite_width.rules.moments import UNKNOWN, Moments, diagonal_places
from theodolite.numerics.errors import NoInfiniteWidthLimit

Rates = Iterator[float]


@singledispatch
def next_moments(node: Node, moments: Moments, rates: Rates) -> Moments:
    """The moments after a node; rates gives the learning rate of each layer of weights in turn."""
    raise NoInfiniteWidthLimit(f"{node!r} has no rule for infinite width; read it with finite_width.network")


@next_moments.register
def _(node: Serial, moments: Moments, rates: Rates) -> Moments:
    at = 0
    while at < len(node.nodes):
        times = repetitions(node.nodes[at:]) if is_jax_array(moments.nngp) else 1
        if times > 1:
            moments, at = _repeated(node.nodes[at : at + 2], times, moments, rates), at + 2 * times
        else:
            moments, at = next_moments(node.nodes[at], moments, rates), at + 1
    return moments


def repetitions(nodes: tuple[Node, ...]) -> int:
    """How often the first two nodes, an activation and a Dense layer, stand at the beginning, one after the other.

    >>> from theodolite.architectures import parse
    >>> repetitions(parse("dense relu dense relu dense").nodes[1:])
    2
    """
    block, times = nodes[:2], 0
    if len(block) == 2 and isinstance(block[0], Activation) and isinstance(block[1], Dense):
        while nodes[2 * times : 2 * times + 2] == block:
            times += 1
    return times


def _repeated(block: tuple[Node, ...], times: int, moments: Moments, rates: Rates) -> Moments:
    """A block applied several times to JAX arrays, compiled once.

    Written out, XLA would compute each layer anew inside all later ones, and compile for minutes.
    """
    from jax.lax import scan

    fields = ("nngp", "left", "right") + (("ntk",) if moments.ntk is not None else ())

    def step(carried: Any, rate: Any) -> tuple[Any, None]:
        after = replace(moments, **dict(zip(fields, carried, strict=True)))
        for node in block:
            after = next_moments(node, after, iter([rate]))
        return tuple(getattr(after, name) for name in fields), None

    given = moments.xp.asarray([next(rates) for _ in range(times)], dtype=moments.nngp.dtype)
    if not moments.gaussian:
        return next_moments(block[0], moments, rates)  # which says what is wrong
    carried, _ = scan(step, tuple(getattr(moments, name) for name in fields), given)
    return replace(moments, **dict(zip(fields, carried, strict=True)))


@next_moments.register
def _(node: Dense, moments: Moments, rates: Rates) -> Moments:
    return with_weights(moments, node.weight_std, node.bias_std, next(rates))


@next_moments.register
def _(node: Activation, moments: Moments, rates: Rates) -> Moments:
    if isinstance(node, Identity):
        return moments
    if not moments.gaussian:
        before = "before any weights" if not moments.weighted else "on numbers that are not Gaussian"
        raise NoInfiniteWidthLimit(
            f"{node!r} acts {before}; expected a Dense or Conv layer between it and the input, a Flatten or "
            "another activation"
        )
    return _activated(dual(node), moments)


def _activated(of: Any, moments: Moments) -> Moments:
    left, right = moments.variances(moments.left), moments.variances(moments.right)
    alike = moments.left is moments.right
    tangent = moments.tangent and moments.ntk is not None
    if moments.alone and not moments.joint:
        nngp, slope = of.square(left), of.slope_square(left) if tangent else None
    else:
        both = (moments.first(left), moments.nngp, moments.second(right))
        nngp, slope = of.both(*both) if tangent else (of.value(*both), None)
        one_point = moments.one_point()
        if one_point is not None:  # exact, where round-off in the cosine would cost half the digits
            nngp = moments.xp.where(one_point, moments.first(of.square(left)), nngp)
            if slope is not None:
                slope = moments.xp.where(one_point, moments.first(of.slope_square(left)), slope)
    left_moments, left_mean = _self_moments(of, moments, moments.left, left), of.mean(left)
    return replace(
        moments,
        nngp=nngp,
        ntk=None if slope is None else slope * moments.ntk,
        left=left_moments,
        right=left_moments if alike else _self_moments(of, moments, moments.right, right),
        mean_left=left_mean,
        mean_right=left_mean if alike else of.mean(right),
        gaussian=False,
    )


def _self_moments(of: Any, moments: Moments, own: Any, variances: Any) -> Any:
    """E[sigma(h(x, p)) sigma(h(x, p'))] of one input with itself."""
    if not moments.joint:
        return of.square(variances)
    crossed = of.value(moments.first(variances), own, moments.second(variances))
    return moments.xp.where(moments.one_place(), moments.first(of.square(variances)), crossed)


@next_moments.register
def _(node: LayerNorm, moments: Moments, rates: Rates) -> Moments:
    if not moments.weighted:
        raise NoInfiniteWidthLimit("LayerNorm before any weights; standardise the inputs instead")
    if moments.mean_left is UNKNOWN:
        raise NoInfiniteWidthLimit(
            "LayerNorm after a pooling of activations; put it before the pooling, or after a Dense"
        )
    if moments.mean_left is not None:
        moments = _centred(moments)
    left, right = _divisor(moments.variances(moments.left)), _divisor(moments.variances(moments.right))
    scale = moments.first(left) * moments.second(right)
    return replace(
        moments,
        nngp=moments.nngp / scale,
        ntk=None if moments.ntk is None else moments.ntk / scale,
        left=moments.left / (moments.first(left) * moments.second(left)),
        right=moments.right / (moments.first(right) * moments.second(right)),
    )


def _divisor(variance: Any) -> Any:
    """Its root; 1 where all channels are equal, which a layer norm turns into zeros."""
    xp = array_namespace(variance)
    return xp.sqrt(xp.where(variance > 0, variance, xp.ones_like(variance)))


def _centred(moments: Moments) -> Moments:
    """Covariances in place of second moments."""
    left, right = moments.mean_left, moments.mean_right
    return replace(
        moments,
        nngp=moments.nngp - moments.first(left) * moments.second(right),
        left=moments.left - moments.first(left) * moments.second(left),
        right=moments.right - moments.first(right) * moments.second(right),
        mean_left=None,
        mean_right=None,
    )


@next_moments.register
def _(node: BatchNorm, moments: Moments, rates: Rates) -> Moments:
    raise NoInfiniteWidthLimit(
        "BatchNorm ties each point to the whole batch, so there is no kernel of two points; what it does to the kernel "
        "is exact at any width (the tangent kernel's mean over the batch is bias_std^2 of the last layer): read the "
        "architecture with finite_width.network, or use LayerNorm or a .normalised() activation"
    )


@next_moments.register
def _(node: Dropout, moments: Moments, rates: Rates) -> Moments:
    more = 1.0 / (1.0 - node.rate)
    xp = moments.xp

    def swelled(array: Any, where: Any) -> Any:
        if array is None or where is None:
            return array
        return array * xp.where(where, xp.asarray(more, dtype=array.dtype), xp.asarray(1.0, dtype=array.dtype))

    place = moments.one_place()
    one = xp.ones((), dtype=bool) if place is None else place
    point = moments.one_point()
    return replace(
        moments,
        nngp=swelled(moments.nngp, point),
        ntk=swelled(moments.ntk, point),
        left=swelled(moments.left, one),
        right=swelled(moments.right, one),
        gaussian=moments.gaussian and node.rate == 0,
    )


@next_moments.register
def _(node: Flatten, moments: Moments, rates: Rates) -> Moments:
    axes = len(moments.positions)
    if axes == 0:
        return moments
    xp = moments.xp
    places = tuple(range(-axes, 0))
    return moments.map(
        lambda array: xp.mean(diagonal_places(array, axes) if moments.joint else array, axis=places),
        positions=(),
        joint=False,
        mean_left=None if moments.mean_left is None else UNKNOWN,
        mean_right=None if moments.mean_right is None else UNKNOWN,
        gaussian=moments.gaussian and all(size == 1 for size in moments.positions),
    )


def with_weights(moments: Moments, weight_std: float, bias_std: float, rate: float, scale: Any = 1.0) -> Moments:
    """The moments after independent Gaussian weights; `rate` times their own term joins the tangent kernel."""
    weight, bias = weight_std**2 * scale, bias_std**2
    nngp = weight * moments.nngp + bias
    ntk = None
    if moments.tangent:
        ntk = rate * nngp if moments.ntk is None else weight * moments.ntk + rate * nngp
    return replace(
        moments,
        nngp=nngp,
        ntk=ntk,
        left=(left := weight * moments.left + bias),
        right=left if moments.left is moments.right else weight * moments.right + bias,
        mean_left=None,
        mean_right=None,
        gaussian=True,
        weighted=True,
    )
