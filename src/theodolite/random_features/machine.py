"""From one pass to a fitted model: the ridge, the weights, and what risk to expect."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from theodolite.numerics.checks import positive
from theodolite.numerics.errors import BadInput
from theodolite.random_features.harvest import Harvest, Recipe
from theodolite.random_features.maps import FeatureMap
from theodolite.random_features.matching import matched_ridge
from theodolite.random_features.primal import PrimalCriteria
from theodolite.random_features.sampled_errors import SampledErrors
from theodolite.random_features.staging import predict


@dataclass(frozen=True, eq=False)
class Machine:
    """A fitted model, or the average of several: f(x) = mean + average over models of F(x) weights.

    `ridges`, one a model (lambda in F F' / n + lambda I); `predicted_risk`, the larger of `kare` and `leave_one_out`
    for a single model; for an average, whose KARE is not known, `leave_one_out` of the average; `leave_one_out` is
    exact on `kept` rows, NaN when none were kept; `curve`, what was seen on the way to the ridge.
    """

    maps: tuple[FeatureMap, ...]
    weights: tuple[np.ndarray, ...]
    mean: np.ndarray
    ridges: tuple[float, ...]
    rows: int
    kept: int
    kare: float
    leave_one_out: float
    predicted_risk: float
    standard_error: float
    training_error: float
    effective_dimension: float
    log_marginal_likelihood: float
    curve: dict[str, list[float]]

    @property
    def ridge(self) -> float:
        """The ridge, averaged over models where each has its own."""
        return float(np.mean(self.ridges))

    def columns(self, points: np.ndarray) -> np.ndarray:
        """Predicted columns without the mean, (m, k)."""
        parts = [predict(one, points, theta) for one, theta in zip(self.maps, self.weights, strict=True)]
        return np.mean(parts, axis=0) if len(parts) > 1 else parts[0]


def fit_machine(
    harvest: Harvest,
    recipe: Recipe,
    *,
    ridge: Any = "auto",
    match: str | None = None,
    memory_limit: int | str | None = None,
) -> Machine:
    """Choose the ridge and solve for the weights.

    Args: harvest of a pass by a recipe; ridge, "auto" (lowest larger of KARE and leave-one-out on the kept rows, or,
        for an average, lowest leave-one-out of the average), "kare" (lowest KARE, averaged over models), or a number;
        match, "kernel" when a number is the ridge of the kernel machine that the average is to match.
    Raises: BadInput, NotPositiveDefinite, TooLarge. Cost: 9 P^3 operations a model, and m P^2 for m kept rows.
    """
    criteria = [PrimalCriteria(one, memory_limit=memory_limit) for one in harvest.completed(recipe)]
    first = criteria[0]
    mean = harvest.statistics[0].target_mean
    errors = None
    if len(harvest.sample):
        features = [one.transform(harvest.sample.points) for one in recipe.maps]
        errors = SampledErrors(criteria, features, harvest.sample.targets - mean)

    def kare(ridges: Any) -> np.ndarray:
        return np.mean([one.kare(ridges) for one in criteria], axis=0)

    def risk(ridges: Any) -> np.ndarray:
        if errors is None:
            return kare(ridges)
        return (
            errors.leave_one_out(ridges)
            if len(criteria) > 1
            else np.maximum(kare(ridges), errors.leave_one_out(ridges))
        )

    chosen = _ridges(ridge, match, criteria, kare, risk)
    grid = first.ridges
    left_out, spread = errors.measured(chosen) if errors else (float("nan"), 0.0)
    alone = float(np.mean([one.kare(r) for one, r in zip(criteria, chosen, strict=True)]))
    average = len(criteria) > 1 and errors is not None
    return Machine(
        maps=recipe.maps,
        weights=tuple(one.weights(r) for one, r in zip(criteria, chosen, strict=True)),
        mean=recipe.coding.mean + mean,
        ridges=tuple(chosen),
        rows=harvest.rows,
        kept=len(harvest.sample),
        kare=alone,
        leave_one_out=left_out,
        predicted_risk=left_out if average else float(np.nanmax([alone, left_out])),
        standard_error=float(np.hypot(alone * np.sqrt(2.0 * first.concentration(chosen[0]) / harvest.rows), spread)),
        training_error=float(np.mean([one.training_error(r) for one, r in zip(criteria, chosen, strict=True)])),
        effective_dimension=first.effective_dimension(chosen[0]),
        log_marginal_likelihood=first.log_marginal_likelihood(chosen[0]),
        curve={
            "ridges": grid.tolist(),
            "kare": kare(grid).tolist(),
            "leave_one_out": (errors.leave_one_out(grid) if errors else kare(grid)).tolist(),
        },
    )


def _ridges(ridge: Any, match: str | None, criteria: Sequence[PrimalCriteria], kare: Any, risk: Any) -> list[float]:
    """One ridge a model."""
    if isinstance(ridge, str):
        if ridge not in ("auto", "kare"):
            raise BadInput(f"ridge must be 'auto', 'kare' or a positive number, got {ridge!r}")
        if match is not None:
            raise BadInput("match='kernel' says that a number is the kernel machine's ridge; give ridge as a number")
        return [criteria[0].best_ridge(kare if ridge == "kare" else risk)] * len(criteria)
    number = positive(ridge, "ridge", "or use 'auto' or 'kare'")
    if match is None:
        return [number] * len(criteria)
    return [matched_ridge(one, number) for one in criteria]
