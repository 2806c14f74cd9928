"""Tables into numbers for kernels: learned from the training rows, said in words, repeated exactly on new rows."""

from typing import Any, NamedTuple, Self

import numpy as np
import pandas as pd

from theodolite.numerics.errors import BadInput, ShapeMismatch
from theodolite.numerics.memory import require
from theodolite.survey.columns_categories import CategoryRule, fitted_categories
from theodolite.survey.columns_dates import DateRule, fitted_dates
from theodolite.survey.columns_kinds import as_dates, as_frame, days, kind_of, numbers, parsed_numbers, texts
from theodolite.survey.columns_numbers import NumberRule, fitted_numbers
from theodolite.survey.columns_words import Remark, gathered, named, shown

Rule = NumberRule | CategoryRule | DateRule
FORMAT = 1
_RULES: dict[str, type[NumberRule] | type[CategoryRule] | type[DateRule]] = {
    "number": NumberRule,
    "category": CategoryRule,
    "date": DateRule,
}
LEAST_NUMERIC_SHARE = 0.8  # of distinct texts, above which the others are taken for mistakes


class Encoded(NamedTuple):
    """Values (n, d) float64, and what had to be done to unusual rows, in words."""

    values: np.ndarray
    notes: tuple[str, ...]


class ColumnEncoder:
    """Encode a table: numbers standardised, categories one-hot with the weight of one feature, dates as numbers.

    Numbers have mean 0 and standard deviation 1 on the training rows; a missing one is the median, marked in a column
    of its own. Categories become one column each, centred, with total variance 1. Constant, empty and
    identifier-like columns are left out. What was done to each column stands in `notes`.

    Attributes after `fit`: `notes` (texts), `feature_names_` (d texts), `columns_` (the input columns, as text),
    `n_features_in_`.

    >>> table = pd.DataFrame({"size": [1.0, 2.0, 3.0, 4.0], "colour": ["red", "blue", "red", "blue"]})
    >>> encoder = ColumnEncoder().fit(table)
    >>> encoder.feature_names_
    ('size', 'colour=blue', 'colour=red')
    >>> encoder.transform(table).round(3).tolist()[0]
    [-1.342, -0.707, 0.707]
    """

    columns_: tuple[str, ...]
    feature_names_: tuple[str, ...]
    notes: tuple[str, ...]

    def fit(self, table: Any) -> Self:
        """Learn the encoding of a frame, or of an array (n, d), from its rows.

        Raises: BadInput naming column, value and row for infinities, mixed types and text among numbers, and when no
            column is left; ShapeMismatch.
        Cost: O(n d), one column at a time.
        """
        frame = as_frame(table)
        rules: list[Rule] = []
        remarks: list[Remark] = []
        for position in range(frame.shape[1]):
            rule, words = _fitted(frame.iloc[:, position])
            remarks += words
            if rule is not None:
                rules.append(rule)
        notes = gathered(remarks)
        if not rules:
            raise BadInput(
                f"no usable column is left of {frame.shape[1]}: {'; '.join(notes[:5])}; add columns that vary"
            )
        self._set(tuple(frame.columns), not isinstance(table, pd.DataFrame), tuple(rules), notes)
        return self

    def transform(self, table: Any) -> np.ndarray:
        """The numbers (n, d), float64 and finite, for a table with the same columns in any order."""
        return self.encode(table).values

    def fit_transform(self, table: Any) -> np.ndarray:
        """`fit`, then `transform` of the same table."""
        return self.fit(table).transform(table)

    def encode(self, table: Any) -> Encoded:
        """Like `transform`, with notes on what this table held that training had not shown.

        Raises: BadInput naming missing columns, or column, value and row of what is no number or date where training
            had one; ShapeMismatch for an array with another number of columns; TooLarge.
        """
        if not hasattr(self, "_rules"):
            raise BadInput("this ColumnEncoder has not seen training data; call fit(table) first")
        frame, notes = self._matched(table)
        shape = (len(frame), len(self.feature_names_))
        require(8 * shape[0] * shape[1], None, f"encoding {shape[0]} rows into {shape[1]} columns", "use fewer rows")
        out = np.empty(shape)
        remarks: list[Remark] = []
        start = 0
        places = {name: i for i, name in enumerate(frame.columns)}
        for rule in self._rules:
            width = len(rule.names)
            remarks += rule.write(frame.iloc[:, places[_source(rule)]], out[:, start : start + width])
            start += width
        return Encoded(out, (*notes, *gathered(remarks)))

    @property
    def n_features_in_(self) -> int:
        """The number of columns of the training table."""
        return len(self.columns_)

    def to_json(self) -> dict[str, Any]:
        """The encoding as plain dictionaries, lists, texts and numbers."""
        return {
            "format": FORMAT,
            "columns": list(self.columns_),
            "by_position": self._by_position,
            "rules": [rule.to_json() for rule in self._rules],
            "notes": list(self.notes),
        }

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> Self:
        """The encoder that `to_json` described; `BadInput` when the document is not one."""
        if not isinstance(document, dict) or document.get("format") != FORMAT:
            raise BadInput(f"this is no column encoding of format {FORMAT}; save the model again with this version")
        try:
            rules = tuple(_RULES[rule["kind"]].from_json(rule) for rule in document["rules"])
            encoder = cls()
            encoder._set(
                tuple(document["columns"]), bool(document["by_position"]), rules, tuple(map(str, document["notes"]))
            )
        except (KeyError, TypeError) as error:
            raise BadInput(f"the column encoding is damaged ({error!r}); save the model again") from error
        return encoder

    def _set(
        self, columns: tuple[str, ...], by_position: bool, rules: tuple[Rule, ...], notes: tuple[str, ...]
    ) -> None:
        self.columns_, self._by_position, self._rules, self.notes = columns, by_position, rules, notes
        self.feature_names_ = tuple(name for rule in rules for name in rule.names)

    def _matched(self, table: Any) -> tuple[pd.DataFrame, list[str]]:
        """The table under the names of training, whatever the order of its columns."""
        frame = as_frame(table)
        if self._by_position or not isinstance(table, pd.DataFrame):
            if frame.shape[1] != len(self.columns_):
                raise ShapeMismatch(
                    f"X has {frame.shape[1]} features, but {type(self).__name__} is expecting {len(self.columns_)} "
                    "features as input"
                )
            return frame.set_axis(list(self.columns_), axis=1), []
        there = set(frame.columns)
        absent = [_source(rule) for rule in self._rules if _source(rule) not in there]
        if absent:
            raise BadInput(
                f"the table lacks {len(absent)} column{'s' * (len(absent) != 1)} of the training data: "
                f"{named(absent)}; it has {named(list(frame.columns))}: add or rename them"
            )
        extra = sorted(there.difference(self.columns_))
        return frame, [f"columns that training did not have were ignored: {named(extra)}"] if extra else []


