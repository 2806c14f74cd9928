"""The layers of a fully connected network, one after the other, on tiles of pairs that stay in the cache.

For points of any norms and layers with any biases, as long as every activation has one of the closed forms below.
Angles come from the sine s: arcsin(c) / c is analytic in s from 0 to 1, so that one root is all that is taken. A layer
is one loop over some hundred pairs, and costs the forty operations a pair in it.
"""

import math

import numpy as np
from numba import njit

from theodolite.infinite_width.duals.angle import ARCSINE
from theodolite.infinite_width.routes.tiles import LANES, OUTER, SIDE, WITHIN, write

LINEAR, PIECEWISE, ERF, GELU = range(4)  # activation kinds
# a step: kind, weight_std^2 and bias_std^2 and rate of the dense layer above, scale^2, scale * shift, shift^2, and for
# PIECEWISE below * above and (above - below)^2 / 2 pi
STEP = 9


@njit(**WITHIN)
def angle_ratio(sine):
    """arcsin(c) / c from sqrt(1 - c^2); even and odd powers apart, so that two sums run side by side."""
    t = 2.0 * sine - 1.0
    square = t * t
    even, odd = ARCSINE[18], ARCSINE[19]
    even, odd = even * square + ARCSINE[16], odd * square + ARCSINE[17]
    even, odd = even * square + ARCSINE[14], odd * square + ARCSINE[15]
    even, odd = even * square + ARCSINE[12], odd * square + ARCSINE[13]
    even, odd = even * square + ARCSINE[10], odd * square + ARCSINE[11]
    even, odd = even * square + ARCSINE[8], odd * square + ARCSINE[9]
    even, odd = even * square + ARCSINE[6], odd * square + ARCSINE[7]
    even, odd = even * square + ARCSINE[4], odd * square + ARCSINE[5]
    even, odd = even * square + ARCSINE[2], odd * square + ARCSINE[3]
    even, odd = even * square + ARCSINE[0], odd * square + ARCSINE[1]
    return odd * t + even


@njit(**WITHIN)
def angles(cosine, sine, arcsine, count):
    """sine[:count] = sqrt(1 - c^2) and arcsine[:count] = arcsin c, from the cosines c."""
    for lane in range(count):
        c = cosine[lane]
        s = math.sqrt(abs((1.0 - c) * (1.0 + c)))
        sine[lane] = s
        arcsine[lane] = c * angle_ratio(s)


@njit(**OUTER)
def layer_rows(inner, rows, steps, first, left, right, mirrored, want_nngp, want_ntk, nngp, ntk):
    """Fill rows[0]..rows[1] of nngp, and of ntk, as wanted.

    first: weight_std^2, bias_std^2 and rate of the lowest dense layer. steps (l, STEP); left (l, 3, n) and right
    (l, 3, m): for each step the points' 1 / norm, norm and mean of the activation, in the sense of its kind.
    """
    k, theta = np.empty(LANES), np.empty(LANES)
    held_nngp, held_ntk = np.empty((SIDE, LANES)), np.empty((SIDE, LANES))
    for top in range(rows[0], rows[1], SIDE):
        bottom = min(top + SIDE, rows[1])
        width = bottom if mirrored else inner.shape[1]
        for start in range(0, width, LANES):
            count = min(LANES, width - start)
            for i in range(top, bottom):
                for lane in range(count):
                    k[lane] = first[0] * inner[i, start + lane] + first[1]
                    theta[lane] = first[2] * k[lane]
                for layer in range(len(steps)):
                    step = steps[layer]
                    li, lr, lm = left[layer, 0, i], left[layer, 1, i], left[layer, 2, i]
                    ri = right[layer, 0, start : start + count]
                    rr = right[layer, 1, start : start + count]
                    if step[0] == PIECEWISE:
                        _piecewise(k, theta, step, li, lr, ri, rr, count)
                    elif step[0] == ERF:
                        _erf(k, theta, step, li, ri, count)
                    elif step[0] == GELU:
                        _gelu(k, theta, step, li, lr, ri, rr, count)
                    weight, bias, rate, square, cross, shift = step[1], step[2], step[3], step[4], step[5], step[6]
                    constant = weight * (cross * lm + shift) + bias
                    for lane in range(count):
                        value = weight * square * k[lane] + constant
                        theta[lane] = weight * square * theta[lane] + rate * value
                        k[lane] = value
                    if cross != 0.0:
                        rm = right[layer, 2, start : start + count]
                        for lane in range(count):
                            k[lane] += weight * cross * rm[lane]
                            theta[lane] += rate * (weight * cross * rm[lane])
                for lane in range(count):
                    held_nngp[i - top, lane] = k[lane]
                    held_ntk[i - top, lane] = theta[lane]
            if want_nngp:
                write(held_nngp, nngp, top, bottom, start, count, mirrored)
            if want_ntk:
                write(held_ntk, ntk, top, bottom, start, count, mirrored)


# the activations, before they are rescaled


@njit(**WITHIN)
def _piecewise(k, theta, step, li, lr, ri, rr, count):
    product, share = step[7], step[8]
    middle = product + share * (0.5 * math.pi)
    for lane in range(count):
        c = k[lane] * li * ri[lane]
        s = math.sqrt(abs((1.0 - c) * (1.0 + c)))
        slope = middle + share * (c * angle_ratio(s))
        theta[lane] *= slope
        k[lane] = slope * k[lane] + share * lr * (rr[lane] * s)


@njit(**WITHIN)
def _erf(k, theta, step, li, ri, count):
    for lane in range(count):  # the points' 1 / norm is sqrt(2 / (1 + 2 q)) here
        both = li * ri[lane]
        c = k[lane] * both
        s = math.sqrt(abs((1.0 - c) * (1.0 + c)))
        k[lane] = (2.0 / math.pi) * (c * angle_ratio(s))
        theta[lane] *= (2.0 / math.pi) * both / s


@njit(**WITHIN)
def _gelu(k, theta, step, li, lr, ri, rr, count):
    for lane in range(count):  # the points' 1 / norm is 1 / sqrt(1 + q), their norm is q
        before, roots = k[lane], li * ri[lane]
        c = before * roots
        s = math.sqrt(abs((1.0 - c) * (1.0 + c)))
        area = 0.25 + c * angle_ratio(s) / (2.0 * math.pi)
        root = roots / s  # 1 / sqrt(D)
        both = li * li + ri[lane] * ri[lane]
        moment = lr * rr[lane] - before * before + before * before * both
        theta[lane] *= area + before * root / math.pi * (0.5 + 0.5 * moment * root * root + both - 1.0)
        k[lane] = before * area + moment * root / (2.0 * math.pi)
