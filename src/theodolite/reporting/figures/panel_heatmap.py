"""A heat map with a colour bar in words and units; series are marked points over it."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from theodolite.reporting import theme
from theodolite.reporting.figures.panel_axes import axis_label, hue_marker, hues, label_of
from theodolite.reporting.scales import floats, log_range

if TYPE_CHECKING:
    from theodolite.experiments.panels import Panel


def draw_heatmap(axes: Any, panel: "Panel", arrays: Mapping[str, Any]) -> None:
    """Draw a `heatmap` panel on logarithmic or linear axes; cells that are not numbers stay empty."""
    from matplotlib.colors import LogNorm, Normalize
    from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

    assert panel.field is not None
    field = panel.field
    x, y = floats(arrays[field.x]), floats(arrays[field.y])
    values = floats(arrays[field.values]).reshape(len(y), len(x))
    values = np.ma.masked_invalid(np.where(values > 0, values, np.nan) if field.axis.log else values)
    present = values.compressed()
    if field.axis.log:
        low, high = log_range(present, 0.0, 1.01)
        norm: Any = LogNorm(low, high)
    else:
        low, high = (float(present.min()), float(present.max())) if present.size else (0.0, 1.0)
        norm = Normalize(low, high if high > low else low + 1.0)
    mesh = axes.pcolormesh(
        edges(x, panel.x.log), edges(y, panel.y.log), values, cmap="cividis", norm=norm, rasterized=True
    )
    axes.grid(visible=False)
    for direction, axis, places in (("x", panel.x, x), ("y", panel.y, y)):
        axes.set(**{f"{direction}label": axis_label(axis)})
        ends = edges(places, axis.log)
        if axis.log:
            theme.logarithmic(axes, direction, float(ends.min()), float(ends.max()), most=5)
    bar = axes.figure.colorbar(mesh, ax=axes, pad=0.02, aspect=28)
    bar.solids.set_rasterized(True)
    bar.outline.set_visible(False)
    bar.set_label(axis_label(field.axis))
    if field.axis.log:
        bar.ax.yaxis.set_major_locator(FixedLocator(theme.log_ticks(low, high)))
        bar.ax.yaxis.set_major_formatter(FuncFormatter(theme.log_label))
        bar.ax.yaxis.set_minor_locator(NullLocator())
    for series, hue in zip(panel.series, hues(panel), strict=True):
        axes.plot(
            floats(arrays[series.x]), floats(arrays[series.y]), linestyle="none", marker=hue_marker(max(hue, 0)),
            markersize=9, color=theme.colour("vermilion"), markeredgecolor="#fffffe", markeredgewidth=1.3,
            label=label_of(series), clip_on=False, zorder=4,
        )  # fmt: skip


def edges(centres: np.ndarray, log: bool) -> np.ndarray:
    """Cell edges (n + 1,) halfway between centres (n,), geometrically so on a logarithmic axis.

    >>> edges(np.array([1.0, 2.0, 4.0]), False).tolist(), edges(np.array([1.0, 100.0]), True).round(3).tolist()
    ([0.5, 1.5, 3.0, 5.0], [0.1, 10.0, 1000.0])
    """
    places = np.log(centres) if log else centres
    if len(places) == 1:
        found = np.array([places[0] - 0.5, places[0] + 0.5])
    else:
        middle = (places[1:] + places[:-1]) / 2
        first, last = places[0] - (middle[0] - places[0]), places[-1] + (places[-1] - middle[-1])
        found = np.concatenate([[first], middle, [last]])
    return np.exp(found) if log else found
