"""One candidate, measured: its Gram matrix, its best ridge, every criterion there, and what to think of it."""

import time
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from theodolite.kernel_regression import RidgeSearch, factorise
from theodolite.kernel_regression.cholesky import CholeskyFactor
from theodolite.kernel_regression.criteria import Criteria
from theodolite.kernel_regression.ridge_path import RidgePath
from theodolite.kernel_regression.trust import copies, trust
from theodolite.kernels import Pairs, gram, gram_on, shared_pairs
from theodolite.numerics import memory
from theodolite.numerics.errors import BadInput
from theodolite.numerics.progress import Progress, silent
from theodolite.survey.candidates import Candidate
from theodolite.survey.record import CandidateRecord

CURVE_POINTS = 33
_SHARED_COPIES = 8  # (n, n) arrays alive when distances are shared: distances, Gram matrix, factor


@dataclass(frozen=True)
class Sample:
    """The rows a candidate is measured on: points (n, d), centred target columns (n, k), groups (n,) or None."""

    points: np.ndarray
    columns: np.ndarray
    groups: np.ndarray | None = None
    memory_limit: int | str | None = None

    def rows(self, chosen: np.ndarray) -> "Sample":
        """The same with some rows only, in the given order."""
        groups = None if self.groups is None else self.groups[chosen]
        return Sample(self.points[chosen], self.columns[chosen], groups, self.memory_limit)

    def at_most(self, rows: int, seed: int) -> "Sample":
        """A random sample of the rows, in their order; the same object when there are no more."""
        if self.size <= rows:
            return self
        return self.rows(np.sort(np.random.default_rng(seed).permutation(self.size)[:rows]))

    @property
    def size(self) -> int:
        """n."""
        return len(self.points)

    @cached_property
    def left_out_together(self) -> np.ndarray | None:
        """Labels of rows that are left out together: the groups, or else the copies of one row; None without any."""
        return copies(self.points) if self.groups is None else self.groups

    @cached_property
    def pairs(self) -> Pairs | None:
        """Shared distances, or None when they would take too much memory beside a Gram matrix and its factor."""
        needed = _SHARED_COPIES * 8 * self.size**2
        if needed > memory.limit_bytes(self.memory_limit):
            return None
        return shared_pairs(self.points, memory_limit=self.memory_limit)


def gram_of(candidate: Candidate, sample: Sample, progress: Progress = silent) -> np.ndarray:
    """The Gram matrix of a candidate on a sample."""
    if sample.pairs is not None:
        return gram_on(candidate.kernel, sample.pairs, progress=progress)
    return gram(candidate.kernel, sample.points, memory_limit=sample.memory_limit, progress=progress)


def dual_coefficients(candidate: Candidate, sample: Sample, ridge: float) -> np.ndarray:
    """Coefficients a (n, k) of the fitted machine k(x, X) @ a."""
    return CholeskyFactor(gram_of(candidate, sample), ridge).solve(sample.columns) / sample.size


def measure(candidate: Candidate, sample: Sample) -> CandidateRecord:
    """The record of a candidate at its best ridge."""
    start = time.perf_counter()
    matrix = gram_of(candidate, sample)
    path = factorise(matrix, sample.columns, groups=sample.left_out_together, memory_limit=sample.memory_limit)
    ridge = path.best_ridge()
    verdict = trust(path, ridge, matrix)
    return CandidateRecord(
        name=candidate.name,
        kernel=description(candidate),
        ridge=ridge,
        kare=path.kare(ridge),
        leave_one_out=path.leave_one_out(ridge),
        leave_one_group_out=None if path.groups is None else path.leave_one_group_out(ridge),
        predicted_risk=float(path.risk(ridge)),
        standard_error=path.standard_error(ridge),
        verdict=verdict.verdict,
        reasons=verdict.reasons,
        effective_dimension=path.effective_dimension(ridge),
        log_marginal_likelihood=path.log_marginal_likelihood(ridge),
        training_error=path.training_error(ridge),
        rows=sample.size,
        curve=_curve(path),
        seconds=time.perf_counter() - start,
    )


def description(candidate: Candidate) -> dict[str, Any]:
    """The kernel as JSON; a function of the caller's is described by its name only."""
    try:
        return candidate.kernel.config()
    except BadInput:
        return {"kind": "Custom", "name": repr(candidate.kernel)}


def _curve(path: Criteria) -> dict[str, list[float]]:
    """KARE and the left-out error over ridges, for pictures."""
    if isinstance(path, RidgePath):
        ridges = path.ridges
        kare, held_out = path.kare(ridges), path.leave_one_out(ridges)
    else:
        assert isinstance(path, RidgeSearch)
        all_ridges, all_kare, all_held_out = path.curve()
        chosen = np.unique(np.linspace(0, len(all_ridges) - 1, CURVE_POINTS).astype(int))
        ridges, kare, held_out = all_ridges[chosen], all_kare[chosen], all_held_out[chosen]
    return {"ridges": ridges.tolist(), "kare": kare.tolist(), "leave_one_out": held_out.tolist()}
