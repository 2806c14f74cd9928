"""Order slows training down, chaos spoils generalisation: gradient descent with deep kernels on the circle."""

import math
from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq

from theodolite.architectures import Activation, Relu, balanced
from theodolite.experiments.bench import Arrays, Bench
from theodolite.experiments.case import Case, Measurement
from theodolite.experiments.check import Check
from theodolite.experiments.config import Config
from theodolite.experiments.intervals import Interval, mean_interval
from theodolite.experiments.key import Key
from theodolite.experiments.panels import Axis, Column, Panel, Series
from theodolite.infinite_width import ntk

REGIMES: dict[str, Activation] = {
    "order": Relu().standardised(),
    "edge": Relu().standardised(),
    "chaos": Relu().normalised(),
}
QUANTITIES = ("condition", "steps", "risk", "mean", "median")

EDGE = "mean normalised kernel of two points at the edge"


@dataclass(frozen=True)
class TrainingConfig(Config):
    """Points drawn uniformly on the circle of radius sqrt(2), target cos a + sin(2 a) / 2, no noise.

    The three regimes are standardised ReLU with bias and without, and normalised ReLU; only `deepest` is judged.
    """

    betas: tuple[float, ...] = (0.5, 0.0, 0.1)
    depths: tuple[int, ...] = (2, 5, 10, 20, 40)
    rows: int = 20
    test_rows: int = 400
    loss: float = 0.01
    draws: int = 40
    slower_limit: float = 100.0
    faster_limit: float = 3.0
    risk_limit: float = 0.9
    risk_ratio_limit: float = 3.0
    edge_low: float = 0.29
    edge_high: float = 0.32


def run(config: TrainingConfig, key: Key, bench: Bench) -> Measurement:
    """Condition, training time and test error of each regime and depth, for the same points."""
    cells = {f"{regime}, {depth} layers": (regime, depth) for depth in config.depths for regime in REGIMES}
    rng = key.split("points").rng()
    angles = np.sort(rng.uniform(-np.pi, np.pi, (config.draws, config.rows)), axis=1)
    parts = bench.each(list(cells), lambda name: _cell(config, *cells[name], angles))
    arrays: dict[str, np.ndarray] = {"depths": np.array(config.depths, dtype=float)}
    for regime in REGIMES:
        own = [part for part, cell in zip(parts, cells.values(), strict=True) if cell[0] == regime]
        for name in QUANTITIES:
            values = np.array([part[name] for part in own])  # (depths, draws)
            arrays[f"{regime}_{name}_draws"] = values
            average = mean_interval if name in ("mean", "median") else _typical
            arrays[f"{regime}_{name}"], arrays[f"{regime}_{name}_half"] = average(values, axis=1)
    arrays |= {f"{regime}_first": np.full(len(config.depths), values) for regime, values in _bounds(config).items()}
    arrays["cell"] = np.array(list(cells))
    for name in QUANTITIES:
        arrays[f"cell_{name}"] = np.array(
            [arrays[f"{regime}_{name}"][config.depths.index(depth)] for regime, depth in cells.values()]
        )
    words = (
        f"{config.rows} points uniform on the circle, {config.draws} draws, limiting kernels of up to "
        f"{config.depths[-1]} layers (synthetic)"
    )
    return Measurement(arrays, {}, words)


def checks(config: TrainingConfig, measured: Measurement) -> tuple[Check, ...]:
    """Ratios between regimes at the largest depth, as geometric means over draws; the kernel at the edge."""
    a, depth = measured.arrays, config.depths[-1]

    def ratio(above: str, below: str, name: str) -> tuple[float, float]:
        mean, half = _typical(a[f"{above}_{name}_draws"][-1] / a[f"{below}_{name}_draws"][-1])
        return float(mean), float(half)

    times, risks = "training time", "test error"
    edge, median = _one(mean_interval(a["edge_mean_draws"][-1])), a["edge_median_draws"][-1].mean()
    rows = (
        (f"{times}, order over edge", *ratio("order", "edge", "steps"), config.slower_limit, "at least", ""),
        (f"{times}, edge over chaos", *ratio("edge", "chaos", "steps"), config.faster_limit, "at least", ""),
        (
            f"relative {risks} in chaos",
            *_one(mean_interval(a["chaos_risk_draws"][-1])),
            config.risk_limit,
            "at least",
            "1 is the error of zero",
        ),
        (f"{risks}, chaos over edge", *ratio("chaos", "edge", "risk"), config.risk_ratio_limit, "at least", ""),
        (f"{risks}, edge over order", *ratio("edge", "order", "risk"), config.risk_ratio_limit, "at least", ""),
        (f"{EDGE}, from above", *edge, config.edge_high, "at most", f"median {median:.3f}"),
        (f"{EDGE}, from below", *edge, config.edge_low, "at least", f"median {median:.3f}"),
    )
    return tuple(
        Check(f"{words}, {depth} layers", value, limit, half, direction, note=note)  # type: ignore[arg-type]
        for words, value, half, limit, direction, note in rows
    )


