"""Candidates on more rows than a Gram matrix can hold: features of their kernels, one pass over the rows."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from theodolite.numerics import memory
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
from theodolite.survey.record import CandidateRecord
from theodolite.survey.routing import Route

SATURATED = 0.5  # effective dimension as a share of the features, above which these hold the machine back
_FEW_ROWS = "left-out errors vary by"  # a verdict on the screening rows that more rows settle
_USED = "the machine uses "

Pass = Callable[[Recipe], Harvest]


@dataclass(frozen=True, eq=False)
class Fitted:
    """A candidate through features: its record, its map with weights (P, k), and the mean (k,) of the targets."""

    candidate: Candidate
    record: CandidateRecord
    route: Route
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


def through_features(
    candidate: Candidate,
    screened: CandidateRecord,
    recipe: Recipe,
    pool: np.ndarray,
    route: Route,
    run: Pass,
    memory_limit: Any = None,
    *,
    known: FeatureMap | None = None,
) -> Fitted:
    """A candidate fitted by features in one pass.

    Args: screened, its record on fewer rows, whose verdict is kept; recipe, whose maps are replaced; pool (m, d), rows
        to draw landmarks from; route, by landmarks or by random features; run, the pass; known, its map
        where it has been drawn before.
    Cost: n P^2 operations for the pass, 20 P^3 for landmarks and ridge.
    """
    start = time.perf_counter()
    one = known or drawn(candidate, route, pool, recipe.seed)
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
    return Fitted(candidate, record, route, one, weights, machine.mean, harvest.rows, harvest.left_out, harvest.held)


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
