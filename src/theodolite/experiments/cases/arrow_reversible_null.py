"""Reversible text has no arrow, at any size: what counting learners measure on it, trained anew each time."""

from dataclasses import dataclass

import numpy as np

from theodolite.experiments.arrow_text import EXACT
from theodolite.experiments.bench import Arrays, Bench
from theodolite.experiments.case import Case, Measurement
from theodolite.experiments.check import Check
from theodolite.experiments.config import Config
from theodolite.experiments.intervals import mean_interval, proportion_interval
from theodolite.experiments.key import Key
from theodolite.experiments.panels import Axis, Column, Panel, Series
from theodolite.language_arrow import random_chain, reversible_chain, sample_chain
from theodolite.language_arrow.ngram import NGram
from theodolite.language_arrow.statistics import bootstrap, sign_flip_p_value

KINDS = ("reversible", "irreversible")
PARTS = 5


@dataclass(frozen=True)
class ReversibleNullConfig(Config):
    """Texts of random chains, a Witten-Bell bigram trained anew in each replicate; both kinds of chain."""

    replicates: int = 400
    states: int = 5
    concentration: float = 0.5
    training: int = 100
    held_out: int = 50
    length: int = 100
    order: int = 2
    level: float = 0.05
    mean_limit: float = 4.0
    rejection_limit: float = 0.15


def run(config: ReversibleNullConfig, key: Key, bench: Bench) -> Measurement:
    """Replicates of both kinds, in parts."""
    names = [f"{kind} {part}" for kind in KINDS for part in range(PARTS)]
    many = -(-config.replicates // PARTS)
    parts = bench.each(names, lambda name: _replicates(config, name.split()[0], many, key.split(name)))
    arrays: Arrays = {}
    for i, kind in enumerate(KINDS):
        mine = parts[PARTS * i : PARTS * (i + 1)]
        arrays |= {f"{kind}_{name}": np.concatenate([part[name] for part in mine]) for name in mine[0]}
        found = np.sort(arrays[f"{kind}_p"])
        arrays |= {f"{kind}_sorted": found, "uniform": (np.arange(len(found)) + 0.5) / len(found)}
    arrays["kind"] = np.array(KINDS)
    arrays["mean"] = np.array([100 * arrays[f"{kind}_ratio"].mean() for kind in KINDS])
    arrays["spread"] = np.array([100 * arrays[f"{kind}_ratio"].std(ddof=1) for kind in KINDS])
    arrays["rejected"] = np.array([np.mean(arrays[f"{kind}_p"] < config.level) for kind in KINDS])
    arrays["covered"] = np.array([np.mean(arrays[f"{kind}_covered"]) for kind in KINDS])
    words = (
        f"{config.replicates} chains of {config.states} states of either kind, {config.training} texts of "
        f"{config.length} symbols to count and {config.held_out} to measure on (synthetic)"
    )
    return Measurement(arrays, {}, words)


def checks(config: ReversibleNullConfig, measured: Measurement) -> tuple[Check, ...]:
    """The mean ratio, and how often the sign-flip test finds what is not there."""
    ratios = measured.arrays["reversible_ratio"]
    standard_error = ratios.std(ddof=1) / np.sqrt(len(ratios))
    rejected = proportion_interval(int(np.sum(measured.arrays["reversible_p"] < config.level)), len(ratios))
    mean = mean_interval(ratios)
    return (
        Check(
            "|mean of r| over its standard error, reversible chains",
            float(abs(mean.mean) / standard_error),
            config.mean_limit,
            0.0,
            "at most",
            "in standard errors already",
        ),
        Check(
            f"share of reversible chains with an arrow at {100 * config.level:g} %",
            float(rejected.mean),
            config.rejection_limit,
            float(rejected.half),
            "at most",
            "95 % interval over chains",
        ),
        Check(
            "replicates in which flipping all texts changes anything but the sign of the difference",
            float(np.sum(measured.arrays["reversible_flipped"]) + np.sum(measured.arrays["irreversible_flipped"])),
            0.0,
            0.0,
            "at most",
            EXACT,
        ),
    )


def panels(config: ReversibleNullConfig, measured: Measurement) -> tuple[Panel, ...]:
    """p values of the test, and the table of both kinds."""
    return (
        Panel(
            "p",
            "p values of the sign-flip test",
            "lines",
            "The test sees the held-out texts and not the chance in training, so that it rejects somewhat too often: "
            "claims need several seeds.",
            Axis("share of replicates"),
            Axis("p value"),
            (
                Series("reversible chains", "uniform", "reversible_sorted", role="theory"),
                Series("irreversible chains", "uniform", "irreversible_sorted", role="theory"),
                Series("uniform", "uniform", "uniform", role="guide"),
            ),
        ),
        Panel(
            "kinds",
            "Both kinds of chain",
            "table",
            "Neither kind has an arrow in its entropy; what is measured is the chance of training.",
            columns=(
                Column("chains", "kind"),
                Column("mean of r", "mean", "%", 2),
                Column("spread of r", "spread", "%", 2),
                Column("found an arrow at 5 %", "rejected", "share", 3),
                Column("bootstrap interval holds 0", "covered", "share", 3),
            ),
        ),
    )


def _replicates(config: ReversibleNullConfig, kind: str, many: int, key: Key) -> Arrays:
    rng = key.rng()
    found: dict[str, list[float]] = {name: [] for name in ("ratio", "p", "covered", "flipped")}
    for _ in range(many):
        draw = reversible_chain if kind == "reversible" else random_chain
        texts = sample_chain(
            draw(config.states, config.concentration, rng), config.length, config.training + config.held_out, rng
        )
        forward, backward = (_losses(config, one) for one in (texts, texts[:, ::-1]))
        again = _losses(config, texts[:, ::-1][:, ::-1])
        interval = bootstrap(forward, backward)
        found["ratio"].append(interval.value)
        found["p"].append(sign_flip_p_value(backward - forward))
        found["covered"].append(float(not interval.excludes_zero()))
        found["flipped"].append(float(not np.array_equal(again, forward)))
    return {name: np.array(values) for name, values in found.items()}


def _losses(config: ReversibleNullConfig, texts: np.ndarray) -> np.ndarray:
    """Summed nats of each held-out text, of a bigram counted on the others."""
    counted = NGram(list(texts[: config.training]), config.states, config.order)
    return np.array([one.sum() for one in counted.losses(list(texts[config.training :]))])


CASE = Case(
    paper="arrow",
    name="arrow-reversible-null",
    claim="On text of reversible chains, whose law is the same in both directions, the measurement finds no arrow on "
    "average, and seldom one by chance.",
    source="Papadopoulos, Wenger and Hongler (2024), arXiv:2401.17505: entropies agree; the null is ours",
    full=ReversibleNullConfig(),
    smoke=ReversibleNullConfig(replicates=10, training=10, held_out=10, length=20),
    run=run,
    checks=checks,
    panels=panels,
)
