"""Training from small weights visits saddles: plateaus of growing rank at the critical values."""

from dataclasses import dataclass

import numpy as np

from theodolite.experiments.bench import Arrays, Bench
from theodolite.experiments.case import Case, Measurement
from theodolite.experiments.check import Check
from theodolite.experiments.config import Config
from theodolite.experiments.intervals import Interval, mean_interval
from theodolite.experiments.key import Key
from theodolite.experiments.panels import Axis, Column, Panel, Series
from theodolite.experiments.saddle_runs import OVER_DRAWS, scaled_start, turned_target
from theodolite.training_dynamics.saddles import (
    LinearFlow,
    MatrixCost,
    critical_values,
    full_mse,
    general_mse,
    linear_flow,
    plateaus,
)

POINTS = 400


@dataclass(frozen=True)
class PlateauConfig(Config):
    """Full squared cost; for each depth the scales of the weights, large to small; then correlated inputs."""

    size: int = 8
    singular_values: tuple[float, ...] = (4.0, 2.0, 1.0)
    width: int = 16
    depths: tuple[int, ...] = (2, 3, 4)
    sigmas: tuple[tuple[float, ...], ...] = ((1e-2, 1e-4, 1e-6), (0.05, 0.005), (0.15, 0.06))
    draws: int = 6
    stop: float = 1e-4
    inputs: int = 6
    outputs: int = 4
    samples: int = 200
    correlated_values: tuple[float, ...] = (6.0, 2.0, 1.0)
    correlated_spread: float = 0.2
    noise: float = 0.1
    correlated_depth: int = 3
    correlated_sigma: float = 0.003
    limit: float = 0.01
    times_limit: float = 0.05


def run(config: PlateauConfig, key: Key, bench: Bench) -> Measurement:
    """Plateaus and times of entry of every depth, scale and draw; two runs kept whole."""
    shape = (config.size, config.size)
    cost = full_mse(turned_target(config.singular_values, shape, key.split("target")))
    levels = critical_values(cost)
    shown = {"shown": (2, config.sigmas[0][1]), "deep": (config.depths[1], config.sigmas[1][-1])}
    jobs = {
        f"{depth} layers, sigma {sigma:g}": (depth, sigma)
        for depth, sigmas in zip(config.depths, config.sigmas, strict=True)
        for sigma in sigmas
    }

    def part(name: str) -> Arrays:
        if name == "correlated inputs":
            return _correlated(config, key.split(name))
        depth, sigma = jobs[name]
        found, whole = [], {}
        for draw in range(config.draws):
            start = scaled_start(shape, config.width, depth, sigma, key.split(f"depth {depth}", draw))
            flow = linear_flow(start, cost, 1e4, stop=config.stop)
            found.append(_visited(flow, len(levels)))
            if draw == 0 and (depth, sigma) in shown.values():
                whole = _curves(flow, len(config.singular_values))
        return {"visited": np.array(found), **whole}

    names = [*jobs, "correlated inputs"]
    parts = dict(zip(names, bench.each(names, part), strict=True))
    arrays: Arrays = {"levels": levels}
    rows: list[tuple[float, ...]] = []
    for depth, sigmas in zip(config.depths, config.sigmas, strict=True):
        for sigma in sigmas:
            visited = parts[f"{depth} layers, sigma {sigma:g}"]["visited"]
            arrays[_name("visited", depth, sigma)] = visited
            values, times = np.nanmean(visited[:, 0], axis=0), np.nanmean(visited[:, 1], axis=0)
            rows.append((depth, sigma, *values[1:3], *times[1:4]))
    columns = ("layers", "sigma", "plateau1", "plateau2", "entry1", "entry2", "entry3")
    arrays |= {f"row_{name}": np.array([row[i] for row in rows], dtype=float) for i, name in enumerate(columns)}
    for label, (depth, sigma) in shown.items():
        whole = parts[f"{depth} layers, sigma {sigma:g}"]
        for name, values in whole.items():
            if name != "visited":
                arrays[f"{label}_{name}"] = values
        for k, level in enumerate(levels[:-1]):
            arrays[f"{label}_level{k}"] = np.full(len(whole["t"]), level)
    correlated = parts["correlated inputs"]
    arrays |= {f"correlated_{name}": values for name, values in correlated.items()}
    for k, level in enumerate(correlated["theory"]):
        arrays[f"correlated_level{k}"] = np.full(len(correlated["t"]), level)
    words = (
        f"squared cost of an {config.size} x {config.size} target, singular values {config.singular_values}, and of "
        f"{config.samples} correlated inputs; linear networks of width {config.width}, {config.draws} draws of the "
        "weights (synthetic)"
    )
    return Measurement(arrays, {}, words)


