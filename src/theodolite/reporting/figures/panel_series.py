"""Curves, bands and clouds: points with error bars for what was measured, lines for theory, thin grey for guides."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from theodolite.reporting.figures.panel_axes import dress, hue_colour, hue_marker, hues, label_of
from theodolite.reporting.scales import floats

if TYPE_CHECKING:
    from theodolite.experiments.panels import Panel, Series

MANY = 400  # more marks than this become a picture, so that the page stays small


def draw_series(axes: Any, panel: "Panel", arrays: Mapping[str, Any]) -> None:
    """Draw the series of a `lines`, `bands` or `scatter` panel; places that are not numbers are left out."""
    for series, hue in zip(panel.series, hues(panel), strict=True):
        x, y = floats(arrays[series.x]), floats(arrays[series.y])
        keep = np.isfinite(x) & np.isfinite(y)
        if panel.x.log:
            keep &= x > 0
        if panel.y.log:
            keep &= y > 0
        _band(axes, panel, series, arrays, hue)
        if series.role == "guide":
            axes.plot(x[keep], y[keep], color=hue_colour(-1), linewidth=1, label=label_of(series), zorder=1.5)
        elif series.role == "theory" and panel.kind != "scatter":
            axes.plot(x[keep], y[keep], color=hue_colour(hue), label=label_of(series), zorder=2.5)
        else:
            _marks(axes, panel, series, x[keep], y[keep], _errors(series, arrays, keep), hue)
    ends = [arrays[name] for series in panel.series for name in (series.y, series.low, series.high) if name]
    dress(axes, "x", panel.x, [arrays[series.x] for series in panel.series])
    dress(axes, "y", panel.y, [*ends, *_bar_ends(panel, arrays)])


def _bar_ends(panel: "Panel", arrays: Mapping[str, Any]) -> list[np.ndarray]:
    """Ends of the error bars that a logarithmic axis should show: all upper ones, lower ones down to a third."""
    ends = []
    for series in panel.series:
        if series.error is not None:
            y, error = floats(arrays[series.y]), floats(arrays[series.error])
            ends += [y + error, np.maximum(y - error, y / 3)]
    return ends


def _errors(series: "Series", arrays: Mapping[str, Any], keep: np.ndarray) -> np.ndarray | None:
    if series.error is None:
        return None
    return np.maximum(np.nan_to_num(floats(arrays[series.error])[keep], nan=0.0, posinf=0.0, neginf=0.0), 0.0)


def _marks(
    axes: Any, panel: "Panel", series: "Series", x: np.ndarray, y: np.ndarray, errors: np.ndarray | None, hue: int
) -> None:
    """Points with error bars, joined by a thin line where the panel says `lines` or `bands`."""
    joined = panel.kind != "scatter"
    crowded = len(x) > MANY
    colour = hue_colour(hue)
    bars = axes.errorbar(
        x, y, yerr=errors, color=colour, fmt=hue_marker(hue), markersize=3 if crowded else 5.5, alpha=0.9,
        linestyle="-" if joined else "none", linewidth=0.9 if joined else 0, elinewidth=1.0, capsize=2.5,
        markerfacecolor="none" if series.role == "theory" else colour, label=label_of(series), zorder=3,
    )  # fmt: skip
    if crowded:
        for artist in (bars.lines[0], *bars.lines[1], *bars.lines[2]):
            artist.set_rasterized(True)


def _band(axes: Any, panel: "Panel", series: "Series", arrays: Mapping[str, Any], hue: int) -> None:
    if series.low is None or series.high is None:
        return
    x, low, high = (floats(arrays[name]) for name in (series.x, series.low, series.high))
    keep = np.isfinite(x) & np.isfinite(low) & np.isfinite(high)
    if panel.x.log:
        keep &= x > 0
    if panel.y.log:
        keep &= high > 0
        low = np.maximum(low, np.finfo(float).tiny)
    axes.fill_between(x[keep], low[keep], high[keep], color=hue_colour(hue), alpha=0.16, linewidth=0, zorder=1)
