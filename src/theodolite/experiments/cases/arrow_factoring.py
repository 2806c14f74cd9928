"""Two primes and their product: read forwards one multiplies, read backwards one factors."""

from dataclasses import dataclass

import numpy as np

from theodolite.experiments.arrow_text import OVER_STRINGS, paired_arrow
from theodolite.experiments.bench import Arrays, Bench
from theodolite.experiments.case import Case, Measurement
from theodolite.experiments.check import Check
from theodolite.experiments.config import Config
from theodolite.experiments.intervals import mean_interval
from theodolite.experiments.key import Key
from theodolite.experiments.panels import Axis, Column, Panel, Series
from theodolite.language_arrow import FactoringLanguage, exact_digit_losses, factoring_language, made


@dataclass(frozen=True)
class FactoringConfig(Config):
    """Pairs of primes below `limit`, a share of them held out, drawn anew `splits` times; one network a digit."""

    limit: int = 1000
    base: int = 10
    held_out: float = 0.1
    splits: int = 5
    width: int = 128
    steps: int = 1200
    learning_rate: float = 2e-3
    arrow_limit: float = 0.02
    z_limit: float = 5.0


def run(config: FactoringConfig, key: Key, bench: Bench) -> Measurement:
    """Both directions for every split, digit by digit."""
    language = factoring_language(config.limit, config.base)
    n = 2 * language.digits
    parts = bench.each(
        [f"split {i}" for i in range(config.splits)], lambda name: _split(config, language, key.split(name))
    )
    forward, backward = (
        np.array([one[name] for one in parts]) for name in ("forward", "backward")
    )  # (s, strings, places)
    in_order = backward[:, :, ::-1]
    places = np.arange(1.0, 2 * n + 1)
    arrays: Arrays = {
        "digit": np.array(language.names),
        "place": places,
        "forward_nats": forward.sum(2),
        "backward_nats": backward.sum(2),
        "forward": forward.mean((0, 1)),
        "backward": in_order.mean((0, 1)),
        "forward_exact": exact_digit_losses(language.strings),
        "backward_exact": exact_digit_losses(language.strings[:, ::-1])[::-1],
        "forward_curve": np.array([one["forward_curve"] for one in parts]).mean(0),
        "backward_curve": np.array([one["backward_curve"] for one in parts]).mean(0),
        "uniform": np.full(len(places), np.log(config.base)),
    }
    arrays["step"] = np.linspace(0, config.steps, len(arrays["forward_curve"]))
    arrays["floor"] = np.full(len(arrays["step"]), language.floor)
    scalars = {
        "floor, nats per string": language.floor,
        "forward: primes": float(arrays["forward"][:n].sum()),
        "forward: product given primes": float(arrays["forward"][n:].sum()),
        "backward: product": float(arrays["backward"][n:].sum()),
        "backward: primes given product": float(arrays["backward"][:n].sum()),
    }
    arrays["part"] = np.array([name for name in scalars if ":" in name])
    arrays["part_nats"] = np.array([scalars[name] for name in arrays["part"]])
    arrays["part_floor"] = np.array([language.floor, 0.0, language.floor, 0.0])
    words = (
        f"{len(language.pairs)} pairs of primes below {config.limit} in base {config.base}, "
        f"{100 * config.held_out:.0f} % held out, {config.splits} splits; learner MADE of width {config.width}, "
        f"{config.steps} steps (synthetic)"
    )
    return Measurement(arrays, scalars, words)


