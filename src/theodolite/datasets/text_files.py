"""Comma, semicolon, tab and bar separated text: every line checked first, then parsed in one go."""

import codecs
import csv
import gzip
import io
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np
import pandas as pd

from theodolite.datasets.column_names import unique_names
from theodolite.datasets.raw_table import Reading
from theodolite.datasets.text_numbers import decimal_commas, question_marks
from theodolite.numerics.errors import BadInput
from theodolite.numerics.memory import require

SEPARATORS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}
CHUNK = 1 << 20
BYTES_PER_CELL = 20  # tokens, values and their consolidated copy: measured 17 (whole numbers) to 23 (texts)
_MAGIC = {
    b"PK\x03\x04": "a zip archive or an Excel workbook: save the sheet as CSV",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook: save the sheet as CSV",
    b"\x1f\x8b": "gzip: rename it so that it ends in .gz",
    b"PAR1": "Parquet: rename it so that it ends in .parquet",
    b"\x93NUMPY": "a numpy array: store it with numpy.savez(path, X=X, y=y)",
    b"%PDF": "a PDF document: export the table as CSV",
    b"SQLite": "an SQLite database: export the table as CSV",
}


@dataclass(frozen=True)
class _Layout:
    separator: str
    header: list[str]
    rows: int


def read_text(path: Path, memory_limit: int | str | None = None) -> Reading:
    """Read a CSV or TSV file, plain or gzipped, in UTF-8 with or without a byte-order mark."""
    size = _check_bytes(path)
    separator = _sniff(path)
    layout = _check_lines(path, separator)
    cells = layout.rows * len(layout.header)
    require(
        size + BYTES_PER_CELL * cells,
        memory_limit,
        f"reading {path} ({layout.rows} rows, {len(layout.header)} columns)",
        "keep fewer rows or columns, or raise the memory limit",
    )
    notes: list[str] = []
    usual = "\t" if ".tsv" in path.name.lower() else ","
    if separator != usual:
        notes.append(f"{path.name} is separated by {SEPARATORS[separator]}s and was read as such")
    frame, left_out = _without_row_numbers(_parse(path, layout, _names(layout, path)), layout)
    frame, treatments = _tidy(frame, path)
    return Reading(frame, (*notes, *left_out, *treatments), source=f"file {path}")


def _open(path: Path) -> IO[bytes]:
    return gzip.open(path, "rb") if path.name.lower().endswith(".gz") else open(path, "rb")  # type: ignore[return-value]


