"""Text bent into a circle: counting n-grams predicts it equally well in both directions, exactly."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from theodolite.numerics.checks import positive_integer
from theodolite.numerics.errors import BadInput


class CyclicLosses(NamedTuple):
    """Losses in nats per symbol of plug-in n-gram models on the circle they were counted on."""

    forward: float
    backward: float


def cyclic_losses(text: str | Sequence[int] | np.ndarray, n: int) -> CyclicLosses:
    """Loss of the counted n-gram model of a circular text, each direction counted for itself.

    - 1/N sum_i log (count(x_i .. x_{i+n-1}) / count of its first, or of its last, n - 1 symbols)

    Both equal H(n) - H(n - 1), block entropies of the circle, where every block has a next and a last symbol: any
    difference is round-off. Ends or smoothing break the equality.

    Args: text, a string or symbols; n >= 1, up to the length.
    Source: Papadopoulos, Wenger and Hongler (2024), arXiv:2401.17505, the chain rule read both ways.
    Cost: O(n N log N).

    >>> one, other = cyclic_losses("the cat sat on the mat and the rat ran", 3)
    >>> one > 0.1, abs(one - other) < 1e-12
    (True, True)
    """
    symbols, n = _symbols(text), positive_integer(n, "n")
    if n > len(symbols):
        raise BadInput(f"n is {n}, and the text has {len(symbols)} symbols; take n up to its length")
    ahead = np.stack([np.roll(symbols, -k) for k in range(n)], axis=1)
    behind = np.stack([np.roll(symbols, k) for k in range(n)], axis=1)
    return CyclicLosses(_plug_in(ahead), _plug_in(behind))


def cyclic_block_entropy(text: str | Sequence[int] | np.ndarray, n: int) -> float:
    """Entropy in nats of a block of n neighbours on the circle, at a place drawn uniformly; zero for n = 0.

    >>> [round(float(cyclic_block_entropy("abab", n) / np.log(2)), 12) for n in (0, 1, 2)]
    [0.0, 1.0, 1.0]
    """
    symbols = _symbols(text)
    if n == 0:
        return 0.0
    blocks = np.stack([np.roll(symbols, -k) for k in range(positive_integer(n, "n"))], axis=1)
    share = np.unique(blocks, axis=0, return_counts=True)[1] / len(symbols)
    return float(-np.sum(share * np.log(share)))


def _plug_in(blocks: np.ndarray) -> float:
    """Mean of -log(count(block) / count(its first n - 1 symbols)) over all places."""
    whole = _counts(blocks)
    context = _counts(blocks[:, :-1]) if blocks.shape[1] > 1 else np.full(len(blocks), len(blocks))
    return float(np.mean(np.log(context / whole)))


def _counts(blocks: np.ndarray) -> np.ndarray:
    _, where, counts = np.unique(blocks, axis=0, return_inverse=True, return_counts=True)
    return counts[where.reshape(-1)]


def _symbols(text: Any) -> np.ndarray:
    symbols = np.array([ord(c) for c in text]) if isinstance(text, str) else np.asarray(text)
    if symbols.ndim != 1 or not len(symbols):
        raise BadInput(f"text has shape {symbols.shape}; expected a string or a vector of symbols that is not empty")
    return symbols
