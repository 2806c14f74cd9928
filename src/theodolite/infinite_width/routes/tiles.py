"""Compiled loops over tiles of pairs: inner products in, NNGP and NTK out, while the tile stays in the cache.

All loops release the interpreter lock. `inner` holds x . z / d; where `mirrored`, only rows at or below the diagonal
block are computed and each value is written to both its places.
"""

import math

import numpy as np
from numba import njit

SIDE = 32  # rows and columns of a tile
# what Python calls is kept on disk with all it calls; what only compiled code calls needs no copy, nor doors of its own
OUTER = {
    "cache": True, "nogil": True, "error_model": "numpy", "fastmath": {"contract"}, "no_cfunc_wrapper": True,
}  # fmt: skip
WITHIN = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True, "error_model": "numpy", "fastmath": {"contract"}}
LANES = 256  # values worked on together, so that additions are vectorised


@njit(**WITHIN)
def angle_variable(cosine):
    """u = sqrt((1 + c) / 2) - sqrt((1 - c) / 2) = c / sqrt(1 + sqrt(1 - c^2)); round-off beyond |c| = 1 is harmless."""
    return cosine / math.sqrt(1.0 + math.sqrt(abs((1.0 - cosine) * (1.0 + cosine))))


@njit(**WITHIN)
def clenshaw(coefficients, u, value, before, count):
    """value[:count] = the Chebyshev series at u[:count], by Clenshaw's recurrence, four terms a sweep."""
    terms = len(coefficients)
    for lane in range(count):
        value[lane] = 0.0
        before[lane] = 0.0
    k = terms - 1
    while k >= 4:
        c0, c1, c2, c3 = coefficients[k], coefficients[k - 1], coefficients[k - 2], coefficients[k - 3]
        for lane in range(count):
            twice = 2.0 * u[lane]
            b0 = twice * value[lane] + (c0 - before[lane])
            b1 = twice * b0 + (c1 - value[lane])
            b2 = twice * b1 + (c2 - b0)
            before[lane] = b2
            value[lane] = twice * b2 + (c3 - b1)
        k -= 4
    while k >= 1:
        c0 = coefficients[k]
        for lane in range(count):
            after = 2.0 * u[lane] * value[lane] + (c0 - before[lane])
            before[lane] = value[lane]
            value[lane] = after
        k -= 1
    c0 = coefficients[0]
    for lane in range(count):
        value[lane] = u[lane] * value[lane] + (c0 - before[lane])


@njit(**OUTER)
def series_rows(inner, rows, left, right, left_scale, right_scale, nngp_terms, ntk_terms, mirrored, nngp, ntk):
    """Fill rows[0]..rows[1] of nngp and ntk from angle series.

    left (n,) and right (m,): 1 / norm, so that inner * left * right is the cosine; the scales multiply the values. An
    empty series leaves its matrix alone; the matrices may be `inner` itself.
    """
    u, value, before = np.empty(LANES), np.empty(LANES), np.empty(LANES)
    held_nngp, held_ntk = np.empty((SIDE, LANES)), np.empty((SIDE, LANES))
    for top in range(rows[0], rows[1], SIDE):
        bottom = min(top + SIDE, rows[1])
        width = bottom if mirrored else inner.shape[1]
        for first in range(0, width, LANES):
            count = min(LANES, width - first)
            for i in range(top, bottom):
                for lane in range(count):
                    u[lane] = angle_variable(inner[i, first + lane] * left[i] * right[first + lane])
                if len(nngp_terms):
                    clenshaw(nngp_terms, u, value, before, count)
                    for lane in range(count):
                        held_nngp[i - top, lane] = value[lane] * left_scale[i] * right_scale[first + lane]
                if len(ntk_terms):
                    clenshaw(ntk_terms, u, value, before, count)
                    for lane in range(count):
                        held_ntk[i - top, lane] = value[lane] * left_scale[i] * right_scale[first + lane]
            if len(nngp_terms):
                write(held_nngp, nngp, top, bottom, first, count, mirrored)
            if len(ntk_terms):
                write(held_ntk, ntk, top, bottom, first, count, mirrored)


@njit(**WITHIN)
def write(held, matrix, top, bottom, first, count, mirrored):
    """Copy a tile to its place; where mirrored, what is on or below the diagonal, and that to the other side too."""
    for i in range(top, bottom):
        for lane in range(min(count, i - first + 1) if mirrored else count):
            matrix[i, first + lane] = held[i - top, lane]
    if mirrored:
        for lane in range(count):
            for i in range(max(top, first + lane), bottom):
                matrix[first + lane, i] = held[i - top, lane]
