"""Parquet files as partitions of row groups; their footers say how many rows there are and what they hold."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from theodolite.numerics.errors import BadInput
from theodolite.random_features.row_blocks import PARTITION_ROWS, Block, RowSource


@dataclass(frozen=True)
class ParquetPartition:
    """Consecutive row groups of one file."""

    index: int
    path: str
    groups: tuple[int, ...]
    first: int
    rows: int
    columns: tuple[str, ...]

    def blocks(self, rows: int) -> Iterator[Block]:
        import pyarrow as pa
        import pyarrow.parquet as pq

        waiting: list[Any] = []
        there, first = 0, self.first
        start = 0  # blocks are numbered within the partition's file as if it began here

        def block(table: Any) -> Block:
            frame = table.to_pandas(ignore_metadata=True)
            return Block(frame, self.path, first // rows, first)

        try:
            with pq.ParquetFile(self.path) as file:
                for batch in file.iter_batches(rows, row_groups=list(self.groups), columns=list(self.columns)):
                    waiting.append(batch)
                    there += batch.num_rows
                    while there >= rows:
                        table = pa.Table.from_batches(waiting)
                        yield block(table.slice(0, rows))
                        rest = table.slice(rows)
                        waiting, there = rest.to_batches(), rest.num_rows
                        first, start = first + rows, start + rows
                if there:
                    yield block(pa.Table.from_batches(waiting))
                    start += there
        except (pa.ArrowException, OSError) as error:
            raise BadInput(
                f"{self.path} could not be read beyond row {first} ({first_line(error)}); the file is damaged or cut "
                "short: write or download it again"
            ) from error
        if start != self.rows:
            raise BadInput(
                f"{self.path} gave {start} rows where its footer promises {self.rows}; write or download it again"
            )


def parquet_rows(paths: list[Path], name: str) -> RowSource:
    """Parquet files of one schema as a source.

    Raises: BadInput naming the file whose footer cannot be read (cut in the middle), which lacks or adds columns, or
        holds text where the first file holds numbers. Nothing but footers is read.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns: tuple[str, ...] = ()
    kinds: dict[str, str] = {}
    partitions: list[ParquetPartition] = []
    for path in paths:
        try:
            with pq.ParquetFile(path) as file:
                schema, meta = file.schema_arrow, file.metadata
                sizes = [meta.row_group(i).num_rows for i in range(meta.num_row_groups)]
        except (pa.ArrowException, OSError) as error:
            raise BadInput(
                f"{path} could not be read as Parquet ({first_line(error)}); the file is damaged, cut short or of "
                "another kind: write or download it again"
            ) from error
        found = {field.name: _kind(field.type) for field in schema if field.name != "__index_level_0__"}
        if not columns:
            columns, kinds = tuple(found), found
        refuse_other_schema(path, paths[0], kinds, found)
        partitions += _partitions(path, sizes, columns, len(partitions))
    if not partitions:
        raise BadInput(f"{name} holds no rows; add the data first")
    return RowSource(name, columns, tuple(kinds[column] == "number" for column in columns), tuple(partitions))


def refuse_other_schema(path: Path, first: Path, expected: dict[str, str], found: dict[str, str]) -> None:
    """BadInput when a file lacks columns of the first one, adds some, or holds another kind of values in one."""
    absent = [column for column in expected if column not in found]
    extra = [column for column in found if column not in expected]
    if absent or extra:
        lacks = f"lacks {_named(absent)}" if absent else ""
        adds = f"adds {_named(extra)}" if extra else ""
        raise BadInput(
            f"{path} has another schema than {first}: it {' and '.join(filter(None, (lacks, adds)))}; every part needs "
            "the same columns: write it again, or leave that part out"
        )
    other = [column for column in expected if found[column] != expected[column] and "empty" not in (found[column],)]
    if other:
        column = other[0]
        raise BadInput(
            f"{path} has another schema than {first}: column {column!r} holds {found[column]} where it held "
            f"{expected[column]}; write it again with the same types"
        )


def first_line(error: Exception) -> str:
    """The first line of an error of another library, shortened."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:160]


def _partitions(path: Path, sizes: list[int], columns: tuple[str, ...], index: int) -> Iterator[ParquetPartition]:
    """Row groups joined until they hold PARTITION_ROWS rows."""
    groups: list[int] = []
    first = rows = 0
    for group, size in enumerate(sizes):
        groups.append(group)
        rows += size
        if rows and (rows >= PARTITION_ROWS or group == len(sizes) - 1):
            yield ParquetPartition(index, str(path), tuple(groups), first, rows, columns)
            index, first, rows, groups = index + 1, first + rows, 0, []


def _kind(kind: Any) -> str:
    from pyarrow import types

    if types.is_dictionary(kind):
        kind = kind.value_type
    if types.is_null(kind):
        return "empty"
    if types.is_boolean(kind) or types.is_integer(kind) or types.is_floating(kind) or types.is_decimal(kind):
        return "number"
    if types.is_temporal(kind):
        return "dates"
    return "text" if types.is_string(kind) or types.is_large_string(kind) else str(kind)


def _named(columns: list[str]) -> str:
    from theodolite.datasets.column_names import shortened

    return f"column{'s' * (len(columns) != 1)} {shortened(columns, 6)}"