def panels(config: TrainingConfig, measured: Measurement) -> tuple[Panel, ...]:
    """Training time, test error and condition over depth, and the table of all cells."""
    layers, interval = Axis("layers", log=True), "95 % interval of the geometric mean"

    def over_depth(name: str) -> tuple[Series, ...]:
        return tuple(
            Series(
                f"{regime}, beta {beta:g}",
                "depths",
                f"{regime}_{name}",
                error=f"{regime}_{name}_half",
                error_means=interval,
                family=regime,
            )
            for regime, beta in zip(REGIMES, config.betas, strict=True)
        )

    return (
        Panel(
            "steps",
            "Training time",
            "lines",
            "Order slows training down with depth, chaos speeds it up, to the time of equal eigenvalues. A step has "
            "the size of 1 / largest eigenvalue; the time is that of gradient flow.",
            layers,
            Axis(f"steps to a loss of {config.loss:.0%}", log=True),
            (*over_depth("steps"), Series("all eigenvalues equal", "depths", "chaos_first", role="theory")),
        ),
        Panel(
            "risk",
            "Test error",
            "lines",
            "Deep in chaos the trained kernel says nothing between the training points: the test error is that of "
            "zero.",
            layers,
            Axis("test error / mean square of the target", log=True),
            (*over_depth("risk"), Series("error of zero", "depths", "order_first", role="theory")),
        ),
        Panel(
            "condition",
            "Condition number of the kernel on the training points",
            "lines",
            "In order the condition number grows with depth, in chaos it falls to one.",
            layers,
            Axis("largest / smallest eigenvalue", log=True),
            over_depth("condition"),
        ),
        Panel(
            "cells",
            "All regimes and depths",
            "table",
            "Means over draws of the training points, geometric ones but for the last two columns.",
            columns=(
                Column("regime", "cell"),
                Column("condition", "cell_condition", digits=3),
                Column("training time", "cell_steps", digits=3),
                Column("relative test error", "cell_risk", digits=3),
                Column("mean normalised kernel", "cell_mean", digits=3),
                Column("median normalised kernel", "cell_median", digits=3),
            ),
        ),
    )


def on_circle(angles: np.ndarray) -> np.ndarray:
    """Points of squared norm 2 in the plane, (n, 2)."""
    return math.sqrt(2.0) * np.stack([np.cos(angles), np.sin(angles)], axis=1)


def target(angles: np.ndarray) -> np.ndarray:
    """cos a + sin(2 a) / 2."""
    return np.cos(angles) + 0.5 * np.sin(2 * angles)


def training_time(eigenvalues: np.ndarray, weights: np.ndarray, loss: float) -> float:
    """The time t at which sum_i w_i exp(-2 t l_i / l_max) has fallen to `loss` times sum_i w_i.

    Kernel gradient descent of rate 1 / l_max on the mean square, w_i the squared coefficients of the targets.

    >>> round(training_time(np.array([3.0, 3.0]), np.array([1.0, 2.0]), 0.01), 6)  # log(100) / 2
    2.302585
    """
    rates, shares = 2 * eigenvalues / eigenvalues.max(), weights / weights.sum()
    longest = -math.log(loss) / max(rates.min(), 1e-300)
    return math.exp(
        brentq(lambda log: math.log(shares @ np.exp(-math.exp(log) * rates) / loss), -20.0, math.log(longest) + 1.0)  # type: ignore[arg-type]
    )


def measure(gram: np.ndarray, cross: np.ndarray, targets: np.ndarray, truth: np.ndarray, loss: float) -> list[float]:
    """Condition number, training time, relative test error at the end, mean and median normalised kernel of two points.

    Args: gram (n, n); cross (m, n), test points by training points; targets (n,); truth (m,); loss to reach.
    """
    values, vectors = np.linalg.eigh(gram)
    coefficients = vectors.T @ targets
    errors = cross @ (vectors @ (coefficients / values)) - truth
    pairs = gram[np.triu_indices(len(gram), 1)] / np.mean(np.diag(gram))
    return [
        float(values[-1] / values[0]),
        training_time(values, coefficients**2, loss),
        float(np.mean(errors**2) / np.mean(truth**2)),
        float(pairs.mean()),
        float(np.median(pairs)),
    ]


def _cell(config: TrainingConfig, regime: str, depth: int, angles: np.ndarray) -> Arrays:
    beta = config.betas[list(REGIMES).index(regime)]
    kernel = ntk(balanced(REGIMES[regime], depth, beta))
    test = np.linspace(-np.pi, np.pi, config.test_rows, endpoint=False)
    points, truth = on_circle(test), target(test)
    found = [
        measure(kernel(on_circle(own)), kernel(points, on_circle(own)), target(own), truth, config.loss)
        for own in angles
    ]
    return dict(zip(QUANTITIES, np.array(found).T, strict=True))


def _typical(values: np.ndarray, axis: int = 0) -> Interval:
    """Geometric mean over draws and the half-width of its 95 % interval."""
    mean, half = mean_interval(np.log(values), axis)
    return Interval(np.exp(mean), np.exp(mean) * np.sinh(half))


def _one(interval: Interval) -> tuple[float, float]:
    return float(interval.mean), float(interval.half)


def _bounds(config: TrainingConfig) -> dict[str, float]:
    """What the theory lines show: the training time of equal eigenvalues, the error of the zero function."""
    return {"chaos": -math.log(config.loss) / 2, "order": 1.0}


CASE = Case(
    paper="order-chaos",
    name="order-chaos-training",
    claim="Deep in order training is slow, deep in chaos it is fast and generalises no better than zero, and the edge "
    "lies between.",
    source="Jacot, Gabriel, Ged and Hongler (2019), arXiv:1907.05715: abstract; the experiment is ours",
    full=TrainingConfig(),
    smoke=TrainingConfig(depths=(2, 5), rows=10, test_rows=40, draws=3),
    run=run,
    checks=checks,
    panels=panels,
)
