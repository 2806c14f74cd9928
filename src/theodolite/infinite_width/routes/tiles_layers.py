"""The layers of a fully connected network, one after the other, on tiles of pairs that stay in the cache.

For points of any norms and layers with any biases, as long as every activation has one of the closed forms below.
Angles come from the sine s: arcsin(c) / c is analytic in s from 0 to 1, so that one root is all that is taken.
"""

import math

import numpy as np
from numba import njit
from numpy.polynomial import chebyshev

from theodolite.infinite_width.routes.tiles import LANES, SIDE, write

LINEAR, PIECEWISE, ERF, GELU = range(4)  # activation kinds
# a step: kind, weight_std^2 and bias_std^2 and rate of the dense layer above, scale^2, scale * shift, shift^2, and for
# PIECEWISE below * above and (above - below)^2 / 2 pi
STEP = 9


def _arcsine_terms(count: int = 20) -> np.ndarray:
    """Coefficients in t = 2 s - 1 of arcsin(c) / c = arccos(s) / sqrt(1 - s^2), s in [0, 1]."""
    angle = np.pi * (np.arange(count, dtype=np.longdouble) + 0.5) / count  # long: in double two digits go
    t = np.cos(angle)
    c = np.sqrt((1 - t) * (3 + t)) / 2
    series = 2 / np.longdouble(count) * np.cos(np.arange(count)[:, None] * angle) @ (np.arcsin(c) / c)
    series[0] /= 2
    return chebyshev.cheb2poly(series).astype(float)


ARCSINE = _arcsine_terms()


@njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract"})
def angles(cosine, sine, arcsine, terms, count):
    """sine[:count] = sqrt(1 - c^2) and arcsine[:count] = arcsin c, from the cosines c."""
    for lane in range(count):
        c = cosine[lane]
        s = math.sqrt(abs((1.0 - c) * (1.0 + c)))
        sine[lane] = s
        t = 2.0 * s - 1.0
        value = (terms[19] * t + terms[18]) * t + terms[17]
        value = ((value * t + terms[16]) * t + terms[15]) * t + terms[14]
        value = ((value * t + terms[13]) * t + terms[12]) * t + terms[11]
        value = ((value * t + terms[10]) * t + terms[9]) * t + terms[8]
        value = ((value * t + terms[7]) * t + terms[6]) * t + terms[5]
        value = ((value * t + terms[4]) * t + terms[3]) * t + terms[2]
        value = (value * t + terms[1]) * t + terms[0]
        arcsine[lane] = c * value


@njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract"})
def layer_rows(inner, rows, steps, first, left, right, terms, mirrored, want_nngp, want_ntk, nngp, ntk):
    """Fill rows[0]..rows[1] of nngp, and of ntk, as wanted.

    first: weight_std^2, bias_std^2 and rate of the lowest dense layer. steps (l, STEP); left (l, 3, n) and right
    (l, 3, m): for each step the points' 1 / norm, norm and mean of the activation, in the sense of its kind.
    """
    k, theta = np.empty(LANES), np.empty(LANES)
    cosine, sine, arcsine = np.empty(LANES), np.empty(LANES), np.empty(LANES)
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
                    rm = right[layer, 2, start : start + count]
                    if step[0] == LINEAR:
                        _linear(k, theta, step, count)
                        continue
                    for lane in range(count):
                        cosine[lane] = k[lane] * li * ri[lane]
                    angles(cosine, sine, arcsine, terms, count)
                    if step[0] == PIECEWISE:
                        _piecewise(k, theta, step, lr, lm, rr, rm, sine, arcsine, count)
                    elif step[0] == ERF:
                        _erf(k, theta, step, li, ri, sine, arcsine, count)
                    else:
                        _gelu(k, theta, step, li, lr, lm, ri, rr, rm, sine, arcsine, count)
                if want_nngp:
                    held_nngp[i - top, :count] = k[:count]
                if want_ntk:
                    held_ntk[i - top, :count] = theta[:count]
            if want_nngp:
                write(held_nngp, nngp, top, bottom, start, count, mirrored)
            if want_ntk:
                write(held_ntk, ntk, top, bottom, start, count, mirrored)


@njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract"})
def _piecewise(k, theta, step, lr, lm, rr, rm, sine, arcsine, count):
    weight, bias, rate, square, cross, shift, product, share = step[1:]
    for lane in range(count):
        slope = product + share * (0.5 * math.pi + arcsine[lane])
        value = slope * k[lane] + share * (lr * rr[lane] * sine[lane])
        value = weight * (square * value + cross * (lm + rm[lane]) + shift) + bias
        theta[lane] = weight * square * slope * theta[lane] + rate * value
        k[lane] = value


@njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract"})
def _erf(k, theta, step, li, ri, sine, arcsine, count):
    weight, bias, rate, square, _, shift, _, _ = step[1:]
    for lane in range(count):  # the points' 1 / norm is sqrt(2 / (1 + 2 q)) here
        slope = (2.0 / math.pi) * li * ri[lane] / sine[lane]
        value = weight * (square * ((2.0 / math.pi) * arcsine[lane]) + shift) + bias
        theta[lane] = weight * square * slope * theta[lane] + rate * value
        k[lane] = value


@njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract"})
def _gelu(k, theta, step, li, lr, lm, ri, rr, rm, sine, arcsine, count):
    weight, bias, rate, square, cross, shift, _, _ = step[1:]
    for lane in range(count):  # the points' 1 / norm is 1 / sqrt(1 + q), their norm is q
        c = k[lane]
        area = 0.25 + arcsine[lane] / (2.0 * math.pi)
        root = li * ri[lane] / sine[lane]  # 1 / sqrt(D)
        both = li * li + ri[lane] * ri[lane]
        moment = lr * rr[lane] - c * c + c * c * both
        value = c * area + moment * root / (2.0 * math.pi)
        slope = area + c * root / math.pi * (0.5 + 0.5 * moment * root * root + both - 1.0)
        value = weight * (square * value + cross * (lm + rm[lane]) + shift) + bias
        theta[lane] = weight * square * slope * theta[lane] + rate * value
        k[lane] = value


@njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract"})
def _linear(k, theta, step, count):
    weight, bias, rate = step[1], step[2], step[3]
    square, shift = step[4], step[6]
    for lane in range(count):
        value = weight * (square * k[lane] + shift) + bias
        theta[lane] = weight * square * theta[lane] + rate * value
        k[lane] = value
