"""A case: one claim of one paper, declared."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

import numpy as np

from theodolite.experiments.bench import Bench
from theodolite.experiments.check import Check, Mode
from theodolite.experiments.config import Config
from theodolite.experiments.key import Key
from theodolite.experiments.panels import Panel
from theodolite.numerics.errors import BadInput

C = TypeVar("C", bound=Config)


@dataclass(frozen=True)
class Measurement:
    """What a run measured: named arrays, named numbers, and in words the data they were measured on."""

    arrays: Mapping[str, np.ndarray]
    scalars: Mapping[str, float]
    data: str


@dataclass(frozen=True)
class Case(Generic[C]):
    """One claim and the way to decide it.

    `run(config, key, bench)` measures; it depends on nothing but its arguments, and may cut its work into parts that
    survive a kill (`bench.each`). `checks` and `panels` read the measurement. `reads` names the files of a data folder
    that change what is measured, or patterns of such names. Raise `revision` when `run` changes what it measures:
    stored results of an earlier revision are then run again.
    """

    paper: str
    name: str
    claim: str
    source: str
    full: C
    smoke: C
    run: Callable[[C, Key, Bench], Measurement]
    checks: Callable[[C, Measurement], tuple[Check, ...]]
    panels: Callable[[C, Measurement], tuple[Panel, ...]]
    reads: tuple[str, ...] = field(default=())
    revision: int = 1

    def __post_init__(self) -> None:
        if self.name != self.paper and not self.name.startswith(f"{self.paper}-"):
            raise BadInput(
                f"case name {self.name!r} must start with its paper's key and a hyphen, {self.paper + '-'!r}"
            )
        if type(self.full) is not type(self.smoke):
            raise BadInput(f"case {self.name!r}: full and smoke configs must be of one type")

    def config(self, mode: Mode) -> C:
        """The config of a mode, "full" or "smoke"."""
        if mode not in ("full", "smoke"):
            raise BadInput(f"mode {mode!r} is unknown; expected 'full' or 'smoke'")
        return self.full if mode == "full" else self.smoke
