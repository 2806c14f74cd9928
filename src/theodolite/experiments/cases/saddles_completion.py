"""Matrix completion at four scales of the weights: lazy training fits what is seen, small weights find the rest too."""

from dataclasses import dataclass

import numpy as np

from theodolite.experiments.bench import Arrays, Bench
from theodolite.experiments.case import Case, Measurement
from theodolite.experiments.check import Check
from theodolite.experiments.config import Config
from theodolite.experiments.intervals import Interval, mean_interval
from theodolite.experiments.key import Key
from theodolite.experiments.panels import Axis, Column, Panel, Series
from theodolite.experiments.saddle_runs import EXACT, OVER_DRAWS, median_interval, scaled_start, turned_target
from theodolite.training_dynamics.saddles import MatrixCost, completion, greedy_low_rank, linear_flow, plateaus

POINTS = 300


@dataclass(frozen=True)
class CompletionConfig(Config):
    """A matrix of low rank, the same number of entries seen in each row and column; entries of the weights of variance
    width^-gamma; the same weights up to scale for every gamma, and more draws of the first, which are quick, there also
    for networks of width `wide`."""

    size: int = 10
    singular_values: tuple[float, ...] = (8.4, 4.0)
    seen: int = 6
    depth: int = 3
    width: int = 60
    gammas: tuple[float, ...] = (2 / 3, 1.0, 1.5, 2.0)
    draws: int = 24
    lazy_draws: int = 2500
    wide: int = 240
    wide_draws: int = 400
    stop: float = 1e-5
    time: float = 2000.0
    kept_limit: float = 0.95
    rich_limit: float = 1e-3
    greedy_limit: float = 1e-12
    plateau_limit: float = 0.06


def run(config: CompletionConfig, key: Key, bench: Bench) -> Measurement:
    """Flows of every gamma and draw, the greedy algorithm, and one run of each gamma over time."""
    shape = (config.size, config.size)
    target = turned_target(config.singular_values, shape, key.split("target"))
    mask = spread_mask(config.size, config.seen, key.split("mask").rng())
    cost = completion(target, mask)
    names = ["greedy", *(f"gamma {gamma:.3g}" for gamma in config.gammas), f"width {config.wide}"]

    def part(name: str) -> Arrays:
        if name == "greedy":
            found = greedy_low_rank(cost)
            return {"values": found.values, "error": np.array(_unseen(found.matrix, target, mask))}
        if name == names[-1]:
            draws, width, gamma = config.wide_draws, config.wide, config.gammas[0]
            return _runs(config, cost, target, mask, gamma, width, draws, key.split("wide"))
        gamma = config.gammas[names.index(name) - 1]
        draws = config.lazy_draws if gamma == config.gammas[0] else config.draws
        return _runs(config, cost, target, mask, gamma, config.width, draws, key.split("weights"))

    greedy, *parts, wide = bench.each(names, part)
    arrays: Arrays = {"gamma": np.array(config.gammas), "greedy": greedy["values"], "greedy_error": greedy["error"]}
    for name in ("test", "start", "rank", "time", "plateau"):
        values = np.array([one[name][: config.draws] for one in parts])
        arrays |= {name: values, f"{name}_median": np.median(values, axis=1)}
    for gamma, one in zip(config.gammas, parts, strict=True):
        label = f"{round(100 * gamma)}"
        arrays |= {f"{name}_{label}": one[name] for name in ("t", "train_curve", "test_curve")}
        for k, value in enumerate(greedy["values"][1:-1], 1):
            arrays[f"level{k}_{label}"] = np.full(len(one["t"]), value)
    arrays["lazy"] = parts[0]["test"] / parts[0]["start"]
    arrays["lazy_wide"] = wide["test"] / wide["start"]
    rich = parts[-1]
    arrays |= {f"values_{i}": rich["values_curve"][i] for i in range(3)}
    words = (
        f"{config.size} x {config.size} matrix, singular values {config.singular_values}, {config.seen * config.size} "
        f"entries seen; linear networks, {config.depth} layers, width {config.width}, {config.draws} draws, "
        f"{config.lazy_draws} of the first gamma and {config.wide_draws} of width {config.wide} (synthetic)"
    )
    return Measurement(arrays, {f"greedy value {k}": float(v) for k, v in enumerate(greedy["values"])}, words)


def checks(config: CompletionConfig, measured: Measurement) -> tuple[Check, ...]:
    """Order of the errors, no gain in the lazy regime, recovery for small weights and by the greedy algorithm."""
    a = measured.arrays
    found = []
    for i in range(len(config.gammas) - 1):
        falls = mean_interval(np.log(a["test"][i + 1] / a["test"][i]))
        one, other = config.gammas[i], config.gammas[i + 1]
        found.append(_check(f"log of unseen error at gamma {other:.3g} over that at {one:.3g}", falls, 0.0, "at most"))
    lazy, wide = median_interval(a["lazy"]), median_interval(a["lazy_wide"])
    kept = "unseen error over its value before training, gamma 2/3, median"
    plateau = mean_interval(a["plateau"][-1] / a["greedy"][1])
    return (
        *found,
        _check(kept, lazy, config.kept_limit, "at least"),
        _check(f"{kept}, width {config.wide}", wide, config.kept_limit, "at least"),
        _check("unseen error, gamma 2, median", median_interval(a["test"][-1]), config.rich_limit, "at most"),
        _check(
            "|cost of the rank-one plateau at gamma 2 over the greedy saddle's - 1|",
            Interval(abs(plateau.mean - 1.0), plateau.half),
            config.plateau_limit,
            "at most",
        ),
        Check(
            "unseen error of the greedy algorithm",
            round(float(a["greedy_error"]), 15),
            config.greedy_limit,
            0.0,
            "at most",
            EXACT,
        ),
    )


