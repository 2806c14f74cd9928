"""The compiled loop over pairs of images: one image with several others at a time, a family of positions after another.

Arrays hold pairs of positions times lanes, the lanes being the other images. Point data of the first image are repeated
over the lanes, so that every loop runs over consecutive numbers. All loops release the interpreter lock.
"""

import math

import numpy as np
from numba import njit

from theodolite.infinite_width.image_steps import ADD, CONV, DENSE, KEEP, NORM
from theodolite.infinite_width.tiles import LANES
from theodolite.infinite_width.tiles_layers import ERF, GELU, LINEAR, PIECEWISE, angles

PRODUCT, SUM, INNER = range(3)
BUFFERS = 10  # of the length of a family, beside those for layers that are kept
_FAST = {"cache": True, "nogil": True, "error_model": "numpy", "fastmath": {"contract"}}


@njit(**_FAST)
def both_points(places, along, across, left, right, start, width, lanes, row, how, out):
    """out = left(p) right(p'), or left(p) + right(p'), or out + left(p) right(p'), for all pairs of a family.

    along, across: first and last of the runs of its pairs in `places`; row: pairs across.
    """
    for r in range(along[0], along[1]):
        for q in range(places[r, 3]):
            base = (places[r, 0] + q) * row
            one, two = start + (places[r, 1] + q) * width, start + (places[r, 2] + q) * width
            for s in range(across[0], across[1]):
                o, count = (base + places[s, 0]) * lanes, places[s, 3] * lanes
                target = out[o : o + count]
                a = left[(one + places[s, 1]) * lanes : (one + places[s, 1]) * lanes + count]
                b = right[(two + places[s, 2]) * lanes : (two + places[s, 2]) * lanes + count]
                if how == PRODUCT:
                    for e in range(count):
                        target[e] = a[e] * b[e]
                elif how == SUM:
                    for e in range(count):
                        target[e] = a[e] + b[e]
                else:
                    for e in range(count):
                        target[e] += a[e] * b[e]


@njit(**_FAST)
def moved(runs, first, last, unit, source, base, target, start, length):
    """target[start:][:length] = the sum over runs (out, in, count) of the source, in units of consecutive numbers."""
    begin = first
    if first < last and runs[first, 2] * unit == length:
        shift = base + runs[first, 1] * unit - start
        for e in range(start, start + length):
            target[e] = source[e + shift]
        begin = first + 1
    else:
        for e in range(start, start + length):
            target[e] = 0.0
    for r in range(begin, last):
        out, into, count = start + runs[r, 0] * unit, base + runs[r, 1] * unit, runs[r, 2] * unit
        a, b = target[out : out + count], source[into : into + count]
        for e in range(count):
            a[e] += b[e]


@njit(**_FAST)
def window_sums(runs, along, across, before, after, lanes, source, middle, target):
    """The sums over windows along both axes; before, after: pairs along and across."""
    unit = before[1] * lanes
    moved(runs, along[0], along[1], unit, source, 0, middle, 0, after[0] * unit)
    row = after[1] * lanes
    for line in range(after[0]):
        moved(runs, across[0], across[1], lanes, middle, line * unit, target, line * row, row)


@njit(**_FAST)
def added(runs, along, across, before, after, lanes, source, target):
    """Add a kept layer, whose pairs may be more."""
    for r in range(along[0], along[1]):
        for q in range(runs[r, 2]):
            out, into = (runs[r, 0] + q) * after, (runs[r, 1] + q) * before
            for s in range(across[0], across[1]):
                a, b = (out + runs[s, 0]) * lanes, (into + runs[s, 1]) * lanes
                for e in range(runs[s, 2] * lanes):
                    target[a + e] += source[b + e]


@njit(**_FAST)
def weighted(k, theta, weight, bias, rate, tangent, size):
    """The moments above a layer of weights."""
    for e in range(size):
        k[e] = weight * k[e] + bias
    if tangent:
        for e in range(size):
            theta[e] = weight * theta[e] + rate * k[e]


