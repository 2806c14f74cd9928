"""The risk axis of all figures of a survey: a share of the target variance, with target units beside it."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from theodolite.reporting import words
from theodolite.reporting.scales import floats
from theodolite.reporting.theme import log_label, logarithmic


@dataclass(frozen=True)
class RiskScale:
    """Risks divided by the target variance when it is known, otherwise as they are."""

    variance: float | None

    @classmethod
    def of(cls, data: dict[str, Any]) -> "RiskScale":
        """The scale of a survey's `data`."""
        variance = data.get("target_variance")
        return cls(variance if words.fraction(1.0, variance) else None)

    def label(self, what: str = "risk", *, narrow: bool = False) -> str:
        """What the axis says."""
        if self.variance:
            return f"{what}, % of target variance" + ("" if narrow else " (1 − R²)")
        return f"{what}, squared units of the target"

    def __call__(self, risks: Any) -> np.ndarray:
        """Risks as the axis shows them."""
        return floats(risks) / (self.variance or 1.0)

    def one(self, risk: float | None) -> float:
        """One risk as the axis shows it; NaN when there is none."""
        return float(self([risk])[0])

    def axis(self, axes: Any, direction: str, low: float, high: float) -> None:
        """Make `direction` of the axes logarithmic from `low` to `high` of this scale."""
        logarithmic(axes, direction, low, high, _per_cent if self.variance else None)

    def target_units(self, axes: Any) -> None:
        """Write the same risks in target units on the right."""
        if self.variance:
            low, high = axes.get_ylim()
            twin = axes.twinx()
            twin.grid(visible=False)
            logarithmic(twin, "y", low * self.variance, high * self.variance)
            twin.set_ylabel("squared units of the target")


def _per_cent(value: float, _position: Any = None) -> str:
    return f"{log_label(100 * value)} %"
