"""How long a deep linear network rests at the origin: log(1/sigma) for two layers, a power of 1/sigma for more."""

from dataclasses import dataclass

import numpy as np

from theodolite.experiments.bench import Arrays, Bench
from theodolite.experiments.case import Case, Measurement
from theodolite.experiments.check import Check
from theodolite.experiments.config import Config
from theodolite.experiments.intervals import Interval, mean_interval
from theodolite.experiments.key import Key
from theodolite.experiments.panels import Axis, Panel, Series
from theodolite.experiments.saddle_runs import OVER_DRAWS, off, scaled_start, slopes, turned_target
from theodolite.training_dynamics.saddles import (
    LinearFlow,
    critical_values,
    escape_direction,
    escape_time,
    full_mse,
    initialisation_advice,
    linear_flow,
)

POINTS = 200


@dataclass(frozen=True)
class EscapeConfig(Config):
    """Full squared cost; for each depth the standard deviations of the weights, and `draws` of the same weights in all
    of them."""

    size: int = 8
    singular_values: tuple[float, ...] = (4.0, 2.0, 1.0)
    width: int = 16
    depths: tuple[int, ...] = (2, 3, 4)
    sigmas: tuple[tuple[float, ...], ...] = (
        (1e-2, 1e-3, 1e-4, 1e-5, 1e-6),
        (0.04, 0.02, 0.01, 0.005),
        (0.1, 0.06, 0.04, 0.03),
    )
    draws: int = 10
    limits: tuple[float, ...] = (0.02, 0.08, 0.08)


def run(config: EscapeConfig, key: Key, bench: Bench) -> Measurement:
    """Escape times for every depth, scale and draw; the norm of top singular values in one run."""
    shape = (config.size, config.size)
    cost = full_mse(turned_target(config.singular_values, shape, key.split("target")))
    first = float(critical_values(cost)[1])
    jobs = {
        f"{depth} layers, sigma {sigma:g}": (depth, sigma)
        for depth, sigmas in zip(config.depths, config.sigmas, strict=True)
        for sigma in sigmas
    }

    def part(name: str) -> Arrays:
        depth, sigma = jobs[name]
        times, norms = [], []
        for draw in range(config.draws):
            start = scaled_start(shape, config.width, depth, sigma, key.split(f"depth {depth}", draw))
            flow = linear_flow(start, cost, 1e4, stop=0.6 * first + 0.4 * cost.value(np.zeros(shape)), tolerance=1e-9)
            times.append(escape_time(flow, cost, first))
            if draw == 0:
                norms = _aligned(flow)
        return {"times": np.array(times), "norms": np.array(norms)}

    parts = dict(zip(jobs, bench.each(list(jobs), part), strict=True))
    arrays: Arrays = {}
    scalars = {}
    for depth, sigmas in zip(config.depths, config.sigmas, strict=True):
        own = [parts[f"{depth} layers, sigma {sigma:g}"] for sigma in sigmas]
        times = np.array([one["times"] for one in own])
        mean, half = mean_interval(times, axis=1)
        arrays |= {f"sigma_{depth}": np.array(sigmas), f"time_{depth}": mean, f"error_{depth}": half}
        x = -np.log(np.array(sigmas))
        arrays[f"slope_{depth}"] = np.array(slopes(x, times.T if depth == 2 else np.log(times.T)))
        predicted = [_predicted(config, depth, sigma) for sigma in sigmas]
        arrays[f"predicted_{depth}"] = np.array(predicted)
        scalars[f"predicted over measured escape time, {depth} layers, smallest sigma"] = predicted[-1] / mean[-1]
        if depth > 2:
            t, r = own[-1]["norms"]
            way = escape_direction(cost, depth)
            power = r ** -(depth - 2)
            arrays |= {f"t_{depth}": t, f"power_{depth}": power}
            # the line of slope -(L-2) s* through the middle of the descent
            middle = int(np.argmin(np.abs(power - 0.3 * power[0])))
            arrays[f"line_{depth}"] = power[middle] - (depth - 2) * way.speed * (t - t[middle])
            late = (power < 0.5 * power[0]) & (power > 0.1 * power[0])
            slope = np.polyfit(t[late], power[late], 1)[0] if late.sum() > 2 else np.nan
            scalars[f"slope of the norm to the power -(L-2) over -(L-2) s*, {depth} layers"] = float(
                slope / (-(depth - 2) * way.speed)
            )
    words = (
        f"squared cost of an {config.size} x {config.size} target, singular values {config.singular_values}, linear "
        f"networks of width {config.width}, {config.draws} draws of the weights at every scale (synthetic)"
    )
    return Measurement(arrays, scalars, words)


