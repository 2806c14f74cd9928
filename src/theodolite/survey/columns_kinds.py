"""What a column holds, and its values as numbers, texts or days: checked here, once, with the row that is wrong."""

import re
from typing import Any, Literal

import numpy as np
import pandas as pd

from theodolite.numerics.errors import BadInput, ShapeMismatch
from theodolite.survey.columns_words import shown

Kind = Literal["number", "text", "date", "empty"]
_OBJECT_KINDS: dict[str, Kind] = {
    "string": "text",
    "integer": "number",
    "floating": "number",
    "mixed-integer-float": "number",
    "decimal": "number",
    "boolean": "number",
    "timedelta": "number",
    "timedelta64": "number",
    "date": "date",
    "datetime": "date",
    "datetime64": "date",
    "empty": "empty",
}
_ISO_DATE = re.compile(
    r"\s*\d{4}[-/]\d{2}[-/]\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?)?\s*(?:Z|[+-]\d{2}:?\d{2})?\s*"
)
_DAY = np.timedelta64(1, "D") / np.timedelta64(1, "us")


def as_frame(table: Any) -> pd.DataFrame:
    """A frame with unique text column names; arrays (n, d) get x0, x1, ... and are not copied."""
    if hasattr(table, "toarray"):
        raise BadInput("the table is a sparse matrix; kernels need dense numbers: pass table.toarray()")
    if isinstance(table, pd.DataFrame):
        frame = table
        names = [str(name) for name in frame.columns]
        if len(set(names)) < len(names):
            twice = next(name for name in names if names.count(name) > 1)
            raise BadInput(f"the table has more than one column named {twice!r}; rename them so that each occurs once")
    else:
        array = table if isinstance(table, np.ndarray) else np.asarray(table)
        if array.ndim != 2:
            raise ShapeMismatch(
                f"the inputs have shape {array.shape}; expected (rows, columns). Reshape your data: X.reshape(-1, 1) "
                "if it is one column, X.reshape(1, -1) if it is one row"
            )
        frame = pd.DataFrame(array, copy=False)
        names = [f"x{i}" for i in range(array.shape[1])]
    if frame.shape[1] == 0:
        raise BadInput(f"Found array with 0 feature(s) (shape={frame.shape}) while a minimum of 1 is required.")
    if len(frame) == 0:
        raise BadInput(f"Found array with 0 sample(s) (shape={frame.shape}) while a minimum of 1 is required.")
    if names != list(frame.columns):
        frame = frame.set_axis(names, axis=1)
    return frame


def kind_of(column: pd.Series) -> Kind:
    """What the column holds; `BadInput` for what cannot become numbers."""
    dtype: Any = column.dtype
    if isinstance(dtype, np.dtype) and dtype.kind in "fiub":
        return "number"
    if pd.api.types.is_complex_dtype(dtype):
        raise BadInput(f"column {column.name!r}: Complex data not supported; give real and imaginary parts as columns")
    if isinstance(dtype, pd.CategoricalDtype):
        return "text" if column.notna().any() else "empty"
    if isinstance(dtype, pd.PeriodDtype) or pd.api.types.is_datetime64_any_dtype(dtype):
        return "date"
    if pd.api.types.is_bool_dtype(dtype) or pd.api.types.is_numeric_dtype(dtype):
        return "number"
    if pd.api.types.is_timedelta64_dtype(dtype):
        return "number"
    inferred = pd.api.types.infer_dtype(column, skipna=True)
    if inferred in _OBJECT_KINDS:
        return _OBJECT_KINDS[inferred]
    raise _mixed(column, inferred)


def numbers(column: pd.Series) -> np.ndarray:
    """Values (n,) float64, missing as NaN; text that reads as a number counts as one.

    Raises: BadInput naming column, value and row for text, dates and infinities.
    """
    kind = kind_of(column)
    if kind == "empty":
        return np.full(len(column), np.nan)
    if kind == "date":
        raise BadInput(f"column {column.name!r} holds dates where numbers were expected; convert it as in training")
    values = _parsed(column) if kind == "text" else _floats(column)
    bad = np.isinf(values)
    if bad.any():
        row = int(np.flatnonzero(bad)[0])
        raise BadInput(
            f"column {column.name!r} holds {values[row]} (infinity) in row {row} (the first is 0); correct it, or "
            "leave it empty if it is missing"
        )
    return values


