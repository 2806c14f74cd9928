"""What is measured on: documents as tokens, their split, the windows that models are tested on and watched by."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from theodolite.language_arrow.documents import Corpus, Split, split
from theodolite.language_arrow.tallies import BLOCK_WINDOWS, units_of
from theodolite.language_arrow.tokenizer import fit_tokenizer
from theodolite.language_arrow.windows import Cut, cut
from theodolite.numerics.errors import BadInput

MOST_TEST_WINDOWS, WATCHED = 2048, 64


@dataclass(frozen=True)
class Material:
    """Documents as tokens, which of them train and test, and characters a token (None for tokens that were given)."""

    name: str
    tokens: list[np.ndarray]
    split: Split
    vocabulary: int
    tokenizer: str
    characters: np.ndarray | None

    def part(self, name: str) -> list[np.ndarray]:
        return [self.tokens[place] for place in getattr(self.split, name)]


def material_of(
    corpus: Any, name: str | None, tokenizer: str, vocabulary: int | None, validation: float, test: float, seed: int,
    fold: tuple[int, int] | None = None,
) -> Material:  # fmt: skip
    """Checked, split and tokenised; the tokenizer is fitted on training documents only. Raises: BadInput."""
    if isinstance(corpus, str | Path):
        raise BadInput("corpus is a sequence of documents; for a file or folder give read_corpus(path)")
    title = name if name is not None else getattr(corpus, "name", "corpus")
    documents = list(corpus.documents if isinstance(corpus, Corpus) else corpus)
    if not documents:
        raise BadInput(f"{title} is empty: it has no documents")
    parts = split(len(documents), validation=validation, test=test, seed=seed, fold=fold)
    if all(isinstance(one, str) for one in documents):
        fitted = fit_tokenizer(tokenizer, [documents[place] for place in parts.train], vocabulary)
        tokens = [fitted.encode(text) for text in documents]
        return Material(title, tokens, parts, fitted.vocabulary, fitted.name, np.asarray(fitted.characters))
    tokens = [np.asarray(one) for one in documents]
    if any(one.ndim != 1 or (one.size and one.dtype.kind not in "iu") for one in tokens):
        raise BadInput("documents are texts, or one-dimensional arrays of whole numbers (token ids from 0 on)")
    largest = max((int(one.max()) for one in tokens if one.size), default=-1)
    least = min((int(one.min()) for one in tokens if one.size), default=0)
    size = largest + 1 if vocabulary is None else vocabulary
    if least < 0 or largest >= size or size < 1:
        raise BadInput(f"token ids run from 0 to vocabulary - 1; got {least} to {largest} for a vocabulary of {size}")
    return Material(title, [one.astype(np.int32) for one in tokens], parts, size, "given tokens", None)


def overlap(context: int, stride: int | None) -> int:
    """In how many test windows a token lies."""
    return 1 if stride is None else -(-context // stride)


def windows_to_test(material: Material, context: int, stride: int | None = None) -> tuple[Cut, list[str]]:
    """The windows all seeds and both directions are tested on, and what there is to say of them. Raises: BadInput."""
    if stride is not None and not 1 <= stride <= context:
        raise BadInput(f"test_stride is from 1 to the context of {context} tokens, got {stride}")
    found = cut(material.part("test"), context, stride)
    longest = max(len(tokens) for tokens in material.tokens)
    if not len(found.windows):
        raise BadInput(
            f"the context of {context} tokens is longer than every test document of {material.name} (the longest of "
            f"all documents has {longest} tokens); use a smaller context, or longer documents (documents='files')"
        )
    notes = []
    whole = len(found.windows)
    share = found.left_out / sum(map(len, material.part("test")))
    if share > 1 / 6:
        notes.append(f"{100 * share:.0f} % of the test tokens make no whole window of {context} and are left out")
    if whole > MOST_TEST_WINDOWS and stride is None:
        kept = np.sort(np.random.default_rng(0).choice(whole, MOST_TEST_WINDOWS, replace=False))
        found = Cut(found.windows[kept], found.document[kept], found.left_out)
        notes.append(f"tested on {MOST_TEST_WINDOWS} of {whole} windows, drawn once for all seeds and directions")
    if len(np.unique(units_of(found.document, BLOCK_WINDOWS * overlap(context, stride)))) < 2:
        raise BadInput(
            f"{material.name} is too small: one test unit of {context} tokens gives no interval; give more text, more "
            "documents, or a smaller context"
        )
    return found, notes


def watched_windows(material: Material, context: int, testing: Cut) -> np.ndarray:
    """A few windows for the curves of training: of the validation documents, or of the test's where these are short."""
    found = cut(material.part("validation"), context).windows
    found = found if len(found) else testing.windows
    kept = np.sort(np.random.default_rng(0).permutation(len(found))[:WATCHED])
    return found[kept]
