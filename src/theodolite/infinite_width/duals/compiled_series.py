"""Sums of Hermite series over all pairs of points, compiled: the terms of one pair stay in registers and cache."""

import numpy as np
from numba import njit

LANES = 256


@njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract"})
def sum_terms(rho, left, right, orders, out):
    """out[i, j] = sum over t of left[t, i] right[t, j] rho[i, j]^orders[t], orders increasing, by Horner's rule."""
    square = np.empty(LANES)
    value = np.empty(LANES)
    terms = len(orders)
    for i in range(rho.shape[0]):
        for start in range(0, rho.shape[1], LANES):
            count = min(LANES, rho.shape[1] - start)
            for lane in range(count):
                square[lane] = rho[i, start + lane] * rho[i, start + lane]
                value[lane] = 0.0
            for t in range(terms - 1, -1, -1):
                own = left[t, i]
                row = right[t, start : start + count]
                for lane in range(count):
                    value[lane] += own * row[lane]
                gap = orders[t] - (orders[t - 1] if t > 0 else 0)
                for _ in range(gap // 2):
                    for lane in range(count):
                        value[lane] *= square[lane]
                if gap % 2:
                    for lane in range(count):
                        value[lane] *= rho[i, start + lane]
            for lane in range(count):
                out[i, start + lane] = value[lane]
