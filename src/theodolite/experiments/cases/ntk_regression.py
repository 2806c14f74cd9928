"""Networks of finite width, trained to the end, against the law of an infinitely wide one."""

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri

from theodolite.architectures import Relu, plain
from theodolite.experiments.bench import Arrays, Bench
from theodolite.experiments.case import Case, Measurement
from theodolite.experiments.check import Check
from theodolite.experiments.circle import on_circle
from theodolite.experiments.config import Config
from theodolite.experiments.intervals import Interval, jackknife_interval, mean_interval
from theodolite.experiments.key import Key
from theodolite.experiments.panels import Axis, Column, Panel, Series
from theodolite.experiments.random_networks import parameters_drawn
from theodolite.finite_width import network
from theodolite.infinite_width import nngp, ntk
from theodolite.training_dynamics import InitialisationLaw, initialisation_law, kernel_flow, train_ensemble

# Mean and standard deviation of the law at every tenth of 60 angles, from an implementation that shares no code
REFERENCE = (
    (0.139946, 0.263038, -0.420771, 0.112496, 0.190110, -0.411043),
    (0.106626, 0.084907, 0.048321, 0.085602, 0.088352, 0.020330),
)


@dataclass(frozen=True)
class RegressionConfig(Config):
    """ReLU networks trained on x1 x2 at a few points of the circle, by full-batch gradient descent.

    `widths`, `draws` and `draws_a_part` go together, narrow first; the narrow ones have limits of their own.
    """

    depth: int = 4
    beta: float = 0.1
    learning_rate: float = 1.0
    steps: int = 1000
    train_angles: tuple[float, ...] = (-2.5, -0.8, 0.6, 2.1)
    angles: int = 60
    widths: tuple[int, int] = (50, 1000)
    draws: tuple[int, int] = (200, 120)
    draws_a_part: tuple[int, int] = (200, 4)
    mean_limits: tuple[float, float] = (0.035, 0.025)
    ratio_low: tuple[float, float] = (1.0, 0.85)
    ratio_high: tuple[float, float] = (1.35, 1.15)
    coverage_low: float = 0.72
    coverage_high: float = 0.88
    law_limit: float = 1e-6


