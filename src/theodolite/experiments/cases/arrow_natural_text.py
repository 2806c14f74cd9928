"""Natural text read by a small recurrent network: an arrow that depends on the tokens and on the context."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from theodolite.experiments.arrow_text import EXACT, OVER_SEEDS, over_seeds, pooled_ratio
from theodolite.experiments.bench import Arrays, Bench
from theodolite.experiments.case import Case, Measurement
from theodolite.experiments.check import Check
from theodolite.experiments.config import Config
from theodolite.experiments.embedded_text import BIBLES, TOPICS, described, documents, in_folder
from theodolite.experiments.intervals import mean_interval
from theodolite.experiments.key import Key
from theodolite.experiments.panels import Axis, Column, Panel, Series
from theodolite.language_arrow import Corpus, measure

LABELS = {"char": "characters", "bpe": "BPE", "bpe-reversed": "BPE fitted on reversed text"}


@dataclass(frozen=True)
class NaturalTextConfig(Config):
    """A GRU of width 128 on the topics, or on the English Bible of a data folder with `given_steps` steps.

    The text of the folder is twelve times longer, so that both see a text two to five times at most. There each of
    `given_seeds` seeds has test documents of its own, equal parts of the whole, so that the spread over seeds is that
    of training and of documents together. Test windows begin every `given_stride` tokens, a divisor of
    context - near[0] - near[1] - 1: near places of both directions then fall on the same tokens.
    """

    model: str = "gru-0.1M"
    tokenizers: tuple[str, ...] = ("char", "bpe", "bpe-reversed")
    vocabulary: int = 480
    seeds: int = 3
    context: int = 128
    batch: int = 16
    steps: int = 300
    given_steps: int = 2000
    given_seeds: int = 6
    given_stride: int = 27
    most: int = 0
    near: tuple[int, int] = (4, 15)
    far: tuple[int, int] = (64, 127)
    half_limit: float = 0.5
    tokens_limit: float = 0.4
    profile_limit: float = 0.5
    size_limit: float = 3.0


def run(config: NaturalTextConfig, key: Key, bench: Bench) -> Measurement:
    """One part for each tokenizer and seed."""
    given = "bible en" if "bible en" in in_folder(bench.data_folder) else TOPICS
    texts = documents(given, bench.data_folder)
    corpus = Corpus(given, texts[: config.most] if config.most else texts)
    own = given != TOPICS
    steps, s = (config.given_steps, config.given_seeds) if own else (config.steps, config.seeds)
    names = [f"{tokenizer}, seed {seed}" for tokenizer in config.tokenizers for seed in range(s)]

    def part(name: str) -> Arrays:
        tokenizer, seed = name.split(", ")
        testing: dict[str, Any] = {}
        if own:
            testing = {"fold": (int(seed.split()[1]), s), "test_stride": config.given_stride}
        found = measure(
            corpus,
            model=config.model,
            context=config.context,
            seeds=[key.split(seed).integer() % 2**31],
            steps=None if config.model == "ngram" else steps,
            batch=config.batch,
            tokenizer=tokenizer,
            vocabulary=config.vocabulary if tokenizer.startswith("bpe") else None,
            split_seed=key.split("split").integer() % 2**31,
            **testing,
        )
        near, far = (pooled_ratio(found.profile, *places) for places in (config.near, config.far))
        curve = np.array(found.runs[0].curve, dtype=float).reshape(-1, 3)
        return {
            "ratio": np.array(100 * found.ratio.value),
            "document_error": np.array(100 * found.over_documents.standard_error),
            "forward": np.array(found.forward_per_character),
            "backward": np.array(found.backward_per_character),
            "first": np.array([float(one.first) for one in found.profile]),
            "profile": np.array([100 * one.ratio for one in found.profile]),
            "near": np.array(100 * near[0]),
            "far": np.array(100 * far[0]),
            "rise_error": np.array(100 * np.hypot(near[1], far[1])),
            "curve": curve,
        }

    parts = bench.each(names, part)
    arrays: Arrays = {"name": np.array(names), "place": np.maximum(parts[0]["first"], 0.5)}
    for name in ("ratio", "document_error", "forward", "backward", "near", "far", "rise_error"):
        arrays[name] = np.array([float(one[name]) for one in parts])
    rows = []
    for i, tokenizer in enumerate(config.tokenizers):
        mine = slice(s * i, s * (i + 1))
        rows.append(over_seeds(arrays["ratio"][mine], (0.0 if own else 1.0) * arrays["document_error"][mine]))
        profile = mean_interval(np.array([one["profile"] for one in parts[mine]]))
        arrays |= {f"profile_{tokenizer}": profile.mean, f"profile_{tokenizer}_error": profile.half}
    arrays |= {
        "tokens": np.array([LABELS.get(one, one) for one in config.tokenizers]),
        "mean": np.array([float(one.mean) for one in rows]),
        "error": np.array([float(one.half) for one in rows]),
        "zero": np.zeros(len(rows)),
        "no_arrow": np.zeros(len(arrays["place"])),
    }
    if parts[0]["curve"].size:
        curve = np.mean([one["curve"] for one in parts[:s]], axis=0)
        arrays |= {"step": curve[:, 0], "curve_forward": curve[:, 1], "curve_backward": curve[:, 2]}
    words = (
        f"{described(given)}, {len(corpus)} documents, {sum(map(len, corpus.documents))} characters; "
        f"{config.model}, context {config.context}, "
        f"{steps} steps of {config.batch} windows, {s} seeds" + (", each tested on a part of its own" if own else "")
    )
    return Measurement(arrays, {"own_documents": float(own)}, words)


def checks(config: NaturalTextConfig, measured: Measurement) -> tuple[Check, ...]:
    """How well r is known, how it depends on tokens and context, and how large it is; nothing on its sign."""
    a, own = measured.arrays, bool(measured.scalars["own_documents"])
    s = len(a["ratio"]) // len(config.tokenizers)
    shared = 0.0 if own else 1.0  # with test documents of its own a seed's spread is that of documents already
    characters, bpe = (config.tokenizers.index(one) for one in config.tokenizers[:2])
    pair = [a["ratio"][s * i : s * (i + 1)] for i in (characters, bpe)]
    doubt = np.sqrt(sum(a["document_error"][s * i : s * (i + 1)].mean() ** 2 for i in (characters, bpe)))
    difference = over_seeds(pair[0] - pair[1], np.full(s, shared * doubt))
    mine = slice(s * characters, s * (characters + 1))
    rise = over_seeds(a["far"][mine] - a["near"][mine], shared * a["rise_error"][mine])
    seeds_alone = [mean_interval(a["ratio"][s * i : s * (i + 1)]).half for i in range(len(config.tokenizers))]
    largest = int(np.argmax(np.abs(a["mean"])))
    label = LABELS.get(config.tokenizers[bpe], config.tokenizers[bpe])
    return (
        Check(
            "half-width of the interval of r over seeds, widest",
            float(np.max(seeds_alone)),
            config.half_limit,
            0.0,
            "at most",
            EXACT,
            "%",
        ),
        Check(
            f"r of characters minus r of {label}",
            float(difference.mean),
            config.tokens_limit,
            float(difference.half),
            "at least",
            OVER_SEEDS,
            "%",
        ),
        Check(
            f"r at {config.far[0]} to {config.far[1]} characters read minus r at {config.near[0]} to {config.near[1]}",
            float(rise.mean),
            config.profile_limit,
            float(rise.half),
            "at least",
            OVER_SEEDS,
            "%",
        ),
        Check(
            "|r|, largest over tokens",
            float(abs(a["mean"][largest])),
            config.size_limit,
            float(a["error"][largest]),
            "at most",
            OVER_SEEDS,
            "%",
        ),
    )


def panels(config: NaturalTextConfig, measured: Measurement) -> tuple[Panel, ...]:
    """Ratios by tokens, the context profile, training, and every run."""
    curves = (
        Panel(
            "curves",
            f"Training on {LABELS.get(config.tokenizers[0], config.tokenizers[0])}",
            "lines",
            "Both directions learn at nearly the same pace.",
            Axis("step"),
            Axis("validation loss", "nats per token"),
            (
                Series("forward", "step", "curve_forward"),
                Series("backward", "step", "curve_backward"),
            ),
        ),
    )
    return (
        Panel(
            "tokens",
            "The ratio depends on the tokens",
            "bars",
            "One text and one model, cut into tokens in different ways: no claim on the sign can rest on one of them.",
            Axis("tokens"),
            Axis("r = backward / forward - 1", "%"),
            (
                Series("measured", "tokens", "mean", error="error", error_means=OVER_SEEDS),
                Series("no arrow", "tokens", "zero", role="guide"),
            ),
        ),
        Panel(
            "profile",
            "The ratio over the context",
            "lines",
            "Compared at equal numbers of tokens already read.",
            Axis("tokens already read, from", log=True),
            Axis("r = backward / forward - 1", "%"),
            (
                *(
                    Series(
                        LABELS.get(one, one),
                        "place",
                        f"profile_{one}",
                        error=f"profile_{one}_error",
                        error_means="95 % interval over seeds",
                    )
                    for one in config.tokenizers
                ),
                Series("no arrow", "place", "no_arrow", role="guide"),
            ),
        ),
        *(curves if "step" in measured.arrays else ()),
        Panel(
            "runs",
            "Every run",
            "table",
            "Nats per character make tokenisations comparable.",
            columns=(
                Column("tokens and seed", "name"),
                Column("forward", "forward", "nats per character"),
                Column("backward", "backward", "nats per character"),
                Column("r", "ratio", "%", 3),
                Column("standard error over documents", "document_error", "%", 2),
            ),
        ),
    )


CASE = Case(
    paper="arrow",
    name="arrow-natural-text",
    claim="A small recurrent network sees an arrow in natural text whose size is below three percent, and which "
    "depends on the tokens and grows with the context read.",
    source="Papadopoulos, Wenger and Hongler (2024), arXiv:2401.17505, at a thousandth of its sizes; how it depends on "
    "tokens is ours",
    full=NaturalTextConfig(),
    smoke=NaturalTextConfig(
        model="ngram",
        tokenizers=("char", "bpe"),
        vocabulary=300,
        seeds=2,
        context=64,
        given_stride=13,
        near=(4, 7),
        far=(32, 63),
        most=40,
    ),
    run=run,
    checks=checks,
    panels=panels,
    reads=BIBLES[:1],
    revision=2,
)
