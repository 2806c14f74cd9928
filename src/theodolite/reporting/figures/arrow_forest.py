"""One line a corpus: r with its interval, and the wider one that allows for the number of corpora."""

from typing import TYPE_CHECKING

import numpy as np

from theodolite.reporting import theme, words

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from theodolite.language_arrow import ArrowComparison


def arrow_forest(found: "ArrowComparison", *, narrow: bool = False) -> "Figure":
    """Points r in per cent, thick strokes the 95 % interval, thin ones Holm's, dots the single seeds."""
    from matplotlib.figure import Figure

    many = len(found.results)
    with theme.drawing():
        height = min(max(1.5 + 0.42 * many, 2.2), 12.0)
        figure = Figure(figsize=(theme.NARROW[0] if narrow else theme.WIDE[0], height), layout="constrained")
        axes = figure.subplots()
        axes.axvline(0, color=theme.colour("faint"), linewidth=1)
        blue, ink = theme.colour("blue"), theme.colour("ink")
        for place, (one, wide) in enumerate(zip(found.results, found.intervals, strict=True)):
            first = place == 0
            label = "with Holm's correction" if first and many > 1 else None
            axes.plot([100 * wide.low, 100 * wide.high], [place, place], color=blue, linewidth=1, label=label)
            ends = [100 * one.ratio.low, 100 * one.ratio.high]
            axes.plot(ends, [place, place], color=blue, linewidth=3.5, label="95 % interval" if first else None)
            axes.plot([100 * one.ratio.value], [place], "o", color=ink, markersize=5)
            if len(one.runs) > 1:
                ratios = [100 * run.ratio for run in one.runs]
                places = np.full(len(ratios), place - 0.24)
                axes.plot(ratios, places, "|", color=ink, markersize=6, label="single seeds" if first else None)
        axes.set_yticks(range(many), [words.shortened(words.plain(one.name), 18) for one in found.results])
        axes.set(ylim=(many - 0.4, -0.6), xlabel="r = backward / forward - 1, in per cent (right: forward is easier)")
        if narrow:
            axes.set_xlabel("r in per cent (right: forward easier)")
        axes.grid(axis="y", visible=False)
        axes.tick_params(axis="y", length=0)
        figure.legend(loc="outside lower left", ncols=1 if narrow else 3)
    return figure
