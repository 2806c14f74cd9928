"""Models by name and size: from 0.1M parameters, which a laptop trains in minutes, to those of the paper."""

from dataclasses import dataclass
from typing import Literal

from theodolite.numerics.errors import BadInput

Kind = Literal["gpt", "gru", "lstm"]


@dataclass(frozen=True)
class Size:
    """The shape of a network: kind, layers, width, heads (GPT only), whether the head is the embedding transposed."""

    kind: Kind
    layers: int
    width: int
    heads: int = 1
    tied: bool = True

    def __post_init__(self) -> None:
        if self.kind not in ("gpt", "gru", "lstm"):
            raise BadInput(f"the kind of a network is gpt, gru or lstm, got {self.kind!r}")
        if min(self.layers, self.width, self.heads) < 1 or self.width % self.heads:
            raise BadInput(f"width must be a multiple of heads, and all at least 1: got {self}")

    def parameters(self, vocabulary: int, context: int) -> int:
        """How many numbers it has, with the token of the beginning.

        >>> Size("gpt", 3, 48, heads=3, tied=False).parameters(50257, 256)
        4920288
        """
        d = self.width
        whole = (vocabulary + 1) * d + d + (0 if self.tied else vocabulary * d)
        if self.kind == "gpt":
            return whole + context * d + self.layers * (12 * d * d + 2 * d)
        gates = 3 if self.kind == "gru" else 4
        return whole + self.layers * (2 * gates * d * d + gates * d)


SIZES: dict[str, Size] = {
    "gpt-0.1M": Size("gpt", 2, 64, heads=4),
    "gpt-0.3M": Size("gpt", 2, 96, heads=4),
    "gpt-0.9M": Size("gpt", 4, 128, heads=4),
    "gpt-2M": Size("gpt", 4, 192, heads=6),
    "gpt-nano": Size("gpt", 3, 48, heads=3, tied=False),
    "gpt-micro": Size("gpt", 4, 128, heads=4, tied=False),
    "gpt-mini": Size("gpt", 6, 192, heads=6, tied=False),
    "gpt-small": Size("gpt", 10, 380, heads=10, tied=False),
    "gpt-gpt1": Size("gpt", 12, 768, heads=12, tied=False),
    "gpt-medium": Size("gpt", 24, 1024, heads=16, tied=False),
    "gpt-xl": Size("gpt", 48, 1600, heads=25, tied=False),
    "gru-0.1M": Size("gru", 1, 128),
    "gru-0.5M": Size("gru", 1, 256),
    "gru-small": Size("gru", 1, 256, tied=False),
    "gru-med": Size("gru", 3, 512, tied=False),
    "gru-big": Size("gru", 5, 768, tied=False),
    "lstm-0.1M": Size("lstm", 1, 112),
    "lstm-0.6M": Size("lstm", 1, 256),
    "lstm-small": Size("lstm", 1, 256, tied=False),
    "lstm-med": Size("lstm", 3, 512, tied=False),
    "lstm-big": Size("lstm", 5, 768, tied=False),
}
"""Sizes by name. Those from "nano" (GPT) and "small" (recurrent) on are the paper's, with an untied head."""

DEFAULTS = {"gpt": "gpt-0.3M", "gru": "gru-0.1M", "lstm": "lstm-0.1M"}


def size_of(model: str | Size) -> Size:
    """The size for a name: "gpt", "gru", "lstm" (the usual size for a CPU) or one of `SIZES`.

    >>> size_of("gru").width
    128
    """
    if isinstance(model, Size):
        return model
    found = SIZES.get(DEFAULTS.get(model, model))
    if found is None:
        raise BadInput(f"there is no model {model!r}; use ngram, gpt, gru, lstm, or {', '.join(SIZES)}")
    return found