def texts(column: pd.Series) -> tuple[np.ndarray, list[str]]:
    """Codes (n,) into a list of distinct texts; -1 where missing. Whole numbers read as whole ("3", not "3.0")."""
    if isinstance(column.dtype, np.dtype) and column.dtype.kind == "f":
        values = np.asarray(column)
        present = values[np.isfinite(values)]
        if (present == np.round(present)).all():
            column = column.astype(object).map(lambda v: str(int(v)) if np.isfinite(v) else None)
    codes, uniques = pd.factorize(column)
    values = [str(value) for value in uniques]
    distinct = list(dict.fromkeys(values))
    if len(distinct) < len(values):  # different values that read the same, such as 1 and "1"
        place = {value: i for i, value in enumerate(distinct)}
        codes = np.array([*(place[value] for value in values), -1])[codes]
    return np.asarray(codes), distinct


def as_dates(values: list[str]) -> np.ndarray | None:
    """Days since 1970 (k,) of texts that are all ISO dates, or None."""
    if not values or not all(_ISO_DATE.fullmatch(value) for value in values):
        return None
    try:
        parsed = pd.to_datetime([value.strip().replace("/", "-") for value in values], format="ISO8601", utc=True)
    except (ValueError, OverflowError):
        return None
    return _days(parsed)


def days(column: pd.Series) -> np.ndarray:
    """Days since 1970 (n,) in universal time, missing as NaN; `BadInput` naming the row that is no date."""
    kind = kind_of(column)
    if kind == "empty":
        return np.full(len(column), np.nan)
    if kind == "number":
        raise BadInput(f"column {column.name!r} holds numbers where dates were expected; write them as YYYY-MM-DD")
    if kind == "date":
        if isinstance(column.dtype, pd.PeriodDtype):
            column = column.dt.to_timestamp()
        return _days(pd.DatetimeIndex(pd.to_datetime(column.to_numpy(), utc=True, errors="raise")))
    codes, values = texts(column)
    parsed = as_dates(values)
    if parsed is None:
        wrong = next(i for i, value in enumerate(values) if as_dates([value]) is None)
        row = int(np.flatnonzero(codes == wrong)[0])
        raise BadInput(
            f"column {column.name!r} holds {shown(values[wrong])} in row {row} (the first is 0) where dates were "
            "expected; write it as YYYY-MM-DD, or leave it empty if it is missing"
        )
    return np.append(parsed, np.nan)[codes]


def _floats(column: pd.Series) -> np.ndarray:
    dtype: Any = column.dtype
    if isinstance(dtype, pd.SparseDtype):
        column = column.sparse.to_dense()
    if pd.api.types.is_timedelta64_dtype(column.dtype) or _holds_durations(column):
        return np.asarray(pd.to_timedelta(column).dt.total_seconds(), dtype=np.float64) / 86400
    try:
        with np.errstate(over="ignore"):
            if isinstance(column.dtype, np.dtype) and column.dtype.kind in "fiub":
                return np.ascontiguousarray(column.to_numpy(), dtype=np.float64)
            return np.ascontiguousarray(column.to_numpy(dtype=np.float64, na_value=np.nan))
    except (OverflowError, TypeError, ValueError) as error:
        raise BadInput(f"column {column.name!r} holds numbers that do not fit float64 ({error}); rescale it") from error


def _holds_durations(column: pd.Series) -> bool:
    return column.dtype == object and pd.api.types.infer_dtype(column, skipna=True).startswith("timedelta")


def _parsed(column: pd.Series) -> np.ndarray:
    codes, values = texts(column)
    parsed = parsed_numbers(values)
    wrong = np.flatnonzero(np.isnan(parsed))
    if wrong.size:
        row = int(np.flatnonzero(codes == wrong[0])[0])
        raise BadInput(
            f"column {column.name!r} holds the text {shown(values[wrong[0]])} in row {row} (the first is 0) where "
            "numbers were expected; correct it, or leave it empty if it is missing"
        )
    return np.append(parsed, np.nan)[codes]


def parsed_numbers(values: list[str]) -> np.ndarray:
    """Texts as numbers (k,), NaN where a text is none."""
    return np.asarray(pd.to_numeric(pd.Series(values, dtype=object), errors="coerce"), dtype=np.float64)


def _days(index: Any) -> np.ndarray:
    stamps = pd.DatetimeIndex(index).tz_convert(None).to_numpy().astype("datetime64[us]")
    result = stamps.astype(np.int64) / _DAY
    result[np.isnat(stamps)] = np.nan
    return result


def _mixed(column: pd.Series, inferred: str) -> BadInput:
    examples: dict[str, str] = {}
    for row, value in enumerate(column):
        if not pd.api.types.is_scalar(value) or not pd.isna(value):
            examples.setdefault(type(value).__name__, f"{type(value).__name__} {shown(value)} in row {row}")
        if len(examples) == 2:
            break
    return BadInput(
        f"column {column.name!r} holds what cannot become numbers ({inferred}: {' and '.join(examples.values())}; the "
        "first row is 0); make it all text with .astype(str), all numbers with pandas.to_numeric, or leave it out"
    )
