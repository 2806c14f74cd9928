"""r against the number of tokens already read, the same number in both directions."""

from typing import TYPE_CHECKING

import numpy as np

from theodolite.reporting import theme

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from theodolite.language_arrow import ArrowResult


def arrow_context(found: "ArrowResult", *, narrow: bool = False) -> "Figure":
    """Points r within each bin of context with one standard error, a dashed line r of all tokens up to there."""
    from matplotlib.figure import Figure

    bins = found.profile
    places = np.arange(len(bins))
    with theme.drawing():
        figure = Figure(figsize=theme.NARROW if narrow else theme.WIDE, layout="constrained")
        axes = figure.subplots()
        axes.axhline(0, color=theme.colour("faint"), linewidth=1)
        ratios, errors = (100 * np.array([getattr(one, name) for one in bins]) for name in ("ratio", "standard_error"))
        axes.errorbar(
            places, ratios, yerr=errors, fmt="o", color=theme.colour("blue"), capsize=2.5, label="at this context"
        )
        up_to = [100 * one.cumulative for one in bins]
        axes.plot(places, up_to, color=theme.colour("vermilion"), linestyle=theme.DASHES, label="up to this context")
        names = [f"{one.first}" if one.first == one.last else f"{one.first}-{one.last}" for one in bins]
        axes.set_xticks(places, names, rotation=60 if narrow or len(bins) > 9 else 0)
        axes.set(xlabel="tokens already read", ylabel="r, per cent")
        axes.legend(loc="best")
    return figure
