"""Losses added up per document and per number of tokens already read: all that the statistics need."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

FEWEST_UNITS = 30
BLOCK_WINDOWS = 4


@dataclass(frozen=True)
class Tally:
    """Sums of losses (units, bins) in float64, and how many tokens each holds; `edges` are the bins' first places."""

    forward: Float[np.ndarray, "u b"]
    backward: Float[np.ndarray, "u b"]
    tokens: Int[np.ndarray, "u b"]
    edges: tuple[int, ...]
    longest: int


@dataclass(frozen=True)
class ContextBin:
    """Tokens read before: `first` to `last`. Losses in nats per token, r and its standard error, r up to here."""

    first: int
    last: int
    forward: float
    backward: float
    ratio: float
    standard_error: float
    cumulative: float


def bin_edges(longest: int) -> tuple[int, ...]:
    """First places of bins that double: 0, 1, 2, 4, 8, ...

    >>> bin_edges(9)
    (0, 1, 2, 4, 8)
    """
    edges = [0]
    while (following := max(1, 2 * edges[-1])) < longest:
        edges.append(following)
    return tuple(edges)


def units_of(document: Int[np.ndarray, " n"], block: int = BLOCK_WINDOWS) -> Int[np.ndarray, " n"]:
    """The unit of each window: its document; with fewer than 30 of these, a block of consecutive windows of one.

    >>> units_of(np.array([0, 0, 0, 0, 0, 1])).tolist()
    [0, 0, 0, 0, 1, 2]
    """
    kinds, which = np.unique(document, return_inverse=True)
    if len(kinds) >= FEWEST_UNITS:
        return which
    place = np.arange(len(document)) - np.searchsorted(document, document)
    blocks = np.stack([which, place // block], axis=1)
    return np.unique(blocks, axis=0, return_inverse=True)[1].reshape(-1)


def tally(
    forward: Sequence[Float[np.ndarray, " l"]], backward: Sequence[Float[np.ndarray, " l"]], units: np.ndarray
) -> Tally:
    """Add up the losses of windows or documents, each in its own reading order."""
    longest = max(map(len, forward))
    edges = bin_edges(longest)
    ways = (forward, backward)
    sums = [np.stack([np.add.reduceat(_filled(one, edges[-1] + 1), edges) for one in way]) for way in ways]
    reach = np.array([len(one) for one in forward])[:, None]
    ends = np.array([*edges[1:], np.iinfo(np.int64).max])
    many = np.clip(np.minimum(reach, ends) - np.array(edges), 0, None)
    groups = int(units.max()) + 1
    added = []
    for values in (*sums, many):
        total = np.zeros((groups, len(edges)), values.dtype)
        np.add.at(total, units, values)
        added.append(total)
    return Tally(added[0], added[1], added[2], edges, longest)


def mean_tally(tallies: Sequence[Tally]) -> Tally:
    """The mean over seeds."""
    first = tallies[0]
    return Tally(
        np.mean([one.forward for one in tallies], axis=0),
        np.mean([one.backward for one in tallies], axis=0),
        first.tokens,
        first.edges,
        first.longest,
    )


def context_profile(found: Tally) -> tuple[ContextBin, ...]:
    """r for each number of tokens already read, equal in both directions; errors over units, to first order."""
    profile = []
    lasts = [edge - 1 for edge in (*found.edges[1:], found.longest)]
    for place, (first, last) in enumerate(zip(found.edges, lasts, strict=True)):
        forward, backward = found.forward[:, place], found.backward[:, place]
        tokens, total = int(found.tokens[:, place].sum()), float(forward.sum())
        ratio = float(backward.sum()) / total - 1
        error = float(np.sqrt(np.square(backward - (1 + ratio) * forward).sum())) / total
        up_to = float(found.backward[:, : place + 1].sum() / found.forward[:, : place + 1].sum()) - 1
        profile.append(ContextBin(first, last, total / tokens, float(backward.sum()) / tokens, ratio, error, up_to))
    return tuple(profile)


def _filled(losses: np.ndarray, least: int) -> np.ndarray:
    return losses if len(losses) >= least else np.concatenate([losses, np.zeros(least - len(losses))])
