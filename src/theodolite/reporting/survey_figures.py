"""The figures of a survey with their captions: each caption says what to see."""

from typing import TYPE_CHECKING

from theodolite.reporting import words
from theodolite.reporting.captions import Illustration

if TYPE_CHECKING:
    from theodolite.survey.record import SurveyRecord


def survey_figures(record: "SurveyRecord") -> dict[str, Illustration | None]:
    """Figures by place on the page; None where the record holds nothing to draw."""
    return {
        "curves": _curves(record),
        "compared": _compared(record),
        "learning": _learning(record),
        "capture": _capture(record),
    }


def _curves(record: "SurveyRecord") -> Illustration | None:
    from theodolite.reporting.figures.risk_curves import highlighted, risk_curves

    if not any(candidate.curve for candidate in (*record.candidates, record.chosen)):
        return None
    best = ", ".join(words.shortened(candidate.name) for candidate in highlighted(record))
    return Illustration(
        key="curves",
        title="Risk over ridge",
        caption=(
            "In colour the best candidate of each family of kernels, the others faint; the dot marks the ridge chosen "
            "for each. Solid is leave-one-out, dashed is KARE. Where the two run together the predicted risk can be "
            "believed; where the dashed line falls below the solid one, KARE alone would promise too much. A flat "
            "valley means that the exact ridge hardly matters."
        ),
        description=f"Risk against ridge for {len(record.candidates)} candidates; highlighted: {best}.",
        draw=lambda narrow: risk_curves(record, narrow=narrow),
    )


def _compared(record: "SurveyRecord") -> Illustration | None:
    from theodolite.reporting.figures.predicted_measured import measured_candidates, predicted_measured

    if not measured_candidates(record):
        return None
    close = sum(_within(candidate.predicted_risk, candidate.measured_risk) for candidate in record.candidates)
    many = sum(not words.missing(candidate.measured_risk) for candidate in record.candidates)
    return Illustration(
        key="compared",
        title="Predicted against measured",
        caption=(
            f"One mark per candidate. On the diagonal the prediction was exact; above it the risk turned out larger "
            f"than predicted. {close} of {many} lie within 15 %, the grey band. All marks share the same held-out "
            "rows, so they shift together."
        ),
        description=f"Measured against predicted risk; {close} of {many} candidates lie within 15 per cent.",
        draw=lambda narrow: predicted_measured(record, narrow=narrow),
    )


def _learning(record: "SurveyRecord") -> Illustration | None:
    from theodolite.reporting.figures.learning_curve import has_learning_curve, learning_curve

    if not has_learning_curve(record):
        return None
    rows = record.learning_curve.get("rows")
    return Illustration(
        key="learning",
        title="With fewer or more rows",
        caption=(
            "Forecast of the risk of the chosen kernel and ridge at other training sizes, from the spectrum of the "
            "Gram matrix. Solid up to the rows at hand, dashed where it is extrapolation; the band is the range the "
            "forecast allows for. A curve still falling at the vertical line says that more rows would help."
        ),
        description=f"Forecast risk against training rows; trained on {words.count(rows)} rows.",
        draw=lambda narrow: learning_curve(record, narrow=narrow),
    )


def _capture(record: "SurveyRecord") -> Illustration | None:
    from theodolite.reporting.figures.signal_capture import capture, signal_capture

    found = capture(record.signal_capture)
    if found is None:
        return None
    learned = f"{100 * found.learned / found.energy.sum():.0f}"
    threshold = words.number(record.signal_capture.get("threshold"))
    return Illustration(
        key="capture",
        title="What of the target is learned",
        caption=(
            "The target split along the kernel's eigenfunctions, in wider groups towards the right. Filled: the share "
            f"that is learned, {learned} % in all; hatched: the share that is not, fine detail and noise. The first "
            f"{words.count(found.half)} of {words.count(len(found.energy))} eigenfunctions are captured by more than a "
            f"half (dotted line): their eigenvalue exceeds the signal capture threshold, {threshold}. A large hatched "
            "share far to the right is noise, or structure that this kernel sees last."
        ),
        description=(
            f"Share of the target per eigenfunction, {learned} per cent of it learned, "
            f"{found.half} eigenfunctions captured by more than a half."
        ),
        draw=lambda narrow: signal_capture(record, narrow=narrow),
    )


def _within(predicted: float | None, measured: float | None) -> bool:
    if predicted is None or measured is None or words.missing(predicted) or words.missing(measured):
        return False
    return 0.85 * predicted <= measured <= 1.15 * predicted
