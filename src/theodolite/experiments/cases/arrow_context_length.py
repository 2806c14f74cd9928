"""Does the arrow grow with the context? A small GPT with windows of four lengths."""

from dataclasses import dataclass

import numpy as np

from theodolite.experiments.arrow_text import OVER_SEEDS, over_seeds
from theodolite.experiments.bench import Arrays, Bench
from theodolite.experiments.case import Case, Measurement
from theodolite.experiments.check import Check
from theodolite.experiments.config import Config
from theodolite.experiments.embedded_text import BIBLES, TOPICS, described, documents, in_folder
from theodolite.experiments.intervals import mean_interval
from theodolite.experiments.key import Key
from theodolite.experiments.panels import Axis, Panel, Series
from theodolite.language_arrow import Corpus, measure


@dataclass(frozen=True)
class ContextLengthConfig(Config):
    """Windows of each length, `tokens` of them in a step; `paper` are (context, r in %) of English, to draw only."""

    model: str = "gpt-0.1M"
    tokenizer: str = "char"
    contexts: tuple[int, ...] = (16, 32, 64, 128)
    seeds: int = 3
    tokens: int = 2048
    steps: int = 300
    given_steps: int = 2000
    most: int = 0
    slope_limit: float = 0.0
    paper: tuple[tuple[float, float], ...] = ((16, 0.07), (32, 0.18), (64, 0.48), (128, 0.84), (256, 0.9), (512, 1.02))


def run(config: ContextLengthConfig, key: Key, bench: Bench) -> Measurement:
    """One part for each context and seed."""
    given = "bible en" if "bible en" in in_folder(bench.data_folder) else TOPICS
    texts = documents(given, bench.data_folder)
    corpus = Corpus(given, texts[: config.most] if config.most else texts)
    steps = config.steps if given == TOPICS else config.given_steps
    names = [f"context {context}, seed {seed}" for context in config.contexts for seed in range(config.seeds)]

    def part(name: str) -> Arrays:
        context, seed = (int(piece.split()[1]) for piece in name.split(", "))
        found = measure(
            corpus,
            model=config.model,
            context=context,
            seeds=[key.split(f"seed {seed}").integer() % 2**31],
            steps=None if config.model == "ngram" else steps,
            batch=config.tokens // context,
            tokenizer=config.tokenizer,
            split_seed=key.split("split").integer() % 2**31,
        )
        return {
            "ratio": np.array(100 * found.ratio.value),
            "document_error": np.array(100 * found.over_documents.standard_error),
        }

    parts = bench.each(names, part)
    shape = (len(config.contexts), config.seeds)
    ratio, doubt = (
        np.array([float(one[name]) for one in parts]).reshape(shape) for name in ("ratio", "document_error")
    )
    rows = [over_seeds(one, other) for one, other in zip(ratio, doubt, strict=True)]
    octaves = np.log2(config.contexts) - np.mean(np.log2(config.contexts))
    arrays: Arrays = {
        "ratio": ratio,
        "document_error": doubt,
        "slope": octaves @ ratio / (octaves @ octaves),
        "context": np.array(config.contexts, dtype=float),
        "mean": np.array([float(one.mean) for one in rows]),
        "error": np.array([float(one.half) for one in rows]),
        "zero": np.zeros(len(rows)),
        "paper_context": np.array([one for one, _ in config.paper], dtype=float),
        "paper_ratio": np.array([other for _, other in config.paper], dtype=float),
    }
    words = (
        f"{described(given)}, {len(corpus)} documents, {sum(map(len, corpus.documents))} characters; "
        f"{config.model} on tokens {config.tokenizer}, "
        f"{steps} steps of {config.tokens} tokens, {config.seeds} seeds"
    )
    return Measurement(arrays, {}, words)


def checks(config: ContextLengthConfig, measured: Measurement) -> tuple[Check, ...]:
    """The slope of r over the logarithm of the context; test documents are the same at every context."""
    slope = mean_interval(measured.arrays["slope"])
    half = max(float(slope.half), 1e-6)  # counting learners do not differ between seeds
    return (
        Check(
            "slope of r, % per doubling of the context",
            float(slope.mean),
            config.slope_limit,
            half,
            "at least",
            "95 % interval over seeds",
        ),
    )


def panels(config: ContextLengthConfig, measured: Measurement) -> tuple[Panel, ...]:
    """r over the context, with what the paper found for models of 405M parameters."""
    return (
        Panel(
            "context",
            "The ratio over the length of windows",
            "lines",
            "In the paper the arrow of English grows with the context; the small model here has a thousandth of its "
            "parameters and a thousandth of its text.",
            Axis("context", "tokens", log=True),
            Axis("r = backward / forward - 1", "%"),
            (
                Series("measured", "context", "mean", error="error", error_means=OVER_SEEDS),
                Series("the paper's, 405M parameters, English", "paper_context", "paper_ratio", role="theory"),
                Series("no arrow", "context", "zero", role="guide"),
            ),
        ),
    )


CASE = Case(
    paper="arrow",
    name="arrow-context-length",
    claim="The arrow of natural text grows with the length of the windows that a model reads.",
    source="Papadopoulos, Wenger and Hongler (2024), arXiv:2401.17505, the figure over context lengths; sizes are ours",
    full=ContextLengthConfig(),
    smoke=ContextLengthConfig(model="ngram", contexts=(16, 32), seeds=2, most=30),
    run=run,
    checks=checks,
    panels=panels,
    reads=BIBLES[:1],
)
