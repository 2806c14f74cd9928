"""CSV and TSV files, plain or gzipped, as partitions of one file each, parsed block by block."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from theodolite.numerics.errors import BadInput
from theodolite.random_features.parquet_rows import first_line, refuse_other_schema
from theodolite.random_features.row_blocks import Block, RowSource

SEPARATORS = (",", "\t", ";", "|")
MISSING = ("", "NA", "N/A", "NaN", "nan", "null", "NULL", "None", "?", "#N/A", "-nan", "-NaN")
PARSED_BYTES = 1 << 22  # at a time; the first such piece decides what each column holds


@dataclass(frozen=True)
class TextPartition:
    """One file. `numbers` are the columns that hold numbers, read as float64; all others are read as text."""

    index: int
    path: str
    separator: str
    columns: tuple[str, ...]
    numbers: tuple[str, ...]
    rows: int | None = None

    def blocks(self, rows: int) -> Iterator[Block]:
        import pyarrow as pa

        types = {name: pa.float64() if name in self.numbers else pa.string() for name in self.columns}
        waiting: list[Any] = []
        there = first = 0

        def block(table: Any) -> Block:
            return Block(table.select(list(self.columns)).to_pandas(), self.path, first // rows, first)

        try:
            for batch in _reader(Path(self.path), self.separator, types):
                waiting.append(batch)
                there += batch.num_rows
                while there >= rows:
                    table = pa.Table.from_batches(waiting)
                    yield block(table.slice(0, rows))
                    rest = table.slice(rows)
                    waiting, there, first = rest.to_batches(), rest.num_rows, first + rows
            if there:
                yield block(pa.Table.from_batches(waiting))
        except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
            raise _unreadable(self.path, error, f" beyond row {first}") from error


def text_rows(paths: list[Path], name: str) -> RowSource:
    """CSV or TSV files of one header as a source. What a column holds is decided by the first 4 MB of the first file.

    Raises: BadInput naming the file that is empty, whose header differs, or whose first rows hold text where those of
        the first file hold numbers; later rows are checked when they are read.
    """
    import pyarrow as pa

    kinds: dict[str, str] = {}
    separator = ","
    partitions = []
    for index, path in enumerate(paths):
        try:
            if not kinds:
                separator = _separator(path)
            # the kinds of the first rows; a file without rows has no say
            batch = next(iter(_reader(path, separator, None)), None)
        except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
            raise _unreadable(path, error, "") from error
        schema = _header(path, separator) if batch is None else batch.schema
        found = {field.name: _kind(field.type) for field in schema}
        if len(found) < len(schema):
            raise BadInput(f"{path} has columns of the same name; rename them so that each name occurs once")
        if not kinds:
            kinds = {column: "text" if kind == "empty" else kind for column, kind in found.items()}
        refuse_other_schema(path, paths[0], kinds, _as_read(found, kinds))
        numbers = tuple(column for column, kind in kinds.items() if kind == "number")
        partitions.append(TextPartition(index, str(path), separator, tuple(kinds), numbers))
    numeric = tuple(kind == "number" for kind in kinds.values())
    return RowSource(name, tuple(kinds), numeric, tuple(partitions))


def _as_read(found: dict[str, str], expected: dict[str, str]) -> dict[str, str]:
    """Numbers in a column of text are text as well."""
    return {
        column: "text" if expected.get(column) == "text" and kind in ("number", "empty") else kind
        for column, kind in found.items()
    }


def _reader(path: Path, separator: str, types: dict[str, Any] | None) -> Any:
    import pyarrow as pa
    from pyarrow import csv

    stream = pa.input_stream(str(path), compression="gzip" if path.suffix.lower() == ".gz" else None)
    return csv.open_csv(
        stream,
        read_options=csv.ReadOptions(block_size=PARSED_BYTES, use_threads=False),
        parse_options=csv.ParseOptions(delimiter=separator),
        convert_options=csv.ConvertOptions(
            column_types=types, null_values=list(MISSING), strings_can_be_null=True, auto_dict_encode=False
        ),
    )


def _separator(path: Path) -> str:
    """The separator that cuts the header into most columns."""
    import pyarrow as pa

    with pa.input_stream(str(path), compression="gzip" if path.suffix.lower() == ".gz" else None) as stream:
        head = stream.read(1 << 16)
    if not head.strip():
        raise BadInput(f"{path} is empty; write or download it again")
    header = head.decode("utf-8-sig", errors="replace").splitlines()[0]
    return max(SEPARATORS, key=header.count)


def _header(path: Path, separator: str) -> Any:
    return _reader(path, separator, None).schema


def _kind(kind: Any) -> str:
    from pyarrow import types

    if types.is_null(kind):
        return "empty"
    return "number" if types.is_integer(kind) or types.is_floating(kind) else "text"


def _unreadable(path: Path | str, error: Exception, where: str) -> BadInput:
    words = first_line(error)
    remedy = "the file is cut short or damaged: write or download it again"
    if "conversion error" in words:
        remedy = "the first rows held numbers there: correct that value, or leave it empty if it is missing"
    elif "Empty CSV" in words:
        return BadInput(f"{path} is empty; write or download it again")
    return BadInput(f"{path} could not be read{where} ({words}); {remedy}")
