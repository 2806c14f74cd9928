"""Rows in blocks: a table of any length as partitions, each read from its beginning in blocks of equal size.

A partition is small, says where its rows are, and can be sent to another process. Blocks and partitions depend on the
source alone, never on who reads them.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import pandas as pd

from theodolite.numerics.errors import BadInput, ShapeMismatch

BLOCK_ROWS = 4096
PARTITION_ROWS = 65536
SAMPLED_PARTITIONS = 16


@dataclass(frozen=True)
class Block:
    """Consecutive rows of a table; `number` and `first_row` count from 0 within the file (or array) `place`.

    `held`, a mask of the rows that nothing may be learned from, or None.
    """

    frame: pd.DataFrame
    place: str
    number: int
    first_row: int
    held: np.ndarray | None = None

    def row(self, position: int) -> str:
        """Where a row of the block stands, in words."""
        return f"row {self.first_row + position} of {self.place} (block {self.number}; the first of each is 0)"


class Partition(Protocol):
    """A piece of a table that one process reads."""

    @property
    def index(self) -> int:
        """Its place among the partitions of its source."""
        ...

    @property
    def rows(self) -> int | None:
        """How many rows it has, if that is known without reading them."""
        ...

    def blocks(self, rows: int) -> Iterator[Block]:
        """Its rows, in blocks of `rows`; the last may be shorter."""
        ...


@dataclass(frozen=True)
class RowSource:
    """A table as partitions: its columns, what they hold ("number", "text", ...), and words on how it was read."""

    name: str
    columns: tuple[str, ...]
    numeric: tuple[bool, ...]
    partitions: tuple[Any, ...]  # of Partition
    notes: tuple[str, ...] = ()

    @property
    def rows(self) -> int | None:
        """All rows, if their number is known without reading them."""
        counts = [partition.rows for partition in self.partitions]
        return None if None in counts else int(sum(counts))

    def is_numeric(self, column: str) -> bool:
        """Whether a column holds numbers."""
        return self.numeric[self.columns.index(column)]

    def sample(self, rows: int) -> tuple[pd.DataFrame, str]:
        """About `rows` rows from which encodings are learned, none of them held out, and words on which they are.

        The first rows of up to 16 partitions spread evenly over the source: reading a few blocks is cheap, reading all
        would be a pass of its own.
        """
        count = min(len(self.partitions), SAMPLED_PARTITIONS)
        chosen = np.unique(np.linspace(0, len(self.partitions) - 1, count).round().astype(int))
        share = -(-rows // len(chosen))
        frames, whole = [], len(chosen) == len(self.partitions)
        for place in chosen:
            block = next(self.partitions[place].blocks(share), None)
            if block is not None:
                whole &= len(block.frame) < share or len(block.frame) == self.partitions[place].rows
                frames.append(block.frame if block.held is None else block.frame[~block.held])
        if not frames or not sum(map(len, frames)):
            raise BadInput(f"{self.name} holds no rows; add the data first")
        frame = pd.concat(frames, ignore_index=True)
        if whole:
            return frame, f"all {len(frame)} rows"
        if len(chosen) == 1:
            return frame, f"the first {len(frame)} rows"
        return frame, f"{len(frame)} rows, the first of {len(chosen)} parts spread over {self.name}"


@dataclass(frozen=True)
class ArrayPartition:
    """Rows `first` to `last` of a frame in memory."""

    index: int
    frame: pd.DataFrame
    place: str
    first: int

    @property
    def rows(self) -> int:
        return len(self.frame)

    def blocks(self, rows: int) -> Iterator[Block]:
        for start in range(0, len(self.frame), rows):
            first = self.first + start
            yield Block(self.frame.iloc[start : start + rows], self.place, first // rows, first)


def array_rows(table: Any, targets: Any = None, *, target: str = "target", name: str = "the table") -> RowSource:
    """A frame or array (n, d) in memory, with its targets (n,), as a source.

    >>> source = array_rows(np.ones((5, 2)), np.arange(5.0))
    >>> source.columns, source.rows, [len(block.frame) for block in source.partitions[0].blocks(2)]
    (('x0', 'x1', 'target'), 5, [2, 2, 1])
    """
    if isinstance(table, pd.DataFrame):
        frame = table.set_axis([str(column) for column in table.columns], axis=1)
    else:
        array = np.asarray(table)
        if array.ndim != 2:
            raise ShapeMismatch(f"{name} has shape {array.shape}; expected (rows, columns)")
        frame = pd.DataFrame(array, columns=[f"x{i}" for i in range(array.shape[1])], copy=False)
    if targets is not None:
        targets = np.asarray(targets)
        if targets.shape != (len(frame),):
            raise ShapeMismatch(f"targets have shape {targets.shape}; expected ({len(frame)},)")
        if target in frame.columns:
            raise BadInput(f"{name} has a column {target!r} already; name the target differently")
        frame = frame.assign(**{target: targets})
    if not len(frame):
        raise BadInput(f"{name} holds no rows; add the data first")
    partitions = tuple(
        ArrayPartition(index, frame.iloc[start : start + PARTITION_ROWS], name, start)
        for index, start in enumerate(range(0, len(frame), PARTITION_ROWS))
    )
    numeric = tuple(bool(pd.api.types.is_numeric_dtype(dtype)) for dtype in frame.dtypes)
    return RowSource(name, tuple(frame.columns), numeric, partitions)
