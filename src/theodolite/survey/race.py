"""The race of the candidates: all on a manageable sample, the winner's lengthscale refined, the best on all rows."""

import time
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass, field

import numpy as np

from theodolite.numerics.errors import NotFinite, NotPositiveDefinite
from theodolite.numerics.progress import Progress
from theodolite.survey.candidates import Candidate
from theodolite.survey.measuring import Sample, measure
from theodolite.survey.notebook import Notebook
from theodolite.survey.record import CandidateRecord
from theodolite.survey.threads import side_by_side

Entry = tuple[Candidate, CandidateRecord]

FINALISTS = 3
NEAR = 1.1  # lengthscales closer than this factor differ by a few thousandths in risk
REFINING = (2**-0.5, 2**0.5)  # neighbours of the winner's lengthscale, half a step of the default multiples


def finalists(ranked: list[Entry]) -> tuple[list[Entry], list[Entry]]:
    """(the best, at most three of them; the others). No two of the best are one kernel at almost one lengthscale."""
    best: list[Entry] = []
    others: list[Entry] = []
    for entry in ranked:
        known = len(best) == FINALISTS or any(_near(entry[0], one) for one, _ in best)
        (others if known else best).append(entry)
    return best, others


def _near(one: Candidate, other: Candidate) -> bool:
    alike = one.family is not None and one.family == other.family
    return alike and abs(np.log(one.lengthscale / other.lengthscale)) < np.log(NEAR)


@dataclass
class Race:
    """Measures candidates one after the other within a time limit; what is finished is kept in the notebook."""

    notebook: Notebook
    progress: Progress
    time_limit: float | None
    total: int
    started: float = field(default_factory=time.monotonic)
    done: int = 0
    notes: list[str] = field(default_factory=list)

    def in_time(self) -> bool:
        """Whether another candidate may start."""
        return self.time_limit is None or time.monotonic() - self.started < self.time_limit

    def run(self, entries: list[Candidate], sample: Sample) -> list[Entry]:
        """Measure the entries on a sample, at least one, best first; failing kernels are noted and left out."""
        finished: list[Entry] = []
        failures: list[Exception] = []
        waiting = list(reversed(entries))
        running: dict[Future[CandidateRecord], Candidate] = {}
        with side_by_side(sample) as (pool, places):
            while running or (waiting and (self.in_time() or not finished)):
                while waiting and len(running) < places and (self.in_time() or not (finished or running)):
                    candidate = waiting.pop()
                    running[pool.submit(self._measured, candidate, sample)] = candidate
                    self.progress(self.done, self.total, candidate.name)
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    candidate = running.pop(future)
                    try:
                        finished.append((candidate, future.result()))
                    except (NotFinite, NotPositiveDefinite) as error:
                        failures.append(error)
                        self.notes.append(f"{candidate.name} was left out: {error}")
                    self.done += 1
                    self.progress(self.done, self.total, candidate.name)
        if waiting:
            self.notes.append(
                f"the time limit of {self.time_limit:g} s came after {len(entries) - len(waiting)} of {len(entries)} "
                f"candidates on {sample.size} rows"
            )
        if not finished:
            raise failures[0]
        return sorted(finished, key=lambda entry: (entry[1].predicted_risk, entry[0].name))

    def _measured(self, candidate: Candidate, sample: Sample) -> CandidateRecord:
        record = self.notebook.read(candidate.name, sample.size)
        if record is None:
            record = measure(candidate, sample)
            self.notebook.write(record)
        return record

    def refine(self, ranked: list[Entry], sample: Sample) -> list[Entry]:
        """Try the winner at lengthscales around its own: two neighbours, then the bottom of the parabola."""
        winner, record = ranked[0]
        if winner.family is None or not self.in_time():
            return ranked
        tried = self.run([winner.rescaled(factor) for factor in REFINING], sample)
        risk = {candidate.name: entry.predicted_risk for candidate, entry in tried}
        sides = [risk.get(winner.rescaled(factor).name, np.nan) for factor in REFINING]
        if np.isfinite(sides).all() and self.in_time():
            left, middle, right = np.log([sides[0], record.predicted_risk, sides[1]])
            bend = left - 2 * middle + right
            step = 0.5 * (left - right) / bend if bend > 0 else np.sign(left - right) * 2.0
            if abs(step) > 0.1:
                bottom = winner.rescaled(float(REFINING[1] ** np.clip(step, -2.0, 2.0)))
                if bottom.name not in {candidate.name for candidate, _ in ranked}:
                    tried += self.run([bottom], sample)
        return sorted([*ranked, *tried], key=lambda entry: entry[1].predicted_risk)
