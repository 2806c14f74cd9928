"""The ground: named errors, checks, memory, files and progress. Knows nothing of learning."""

from theodolite.numerics.errors import (
    BadInput,
    DidNotConverge,
    NoInfiniteWidthLimit,
    NotDeterministic,
    NotFinite,
    NotPositiveDefinite,
    ShapeMismatch,
    TooLarge,
)

__all__ = [
    "BadInput",
    "DidNotConverge",
    "NoInfiniteWidthLimit",
    "NotDeterministic",
    "NotFinite",
    "NotPositiveDefinite",
    "ShapeMismatch",
    "TooLarge",
]
