"""Natural text read by a counting learner: next to no arrow, for entropies agree and only smoothing differs."""

from dataclasses import dataclass

import numpy as np

from theodolite.experiments.bench import Arrays, Bench
from theodolite.experiments.case import Case, Measurement
from theodolite.experiments.check import Check
from theodolite.experiments.config import Config
from theodolite.experiments.embedded_text import FILES, documents, in_folder
from theodolite.experiments.key import Key
from theodolite.experiments.panels import Axis, Column, Panel, Series
from theodolite.language_arrow import Corpus, measure

OVER_DOCUMENTS = "95 % interval over documents"


@dataclass(frozen=True)
class CountedTextConfig(Config):
    """Witten-Bell n-gram of `order` on tokens of BPE and on characters; the first `most` documents (0: all)."""

    order: int = 4
    vocabulary: int = 480
    tokenizers: tuple[str, ...] = ("bpe", "char")
    most: int = 0
    limit: float = 1.0


def run(config: CountedTextConfig, key: Key, bench: Bench) -> Measurement:
    """One part for each corpus and tokenizer."""
    corpora = in_folder(bench.data_folder)
    names = [f"{corpus}, {tokenizer}" for corpus in corpora for tokenizer in config.tokenizers]

    def part(name: str) -> Arrays:
        corpus, tokenizer = name.rsplit(", ", 1)
        texts = documents(corpus, bench.data_folder)
        found = measure(
            Corpus(corpus, texts[: config.most] if config.most else texts),
            model="ngram",
            order=config.order,
            tokenizer=tokenizer,
            vocabulary=config.vocabulary if tokenizer == "bpe" else None,
            split_seed=key.split("split").integer() % 2**31,
        )
        interval = found.over_documents
        return {
            "ratio": np.array(100 * interval.value),
            "error": np.array(100 * max(interval.high - interval.value, interval.value - interval.low)),
            "p": np.array(found.p_value),
            "forward": np.array(found.forward_per_character),
            "backward": np.array(found.backward_per_character),
            "units": np.array(float(len(found.per_unit_forward))),
        }

    parts = bench.each(names, part)
    arrays: Arrays = {name: np.array([float(one[name]) for one in parts]) for name in parts[0]}
    arrays |= {"name": np.array(names), "zero": np.zeros(len(names))}
    words = (
        f"{', '.join(corpora)} (the topics are embedded in Python's standard library); n-grams of order {config.order}"
    )
    return Measurement(arrays, {}, words)


def checks(config: CountedTextConfig, measured: Measurement) -> tuple[Check, ...]:
    """The size of the ratio, for every corpus and tokenizer."""
    a = measured.arrays
    return tuple(
        Check(f"|r|, {name}", float(abs(ratio)), config.limit, float(error), "at most", OVER_DOCUMENTS, "%")
        for name, ratio, error in zip(a["name"], a["ratio"], a["error"], strict=True)
    )


def panels(config: CountedTextConfig, measured: Measurement) -> tuple[Panel, ...]:
    """The forest of ratios, and the losses behind them."""
    return (
        Panel(
            "forest",
            "Ratios of a counting learner",
            "bars",
            "Counting leaves a difference of the order of a percent at most, and its sign depends on the text.",
            Axis("corpus and tokens"),
            Axis("r = backward / forward - 1", "%"),
            (
                Series("measured", "name", "ratio", error="error", error_means=OVER_DOCUMENTS),
                Series("no arrow", "name", "zero", role="guide"),
            ),
        ),
        Panel(
            "losses",
            "Losses of every corpus",
            "table",
            "Nats per character make tokenisations comparable.",
            columns=(
                Column("corpus and tokens", "name"),
                Column("forward", "forward", "nats per character"),
                Column("backward", "backward", "nats per character"),
                Column("r", "ratio", "%", 3),
                Column("half-width", "error", "%", 2),
                Column("p", "p", digits=2),
                Column("test units", "units", digits=4),
            ),
        ),
    )


CASE = Case(
    paper="arrow",
    name="arrow-counted-text",
    claim="A counting learner, smoothed, sees next to no arrow in natural text: within one percent.",
    source="Papadopoulos, Wenger and Hongler (2024), arXiv:2401.17505: entropies agree; the counting learner is ours",
    full=CountedTextConfig(),
    smoke=CountedTextConfig(most=30, order=3, tokenizers=("char",)),
    run=run,
    checks=checks,
    panels=panels,
    reads=FILES,
)
