"""Is the measurement itself symmetric? Text without an arrow and text with a known one, measured before any claim."""

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from theodolite.language_arrow.cyclic_ngrams import cyclic_losses
from theodolite.language_arrow.documents import Corpus
from theodolite.language_arrow.markov import random_chain, reversible_chain, sample_chain
from theodolite.language_arrow.measure import measure
from theodolite.language_arrow.result import ArrowResult
from theodolite.language_arrow.sizes import Size
from theodolite.numerics.checks import positive_integer
from theodolite.numerics.progress import Progress, silent

STANDARD_ERRORS = 4.0  # a sound measurement leaves this band once in sixteen thousand times
ROUND_OFF = 1e-12


@dataclass(frozen=True)
class Oracle:
    """One text whose r = backward / forward - 1 is known: what was measured, and by how much the two may differ."""

    name: str
    model: str
    expected: float
    measured: float
    tolerance: float
    why: str

    @property
    def passed(self) -> bool:
        """Whether the measurement lies within its tolerance of the truth, and can tell a true arrow from none."""
        sees = self.expected == 0 or self.tolerance < abs(self.expected)
        return bool(sees and abs(self.measured - self.expected) <= self.tolerance)

    def __str__(self) -> str:
        """One line for people.

        >>> print(Oracle("a text", "ngram", 0.0, 0.0004, 0.001, "it has no direction"))
        a text, ngram: 0.0004, should be 0 within 0.001 (it has no direction)
        """
        bound = f"within {self.tolerance:.2g}" if self.tolerance else "exactly"
        return f"{self.name}, {self.model}: {self.measured:.2g}, should be {self.expected:.2g} {bound} ({self.why})"


@dataclass(frozen=True)
class OracleReport:
    """All oracles of a self-test."""

    oracles: tuple[Oracle, ...]
    seconds: float

    @property
    def passed(self) -> bool:
        """Whether every oracle passed; do not trust an arrow otherwise."""
        return all(oracle.passed for oracle in self.oracles)

    def to_json(self) -> dict[str, Any]:
        """Everything as what JSON knows."""
        oracles = [{**asdict(oracle), "passed": oracle.passed} for oracle in self.oracles]
        return {"passed": self.passed, "seconds": self.seconds, "oracles": oracles}


def arrow_oracles(*, full: bool = False, seed: int = 0, progress: Progress = silent) -> OracleReport:
    """Measure texts without an arrow and a text with a known one.

    - circular text: counted n-grams lose the same in both directions, to round-off;
    - palindromes: both directions read the very same windows, so that losses are equal to the last bit;
    - a reversible chain: no arrow in law, r = 0 within four standard errors over documents and seeds;
    - a planted arrow: a chain that always starts in one state (`planted_arrow`), found within four standard errors.

    Args: full, with longer texts and three seeds of a GRU, some minutes instead of some seconds; seed of the texts.
    Returns: an `OracleReport`. The networks need the extra `[language]`.
    Source: exact consequences of the chain rule, Papadopoulos, Wenger and Hongler (2024), arXiv:2401.17505.
    """
    begun = time.monotonic()
    many, length = (1000, 64) if full else (300, 32)
    seeds, steps = (3, 200) if full else (2, 40)
    tests: list[tuple[str, Callable[[], Oracle]]] = [
        ("circular text", lambda: _circle(4000 if full else 1000, seed)),
        ("palindromes, ngram", lambda: _palindromes("ngram", many, length, seed)),
        ("reversible chain, ngram", lambda: _reversible("ngram", many, length, seed)),
        ("planted arrow, ngram", lambda: _planted(many, length, seed)),
        ("palindromes, gru", lambda: _palindromes("gru", many, length, seed, seeds=seeds, steps=steps)),
        ("reversible chain, gru", lambda: _reversible("gru", many, length, seed, seeds=seeds, steps=steps)),
    ]
    if full:
        tests.append(
            ("reversible chain, gpt", lambda: _reversible("gpt", many, length, seed, seeds=seeds, steps=steps))
        )
    found = []
    for done, (name, run) in enumerate(tests):
        progress(done, len(tests), name)
        found.append(run())
    progress(len(tests), len(tests), "done")
    return OracleReport(tuple(found), time.monotonic() - begun)


