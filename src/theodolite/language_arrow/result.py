"""What was measured, with everything needed to doubt it."""

from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from theodolite.language_arrow.statistics import Interval
from theodolite.language_arrow.tallies import ContextBin

SMALL_PARAMETERS = 50_000_000


@dataclass(frozen=True)
class SeedRun:
    """Losses of one seed, in nats per token, r = backward / forward - 1, and the curve (steps, forward, backward)."""

    seed: int
    forward: float
    backward: float
    ratio: float
    curve: tuple[tuple[int, float, float], ...] = ()
    steps: int = 0
    seconds: float = 0.0


@dataclass(frozen=True)
class ArrowResult:
    """Forward against backward. `ratio` is r = backward / forward - 1 of the losses: positive where forward is easier.

    `arrow` is the paper's (l_bw - l_fw) / ((l_fw + l_bw) / 2) = r / (1 + r / 2). `over_documents` is conditional on
    the trained models; `ratio` joins the spread of seeds to it, and is the one to quote.
    """

    name: str
    model: str
    tokenizer: str
    vocabulary: int
    context: int | None
    parameters: int
    ratio: Interval
    over_documents: Interval
    p_value: float
    minimum_detectable: float
    forward: float
    backward: float
    characters_per_token: float
    runs: tuple[SeedRun, ...]
    profile: tuple[ContextBin, ...]
    unit: str
    documents: dict[str, int]
    tokens: dict[str, int]
    per_unit_forward: Float[np.ndarray, " u"] = field(repr=False)
    per_unit_backward: Float[np.ndarray, " u"] = field(repr=False)
    per_unit_tokens: Int[np.ndarray, " u"] = field(repr=False)
    settings: dict[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    seconds: float = 0.0

    @property
    def arrow(self) -> float:
        """r / (1 + r / 2), the measure of the paper."""
        return self.ratio.value / (1 + self.ratio.value / 2)

    @property
    def forward_per_character(self) -> float:
        """Nats per character, reading forwards."""
        return self.forward / self.characters_per_token

    @property
    def backward_per_character(self) -> float:
        """Nats per character, reading backwards."""
        return self.backward / self.characters_per_token

    @property
    def difference(self) -> float:
        """Backward minus forward, in nats per token."""
        return self.backward - self.forward

    @property
    def decides(self) -> bool:
        """Whether the interval knows of the randomness of training: two seeds or more, or a model without any."""
        return len(self.runs) > 1 or all(run.steps == 0 for run in self.runs)

    @property
    def verdict(self) -> str:
        """ "forward is easier", "backward is easier", "no arrow seen", by `ratio`; "one seed decides nothing"."""
        if not self.decides:
            return "one seed decides nothing"
        if self.ratio.low > 0:
            return "forward is easier"
        return "backward is easier" if self.ratio.high < 0 else "no arrow seen"

    def to_json(self) -> dict[str, Any]:
        """Everything as what JSON knows."""
        from theodolite.numerics.files import json_ready

        shown = ("arrow", "difference", "forward_per_character", "backward_per_character", "verdict")
        return json_ready({**asdict(self), **{name: getattr(self, name) for name in shown}})
