"""The finalists meet on rows in memory, through landmarks and random features; the best of them will see all rows."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

from theodolite.numerics.errors import BadInput
from theodolite.numerics.progress import Progress, silent
from theodolite.random_features.fourier import FourierFeatures
from theodolite.random_features.harvest import Recipe
from theodolite.random_features.of_kernel import features_of
from theodolite.survey.candidates import Candidate
from theodolite.survey.large import Fitted, Pass, over_arrays, through_features
from theodolite.survey.measuring import Sample
from theodolite.survey.race import Entry, Race
from theodolite.survey.record import CandidateRecord
from theodolite.survey.routing import Route

CONTEST_ROWS = 16384
MORE = 2  # times as many rows, where there are no others: then that costs less than one more fit, on all of them


def rows_that_meet(there: int, *, all_of_them: bool) -> int:
    """On how many rows finalists meet, of so many in memory; all_of_them, whether there are no others."""
    return there if there <= (MORE if all_of_them else 1) * CONTEST_ROWS else CONTEST_ROWS


def possible(route: Route, entries: list[Candidate], *, asked: str) -> Route:
    """The route, or the one instead of it where a kernel has no random features of its own.

    Raises: BadInput naming the kernel, when random features were asked for.
    """
    if route.kind != "features":
        return route
    for candidate in entries:
        try:
            features_of(candidate.kernel)
        except BadInput as error:
            if asked == "features" or route.instead is None:
                raise BadInput(
                    f"route='features' does not go with the candidate {candidate.name}: {error}; leave it out, or use "
                    "route='nystrom', which serves every kernel"
                ) from None
            return replace(route.instead, why=f"{route.why}, but {candidate.name} has no random features")
    return route


def best_on_all_rows(
    finalists: list[Entry],
    recipe: Recipe,
    whole: Sample,
    route: Route,
    all_rows: Pass | None,
    race: Race,
    memory_limit: Any = None,
) -> list[Fitted]:
    """Finalists measured on rows in memory, best first, and the best of them fitted once more, on all rows.

    Args: whole, rows in memory; all_rows, a pass over all rows, None when these are `whole`: where they are few enough,
        the finalists meet on all of them, and nothing is left to do.
    """
    meeting = whole.at_most(rows_that_meet(whole.size, all_of_them=all_rows is None), recipe.seed)
    best, *others = contest(
        finalists,
        recipe,
        meeting,
        route,
        progress=lambda done, total, what: race.progress(race.done, race.total, what),
        in_time=race.in_time,
        memory_limit=memory_limit,
    )
    if all_rows is None and meeting.size == whole.size:
        return [best, *others]
    all_rows = all_rows or partial(over_arrays, sample=whole)
    race.progress(race.done, race.total, f"all rows through {_words(best.route)} of {best.candidate.name}")
    fitted = through_features(
        best.candidate, best.record, recipe, meeting.points, best.route, all_rows, memory_limit, known=best.map
    )
    return [fitted, *others]


def contest(
    finalists: list[Entry],
    recipe: Recipe,
    sample: Sample,
    route: Route,
    *,
    progress: Progress = silent,
    in_time: Callable[[], bool] = lambda: True,
    memory_limit: Any = None,
) -> list[Fitted]:
    """Finalists measured through features on rows in memory, best first, each by the better of the routes it can take.

    The rival of a route is tried with the best of them, and with the next for as long as it is better; but only with
    kernels that have Fourier features, as networks of finite width cost more than they gain.
    Returns: at least one, others while there is time; the first knows in its route why that was taken.
    """
    found: list[Fitted] = []

    def measured(candidate: Candidate, record: CandidateRecord, way: Route) -> Fitted:
        progress(0, 0, f"{_words(way)} of {candidate.name}")
        run = partial(over_arrays, sample=sample)
        fitted = through_features(candidate, record, recipe, sample.points, way, run, memory_limit)
        found.append(fitted)
        return fitted

    for candidate, record in finalists:
        if not found or in_time():
            measured(candidate, record, route)
    found.sort(key=_risk)
    for one in tuple(found):
        if route.rival is None or not _is_stationary(one.candidate) or not in_time():
            break
        if _risk(measured(one.candidate, one.record, route.rival)) >= _risk(one):
            break
    found.sort(key=_risk)
    best = found[0]
    others = [one for one in found if one.route.kind != best.route.kind]
    if others:
        found[0] = replace(best, route=replace(best.route, why=f"{best.route.why}; {_compared(best, others[0])}"))
    each: dict[str, Fitted] = {}
    for one in found:
        each.setdefault(one.candidate.name, one)
    return list(each.values())


def _compared(best: Fitted, other: Fitted) -> str:
    """Why one kind of features and not the other."""
    here, there = _risk(best), _risk(other)
    return f"on {best.rows} rows they predict a risk of {here:.4g}, as many {_words(other.route)} one of {there:.4g}"


def _risk(fitted: Fitted) -> float:
    return fitted.record.predicted_risk


def _words(route: Route) -> str:
    return "landmarks" if route.kind == "nystrom" else "random features"


def _is_stationary(candidate: Candidate) -> bool:
    try:
        return isinstance(features_of(candidate.kernel), FourierFeatures)
    except BadInput:
        return False
