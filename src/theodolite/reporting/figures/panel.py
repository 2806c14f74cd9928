"""Panels-as-data become figures: lines, bands, scatter, bars, heat maps."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from theodolite.numerics.errors import BadInput
from theodolite.reporting import theme, words
from theodolite.reporting.figures.panel_axes import label_of
from theodolite.reporting.figures.panel_bars import draw_bars
from theodolite.reporting.figures.panel_heatmap import draw_heatmap
from theodolite.reporting.figures.panel_series import draw_series

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from theodolite.experiments.panels import Panel

_DRAWN = {
    "lines": draw_series,
    "bands": draw_series,
    "scatter": draw_series,
    "bars": draw_bars,
    "heatmap": draw_heatmap,
}


def draw_panel(panel: "Panel", arrays: Mapping[str, Any], *, narrow: bool = False) -> "Figure":
    """Draw any panel but a table.

    Args: panel; arrays, those of its result, by the names the panel uses.
    Raises: BadInput when the panel is a table, or cannot be drawn from these arrays.
    """
    from matplotlib.figure import Figure

    if panel.kind not in _DRAWN:
        raise BadInput(f"panel {panel.key!r} of kind {panel.kind!r} is not a figure; a table is written, not drawn")
    problems = panel.problems({name: np.asarray(array) for name, array in arrays.items()})
    if problems:
        raise BadInput("; ".join(problems))
    with theme.drawing():
        figure = Figure(figsize=theme.NARROW if narrow else theme.HALF, layout="constrained")
        axes = figure.subplots()
        _DRAWN[panel.kind](axes, panel, arrays)
        _legend(figure, axes, panel, narrow)
    return figure


def _legend(figure: "Figure", axes: Any, panel: "Panel", narrow: bool) -> None:
    """The series in their own order under the axes; one alone needs no legend except over a heat map."""
    drawn = dict(zip(*reversed(axes.get_legend_handles_labels()), strict=True))
    labels = [label for label in dict.fromkeys(map(label_of, panel.series)) if label in drawn]
    if not labels or (len(labels) == 1 and panel.kind != "heatmap"):
        return
    sides = labels[: -(-len(labels) // 2)], labels[-(-len(labels) // 2) :]
    across = sum(max(map(len, side), default=0) for side in sides)  # more letters than fit are cut off at the right
    columns = 1 if narrow or max(map(len, labels)) > 36 or across > 62 else 2
    lines = -(-len(labels) // columns)
    figure.set_size_inches(figure.get_figwidth(), figure.get_figheight() + max(0.0, 0.19 * lines - 0.4))
    shown = [words.shortened(label, 60) for label in labels]
    figure.legend([drawn[label] for label in labels], shown, loc="outside lower left", ncols=columns)
