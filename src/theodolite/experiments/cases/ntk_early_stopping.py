"""Early stopping of kernel gradient descent on noisy labels, and the ridge that does the same."""

from dataclasses import dataclass

import numpy as np

from theodolite.architectures import Relu, plain
from theodolite.experiments.bench import Arrays, Bench
from theodolite.experiments.case import Case, Measurement
from theodolite.experiments.check import Check
from theodolite.experiments.circle import on_circle
from theodolite.experiments.config import Config
from theodolite.experiments.intervals import Interval, mean_interval
from theodolite.experiments.key import Key
from theodolite.experiments.panels import Axis, Column, Panel, Series
from theodolite.infinite_width import ntk
from theodolite.kernel_regression import RidgePath
from theodolite.training_dynamics import early_stopping, kernel_components, kernel_flow

QUANTITIES = ("lowest", "late", "early", "stopped", "ridge_lowest", "ridge_there")


@dataclass(frozen=True)
class EarlyStoppingConfig(Config):
    """Random angles on the circle; the target is the second principal component, the labels have noise of its size.

    `early` is the time of the error called early; times run over `first` to `last` in `times` steps.
    """

    depth: int = 4
    beta: float = 0.1
    rows: int = 100
    test_rows: int = 300
    noise: float = 1.0
    draws: int = 10
    early: float = 1.0
    first: float = 1.0
    last: float = 1e7
    times: int = 141
    share_limit: float = 0.2
    time_low: float = 1.0
    time_high: float = 6.0


def run(config: EarlyStoppingConfig, key: Key, bench: Bench) -> Measurement:
    """Errors over time and over ridge for several draws of angles and noise."""
    names = [f"draw {i + 1} of {config.draws}" for i in range(config.draws)]
    parts = bench.each(names, lambda name: _draw(config, key.split(name)))
    times = np.geomspace(config.first, config.last, config.times)
    shown = slice(0, None, 4)
    arrays: Arrays = {"times": times, "shown_times": times[shown]}
    for name in QUANTITIES:
        arrays[f"draw_{name}"] = np.array([float(part[name]) for part in parts])
    for name in ("errors", "ridge_errors"):
        curves = np.array([part[name] for part in parts])
        mean, half = _typical(curves)
        arrays[name], arrays[f"{name}_low"], arrays[f"{name}_high"] = mean, mean / half, mean * half
        for ending in ("", "_low", "_high"):
            arrays[f"shown_{name}{ending}"] = arrays[f"{name}{ending}"][shown]
    scaled = np.geomspace(0.01, 100.0, 81)
    arrays["scaled"], arrays["by_time"], arrays["by_ridge"] = scaled, -np.expm1(-scaled), scaled / (scaled + 1)
    arrays["draw"] = np.arange(1.0, 1 + config.draws)
    words = (
        f"{config.rows} random angles on the circle, second component of the limiting kernel (ReLU, {config.depth} "
        f"layers, beta {config.beta:g}) with noise of {config.noise:g} of its size, {config.draws} draws (synthetic)"
    )
    return Measurement(arrays, {}, words)


def checks(config: EarlyStoppingConfig, measured: Measurement) -> tuple[Check, ...]:
    """Averages over draws with their intervals, and the draws that miss a limit; the same for the ridge 1 / t."""
    a = measured.arrays
    ratios = {
        f"{words} over that {other}": a[f"draw_{name}"] / a[f"draw_{against}"]
        for name, words in (("lowest", "lowest test error"), ("ridge_there", "test error of the ridge 1 / best time"))
        for against, other in (("late", "at the end"), ("early", f"at time {config.early:g}"))
    }
    found = []
    for words, values in ratios.items():
        mean, factor = _typical(values)
        half = float(mean * (factor - 1))
        found.append(Check(words, float(mean), config.share_limit, half, "at most", note="geometric mean over draws"))
    mean, factor = _typical(a["draw_stopped"])
    best, note = "best time x second eigenvalue", "geometric mean over draws"
    above, below = float(mean * (factor - 1)), float(mean * (1 - 1 / factor))
    found.append(Check(f"{best}, from above", float(mean), config.time_high, above, "at most", note=note))
    found.append(Check(f"{best}, from below", float(mean), config.time_low, below, "at least", note=note))
    inside = (a["draw_stopped"] >= config.time_low) & (a["draw_stopped"] <= config.time_high)
    stopped = np.array([a["draw_lowest"] / a["draw_late"], a["draw_lowest"] / a["draw_early"]]) <= config.share_limit
    kept = inside & stopped.all(axis=0)
    found.append(
        Check(
            f"draws of {config.draws} in which early stopping misses one of these limits",
            float(np.sum(~kept)),
            0.0,
            0.0,
            "at most",
            error_means="a count",
        )
    )
    return tuple(found)


