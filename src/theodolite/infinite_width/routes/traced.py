"""Angle series for JAX arrays: traceable, differentiable, and as cheap at depth 50 as at depth 5.

For networks without a scale of their own (`angle_series.homogeneity`), where no norm need be known in advance.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from theodolite.architectures import Node, layers_with_weights
from theodolite.infinite_width.duals.angle import safe_root
from theodolite.infinite_width.routes import reading
from theodolite.infinite_width.routes.angle_series import angle_series, homogeneity
from theodolite.infinite_width.routes.fully_connected import for_vectors
from theodolite.infinite_width.rules.moments import Moments
from theodolite.kernels import Pairs
from theodolite.numerics.errors import DidNotConverge

MOST_TERMS = 160  # written out one by one
FEWEST_LAYERS = 4  # below, the rules themselves are as fast


def fill(net: Node, pairs: Pairs, rates: Sequence[float] | None, ntk: bool) -> tuple[Any, Any] | None:
    """(NNGP, NTK or None) on all pairs of JAX vectors; None when the series does not hold or is not worth it."""
    degree = homogeneity(net) if for_vectors(net) else None
    if degree is None or pairs.X.ndim != 2 or len(layers_with_weights(net)) < FEWEST_LAYERS:
        return None
    rates = None if rates is None else tuple(rates)
    try:
        series = angle_series(net, rates, 1.0, ntk)
    except DidNotConverge:
        return None
    if max(len(series.nngp), len(series.ntk)) > MOST_TERMS:
        return None
    scale, cosine = _scale_and_cosine(pairs)
    found = []
    for terms, ends in zip((series.nngp, series.ntk), _ends(net, rates, ntk), strict=False):
        found.append(scale**degree * _values(terms, ends, cosine, pairs))
    return found[0], found[1] if ntk else None


def _scale_and_cosine(pairs: Pairs) -> tuple[Any, Any]:
    """|x| |z| / d and x.z / |x| |z|, 0 for points at the origin."""
    xp, width = pairs.xp, pairs.X.shape[1]
    scale = safe_root(pairs.left_square / width)[:, None] * safe_root(pairs.right_square / width)[None, :]
    return scale, reading.inner_products(pairs) / width / xp.where(scale > 0, scale, xp.ones_like(scale))


def _values(terms: np.ndarray, ends: np.ndarray, cosine: Any, pairs: Pairs) -> Any:
    """The series where points are not parallel; value and derivative of the rules where they are."""
    xp = pairs.xp
    gap = (1.0 - cosine) * (1.0 + cosine)
    oblique = gap > 0
    if pairs.symmetric:
        oblique = oblique & ~xp.eye(*pairs.shape, dtype=bool)
    c = xp.where(oblique, cosine, xp.zeros_like(cosine))
    u = c / xp.sqrt(1.0 + xp.sqrt(xp.where(oblique, gap, xp.ones_like(gap))))
    value, before = xp.zeros_like(u), xp.zeros_like(u)
    for term in terms[:0:-1]:
        value, before = 2.0 * u * value + (float(term) - before), value
    value = u * value + (float(terms[0]) - before)
    (high, rise), (low, fall) = ends.tolist()
    straight = xp.where(cosine > 0, high + rise * (cosine - 1.0), low + fall * (cosine + 1.0))
    return xp.where(oblique, value, straight)


@lru_cache(maxsize=64)
def _ends(net: Node, rates: tuple[float, ...] | None, ntk: bool) -> tuple[np.ndarray, ...]:
    """For NNGP and NTK: value and derivative by the cosine at parallel and at opposite points, (2, 2)."""
    import jax
    import jax.numpy as jnp

    parallel = np.array([True, False])

    def at(cosine: Any) -> tuple[Any, ...]:
        one = jnp.ones_like(cosine)
        last = reading.read(net, Moments(cosine, None, one, one, (), False, jnp.asarray(parallel), ntk), rates)
        return (last.nngp, last.ntk) if ntk else (last.nngp,)

    with jax.ensure_compile_time_eval():
        cosine = jnp.asarray([1.0, -1.0])
        _, slopes = jax.jvp(at, (cosine,), (jnp.ones_like(cosine),))
        exact = reading.read(
            net, Moments(np.array([1.0, -1.0]), None, np.ones(2), np.ones(2), (), False, parallel, ntk), rates
        )
        exact = (exact.nngp, exact.ntk) if ntk else (exact.nngp,)
        return tuple(np.stack([value, np.asarray(slope, float)], axis=1) for value, slope in zip(exact, slopes))
