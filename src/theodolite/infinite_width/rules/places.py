"""Sums over windows of positions, along one axis of places or along both places of a pair at once."""

from typing import Any

from array_api_compat import array_namespace


def cut(array: Any, axis: int, start: int, stop: int, step: int = 1) -> Any:
    """array[start:stop:step] along one axis, counted from the end."""
    index = [slice(None)] * array.ndim
    index[axis] = slice(start, stop, step)
    return array[tuple(index)]


def bordered(array: Any, axis: int, before: int, after: int, circular: bool) -> Any:
    """The array with zeros, or its own other end, before and after along one axis."""
    if before == after == 0:
        return array
    xp, size = array_namespace(array), array.shape[axis]
    if circular:
        parts = [cut(array, axis, size - before, size), array, cut(array, axis, 0, after)]
    else:
        parts = [_zeros(array, axis, before), array, _zeros(array, axis, after)]
    return xp.concat([part for part in parts if part.shape[axis]], axis=axis)


def dilated(array: Any, axis: int, stride: int, circular: bool) -> Any:
    """Zeros between the entries along one axis, stride - 1 after each; none after the last unless circular."""
    if stride == 1:
        return array
    xp, axis = array_namespace(array), axis % array.ndim
    wide = xp.expand_dims(array, axis=axis + 1)
    gaps = xp.zeros((*wide.shape[: axis + 1], stride - 1, *wide.shape[axis + 2 :]), dtype=array.dtype)
    flat = (*array.shape[:axis], array.shape[axis] * stride, *array.shape[axis + 1 :])
    spread = xp.reshape(xp.concat([wide, gaps], axis=axis + 1), flat)
    return spread if circular else cut(spread, axis, 0, flat[axis] - stride + 1)


def window_sums(array: Any, axes: tuple[int, ...], window: int, stride: int, outputs: int) -> Any:
    """sum over o < window of the array at p stride + o, the same o along all the axes."""
    total = None
    for offset in range(window):
        part = array
        for axis in axes:
            part = cut(part, axis, offset, offset + stride * (outputs - 1) + 1, stride)
        total = part if total is None else total + part
    return total


def place_axes(axis: int, axes: int, joint: bool) -> tuple[int, ...]:
    """The axes, counted from the end, along which position axis number `axis` runs: one, or two when joint."""
    return (axis - 2 * axes, axis - axes) if joint else (axis - axes,)


def _zeros(array: Any, axis: int, count: int) -> Any:
    shape = list(array.shape)
    shape[axis] = count
    return array_namespace(array).zeros(tuple(shape), dtype=array.dtype)
