"""The finalists meet on rows in memory, through landmarks and random features; the best of them will see all rows."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from theodolite.numerics.errors import BadInput
from theodolite.numerics.progress import Progress, silent
from theodolite.random_features.fourier import FourierFeatures
from theodolite.random_features.harvest import Recipe
from theodolite.random_features.of_kernel import features_of
from theodolite.survey.candidates import Candidate
from theodolite.survey.large import Fitted, over_arrays, through_features
from theodolite.survey.measuring import Sample
from theodolite.survey.race import Entry
from theodolite.survey.routing import Route

CONTEST_ROWS = 16384


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

    Returns: at least one, others while there is time; the first knows in its route why that was taken.
    The rival of a route is tried for kernels with Fourier features; networks of finite width cost more than they gain.
    """
    tried = [(candidate, record, route) for candidate, record in finalists]
    if route.rival is not None:
        tried += [(*entry, route.rival) for entry in finalists if _is_stationary(entry[0])]
    found: list[Fitted] = []
    for number, (candidate, record, way) in enumerate(tried):
        if found and not in_time():
            break
        progress(number, len(tried), f"{_words(way)} of {candidate.name}")
        fitted = through_features(
            candidate,
            record,
            recipe,
            sample.points,
            way,
            lambda prepared: over_arrays(prepared, sample),
            memory_limit=memory_limit,
        )
        found.append(fitted)
    found.sort(key=lambda one: one.record.predicted_risk)
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
    here, there = (one.record.predicted_risk for one in (best, other))
    return f"on {best.rows} rows they predict a risk of {here:.4g}, as many {_words(other.route)} one of {there:.4g}"


def _words(route: Route) -> str:
    return "landmarks" if route.kind == "nystrom" else "random features"


def _is_stationary(candidate: Candidate) -> bool:
    try:
        return isinstance(features_of(candidate.kernel), FourierFeatures)
    except BadInput:
        return False
