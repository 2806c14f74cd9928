"""Which order of fields makes records easier to predict: one n-gram per order, the same rows held out for all."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from theodolite.language_arrow.documents import split
from theodolite.language_arrow.ngram import NGram
from theodolite.language_arrow.statistics import Interval, bootstrap, holm, holm_levels, sign_flip_p_value
from theodolite.language_arrow.tokenizer import ByteTokenizer
from theodolite.numerics.errors import BadInput
from theodolite.numerics.progress import Progress, silent

ALL_ORDERS = 4  # fields up to which every order is tried
ORDER = 8
FEWEST_ROWS = 20
SEPARATOR, END = "\x1f", "\n"


@dataclass(frozen=True)
class FieldOrder:
    """An order of fields, its nats per record, and r against the order of the table (negative: easier)."""

    fields: tuple[str, ...]
    nats: float
    ratio: Interval
    p_value: float
    adjusted: float


@dataclass(frozen=True)
class DirectionHint:
    """Orders from the easiest on; `best` is the first when it beats the table's own after correction, else the own."""

    orders: tuple[FieldOrder, ...]
    given: tuple[str, ...]
    rows: int
    tested: int

    @property
    def best(self) -> tuple[str, ...]:
        first = self.orders[0]
        return first.fields if first.ratio.high < 0 and first.adjusted < 0.05 else self.given

    def to_json(self) -> dict[str, Any]:
        """Everything as what JSON knows."""
        from dataclasses import asdict

        from theodolite.numerics.files import json_ready

        return json_ready({**asdict(self), "best": self.best})


def direction_hint(
    table: Any,
    *,
    orders: Sequence[Sequence[str]] | None = None,
    order: int = ORDER,
    test: float = 0.25,
    seed: int = 0,
    progress: Progress = silent,
) -> DirectionHint:
    """Say in which order of fields the records of a table are easier to model.

    Every order has the same entropy per record: what differs is how much of it a learner finds. The learner is a
    Witten-Bell n-gram of bytes, which sees `order` - 1 of them back: neighbouring fields decide.
    Args: table, a DataFrame, or a sequence of records (mappings, or equal-length sequences); orders to try, each a
        permutation of the fields: unless told, all of them for up to 4 fields, else the given one, its reverse, and
        each field moved to the front or to the end; order of the n-gram; test, the share of held-out rows; seed.
    Returns: a `DirectionHint`; intervals are over held-out rows, at the level of Holm's step among all orders.
    Raises: BadInput for fewer than 20 rows, fewer than two fields, an order that is not a permutation.
    Cost: one n-gram an order, about 1 s for 100 kB each.

    >>> rows = [{"letter": letter, "word": letter * 3} for letter in "abcd"] * 10
    >>> direction_hint(rows).rows
    40
    """
    fields, columns = _columns(table)
    rows = len(columns[0])
    if rows < FEWEST_ROWS or len(fields) < 2:
        raise BadInput(f"a hint needs {FEWEST_ROWS} rows and two fields or more, got {rows} rows, {len(fields)} fields")
    tried = _orders(fields, orders)
    parts = split(rows, validation=0.0, test=test, seed=seed)
    losses = []
    for place, names in enumerate(tried):
        progress(place, len(tried), "order " + ", ".join(names))
        chosen = [columns[fields.index(name)] for name in names]
        records = [ByteTokenizer().encode(SEPARATOR.join(row) + END) for row in zip(*chosen, strict=True)]
        counted = NGram([records[at] for at in parts.train], 256, order)
        losses.append(np.array([one.sum() for one in counted.losses([records[at] for at in parts.test])]))
    own, others = losses[0], losses[1:]
    p_values = [sign_flip_p_value(one - own) for one in others]
    levels, adjusted = holm_levels(p_values), holm(p_values)
    found = [FieldOrder(tried[0], float(own.mean()), Interval(0.0, 0.0, 0.0, 0.0), 1.0, 1.0)]
    for names, one, p, level, holms in zip(tried[1:], others, p_values, levels, adjusted, strict=True):
        found.append(FieldOrder(names, float(one.mean()), bootstrap(own, one, level=float(level)), p, float(holms)))
    found.sort(key=lambda one: one.nats)
    return DirectionHint(tuple(found), tuple(fields), rows, len(parts.test))


def _columns(table: Any) -> tuple[list[str], list[list[str]]]:
    if hasattr(table, "columns") and hasattr(table, "iloc"):
        return [str(name) for name in table.columns], [
            [_plain(value) for value in table.iloc[:, place]] for place in range(len(table.columns))
        ]
    records = list(table)
    if not records:
        raise BadInput("the table is empty; give records")
    if hasattr(records[0], "keys"):
        fields = [str(name) for name in records[0]]
        records = [list(record.values()) for record in records]
    else:
        fields = [f"field {place}" for place in range(len(records[0]))]
    if any(len(record) != len(fields) for record in records):
        raise BadInput(f"every record needs {len(fields)} fields, as the first one; fill in the missing ones")
    return fields, [[_plain(value) for value in column] for column in zip(*records, strict=True)]


def _plain(value: Any) -> str:
    text = f"{value:.6g}" if isinstance(value, float) else str(value)
    return text.replace(SEPARATOR, " ").replace(END, " ")


def _orders(fields: list[str], orders: Sequence[Sequence[str]] | None) -> list[tuple[str, ...]]:
    own = tuple(fields)
    if orders is not None:
        wanted = [tuple(map(str, one)) for one in orders]
        for one in wanted:
            if sorted(one) != sorted(own):
                raise BadInput(f"{one} is not an order of the fields {own}; name each of them once")
    elif len(fields) <= ALL_ORDERS:
        wanted = list(itertools.permutations(fields))
    else:
        wanted = [own[::-1]]
        for name in fields:
            rest = tuple(one for one in fields if one != name)
            wanted += [(name, *rest), (*rest, name)]
    return [own, *dict.fromkeys(one for one in wanted if one != own)]
