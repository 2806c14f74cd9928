"""A check: one measured value against one limit, with an error bar, and what follows from it."""

import dataclasses
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, Self

from theodolite.numerics.errors import BadInput

Direction = Literal["at most", "at least"]
Mode = Literal["full", "smoke"]
Verdict = Literal["holds", "fails", "inconclusive", "undecided", "error"]

HOLDS: Verdict = "holds"
FAILS: Verdict = "fails"
INCONCLUSIVE: Verdict = "inconclusive"
UNDECIDED: Verdict = "undecided"  # a smoke run: the machinery works, nothing was proved
ERROR: Verdict = "error"  # the run itself broke


@dataclass(frozen=True)
class Check:
    """`value` should lie on the right side of `limit`; `error` is the half-width of its error bar, in the same unit.

    *holds* when the whole bar lies on the right side (its end may touch the limit), *fails* when the whole bar lies
    on the wrong side, *inconclusive* when it straddles the limit or when value or error bar is not finite.
    A value without randomness has `error=0`.

    >>> Check("relative gap", 0.02, 0.05, 0.01, "at most").verdict
    'holds'
    >>> Check("relative gap", 0.02, 0.025, 0.01, "at most").verdict
    'inconclusive'
    """

    name: str
    value: float
    limit: float
    error: float
    direction: Direction
    error_means: str = "95 % interval"
    unit: str = ""
    note: str = ""

    def __post_init__(self) -> None:
        if self.direction not in ("at most", "at least"):
            raise BadInput(f"check {self.name!r} has direction {self.direction!r}; expected 'at most' or 'at least'")
        if not math.isfinite(self.limit):
            raise BadInput(f"check {self.name!r} has limit {self.limit}; expected a finite number")
        if self.error < 0:
            raise BadInput(f"check {self.name!r} has error bar {self.error}; expected a half-width >= 0")

    @property
    def verdict(self) -> Verdict:
        """*holds*, *fails* or *inconclusive*, as if the value came from a full run."""
        if not (math.isfinite(self.value) and math.isfinite(self.error)):
            return INCONCLUSIVE
        margin = self.limit - self.value if self.direction == "at most" else self.value - self.limit
        if margin >= self.error:
            return HOLDS
        return FAILS if margin < -self.error else INCONCLUSIVE

    def to_json(self) -> dict[str, Any]:
        """The check and its verdict as a dictionary."""
        return {**dataclasses.asdict(self), "verdict": self.verdict}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Self:
        """The inverse of `to_json`; null stands for a number that was not finite. The verdict is drawn afresh."""
        values = {name: value for name, value in document.items() if name != "verdict"}
        for name in ("value", "error"):
            values[name] = math.nan if values[name] is None else float(values[name])
        return cls(**values)


def combined_verdict(checks: Iterable[Check], mode: Mode) -> Verdict:
    """The verdict on a claim: *fails* if one check fails, *holds* if all hold, otherwise *inconclusive*.

    No checks decide nothing, and a smoke run never decides: *undecided*.

    >>> combined_verdict([Check("gap", 0.02, 0.05, 0.01, "at most"), Check("gap", 0.2, 0.05, 0.01, "at most")], "full")
    'fails'
    """
    if mode != "full":
        return UNDECIDED
    verdicts = [check.verdict for check in checks]
    if FAILS in verdicts:
        return FAILS
    return HOLDS if verdicts and all(verdict == HOLDS for verdict in verdicts) else INCONCLUSIVE
