"""What single images bring to the kernels of pairs: variances at each position and layer, by the plain rules."""

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from theodolite.architectures import Activation, Flatten
from theodolite.infinite_width.duals.dual import dual
from theodolite.infinite_width.routes.image_steps import ADD, KEEP, NORM, Segment, Step
from theodolite.infinite_width.routes.image_tables import ImagePlan
from theodolite.infinite_width.routes.layer_table import inner_activation
from theodolite.infinite_width.routes.tiles_layers import ERF, GELU, LINEAR, PIECEWISE
from theodolite.infinite_width.rules.common import next_moments
from theodolite.infinite_width.rules.moments import UNKNOWN, Moments

OwnStates = Callable[[int, np.ndarray, np.ndarray, np.ndarray], np.ndarray]


def point_data(
    plan: ImagePlan, images: np.ndarray, states: OwnStates, whole: bool
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(data (n, rows), exact (n, exact), last state): what the compiled loop reads of single images.

    Args: images (n, *positions, channels); states(segment, data, exact, state), the moments (n, 2, pairs of positions)
        of each image with itself after a segment, from those before it; whole, whether the last are wanted.
    Raises: NoInfiniteWidthLimit, as the rules do.
    """
    n, segments = len(images), plan.segments
    data, exact = np.zeros((n, plan.rows)), np.zeros((n, plan.exact))
    channels = images.reshape(n, -1, plan.channels).transpose(0, 2, 1).reshape(n, -1) / math.sqrt(plan.channels)
    data[:, : channels.shape[1]] = channels
    own, state, at = np.sum(channels.reshape(n, plan.channels, -1) ** 2, axis=1), np.zeros((n, 2, 0)), 0
    moments = _moments(own, segments[0])
    last = max((k for k, part in enumerate(segments) if _has_activations(part)), default=-1)
    for number, segment in enumerate(segments if whole else segments[: last + 1]):
        kept: list[Moments] = []
        for step in segment.steps:
            moments = _after(step, moments, kept, data, exact, plan.tables.steps[at])
            at += 1
        if whole or number < last:
            state = states(number, data, exact, state)
        if number < last:
            own = state[:, 0, plan.places(number + 1)]
            moments = _pooled(segment, moments, _moments(own, segments[number + 1]))
    return data, exact, state


def _has_activations(segment: Segment) -> bool:
    return any(step.kind in (LINEAR, PIECEWISE, ERF, GELU, NORM) for step in segment.steps)


def _moments(own: np.ndarray, segment: Segment) -> Moments:
    """The moments of points with themselves, at single positions."""
    own = own.reshape(len(own), *segment.positions)
    return Moments(own, None, own, own, segment.positions, False, None, False)


def _pooled(segment: Segment, before: Moments, after: Moments) -> Moments:
    mean = None if before.mean_left is None else UNKNOWN
    gaussian = before.gaussian and (not isinstance(segment.end, Flatten) or math.prod(segment.ended) == 1)
    return replace(after, mean_left=mean, mean_right=mean, gaussian=gaussian, weighted=before.weighted)


def _after(
    step: Step, moments: Moments, kept: list[Moments], data: np.ndarray, exact: np.ndarray, row: np.ndarray
) -> Moments:
    """The moments after a step; what pairs will need of it is written to `data` and `exact`, from the row's places."""
    if step.kind == KEEP:
        kept.append(moments)
        return moments
    if step.kind == ADD:  # of a branch that ends with weights
        first = kept.pop()
        own = first.nngp + moments.nngp
        return replace(first, nngp=own, left=own, right=own, gaussian=first.gaussian and moments.gaussian)
    assert step.node is not None
    if step.kind == NORM:
        return _normalised(step, moments, _put(data, row[3], row[6]))
    if not isinstance(step.node, Activation):
        return next_moments(step.node, moments, iter((1.0,)))
    if not moments.gaussian:
        return next_moments(step.node, moments, iter(()))  # names the error
    q, of = moments.nngp, dual(step.node)
    put = _put(data, row[3], row[6])
    if step.kind == PIECEWISE:
        norm = np.sqrt(q)
        put(np.divide(1.0, norm, out=np.zeros_like(norm), where=norm > 0))
        put(norm)
    elif step.kind == ERF:
        put(np.sqrt(2.0 / (1.0 + 2.0 * q)))
    elif step.kind == GELU:
        put(1.0 / np.sqrt(1.0 + q))
        put(q)
        put(1.0 / (1.0 + q))
    if step.kind in (PIECEWISE, GELU) and step.numbers[1]:
        put(step.numbers[1] * dual(inner_activation(step.node)[0]).mean(q))
    own = of.square(q)
    if row[4] >= 0:
        put = _put(exact, row[4], row[6])
        put(own)
        put(of.slope_square(q))
    mean = of.mean(q)
    return replace(moments, nngp=own, left=own, right=own, mean_left=mean, mean_right=mean, gaussian=False)


def _normalised(step: Step, moments: Moments, put: Callable[[np.ndarray], None]) -> Moments:
    mean = moments.mean_left
    assert step.node is not None
    after = next_moments(step.node, moments, iter(()))
    centred = moments.nngp - (0.0 if mean is None else mean**2)
    with np.errstate(divide="ignore"):
        put(1.0 / np.sqrt(centred))
    put(np.zeros_like(centred) if mean is None else mean)
    return after


def _put(table: np.ndarray, start: int, size: int) -> Callable[[Any], None]:
    """A function that writes one number a position, row of numbers after row."""
    place = int(start)

    def write(values: np.ndarray) -> None:
        nonlocal place
        table[:, place : place + size] = values.reshape(len(table), -1)
        place += int(size)

    return write