def panels(config: EarlyStoppingConfig, measured: Measurement) -> tuple[Panel, ...]:
    """The error over time with that of the ridge 1 / t, the two filters, the table of draws."""
    interval = ", 95 % interval of the geometric mean"
    time = Axis("training time; 1 / ridge", log=True)
    return (
        Panel(
            "errors",
            "Test error in training on noisy labels",
            "bands",
            "The test error falls until the component that carries the target is learned and rises when the noise is; "
            "a ridge of one over the time does so more gradually, and less deeply.",
            time,
            Axis("mean squared error on clean test points", log=True),
            (
                Series(
                    f"gradient flow{interval}",
                    "shown_times",
                    "shown_errors",
                    low="shown_errors_low",
                    high="shown_errors_high",
                    family="flow",
                ),
                Series("ridge 1 / time", "times", "ridge_errors", role="theory", family="ridge"),
            ),
        ),
        Panel(
            "filters",
            "Share of a component that is learned",
            "lines",
            "Stopping at a time and a ridge of one over it keep the same components: both filters go from 0 to 1 where "
            "time x eigenvalue is about 1.",
            Axis("time x eigenvalue", log=True),
            Axis("share learned"),
            (
                Series("gradient flow, 1 - exp(-x)", "scaled", "by_time", role="theory", family="flow"),
                Series("ridge, x / (x + 1)", "scaled", "by_ridge", role="theory", family="ridge"),
            ),
        ),
        Panel(
            "draws",
            "Every draw",
            "table",
            "In each draw the lowest test error is far below the errors early and late.",
            columns=(
                Column("draw", "draw"),
                Column("lowest error", "draw_lowest", digits=2),
                Column("early error", "draw_early", digits=2),
                Column("late error", "draw_late", digits=2),
                Column("best time x second eigenvalue", "draw_stopped", digits=3),
                Column("error of the ridge 1 / best time", "draw_ridge_there", digits=2),
                Column("lowest error of all ridges", "draw_ridge_lowest", digits=2),
            ),
        ),
    )


def _draw(config: EarlyStoppingConfig, key: Key) -> Arrays:
    """Errors over time and over ridge of one draw, and the numbers in `QUANTITIES`; "stopped" is time x eigenvalue."""
    rng = key.rng()
    points, test = (on_circle(rng.uniform(-np.pi, np.pi, rows)) for rows in (config.rows, config.test_rows))
    kernel = ntk(plain(Relu(), config.depth, config.beta))
    components = kernel_components(kernel, points, 2)
    labels = components.values[:, 1] + config.noise * rng.standard_normal(config.rows)
    truth = components.at(test)[:, 1]
    flow = kernel_flow(kernel, points, labels)
    times = np.geomspace(config.first, config.last, config.times)
    stop = early_stopping(flow, test, truth, times)
    early, late = (float(np.mean((flow.predict(test, time) - truth) ** 2)) for time in (config.early, np.inf))
    path, cross = RidgePath(kernel(points), labels), kernel(test, points)

    def by_ridge(ridges: np.ndarray) -> np.ndarray:
        dual = path.resolvents(ridges).dual[:, :, 0]
        return np.mean((cross @ (dual.T / path.rows) - truth[:, None]) ** 2, axis=0)

    ridge_errors = by_ridge(1 / times)
    return {
        "errors": stop.errors,
        "ridge_errors": ridge_errors,
        "lowest": np.array(stop.error),
        "late": np.array(late),
        "early": np.array(early),
        "stopped": np.array(stop.elapsed * components.eigenvalues[1]),
        "ridge_lowest": np.array(ridge_errors.min()),
        "ridge_there": by_ridge(np.array([stop.ridge]))[0],
    }


def _typical(values: np.ndarray) -> Interval:
    """Geometric mean over draws, and the factor up and down to the ends of its 95 % interval."""
    mean, half = mean_interval(np.log(values))
    return Interval(np.exp(mean), np.exp(half))


CASE = Case(
    paper="ntk",
    name="ntk-early-stopping",
    claim="On noisy labels of one kernel principal component the test error is lowest when that component has been "
    "learned and the noise has not; a ridge of one over that time keeps most of the gain.",
    source="Jacot, Gabriel and Hongler (2018), arXiv:1806.07572: section 5; the experiment is ours",
    full=EarlyStoppingConfig(),
    smoke=EarlyStoppingConfig(rows=30, test_rows=40, draws=3, times=29),
    run=run,
    checks=checks,
    panels=panels,
)
