"""Run one case: once, resumable, and with every surprise recorded."""

import datetime
import hashlib
import os
import time
import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from theodolite.experiments.bench import Bench
from theodolite.experiments.case import Case, Measurement
from theodolite.experiments.check import Check, Mode
from theodolite.experiments.key import Key
from theodolite.experiments.panels import Panel
from theodolite.experiments.result import Result
from theodolite.experiments.store import Damaged, Store, StoredParts, address
from theodolite.experiments.surroundings import machine, versions
from theodolite.numerics.errors import BadInput
from theodolite.numerics.progress import Progress, silent

DATA_VARIABLE = "THEODOLITE_DATA"
NOTHING = Measurement({}, {}, "")


def data_folder_from(given: str | Path | None) -> Path | None:
    """The folder of real data: the one given, or the one in the environment variable THEODOLITE_DATA, or None."""
    text = given if given is not None else os.environ.get(DATA_VARIABLE) or None
    if text is None:
        return None
    folder = Path(text)
    if not folder.is_dir():
        origin = "the data folder" if given is not None else DATA_VARIABLE
        raise BadInput(f"{origin} is {str(folder)!r}, which is not a folder; give an existing one, or none at all")
    return folder


@dataclass(frozen=True)
class Run:
    """One run of one case, with everything that decides where its result is kept."""

    case: Case[Any]
    mode: Mode
    store: Store
    seed: int
    data_folder: Path | None
    files: dict[str, str]

    @classmethod
    def of(
        cls,
        case: Case[Any],
        mode: Mode,
        store: Store | None = None,
        seed: int = 0,
        data_folder: str | Path | None = None,
    ) -> "Run":
        """Check the settings and look at the data files. Raises: BadInput."""
        case.config(mode)
        Key(seed)
        folder = data_folder_from(data_folder)
        files = (
            {}
            if folder is None
            else {
                path.relative_to(folder).as_posix(): _sha256(path)
                for pattern in case.reads
                for path in sorted(folder.glob(pattern))
                if path.is_file()
            }
        )
        return cls(case, mode, store if store is not None else Store(), seed, folder, files)

    @property
    def address(self) -> str:
        """Where the result is kept."""
        return address(self.case, self.mode, self.seed, self.files)

    def parts(self) -> StoredParts:
        """The parts finished so far."""
        return self.store.parts(self.case.name, self.mode, self.address)

    def finished(self) -> Result | None:
        """The stored result, or None; a damaged one counts as none."""
        folder = self.store.find(self.case.name, self.mode, self.address)
        try:
            return self.store.load(folder) if folder is not None else None
        except Damaged:
            return None

    def measure(self, progress: Progress = silent) -> Result:
        """Run, check, store. An exception of the case becomes a result with `error` set."""
        case, config, parts, clock = self.case, self.case.config(self.mode), self.parts(), time.perf_counter()
        try:
            measured = _tidied(case.run(config, Key(self.seed), Bench(self.data_folder, progress, parts)))
            checks, panels = tuple(case.checks(config, measured)), tuple(case.panels(config, measured))
            _examine(checks, panels, measured)
            result = self.record(measured, checks, panels, clock, parts.resumed)
        except Exception as problem:
            result = self.record(started=clock, error=described(problem))
        self.store.save(result)
        return result

    def record(
        self,
        measured: Measurement = NOTHING,
        checks: tuple[Check, ...] = (),
        panels: tuple[Panel, ...] = (),
        started: float | None = None,
        resumed_parts: int = 0,
        error: str = "",
    ) -> Result:
        """The result record; `started` is a reading of `time.perf_counter`."""
        duration = time.perf_counter() - started if started is not None else 0.0
        begun = datetime.datetime.now(datetime.UTC) - datetime.timedelta(seconds=duration)
        return Result(
            case=self.case.name,
            paper=self.case.paper,
            claim=self.case.claim,
            source=self.case.source,
            mode=self.mode,
            revision=self.case.revision,
            config=self.case.config(self.mode).to_json(),
            seed=self.seed,
            address=self.address,
            arrays=measured.arrays,
            scalars=dict(measured.scalars),
            checks=checks,
            panels=panels,
            data=measured.data,
            versions=versions(),
            machine=machine(),
            started=begun.isoformat(timespec="seconds"),
            duration=duration,
            resumed_parts=resumed_parts,
            error=error,
            files=self.files,
        )


def run_case(
    case: Case[Any],
    mode: Mode = "full",
    store: Store | None = None,
    *,
    progress: Progress = silent,
    seed: int = 0,
    again: bool = False,
    data_folder: str | Path | None = None,
) -> Result:
    """Run one case, or return its stored result.

    Args: mode "full" (decides the claim) or "smoke" (seconds, decides nothing); store, by default
        `theodolite-results` in the current directory; seed >= 0; again=True measures afresh even if a finished result
        is stored (the old one stays until the new one is whole); data_folder, by default THEODOLITE_DATA.
    Returns: the result. If the case raised, a result with `error` set; it is recorded, and run again next time.
    Raises: BadInput for an unknown mode, a negative seed or a data folder that does not exist.
    """
    run = Run.of(case, mode, store, seed, data_folder)
    if again:
        run.parts().discard()
    elif (known := run.finished()) is not None:
        return known
    return run.measure(progress)


def described(problem: BaseException) -> str:
    """An exception in one paragraph: its kind, its words, and the last place of ours it passed."""
    places = [frame for frame in traceback.extract_tb(problem.__traceback__) if "theodolite" in frame.filename]
    where = f" (in {Path(places[-1].filename).name}, line {places[-1].lineno})" if places else ""
    return f"{type(problem).__name__}: {problem}{where}"


def _tidied(measured: Measurement) -> Measurement:
    arrays = {name: np.asarray(array) for name, array in measured.arrays.items()}
    return Measurement(arrays, {name: float(value) for name, value in measured.scalars.items()}, measured.data)


def _examine(checks: tuple[Check, ...], panels: tuple[Panel, ...], measured: Measurement) -> None:
    if not checks:
        raise BadInput("the case returned no checks; a claim needs at least one to be decided")
    if not measured.data.strip():
        raise BadInput("the case does not say in words which data it ran on")
    problems = [problem for panel in panels for problem in panel.problems(measured.arrays)]
    if problems:
        raise BadInput("; ".join(problems))


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
