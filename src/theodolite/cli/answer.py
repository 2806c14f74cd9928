"""The answer of a survey in a few sentences."""

import math
from typing import TYPE_CHECKING

from theodolite.reporting import words

if TYPE_CHECKING:
    from theodolite.survey.record import SurveyRecord


def lines(record: "SurveyRecord") -> list[str]:
    """The chosen kernel with its predicted risk and verdict, and what the holdout measured when there was one."""
    answer = [f"{_choice(record)}; {_verdict(record)}."]
    if record.holdout:
        answer.append(_measured(record))
    return answer


def _choice(record: "SurveyRecord") -> str:
    chosen, variance = record.chosen, record.data.get("target_variance")
    target = words.shortened(record.data.get("target") or "target", 40)
    risk = words.with_error(chosen.predicted_risk, chosen.standard_error)
    part = words.share(chosen.predicted_risk, variance, chosen.standard_error)
    if record.data.get("classes") is None:
        typical = words.number(math.sqrt(max(chosen.predicted_risk, 0.0)))
        unit = f"squared units of {target} (a typical error of {typical})"
    else:
        unit = f"squared error of the coded classes of {target}"
    return (
        f"Chosen: {words.plain(chosen.name)} with ridge {words.number(chosen.ridge)}; predicted risk on new rows "
        f"{risk} {unit}, which is {part} of the target's variance"
    )


def _verdict(record: "SurveyRecord") -> str:
    chosen = record.chosen
    reasons = "; ".join(words.plain(reason).rstrip(".") for reason in chosen.reasons)
    said = {"trusted": "this number is trusted", "doubtful": "this number is doubtful"}
    verdict = said.get(chosen.verdict, "do not trust this number")
    return f"{verdict}: {reasons}" if reasons else verdict


def _measured(record: "SurveyRecord") -> str:
    holdout, variance = record.holdout or {}, record.data.get("target_variance")
    risk, error = holdout.get("risk"), holdout.get("standard_error")
    text = (
        f"Measured on {words.count(holdout.get('rows'))} held-out rows: {words.with_error(risk, error)}, "
        f"{words.share(risk, variance, error)} of the variance"
    )
    if not words.missing(holdout.get("score")):
        name = {"R2": "R²"}.get(str(holdout.get("score_name")), str(holdout.get("score_name")))
        text += f"; {words.plain(name)} {words.number(holdout['score'])}"
    return f"{text}."
