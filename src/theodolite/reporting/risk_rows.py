"""The rows of a risk table, for the page and for the terminal alike."""

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from theodolite.survey.record import CandidateRecord, SurveyRecord


def risk_rows(record: "SurveyRecord") -> "list[tuple[CandidateRecord, bool]]":
    """All candidates in their order, each with whether it is the chosen one.

    The chosen kernel stands above them as a row of its own when none of them is the same kernel, ridge and risk, as
    after a refinement or a fit on more rows.
    """
    rows = [(candidate, False) for candidate in record.candidates]
    for position, candidate in enumerate(record.candidates):
        if _same(candidate, record.chosen):
            rows[position] = (candidate, True)
            return rows
    return [(record.chosen, True), *rows]


def family(candidate: "CandidateRecord") -> str:
    """The family of kernels in a candidate's name: what stands before its parameters.

    >>> from types import SimpleNamespace
    >>> family(SimpleNamespace(name="RBF, 2 x median")), family(SimpleNamespace(name="Laplace(lengthscale=3)"))
    ('RBF', 'Laplace')
    """
    return candidate.name.partition("(")[0].partition(",")[0]


def _same(candidate: "CandidateRecord", chosen: "CandidateRecord") -> bool:
    if (candidate.name, candidate.rows) != (chosen.name, chosen.rows):
        return False
    return _close(candidate.ridge, chosen.ridge) and _close(candidate.predicted_risk, chosen.predicted_risk)


def _close(first: float | None, second: float | None) -> bool:
    """Equal up to round-off; what is missing in both is equal."""
    if first is None or second is None or math.isnan(first) or math.isnan(second):
        return (first is None or math.isnan(first)) and (second is None or math.isnan(second))
    return math.isclose(first, second, rel_tol=1e-6)
