"""Several corpora side by side, all of them reported, with Holm's correction for having looked at many."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import stats

from theodolite.language_arrow.documents import Corpus
from theodolite.language_arrow.measure import measure
from theodolite.language_arrow.result import ArrowResult
from theodolite.language_arrow.statistics import Interval, degrees_of_freedom, holm, holm_levels, seed_interval
from theodolite.numerics.errors import BadInput
from theodolite.numerics.progress import Progress, silent


@dataclass(frozen=True)
class ArrowComparison:
    """Results with the p-value of each (of r = 0, from its interval), Holm's adjusted ones, and wider intervals.

    `intervals` has for each corpus the interval at the level of its step in Holm's procedure: it excludes zero where
    that step would reject. They are not simultaneous intervals.
    """

    results: tuple[ArrowResult, ...]
    p_values: tuple[float, ...]
    adjusted: tuple[float, ...]
    intervals: tuple[Interval, ...]

    def to_json(self) -> dict[str, Any]:
        """Everything as what JSON knows."""
        rows = zip(self.results, self.p_values, self.adjusted, self.intervals, strict=True)
        return {
            "results": [
                {
                    **one.to_json(),
                    "p_of_interval": p,
                    "p_holm": adjusted,
                    "holm_interval": [interval.low, interval.high],
                }
                for one, p, adjusted, interval in rows
            ]
        }


def compared(results: Sequence[ArrowResult]) -> ArrowComparison:
    """Correct the results of several corpora for each other, by Holm's method.

    Args: results, of `measure`. Returns: an ArrowComparison. Raises: BadInput for none. Cost: none to speak of.

    >>> from theodolite.language_arrow import measure
    >>> compared([measure(["to be or not to be, that is the question" * 3] * 12, model="ngram")]).adjusted[0] <= 1
    True
    """
    if not results:
        raise BadInput("there is nothing to compare: give at least one result")
    p_values = [_p_value(one) for one in results]
    levels = holm_levels(p_values)
    intervals = [_interval(one, float(level)) for one, level in zip(results, levels, strict=True)]
    adjusted = tuple(float(p) for p in holm(p_values))
    return ArrowComparison(tuple(results), tuple(p_values), adjusted, tuple(intervals))


def compare(corpora: Sequence[Corpus], *, progress: Progress = silent, **settings: Any) -> ArrowComparison:
    """Measure each corpus by the same settings and correct for their number.

    Args: corpora, of `read_corpus` or made by hand; settings, those of `measure` (the budget is for each corpus);
        progress.
    Returns: an `ArrowComparison`.
    Raises: as `measure`.
    Cost: one budget each.

    >>> from theodolite.language_arrow import Corpus
    >>> corpora = [Corpus(name, ("to be or not to be, that is the question" * 3,) * 12) for name in ("one", "two")]
    >>> len(compare(corpora, model="ngram").adjusted)
    2
    """
    found = []
    for place, corpus in enumerate(corpora):

        def tell(done: float, total: float, what: str, place: int = place, name: str = corpus.name) -> None:
            progress(place + done / max(total, 1), len(corpora), f"{name}: {what}")

        found.append(measure(corpus, progress=tell, **settings))
    return compared(found)


def _p_value(one: ArrowResult) -> float:
    """Two-sided, of r = 0, from Student's or the normal law behind the interval of `ratio`."""
    degrees = _degrees(one)
    return float(2 * stats.t.sf(abs(one.ratio.value) / max(one.ratio.standard_error, 1e-300), degrees))


def _interval(one: ArrowResult, level: float) -> Interval:
    if len(one.runs) > 1:
        return seed_interval([run.ratio for run in one.runs], one.over_documents.standard_error, level=level)
    half = float(stats.norm.ppf((1 + level) / 2)) * one.ratio.standard_error
    return Interval(one.ratio.value, one.ratio.value - half, one.ratio.value + half, one.ratio.standard_error)


def _degrees(one: ArrowResult) -> float:
    ratios = np.array([run.ratio for run in one.runs])
    many = len(ratios)
    spread = float(ratios.var(ddof=1)) / many if many > 1 else 0.0
    return degrees_of_freedom(spread, one.over_documents.standard_error**2, many)