@njit(**_FAST)
def activated(kind, numbers, k, theta, inverse, norm, mean, squares, work, terms, size):
    """The moments above an activation; inverse, norm: of both points; mean: of both; squares: of the inverses."""
    square, cross, shift, product, share = numbers
    cosine, sine, arcsine = work[0], work[1], work[2]
    for start in range(0, size, LANES):
        count = min(LANES, size - start)
        here = slice(start, start + count)
        c, t, inv = k[here], theta[here], inverse[here]
        for e in range(count):
            cosine[e] = c[e] * inv[e]
        angles(cosine, sine, arcsine, terms, count)
        if kind == PIECEWISE:
            length = norm[here]
            for e in range(count):
                slope = product + share * (0.5 * math.pi + arcsine[e])
                c[e] = square * (slope * c[e] + share * (length[e] * sine[e])) + shift
                t[e] = square * slope * t[e]
        elif kind == ERF:
            for e in range(count):
                c[e] = square * ((2.0 / math.pi) * arcsine[e]) + shift
                t[e] = square * ((2.0 / math.pi) * inv[e] / sine[e]) * t[e]
        else:
            length, both = norm[here], squares[here]
            for e in range(count):
                area = 0.25 + arcsine[e] / (2.0 * math.pi)
                root = inv[e] / sine[e]  # 1 / sqrt(D)
                moment = length[e] - c[e] * c[e] + c[e] * c[e] * both[e]
                slope = area + c[e] * root / math.pi * (0.5 + 0.5 * moment * root * root + both[e] - 1.0)
                c[e] = square * (c[e] * area + moment * root / (2.0 * math.pi)) + shift
                t[e] = square * slope * t[e]
        if cross != 0.0:
            means = mean[here]
            for e in range(count):
                c[e] += means[e]


@njit(**_FAST)
def exactly(places, along, across, exact, start, step, lanes, lane, row, k, theta, before):
    """Write the moments where both points and both positions are one; before: theta below the activation."""
    width, size = step[5], step[6]
    for r in range(along[0], along[1]):
        if places[r, 1] != places[r, 2]:
            continue
        for q in range(places[r, 3]):
            for s in range(across[0], across[1]):
                if places[s, 1] != places[s, 2]:
                    continue
                for v in range(places[s, 3]):
                    e = ((places[r, 0] + q) * row + places[s, 0] + v) * lanes + lane
                    p = start + (places[r, 1] + q) * width + places[s, 1] + v
                    k[e] = exact[p]
                    theta[e] = exact[p + size] * before[e]


@njit(**_FAST)
def loaded(places, along, across, source, sizes, width, lanes, row, out):
    """The pairs of a family from a state (pairs along, pairs across, lanes)."""
    height = sizes[2]
    for r in range(along[0], along[1]):
        for q in range(places[r, 3]):
            line = ((places[r, 1] + q) * height + places[r, 2] + q) * sizes[1]
            base = (places[r, 0] + q) * row
            for s in range(across[0], across[1]):
                for v in range(places[s, 3]):
                    a = (base + places[s, 0] + v) * lanes
                    b = (line + (places[s, 1] + v) * width + places[s, 2] + v) * lanes
                    for e in range(lanes):
                        out[a + e] = source[b + e]


@njit(**_FAST)
def pooled(joins, along, across, source, row, scale, lanes, wide, state):
    """Add the pairs of a family to the pairs of outputs they join."""
    for r in range(along[0], along[1]):
        for s in range(across[0], across[1]):
            a, b = (joins[r, 1] * wide + joins[s, 1]) * lanes, (joins[r, 0] * row + joins[s, 0]) * lanes
            for e in range(lanes):
                state[a + e] += scale * source[b + e]


