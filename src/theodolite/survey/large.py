"""Candidates on more rows than a Gram matrix can hold: features of their kernels, one pass over the rows."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from theodolite.numerics import memory
from theodolite.numerics.errors import BadInput
from theodolite.numerics.progress import Progress, silent
from theodolite.random_features.drawing import drawn_maps
from theodolite.random_features.harvest import KEPT_ROWS, Harvest, Recipe
from theodolite.random_features.machine import Machine, fit_machine
from theodolite.random_features.maps import FeatureMap
from theodolite.random_features.nystrom import NystromFeatures
from theodolite.random_features.of_kernel import features_of
from theodolite.random_features.row_sample import RowSample
from theodolite.random_features.staging import predict
from theodolite.survey.candidates import Candidate
from theodolite.survey.measuring import Sample, description
from theodolite.survey.race import Entry
from theodolite.survey.record import CandidateRecord
from theodolite.survey.routing import Route

CONTEST_ROWS = 16384  # on which the finalists meet before the best of them sees all rows
SATURATED = 0.5  # effective dimension as a share of the features, above which these hold the machine back
_FEW_ROWS = "left-out errors vary by"  # a verdict on the screening rows that more rows settle
_USED = "the machine uses "

Pass = Callable[[Recipe], Harvest]


@dataclass(frozen=True, eq=False)
class Fitted:
    """A candidate through features: its record, its map with weights (P, k), and the mean (k,) of the targets."""

    candidate: Candidate
    record: CandidateRecord
    map: FeatureMap
    weights: np.ndarray
    mean: np.ndarray
    rows: int
    left_out: int
    held: RowSample

    def columns(self, points: np.ndarray) -> np.ndarray:
        """Predicted columns without the mean, (m, k), at encoded points."""
        return predict(self.map, points, self.weights)


def drawn(candidate: Candidate, route: Route, pool: np.ndarray, seed: int) -> FeatureMap:
    """The features of a candidate by a route: landmarks of a pool (m, d) of points, or random features for them."""
    assert route.features is not None
    if route.kind == "nystrom":
        return NystromFeatures(candidate.kernel).sample(seed, min(route.features, len(pool)), pool)
    return drawn_maps(features_of(candidate.kernel), None, route.features, pool, seed=seed)[0]


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
    """Finalists measured through features on rows in memory, best first; at least one, others while there is time."""
    found = []
    for number, (candidate, record) in enumerate(finalists):
        if found and not in_time():
            break
        progress(number, len(finalists), f"features of {candidate.name}")
        found.append(
            through_features(
                candidate,
                record,
                recipe,
                sample.points,
                route,
                lambda prepared: over_arrays(prepared, sample),
                memory_limit=memory_limit,
            )
        )
    return sorted(found, key=lambda one: one.record.predicted_risk)


def through_features(
    candidate: Candidate,
    screened: CandidateRecord,
    recipe: Recipe,
    pool: np.ndarray,
    route: Route,
    run: Pass,
    *,
    memory_limit: Any = None,
) -> Fitted:
    """A candidate fitted by features in one pass.

    Args: screened, its record on fewer rows, whose verdict is kept; recipe, whose maps are replaced; pool (m, d), rows
        to draw landmarks from; route, by landmarks or by random features; run, the pass.
    Cost: n P^2 operations for the pass, 20 P^3 for landmarks and ridge.
    """
    start = time.perf_counter()
    one = drawn(candidate, route, pool, recipe.seed)
    prepared = replace(recipe, maps=(one,))
    memory.require(
        prepared.bytes,
        memory_limit,
        f"a pass with {one.features} features",
        "use fewer features, or a larger memory_limit",
    )
    harvest = run(prepared)
    machine = fit_machine(harvest, prepared, ridge="auto", memory_limit=memory_limit)
    record = _record(candidate, screened, machine, one.features, time.perf_counter() - start)
    weights = machine.weights[0]
    return Fitted(candidate, record, one, weights, machine.mean, harvest.rows, harvest.left_out, harvest.held)


def over_arrays(recipe: Recipe, sample: Sample) -> Harvest:
    """A pass over encoded rows in memory."""
    total = recipe.nothing()
    random = recipe.random(0)
    for start in range(0, sample.size, recipe.block_rows):
        rows = slice(start, start + recipe.block_rows)
        points = sample.points[rows]
        total.add(recipe, points, sample.columns[rows], random.random(len(points)), number=start // recipe.block_rows)
    return total


def recipe_for(encoder: Any, coding: Any, *, seed: int, target: str = "target") -> Recipe:
    """A recipe whose maps are still to be drawn."""
    return Recipe(target=target, encoder=encoder, coding=coding, maps=(), kept=KEPT_ROWS, seed=seed, leave_out=True)


def _record(
    candidate: Candidate, screened: CandidateRecord, machine: Machine, features: int, seconds: float
) -> CandidateRecord:
    reasons = [reason for reason in screened.reasons if not reason.startswith((_FEW_ROWS, _USED))]
    verdict = screened.verdict if reasons or screened.verdict == "trusted" else "trusted"
    if machine.effective_dimension > SATURATED * features:
        reasons.append(
            f"{_USED}{machine.effective_dimension:.0f} of {features} features: more features would lower the risk"
        )
    return CandidateRecord(
        name=candidate.name,
        kernel=description(candidate),
        ridge=machine.ridge,
        kare=machine.kare,
        leave_one_out=machine.leave_one_out,
        predicted_risk=machine.predicted_risk,
        standard_error=machine.standard_error,
        verdict=verdict,
        reasons=tuple(reasons),
        effective_dimension=machine.effective_dimension,
        log_marginal_likelihood=machine.log_marginal_likelihood,
        training_error=machine.training_error,
        rows=machine.rows,
        seconds=seconds,
        curve=machine.curve,
    )
