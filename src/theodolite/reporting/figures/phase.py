"""The normalised tangent kernel of an architecture against depth, and against the angle at its own depth."""

import math
import textwrap
from typing import TYPE_CHECKING

import numpy as np

from theodolite.reporting import theme, words

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from theodolite.infinite_width import Phase

CAPTION_WIDTH = 128
LAW_ANGLE = 30.0  # degrees


def phase_figure(found: "Phase", name: str) -> "Figure":
    """Left: against depth, one line an angle, with the law of decay and the limit. Right: against the angle.

    Args: found; name, the architecture as it was typed.
    """
    from matplotlib.figure import Figure

    with theme.drawing():
        figure = Figure(figsize=(9.4, 5.2), layout="constrained")
        left, right = figure.subplots(1, 2, sharey=True)
        _against_depth(left, found)
        _against_angle(right, found)
        figure.suptitle(f"{words.shortened(name, 80)}: {found.verdict}, r = {found.characteristic:.4g}", fontsize=11.5)
        caption = "\n".join(textwrap.wrap(phase_caption(found), CAPTION_WIDTH))
        figure.supxlabel(caption, fontsize=8.5, color=theme.colour("muted"), x=0.01, ha="left")
    return figure


def phase_caption(found: "Phase") -> str:
    """What the figure claims."""
    return (
        f"{found.advice[0]} Inputs of squared norm d. Solid: exact kernels of infinitely wide networks; dashed: "
        "the limit in depth; dotted: the law of its approach, through the last layer shown; vertical: the own depth."
    )


def _against_depth(axes: "Axes", found: "Phase") -> None:
    layers = np.arange(1, len(found.by_depth[0]) + 1)
    for place, (angle, curve) in enumerate(zip(found.shown_angles, found.by_depth, strict=True)):
        colour = theme.colour(theme.SERIES[place % len(theme.SERIES)])
        axes.plot(layers, curve, color=colour, marker=theme.MARKERS[place], markersize=3.5, label=f"{angle:g}°")
        if angle == LAW_ANGLE and found.decay_rate:
            law = found.normalised_limit + (curve[-1] - found.normalised_limit) * np.exp(
                found.decay_rate * (layers - layers[-1])
            )
            shown = np.abs(law) <= 1.05
            axes.plot(layers[shown], law[shown], color=colour, linestyle=theme.DOTS, label="law of decay")
    if found.depth <= layers[-1]:
        axes.axvline(found.depth, color=theme.colour("faint"), linewidth=1.0)
    _limit(axes, found)
    axes.set_xlabel("layers of weights")
    axes.set_ylabel("normalised NTK (1 = the input with itself)")
    axes.legend(title="angle of the inputs", ncols=2)


def _against_angle(axes: "Axes", found: "Phase") -> None:
    axes.plot(found.angles, found.normalised_ntk, color=theme.colour("ink"), label=f"{found.depth} layers")
    _limit(axes, found)
    axes.set_xlabel("angle between the inputs, degrees")
    axes.set_xticks([0, 45, 90, 135, 180])
    axes.legend()


def _limit(axes: "Axes", found: "Phase") -> None:
    if not math.isnan(found.normalised_limit):
        axes.axhline(
            found.normalised_limit, color=theme.colour("muted"), linewidth=1.2, linestyle=theme.DASHES,
            label=f"limit {found.normalised_limit:.3g}",
        )  # fmt: skip