def checks(config: EscapeConfig, measured: Measurement) -> tuple[Check, ...]:
    """The slope over log(1/sigma): of the time for two layers, of its logarithm for more."""
    found = []
    for depth, limit in zip(config.depths, config.limits, strict=True):
        mean, half = measured.arrays[f"slope_{depth}"]
        theory = 1.0 / config.singular_values[0] if depth == 2 else float(depth - 2)
        value, error = off(Interval(mean, half), theory)
        what = "escape time" if depth == 2 else "log of the escape time"
        found.append(
            Check(
                f"|slope of the {what} over log(1/sigma) / {theory:g} - 1|, {depth} layers",
                value,
                limit,
                error,
                "at most",
                OVER_DRAWS,
                note=f"slope {mean:.4f}",
            )
        )
    return tuple(found)


def panels(config: EscapeConfig, measured: Measurement) -> tuple[Panel, ...]:
    """Escape times over sigma, and the norm of deeper networks on its straight line."""
    found = []
    for depth in config.depths:
        law = "log(1/sigma) / s_1" if depth == 2 else f"a power, sigma^-{depth - 2}"
        found.append(
            Panel(
                f"times{depth}",
                f"Time to leave the origin, {depth} layers",
                "lines",
                f"With {depth} layers the time grows as {law}.",
                Axis("standard deviation of the initial weights", log=True),
                Axis("escape time", log=depth > 2),
                (
                    Series(
                        "measured",
                        f"sigma_{depth}",
                        f"time_{depth}",
                        error=f"error_{depth}",
                        error_means=OVER_DRAWS,
                        family="t",
                    ),
                    Series(
                        "predicted before training", f"sigma_{depth}", f"predicted_{depth}", role="theory", family="t"
                    ),
                ),
            )
        )
    for depth in config.depths:
        if depth > 2:
            found.append(
                Panel(
                    f"norm{depth}",
                    f"Norm of the layers' top singular values to the power {2 - depth}, {depth} layers, smallest sigma",
                    "lines",
                    "Once the layers are aligned the norm follows the straight line of the optimal escape speed.",
                    Axis("time"),
                    Axis(f"norm to the power {2 - depth}"),
                    (
                        Series("measured", f"t_{depth}", f"power_{depth}", family="r"),
                        Series("slope -(L-2) s*", f"t_{depth}", f"line_{depth}", role="theory", family="r"),
                    ),
                )
            )
    return tuple(found)


def _aligned(flow: LinearFlow) -> np.ndarray:
    """Times, and the norm of the part of the layers that is on its way out: the root of sum s_1(W_l)^2; (2, points)."""
    kept = np.unique(np.searchsorted(flow.times, np.linspace(0.0, flow.times[-1], POINTS)))
    tops = [[np.linalg.norm(W, 2) for W in flow.layers(int(i))] for i in kept]
    return np.array([flow.times[kept], np.linalg.norm(tops, axis=1)])


def _predicted(config: EscapeConfig, depth: int, sigma: float) -> float:
    advice = initialisation_advice(
        config.width, depth, config.singular_values, shape=(config.size, config.size), sigma=sigma
    )
    return next(option.escape_time for option in advice.options if option.sigma == sigma)


CASE = Case(
    paper="saddles",
    name="saddles-escape",
    claim="From small weights of scale sigma a network of two layers leaves the origin after log(1/sigma)/s_1, one of "
    "L layers after a time proportional to sigma^-(L-2).",
    source="Jacot et al. (2021), arXiv:2106.15933, section 4: optimal escape paths; the measure of time is ours",
    full=EscapeConfig(),
    smoke=EscapeConfig(
        size=3, singular_values=(4.0, 2.0), width=4, sigmas=((1e-2, 1e-3), (0.1, 0.05), (0.2, 0.15)), draws=3
    ),
    run=run,
    checks=checks,
    panels=panels,
)
