"""Families of pairs of positions that convolutions keep apart, along one axis, and where each pair reads from."""

from dataclasses import dataclass

import numpy as np

from theodolite.infinite_width.routes.image_steps import ADD, KEEP, Axis, Segment


@dataclass(frozen=True)
class Family:
    """Pairs (a, b) of positions: `levels`, the pairs after each convolution, the first before any, (pairs, 2);
    `moves`, for each CONV and ADD in turn, the runs (out, in, length) of pairs to be added up; `targets` (t, 2), which
    of the last pairs joins which pair, numbered a * outputs + b, of the pooling's outputs.
    """

    levels: list[np.ndarray]
    moves: list[np.ndarray]
    targets: np.ndarray


class AxisFamilies:
    """The families of a segment along one axis.

    `wanted`: the pairs that are needed after its pooling, as numbers a * outputs + b; `needed` becomes those that are
    needed before its first step.
    """

    def __init__(self, segment: Segment, axis: int, wanted: np.ndarray, memo: dict) -> None:
        self.memo = memo
        self.steps: list[Axis | int] = []  # what changes the pairs
        for step in segment.steps:
            if step.axes is not None:
                self.steps.append(step.axes[axis])
            elif step.kind in (KEEP, ADD):
                self.steps.append(step.kind)
        self.sizes = [segment.positions[axis]]
        self.sizes += [step.outputs for step in self.steps if isinstance(step, Axis)]
        circular = any(isinstance(step, Axis) and step.circular for step in self.steps)
        window, stride, outputs = segment.windows[axis], segment.strides[axis], segment.outputs[axis]
        pairs, targets = _pooled(wanted, window, stride, outputs, self.sizes[-1], segment.diagonal)
        shift = pairs // self.sizes[-1] - pairs % self.sizes[-1]
        if circular:
            shift %= self.sizes[-1]
        order = np.argsort(shift, kind="stable")
        self.families = []
        for mine in np.split(order, np.flatnonzero(np.diff(shift[order])) + 1):
            own, place = np.unique(pairs[mine], return_inverse=True)
            self.families.append(self._family(own, np.stack([place, targets[mine]], axis=1)))
        size = self.sizes[0]
        starts = [family.levels[0] @ np.array([size, 1]) for family in self.families]
        self.needed = np.unique(np.concatenate(starts))

    def _family(self, last: np.ndarray, targets: np.ndarray) -> Family:
        levels = [last]  # a branch reads all pairs it is added to: its windows, without strides, hold their own place
        for step in reversed(self.steps):
            if isinstance(step, Axis):
                levels.insert(0, self._read_by(step, levels[0]))
        moves, level, kept = [], 0, []
        for step in self.steps:
            if isinstance(step, Axis):
                moves.append(self._runs(step, levels[level], levels[level + 1]))
                level += 1
            elif step == KEEP:
                kept.append(levels[level])
            else:
                moves.append(self._runs(None, kept.pop(), levels[level]))
        pairs = [np.stack(np.divmod(codes, size), axis=1) for codes, size in zip(levels, self.sizes, strict=True)]
        return Family(pairs, moves, targets)

    def _read_by(self, step: Axis, codes: np.ndarray) -> np.ndarray:
        key = (step, codes.tobytes())
        if key not in self.memo:
            self.memo[key] = np.unique(np.concatenate([source[inside] for source, inside in sources(step, codes)]))
        return self.memo[key]

    def _runs(self, step: Axis | None, before: np.ndarray, after: np.ndarray) -> np.ndarray:
        key = (step, before.tobytes(), after.tobytes())
        if key not in self.memo:
            read = [(after, np.ones(len(after), dtype=bool))] if step is None else sources(step, after)
            parts = [runs(np.flatnonzero(inside), np.searchsorted(before, source[inside])) for source, inside in read]
            found = np.concatenate(parts)
            self.memo[key] = found[np.argsort(-found[:, 2], kind="stable")]  # the longest may write, the others add
        return self.memo[key]


def sources(step: Axis, codes: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """For each offset of the window: the pairs that pairs of outputs read, and which of them lie inside.

    >>> sources(Axis(3, 2, 1, 0, 3, False), np.array([0, 4, 8]))[1]
    (array([ 4,  8, 12]), array([ True,  True, False]))
    """
    places = np.stack(np.divmod(codes, step.outputs))
    found = []
    for offset in range(step.window):
        read = places * step.stride - step.before + offset
        if step.circular:
            read %= step.size
        inside = ((read >= 0) & (read < step.size)).all(axis=0)
        found.append((read[0] * step.size + read[1], inside))
    return found


def runs(out: np.ndarray, source: np.ndarray) -> np.ndarray:
    """Rows (out, source, length) where both indices go on by one.

    >>> runs(np.array([0, 1, 3]), np.array([4, 5, 6])).tolist()
    [[0, 4, 2], [3, 6, 1]]
    """
    if not len(out):
        return np.zeros((0, 3), dtype=np.int64)
    begins = np.concatenate([[0], 1 + np.flatnonzero((np.diff(out) != 1) | (np.diff(source) != 1))])
    lengths = np.diff(np.append(begins, len(out)))
    return np.stack([out[begins], source[begins], lengths], axis=1)


def _pooled(
    wanted: np.ndarray, window: int, stride: int, outputs: int, size: int, diagonal: bool
) -> tuple[np.ndarray, np.ndarray]:
    """(pairs, target): each pair of positions that a wanted pair of a pooling adds up, and that one."""
    first, second = np.divmod(wanted, outputs)
    offset = np.arange(window)
    a, b = np.broadcast_arrays(offset[:, None], offset)
    if diagonal:
        a, b = offset, offset
    rows = first[:, None] * stride + a.reshape(-1)
    columns = second[:, None] * stride + b.reshape(-1)
    return (rows * size + columns).reshape(-1), np.repeat(wanted, a.size)