def run(config: RegressionConfig, key: Key, bench: Bench) -> Measurement:
    """Train networks of two widths; the law after as many steps beside."""
    angles, points = np.linspace(-np.pi, np.pi, config.angles), on_circle(np.array(config.train_angles))
    jobs = {
        f"{config.steps} steps at width {width}, part {part + 1} of {draws // size}": (width, size)
        for width, draws, size in zip(config.widths, config.draws, config.draws_a_part, strict=True)
        for part in range(draws // size)
    }
    parts = bench.each(
        list(jobs), lambda name: _trained(config, *jobs[name], on_circle(angles), points, key.split(name))
    )
    law = _law(config, points)
    mean, deviation = law.mean(on_circle(angles), config.steps), law.standard_deviation(on_circle(angles), config.steps)
    arrays: Arrays = {"angles": angles, "mean": mean, "deviation": deviation}
    shown = slice(0, None, 3)
    arrays["shown_angles"] = angles[shown]
    arrays["low"], arrays["high"] = mean + ndtri(0.1) * deviation, mean + ndtri(0.9) * deviation
    table: dict[str, list[float]] = {}
    for width in config.widths:
        own = [part for part, job in zip(parts, jobs.values(), strict=True) if job[0] == width]
        outputs = np.concatenate([part["outputs"] for part in own])
        arrays[f"outputs{width}"] = outputs
        for name, level in (("low", 0.1), ("median", 0.5), ("high", 0.9)):
            arrays[f"{name}{width}"] = np.quantile(outputs[:, shown], level, axis=0)
        found = compared(outputs, mean, deviation)
        for name, interval in found.items():
            arrays[f"{name}{width}"] = np.array([interval.mean, interval.half])
            table.setdefault(name, []).append(float(interval.mean))
            table.setdefault(f"{name}_half", []).append(float(interval.half))
        residuals = np.concatenate([part["residuals"] for part in own])
        table.setdefault("residual", []).append(float(np.sqrt(np.mean(residuals**2))))
    arrays |= {f"table_{name}": np.array(values) for name, values in table.items()}
    arrays["widths"], arrays["drawn"] = np.array(config.widths, dtype=float), np.array(config.draws, dtype=float)
    words = (
        f"x1 x2 at {len(points)} points of the circle; ReLU networks of {config.depth} layers, beta {config.beta:g}, "
        + ", ".join(f"{draws} of width {width}" for width, draws in zip(config.widths, config.draws, strict=True))
        + f", {config.steps} steps of rate {config.learning_rate:g} (synthetic)"
    )
    return Measurement(arrays, {}, words)


def checks(config: RegressionConfig, measured: Measurement) -> tuple[Check, ...]:
    """Mean and spread at both widths, coverage at the large one, the law against stored digits."""
    found: list[Check] = []

    def add(name: str, words: str, width: int, limit: float, direction: str, note: str = "") -> None:
        value, half = (float(number) for number in measured.arrays[f"{name}{width}"])
        found.append(Check(f"{words}, width {width}", value, limit, half, direction, note=note))  # type: ignore[arg-type]

    noise = "the mean of so few networks is itself off by a part of this"
    ratio = "standard deviation of networks over that of the law"
    for width, limit, low, high in zip(
        config.widths, config.mean_limits, config.ratio_low, config.ratio_high, strict=True
    ):
        add("gap", "root mean square of mean of networks - mean of the law", width, limit, "at most", noise)
        add("ratio", f"{ratio}, from below", width, low, "at least")
        add("ratio", f"{ratio}, from above", width, high, "at most")
    share = "share of outputs between the 10th and 90th percentile of the law"
    add("coverage", f"{share}, from below", config.widths[-1], config.coverage_low, "at least", "theory 0.8")
    add("coverage", f"{share}, from above", config.widths[-1], config.coverage_high, "at most", "theory 0.8")
    return (*found, _digits(config))


def panels(config: RegressionConfig, measured: Measurement) -> tuple[Panel, ...]:
    """The band of networks under the law for both widths; the numbers."""
    angle, output = Axis("angle", "radian"), Axis("output")

    def bands(width: int, words: str) -> Panel:
        return Panel(
            f"width{width}",
            f"Trained networks of width {width} and the law of infinite width",
            "bands",
            words,
            angle,
            output,
            (
                *(
                    Series(f"width {width}, {words}", "shown_angles", f"{name}{width}", family=name)
                    for name, words in (("median", "median"), ("low", "10 %"), ("high", "90 %"))
                ),
                Series("law: mean, 10 % to 90 %", "angles", "mean", low="low", high="high", role="theory"),
            ),
        )

    narrow, wide = config.widths
    return (
        bands(wide, "Wide networks, trained to the end from random starts, follow kernel regression with its spread."),
        bands(narrow, "Narrow networks follow kernel regression roughly, with too large a spread."),
        Panel(
            "numbers",
            "Networks against the law",
            "table",
            "The wider the networks, the closer mean, spread and coverage are to the law.",
            columns=(
                Column("width", "widths"),
                Column("networks", "drawn"),
                Column("error on the training points", "table_residual", digits=2),
                Column("root mean square gap of the mean", "table_gap", digits=3),
                Column("±", "table_gap_half", digits=2),
                Column("standard deviation over law", "table_ratio", digits=3),
                Column("±", "table_ratio_half", digits=2),
                Column("coverage of 10 % to 90 %", "table_coverage", digits=3),
                Column("±", "table_coverage_half", digits=2),
            ),
        ),
    )


def compared(outputs: np.ndarray, mean: np.ndarray, deviation: np.ndarray) -> dict[str, Interval]:
    """Outputs of networks (draws, angles) against mean and deviation (angles,) of a Gaussian law.

    "gap": root mean square over angles of the difference of the means; "ratio": of the standard deviations, each
    averaged over angles; "coverage": share of the outputs between the 10th and 90th percentile.
    """
    inside = np.abs(outputs - mean) < ndtri(0.9) * deviation
    return {
        "gap": jackknife_interval(lambda f: np.sqrt(np.mean((f.mean(0) - mean) ** 2)), outputs),
        "ratio": jackknife_interval(lambda f: f.std(0, ddof=1).mean() / deviation.mean(), outputs),
        "coverage": mean_interval(inside.mean(1)),
    }


def _law(config: RegressionConfig, points: np.ndarray) -> InitialisationLaw:
    net = plain(Relu(), config.depth, config.beta)
    flow = kernel_flow(ntk(net), points, points.prod(axis=1)).in_steps(config.learning_rate)
    return initialisation_law(flow, nngp(net))


def _trained(
    config: RegressionConfig, width: int, draws: int, test: np.ndarray, points: np.ndarray, key: Key
) -> Arrays:
    """Outputs on the test points (draws, m) and what is missing on the training points (draws, n)."""
    f = network(plain(Relu(), config.depth, config.beta), width)
    params = parameters_drawn(f, (2,), draws, key.rng(), np.float32)
    end = train_ensemble(
        f,
        params,
        points,
        points.prod(axis=1),
        steps=config.steps,
        optimiser=config.learning_rate,
        watch=lambda own: f.apply(own, test)[:, 0],
        every=config.steps,
    )
    return {
        "outputs": end.watched[-1].astype(np.float64),
        "residuals": end.outputs[:, :, 0].astype(np.float64) - points.prod(axis=1),
    }


def _digits(config: RegressionConfig) -> Check:
    """The law of the full setting at the stored angles, whatever the config."""
    full = RegressionConfig()
    law = _law(full, on_circle(np.array(full.train_angles)))
    test = on_circle(np.linspace(-np.pi, np.pi, 60)[::10])
    ours = np.array([law.mean(test, full.steps), law.standard_deviation(test, full.steps)])
    return Check(
        "|law - values of another implementation|, worst of six angles",
        float(np.abs(ours - np.array(REFERENCE)).max()),
        config.law_limit,
        0.0,
        "at most",
        error_means="no randomness",
    )


CASE = Case(
    paper="ntk",
    name="ntk-regression",
    claim="Wide networks trained to the end on the squared cost follow the law of kernel regression with the tangent "
    "kernel: its mean, its spread over initialisations and its percentiles.",
    source="Jacot, Gabriel and Hongler (2018), arXiv:1806.07572: sections 5 and 6.2; points and targets are ours",
    full=RegressionConfig(),
    smoke=RegressionConfig(steps=20, angles=21, widths=(8, 32), draws=(6, 6), draws_a_part=(6, 6)),
    run=run,
    checks=checks,
    panels=panels,
)
