"""Figures described as data: what to show and against what, never how to draw it.

A panel names arrays of its result instead of holding numbers, so that it stays small and is stored as plain JSON
beside them. Only the reporting room draws.
"""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Self

import numpy as np

from theodolite.numerics.errors import BadInput

Kind = Literal["lines", "bands", "scatter", "heatmap", "bars", "table"]
Role = Literal["measured", "theory", "guide"]

KINDS: tuple[Kind, ...] = ("lines", "bands", "scatter", "heatmap", "bars", "table")
ROLES: tuple[Role, ...] = ("measured", "theory", "guide")


@dataclass(frozen=True)
class Axis:
    """What one direction of a figure means: a label in words, a unit ("" where there is none), log scale or not."""

    label: str
    unit: str = ""
    log: bool = False


@dataclass(frozen=True)
class Series:
    """One curve, cloud or set of bars; every string but `label` and `family` is the name of an array of the result.

    `error` is the half-width of an error bar (`error_means` says which); `low` and `high` bound a band.
    `role`: points with error bars for what was measured, a line for theory, a thin grey line for a guide to the eye.
    Series of one panel with the same non-empty `family` share a colour, so that theory can be read over its data.
    """

    label: str
    x: str
    y: str
    error: str | None = None
    error_means: str = "one standard error"
    low: str | None = None
    high: str | None = None
    role: Role = "measured"
    family: str = ""

    def arrays(self) -> tuple[str, ...]:
        """Names of the arrays this series needs."""
        return tuple(name for name in (self.x, self.y, self.error, self.low, self.high) if name is not None)


@dataclass(frozen=True)
class Field:
    """A heat map: `values` (rows, columns) over `y` (rows,) and `x` (columns,); `axis` says what the colour means."""

    x: str
    y: str
    values: str
    axis: Axis

    def arrays(self) -> tuple[str, ...]:
        """Names of the arrays this field needs."""
        return (self.x, self.y, self.values)


@dataclass(frozen=True)
class Column:
    """One column of a table: a heading, the array (n,) of numbers or strings, its unit, significant digits to print."""

    heading: str
    array: str
    unit: str = ""
    digits: int = 4

    def arrays(self) -> tuple[str, ...]:
        """Names of the arrays this column needs."""
        return (self.array,)


@dataclass(frozen=True)
class Panel:
    """One figure or table.

    `lines`, `bands`, `scatter` and `bars` read `series` (for bars, `x` may be an array of strings); `heatmap` reads
    `field`, with `series` as marked points over it; `table` reads `columns`. The caption states the claim.

    >>> panel = Panel("risk", "Risk over ridge", "lines", "The estimate follows the risk.",
    ...               x=Axis("ridge", log=True), y=Axis("risk", "squared target unit"),
    ...               series=(Series("measured", "ridges", "risk", error="risk_error"),))
    >>> panel.problems({"ridges": np.ones(3), "risk": np.ones(3)})
    ["panel 'risk' needs array 'risk_error', which the result does not hold"]
    >>> Panel.from_json(panel.to_json()) == panel
    True
    """

    key: str
    title: str
    kind: Kind
    caption: str
    x: Axis = Axis("")
    y: Axis = Axis("")
    series: tuple[Series, ...] = ()
    field: Field | None = None
    columns: tuple[Column, ...] = ()

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise BadInput(f"panel kind {self.kind!r} is unknown; expected one of {', '.join(KINDS)}")
        if not self.caption.strip():
            raise BadInput(f"panel {self.key!r} has no caption; a caption states the claim")
        needed = {"heatmap": self.field, "table": self.columns}.get(self.kind, self.series)
        if not needed:
            raise BadInput(f"panel {self.key!r} of kind {self.kind!r} shows nothing")

    def arrays(self) -> tuple[str, ...]:
        """Names of all arrays this panel needs, each once."""
        parts = (*self.series, *((self.field,) if self.field else ()), *self.columns)
        return tuple(dict.fromkeys(name for part in parts for name in part.arrays()))

    def problems(self, arrays: Mapping[str, np.ndarray]) -> list[str]:
        """What keeps this panel from being drawn from `arrays`, in words; empty when nothing does."""
        found = [
            f"panel {self.key!r} needs array {name!r}, which the result does not hold"
            for name in self.arrays()
            if name not in arrays
        ]
        if found:
            return found
        for series in self.series:
            lengths = {name: np.shape(arrays[name]) for name in series.arrays()}
            if len(set(lengths.values())) > 1 or any(len(shape) != 1 for shape in lengths.values()):
                found.append(f"panel {self.key!r}, series {series.label!r}: shapes {lengths}, expected equal vectors")
        if self.field is not None:
            expected = (len(arrays[self.field.y]), len(arrays[self.field.x]))
            if np.shape(arrays[self.field.values]) != expected:
                shape = np.shape(arrays[self.field.values])
                found.append(f"panel {self.key!r}: heat map {self.field.values!r} has shape {shape}, not {expected}")
        if len({np.shape(arrays[column.array]) for column in self.columns}) > 1:
            found.append(f"panel {self.key!r}: columns of unequal length")
        return found

    def to_json(self) -> dict[str, Any]:
        """The panel as nested dictionaries and lists."""
        return dataclasses.asdict(self)

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Self:
        """The inverse of `to_json`."""
        field = document.get("field")
        return cls(
            key=document["key"],
            title=document["title"],
            kind=document["kind"],
            caption=document["caption"],
            x=Axis(**document["x"]),
            y=Axis(**document["y"]),
            series=tuple(Series(**entry) for entry in document["series"]),
            field=Field(**{**field, "axis": Axis(**field["axis"])}) if field else None,
            columns=tuple(Column(**entry) for entry in document["columns"]),
        )
