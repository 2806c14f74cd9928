"""A language changes in two entries: forward readers follow faster than backward readers."""

from dataclasses import dataclass

import numpy as np

from theodolite.experiments.arrow_text import OVER_MATRICES
from theodolite.experiments.bench import Arrays, Bench
from theodolite.experiments.case import Case, Measurement
from theodolite.experiments.check import Check
from theodolite.experiments.config import Config
from theodolite.experiments.intervals import mean_interval
from theodolite.experiments.key import Key
from theodolite.experiments.panels import Axis, Column, Panel, Series
from theodolite.language_arrow import follow, learn, linear_language, sparse_update


@dataclass(frozen=True)
class SparseUpdateConfig(Config):
    """Languages learnt in both directions, each then changed in `flips` entries of its matrix; looks `at` steps."""

    m: int = 14
    ones: int = 28
    flips: int = 2
    languages: int = 24
    width: int = 96
    before: int = 1500
    at: tuple[int, ...] = (0, 50, 100, 150, 200, 300)
    checked: tuple[int, ...] = (100, 300)
    learning_rate: float = 1e-3
    strings: int = 4000
    limit: float = 0.01


def run(config: SparseUpdateConfig, key: Key, bench: Bench) -> Measurement:
    """Learn each language in both directions, change it, follow."""
    parts = bench.each([f"language {i}" for i in range(config.languages)], lambda name: _one(config, key.split(name)))
    arrays: Arrays = {name: np.array([one[name] for one in parts]) for name in parts[0]}
    for name in ("forward", "backward"):
        found = mean_interval(arrays[name])
        arrays |= {f"{name}_mean": found.mean, f"{name}_error": found.half}
    gap = mean_interval(arrays["backward"] - arrays["forward"])
    arrays |= {
        "at": np.array(config.at, dtype=float),
        "gap": gap.mean,
        "gap_error": gap.half,
        "language": np.arange(1.0, config.languages + 1),
        "floor": np.full(len(config.at), np.log(2) / 2),
        "last_gap": (arrays["backward"] - arrays["forward"])[:, -1],
    }
    words = (
        f"{config.languages} linear languages over F2, {2 * config.m} bits, {config.ones} ones, each changed in "
        f"{config.flips} entries; learner MADE of width {config.width} (synthetic)"
    )
    return Measurement(arrays, {}, words)


def checks(config: SparseUpdateConfig, measured: Measurement) -> tuple[Check, ...]:
    """The gap between backward and forward learners at given steps."""
    a = measured.arrays
    return tuple(
        Check(
            f"backward minus forward loss after {step} steps, nats per bit",
            float(a["gap"][config.at.index(step)]),
            config.limit,
            float(a["gap_error"][config.at.index(step)]),
            "at least",
            "95 % interval over languages",
        )
        for step in config.checked
    )


def panels(config: SparseUpdateConfig, measured: Measurement) -> tuple[Panel, ...]:
    """Losses while following, and what changed in every language."""
    return (
        Panel(
            "following",
            "Following a sparse change",
            "lines",
            "Two entries of the matrix changed, more of its inverse: the backward reader follows later.",
            Axis("step after the change"),
            Axis("loss", "nats per bit"),
            (
                Series("forward (Bob)", "at", "forward_mean", error="forward_error", error_means=OVER_MATRICES),
                Series("backward (Carol)", "at", "backward_mean", error="backward_error", error_means=OVER_MATRICES),
                Series("log(2) / 2", "at", "floor", role="guide"),
            ),
        ),
        Panel(
            "languages",
            "Every language",
            "table",
            "A change that is sparse in the matrix is denser in its inverse.",
            columns=(
                Column("language", "language", digits=3),
                Column("entries changed", "changed"),
                Column("entries of the inverse changed", "changed_inverse"),
                Column("forward before the change", "known_forward", "nats per bit"),
                Column("backward before the change", "known_backward", "nats per bit"),
                Column("gap at the end", "last_gap", "nats per bit", 3),
            ),
        ),
    )


def _one(config: SparseUpdateConfig, key: Key) -> Arrays:
    language = linear_language(config.m, config.ones, key.split("matrix").rng())
    update = sparse_update(language, config.flips, key.split("change").rng())
    seed = key.split("seed").integer() % 2**31
    old, new = (one.strings(config.strings, key.split("held out").rng()) for one in (update.before, update.after))
    found: Arrays = {"changed": np.array(update.changed), "changed_inverse": np.array(update.changed_inverse)}
    for reading in ("forward", "backward"):
        known = learn(language, reading, old, config.before, seed=seed, width=config.width)
        curve = follow(update, reading, known.params, new, config.at, seed=seed + 1, learning_rate=config.learning_rate)
        found |= {reading: curve.mean(1), f"known_{reading}": known.nats.mean() / (2 * config.m)}
    return found


CASE = Case(
    paper="arrow",
    name="arrow-sparse-update",
    claim="After a sparse change of a linear language forward readers follow faster than backward readers, for the "
    "inverse changes in more entries.",
    source="Papadopoulos, Wenger and Hongler (2024), arXiv:2401.17505: sparse updates between agents; learner and "
    "sizes are ours",
    full=SparseUpdateConfig(),
    smoke=SparseUpdateConfig(m=8, ones=20, languages=2, width=16, before=60, at=(0, 60), checked=(60,), strings=200),
    run=run,
    checks=checks,
    panels=panels,
)