def checks(config: FactoringConfig, measured: Measurement) -> tuple[Check, ...]:
    """The arrow over held-out strings of each split, the weakest; and over splits."""
    a = measured.arrays
    arrows = [paired_arrow(one, other) for one, other in zip(a["forward_nats"], a["backward_nats"], strict=True)]
    least = min(arrows, key=lambda one: float(one.mean))
    differences = a["backward_nats"] - a["forward_nats"]
    z = differences.mean(1) / (differences.std(1, ddof=1) / np.sqrt(differences.shape[1]))
    over = mean_interval(np.array([one.mean for one in arrows]))
    return (
        Check(
            "arrow, least over splits",
            float(least.mean),
            config.arrow_limit,
            float(least.half),
            "at least",
            OVER_STRINGS,
        ),
        Check(
            "arrow, mean",
            float(over.mean),
            config.arrow_limit,
            float(over.half),
            "at least",
            "95 % interval over splits",
        ),
        Check(
            "paired difference over its standard error, least over splits",
            float(z.min()),
            config.z_limit,
            0.0,
            "at least",
            "in standard errors already",
        ),
    )


def panels(config: FactoringConfig, measured: Measurement) -> tuple[Panel, ...]:
    """Losses of digits in both directions, the parts they add up to, and training."""
    return (
        Panel(
            "forward",
            "Digit by digit, forwards",
            "bars",
            "Primes are nearly as cheap as they can be; the middle digits of the product are not learnt.",
            Axis("digit, least significant first"),
            Axis("loss", "nats"),
            (
                Series("learnt", "digit", "forward"),
                Series("ideal", "digit", "forward_exact", role="theory"),
            ),
        ),
        Panel(
            "backward",
            "Digit by digit, backwards",
            "bars",
            "Backwards the product itself is dear, for few numbers are products of two primes; its factors cost less.",
            Axis("digit, read from the right"),
            Axis("loss", "nats"),
            (
                Series("learnt", "digit", "backward"),
                Series("ideal", "digit", "backward_exact", role="theory"),
            ),
        ),
        Panel(
            "curves",
            "Training both directions",
            "lines",
            "The backward loss stays above; both are far above the floor that they share.",
            Axis("step"),
            Axis("training loss", "nats per string"),
            (
                Series("forward", "step", "forward_curve", role="theory"),
                Series("backward", "step", "backward_curve", role="theory"),
                Series("log(number of pairs)", "step", "floor", role="guide"),
            ),
        ),
        Panel(
            "parts",
            "What the losses are made of",
            "table",
            "The arrow comes from the law of the products, which is hard to learn, and not from factoring being harder "
            "than multiplying: neither is learnt here.",
            columns=(
                Column("part", "part"),
                Column("learnt", "part_nats", "nats per string"),
                Column("ideal", "part_floor", "nats per string"),
            ),
        ),
    )


def _split(config: FactoringConfig, language: FactoringLanguage, key: Key) -> Arrays:
    order = key.split("order").rng().permutation(len(language.pairs))
    held = round(config.held_out * len(order))
    strings = language.strings[order].astype(np.int32)
    seed = key.split("seed").integer() % 2**31
    shape = made.Made(strings.shape[1], config.base, config.width)
    found: Arrays = {}
    for reading, step in (("forward", 1), ("backward", -1)):
        table = np.ascontiguousarray(strings[:, ::step])
        start = made.init(shape, np.random.default_rng(seed))
        trained = made.train(
            shape, start, made.draw_rows, table[held:], config.steps, seed=seed, learning_rate=config.learning_rate
        )
        found[reading] = made.evaluate(shape, trained.params, table[:held])
        found[f"{reading}_curve"] = np.array([part.mean() for part in np.array_split(trained.losses, 40)])
    return found


CASE = Case(
    paper="arrow",
    name="arrow-factoring",
    claim="Strings of two primes and their product are easier to learn forwards, where one multiplies, than backwards, "
    "where one factors, though both directions have equal entropy.",
    source="Papadopoulos, Wenger and Hongler (2024), arXiv:2401.17505: prime factorisation; learner and sizes are ours",
    full=FactoringConfig(),
    smoke=FactoringConfig(limit=30, held_out=0.3, splits=2, width=8, steps=50),
    run=run,
    checks=checks,
    panels=panels,
)