@njit(**_FAST)
def through(tables, number, left, right, exact, lane, lanes, channels, tangent, terms, before, after, work, angle_work):
    """The state after a segment, (2, pairs of positions * lanes), from the one before it (or from images)."""
    segment, steps = tables.segments[number], tables.steps
    after[:] = 0.0
    sizes = np.empty(3, np.int64)
    sizes[:2] = tables.states[number]
    wide = tables.states[number + 1, 1]
    sizes[2] = int(math.sqrt(sizes[0]) + 0.5)
    width = int(math.sqrt(sizes[1]) + 0.5)
    for f in range(segment[2]):
        for g in range(segment[6]):
            level_f, level_g = segment[3] + f * segment[10], segment[7] + g * segment[10]
            move_f, move_g = segment[4] + f * segment[11], segment[8] + g * segment[11]
            along, across = tables.levels[level_f], tables.levels[level_g]
            k, theta, k_next, theta_next = work[0], work[1], work[2], work[3]
            size, kept = along[0] * across[0] * lanes, 0
            theta[:size] = 0.0
            if number == 0:
                k[:size] = 0.0
                area = sizes[2] * width
                for channel in range(channels):
                    both_points(
                        tables.places, along[1:], across[1:], left, right, channel * area, width, lanes, across[0],
                        INNER, k,
                    )  # fmt: skip
            else:
                loaded(tables.places, along[1:], across[1:], before[0], sizes, width, lanes, across[0], k)
                if tangent:
                    loaded(tables.places, along[1:], across[1:], before[1], sizes, width, lanes, across[0], theta)
            for at in range(segment[0], segment[1]):
                step, numbers = steps[at], tables.numbers[at]
                kind = step[0]
                if kind == CONV:
                    next_along, next_across = tables.levels[level_f + step[1]], tables.levels[level_g + step[1]]
                    runs_f, runs_g = tables.moves[move_f + step[2]], tables.moves[move_g + step[2]]
                    window_sums(tables.runs, runs_f, runs_g, (along[0], across[0]), (next_along[0], next_across[0]),
                                lanes, k, work[4], k_next)  # fmt: skip
                    k, k_next = k_next, k
                    if tangent:
                        window_sums(tables.runs, runs_f, runs_g, (along[0], across[0]), (next_along[0], next_across[0]),
                                    lanes, theta, work[4], theta_next)  # fmt: skip
                        theta, theta_next = theta_next, theta
                    along, across = next_along, next_across
                    size = along[0] * across[0] * lanes
                if kind in (CONV, DENSE):
                    weighted(k, theta, numbers[0], numbers[1], numbers[2], tangent, size)
                elif kind == KEEP:
                    work[BUFFERS + 2 * kept, :size] = k[:size]
                    work[BUFFERS + 2 * kept + 1, :size] = theta[:size]
                    kept += 1
                elif kind == ADD:
                    kept -= 1
                    runs_f, runs_g = tables.moves[move_f + step[2]], tables.moves[move_g + step[2]]
                    own = tables.levels[level_g + step[3]][0]
                    added(tables.runs, runs_f, runs_g, own, across[0], lanes, work[BUFFERS + 2 * kept], k)
                    added(tables.runs, runs_f, runs_g, own, across[0], lanes, work[BUFFERS + 2 * kept + 1], theta)
                elif kind == LINEAR:
                    weighted(k, theta, numbers[0], numbers[2], 0.0, tangent, size)
                else:
                    _point_step(tables, step, numbers, left, right, exact, lane, lanes, terms, along, across, size, k,
                                theta, work, angle_work)  # fmt: skip
            joins_f, joins_g = tables.targets[segment[5] + f], tables.targets[segment[9] + g]
            scale = tables.scales[number]
            pooled(tables.joins, joins_f, joins_g, k, across[0], scale, lanes, wide, after[0])
            if tangent:
                pooled(tables.joins, joins_f, joins_g, theta, across[0], scale, lanes, wide, after[1])


