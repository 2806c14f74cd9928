"""The interpolated Witten-Bell n-gram: a learner without gradients, and the same for everybody who counts."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from theodolite.numerics.errors import BadInput
from theodolite.numerics.memory import require

BYTES_A_TOKEN = 120  # of the stream with its keys, order and counts while one length is being sorted
MOST_ORDER = 12


@dataclass(frozen=True)
class _Length:
    """Grams of one length: sorted keys (id of the gram before, last token), and what followed each gram before."""

    keys: Int[np.ndarray, " g"]
    counts: Float[np.ndarray, " g"]
    total: Float[np.ndarray, " c"]
    kinds: Float[np.ndarray, " c"]


class NGram:
    """Witten-Bell n-gram of any order, after Witten and Bell (1991).

    p_k(w | c) = (count(c, w) + t(c) p_{k-1}(w | c')) / (count(c) + t(c)),   p_{-1} = 1 / V,
    with t(c) the number of different continuations of c and c' the context without its first token; an unseen context
    passes on p_{k-1}. Each document is padded on the left with a token of its own, V.
    """

    def __init__(
        self,
        documents: Sequence[Int[np.ndarray, " n"]],
        vocabulary: int,
        order: int = 5,
        *,
        memory_limit: int | str | None = None,
    ) -> None:
        """Count. Args: documents, token ids; vocabulary V; order >= 1, tokens of a gram. Cost: one sort per length."""
        if not 1 <= order <= MOST_ORDER:
            raise BadInput(f"the order of an n-gram is from 1 to {MOST_ORDER}, got {order}")
        tokens = sum(len(one) + order - 1 for one in documents)
        require(BYTES_A_TOKEN * tokens, memory_limit, f"an n-gram of {tokens:,} tokens", "use less text")
        self.vocabulary, self.order = int(vocabulary), int(order)
        stream, real = self._stream(documents)
        self._lengths: list[_Length] = []
        before, contexts = np.zeros(len(stream), np.int64), 1
        for _ in range(order):
            keys, which = np.unique(before * (self.vocabulary + 1) + stream, return_inverse=True)
            counts = np.bincount(which[real], minlength=len(keys)).astype(np.float64)
            context = keys // (self.vocabulary + 1)
            total = np.bincount(context, weights=counts, minlength=contexts)
            kinds = np.bincount(context, weights=counts > 0, minlength=contexts)
            self._lengths.append(_Length(keys, counts, total, kinds))
            # the gram that ends at t - 1 is the context, one token longer, of the token at t
            before, contexts = np.concatenate([which[:1] * 0, which[:-1]]), len(keys)
        self.parameters = sum(int((one.counts > 0).sum()) for one in self._lengths)

    def losses(self, documents: Sequence[Int[np.ndarray, " n"]]) -> list[Float[np.ndarray, " n"]]:
        """-log p of every token of every document, in nats, each a function of the tokens before it only."""
        stream, real = self._stream(documents)
        probability = np.full(len(stream), 1.0 / self.vocabulary)
        before = np.zeros(len(stream), np.int64)
        for length in self._lengths:
            known = before >= 0
            key = np.where(known, before * (self.vocabulary + 1) + stream, -1)
            place = np.minimum(np.searchsorted(length.keys, key), len(length.keys) - 1)
            found = known & (length.keys[place] == key)
            safe = np.where(known, before, 0)
            total, kinds = np.where(known, length.total[safe], 0.0), np.where(known, length.kinds[safe], 0.0)
            seen = total > 0
            counts = np.where(found, length.counts[place], 0.0)
            mixed = (counts + kinds * probability) / np.where(seen, total + kinds, 1.0)
            probability = np.where(seen, mixed, probability)
            here = np.where(found, place, -1)
            before = np.concatenate([here[:1] * 0, here[:-1]])
        values = -np.log(probability[real])
        return np.split(values, np.cumsum([len(one) for one in documents])[:-1]) if documents else []

    def _stream(self, documents: Sequence[Int[np.ndarray, " n"]]) -> tuple[np.ndarray, np.ndarray]:
        pad = np.full(self.order - 1, self.vocabulary, np.int64)
        parts = [part for one in documents for part in (pad, np.asarray(one, np.int64))]
        stream = np.concatenate(parts) if parts else np.zeros(0, np.int64)
        if len(stream) and (stream.min() < 0 or stream.max() > self.vocabulary):
            raise BadInput(f"token ids run from 0 to {self.vocabulary - 1}, got {stream.min()} to {stream.max()}")
        return stream, stream < self.vocabulary
