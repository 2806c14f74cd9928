"""Numbers that a table wrote in another way: question marks for missing values, commas for decimal points."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from theodolite.numerics.errors import BadInput

_COMMA_NUMBER = r"[+-]?(?:\d+(?:,\d+)*|,\d+)(?:[eE][+-]?\d+)?"


def as_numbers(column: pd.Series) -> pd.Series:
    """The column as float64, NaN where a value is missing or no number."""
    values: Any = pd.to_numeric(column, errors="coerce")
    return pd.Series(values.to_numpy(dtype=np.float64, na_value=np.nan), index=column.index, name=column.name)


def question_marks(column: pd.Series) -> tuple[pd.Series, list[str]]:
    """A column of text with "?" turned into missing values, as numbers when nothing but numbers remains.

    >>> column, notes = question_marks(pd.Series(["1", "?", "3"], name="age"))
    >>> column.tolist()
    [1.0, nan, 3.0]
    """
    marks = (column == "?").fillna(False).to_numpy(dtype=bool)
    if not marks.any():
        return column, []
    cleaned = column.mask(marks)
    numbers = as_numbers(cleaned)
    if cleaned.notna().any() and bool((numbers.notna() == cleaned.notna()).all()):
        cleaned = numbers
    return cleaned, [f"column {column.name!r}: {marks.sum()} question marks were read as missing values"]


def decimal_commas(column: pd.Series, path: Path) -> tuple[pd.Series, list[str]]:
    """A column such as "1,5" as numbers, when its commas can only be decimal commas.

    Raises: BadInput when they may as well separate thousands ("1,234").
    """
    present = column.dropna()
    texts = pd.Series(present.unique(), dtype=object)
    if texts.empty or not texts.map(lambda value: isinstance(value, str)).all():
        return column, []
    commas = texts.str.contains(",", regex=False)
    if not commas.any() or not texts.str.fullmatch(_COMMA_NUMBER).all():
        return column, []
    if (texts.str.count(",") > 1).any() or texts[commas].str.fullmatch(r"[+-]?[1-9]\d{0,2},\d{3}").all():
        example = texts[commas].iloc[0]
        raise BadInput(
            f"{path}, column {column.name!r} writes numbers as {example!r}: the comma may be a decimal comma or "
            "separate thousands; write decimal points and no thousands separators"
        )
    return as_numbers(column.str.replace(",", ".", regex=False)), [
        f"column {column.name!r} writes decimal commas; they were read as decimal points"
    ]