def panels(config: CompletionConfig, measured: Measurement) -> tuple[Panel, ...]:
    """Errors over time for every gamma with the levels of the greedy algorithm, singular values, and a table."""
    shown = []
    for gamma in config.gammas:
        label = f"{round(100 * gamma)}"
        x = f"t_{label}"
        shown.append(
            Panel(
                f"errors{label}",
                f"Errors over time, gamma = {gamma:.3g}",
                "lines",
                "Seen entries are always fitted; unseen ones only from small weights."
                if gamma <= 1
                else "From small weights unseen entries are found as well, after rests near saddles of low rank.",
                Axis("time", log=True),
                Axis("squared error", log=True),
                (
                    Series("cost of seen entries", x, f"train_curve_{label}", role="theory", family="seen"),
                    Series("unseen entries, relative", x, f"test_curve_{label}", role="theory", family="unseen"),
                    *(
                        Series(f"greedy saddle of rank {k}", x, f"level{k}_{label}", role="guide")
                        for k in range(1, len(measured.arrays["greedy"]) - 1)
                    ),
                ),
            )
        )
    last = f"{round(100 * config.gammas[-1])}"
    return (
        *shown,
        Panel(
            "values",
            f"Singular values over time, gamma = {config.gammas[-1]:.3g}",
            "lines",
            "As many singular values appear as the matrix has; the third stays away.",
            Axis("time", log=True),
            Axis("singular value"),
            tuple(
                Series(f"singular value {i + 1}", f"t_{last}", f"values_{i}", role="theory", family=f"s{i}")
                for i in range(3)
            ),
        ),
        Panel(
            "table",
            "Medians over draws",
            "table",
            "The smaller the initial weights, the better the unseen entries, and the longer it takes.",
            columns=(
                Column("gamma", "gamma", digits=3),
                Column("unseen error", "test_median", "share of their squares", 3),
                Column("before training", "start_median", "share of their squares", 3),
                Column("effective rank", "rank_median", digits=3),
                Column("time to fit", "time_median", digits=3),
            ),
        ),
    )


def spread_mask(size: int, seen: int, rng: np.random.Generator) -> np.ndarray:
    """A mask (size, size) with `seen` entries in each row and each column, at random.

    >>> mask = spread_mask(5, 2, np.random.default_rng(0))
    >>> mask.sum(axis=0).tolist(), mask.sum(axis=1).tolist()
    ([2, 2, 2, 2, 2], [2, 2, 2, 2, 2])
    """
    offsets = rng.permutation(size)[:seen]
    mask = np.zeros((size, size), dtype=bool)
    for offset in offsets:
        mask[np.arange(size), (np.arange(size) + offset) % size] = True
    return mask[rng.permutation(size)][:, rng.permutation(size)]


def _runs(
    config: CompletionConfig,
    cost: MatrixCost,
    target: np.ndarray,
    mask: np.ndarray,
    gamma: float,
    width: int,
    draws: int,
    key: Key,
) -> Arrays:
    found: dict[str, list[float]] = {name: [] for name in ("test", "start", "rank", "time", "plateau")}
    whole: Arrays = {}
    for draw in range(draws):
        sigma = width ** (-gamma / 2)
        start = scaled_start(cost.shape, width, config.depth, sigma, key.split(draw))
        flow = linear_flow(start, cost, config.time, stop=config.stop, between=2, tolerance=1e-7)
        s = flow.singular_values[-1]
        share = s / s.sum()
        found["test"].append(_unseen(flow.products[-1], target, mask))
        found["start"].append(_unseen(flow.products[0], target, mask))
        found["rank"].append(float(np.exp(-np.sum(share * np.log(np.maximum(share, 1e-300))))))
        found["time"].append(float(flow.times[-1]))
        at = {one.rank: one.value for one in plateaus(flow)}
        found["plateau"].append(at.get(1, float("nan")))
        if draw == 0:
            errors = [_unseen(A, target, mask) for A in flow.products]
            t = np.geomspace(max(flow.times[1], 1e-4 * flow.times[-1]), flow.times[-1], POINTS)
            whole = {
                "t": t,
                "train_curve": np.interp(t, flow.times, flow.values),
                "test_curve": np.interp(t, flow.times, errors),
                "values_curve": np.array([np.interp(t, flow.times, flow.singular_values[:, i]) for i in range(3)]),
            }
    return {**{name: np.array(values) for name, values in found.items()}, **whole}


def _unseen(A: np.ndarray, target: np.ndarray, mask: np.ndarray) -> float:
    return float(np.sum((A - target)[~mask] ** 2) / np.sum(target[~mask] ** 2))


def _check(name: str, interval: Interval, limit: float, direction: str) -> Check:
    side = "at most" if direction == "at most" else "at least"
    return Check(name, float(interval.mean), limit, float(interval.half), side, OVER_DRAWS)


CASE = Case(
    paper="saddles",
    name="saddles-completion",
    claim="In matrix completion the error on unseen entries falls with the scale of the initial weights: lazy training "
    "does not learn them, training from saddle to saddle does, along the ranks of the greedy algorithm.",
    source="Jacot et al. (2021), arXiv:2106.15933: matrix completion and the greedy algorithm; sizes are ours",
    full=CompletionConfig(),
    smoke=CompletionConfig(
        size=6, singular_values=(3.0, 1.5), seen=5, width=12, draws=2, lazy_draws=6, wide=16, wide_draws=4, stop=1e-2
    ),
    run=run,
    checks=checks,
    panels=panels,
)