def checks(config: PlateauConfig, measured: Measurement) -> tuple[Check, ...]:
    """Both plateaus at the smallest scale, their approach, the times of two layers, and correlated inputs."""
    a = measured.arrays
    levels = a["levels"]
    found = []
    for depth, sigmas in zip(config.depths, config.sigmas, strict=True):
        gaps = {
            sigma: np.abs(a[_name("visited", depth, sigma)][:, 0, 1:3] / levels[1:3] - 1.0).max(axis=1)
            for sigma in (sigmas[0], sigmas[-1])
        }
        if depth <= 3:
            found.append(
                _at_most(
                    f"relative gap of plateaus 1 and 2 to saddles, worse one, {depth} layers, sigma {sigmas[-1]:g}",
                    mean_interval(gaps[sigmas[-1]]),
                    config.limit,
                )
            )
        both = np.log(gaps[sigmas[-1]] / gaps[sigmas[0]])
        found.append(
            _at_most(
                f"log of that gap at sigma {sigmas[-1]:g} over that at {sigmas[0]:g}, {depth} layers",
                mean_interval(both),
                0.0,
            )
        )
    entered = a[_name("visited", config.depths[0], config.sigmas[0][-1])][:, 1]
    top = config.singular_values
    for k in (2, 3):
        ratio, theory = mean_interval(entered[:, k] / entered[:, 1]), top[0] / top[k - 1]
        found.append(
            _at_most(
                f"|time of rank {k} over that of rank 1 / {theory:g} - 1|, 2 layers, sigma {config.sigmas[0][-1]:g}",
                Interval(abs(ratio.mean / theory - 1.0), ratio.half / theory),
                config.times_limit,
            )
        )
    gap = np.abs(a["correlated_visited"] / a["correlated_theory"][:-1] - 1.0)
    inside = gap[:, 1:].max(axis=1)
    found.append(
        _at_most("relative gap of the plateaus of correlated inputs, worst", mean_interval(inside), config.limit)
    )
    return tuple(found)


def panels(config: PlateauConfig, measured: Measurement) -> tuple[Panel, ...]:
    """Cost, singular values and rank over time, a table of plateaus, and the cost of correlated inputs."""
    shown = []
    for label, words in (("shown", "two layers"), ("deep", f"{config.depths[1]} layers")):
        x = f"{label}_t"
        guides = tuple(
            Series(f"saddle of rank {k}", x, f"{label}_level{k}", role="guide")
            for k in range(len(config.singular_values))
        )
        values = tuple(
            Series(f"singular value {i + 1}", x, f"{label}_s{i}", role="theory", family=f"s{i}")
            for i in range(len(config.singular_values))
        )
        shown += [
            Panel(
                f"{label}_cost",
                f"Cost over time, {words}",
                "lines",
                "Training rests at the costs of saddles of rank 0, 1, 2 and jumps between them.",
                Axis("time"),
                Axis("cost"),
                (Series("cost", x, f"{label}_cost", role="theory", family="cost"), *guides),
            ),
            Panel(
                f"{label}_values",
                f"Singular values and numerical rank over time, {words}",
                "lines",
                "Singular values appear one after the other; with each the rank grows by one.",
                Axis("time"),
                Axis("singular value; rank"),
                (*values, Series("numerical rank", x, f"{label}_rank", role="guide")),
            ),
        ]
    guides = tuple(
        Series(f"critical value {k}", "correlated_t", f"correlated_level{k}", role="guide")
        for k in range(len(measured.arrays["correlated_theory"]))
    )
    return (
        *shown,
        Panel(
            "correlated",
            "Cost over time, correlated inputs",
            "lines",
            "Correlated inputs shift the saddles to the values of Baldi and Hornik, and training visits these.",
            Axis("time"),
            Axis("cost", log=True),
            (Series("cost", "correlated_t", "correlated_cost", role="theory", family="cost"), *guides),
        ),
        Panel(
            "plateaus",
            "Plateaus and times of entry, mean over draws",
            "table",
            "Plateaus approach 2.5 and 0.5 as the weights become small; for two layers the times approach 1 : 2 : 4.",
            columns=(
                Column("layers", "row_layers"),
                Column("sigma", "row_sigma"),
                Column("plateau 1", "row_plateau1"),
                Column("plateau 2", "row_plateau2"),
                Column("entry of rank 1", "row_entry1", digits=3),
                Column("entry of rank 2", "row_entry2", digits=3),
                Column("entry of rank 3", "row_entry3", digits=3),
            ),
        ),
    )