def planted_arrow(transition: Any, length: int) -> float:
    """r of an ideal bigram on texts of a chain that start in state 0 and have `length` symbols.

    Forwards the bigram knows how texts begin, and every step: it loses nothing to the ideal. Backwards it knows how
    texts end, and the law of a symbol before another one with all places pooled, for it cannot know where it is:

    l_fw = sum_t sum_i p_t(i) H(P_i),   l_bw = H(p_T) - sum_ij J_ij log(J_ij / sum_i J_ij),   J_ij = sum_t p_t(i) P_ij

    Args: transition (v, v); length T >= 2.
    Source: derived for this package.

    >>> planted_arrow([[0.5, 0.5], [0.5, 0.5]], 2)  # 0 and a toss, read backwards: a toss and 0
    0.0
    """
    P = np.asarray(transition, dtype=np.float64)
    law = np.zeros(len(P))
    law[0] = 1.0
    joint = np.zeros_like(P)
    for _ in range(positive_integer(length, "length") - 1):
        joint += law[:, None] * P
        law = law @ P
    forward = _nats(joint, P)
    backward = _nats(law, law) + _nats(joint, joint / np.maximum(joint.sum(0), np.finfo(float).tiny))
    return backward / forward - 1


def _nats(weight: np.ndarray, probability: np.ndarray) -> float:
    happens = weight > 0
    return float(-np.sum(weight[happens] * np.log(probability[happens])))


def _small() -> Size:
    return Size("gru", 1, 32)


def _measured(
    model: str, name: str, texts: np.ndarray, states: int, *, seeds: int = 1, steps: int | None = None
) -> ArrowResult:
    """One measurement; every text is one document and one window."""
    corpus = Corpus(name, tuple(texts))
    if model == "ngram":
        return measure(corpus, model="ngram", order=2, vocabulary=states, test=0.3)
    size = _small() if model == "gru" else Size("gpt", 2, 32, heads=2)
    return measure(
        corpus, model=size, context=texts.shape[1], vocabulary=states, seeds=seeds, steps=steps, batch=32, test=0.3
    )


def _circle(length: int, seed: int) -> Oracle:
    rng = np.random.default_rng((seed, 1))
    text = sample_chain(random_chain(5, 0.5, rng), length, 1, rng)[0]
    losses = [cyclic_losses(text, n) for n in (1, 2, 3, 5)]
    worst = max((backward / forward - 1 for forward, backward in losses), key=abs)
    why = "on a circle every block has a symbol before it and one after it"
    return Oracle("circular text", "counted n-grams", 0.0, worst, ROUND_OFF, why)


def _palindromes(model: str, many: int, length: int, seed: int, **effort: Any) -> Oracle:
    rng = np.random.default_rng((seed, 2))
    half = sample_chain(random_chain(5, 0.5, rng), length // 2, many, rng)
    found = _measured(model, "palindromes", np.concatenate([half, half[:, ::-1]], axis=1), 5, **effort)
    gap = float(np.abs(found.per_unit_backward - found.per_unit_forward).max())
    why = "both directions read the same windows: largest difference of any document, in nats"
    return Oracle("palindromes", found.model, 0.0, gap, 0.0, why)


def _reversible(model: str, many: int, length: int, seed: int, **effort: Any) -> Oracle:
    rng = np.random.default_rng((seed, 3))
    found = _measured(model, "reversible", sample_chain(reversible_chain(5, 0.5, rng), length, many, rng), 5, **effort)
    error = max(found.ratio.standard_error, found.over_documents.standard_error)
    why = "the text has the same law in both directions"
    return Oracle("reversible chain", found.model, 0.0, found.ratio.value, STANDARD_ERRORS * error, why)


def _planted(many: int, length: int, seed: int) -> Oracle:
    rng = np.random.default_rng((seed, 4))
    P = random_chain(5, 0.5, rng)
    texts = np.zeros((many, length), dtype=np.int64)
    steps = np.cumsum(P, axis=1)
    for t in range(1, length):
        texts[:, t] = np.minimum((rng.random(many)[:, None] >= steps[texts[:, t - 1]]).sum(1), len(P) - 1)
    found = _measured("ngram", "planted", texts, 5)
    error = STANDARD_ERRORS * found.over_documents.standard_error
    why = "texts start in a known state and end anywhere, which a bigram reading backwards has to pay for"
    return Oracle("planted arrow", found.model, planted_arrow(P, length), found.ratio.value, error, why)
