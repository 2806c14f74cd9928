"""The segments of an architecture as flat tables of numbers, for the compiled loop over pairs of images."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from theodolite.architectures import Node
from theodolite.infinite_width.routes.image_families import AxisFamilies, Family
from theodolite.infinite_width.routes.image_steps import ADD, CONV, KEEP, NORM, Segment, Step, image_segments
from theodolite.infinite_width.routes.tiles_layers import ERF, GELU, PIECEWISE
from theodolite.numerics.errors import ShapeMismatch

EXACT = 2  # numbers an activation needs where both points and positions are one: its square and that of its slope


class Tables(NamedTuple):
    """What the compiled loop reads.

    segments (s, 12): first and last step; for each of the two axes the number of families, and the first rows in
    `levels`, `moves` and `targets`; levels and moves a family has. states (s + 1, 2): pairs of positions along
    each axis before a segment. scales (s,): of the poolings.
    steps (k, 7): kind, level, move (-1 for none), first row of point data and of exact values (-1), width and size of
    the positions; ADD has the level that was kept in place of point data. numbers (k, 5): as in `Step`.
    levels (f, 3): pairs, first and last of their runs in `places` (pair, a, b, length). moves (f, 2): first and last of
    their `runs` (out, in, length). targets (f, 2): first and last of their `joins` (pair, target).
    """

    segments: np.ndarray
    scales: np.ndarray
    states: np.ndarray
    steps: np.ndarray
    numbers: np.ndarray
    levels: np.ndarray
    places: np.ndarray
    moves: np.ndarray
    runs: np.ndarray
    targets: np.ndarray
    joins: np.ndarray


@dataclass(frozen=True)
class ImagePlan:
    """`rows`: numbers of point data; `exact`: of exact values; `pairs`: the most pairs of positions worked on at once;
    `depth`: how many layers are kept at once; `work`: steps of a pair of images, over all pairs of positions.
    """

    segments: tuple[Segment, ...]
    channels: int
    tables: Tables
    rows: int
    exact: int
    pairs: int
    depth: int
    work: int

    def places(self, segment: int) -> np.ndarray:
        """For each position p of a segment's input, the place of (p, p) in its state."""
        (height, width), across = self.segments[segment].positions, int(self.tables.states[segment, 1])
        return (np.arange(height)[:, None] * (height + 1) * across + np.arange(width) * (width + 1)).reshape(-1)


@lru_cache(maxsize=16)
def image_plan(net: Node, shape: tuple[int, ...], rates: tuple[float, ...] | None) -> ImagePlan | None:
    """How to compute the network on inputs (*positions, channels); None where the plain route has to."""
    try:
        segments = image_segments(net, shape, rates)
    except ShapeMismatch:
        return None  # the rules name the error
    if not segments:
        return None
    return _Builder(segments, shape[-1]).plan()


def step_rows(step: Step) -> int:
    """Numbers a step needs for each point and position."""
    if step.kind == NORM:
        return 2
    moved = step.kind in (PIECEWISE, GELU) and step.numbers[1] != 0.0
    return {PIECEWISE: 2, ERF: 1, GELU: 3}.get(step.kind, 0) + moved


