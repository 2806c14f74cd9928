"""Remarks on columns, gathered so that a thousand pixels make one line."""

from collections.abc import Iterable
from typing import NamedTuple

MOST_NAMED = 8


class Remark(NamedTuple):
    """What was done to one column; `count` values or rows were concerned, 0 when that says nothing."""

    column: str
    words: str
    count: int = 0


def gathered(remarks: Iterable[Remark]) -> tuple[str, ...]:
    """One line for all columns with the same words, in order of first appearance.

    >>> gathered([Remark("a", "missing, filled", 2), Remark("b", "constant"), Remark("c", "missing, filled", 3)])
    ("columns 'a', 'c': missing, filled (5 values)", "column 'b': constant")
    """
    groups: dict[str, list[Remark]] = {}
    for remark in remarks:
        groups.setdefault(remark.words, []).append(remark)
    lines = []
    for words, group in groups.items():
        total = sum(remark.count for remark in group)
        names = named([remark.column for remark in group])
        size = f" ({total} value{'s' * (total != 1)})" if total else ""
        lines.append(f"column{'s' * (len(group) != 1)} {names}: {words}{size}")
    return tuple(lines)


def named(names: list[str], most: int = MOST_NAMED) -> str:
    """Quoted names, cut after `most`."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(shown(name) for name in names[:most]) + more


def shown(value: object, most: int = 60) -> str:
    """A value for a message, quoted and cut."""
    text = str(value)
    return repr(text if len(text) <= most else text[: most - 1] + "…")