def _check_bytes(path: Path) -> int:
    """The number of (unpacked) bytes, after checking that they are UTF-8 text."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    position = lines = 0
    try:
        with _open(path) as file:
            while chunk := file.read(CHUNK):
                if position == 0:
                    _check_kind(path, chunk)
                held = len(decoder.getstate()[0])
                _decode(decoder, chunk, path, position - held, lines)
                position += len(chunk)
                lines += chunk.count(b"\n")
            _decode(decoder, b"", path, position - len(decoder.getstate()[0]), lines, final=True)
    except (gzip.BadGzipFile, zlib.error, EOFError) as error:
        raise BadInput(
            f"{path} is not a whole gzip file ({error}); download or write it again, or remove .gz from its name if it "
            "is plain text"
        ) from error
    if position == 0:
        raise BadInput(f"{path} is empty once unpacked; write or download it again")
    return position


def _check_kind(path: Path, chunk: bytes) -> None:
    for magic, what in _MAGIC.items():
        if chunk.startswith(magic):
            raise BadInput(f"{path} holds no text; its first bytes are those of {what}")
    if chunk.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise BadInput(f"{path} is UTF-16 text; convert it first: iconv -f UTF-16 -t UTF-8 {path.name} > converted.csv")
    if b"\0" in chunk:
        raise BadInput(
            f"{path} holds no text: byte {chunk.index(0)} is zero; expected a table in UTF-8 text, so export it as CSV "
            "from the program that wrote it"
        )


def _decode(
    decoder: codecs.IncrementalDecoder, chunk: bytes, path: Path, start: int, lines: int, final: bool = False
) -> None:
    try:
        decoder.decode(chunk, final)
    except UnicodeDecodeError as error:
        line = lines + error.object[: error.start].count(b"\n") + 1
        raise BadInput(
            f"{path} is not UTF-8: byte 0x{error.object[error.start]:02x} at position {start + error.start} (line "
            f"{line}); convert it first, for example: iconv -f WINDOWS-1252 -t UTF-8 {path.name} > converted.csv"
        ) from None


def _lines(path: Path, separator: str, file: IO[str]):
    """Rows of fields with the number of their first line; blank lines left out."""
    reader = csv.reader(file, delimiter=separator, skipinitialspace=separator != "\t", strict=True)
    first = 1
    while True:
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise BadInput(
                f"{path}, line {first}: {error} (the quotation marks do not match); close or double the quotation mark "
                "in that line"
            ) from None
        if row:
            yield first, row
        first = reader.line_num + 1


def _text(path: Path) -> IO[str]:
    return io.TextIOWrapper(_open(path), encoding="utf-8-sig", newline="")


def _sniff(path: Path, lines: int = 50) -> str:
    """The separator that cuts the first lines into the most columns of equal number; a comma or tab when in doubt."""
    usual = "\t" if ".tsv" in path.name.lower() else ","
    best, best_score = usual, (0.0, 1)
    for separator in sorted(SEPARATORS, key=lambda s: s != usual):
        widths: list[int] = []
        try:
            with _text(path) as file:
                for _, row in _lines(path, separator, file):
                    widths.append(len(row))
                    if len(widths) == lines:
                        break
        except BadInput:
            continue
        if not widths or widths[0] < 2:
            continue
        score = (round(sum(w == widths[0] for w in widths) / len(widths), 1), widths[0])
        if score > best_score:
            best, best_score = separator, score
    return best


def _check_lines(path: Path, separator: str) -> _Layout:
    """The header and the number of rows, after checking that every row has as many fields as the header."""
    header: list[str] = []
    rows = 0
    with _text(path) as file:
        for line, row in _lines(path, separator, file):
            if not header:
                header = [name.strip() for name in row]
                continue
            if len(row) != len(header):
                raise BadInput(
                    f"{path}, line {line} has {len(row)} field{'s' * (len(row) != 1)} where the header has "
                    f"{len(header)}; correct that line, or put text that holds a {SEPARATORS[separator]} in quotation "
                    "marks"
                )
            rows += 1
    if not any(header):
        raise BadInput(f"{path} holds no columns: its first line has no names; write the column names there")
    if rows == 0:
        raise BadInput(f"{path} holds a header ({len(header)} columns) and no rows; add the data below it")
    return _Layout(separator, header, rows)


def _names(layout: _Layout, path: Path) -> list[str]:
    named = [name for name in layout.header if name]
    unique_names(named, path)
    if len(named) > 1 and all(_is_number(name) for name in named) and not _counts(named):
        raise BadInput(
            f"{path} has no header: its first line holds only numbers ({', '.join(named[:4])}, ...); write one line of "
            "column names above the data"
        )
    names: list[str] = []
    for position, name in enumerate(layout.header, 1):
        free = name or f"column {position}"
        while not name and free in layout.header:
            free += "_"
        names.append(free)
    return names


def _parse(path: Path, layout: _Layout, names: list[str]) -> pd.DataFrame:
    try:
        return pd.read_csv(
            path,
            sep=layout.separator,
            names=names,
            header=0,
            index_col=False,
            encoding="utf-8-sig",
            skipinitialspace=layout.separator != "\t",
            low_memory=False,
        )
    except (pd.errors.ParserError, pd.errors.EmptyDataError, OverflowError) as error:
        raise BadInput(f"{path} could not be parsed ({str(error).strip()}); correct that part of the file") from error


def _tidy(frame: pd.DataFrame, path: Path) -> tuple[pd.DataFrame, list[str]]:
    notes: list[str] = []
    frame = frame.copy(deep=False)
    for name in frame.columns:
        column = pd.Series(frame[name])
        if not (pd.api.types.is_string_dtype(column.dtype) or column.dtype == object):
            continue
        column, marks = question_marks(column)
        column, commas = decimal_commas(column, path)
        if marks or commas:
            frame[name] = column
            notes += marks + commas
    return frame, notes


def _without_row_numbers(frame: pd.DataFrame, layout: _Layout) -> tuple[pd.DataFrame, list[str]]:
    """Leave out a first column without a name that counts the rows, as programs write it beside a table."""
    if layout.header[0] or frame.shape[1] < 2 or not pd.api.types.is_integer_dtype(frame.dtypes.iloc[0]):
        return frame, []
    values = frame.iloc[:, 0].to_numpy()
    if values[0] not in (0, 1) or not (values == values[0] + np.arange(len(values))).all():
        return frame, []
    return frame.iloc[:, 1:], ["the first column has no name and counts the rows; it was left out"]


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _counts(names: list[str]) -> bool:
    return names in ([str(i) for i in range(len(names))], [str(i) for i in range(1, len(names) + 1)])