class _Builder:
    def __init__(self, segments: Sequence[Segment], channels: int) -> None:
        self.parts = list(segments)
        self.channels = channels
        self.memo: dict = {}
        self.rows = channels * math.prod(segments[0].positions)
        self.lists: dict[str, list] = {name: [] for name in Tables._fields}
        self.counts = {"places": 0, "runs": 0, "joins": 0}
        self.pairs, self.depth, self.exact, self.work = 1, 0, 0, 0
        self.known: dict = {}  # where a table of runs already stands

    def plan(self) -> ImagePlan:
        families = self._families()
        lists = self.lists
        lists["states"] = [[size * size for size in part.positions] for part in self.parts] + [[1, 1]]
        for part, axes in zip(self.parts, families, strict=True):
            self._segment(part, axes)
        widths = {"segments": 12, "steps": 7, "numbers": 5, "levels": 3, "moves": 2, "targets": 2, "states": 2}
        arrays = {name: np.array(lists[name], dtype=np.int64).reshape(-1, width) for name, width in widths.items()}
        arrays["numbers"] = np.array(lists["numbers"], dtype=float).reshape(-1, 5)
        arrays["scales"] = np.array([part.scale for part in self.parts])
        for name, width in (("places", 4), ("runs", 3), ("joins", 2)):
            whole = np.concatenate([np.zeros((0, width), dtype=np.int64), *lists[name]])
            arrays[name] = np.ascontiguousarray(whole, dtype=np.int64)
        tables = Tables(**arrays)
        return ImagePlan(
            tuple(self.parts), self.channels, tables, self.rows, self.exact, self.pairs, self.depth, self.work
        )

    def _families(self) -> list[list[list[Family]]]:
        """For each segment and axis its families, found from the last segment on."""
        wanted, found = [np.zeros(1, dtype=np.int64)] * 2, []
        for part in reversed(self.parts):
            axes = [AxisFamilies(part, axis, wanted[axis], self.memo) for axis in (0, 1)]
            wanted = [axis.needed for axis in axes]
            found.append([axis.families for axis in axes])
        return found[::-1]

    def _segment(self, part: Segment, axes: list[list[Family]]) -> None:
        starts = []
        for families in axes:
            starts.append([len(families), *(len(self.lists[name]) for name in ("levels", "moves", "targets"))])
            for family in families:
                self.lists["levels"] += [[len(pairs), *self._places(pairs)] for pairs in family.levels]
                self.lists["moves"] += [self._put("runs", move) for move in family.moves]
                self.lists["targets"].append(self._put("joins", family.targets))
        first, levels, moves = len(self.lists["steps"]), len(axes[0][0].levels), len(axes[0][0].moves)
        positions, level, move = part.positions, 0, 0
        kept: list[int] = []
        for step in part.steps:
            own = -1
            if step.axes is not None:
                positions = (step.axes[0].outputs, step.axes[1].outputs)
                level += 1
            if step.kind in (CONV, ADD):
                own, move = move, move + 1
            if step.kind == KEEP:
                kept.append(level)
                self.depth = max(self.depth, len(kept))
            size, rows = math.prod(positions), step_rows(step)
            exact = self.exact if step.kind in (PIECEWISE, ERF, GELU) else -1
            first_row = kept.pop() if step.kind == ADD else self.rows
            self.lists["steps"].append([step.kind, level, own, first_row, exact, positions[1], size])
            self.lists["numbers"].append([*step.numbers, *[0.0] * (5 - len(step.numbers))])
            self.rows += rows * size
            self.exact += EXACT * size * (exact >= 0)
            sums = [sum(len(family.levels[level]) for family in families) for families in axes]
            self.work += sums[0] * sums[1]
        most = [max(len(pairs) for family in families for pairs in family.levels) for families in axes]
        self.pairs = max(self.pairs, most[0] * most[1])
        self.lists["segments"].append([first, len(self.lists["steps"]), *starts[0], *starts[1], levels, moves])

    def _places(self, pairs: np.ndarray) -> list[int]:
        breaks = np.diff(pairs, axis=0) != 1  # a run goes on in both positions
        begins = np.concatenate([[0], np.flatnonzero(breaks.any(axis=1)) + 1])
        lengths = np.diff(np.append(begins, len(pairs)))
        found = np.stack([begins, pairs[begins, 0], pairs[begins, 1], lengths], axis=1)
        return self._put("places", found)

    def _put(self, name: str, rows: np.ndarray) -> list[int]:
        key = (name, rows.tobytes())
        if key not in self.known:
            start = self.counts[name]
            self.lists[name].append(rows)
            self.counts[name] += len(rows)
            self.known[key] = [start, start + len(rows)]
        return self.known[key]
