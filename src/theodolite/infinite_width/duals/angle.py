"""The angle of a Gaussian pair, with derivative 0 where the true one is infinite or undefined."""

import math
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
    length = safe_root(q1 * q2)  # exactly q where q1 = q2
    gap = (length - c) * (length + c)
    oblique = gap > 0
    sine = xp.where(oblique, xp.sqrt(xp.where(oblique, gap, xp.ones_like(gap))), xp.zeros_like(gap))
    angle = _angle(xp.where(oblique, sine, xp.ones_like(gap)), xp.where(oblique, c, xp.zeros_like(gap)))
    straight = xp.where(c < 0, xp.full_like(gap, math.pi), xp.zeros_like(gap))
    return length, xp.where(oblique | (length <= 0), angle, straight), sine


def _angle(sine: Any, cosine: Any) -> Any:
    """The angle in [0, pi] of a vector (cosine, sine) of any positive length, sine >= 0."""
    xp = array_namespace(sine, cosine)
    if not is_jax_array(cosine):
        return xp.atan2(sine, cosine)
    # XLA's arctangent takes four times as long as this polynomial: t = pi / 2 - 2 arcsin v with |v| <= 0.71
    length = xp.hypot(sine, cosine)
    v = cosine / xp.sqrt(2.0 * length * (length + sine))
    square = v * v
    value = xp.full_like(v, ARCSINE[-1])
    for term in ARCSINE[-2::-1]:
        value = value * square + term
    return math.pi / 2 - 2.0 * v * value


def _arcsine_terms(count: int = 20) -> tuple[float, ...]:
    """Coefficients in v^2 of arcsin(v) / v on v^2 in [0, 1 / 2], by interpolation."""
    t = chebyshev.chebpts1(count)
    v = np.sqrt((t + 1) / 4)
    series = np.polynomial.Chebyshev(chebyshev.chebfit(t, np.arcsin(v) / v, count - 1), domain=[0, 0.5])
    return tuple(float(term) for term in series.convert(kind=np.polynomial.Polynomial).coef)


ARCSINE = _arcsine_terms()


def safe_root(q: Any) -> Any:
    """sqrt(q), with derivative 0 instead of infinity at 0."""
    xp = array_namespace(q)
    above = q > 0
    return xp.where(above, xp.sqrt(xp.where(above, q, xp.ones_like(q))), xp.zeros_like(q))
