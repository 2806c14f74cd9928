"""Duals of polynomials of any degree, exact: sums over Hermite orders of polynomials in q1, q2 and c.

sigma(sqrt(q) z) = sum_m q^(m/2) A_m(q) h_m(z) with h_m orthonormal, so T = sum_m A_m(q1) A_m(q2) c^m. The A_m are
polynomials in q for a sum of monomials (Isserlis), and single powers of q - 1 for a Hermite polynomial.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from theodolite.infinite_width.duals.base import Dual, same_kind


@dataclass(frozen=True)
class PolynomialDual(Dual):
    """T = sum_m A_m(q1) A_m(q2) c^m; `orders[m]` holds the coefficients of A_m in powers of q - centre.

    >>> dual_of_polynomial((0.0, 0.0, 0.0, 1.0)).value(1.0, 1.0, 1.0)  # E Z^6
    np.float64(15.0)
    """

    orders: tuple[tuple[float, ...], ...]
    centre: float = 0.0

    def _both(self, q1: Any, c: Any, q2: Any) -> tuple[Any, Any]:
        value = slope = 0.0 * (q1 + c + q2)
        for order in reversed(self.orders):
            slope = slope * c + value
            value = value * c
            if any(order):
                value = value + self._at(order, q1) * self._at(order, q2)
        return value, slope

    def mean(self, q: Any) -> Any:
        (q,) = same_kind(q)
        return self._at(self.orders[0], q)

    def _at(self, order: Sequence[float], q: Any) -> Any:
        total = 0.0 * q
        for coefficient in reversed(order):
            total = total * (q - self.centre) + coefficient
        return total


def dual_of_polynomial(coefficients: Sequence[float]) -> PolynomialDual:
    """The dual of sum_n p_n x^n: A_m = sum_j p_(m+2j) (m + 2j)! / (2^j j! sqrt(m!)) q^j."""
    degree = len(coefficients) - 1
    return PolynomialDual(
        tuple(
            tuple(
                coefficients[m + 2 * j]
                * (math.factorial(m + 2 * j) / (2**j * math.factorial(j)) / math.sqrt(math.factorial(m)))
                for j in range((degree - m) // 2 + 1)
            )
            for m in range(degree + 1)
        )
    )


def dual_of_hermite(order: int) -> PolynomialDual:
    """The dual of h_n, orthonormal: A_(n-2j) = (q - 1)^j sqrt(n!) / (2^j j! sqrt((n - 2j)!)); no cancellation."""
    rows: list[tuple[float, ...]] = [(0.0,)] * (order + 1)
    for j in range(order // 2 + 1):
        m = order - 2 * j
        rows[m] = (0.0,) * j + (math.sqrt(math.perm(order, 2 * j)) / (2**j * math.factorial(j)),)
    return PolynomialDual(tuple(rows), centre=1.0)
