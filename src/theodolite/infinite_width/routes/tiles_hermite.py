"""The layers of a fully connected network of smooth activations without a closed form, on tiles of pairs.

Each activation is a Hermite series in the correlation, with coefficients that belong to the points. Some hundred pairs
at a time are given as many terms as the largest correlation among them needs.
"""

import numpy as np
from numba import njit

from theodolite.infinite_width.routes.tiles import LANES, OUTER, SIDE, WITHIN, write

LEVELS = 64  # of |rho|: level l holds up to (l + 1) / LEVELS


@njit(**WITHIN)
def horner(rho, square, orders, own, right, column, first, last, value, count):
    """value[:count] = sum over terms first <= t < last of own[t] right[t, column + lane] rho^orders[t].

    Orders begin at 0 or 1 and grow by 1 or 2.
    """
    for lane in range(count):
        value[lane] = 0.0
    for t in range(last - 1, first - 1, -1):
        factor, row = own[t], right[t]
        power = square if t < last - 1 and orders[t + 1] - orders[t] == 2 else rho
        for lane in range(count):
            value[lane] = value[lane] * power[lane] + factor * row[column + lane]
    if last > first and orders[first] == 1:
        for lane in range(count):
            value[lane] *= rho[lane]


@njit(**OUTER)
def hermite_rows(
    inner, rows, first, above, orders, starts, needed, left, right, left_inverse, right_inverse, mirrored,
    want_nngp, want_ntk, nngp, ntk,
):  # fmt: skip
    """Fill rows[0]..rows[1] of nngp, and of ntk, as wanted; where mirrored, all but the diagonal.

    first: weight_std^2, bias_std^2 and rate of the lowest dense layer, above (l, 3): of the one above each activation.
    Series s, that of the values of activation s / 2 or of its slopes, has the terms starts[s] .. starts[s + 1] of
    orders (t,), left (n, t) and right (t, m), of which pairs of level l need needed[s, l]. The inverses (l, n) and
    (l, m) are 1 / norm of the points at each activation.
    """
    k, theta = np.empty(LANES), np.empty(LANES)
    rho, square, value = np.empty(LANES), np.empty(LANES), np.empty(LANES)
    held_nngp, held_ntk = np.zeros((SIDE, LANES)), np.zeros((SIDE, LANES))
    for top in range(rows[0], rows[1], SIDE):
        bottom = min(top + SIDE, rows[1])
        width = bottom if mirrored else inner.shape[1]
        for start in range(0, width, LANES):
            for i in range(top, bottom):
                count = max(min(LANES, (i if mirrored else width) - start), 0)
                for lane in range(count):
                    k[lane] = first[0] * inner[i, start + lane] + first[1]
                    theta[lane] = first[2] * k[lane]
                for layer in range(len(above)):
                    inverse, largest = left_inverse[layer, i], 0.0
                    for lane in range(count):
                        rho[lane] = min(max(k[lane] * (inverse * right_inverse[layer, start + lane]), -1.0), 1.0)
                        square[lane] = rho[lane] * rho[lane]
                    for lane in range(count):
                        largest = max(largest, square[lane])
                    level = min(int(np.sqrt(largest) * LEVELS), LEVELS - 1)
                    weight, bias, rate = above[layer]
                    s = 2 * layer
                    begin = starts[s]
                    horner(rho, square, orders, left[i], right, start, begin, begin + needed[s, level], value, count)
                    for lane in range(count):
                        k[lane] = weight * value[lane] + bias
                    if want_ntk:
                        begin = starts[s + 1]
                        horner(
                            rho,
                            square,
                            orders,
                            left[i],
                            right,
                            start,
                            begin,
                            begin + needed[s + 1, level],
                            value,
                            count,
                        )
                        for lane in range(count):
                            theta[lane] = weight * value[lane] * theta[lane] + rate * k[lane]
                for lane in range(count):
                    held_nngp[i - top, lane] = k[lane]
                    held_ntk[i - top, lane] = theta[lane]
            here = min(LANES, width - start)
            if want_nngp:
                write(held_nngp, nngp, top, bottom, start, here, mirrored)
            if want_ntk:
                write(held_ntk, ntk, top, bottom, start, here, mirrored)
