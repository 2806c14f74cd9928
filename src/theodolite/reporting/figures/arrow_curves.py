"""Validation loss against steps, both directions on one axis, a pair of lines a seed."""

from typing import TYPE_CHECKING

from theodolite.reporting import theme

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from theodolite.language_arrow import ArrowResult


def arrow_curves(found: "ArrowResult", *, narrow: bool = False) -> "Figure":
    """Nats per token on validation windows while training."""
    from matplotlib.figure import Figure

    with theme.drawing():
        figure = Figure(figsize=theme.NARROW if narrow else theme.WIDE, layout="constrained")
        axes = figure.subplots()
        for place, run in enumerate(found.runs):
            steps = [point[0] for point in run.curve]
            for column, (label, hue) in enumerate((("forward", "blue"), ("backward", "vermilion")), 1):
                values = [point[column] for point in run.curve]
                style = "-" if column == 1 else theme.DASHES
                name = label if place == 0 else None
                axes.plot(steps, values, color=theme.colour(hue), linestyle=style, linewidth=1.4, alpha=0.8, label=name)
        axes.set(xlabel="steps", ylabel="loss, nats per token")
        axes.legend(loc="upper right")
    return figure
