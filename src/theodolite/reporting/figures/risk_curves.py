"""Predicted risk over ridge, every candidate: the best in colour, the others faint."""

from typing import TYPE_CHECKING

import numpy as np

from theodolite.reporting import theme, words
from theodolite.reporting.figures.risk_scale import RiskScale
from theodolite.reporting.risk_rows import family
from theodolite.reporting.scales import drawable, floats, log_range

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from theodolite.survey.record import CandidateRecord, SurveyRecord

HIGHLIGHTS = 4
MEAN = "predicting the mean of the target"
CEILING = 2.0  # shares of the target variance: what lies above is worse than any constant


def risk_curves(record: "SurveyRecord", *, narrow: bool = False) -> "Figure":
    """Leave-one-out (solid) and KARE (dashed) over ridge; a dot where each highlighted candidate is best."""
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

    scale = RiskScale.of(record.data)
    best = highlighted(record)
    with theme.drawing():
        figure = Figure(figsize=(4.1, 5.2) if narrow else (9.4, 4.9), layout="constrained")
        axes = figure.subplots()
        for candidate in record.candidates:
            if candidate not in best:
                _curves(axes, candidate, scale, theme.colour("faint"), faint=True)
        handles = []
        for position, candidate in reversed(list(enumerate(best))):
            colour = theme.colour(theme.SERIES[position])
            _curves(axes, candidate, scale, colour, faint=False)
            dot = floats([candidate.ridge]), scale([candidate.predicted_risk])
            axes.plot(*dot, "o", color=colour, markersize=7)
            name = words.shortened(candidate.name, 34 if narrow else 44)
            handles.insert(0, Line2D([], [], color=colour, marker="o", label=name))
        handles.append(Line2D([], [], color=theme.colour("ink"), label="leave-one-out"))
        handles.append(Line2D([], [], color=theme.colour("ink"), linestyle=theme.DASHES, label="KARE"))
        others = len(record.candidates) - sum(candidate in best for candidate in record.candidates)
        if others > 0:
            handles.append(Line2D([], [], color=theme.colour("faint"), label=f"{others} other candidates"))
        curves = [*best, *record.candidates]
        ridges = [ridge for candidate in curves for ridge in (candidate.curve or {}).get("ridges", [candidate.ridge])]
        axes.set_xlabel("ridge λ, in G/n + λI")
        theme.logarithmic(axes, "x", *log_range(ridges, 0.02), most=5 if narrow else 7)
        scale.axis(axes, "y", *_risk_range(curves, best, scale))
        axes.set_ylabel(scale.label(narrow=narrow))
        if scale.variance:
            handles.append(
                axes.axhline(1.0, color=theme.colour("muted"), linewidth=1.1, linestyle=theme.DOTS, label=MEAN)
            )
        if not narrow:
            scale.target_units(axes)
        figure.legend(handles=handles, loc="outside lower left", ncols=1 if narrow else 2)
    return figure


def highlighted(record: "SurveyRecord") -> list["CandidateRecord"]:
    """The chosen kernel, then the best candidate of each other family, best first, at most `HIGHLIGHTS` in all."""
    found = [record.chosen] if record.chosen.curve else []
    families = {family(candidate) for candidate in found}
    for candidate in sorted(record.candidates, key=lambda one: _sortable(one.predicted_risk)):
        if candidate.curve and family(candidate) not in families and len(found) < HIGHLIGHTS:
            found.append(candidate)
            families.add(family(candidate))
    return found


def _sortable(risk: float | None) -> float:
    return float("inf") if risk is None or words.missing(risk) else float(risk)


def _curves(axes: "Axes", candidate: "CandidateRecord", scale: RiskScale, colour: str, *, faint: bool) -> None:
    if not candidate.curve:
        return
    ridges = floats(candidate.curve["ridges"])
    width, alpha = (0.7, 0.55) if faint else (1.9, 1.0)
    for key, dashes in (("leave_one_out", "-"), ("kare", theme.DASHES)):
        risks = scale(candidate.curve[key])
        keep = drawable(ridges, risks)
        axes.plot(
            ridges[keep], risks[keep], color=colour, linewidth=width if key != "kare" else 0.75 * width,
            linestyle=dashes, alpha=alpha, zorder=1.5 if faint else 3,
        )  # fmt: skip


def _risk_range(
    curves: list["CandidateRecord"], best: list["CandidateRecord"], scale: RiskScale
) -> tuple[float, float]:
    """From just under the lowest risk to just above the highest that still matters."""
    everything = [scale(candidate.curve[key]) for candidate in curves if candidate.curve for key in _KEYS]
    risks = np.concatenate([*everything, scale([candidate.predicted_risk for candidate in curves])])
    risks = risks[np.isfinite(risks) & (risks > 0)]
    if not risks.size:
        return 0.1, 1.5
    own = scale([candidate.predicted_risk for candidate in best])
    ceiling = CEILING if scale.variance else 20 * np.nanmin(risks)
    floor = 0.6 * np.nanmin(own) if np.isfinite(own).any() else risks.min()
    return log_range(np.append(np.clip(risks, floor, ceiling), 1.1 if scale.variance else risks.min()), 0.04)


_KEYS = ("leave_one_out", "kare")
