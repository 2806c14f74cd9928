"""Bars beside each other for every category; theory and guides are strokes across them."""

import textwrap
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from theodolite.reporting import theme, words
from theodolite.reporting.figures.panel_axes import dress, hue_colour, hues, label_of
from theodolite.reporting.scales import floats

if TYPE_CHECKING:
    from theodolite.experiments.panels import Panel

ROOM = 0.8  # of the distance between categories is filled by bars


def draw_bars(axes: Any, panel: "Panel", arrays: Mapping[str, Any]) -> None:
    """Draw a `bars` panel: horizontal, first category on top, so that long names stay readable."""
    names = list(dict.fromkeys(_name(entry) for series in panel.series for entry in np.asarray(arrays[series.x])))
    measured = [series for series in panel.series if series.role == "measured"]
    thickness = ROOM / max(len(measured), 1)
    for series, hue in zip(panel.series, hues(panel), strict=True):
        places = np.array([names.index(_name(entry)) for entry in np.asarray(arrays[series.x])], dtype=float)
        values = floats(arrays[series.y])
        keep = np.isfinite(values) & ((values > 0) | (not panel.y.log))
        colour = hue_colour(hue)
        if series.role == "measured":
            shift = (measured.index(series) - (len(measured) - 1) / 2) * thickness
            error = None
            if series.error is not None:
                error = np.maximum(np.nan_to_num(floats(arrays[series.error])[keep]), 0.0)
            axes.barh(
                places[keep] + shift, values[keep], 0.92 * thickness, color=colour, linewidth=0, label=label_of(series),
                xerr=error, error_kw={"ecolor": theme.colour("ink"), "elinewidth": 1.1, "capsize": 2.5},
            )  # fmt: skip
        else:
            axes.vlines(
                values[keep], places[keep] - ROOM / 2, places[keep] + ROOM / 2, colors=colour, label=label_of(series),
                linewidth=2.2 if series.role == "theory" else 1.2, zorder=3,
            )  # fmt: skip
    dress(axes, "x", panel.y, [arrays[series.y] for series in panel.series])
    axes.set_yticks(range(len(names)), ["\n".join(textwrap.wrap(words.shortened(name, 60), 22)) for name in names])
    axes.set(ylim=(len(names) - 0.4, -0.6), ylabel="")
    if panel.x.label and not any(np.asarray(arrays[series.x]).dtype.kind in "OUS" for series in panel.series):
        axes.set_ylabel(words.plain(f"{panel.x.label} ({panel.x.unit})" if panel.x.unit else panel.x.label))
    axes.grid(axis="y", visible=False)
    axes.tick_params(axis="y", length=0)
    # long names and many categories need height
    height = 1.3 + max(0.4, 0.2 * len(measured)) * len(names)
    axes.figure.set_size_inches(axes.figure.get_figwidth(), min(max(height, 2.6), 9.0))


def _name(entry: Any) -> str:
    if isinstance(entry, float | np.floating):
        return f"{entry:g}"
    return words.plain(entry)
