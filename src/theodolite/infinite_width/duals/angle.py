"""The angle of a Gaussian pair, with derivative 0 where the true one is infinite or undefined."""

import math
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from array_api_compat import array_namespace, is_jax_array
from numpy.polynomial import chebyshev


def length_angle_sine(q1: Any, c: Any, q2: Any) -> tuple[Any, Any, Any]:
    """(r, theta, r sin theta) with r = sqrt(q1 q2), r cos theta = c.

    |c| > r, as round-off makes it, counts as |c| = r. Without variance (r = 0) the pair is independent: theta = pi / 2.
    Derivatives are 0 where the points are collinear: those of theta and of the sine are infinite there.

    >>> import numpy as np
    >>> [float(part.round(6)) for part in length_angle_sine(np.array(1.0), np.array(0.5), np.array(1.0))]
    [1.0, 1.047198, 0.866025]
    """
    xp = array_namespace(q1, c, q2)
    if is_jax_array(c):
        first, second, left, right = of_points(*(f(q) for f in (safe_root, _inverse_root) for q in (q1, q2)))
        arcsine, sine = arcsine_and_sine(c * (left * right))
        length = first * second
        return length, math.pi / 2 - arcsine, length * sine
    length = safe_root(q1 * q2)  # exactly q where q1 = q2
    gap = (length - c) * (length + c)
    oblique = gap > 0
    sine = xp.where(oblique, xp.sqrt(xp.where(oblique, gap, xp.ones_like(gap))), xp.zeros_like(gap))
    angle = xp.atan2(xp.where(oblique, sine, xp.ones_like(gap)), xp.where(oblique, c, xp.zeros_like(gap)))
    straight = xp.where(c < 0, xp.full_like(gap, math.pi), xp.zeros_like(gap))
    return length, xp.where(oblique | (length <= 0), angle, straight), sine


def arcsine_and_sine(cosine: Any) -> tuple[Any, Any]:
    """(arcsin c, sqrt(1 - c^2)) of a JAX array, c in [-1, 1] but for round-off, with derivatives 0 at |c| = 1.

    Cost: one root and twenty multiplications; XLA's own arctangent takes four times as long.
    """
    return _traced_arcsine()(cosine)


@cache
def _traced_arcsine() -> Callable[[Any], tuple[Any, Any]]:
    import jax
    import jax.numpy as jnp

    @jax.custom_jvp
    def both(cosine: Any) -> tuple[Any, Any]:
        gap = (1.0 - cosine) * (1.0 + cosine)
        # so much round-off in the cosine of parallel points would leave an angle of 1e-8
        sine = jnp.where(gap > 4 * jnp.finfo(gap.dtype).eps, jnp.sqrt(jnp.maximum(gap, 0.0)), 0.0)
        sine = jax.lax.optimization_barrier(sine)  # written down: XLA would compute it anew in each of its uses
        right = jnp.copysign(math.pi / 2, cosine)
        return jax.lax.optimization_barrier(jnp.where(sine > 0, cosine * _angle_ratio(sine), right)), sine

    @both.defjvp
    def _(primals: Any, tangents: Any) -> Any:
        (cosine,), (change,) = primals, tangents
        arcsine, sine = both(cosine)
        oblique = sine > 0
        slope = jnp.where(oblique, 1.0 / jnp.where(oblique, sine, 1.0), 0.0)
        return (arcsine, sine), (slope * change, -cosine * slope * change)

    return both


def _angle_ratio(sine: Any) -> Any:
    """arcsin(c) / c from sqrt(1 - c^2); even and odd powers apart, so that two sums run side by side."""
    t = 2.0 * sine - 1.0
    square, even, odd = t * t, ARCSINE[-2], ARCSINE[-1]
    for place in range(len(ARCSINE) - 4, -1, -2):
        even, odd = even * square + ARCSINE[place], odd * square + ARCSINE[place + 1]
    return odd * t + even


def of_points(*parts: Any) -> tuple[Any, ...]:
    """The same JAX arrays, written down before they broadcast: XLA would compute them anew for each pair of points."""
    from jax.lax import optimization_barrier

    return optimization_barrier(parts)


def _inverse_root(q: Any) -> Any:
    """1 / sqrt(q), 0 at 0, with derivative 0 there."""
    xp = array_namespace(q)
    above = q > 0
    return xp.where(above, 1.0 / xp.sqrt(xp.where(above, q, xp.ones_like(q))), xp.zeros_like(q))


def _arcsine_terms(count: int = 20) -> tuple[float, ...]:
    """Coefficients in t = 2 s - 1 of arcsin(c) / c = arccos(s) / sqrt(1 - s^2), which is analytic on s in [0, 1]."""
    angle = np.pi * (np.arange(count, dtype=np.longdouble) + 0.5) / count  # long: in double two digits go
    t = np.cos(angle)
    c = np.sqrt((1 - t) * (3 + t)) / 2
    series = 2 / np.longdouble(count) * np.cos(np.arange(count)[:, None] * angle) @ (np.arcsin(c) / c)
    series[0] /= 2
    return tuple(float(term) for term in chebyshev.cheb2poly(series))


ARCSINE = _arcsine_terms()


def safe_root(q: Any) -> Any:
    """sqrt(q), with derivative 0 instead of infinity at 0."""
    xp = array_namespace(q)
    above = q > 0
    return xp.where(above, xp.sqrt(xp.where(above, q, xp.ones_like(q))), xp.zeros_like(q))
