"""Stages of one long part: the state of a training, kept so that a killed run goes on inside it."""

from dataclasses import dataclass
from typing import Any

import jax
import numpy as np

from theodolite.experiments.bench import Parts


@dataclass(frozen=True)
class Stages:
    """What is kept of one part that is under way; goes with the other parts when the run has finished.

    >>> from theodolite.experiments.bench import Forgetful
    >>> Stages(Forgetful(), "seed 1").restored({"w": np.ones(2)})
    (0, {'w': array([1., 1.])})
    """

    parts: Parts
    name: str

    @property
    def _under_way(self) -> str:
        return f"{self.name}, under way"

    def keep(self, stage: int, state: Any) -> None:
        """The arrays of a state after so many stages, in the place of the last one kept."""
        leaves = {f"leaf{place}": np.asarray(leaf) for place, leaf in enumerate(jax.tree.leaves(state))}
        self.parts.checkpoint(self._under_way, {"stage": np.array(stage), **leaves})

    def restored(self, start: Any) -> tuple[int, Any]:
        """(stage, state) as kept last, or (0, start); one of other shapes does not count."""
        found = self.parts.load(self._under_way)
        leaves, structure = jax.tree.flatten(start)
        if found is None or set(found) != {"stage", *(f"leaf{place}" for place in range(len(leaves)))}:
            return 0, start
        kept = [found[f"leaf{place}"] for place in range(len(leaves))]
        if any(
            np.shape(own) != np.shape(leaf) or own.dtype != leaf.dtype for own, leaf in zip(kept, leaves, strict=True)
        ):
            return 0, start
        return int(found["stage"]), jax.tree.unflatten(structure, kept)
