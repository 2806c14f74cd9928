"""Compiled sweeps over T + ridge I = L D L', T tridiagonal: pivots, traces, solutions, the diagonal of the inverse.

Everywhere l ridges side by side: `multipliers` (n, l) stand below the diagonal of L (the first is 0), `weights` (n, l)
are 1 / D. Products may be fused with their sums, which only makes them more exact; nothing else is left to the
compiler.
"""

import numpy as np
from numba import njit

STRIP = 64  # rows of Q at a time: what they need for all ridges stays in the first cache


@njit(cache=True, nogil=True, fastmath={"contract"})
def pivots(diagonal, beside, ridges):
    """(multipliers, weights, powers): powers (4, l) are tr (ridge M^-1)^p for p = 1, 2, 4, and log det M.

    The pivots D_j follow from one another as power series in e, with ridge (1 + e) for ridge; the logarithm of their
    product has the traces as coefficients. All terms of one order have one sign, so no digit is lost.
    """
    n, size = len(diagonal), len(ridges)
    multipliers, weights, powers = np.zeros((n, size)), np.empty((n, size)), np.zeros((4, size))
    for r in range(size):
        ridge = ridges[r]
        e0 = g1 = f2 = f3 = f4 = 0.0
        for j in range(n):
            b = beside[j - 1] if j > 0 else 0.0
            m = b * e0
            multipliers[j, r] = m
            d0 = diagonal[j] + ridge - b * m
            m *= b  # b^2 / D of the pivot before
            d1, d2, d3, d4 = ridge + m * g1, -m * f2, -m * f3, -m * f4
            e0 = 1.0 / d0
            weights[j, r] = e0
            g1, g2, g3, g4 = d1 * e0, d2 * e0, d3 * e0, d4 * e0
            f2 = g1 * g1 - g2  # coefficients of D_0 / D: 1, -g1, f2, f3, f4
            f3 = -(g1 * f2 - g2 * g1 + g3)
            f4 = -(g1 * f3 + g2 * f2 - g3 * g1 + g4)
            l2 = 2.0 * g2 - g1 * g1  # k times those of log D: g1, l2, l3, l4
            l3 = 3.0 * g3 - (g1 * g2 + l2 * g1)
            l4 = 4.0 * g4 - (g1 * g3 + l2 * g2 + l3 * g1)
            powers[0, r] += g1
            powers[1, r] -= l2
            powers[2, r] -= l4
            powers[3, r] += np.log(d0)
    return multipliers, weights, powers


@njit(cache=True, nogil=True, fastmath={"contract"})
def solve(multipliers, weights, right):
    """(M^-1 right, (n, l, k); right' M^-1 right summed over columns, (l,)) for right sides (n, k)."""
    n, size = multipliers.shape
    columns = right.shape[1]
    answer, power = np.empty((n, size, columns)), np.zeros(size)
    for j in range(n):
        for r in range(size):
            for c in range(columns):
                value = right[j, c]
                if j > 0:
                    value -= multipliers[j, r] * answer[j - 1, r, c]
                answer[j, r, c] = value
                power[r] += value * value * weights[j, r]
    for j in range(n - 1, -1, -1):
        for r in range(size):
            for c in range(columns):
                value = answer[j, r, c] * weights[j, r]
                if j + 1 < n:
                    value -= multipliers[j + 1, r] * answer[j + 1, r, c]
                answer[j, r, c] = value
    return answer, power


@njit(cache=True, nogil=True, fastmath={"contract"})
def inverse_diagonals(q, multipliers, weights):
    """The diagonal of Q M^-1 Q', (l, n); q (n, n) holds the columns of Q as its rows.

    The columns of Z = Q L^-T follow from one another; the diagonal is the sum of z_j^2 / D_j, all terms positive.
    """
    n, size = multipliers.shape
    total = np.zeros((size, n))
    rows = np.empty((size, STRIP))
    for start in range(0, n, STRIP):
        width = min(STRIP, n - start)
        rows[:] = 0.0
        for j in range(0, n - 1, 2):
            first, second = q[j, start : start + width], q[j + 1, start : start + width]
            for r in range(size):
                m0, m1, w0, w1 = multipliers[j, r], multipliers[j + 1, r], weights[j, r], weights[j + 1, r]
                row, out = rows[r, :width], total[r, start : start + width]
                for i in range(width):
                    a = first[i] - m0 * row[i]
                    b = second[i] - m1 * a
                    row[i] = b
                    out[i] += w0 * (a * a) + w1 * (b * b)
        if n % 2:
            for r in range(size):
                for i in range(width):
                    z = q[n - 1, start + i] - multipliers[n - 1, r] * rows[r, i]
                    total[r, start + i] += weights[n - 1, r] * z * z
    return total


@njit(cache=True, nogil=True, fastmath={"contract"})
def half_inverse(columns, multipliers, weights):
    """Overwrite some rows of Q, as columns (n, m), by those of Z D^-1/2, whose products are entries of M^-1."""
    n = len(columns)
    for j in range(1, n):
        for i in range(columns.shape[1]):
            columns[j, i] -= multipliers[j, 0] * columns[j - 1, i]
    for j in range(n):
        root = np.sqrt(weights[j, 0])
        for i in range(columns.shape[1]):
            columns[j, i] *= root
