"""Windows of equal length inside documents: the same ones in the same order for both directions of reading."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int

from theodolite.numerics.errors import BadInput

Tokens = Int[np.ndarray, " n"]
Windows = Int[np.ndarray, "n l"]


def flip(windows: np.ndarray) -> np.ndarray:
    """The same windows read from their ends: `flip(flip(w))` is `w`, bit for bit.

    >>> flip(np.array([[1, 2, 3]])).tolist()
    [[3, 2, 1]]
    """
    return np.ascontiguousarray(windows[..., ::-1])


@dataclass(frozen=True)
class Cut:
    """Windows (n, context) in text order, the document of each, and the tokens that made no whole window."""

    windows: Windows
    document: Int[np.ndarray, " n"]
    left_out: int


def cut(documents: Sequence[Tokens], context: int, stride: int | None = None) -> Cut:
    """Consecutive windows of each document; a partial last one is dropped, in both directions alike.

    Args: stride, tokens from the beginning of one window to that of the next, if not `context`: windows may overlap.

    >>> cut([np.arange(5), np.arange(1)], 2).windows.tolist()
    [[0, 1], [2, 3]]
    >>> cut([np.arange(5)], 4, stride=1).windows.tolist()
    [[0, 1, 2, 3], [1, 2, 3, 4]]
    """
    step = context if stride is None else stride
    pieces, owner, left_out = [], [], 0
    for place, tokens in enumerate(documents):
        starts = np.arange(0, len(tokens) - context + 1, step)
        pieces.append(np.asarray(tokens, np.int32)[starts[:, None] + np.arange(context)])
        owner.extend([place] * len(starts))
        left_out += len(tokens) - (int(starts[-1]) + context if len(starts) else 0)
    windows = np.concatenate(pieces) if pieces else np.zeros((0, context), np.int32)
    return Cut(windows, np.array(owner, np.int64), left_out)


class Stream:
    """Endless training batches: each epoch cuts every document at a fresh offset and shuffles the windows.

    A document of n tokens gives n // context windows an epoch. Batch b depends on the seed and b only, so that a
    resumed run goes on with the batches that it would have met.
    """

    def __init__(self, documents: Sequence[Tokens], context: int, batch: int, seed: int) -> None:
        kept = [np.asarray(tokens, np.int32) for tokens in documents if len(tokens) >= context]
        if not kept:
            longest = max((len(tokens) for tokens in documents), default=0)
            raise BadInput(
                f"the context of {context} tokens is longer than every training document (the longest has {longest}); "
                "use a smaller context, or longer documents (documents='files')"
            )
        self.context, self.batch, self.seed = context, batch, seed
        self._tokens = np.concatenate(kept)
        lengths = np.array([len(tokens) for tokens in kept])
        self._many = lengths // context
        self._first = np.concatenate([[0], np.cumsum(lengths)[:-1]])
        self._room = lengths - self._many * context
        self.windows_an_epoch = int(self._many.sum())
        self._remembered: tuple[int, np.ndarray] | None = None

    @property
    def tokens(self) -> int:
        """Tokens in documents that hold at least one window."""
        return len(self._tokens)

    def batches(self, first: int, many: int) -> Int[np.ndarray, "k b l"]:
        """Batches `first` to `first + many - 1` in text order, (many, batch, context)."""
        wanted = np.arange(first * self.batch, (first + many) * self.batch)
        starts = np.empty(len(wanted), np.int64)
        epochs, places = np.divmod(wanted, self.windows_an_epoch)
        for epoch in np.unique(epochs):
            here = epochs == epoch
            starts[here] = self._starts(int(epoch))[places[here]]
        windows = self._tokens[starts[:, None] + np.arange(self.context)]
        return windows.reshape(many, self.batch, self.context)

    def _starts(self, epoch: int) -> np.ndarray:
        if self._remembered is None or self._remembered[0] != epoch:
            random = np.random.default_rng((self.seed, epoch))
            offset = random.integers(0, self._room + 1)
            inside = np.concatenate([np.arange(many) for many in self._many]) * self.context
            starts = np.repeat(self._first + offset, self._many) + inside
            self._remembered = epoch, random.permutation(starts)
        return self._remembered[1]


def padded(windows: Windows, batch: int) -> Iterator[tuple[Windows, int]]:
    """Batches of one shape, the last one filled with copies of its first row, and how many rows of each count."""
    for start in range(0, len(windows), batch):
        part = windows[start : start + batch]
        if len(part) < batch:
            part = np.concatenate([part, np.repeat(part[:1], batch - len(part), axis=0)])
        yield part, min(batch, len(windows) - start)
