"""Randomness with names: a key is split into keys, never advanced."""

import hashlib
from dataclasses import dataclass

import numpy as np

from theodolite.numerics.errors import BadInput


@dataclass(frozen=True)
class Key:
    """A seed and a path of names. Equal keys give equal numbers, whatever was drawn elsewhere and in which order.

    >>> key = Key(0)
    >>> float(key.split("noise").rng().random()) == float(Key(0).split("noise").rng().random())
    True
    >>> key.split("noise") != key.split("inputs")
    True
    """

    seed: int
    path: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if isinstance(self.seed, bool) or not isinstance(self.seed, int) or self.seed < 0:
            raise BadInput(f"seed must be an integer >= 0, got {self.seed!r}")

    def split(self, *names: str | int) -> "Key":
        """The key for a named part of the work."""
        return Key(self.seed, (*self.path, *(str(name) for name in names)))

    def integer(self) -> int:
        """A 63-bit integer determined by seed and path, for generators that want a plain seed."""
        text = "\x1f".join((str(self.seed), *self.path))
        return int.from_bytes(hashlib.sha256(text.encode("utf-8")).digest()[:8], "big") >> 1

    def rng(self) -> np.random.Generator:
        """A fresh numpy generator for this key."""
        return np.random.default_rng(self.integer())
