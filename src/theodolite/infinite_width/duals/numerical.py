"""The dual of any activation, by quadrature: a Hermite series, and split quadrature where the series is too slow."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from array_api_compat import is_jax_array

from theodolite.architectures import Activation
from theodolite.infinite_width.duals.base import Dual, same_kind
from theodolite.infinite_width.duals.series import plan, safe_rho, summed, summed_where
from theodolite.infinite_width.duals.split import split_quadrature
from theodolite.numerics.errors import NoInfiniteWidthLimit
from theodolite.numerics.hermite import hermite_coefficients

MOST = 0.9  # share of a large array that is summed with only the terms its |rho| needs


@dataclass(frozen=True)
class NumericalDual(Dual):
    """The dual of an activation without a closed form; terms are chosen by their measured tail.

    >>> from theodolite.architectures import Tanh
    >>> NumericalDual(Tanh()).value(1.0, 1.0, 1.0).round(6)
    np.float64(0.394294)
    """

    activation: Activation

    def _both(self, q1: Any, c: Any, q2: Any) -> tuple[Any, Any]:
        self._refuse_jumps()
        return self._sums(q1, c, q2)

    def _value(self, q1: Any, c: Any, q2: Any) -> Any:
        return self._sums(q1, c, q2)[0]

    def _sums(self, q1: Any, c: Any, q2: Any) -> tuple[Any, Any]:
        if any(map(is_jax_array, (q1, c, q2))):
            from theodolite.infinite_width.duals.traced import traced_both

            return traced_both(self.activation, q1, c, q2)
        return both_on_host(self.activation, q1, c, q2)

    def mean(self, q: Any) -> Any:
        return self._expectation(self.activation, q)

    def square(self, q: Any) -> Any:
        return self._expectation(lambda x: self.activation(x) ** 2, q)

    def slope_square(self, q: Any) -> Any:
        self._refuse_jumps()
        return self._expectation(lambda x: self.activation.derivative(x) ** 2, q)

    def _refuse_jumps(self) -> None:
        if self.activation.jumps:
            raise NoInfiniteWidthLimit(f"{self.activation!r} jumps, so it has no tangent kernel at infinite width")

    def _expectation(self, function: Callable[[Any], Any], q: Any) -> Any:
        (q,) = same_kind(q)
        if is_jax_array(q):
            from theodolite.infinite_width.duals.traced import traced_expectation

            return traced_expectation(function, q, self.activation.bends)
        root = np.sqrt(np.maximum(q, 0.0), dtype=np.float64)
        return hermite_coefficients(function, root, 1, self.activation.bends)[0].astype(q.dtype)[()]


def both_on_host(activation: Activation, q1: Any, c: Any, q2: Any) -> tuple[Any, Any]:
    """(value, slope) on numpy arrays of one dtype.

    Cost: K multiplications for each entry, K about 50 for smooth activations at variance 1 and 500 at variance 30;
    for kinked ones about 300, and about a millisecond for each distinct triple with |rho| close to 1.
    """
    dtype, shape = c.dtype, np.broadcast_shapes(q1.shape, c.shape, q2.shape)
    if 0 in shape:
        return np.zeros(shape, dtype), np.zeros(shape, dtype)
    q1, q2 = np.maximum(q1, 0), np.maximum(q2, 0)
    rho = safe_rho(q1, np.broadcast_to(c, shape), q2)
    root1, root2 = (np.atleast_1d(np.sqrt(q, dtype=np.float64)) for q in (q1, q2))
    tolerance = 1e-14 if dtype == np.float64 else 1e-9
    largest = max(float(rho.max()), -float(rho.min()))
    size, roots = np.abs(rho), (root1, root2)
    what = plan(activation, roots, largest, tolerance)
    most = float(np.quantile(size.ravel()[:: max(1, size.size // 10_000)], MOST))
    if most < 0.9 * what.reach and size.size > 8 * (root1.size + root2.size):
        value, slope = summed(activation, root1, rho, root2, plan(activation, roots, most, tolerance))
        rest = (size > most) & (size <= what.reach)
        value[rest], slope[rest] = summed_where(activation, root1, rho, root2, what, rest)
    else:
        value, slope = summed(activation, root1, rho, root2, what)
    near = size > what.reach
    if near.any():
        entries = np.stack([np.broadcast_to(part, rho.shape)[near].astype(np.float64) for part in (q1, c, q2)])
        entries[0], entries[2] = (
            np.minimum(entries[0], entries[2]),
            np.maximum(entries[0], entries[2]),
        )  # T is symmetric
        distinct, where = np.unique(entries, axis=1, return_inverse=True)
        for target, found in zip((value, slope), split_quadrature(activation, *distinct), strict=True):
            target[near] = found[where.ravel()]
    return value.reshape(shape)[()], slope.reshape(shape)[()]
