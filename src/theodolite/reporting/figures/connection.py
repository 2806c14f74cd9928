"""The loss along the straight line between two networks and along the path of symmetries."""

import textwrap
from typing import TYPE_CHECKING

from theodolite.reporting import theme, words

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from theodolite.landscape import Connection

CAPTION_WIDTH = 128


def connection_figure(found: "Connection", names: tuple[str, str], loss_name: str) -> "Figure":
    """Both ways over the share walked; a vertical line where the last straight line starts when there is one.

    Args: found; names of the two networks; loss_name, with its unit if it has one.
    """
    from matplotlib.figure import Figure

    with theme.drawing():
        figure = Figure(figsize=theme.WIDE, layout="constrained")
        axes = figure.subplots()
        axes.plot(
            found.straight_position, found.straight_loss, color=theme.colour("vermilion"), linestyle=theme.DASHES,
            label="straight line",
        )  # fmt: skip
        axes.plot(found.way, found.loss, color=theme.colour("blue"), label=f"path, {found.segments} segments")
        if not found.whole and found.segments:
            axes.axvline(0.5, color=theme.colour("faint"), linewidth=1.0)
        low = min(found.loss.min(), found.straight_loss.min())
        high = max(found.loss.max(), found.straight_loss.max())
        if low > 1e-9 * high and high > 5 * low:
            theme.logarithmic(axes, "y", low / 1.3, high * 1.3)
        axes.set_xlim(0, 1)
        axes.set_xlabel("share of the way")
        axes.set_ylabel(loss_name)
        axes.legend()
        first, second = (words.shortened(name, 40) for name in names)
        figure.suptitle(f"From {first} to {second}", fontsize=11.5)
        caption = "\n".join(textwrap.wrap(connection_caption(found), CAPTION_WIDTH))
        figure.supxlabel(caption, fontsize=8.5, color=theme.colour("muted"), x=0.01, ha="left")
    return figure


def connection_caption(found: "Connection") -> str:
    """What the figure claims."""
    kept = f"the outputs change by at most {found.deviation:.1g} of the largest"
    if found.narrow is not None:
        widths = " and ".join(map(str, found.narrow))
        return (
            f"Copies and silent neurons aside both are one network, of {widths} hidden neurons. On the path, which "
            f"gathers the copies, moves neurons and shares out again, {kept}; the straight line rises by "
            f"{words.number(found.straight_barrier, 3)}."
        )
    if found.permutation:
        return (
            f"The networks differ by the order of neurons. On the path, over spare neurons, {kept}; "
            f"the straight line rises by {words.number(found.straight_barrier, 3)}."
        )
    return (
        f"Left of the vertical line the path leads to the permutation of the first network nearest to the second, and "
        f"{kept}; right of it a straight line covers what is left, {found.distance:.2g} of the norm of the weights."
    )
