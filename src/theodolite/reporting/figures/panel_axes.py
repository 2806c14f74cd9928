"""What all kinds of panels share: axis labels with units, limits, colours by family."""

from typing import TYPE_CHECKING, Any

import numpy as np

from theodolite.reporting import theme, words
from theodolite.reporting.scales import floats, log_range

if TYPE_CHECKING:
    from theodolite.experiments.panels import Axis, Panel, Series


def axis_label(axis: "Axis") -> str:
    """The label with its unit in brackets.

    >>> from theodolite.experiments.panels import Axis
    >>> axis_label(Axis("time", "s")), axis_label(Axis("ridge"))
    ('time (s)', 'ridge')
    """
    return words.plain(f"{axis.label} ({axis.unit})" if axis.unit else axis.label)


def dress(axes: Any, direction: str, axis: "Axis", values: list[Any]) -> None:
    """Label one direction of the axes and make it logarithmic around `values` when it should be."""
    axes.set(**{f"{direction}label": axis_label(axis)})
    if axis.log:
        theme.logarithmic(axes, direction, *log_range(np.concatenate([np.empty(0), *map(floats, values)])))


def hues(panel: "Panel") -> list[int]:
    """For each series the number of its family; series without one, and guides, stand alone (guides are -1).

    >>> from theodolite.experiments.panels import Panel, Series
    >>> hues(Panel("a", "A", "lines", "Says.", series=(Series("1", "x", "y", family="f"), Series("2", "x", "z"),
    ...     Series("3", "x", "t", role="theory", family="f"), Series("4", "x", "g", role="guide"))))
    [0, 1, 0, -1]
    """
    seen: dict[str, int] = {}
    found = []
    for position, series in enumerate(panel.series):
        if series.role == "guide":
            found.append(-1)
        else:
            found.append(seen.setdefault(series.family or f"\0{position}", len(seen)))
    return found


def hue_colour(hue: int) -> str:
    """The colour of a family."""
    return theme.colour("muted") if hue < 0 else theme.colour(theme.SERIES[hue % len(theme.SERIES)])


def hue_marker(hue: int) -> str:
    """The marker of a family: colour is never the only difference."""
    return theme.MARKERS[hue % len(theme.MARKERS)]


def label_of(series: "Series") -> str:
    """A legend entry: one line of plain text that matplotlib will not hide (a leading underscore would)."""
    text = words.plain(series.label)
    return f"\u200b{text}" if text.startswith("_") else text
