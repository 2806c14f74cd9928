"""A share of a table set aside in passing, to measure on; which rows they are follows from the table and a seed."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from theodolite.numerics.errors import BadInput
from theodolite.random_features.row_blocks import Block, RowSource

_OTHER_DRAWS = 1  # the priorities of a partition's rows are drawn from [seed, index], these from [seed, index, 1]


@dataclass(frozen=True)
class SplitPartition:
    """A partition whose blocks say which of their rows are set aside.

    One number is drawn for each row of the partition, in their order: neither the size of the blocks nor who reads them
    has a say.
    """

    partition: Any
    share: float
    seed: int

    @property
    def index(self) -> int:
        return self.partition.index

    @property
    def rows(self) -> int | None:
        return self.partition.rows

    def blocks(self, rows: int) -> Iterator[Block]:
        random = np.random.default_rng([self.seed, self.index, _OTHER_DRAWS])
        for block in self.partition.blocks(rows):
            yield replace(block, held=random.random(len(block.frame)) < self.share)


def set_aside(source: RowSource, share: float, seed: int) -> RowSource:
    """The same rows, about a share of which, drawn at random, are marked as held out in their blocks.

    Args: source; share, between 0 and 1; seed, a whole number. Raises: BadInput.
    Samples and passes learn nothing from the marked rows.

    >>> from theodolite.random_features.row_blocks import array_rows
    >>> source = set_aside(array_rows(np.zeros((1000, 1))), 0.2, 0)
    >>> [int(sum(block.held.sum() for block in source.partitions[0].blocks(rows))) for rows in (1000, 7)]
    [185, 185]
    """
    if not 0 < share < 1:
        raise BadInput(f"holdout is the share of rows to hold out, between 0 and 1, got {share:g}; try 0.2")
    return replace(source, partitions=tuple(SplitPartition(one, share, seed) for one in source.partitions))


def rows_set_aside(source: RowSource) -> pd.DataFrame:
    """All marked rows in one frame, for tables that are small enough. One pass over the source."""
    frames = [
        block.frame[block.held]
        for partition in source.partitions
        for block in partition.blocks(4096)
        if block.held is not None and block.held.any()
    ]
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=pd.Index(source.columns))
