"""What a run leaves behind: enough to read it, to draw it and to run it again."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np

from theodolite.experiments.check import ERROR, Check, Mode, Verdict, combined_verdict
from theodolite.experiments.panels import Panel


@dataclass(frozen=True)
class Result:
    """One run of one case. `duration` in seconds of this run; parts taken over from a killed run are `resumed_parts`.

    `error` is empty unless the run broke, in which case it says how and the result holds no measurement.
    """

    case: str
    paper: str
    claim: str
    source: str
    mode: Mode
    revision: int
    config: dict[str, Any]
    seed: int
    address: str
    arrays: Mapping[str, np.ndarray]
    scalars: dict[str, float]
    checks: tuple[Check, ...]
    panels: tuple[Panel, ...]
    data: str
    versions: dict[str, str]
    machine: dict[str, Any]
    started: str
    duration: float
    resumed_parts: int = 0
    error: str = ""
    files: dict[str, str] = field(default_factory=dict)  # SHA-256 of the data files read, by relative path

    @property
    def verdict(self) -> Verdict:
        """*holds*, *fails*, *inconclusive*; *undecided* for a smoke run, *error* for a run that broke."""
        return ERROR if self.error else combined_verdict(self.checks, self.mode)

    def to_json(self) -> dict[str, Any]:
        """Everything but the arrays, as nested dictionaries and lists; of the arrays only shapes and types."""
        return {
            "case": self.case,
            "paper": self.paper,
            "claim": self.claim,
            "source": self.source,
            "mode": self.mode,
            "verdict": self.verdict,
            "checks": [check.to_json() for check in self.checks],
            "scalars": dict(self.scalars),
            "data": self.data,
            "files": dict(self.files),
            "config": self.config,
            "seed": self.seed,
            "revision": self.revision,
            "address": self.address,
            "versions": self.versions,
            "machine": self.machine,
            "started": self.started,
            "duration": self.duration,
            "resumed_parts": self.resumed_parts,
            "error": self.error,
            "panels": [panel.to_json() for panel in self.panels],
            "arrays": {
                name: {"shape": list(array.shape), "dtype": str(array.dtype)} for name, array in self.arrays.items()
            },
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> Self:
        """The inverse of `to_json`, given the arrays. A scalar that was not finite comes back as NaN."""
        values = {name: value for name, value in document.items() if name not in ("verdict", "arrays")}
        values["checks"] = tuple(Check.from_json(entry) for entry in document["checks"])
        values["panels"] = tuple(Panel.from_json(entry) for entry in document["panels"])
        values["scalars"] = {
            name: float("nan") if value is None else float(value) for name, value in document["scalars"].items()
        }
        return cls(arrays=dict(arrays), **values)
