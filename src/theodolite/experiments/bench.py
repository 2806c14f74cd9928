"""What a running case may lean on: a data folder, a listener, and parts that survive a kill."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np

from theodolite.numerics.progress import Progress, silent

Arrays = dict[str, np.ndarray]


class Parts(Protocol):
    """Where finished parts of a run are kept."""

    def load(self, name: str) -> Arrays | None:
        """The arrays of a finished part, or None."""
        ...

    def checkpoint(self, name: str, arrays: Arrays) -> None:
        """Keep the arrays of a finished part."""
        ...


class Forgetful:
    """Keeps no parts: every part is computed."""

    def load(self, name: str) -> Arrays | None:
        """Nothing is known."""
        return None

    def checkpoint(self, name: str, arrays: Arrays) -> None:
        """Nothing is kept."""


@dataclass(frozen=True)
class Bench:
    """The work bench of one run."""

    data_folder: Path | None = None
    progress: Progress = silent
    parts: Parts = field(default_factory=Forgetful)

    def each(self, names: Sequence[str], compute: Callable[[str], Arrays]) -> list[Arrays]:
        """`compute(name)` for every name, in order; parts finished in an earlier, killed run are read back instead.

        Each name must determine its part completely (together with config, key and data), so that the result does not
        depend on where the run was interrupted.

        >>> Bench().each(["a", "b"], lambda name: {"length": np.array(len(name))})
        [{'length': array(1)}, {'length': array(1)}]
        """
        found = []
        for done, name in enumerate(names):
            self.progress(done, len(names), name)
            arrays = self.parts.load(name)
            if arrays is None:
                arrays = {key: np.asarray(value) for key, value in compute(name).items()}
                self.parts.checkpoint(name, arrays)
            found.append(arrays)
        self.progress(len(names), len(names), "done")
        return found