def _correlated(config: PlateauConfig, key: Key) -> Arrays:
    """Inputs whose covariance has eigenvalues from 1 down to `correlated_spread`, outputs with noise."""
    rng = key.split("inputs").rng()
    scales = np.sqrt(np.geomspace(1.0, config.correlated_spread, config.inputs))
    turn = np.linalg.qr(rng.standard_normal((config.inputs, config.inputs)))[0]
    X = (turn * scales) @ rng.standard_normal((config.inputs, config.samples))
    map_ = turned_target(config.correlated_values, (config.outputs, config.inputs), key.split("target"))
    cost: MatrixCost = general_mse(X, map_ @ X + config.noise * rng.standard_normal((config.outputs, config.samples)))
    theory = critical_values(cost)[: len(config.correlated_values) + 1]
    stop = float(theory[-1] + 0.05 * (theory[-2] - theory[-1]))
    visited, whole = [], {}
    for draw in range(config.draws):
        start = scaled_start(
            cost.shape, config.width, config.correlated_depth, config.correlated_sigma, key.split("weights", draw)
        )
        flow = linear_flow(start, cost, 1e5, stop=stop)
        visited.append(_visited(flow, len(theory))[0, :-1])
        if draw == 0:
            whole = _curves(flow, len(config.correlated_values))
    return {"visited": np.array(visited), "theory": theory, "t": whole["t"], "cost": whole["cost"]}


def _visited(flow: LinearFlow, ranks: int) -> np.ndarray:
    """Cost of the plateau and time of entry for rank 0, 1, ... (2, ranks); of the next rank where one is skipped."""
    found = np.full((2, ranks), np.nan)
    for plateau in plateaus(flow):
        if plateau.rank < ranks:
            found[:, plateau.rank] = plateau.value, plateau.entered
    for k in range(ranks - 2, -1, -1):
        if np.isnan(found[0, k]):
            found[:, k] = found[:, k + 1]
    return found


def _curves(flow: LinearFlow, values: int) -> Arrays:
    """Cost, singular values and rank on an even grid of times."""
    t = np.linspace(0.0, flow.times[-1], POINTS)
    found = {"t": t, "cost": np.interp(t, flow.times, flow.values)}
    found |= {f"s{i}": np.interp(t, flow.times, flow.singular_values[:, i]) for i in range(values)}
    after = np.searchsorted(flow.times, t, side="right") - 1
    return {**found, "rank": flow.ranks()[after].astype(float)}


def _at_most(name: str, interval: Interval, limit: float) -> Check:
    return Check(name, float(interval.mean), limit, float(interval.half), "at most", OVER_DRAWS)


def _name(name: str, depth: int, sigma: float) -> str:
    return f"{name}_{depth}_{sigma:g}"


CASE = Case(
    paper="saddles",
    name="saddles-plateaus",
    claim="From small weights gradient flow visits saddles of rank 0, 1, 2, ...: it rests at their critical values, "
    "the closer the smaller the weights, and jumps after times in the ratio of inverse singular values.",
    source="Jacot et al. (2021), arXiv:2106.15933: conjecture on later paths; values of Baldi and Hornik (1989)",
    full=PlateauConfig(),
    smoke=PlateauConfig(
        size=4,
        width=5,
        sigmas=((1e-2, 1e-3), (0.1, 0.05), (0.3, 0.25)),
        draws=2,
        stop=1e-2,
        samples=40,
        correlated_values=(6.0, 2.0),
        correlated_spread=0.7,
        correlated_sigma=0.1,
    ),
    run=run,
    checks=checks,
    panels=panels,
)
