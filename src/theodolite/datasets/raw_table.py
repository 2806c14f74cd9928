"""A table as a file gave it."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Reading:
    """A table as a file gave it: the frame, what was done to read it, and what the file says about itself."""

    frame: "pd.DataFrame"
    notes: tuple[str, ...] = ()
    target: str | None = None  # the column that the file itself names as its target
    task: str | None = None  # "regression" or "classification", when the file says so
    source: str = ""
