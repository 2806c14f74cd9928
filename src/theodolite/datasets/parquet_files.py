"""Parquet tables, sized from their footer before they are read."""

from pathlib import Path

import pandas as pd

from theodolite.datasets.column_names import unique_names
from theodolite.datasets.raw_table import Reading
from theodolite.numerics.errors import BadInput
from theodolite.numerics.memory import require

BYTES_PER_CELL = 16  # an 8-byte value in Arrow and again in pandas


def read_parquet(path: Path, memory_limit: int | str | None = None) -> Reading:
    """Read a Parquet file; a named pandas index becomes a column."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            meta = file.metadata
            stored = sum(meta.row_group(i).total_byte_size for i in range(meta.num_row_groups))
            names = list(file.schema_arrow.names)
            require(
                2 * stored + BYTES_PER_CELL * meta.num_rows * len(names),
                memory_limit,
                f"reading {path} ({meta.num_rows} rows, {len(names)} columns)",
                "keep fewer rows or columns, or raise the memory limit",
            )
            unique_names(names, path)
            frame = file.read().to_pandas()
    except (pa.ArrowException, OSError, ValueError) as error:
        if isinstance(error, BadInput | PermissionError):
            raise
        raise BadInput(
            f"{path} could not be read as Parquet ({_first_line(error)}); the file is damaged, cut short or of another "
            "kind: write or download it again"
        ) from error
    notes: list[str] = []
    if any(name is not None for name in frame.index.names):
        notes.append(f"the index of {path.name} became the first columns: {', '.join(map(str, frame.index.names))}")
        frame = frame.reset_index()
    frame = pd.DataFrame(frame).reset_index(drop=True)
    frame.columns = unique_names(list(frame.columns), path)
    return Reading(frame, tuple(notes), source=f"file {path}")


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:160]