def _source(rule: Rule) -> str:
    return rule.column


def _fitted(column: pd.Series) -> tuple[Rule | None, list[Remark]]:
    """The rule for one column, by what it holds."""
    name = str(column.name)
    kind = kind_of(column)
    if kind == "empty":
        return None, [Remark(name, "empty, left out")]
    if kind == "number":
        return fitted_numbers(name, numbers(column))
    if kind == "date":
        return fitted_dates(name, days(column))
    codes, values = texts(column)
    if not values:
        return None, [Remark(name, "empty, left out")]
    if not isinstance(column.dtype, pd.CategoricalDtype):
        parsed = parsed_numbers(values)
        numeric = int((~np.isnan(parsed)).sum())
        if numeric == len(values):
            rule, remarks = fitted_numbers(name, numbers(column))
            return rule, [Remark(name, "numbers written as text, read as numbers"), *remarks]
        if len(values) > 10 and numeric >= LEAST_NUMERIC_SHARE * len(values):
            wrong = int(np.flatnonzero(np.isnan(parsed))[0])
            row = int(np.flatnonzero(codes == wrong)[0])
            raise BadInput(
                f"column {name!r} holds numbers, but {shown(values[wrong])} in row {row} (the first is 0); correct it, "
                "or leave it empty if it is missing (or make the column categorical if its numbers are only names)"
            )
        dated = as_dates(values)
        if dated is not None:
            return fitted_dates(name, np.append(dated, np.nan)[codes])
    return fitted_categories(name, codes, values)
