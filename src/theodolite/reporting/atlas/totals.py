"""How many claims hold, and which checks decided those that do not."""

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from theodolite.reporting import words

if TYPE_CHECKING:
    from theodolite.experiments.check import Check
    from theodolite.experiments.result import Result

# verdict: (one claim does, several claims do)
DOES = {
    "holds": ("holds", "hold"),
    "fails": ("fails", "fail"),
    "inconclusive": ("is inconclusive", "are inconclusive"),
    "undecided": ("is undecided", "are undecided"),
    "error": ("broke", "broke"),
}


@dataclass(frozen=True)
class Share:
    """So many claims with one verdict."""

    verdict: str
    many: int
    words: str


def shares(verdicts: Iterable[str]) -> tuple[Share, ...]:
    """Counts of verdicts, in the order holds, fails, inconclusive, undecided, error; none of zero.

    >>> [share.words for share in shares(["fails", "holds", "holds"])]
    ['2 hold', '1 fails']
    """
    counts = Counter(verdicts)
    return tuple(
        Share(word, counts[word], f"{counts[word]} {DOES[word][counts[word] != 1]}") for word in DOES if counts[word]
    )


def headline(verdicts: Sequence[str]) -> str:
    """What became of all claims, in one line.

    >>> headline(["fails", "holds", "holds"]), headline(["holds"]), headline([])
    ('Of 3 claims 2 hold and 1 fails', 'The claim holds', 'No claim is measured yet')
    """
    if not verdicts:
        return "No claim is measured yet"
    said = [share.words for share in shares(verdicts)]
    if len(said) == 1:
        return (
            f"All {len(verdicts)} claims {DOES[verdicts[0]][1]}"
            if len(verdicts) > 1
            else f"The claim {DOES[verdicts[0]][0]}"
        )
    return f"Of {len(verdicts)} claims {', '.join(said[:-1])} and {said[-1]}"


def deciding(result: "Result") -> "tuple[Check, ...]":
    """The checks that keep a claim from holding: those that fail, or else those that are inconclusive, worst first."""
    for word in ("fails", "inconclusive"):
        found = [check for check in result.checks if check.verdict == word]
        if found:
            return tuple(sorted(found, key=_margin))
    return ()


def reason(check: "Check") -> str:
    """Why a check does not hold, in words, from its numbers alone.

    >>> from theodolite.experiments import Check
    >>> reason(Check("gap", 0.03, 0.05, 0.03, "at most")), reason(Check("gap", 0.08, 0.05, 0.01, "at most"))
    ('on the right side, but its error bar crosses the limit', 'beyond the limit by 3.0 error bars')
    """
    if not (math.isfinite(check.value) and math.isfinite(check.error)):
        return "the value or its error bar is not finite"
    past = -_margin_of(check)
    if check.verdict == "fails":
        return (
            f"beyond the limit by {words.number(past / check.error, 2)} error bars"
            if check.error
            else "beyond the limit"
        )
    if check.verdict == "holds":
        return "the whole error bar is on the right side"
    side = "on the right side" if past <= 0 else "on the wrong side"
    return f"{side}, but its error bar crosses the limit"


def _margin_of(check: "Check") -> float:
    return check.limit - check.value if check.direction == "at most" else check.value - check.limit


def _margin(check: "Check") -> float:
    """Distance to the right side in error bars (or in limits, where nothing is random); the worst is smallest."""
    margin = _margin_of(check)
    return margin / (check.error or abs(check.limit) or 1.0) if math.isfinite(margin) else -math.inf
