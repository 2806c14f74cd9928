"""The compiled loop over pairs of images: one image with several others at a time, a family of positions after another.

Arrays hold pairs of positions times lanes, the lanes being the other images. Point data of the first image are repeated
over the lanes, so that every loop runs over consecutive numbers. All loops release the interpreter lock.
"""
# longer than most files: the loops are inlined into one another by the compiler, which caches them file by file

import math

import numpy as np
from numba import njit

from theodolite.infinite_width.routes.image_steps import ADD, CONV, DENSE, KEEP, NORM
from theodolite.infinite_width.routes.tiles import LANES, OUTER, WITHIN
from theodolite.infinite_width.routes.tiles_layers import ERF, GELU, LINEAR, PIECEWISE, angles

PRODUCT, SUM, INNER = range(3)
BUFFERS = 10  # of the length of a family, beside those for layers that are kept


@njit(**WITHIN)
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


@njit(**WITHIN)
def copied(source, target):
    """target[: len(source)] = source; loops compile in a tenth of the time that slices take."""
    for e in range(len(source)):
        target[e] = source[e]


@njit(**WITHIN)
def cleared(array):
    """array = 0."""
    for e in range(len(array)):
        array[e] = 0.0


@njit(**WITHIN)
def moved(runs, first, last, unit, source, target):
    """target = the sum over runs (out, in, count) of the source, in units of consecutive numbers."""
    begin = first
    if first < last and runs[first, 2] * unit == len(target):
        into = runs[first, 1] * unit
        b = source[into : into + len(target)]
        for e in range(len(target)):
            target[e] = b[e]
        begin = first + 1
    else:
        cleared(target)
    for r in range(begin, last):
        out, into, count = runs[r, 0] * unit, runs[r, 1] * unit, runs[r, 2] * unit
        a, b = target[out : out + count], source[into : into + count]
        for e in range(count):
            a[e] += b[e]


@njit(**WITHIN)
def window_sums(runs, along, across, row_level, into, into_row, lanes, source, middle, target):
    """The sums over windows along both axes; the levels before and after, along and across, begin with their pairs."""
    unit, row = row_level[0] * lanes, into_row[0] * lanes
    moved(runs, along[0], along[1], unit, source, middle[: into[0] * unit])
    for line in range(into[0]):
        moved(runs, across[0], across[1], lanes, middle[line * unit :], target[line * row : (line + 1) * row])


@njit(**WITHIN)
def added(runs, along, across, before, after, lanes, source, target):
    """Add a kept layer, whose pairs may be more."""
    for r in range(along[0], along[1]):
        for q in range(runs[r, 2]):
            out, into = (runs[r, 0] + q) * after, (runs[r, 1] + q) * before
            for s in range(across[0], across[1]):
                one, two, count = (out + runs[s, 0]) * lanes, (into + runs[s, 1]) * lanes, runs[s, 2] * lanes
                a, b = target[one : one + count], source[two : two + count]
                for e in range(count):
                    a[e] += b[e]


@njit(**WITHIN)
def weighted(k, theta, weight, bias, rate):
    """The moments above a layer of weights."""
    for e in range(len(k)):
        value = weight * k[e] + bias
        theta[e] = weight * theta[e] + rate * value
        k[e] = value


@njit(**WITHIN)
def activated(kind, numbers, k, theta, inverse, norm, squares, mean, work):
    """The moments above an activation; inverse, norm: of both points; mean: of both; squares: of the inverses."""
    square, cross, shift, product, share = numbers[0], numbers[1], numbers[2], numbers[3], numbers[4]
    cosine, sine, arcsine = work[0], work[1], work[2]
    for start in range(0, len(k), LANES):
        count = min(LANES, len(k) - start)
        here = slice(start, start + count)
        c, t, inv = k[here], theta[here], inverse[here]
        for e in range(count):
            cosine[e] = c[e] * inv[e]
        angles(cosine, sine, arcsine, count)
        if kind == PIECEWISE:  # loops that write one array each: others would not be vectorised
            length = norm[here]
            for e in range(count):
                arcsine[e] = product + share * (0.5 * math.pi + arcsine[e])
            for e in range(count):
                c[e] = square * (arcsine[e] * c[e] + share * (length[e] * sine[e])) + shift
            for e in range(count):
                t[e] = square * arcsine[e] * t[e]
        elif kind == ERF:
            for e in range(count):
                c[e] = square * ((2.0 / math.pi) * arcsine[e]) + shift
            for e in range(count):
                t[e] = square * ((2.0 / math.pi) * inv[e] / sine[e]) * t[e]
        else:
            length, both = norm[here], squares[here]
            for e in range(count):
                arcsine[e] = 0.25 + arcsine[e] / (2.0 * math.pi)  # the area
            for e in range(count):
                sine[e] = inv[e] / sine[e]  # 1 / sqrt(D)
            for e in range(count):
                cosine[e] = length[e] - c[e] * c[e] + c[e] * c[e] * both[e]  # the moment
            for e in range(count):
                part = 0.5 + 0.5 * cosine[e] * sine[e] * sine[e] + both[e] - 1.0
                t[e] = square * (arcsine[e] + c[e] * sine[e] / math.pi * part) * t[e]
            for e in range(count):
                c[e] = square * (c[e] * arcsine[e] + cosine[e] * sine[e] / (2.0 * math.pi)) + shift
        if cross != 0.0:
            means = mean[here]
            for e in range(count):
                c[e] += means[e]


