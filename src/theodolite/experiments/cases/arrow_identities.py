"""Exact equalities of both directions: Markov chains, circular text, and the law of a forward model read backwards."""

import itertools
from dataclasses import dataclass

import numpy as np

from theodolite.experiments.arrow_text import EXACT
from theodolite.experiments.bench import Arrays, Bench
from theodolite.experiments.case import Case, Measurement
from theodolite.experiments.check import Check
from theodolite.experiments.config import Config
from theodolite.experiments.intervals import mean_interval
from theodolite.experiments.key import Key
from theodolite.experiments.panels import Axis, Column, Panel, Series
from theodolite.language_arrow import (
    cyclic_losses,
    entropy_production,
    entropy_rates,
    made,
    random_chain,
    reversed_chain,
    sample_chain,
    stationary_law,
)


@dataclass(frozen=True)
class IdentitiesConfig(Config):
    """Random chains; one text of a chain bent into a circle; all windows of a random forward network."""

    chains: int = 200
    states: int = 5
    concentration: float = 0.5
    texts: int = 400
    length: int = 200
    circle: int = 20_000
    orders: tuple[int, ...] = (1, 2, 3, 5, 8)
    alphabet: int = 3
    window: int = 6
    networks: int = 10
    width: int = 16
    tolerance: float = 1e-9
    sampled_limit: float = 0.02


def run(config: IdentitiesConfig, key: Key, bench: Bench) -> Measurement:
    """One part for chains, circle and windows."""
    steps = {"chains": _chains, "circle": _circle, "windows": _windows}
    arrays: Arrays = {}
    for part in bench.each(list(steps), lambda name: steps[name](config, key.split(name))):
        arrays |= part
    words = (
        f"{config.chains} random chains of {config.states} states, a circle of {config.circle} symbols, "
        f"{config.networks} random networks on all {config.alphabet}^{config.window} windows (synthetic)"
    )
    return Measurement(arrays, {}, words)


def checks(config: IdentitiesConfig, measured: Measurement) -> tuple[Check, ...]:
    """Largest differences of both directions, and that losses of a sample are those of the formula."""
    a = measured.arrays
    rows = (
        ("entropy rates of chains, largest |forward - backward|", np.abs(a["forward"] - a["backward"]).max()),
        (
            "plug-in losses of n-grams on a circle, largest |forward - backward|",
            np.abs(a["circle_forward"] - a["circle_backward"]).max(),
        ),
        ("window by window, largest |forward nats - backward nats|", a["window_gap"].max()),
        ("laws of the networks, largest |sum - 1|", a["window_sum"].max()),
    )
    sampled = mean_interval(a["sampled_forward"]), mean_interval(a["sampled_backward"])
    return (
        *(
            Check(
                f"{name}, in units of {config.tolerance:g}",
                round(value / config.tolerance, 2),
                1.0,
                0.0,
                "at most",
                EXACT,
            )
            for name, value in rows
        ),
        *(
            Check(
                f"|loss of sampled text - entropy rate|, {name}, nats",
                float(abs(one.mean)),
                config.sampled_limit,
                float(one.half),
                "at most",
                "95 % interval over texts",
            )
            for name, one in zip(("forward", "backward"), sampled, strict=True)
        ),
        Check(
            "entropy production, median over chains, nats per step",
            float(np.median(a["production"])),
            0.1,
            float(1.96 * a["production"].std() / np.sqrt(len(a["production"]))),
            "at least",
            "95 % interval over chains",
        ),
    )