@njit(**_FAST)
def _point_step(
    tables, step, numbers, left, right, exact, lane, lanes, terms, along, across, size, k, theta, work, angle_work
):
    """An activation or a layer norm: steps that need to know the points."""
    kind, start, width, area, row = step[0], step[3], step[5], step[6], across[0]
    inverse, norm, mean, squares = work[5], work[6], work[7], work[8]
    places, f, g = tables.places, along[1:], across[1:]
    both_points(places, f, g, left, right, start, width, lanes, row, PRODUCT, inverse)
    start += area
    if kind != ERF:
        both_points(places, f, g, left, right, start, width, lanes, row, PRODUCT, norm)
        start += area
    if kind == NORM:
        for e in range(size):
            k[e] = (k[e] - norm[e]) * inverse[e]
            theta[e] *= inverse[e]
        return
    if kind == GELU:
        both_points(places, f, g, left, right, start, width, lanes, row, SUM, squares)
        start += area
    if numbers[1] != 0.0:
        both_points(places, f, g, left, right, start, width, lanes, row, SUM, mean)
    if lane >= 0:
        work[9, :size] = theta[:size]
    activated(kind, numbers, k, theta, inverse, norm, mean, squares, angle_work, terms, size)
    if lane >= 0:
        exactly(places, f, g, exact, step[4], step, lanes, lane, row, k, theta, work[9])


@njit(**_FAST)
def repeated(data, lanes, out):
    """Each number `lanes` times."""
    for p in range(len(data)):
        for lane in range(lanes):
            out[p * lanes + lane] = data[p]


@njit(**_FAST)
def pair_rows(
    rows, corner, tables, channels, most, depth, lanes, left, right, exact, symmetric, tangent, terms, wanted, nngp, ntk
):
    """Fill rows[0]..rows[1] of nngp and ntk, as `wanted` says, with the pairs of images that `left` and `right` hold.

    corner: the row and column of their first pair; left (n, numbers); right: blocks of `lanes` images, each
    (numbers, lanes). Where symmetric, only pairs at or below the diagonal are computed, and written to both places.
    """
    count, numbers = len(right) // left.shape[1], left.shape[1]
    work, angle_work = np.empty((BUFFERS + 2 * depth, most * lanes)), np.empty((3, LANES))
    biggest = 1
    for sizes in tables.states[1:]:
        biggest = max(biggest, sizes[0] * sizes[1])
    states, spread = np.empty((2, 2, biggest * lanes)), np.empty(numbers * lanes)
    last = len(tables.segments)
    for i in range(rows[0], rows[1]):
        stop, held = min(count, i + 1 - corner[1]) if symmetric else count, 0
        for j in range(0, stop, lanes):
            here = min(lanes, count - j)
            if here != held:
                repeated(left[i - corner[0]], here, spread)
                held = here
            first = j + corner[1]
            lane = i - first if symmetric and first <= i < first + here else -1
            block = right[j * numbers : (j + here) * numbers]
            for number in range(last):
                through(tables, number, spread, block, exact[i - corner[0]], lane, here, channels, tangent, terms,
                        states[number % 2], states[(number + 1) % 2], work, angle_work)  # fmt: skip
            found = states[last % 2]
            for lane in range(min(here, stop - j)):
                if wanted[0]:
                    nngp[i, first + lane] = found[0, lane]
                    if symmetric:
                        nngp[first + lane, i] = found[0, lane]
                if wanted[1]:
                    ntk[i, first + lane] = found[1, lane]
                    if symmetric:
                        ntk[first + lane, i] = found[1, lane]


@njit(**_FAST)
def own_states(points, number, tables, channels, most, depth, data, exact, tangent, terms, before, after):
    """after[i] = the state of image i with itself after a segment, (2, pairs of positions), from before[i]."""
    work, angle_work = np.empty((BUFFERS + 2 * depth, most)), np.empty((3, LANES))
    for i in range(points[0], points[1]):
        through(tables, number, data[i], data[i], exact[i], 0, 1, channels, tangent, terms, before[i], after[i],
                work, angle_work)  # fmt: skip