@njit(**WITHIN)
def exactly(places, along, across, exact, step, lanes, lane, row, k, theta, before):
    """Write the moments where both points and both positions are one; before: theta below the activation."""
    start, width, size = step[4], step[5], step[6]
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


@njit(**WITHIN)
def loaded(places, along, across, source, height, width, many, lanes, row, out):
    """The pairs of a family from a state (pairs along, pairs across, lanes); many: its pairs across."""
    for r in range(along[0], along[1]):
        for q in range(places[r, 3]):
            line = ((places[r, 1] + q) * height + places[r, 2] + q) * many
            base = (places[r, 0] + q) * row
            for s in range(across[0], across[1]):
                for v in range(places[s, 3]):
                    one = (base + places[s, 0] + v) * lanes
                    two = (line + (places[s, 1] + v) * width + places[s, 2] + v) * lanes
                    a, b = out[one : one + lanes], source[two : two + lanes]
                    for e in range(lanes):
                        a[e] = b[e]


@njit(**WITHIN)
def pooled(joins, along, across, source, row, scale, lanes, wide, state):
    """Add the pairs of a family to the pairs of outputs they join."""
    for r in range(along[0], along[1]):
        for s in range(across[0], across[1]):
            one, two = (joins[r, 1] * wide + joins[s, 1]) * lanes, (joins[r, 0] * row + joins[s, 0]) * lanes
            a, b = state[one : one + lanes], source[two : two + lanes]
            for e in range(lanes):
                a[e] += scale * b[e]


@njit(**WITHIN)
def point_step(places, step, numbers, left, right, exact, lane, lanes, along, across, k, theta, work, angle_work):
    """An activation or a layer norm: steps that need to know the points."""
    kind, size = step[0], len(k)
    products = 1 if kind == ERF else 2
    sums = (kind == GELU) + (kind != NORM and numbers[1] != 0.0)
    for part in range(products + sums):  # into work[5:], the inverse, the norm or mean, and what is added
        both_points(places, along, across[1:], left, right, step[3] + part * step[6], step[5], lanes, across[0],
                    PRODUCT if part < products else SUM, work[5 + part])  # fmt: skip
    inverse, norm = work[5, :size], work[6, :size]
    if kind == NORM:
        for e in range(size):
            k[e] = (k[e] - norm[e]) * inverse[e]
            theta[e] *= inverse[e]
        return
    if lane >= 0:
        copied(theta, work[9])
    activated(kind, numbers, k, theta, inverse, norm, work[7, :size], work[4 + products + sums, :size], angle_work)
    if lane >= 0:
        exactly(places, along, across[1:], exact, step, lanes, lane, across[0], k, theta, work[9])


