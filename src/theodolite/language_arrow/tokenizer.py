"""Texts as numbers: bytes, characters, byte-pair encoding; each fitted on training documents only."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from jaxtyping import Int

from theodolite.language_arrow.optional import needed
from theodolite.numerics.errors import BadInput

NAMES = ("byte", "char", "bpe", "bpe-reversed")
DEFAULT_VOCABULARY = 512
BYTES = 256
RARE, LONG = 20, 200_000  # characters seen less often are one token in texts longer than this


class Tokenizer(Protocol):
    """Ids from 0 to `vocabulary` - 1 in reading order; `characters` counts those that begin in each token."""

    @property
    def name(self) -> str: ...
    @property
    def vocabulary(self) -> int: ...
    @property
    def characters(self) -> Int[np.ndarray, " v"]: ...
    def encode(self, text: str) -> Int[np.ndarray, " n"]: ...
    def decode(self, tokens: Sequence[int] | Int[np.ndarray, " n"]) -> str: ...


@dataclass(frozen=True)
class ByteTokenizer:
    """The bytes of UTF-8.

    >>> ByteTokenizer().encode("né").tolist()
    [110, 195, 169]
    """

    name: str = "byte"
    vocabulary: int = BYTES

    @property
    def characters(self) -> Int[np.ndarray, " v"]:
        return _begins(np.arange(BYTES)).astype(np.int64)

    def encode(self, text: str) -> Int[np.ndarray, " n"]:
        return np.frombuffer(text.encode("utf-8"), np.uint8).astype(np.int32)

    def decode(self, tokens: Any) -> str:
        return bytes(np.asarray(tokens, np.uint8)).decode("utf-8", "replace")


@dataclass(frozen=True)
class CharTokenizer:
    """One token a character; those not kept share the last id, shown as U+FFFD.

    >>> CharTokenizer(("a", "b")).encode("abc").tolist()
    [0, 1, 2]
    """

    alphabet: tuple[str, ...]
    name: str = "char"

    @property
    def vocabulary(self) -> int:
        return len(self.alphabet) + 1

    @property
    def characters(self) -> Int[np.ndarray, " v"]:
        return np.ones(self.vocabulary, np.int64)

    def encode(self, text: str) -> Int[np.ndarray, " n"]:
        known = np.array([ord(letter) for letter in self.alphabet], np.uint32)
        points = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)
        place = np.minimum(np.searchsorted(known, points), max(len(known) - 1, 0))
        return np.where(known[place] == points, place, len(known)).astype(np.int32)

    def decode(self, tokens: Any) -> str:
        letters = [*self.alphabet, "\ufffd"]
        return "".join(letters[token] for token in np.asarray(tokens))


@dataclass(frozen=True)
class BpeTokenizer:
    """Byte-level BPE. Fitted on reversed text, it reads each text from its end; tokens are in the order of the text."""

    inner: Any = field(repr=False)
    reverse: bool
    vocabulary: int
    characters: Int[np.ndarray, " v"] = field(repr=False, compare=False)

    @property
    def name(self) -> str:
        return "bpe-reversed" if self.reverse else "bpe"

    def encode(self, text: str) -> Int[np.ndarray, " n"]:
        ids = self.inner.encode(text[::-1] if self.reverse else text).ids
        return np.array(ids[::-1] if self.reverse else ids, np.int32)

    def decode(self, tokens: Any) -> str:
        ids = np.asarray(tokens).tolist()
        text = self.inner.decode(ids[::-1] if self.reverse else ids, skip_special_tokens=False)
        return text[::-1] if self.reverse else text


def fit_tokenizer(name: str, texts: Sequence[str], vocabulary: int | None = None) -> Tokenizer:
    """Fit a tokenizer on training texts.

    Args: name, "byte", "char", "bpe" or "bpe-reversed" (BPE fitted on each text read from its end: the control for a
        tokenisation that itself has a direction); texts, of the training documents only; vocabulary of BPE, from 257
        on, 512 unless told.
    Returns: a `Tokenizer`.
    Raises: BadInput for an unknown name, a vocabulary larger than the text, a missing extra (BPE).
    Cost: BPE of 6 MB in some seconds.

    >>> fit_tokenizer("char", ["abba"]).decode([0, 1, 1, 0])
    'abba'
    """
    if name not in NAMES:
        raise BadInput(f"tokenizer must be one of {', '.join(NAMES)}, got {name!r}")
    if vocabulary is not None and not name.startswith("bpe"):
        raise BadInput(f"a vocabulary is chosen for bpe; {name} brings its own: leave it out")
    if name == "byte":
        return ByteTokenizer()
    if name == "char":
        counts = Counter()
        for text in texts:
            counts.update(text)
        least = RARE if counts.total() >= LONG else 1
        return CharTokenizer(tuple(sorted(letter for letter, many in counts.items() if many >= least)))
    return _bpe(texts, DEFAULT_VOCABULARY if vocabulary is None else vocabulary, reverse=name == "bpe-reversed")


def _bpe(texts: Sequence[str], vocabulary: int, reverse: bool) -> BpeTokenizer:
    length = sum(map(len, texts))
    if vocabulary <= BYTES:
        raise BadInput(f"the vocabulary of bpe holds the 256 bytes and merges: give 257 or more, got {vocabulary}")
    if vocabulary > length:
        raise BadInput(
            f"a vocabulary of {vocabulary} is larger than the training text of {length} characters; ask for a smaller "
            "one with vocabulary=..., use tokenizer='byte', or give more text"
        )
    tokenizers = needed("tokenizers", "byte-pair encoding")
    inner = tokenizers.Tokenizer(tokenizers.models.BPE())
    inner.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    inner.decoder = tokenizers.decoders.ByteLevel()
    letters = sorted(tokenizers.pre_tokenizers.ByteLevel.alphabet())
    trainer = tokenizers.trainers.BpeTrainer(vocab_size=vocabulary, initial_alphabet=letters, show_progress=False)
    inner.train_from_iterator((text[::-1] if reverse else text for text in texts), trainer, length=len(texts))
    size = inner.get_vocab_size()
    table = _byte_of_letter()
    begins = np.zeros(size, np.int64)
    for word, place in inner.get_vocab().items():
        begins[place] = int(_begins(np.array([table[letter] for letter in word])).sum())
    return BpeTokenizer(inner, reverse, size, begins)


def _begins(values: Int[np.ndarray, " n"]) -> np.ndarray:
    """Which bytes begin a character of UTF-8: all but 10xxxxxx."""
    return (values & 0xC0) != 0x80


def _byte_of_letter() -> dict[str, int]:
    """The letter that byte-level BPE shows for each byte, inverted: printable bytes stand for themselves (GPT-2)."""
    plain = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(BYTES) if byte not in plain]
    return {chr(byte): byte for byte in plain} | {chr(BYTES + place): byte for place, byte in enumerate(others)}
