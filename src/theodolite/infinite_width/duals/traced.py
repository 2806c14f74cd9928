"""Numerical duals on JAX arrays: the Hermite series with a fixed number of terms, split quadrature near |rho| = 1.

Under a trace the variances are unknown, so the terms are those that variances up to 30 need.
"""

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from theodolite.architectures import Activation
from theodolite.infinite_width.duals.angle import safe_root
from theodolite.infinite_width.duals.series import Plan, plan
from theodolite.infinite_width.duals.split import nested
from theodolite.numerics.gaussian import nodes, scaled_nodes
from theodolite.numerics.hermite import weighted_hermite

LARGEST_VARIANCE = 30.0
TOLERANCE = 1e-12


def traced_both(activation: Activation, q1: Any, c: Any, q2: Any) -> tuple[Any, Any]:
    """(value, slope), traceable and differentiable; derivatives with respect to q are 0 at q = 0.

    Cost: K multiplications an entry, K up to about 500; entries near |rho| = 1 of a kinked activation are treated one
    by one. Reverse differentiation keeps K arrays.
    """
    shape = jnp.broadcast_shapes(q1.shape, c.shape, q2.shape)
    s1, s2 = safe_root(q1), safe_root(q2)
    length = safe_root(q1 * q2)  # exactly q where q1 = q2
    there = length > 0
    rho = jnp.broadcast_to(jnp.where(there, c / jnp.where(there, length, 1.0), 0.0), shape)
    fixed = _fixed_plan(activation)
    left, right = (_coefficients(activation, root, fixed.count) for root in (s1, s2))
    terms = fixed.value_terms, fixed.slope_terms
    value, slope = (_summed(rho, a, b, orders) for a, b, orders in zip(left, right, terms, strict=True))
    if fixed.reach < 1.0:
        value, slope = _mended(activation, fixed.reach, (value, slope), s1, s2, rho)
    still = jax.lax.stop_gradient  # where a variance is 0 so is c, and only a derivative is added
    return value + jnp.where(there, 0.0, still(slope) * (c - still(c))), slope


def traced_expectation(function: Callable[[Any], Any], q: Any, kinks: Sequence[float]) -> Any:
    """E g(sqrt(q) Z) for a traced q."""
    root = safe_root(q)
    if any(kinks):
        z, weights = scaled_nodes(root.ravel(), kinks)
        return jnp.sum(weights * function(root.ravel()[:, None] * z), axis=-1).reshape(root.shape)
    z, weights = (jnp.asarray(part, dtype=q.dtype) for part in nodes((0.0,)))
    return function(root[..., None] * z) @ weights


@lru_cache(maxsize=64)
def _fixed_plan(activation: Activation) -> Plan:
    grid = np.sqrt(np.array([1e-3, LARGEST_VARIANCE]))
    found = plan(activation, (grid, grid), 1.0, TOLERANCE)
    return found if activation.bends else Plan(found.value_terms, found.slope_terms, 1.0)


def _coefficients(activation: Activation, root: Any, count: int) -> tuple[Any, Any]:
    functions = activation, activation.derivative
    if any(activation.bends):
        z, weights = scaled_nodes(root.ravel(), activation.bends)
        sides = [weights * function(root.ravel()[:, None] * z) for function in functions]

        def step(pair: tuple[Any, Any], k: Any) -> tuple[tuple[Any, Any], list[Any]]:
            before, now = pair
            after = (z * now - jnp.sqrt(k) * before) / jnp.sqrt(k + 1)
            return (now, after), [jnp.sum(side * now, axis=-1) for side in sides]

        orders = jnp.arange(count, dtype=root.dtype)
        _, (values, slopes) = jax.lax.scan(step, (jnp.zeros_like(z), jnp.ones_like(z)), orders)
        return values.reshape(count, *root.shape), slopes.reshape(count, *root.shape)
    z, matrix = (jnp.asarray(part, dtype=root.dtype) for part in weighted_hermite(count))
    values, slopes = (jnp.moveaxis(function(root[..., None] * z) @ matrix, -1, 0) for function in functions)
    return values, slopes


def _summed(rho: Any, left: Any, right: Any, orders: Sequence[int]) -> Any:
    """sum over orders k of left_k right_k rho^k, by Horner's rule, two orders at a time where parity empties one."""
    if not orders:
        return jnp.zeros_like(rho)
    low, high = orders[0], orders[-1]
    stride = 2 if all((k - low) % 2 == 0 for k in orders) else 1
    ratio = rho**stride

    def step(total: Any, sides: tuple[Any, Any]) -> tuple[Any, None]:
        return total * ratio + sides[0] * sides[1], None

    sides = left[low : high + 1 : stride], right[low : high + 1 : stride]
    return jax.lax.scan(step, jnp.zeros_like(rho), sides, reverse=True)[0] * rho**low


def _mended(activation: Activation, reach: float, series: Sequence[Any], s1: Any, s2: Any, rho: Any) -> tuple[Any, Any]:
    """The series, with split quadrature at the entries it does not reach.

    There the derivative of the value in direction of rho is written from the slope, for that of t is infinite.
    """
    still = jax.lax.stop_gradient

    @jax.checkpoint
    def near(s1: Any, s2: Any, rho: Any) -> tuple[Any, Any]:
        rho = jnp.where(jnp.abs(rho) > 0.5, rho, 0.5)
        s1, s2 = (jnp.where(root > 0, root, 1.0) for root in (s1, s2))
        across = safe_root((1.0 - rho) * (1.0 + rho))
        value, slope = nested(activation, s1[None], s2[None], still(rho)[None], still(across)[None], fineness=2)
        if activation.jumps:
            return value[0], slope[0]
        return value[0] + still(slope[0] * s1 * s2) * (rho - still(rho)), slope[0]

    def entry(parts: tuple[Any, ...]) -> tuple[Any, Any]:
        value, slope, s1, s2, rho = parts
        return jax.lax.cond(jnp.abs(rho) > reach, near, lambda *_: (value, slope), s1, s2, rho)

    clipped = rho + still(jnp.clip(rho, -1.0, 1.0) - rho)  # with the derivative of rho, at the ends too
    flat = [jnp.broadcast_to(part, rho.shape).ravel() for part in (*series, s1, s2, clipped)]
    value, slope = jax.lax.map(entry, tuple(flat))
    return value.reshape(rho.shape), slope.reshape(rho.shape)