def panels(config: IdentitiesConfig, measured: Measurement) -> tuple[Panel, ...]:
    """Rates of both directions, the circle, and the table of windows."""
    return (
        Panel(
            "rates",
            "Entropy rates of random chains",
            "scatter",
            "However irreversible a chain, its text is as hard to predict backwards as forwards.",
            Axis("entropy production", "nats per step"),
            Axis("entropy rate", "nats per symbol"),
            (
                Series("forward", "production", "forward"),
                Series("backward", "production", "backward", role="theory"),
            ),
        ),
        Panel(
            "circle",
            "Counted n-grams on a circle",
            "lines",
            "On a circle plug-in losses of any order agree in both directions, overfitted ones too.",
            Axis("order n"),
            Axis("plug-in loss", "nats per symbol"),
            (
                Series("forward", "orders", "circle_forward"),
                Series("backward", "orders", "circle_backward", role="theory"),
            ),
        ),
        Panel(
            "windows",
            "The law of a forward network, read backwards",
            "table",
            "Exact backward conditionals cost every single window what the forward network costs it.",
            columns=(
                Column("network", "network", digits=3),
                Column("largest gap of a window", "window_gap", "nats", 3),
                Column("|sum of the law - 1|", "window_sum", digits=3),
            ),
        ),
    )


def _chains(config: IdentitiesConfig, key: Key) -> Arrays:
    rng = key.rng()
    chains = [random_chain(config.states, config.concentration, rng) for _ in range(config.chains)]
    chains = [P for P in chains if stationary_law(P).min() > 1e-6]  # a state never visited has no past
    rates = np.array([entropy_rates(P) for P in chains])
    production = np.array([entropy_production(P) for P in chains])
    P = chains[0]
    texts = sample_chain(P, config.length, config.texts, rng)
    before, after = texts[:, :-1], texts[:, 1:]
    forward = -np.log(P[before, after]).mean(1) - rates[0, 0]
    backward = -np.log(reversed_chain(P)[after, before]).mean(1) - rates[0, 1]
    return {
        "forward": rates[:, 0],
        "backward": rates[:, 1],
        "production": np.minimum(production, 100.0),
        "sampled_forward": forward,
        "sampled_backward": backward,
    }


def _circle(config: IdentitiesConfig, key: Key) -> Arrays:
    rng = key.rng()
    text = sample_chain(random_chain(config.states, config.concentration, rng), config.circle, 1, rng)[0]
    losses = np.array([cyclic_losses(text, n) for n in config.orders])
    return {
        "orders": np.array(config.orders, dtype=float),
        "circle_forward": losses[:, 0],
        "circle_backward": losses[:, 1],
    }


def _windows(config: IdentitiesConfig, key: Key) -> Arrays:
    v, n = config.alphabet, config.window
    every = np.array(list(itertools.product(range(v), repeat=n)))
    shape = made.Made(n, v, config.width)
    gaps, sums = [], []
    for network in range(config.networks):
        rng = key.split(network).rng()
        params = made.init(shape, rng)
        params = params._replace(out=2.0 * params.out, out_bias=rng.standard_normal(params.out_bias.shape))
        nats = made.evaluate(shape, params, every).sum(1)
        law = np.exp(-nats).reshape((v,) * n)
        backward = np.zeros(len(every))
        for k in range(n):
            whole, rest = law.sum(tuple(range(k))), law.sum(tuple(range(k + 1)))
            backward -= np.log(whole[tuple(every[:, k:].T)] / rest[tuple(every[:, k + 1 :].T)])
        gaps.append(np.abs(backward - nats).max())
        sums.append(abs(law.sum() - 1))
    return {
        "network": np.arange(1.0, config.networks + 1),
        "window_gap": np.array(gaps),
        "window_sum": np.array(sums),
    }


CASE = Case(
    paper="arrow",
    name="arrow-identities",
    claim="An ideal model has no arrow: entropy rates of chains, counted n-grams on a circle and every single window "
    "of a forward law cost the same in both directions.",
    source="Papadopoulos, Wenger and Hongler (2024), arXiv:2401.17505: the chain rule read both ways",
    full=IdentitiesConfig(),
    smoke=IdentitiesConfig(chains=20, texts=100, circle=2000, networks=2, window=4),
    run=run,
    checks=checks,
    panels=panels,
)
