"""Where the target lies along the kernel's eigenfunctions, and how much of each share is learned."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from theodolite.reporting import theme
from theodolite.reporting.scales import floats, log_bins, thinned

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from theodolite.survey.record import SurveyRecord

BINS = 28
POINTS = 160


@dataclass(frozen=True)
class Capture:
    """Shares of the target along eigenfunctions, largest eigenvalue first, all (m,) with m as recorded."""

    captured: np.ndarray
    energy: np.ndarray

    @property
    def learned(self) -> float:
        """The share of the target, 0..1, that is captured."""
        return float((self.captured * self.energy).sum())

    @property
    def half(self) -> int:
        """How many leading eigenfunctions are captured to more than a half."""
        return int((self.captured > 0.5).sum())


def capture(signal_capture: dict[str, Any]) -> Capture | None:
    """Read a record's `signal_capture`, sorted by eigenvalue; None when there is nothing to draw."""
    parts = [floats(signal_capture.get(key)) for key in ("eigenvalues", "captured", "energy")]
    if not parts[0].size or len({part.size for part in parts}) != 1:
        return None
    eigenvalues, captured, energy = (np.nan_to_num(part, nan=0.0, posinf=0.0, neginf=0.0) for part in parts)
    order = np.argsort(-eigenvalues, kind="stable")
    found = Capture(np.clip(captured[order], 0.0, 1.0), np.maximum(energy[order], 0.0))
    return found if found.energy.sum() > 0 else None


def signal_capture(record: "SurveyRecord", *, narrow: bool = False) -> "Figure":
    """Bars: the target's share per group of eigenfunctions, the learned part filled. Line: captured fraction."""
    from matplotlib.figure import Figure

    found = capture(record.signal_capture)
    if found is None:
        raise ValueError("the record holds no signal capture to draw; ask capture(record.signal_capture) first")
    count = len(found.energy)
    edges = log_bins(count, 16 if narrow else BINS)
    starts = edges[:-1] - 1
    energy = np.add.reduceat(found.energy, starts)
    learned = np.add.reduceat(found.energy * found.captured, starts)
    with theme.drawing():
        figure = Figure(figsize=(4.1, 6.2) if narrow else (9.4, 4.4), layout="constrained")
        bars, line = figure.subplots(2, 1, sharex=True) if narrow else figure.subplots(1, 2)
        widths = 0.92 * np.diff(edges)
        blue, rest = theme.colour("blue"), theme.colour("vermilion")
        bars.bar(edges[:-1], 100 * learned, widths, align="edge", color=blue, linewidth=0, label="learned")
        bars.bar(
            edges[:-1], 100 * (energy - learned), widths, 100 * learned, align="edge", facecolor="none",
            edgecolor=rest, hatch="/////", linewidth=0.7, label="not learned",
        )  # fmt: skip
        bars.set_ylabel("% of the target")
        bars.set_title("Share of the target")
        places = thinned(count, POINTS)
        line.plot(
            places + 1, 100 * np.cumsum(found.energy)[places], color=rest, linestyle=theme.DASHES, label="target so far"
        )
        line.plot(
            places + 1, 100 * np.cumsum(found.energy * found.captured)[places], color=blue, label="learned so far"
        )
        line.plot(
            places + 1,
            100 * found.captured[places],
            color=theme.colour("muted"),
            linewidth=1.2,
            label="captured fraction",
        )
        line.set(ylim=(0, 103), ylabel="per cent")
        line.set_title("Added up from the first")
        for axes in (bars, line):
            theme.logarithmic(axes, "x", 0.9, 1.08 * (count + 1), most=5, label=_rank)
            axes.grid(axis="x", visible=False)
            if 0 < found.half < count:
                axes.axvline(found.half + 0.9, color=theme.colour("muted"), linewidth=1, linestyle=theme.DOTS)
            if axes is line or not narrow:
                axes.set_xlabel("eigenfunction, largest eigenvalue first")
        figure.legend(handles=_legend(bars, line), loc="outside lower left", ncols=1 if narrow else 3)
    return figure


def _legend(*many: "Axes") -> list[Any]:
    return [handle for axes in many for handle in axes.get_legend_handles_labels()[0]]


def _rank(value: float, _position: object = None) -> str:
    return f"{value:,.0f}"