@njit(**OUTER)
def through(tables, number, left, right, exact, lane, lanes, channels, tangent, before, after, work, angle_work):
    """The state after a segment, (2, pairs of positions * lanes), from the one before it (or from images)."""
    segment, parts = tables.segments[number], 2 if tangent else 1
    cleared(after[0])
    cleared(after[1])
    wide, many = tables.states[number + 1, 1], tables.states[number, 1]  # pairs across
    height, width = int(math.sqrt(tables.states[number, 0]) + 0.5), int(math.sqrt(many) + 0.5)
    for f in range(segment[2]):
        for g in range(segment[6]):
            level_f, level_g = segment[3] + f * segment[10], segment[7] + g * segment[10]
            move_f, move_g = segment[4] + f * segment[11], segment[8] + g * segment[11]
            along, across = tables.levels[level_f], tables.levels[level_g]
            size, kept, now, fed = along[0] * across[0] * lanes, 0, 0, tangent and number > 0
            cleared(work[1, :size])
            if number == 0:
                for channel in range(channels):
                    both_points(tables.places, along[1:], across[1:], left, right, channel * height * width, width,
                                lanes, across[0], INNER if channel else PRODUCT, work[0])  # fmt: skip
            else:
                for part in range(parts):
                    loaded(tables.places, along[1:], across[1:], before[part], height, width, many, lanes, across[0],
                           work[part])  # fmt: skip
            for at in range(segment[0], segment[1]):
                step, numbers = tables.steps[at], tables.numbers[at]
                kind = step[0]
                if kind == CONV:
                    into_along, into_across = tables.levels[level_f + step[1]], tables.levels[level_g + step[1]]
                    runs_f, runs_g = tables.moves[move_f + step[2]], tables.moves[move_g + step[2]]
                    for part in range(parts if fed else 1):
                        window_sums(
                            tables.runs, runs_f, runs_g, across, into_along, into_across, lanes,
                            work[now + part], work[4], work[2 - now + part],
                        )  # fmt: skip
                    along, across, now = into_along, into_across, 2 - now
                    size = along[0] * across[0] * lanes
                    if not fed:
                        cleared(work[now + 1, :size])
                k, theta = work[now, :size], work[now + 1, :size]
                if kind in (CONV, DENSE):
                    weighted(k, theta, numbers[0], numbers[1], numbers[2])
                    fed = tangent
                elif kind == LINEAR:
                    weighted(k, theta, numbers[0], numbers[2], 0.0)
                elif kind == KEEP:
                    copied(k, work[BUFFERS + kept])
                    copied(theta, work[BUFFERS + kept + 1])
                    kept += 2
                elif kind == ADD:
                    kept -= 2
                    runs_f, runs_g = tables.moves[move_f + step[2]], tables.moves[move_g + step[2]]
                    own = tables.levels[level_g + step[3]][0]
                    for part in range(parts):
                        added(tables.runs, runs_f, runs_g, own, across[0], lanes, work[BUFFERS + kept + part],
                              work[now + part])  # fmt: skip
                else:
                    point_step(tables.places, step, numbers, left, right, exact, lane, lanes, along[1:],
                               across, k, theta, work, angle_work)  # fmt: skip
            joins_f, joins_g = tables.targets[segment[5] + f], tables.targets[segment[9] + g]
            for part in range(parts):
                pooled(tables.joins, joins_f, joins_g, work[now + part], across[0], tables.scales[number], lanes, wide,
                       after[part])  # fmt: skip


@njit(**WITHIN)
def repeated(data, lanes, out):
    """Each number `lanes` times."""
    for p in range(len(data)):
        for lane in range(lanes):
            out[p * lanes + lane] = data[p]


@njit(**WITHIN)
def narrowed(block, lanes, few, out):
    """The first few lanes of a block."""
    for p in range(len(block) // lanes):
        a, b = out[p * few : (p + 1) * few], block[p * lanes : p * lanes + few]
        for lane in range(few):
            a[lane] = b[lane]


@njit(**OUTER)
def pair_rows(
    rows, corner, tables, channels, most, depth, lanes, left, right, exact, symmetric, tangent, wanted, nngp, ntk
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
    states = np.empty((2, 2, biggest * lanes))
    spread, narrow = np.empty(numbers * lanes), np.empty(numbers * lanes)
    last = len(tables.segments)
    for i in range(rows[0], rows[1]):
        stop, held = min(count, i + 1 - corner[1]) if symmetric else count, 0
        for j in range(0, stop, lanes):
            here = min(lanes, count - j)
            block = right[j * numbers : (j + here) * numbers]
            if stop - j < here:  # past the diagonal
                narrowed(block, here, stop - j, narrow)
                here = stop - j
                block = narrow[: here * numbers]
            if here != held:
                repeated(left[i - corner[0]], here, spread)
                held = here
            first = j + corner[1]
            lane = i - first if symmetric and first <= i < first + here else -1
            for number in range(last):
                through(tables, number, spread, block, exact[i - corner[0]], lane, here, channels, tangent,
                        states[number % 2], states[(number + 1) % 2], work, angle_work)  # fmt: skip
            found = states[last % 2]
            for lane in range(here):
                if wanted[0]:
                    nngp[i, first + lane] = found[0, lane]
                    if symmetric:
                        nngp[first + lane, i] = found[0, lane]
                if wanted[1]:
                    ntk[i, first + lane] = found[1, lane]
                    if symmetric:
                        ntk[first + lane, i] = found[1, lane]


def own_states(points, number, tables, channels, most, depth, data, exact, tangent, before, after):
    """after[i] = the state of image i with itself after a segment, (2, pairs of positions), from before[i]."""
    work, angle_work = np.empty((BUFFERS + 2 * depth, most)), np.empty((3, LANES))
    for i in range(points[0], points[1]):
        through(tables, number, data[i], data[i], exact[i], 0, 1, channels, tangent, before[i], after[i],
                work, angle_work)  # fmt: skip
