"""Predicted against measured risk, one mark per candidate; on the diagonal the prediction was right."""

from typing import TYPE_CHECKING

import numpy as np

from theodolite.reporting import theme, words
from theodolite.reporting.figures.risk_scale import RiskScale
from theodolite.reporting.scales import drawable, floats, log_range

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from theodolite.survey.record import SurveyRecord

WITHIN = 0.15
_MARKS = {"good": "o", "unsure": "^", "bad": "X", "plain": "D"}


def measured_candidates(record: "SurveyRecord") -> bool:
    """Whether there is anything to compare."""
    return any(not words.missing(candidate.measured_risk) for candidate in record.candidates)


def predicted_measured(record: "SurveyRecord", *, narrow: bool = False) -> "Figure":
    """Marks by verdict, error bars of one standard error, the diagonal and the band of 15 % around it."""
    from matplotlib.figure import Figure

    scale = RiskScale.of(record.data)
    predicted = scale([candidate.predicted_risk for candidate in record.candidates])
    measured = scale([candidate.measured_risk for candidate in record.candidates])
    errors = scale([candidate.standard_error for candidate in record.candidates])
    moods = np.array([words.verdict(candidate.verdict).mood for candidate in record.candidates])
    names = {words.verdict(candidate.verdict).mood: candidate.verdict for candidate in record.candidates}
    keep = drawable(predicted, measured)
    holdout = record.holdout or {}
    own = scale.one(record.chosen.predicted_risk), scale.one(holdout.get("risk"))
    low, high = log_range([*predicted[keep], *measured[keep], *own])
    with theme.drawing():
        figure = Figure(figsize=theme.NARROW if narrow else theme.HALF, layout="constrained")
        axes = figure.subplots()
        line = np.array([low, high])
        axes.fill_between(
            line, line * (1 - WITHIN), line * (1 + WITHIN), color=theme.colour("line"), alpha=0.6, linewidth=0,
            label="within 15 %",
        )  # fmt: skip
        axes.plot(line, line, color=theme.colour("muted"), linewidth=1.1)
        for mood in ("good", "unsure", "bad", "plain"):
            some = keep & (moods == mood)
            if some.any():
                axes.errorbar(
                    predicted[some], measured[some], xerr=np.nan_to_num(errors[some]), fmt=_MARKS[mood],
                    color=theme.colour(theme.MOODS[mood]), elinewidth=0.7, alpha=0.85, markersize=6,
                    label=words.shortened(names[mood], 24),
                )  # fmt: skip
        if drawable(floats([own[0]]), floats([own[1]])).all():
            axes.errorbar(
                [own[0]], [own[1]], xerr=np.nan_to_num([scale.one(record.chosen.standard_error)]),
                yerr=np.nan_to_num([scale.one(holdout.get("standard_error"))]), fmt="o", markersize=10,
                markerfacecolor="none", markeredgewidth=1.8, color=theme.colour("ink"),
                label="chosen, ± standard errors",
            )  # fmt: skip
        scale.axis(axes, "x", low, high)
        scale.axis(axes, "y", low, high)
        axes.set_xlabel(scale.label("predicted risk", narrow=narrow))
        axes.set_ylabel(scale.label("measured risk", narrow=narrow))
        axes.legend(loc="upper left")
    return figure
