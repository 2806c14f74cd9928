"""Risk forecast at other training sizes, with its band; past the rows at hand it is extrapolation and drawn as such."""

from typing import TYPE_CHECKING

import numpy as np

from theodolite.reporting import theme, words
from theodolite.reporting.figures.risk_scale import RiskScale
from theodolite.reporting.scales import drawable, floats, log_range

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from theodolite.survey.record import SurveyRecord


def has_learning_curve(record: "SurveyRecord") -> bool:
    """Whether there is a forecast to draw."""
    sizes, risk = (floats(record.learning_curve.get(key)) for key in ("sizes", "risk"))
    return sizes.size > 0 and len(sizes) == len(risk) and bool(drawable(sizes, risk).any())


def learning_curve(record: "SurveyRecord", *, narrow: bool = False) -> "Figure":
    """Solid up to the rows trained on, dashed beyond; the measured risk with its error where there is a holdout."""
    from matplotlib.figure import Figure

    scale = RiskScale.of(record.data)
    curve = record.learning_curve
    sizes, risk = floats(curve["sizes"]), scale(curve["risk"])
    low, high = (scale(curve.get(key) or [None] * len(sizes)) for key in ("low", "high"))
    rows = floats([curve.get("rows")])[0]  # NaN when unknown: then nothing is called extrapolation
    holdout = record.holdout or {}
    keep = drawable(sizes, risk)
    band = keep & drawable(low, high)
    with theme.drawing():
        figure = Figure(figsize=(4.1, 4.4) if narrow else theme.HALF, layout="constrained")
        axes = figure.subplots()
        colour = theme.colour("blue")
        if band.any():
            axes.fill_between(sizes[band], low[band], high[band], color=colour, alpha=0.16, linewidth=0, label="band")
        seen = keep & ~(sizes > rows)
        beyond = keep & ((sizes > rows) | (sizes == (sizes[seen].max() if seen.any() else 0)))
        axes.plot(sizes[seen], risk[seen], color=colour, label="forecast")
        if (keep & (sizes > rows)).any():
            axes.plot(sizes[beyond], risk[beyond], color=colour, linestyle=theme.DASHES, label="extrapolation")
        ends = log_range([*risk[keep], *low[band], *high[band], scale.one(holdout.get("risk"))])
        theme.logarithmic(axes, "x", *log_range(sizes[keep], 0.03), most=5 if narrow else 6, label=_rows)
        scale.axis(axes, "y", *ends)
        axes.set(xlabel="training rows", ylabel=scale.label(narrow=narrow))
        if np.isfinite(rows):
            axes.axvline(rows, color=theme.colour("muted"), linewidth=1, linestyle=theme.DOTS)
            right = rows > np.sqrt(sizes[keep].min() * sizes[keep].max())
            axes.annotate(
                f"trained on {words.count(rows)} rows", (rows, 0.03), xycoords=("data", "axes fraction"),
                xytext=(-5 if right else 5, 0), textcoords="offset points", ha="right" if right else "left",
                fontsize=9, color=theme.colour("muted"),
            )  # fmt: skip
            if not words.missing(holdout.get("risk")):
                error = scale.one(holdout.get("standard_error"))
                axes.errorbar(
                    [rows], [scale.one(holdout["risk"])], yerr=[np.nan_to_num(error)], fmt="D",
                    color=theme.colour("vermilion"), markersize=6, capsize=3, label="measured on the holdout",
                )  # fmt: skip
        figure.legend(loc="outside lower left", ncols=1 if narrow else 2)
    return figure


def _rows(value: float, _position: object = None) -> str:
    return words.count(value)
