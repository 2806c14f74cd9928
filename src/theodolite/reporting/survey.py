"""The report of a survey: one HTML page that opens offline and answers the question on its first screen."""

import math
import re
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from theodolite.reporting import pages, words
from theodolite.reporting.risk_rows import risk_rows
from theodolite.reporting.survey_figures import survey_figures

if TYPE_CHECKING:
    from theodolite.survey.record import CandidateRecord, SurveyRecord

FIRST_ROWS = 12
_NUMBER = re.compile(r"\d+(?:\.\d+)?(?:e[+-]?\d+)?")
_SENTENCES = {
    "good": "KARE and leave-one-out agree and nothing in the data speaks against the predicted risk.",
    "unsure": "Read the predicted risk with care, and measure it on held-out rows before relying on it:",
    "bad": "Do not rely on the predicted risk; measure it on held-out rows that are new in the way yours will be:",
    "plain": "The survey gave no verdict on this number.",
}


def survey_page(record: "SurveyRecord") -> str:
    """The page of a survey as a string of HTML.

    Args: record, as `KernelSurvey.record_` holds it or as read back from JSON (numbers may be None there).
    Returns: one self-contained document: no script, no external reference, everything given by users escaped.
        The same record gives the same bytes.
    Cost: about two seconds, most of it for drawing.
    """
    return pages.render("survey.html.j2", s=_content(record))


def write_survey_page(record: "SurveyRecord", path: str | Path) -> Path:
    """Write `survey_page(record)` to `path`, whole or not at all."""
    return pages.write(path, survey_page(record))


def _content(record: "SurveyRecord") -> dict[str, Any]:
    data, chosen = record.data, record.chosen
    variance = data.get("target_variance")
    figures = survey_figures(record)
    rows = [_row(candidate, variance, is_chosen) for candidate, is_chosen in risk_rows(record)]
    grouped = any(candidate.leave_one_group_out is not None for candidate in (*record.candidates, chosen))
    verdict = words.verdict(chosen.verdict)
    content = {
        "name": words.shortened(data.get("name") or "data", 80),
        "target": words.plain(data.get("target") or "target"),
        "target_note": _target_note(data),
        "task": words.plain(data.get("task") or ""),
        "shape": f"{words.count(data.get('rows'))} rows × {words.count(data.get('columns'))} columns",
        "used": _used(data),
        "typical": _typical(record),
        "unit": _unit(data),
        "has_share": words.fraction(1.0, variance) is not None,
        "chosen": {**_row(chosen, variance, True), "reasons": chosen.reasons, "kernel": _kernel(chosen)},
        "verdict": verdict,
        "verdict_sentence": _SENTENCES[verdict.mood],
        "measured": _measured(record),
        "gauge": _gauge(record),
        "rows": rows[:FIRST_ROWS] if len(rows) > FIRST_ROWS + 3 else rows,
        "more_rows": rows[FIRST_ROWS:] if len(rows) > FIRST_ROWS + 3 else [],
        "grouped": grouped,
        "any_measured": any(not words.missing(c.measured_risk) for c in (*record.candidates, chosen)),
        "table_caption": _table_caption(record),
        "reasons": _reasons(record.candidates),
        "notes": [words.plain(note) for note in record.notes],
        "command": words.plain(record.command),
        "settings": [(key, words.value(entry)) for key, entry in record.settings.items()],
        "facts": _facts(record),
        "version": words.plain(record.versions.get("theodolite", "")),
        "seconds": words.duration(record.seconds),
        **figures,
    }
    content["headline"] = _headline(record, content)
    content["lead"] = _lead(record, content)
    content["contents"] = [
        ("risk-table", "Every candidate"),
        *((item.key, item.title) for item in figures.values() if item),
        ("notes", "What was done to the data"),
        ("again", "Run it again"),
    ]
    return content


def _row(candidate: "CandidateRecord", variance: float | None, is_chosen: bool) -> dict[str, Any]:
    return {
        "name": words.plain(candidate.name),
        "ridge": words.number(candidate.ridge),
        "kare": words.number(candidate.kare),
        "leave_one_out": words.number(candidate.leave_one_out),
        "leave_one_group_out": words.number(candidate.leave_one_group_out),
        "predicted": words.with_error(candidate.predicted_risk, candidate.standard_error),
        "share": words.share(candidate.predicted_risk, variance, candidate.standard_error),
        "measured": words.number(candidate.measured_risk),
        "measured_share": words.share(candidate.measured_risk, variance),
        "verdict": words.verdict(candidate.verdict),
        "seconds": words.duration(candidate.seconds),
        "is_chosen": is_chosen,
    }


def _measured(record: "SurveyRecord") -> dict[str, str] | None:
    holdout = record.holdout
    if not holdout or words.missing(holdout.get("risk")):
        return None
    score = ""
    if not words.missing(holdout.get("score")):
        name = words.plain(holdout.get("score_name") or "score")
        score = f"{'R²' if name == 'R2' else name} {words.number(holdout['score'])}"
    risk, error = holdout["risk"], holdout.get("standard_error")
    return {
        "risk": words.with_error(risk, error),
        "share": words.share(risk, record.data.get("target_variance"), error),
        "rows": f"on {words.count(holdout.get('rows'))} held-out rows",
        "score": score,
    }


