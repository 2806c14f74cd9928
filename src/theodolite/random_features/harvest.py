"""One pass over rows: each block is encoded, turned into features and added up; parts of a pass add up too."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import numpy as np
import pandas as pd

from theodolite.kernel_regression.target_coding import Classes, Coding
from theodolite.numerics.errors import BadInput, NotFinite, ShapeMismatch
from theodolite.numerics.progress import Progress, silent
from theodolite.random_features.maps import FeatureMap
from theodolite.random_features.row_blocks import BLOCK_ROWS, Block, RowSource
from theodolite.random_features.row_sample import RowSample
from theodolite.random_features.staging import StagedMap
from theodolite.random_features.statistics import SufficientStatistics

KEPT_ROWS = 4096
MEASURED_ROWS = 16384  # of those held out; the risk on so many is known to about one per cent


@dataclass(frozen=True, eq=False)
class Recipe:
    """What is done to each block of a pass; it can be sent to another process.

    `target`, the column to predict; `encoder`, whose transform(frame) gives points (b, d); `coding`, whose
    encode(targets) gives columns (b, k); `maps`, feature maps, one for each model; `kept`, rows to keep as a sample;
    `leave_out`, whether rows without a target are left out (and counted) or refused.
    """

    target: str
    encoder: Any
    coding: Coding
    maps: tuple[FeatureMap, ...]
    kept: int = KEPT_ROWS
    seed: int = 0
    block_rows: int = BLOCK_ROWS
    leave_out: bool = False

    @cached_property
    def stages(self) -> tuple[StagedMap, ...]:
        """The maps, split where a part of them can wait until the rows are added up."""
        return tuple(StagedMap.of(one) for one in self.maps)

    @property
    def targets(self) -> int:
        """k."""
        return len(self.coding.mean)

    def nothing(self) -> "Harvest":
        """What a pass over no rows gives."""
        statistics = [SufficientStatistics.empty(stage.columns, self.targets) for stage in self.stages]
        dimensions = self.maps[0].input_shape[0]
        kept, held = (RowSample.empty(most, dimensions, self.targets) for most in (self.kept, MEASURED_ROWS))
        return Harvest(statistics, kept, held)

    @property
    def bytes(self) -> int:
        """Memory of a pass, about: maps, sums of each model, and a block of features with what it takes to make it."""
        sums = sum(8 * stage.columns**2 for stage in self.stages)
        maps = sum(array.nbytes for one in self.maps for array in one.arrays().values())
        return maps + sums + 3 * 8 * self.block_rows * max(stage.columns for stage in self.stages)

    def of(
        self, partition: Any, onto: "Harvest | None" = None, tell: Callable[[int], object] | None = None
    ) -> "Harvest":
        """The harvest of a partition, added in place onto another where one is given; `tell` hears of its rows.

        Rows that a block holds out enter no sum; a sample of them is kept to measure on.
        Raises: BadInput, NotFinite and ShapeMismatch naming the file, the block and the row.
        """
        total = self.nothing() if onto is None else onto
        random = self.random(partition.index)
        for block in partition.blocks(self.block_rows):
            present, columns = target_columns(self, block)
            points, priority, held = encoded(self, block), random.random(len(block.frame)), block.held
            if present is not None:
                total.left_out += int(len(present) - present.sum())
                points, priority = points[present], priority[present]
                held = None if held is None else held[present]
            if held is not None:
                total.held.offer(priority[held], points[held], columns[held])
                total.held_rows += int(held.sum())
                points, columns, priority = points[~held], columns[~held], priority[~held]
            try:
                total.add(self, points, columns, priority, number=block.number)
            except NotFinite as error:
                raise NotFinite(f"{block.place}: {error}") from error
            if tell is not None:
                tell(total.rows + total.held_rows)
        return total

    def random(self, index: int) -> np.random.Generator:
        """Draws the priorities of the rows of a partition, in their order."""
        return np.random.default_rng([self.seed, index])


@dataclass
class Harvest:
    """What a pass keeps: sufficient statistics for each model and a sample of the rows they are of; a sample of the
    rows that were held out, and how many these were; how many rows had no target."""

    statistics: list[SufficientStatistics]
    sample: RowSample
    held: RowSample
    held_rows: int = 0
    left_out: int = 0

    def add(
        self, recipe: Recipe, points: np.ndarray, columns: np.ndarray, priority: np.ndarray, *, number: int = 0
    ) -> Self:
        """Add encoded points (b, d), coded targets (b, k) and the rows' priorities (b,), in place.

        Cost: their features and, for each model, b P^2 operations.
        """
        for statistics, stage in zip(self.statistics, recipe.stages, strict=True):
            statistics.add_block(stage.raw(points), columns, number=number)
        self.sample.offer(priority, points, columns)
        return self

    def absorb(self, other: "Harvest") -> Self:
        """Add another part of the pass in place, and return the same object."""
        for mine, theirs in zip(self.statistics, other.statistics, strict=True):
            mine.absorb(theirs)
        self.sample.absorb(other.sample)
        self.held.absorb(other.held)
        self.held_rows += other.held_rows
        self.left_out += other.left_out
        return self

    def copy(self) -> "Harvest":
        """The same numbers in new arrays."""
        statistics = [one.copy() for one in self.statistics]
        return Harvest(statistics, self.sample.copy(), self.held.copy(), self.held_rows, self.left_out)

    @property
    def rows(self) -> int:
        """Rows added so far."""
        return self.statistics[0].rows

    def completed(self, recipe: Recipe) -> list[SufficientStatistics]:
        """The statistics of the complete features of each model."""
        return [stage.completed(one) for stage, one in zip(recipe.stages, self.statistics, strict=True)]


def gather(source: RowSource, recipe: Recipe, *, progress: Progress = silent) -> Harvest:
    """One pass over a source in this process.

    Raises: as `Recipe.of`; BadInput when no row has a target. Memory: P^2 numbers for each model and one block.
    """
    total, everything = recipe.nothing(), source.rows or 0
    for partition in source.partitions:
        recipe.of(partition, total, lambda rows: progress(rows if everything else 0, everything, f"{rows} rows"))
    return refuse_empty(total, source)


def refuse_empty(total: Harvest, source: RowSource) -> Harvest:
    """The harvest, or BadInput when there is nothing in it."""
    if total.rows < 2:
        lost = f" ({total.left_out} rows have no target)" if total.left_out else ""
        raise BadInput(f"{source.name} holds {total.rows} rows to learn from{lost}; at least two are needed")
    return total


def encoded(recipe: Recipe, block: Block) -> np.ndarray:
    """Points (b, d) of a block; errors of the encoder say which block it was."""
    frame = block.frame.drop(columns=recipe.target)
    try:
        points = np.ascontiguousarray(recipe.encoder.transform(frame), dtype=np.float64)
    except (BadInput, NotFinite, ShapeMismatch) as error:
        last = block.first_row + len(frame) - 1
        raise type(error)(
            f"block {block.number} of {block.place} (rows {block.first_row} to {last}; the first is 0): {error}"
        ) from error
    wrong = np.flatnonzero(~np.isfinite(points).all(axis=1))
    if wrong.size:
        raise NotFinite(
            f"{_columns_not_finite(frame, wrong[0])} in {block.row(int(wrong[0]))}, {wrong.size} such rows in that "
            "block; fill them in or leave those rows out"
        )
    return points


def target_columns(recipe: Recipe, block: Block) -> tuple[np.ndarray | None, np.ndarray]:
    """(mask of rows that have a target, or None when all have; coded columns (b, k) of those rows)."""
    column = pd.Series(block.frame[recipe.target])
    absent = np.asarray(column.isna(), dtype=bool)
    present = None
    if absent.any():
        if not recipe.leave_out:
            where = block.row(int(np.flatnonzero(absent)[0]))
            raise NotFinite(
                f"the target {recipe.target!r} is missing in {where}, {absent.sum()} such rows in that block; fill "
                "them in or leave those rows out"
            )
        present = ~absent
        column = pd.Series(column[present])
    try:
        if isinstance(recipe.coding, Classes):
            return present, recipe.coding.encode(class_labels(column))
        return present, recipe.coding.encode(target_numbers(column, recipe.target))
    except (BadInput, NotFinite) as error:
        raise type(error)(f"block {block.number} of {block.place}: {error}") from error


def target_numbers(column: pd.Series, name: str) -> np.ndarray:
    """Targets of a regression, (b,) float64; BadInput naming the first that is no number."""
    if pd.api.types.is_numeric_dtype(column.dtype):
        return column.to_numpy(dtype=np.float64)
    values = np.asarray(pd.to_numeric(column.astype(object), errors="coerce"), dtype=np.float64)
    wrong = np.flatnonzero(np.isnan(values))
    if wrong.size:
        raise BadInput(
            f"the target {name!r} holds {column.iloc[wrong[0]]!r} where regression needs a number; correct it, or use "
            "the classifier"
        )
    return values


def class_labels(column: pd.Series) -> np.ndarray:
    """Labels (b,): truth values, whole numbers as integers, everything else as text."""
    if pd.api.types.is_bool_dtype(column.dtype):
        return column.to_numpy(dtype=bool)
    if pd.api.types.is_numeric_dtype(column.dtype):
        values = column.to_numpy(dtype=np.float64)
        if np.isfinite(values).all() and (values == np.round(values)).all():
            return values.astype(np.int64)
        return values
    return np.array([str(value) for value in column], dtype=object)


def _columns_not_finite(frame: pd.DataFrame, row: int) -> str:
    values: Sequence[Any] = frame.iloc[row].tolist()
    for name, value in zip(frame.columns, values, strict=True):
        if isinstance(value, float) and not np.isfinite(value):
            return f"column {name!r} holds {value}"
    return "a value that is not finite stands"
