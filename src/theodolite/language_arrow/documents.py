"""Documents: where one ends, and which of them train, validate and test. Windows never cross from one to the next."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from theodolite.numerics.errors import BadInput

MANY_FILES, LINES_EACH = 30, 50
LEAST_FOR_VALIDATION = 10
KINDS = ("auto", "blank", "files", "lines")


@dataclass(frozen=True)
class Corpus:
    """A named sequence of documents: texts, or arrays of token ids from 0 on."""

    name: str
    documents: tuple[Any, ...]

    def __len__(self) -> int:
        return len(self.documents)


@dataclass(frozen=True)
class Split:
    """Places of the documents that train, validate (the curves) and test (the numbers that are reported)."""

    train: tuple[int, ...]
    validation: tuple[int, ...]
    test: tuple[int, ...]


def split_documents(texts: Sequence[str], kind: str = "auto") -> list[str]:
    """Cut texts into documents at blank lines, at their ends, or after every 50 lines.

    >>> split_documents(["one\\ntwo\\n\\nthree"], "blank")
    ['one\\ntwo', 'three']
    """
    if kind not in KINDS:
        raise BadInput(f"documents must be one of {', '.join(KINDS)}, got {kind!r}")
    if kind == "auto":
        kind = "files" if len(texts) >= MANY_FILES else "blank"
    if kind == "files":
        found = texts
    elif kind == "blank":
        found = [part for text in texts for part in re.split(r"\n[ \t]*\n\s*", text)]
    else:
        lines = [line for text in texts for line in text.splitlines()]
        found = ["\n".join(lines[start : start + LINES_EACH]) for start in range(0, len(lines), LINES_EACH)]
    return [text.strip("\n") for text in found if text.strip()]


def split(
    documents: int,
    *,
    validation: float = 0.05,
    test: float = 0.15,
    seed: int = 0,
    fold: tuple[int, int] | None = None,
) -> Split:
    """Draw which documents train, validate and test.

    With fewer than 10 documents none validate, and the curves are those of the test documents.
    Args: documents, how many, at least 2; validation and test, shares in (0, 1); seed of the draw; fold, (i, k): the
        i-th of k equal parts of the draw tests, whatever `test` says, so that over all i each document is tested once.
    Raises: BadInput for one document only, or shares that leave nothing to train on.

    >>> parts = split(20)
    >>> len(parts.train), len(parts.validation), len(parts.test)
    (16, 1, 3)
    """
    if documents < 2:
        raise BadInput(
            f"the corpus has {documents} document only, and training needs others than testing; give more files, or "
            "cut the text into documents: documents='blank' (blank lines) or 'lines' (every 50 lines)"
        )
    if fold is not None:
        place, folds = fold
        if not (2 <= folds <= documents and 0 <= place < folds):
            raise BadInput(f"fold is (i, k) with 0 <= i < k and 2 <= k <= {documents} documents, got {fold}")
        test = 1 / folds
    if not (0 < test < 1 and 0 <= validation < 1 and validation + test < 1):
        raise BadInput(f"validation and test are shares that leave some to train on, got {validation:g} and {test:g}")
    order = np.random.default_rng((seed, documents)).permutation(documents)
    tested = min(max(1, round(test * documents)), documents - 1)
    if fold is not None:
        order = np.roll(order, -sum(map(len, np.array_split(order, folds)[:place])))
        tested = len(np.array_split(order, folds)[place])
    validated = max(1, round(validation * documents)) if documents >= LEAST_FOR_VALIDATION and validation else 0
    validated = min(validated, documents - tested - 1)
    parts = order[:tested], order[tested : tested + validated], order[tested + validated :]
    chosen = [tuple(sorted(int(place) for place in part)) for part in parts]
    return Split(train=chosen[2], validation=chosen[1], test=chosen[0])