def _gauge(record: "SurveyRecord") -> dict[str, Any] | None:
    """Places in per cent on a bar that stands for the target variance; None when that is unknown."""
    variance = record.data.get("target_variance")
    predicted = words.fraction(record.chosen.predicted_risk, variance)
    if predicted is None:
        return None
    error = words.fraction(record.chosen.standard_error, variance)
    measured = words.fraction((record.holdout or {}).get("risk"), variance)
    said = f"Predicted risk {words.share(record.chosen.predicted_risk, variance, record.chosen.standard_error)}"
    caption = "The bar is the variance of the target, filled as far as new rows are predicted to stay unexplained"
    caption += " (± one standard error)" if error is not None else ""
    caption += "; the diamond is what was measured." if measured is not None else "."
    if measured is not None and record.holdout:
        said += f", measured {words.share(record.holdout['risk'], variance)}"
    return {
        "predicted": _per_cent(predicted),
        "low": None if error is None else _per_cent(predicted - error),
        "width": None if error is None else round(_per_cent(predicted + error) - _per_cent(predicted - error), 2),
        "measured": None if measured is None else _per_cent(measured),
        "words": f"{said} of the target variance.",
        "caption": caption,
    }


def _per_cent(part: float) -> float:
    return round(100 * min(max(part, 0.0), 1.0), 2)


def _headline(record: "SurveyRecord", content: dict[str, Any]) -> str:
    target = words.shortened(content["target"], 60)
    part = words.fraction(record.chosen.predicted_risk, record.data.get("target_variance"))
    if content["verdict"].mood == "bad":
        return f"No trustworthy prediction for {target}"
    if part is None:
        return f"Predicted risk for {target}: {content['chosen']['predicted']}"
    if part >= 1:
        return f"No candidate is predicted to beat a constant for {target}"
    explained = f"{100 * (1 - part):.0f}\u00a0% of the variance of {target}"
    if content["verdict"].mood == "unsure":
        return f"Perhaps {explained} can be explained on new rows"
    return f"Expect to explain {explained} on new rows"


def _lead(record: "SurveyRecord", content: dict[str, Any]) -> str:
    many = len(record.candidates)
    rows = record.chosen.rows
    text = f"Chosen from {many} candidate{'' if many == 1 else 's'} with {words.count(rows)} training rows"
    text += f", in {content['seconds']}. The prediction uses the training rows only"
    if content["measured"]:
        return f"{text}; {content['measured']['rows'].removeprefix('on ')} then measured it."
    return f"{text}; nothing was held out to measure it."


def _kernel(chosen: "CandidateRecord") -> str:
    """The kernel with its parameters, where its name leaves them out."""
    said = words.kernel(chosen.kernel)
    return "" if said in ("", words.plain(chosen.name)) else said


def _used(data: dict[str, Any]) -> str:
    used, rows = data.get("used_rows"), data.get("rows")
    if used is None or rows is None or not used < rows:
        return ""
    return f"{words.count(used)} of the rows used for training"


def _typical(record: "SurveyRecord") -> str:
    """The root of the predicted risk, in the unit of the target; nothing for classes."""
    risk = record.chosen.predicted_risk
    if record.data.get("classes") is not None or words.missing(risk) or not 0 < risk < math.inf:
        return ""
    return f"a typical error of {words.number(math.sqrt(risk))}"


def _unit(data: dict[str, Any]) -> str:
    if data.get("classes") is not None:
        return "squared error over one-hot classes"
    return "target units²"


def _target_note(data: dict[str, Any]) -> str:
    classes = data.get("classes")
    if classes is None:
        return f"variance {words.number(data.get('target_variance'))}"
    many = classes if isinstance(classes, int) else len(classes)
    return f"{many} classes, one-hot variance {words.number(data.get('target_variance'))}"


def _table_caption(record: "SurveyRecord") -> str:
    unit = "summed over one-hot classes" if record.data.get("classes") is not None else "in squared units of the target"
    text = f"Best first. Risks are mean squared errors, {unit}; ± is one standard error"
    if words.fraction(1.0, record.data.get("target_variance")) is not None:
        text += "; 1 − R² is the predicted risk as a share of the target variance"
    return text + "."


def _reasons(candidates: Iterable["CandidateRecord"]) -> list[tuple[str, str]]:
    """Each kind of reason once, with the candidates it applies to; numbers that vary become "lowest to highest"."""
    found: dict[str, list[tuple[list[str], str]]] = {}
    for candidate in candidates:
        if words.verdict(candidate.verdict).mood != "good":
            for reason in map(words.plain, candidate.reasons):
                kind = _NUMBER.sub("\0", reason)
                found.setdefault(kind, []).append((_NUMBER.findall(reason), words.plain(candidate.name)))
    return [
        (_ranged(kind, [numbers for numbers, _ in many]), _listed([name for _, name in many]))
        for kind, many in found.items()
    ]


def _ranged(kind: str, many: list[list[str]]) -> str:
    """A kind of reason with its numbers filled in."""
    pieces = kind.split("\0")
    for position, numbers in enumerate(zip(*many, strict=True)):
        ends = sorted({min(numbers, key=float), max(numbers, key=float)}, key=float)
        pieces[position] += " to ".join(ends)
    return "".join(pieces)


def _listed(names: list[str], most: int = 4) -> str:
    rest = len(names) - most
    return ", ".join(names[:most]) + (f" and {rest} more" if rest > 0 else "")


def _facts(record: "SurveyRecord") -> list[tuple[str, str]]:
    facts = [(key.replace("_", " "), words.value(entry)) for key, entry in record.data.items() if entry is not None]
    facts += [("seconds", words.duration(record.seconds))]
    facts += [(key, words.value(entry)) for key, entry in record.extra.items()]
    return facts + [(key, words.value(entry)) for key, entry in record.versions.items()]
