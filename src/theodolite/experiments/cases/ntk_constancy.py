"""The tangent kernel of a network before and after training, over its width."""

from dataclasses import dataclass

import jax
import numpy as np

from theodolite.architectures import Relu, plain
from theodolite.experiments.bench import Arrays, Bench
from theodolite.experiments.case import Case, Measurement
from theodolite.experiments.check import Check
from theodolite.experiments.circle import on_circle
from theodolite.experiments.config import Config
from theodolite.experiments.intervals import exponent, jackknife_interval, mean_interval
from theodolite.experiments.key import Key
from theodolite.experiments.panels import Axis, Column, Panel, Series
from theodolite.experiments.random_networks import parameters_drawn
from theodolite.finite_width import network
from theodolite.finite_width.tangent_gram import tangent_gram
from theodolite.infinite_width import ntk
from theodolite.training_dynamics import train_ensemble


@dataclass(frozen=True)
class ConstancyConfig(Config):
    """ReLU networks trained on x1 x2 at fixed Gaussian inputs in the plane, by full-batch gradient descent."""

    depth: int = 4
    beta: float = 0.1
    learning_rate: float = 1.0
    steps: int = 200
    rows: int = 50
    widths: tuple[int, ...] = (100, 500, 2000)
    draws: int = 10
    draws_a_part: tuple[int, ...] = (10, 10, 2)
    angles: int = 101
    slope_low: float = -1.35
    slope_high: float = -0.7
    inflation_limit: float = 3.0
    shrinking_limit: float = 1.0


def run(config: ConstancyConfig, key: Key, bench: Bench) -> Measurement:
    """Kernels of (1, 0) with the circle, before and after training, for several widths and the same data."""
    angles = np.linspace(-np.pi, np.pi, config.angles)
    inputs = key.split("inputs").rng().standard_normal((config.rows, 2))
    jobs = {
        f"{config.steps} steps at width {width}, part {part + 1} of {config.draws // size}": (width, size)
        for width, size in zip(config.widths, config.draws_a_part, strict=True)
        for part in range(config.draws // size)
    }
    parts = bench.each(list(jobs), lambda name: _trained(config, *jobs[name], inputs, angles, key.split(name)))
    shown = slice(0, None, 4)
    arrays: Arrays = {"angles": angles, "shown_angles": angles[shown], "inputs": inputs}
    arrays["exact"] = ntk(plain(Relu(), config.depth, config.beta))(np.array([[1.0, 0.0]]), on_circle(angles))[0]
    found: dict[str, list[np.ndarray]] = {}
    for width in config.widths:
        own = [part for part, job in zip(parts, jobs.values(), strict=True) if job[0] == width]
        before, after = (np.concatenate([part[name] for part in own]) for name in ("before", "after"))
        for name, rows in (("before", before), ("after", after)):
            arrays[f"{name}{width}"] = rows
            arrays[f"{name}{width}_mean"] = rows.mean(0)[shown]
            arrays[f"{name}{width}_deviation"] = rows.std(0, ddof=1)[shown]
        growth, moved = inflation(before, after), relative_change(before, after)
        found.setdefault("inflation", []).append(np.array(mean_interval(growth)))
        found.setdefault("standard_error", []).append(growth.std(ddof=1) / np.sqrt(len(growth)))
        found.setdefault("change", []).append(np.array(mean_interval(moved)))
        found.setdefault("log_change", []).append(np.array(jackknife_interval(lambda x: np.log(x.mean()), moved)))
    widths = np.array(config.widths, dtype=float)
    arrays["widths"], arrays["standard_error"] = widths, np.array(found["standard_error"])
    for name in ("inflation", "change"):
        arrays[name], arrays[f"{name}_half"] = np.array(found[name]).T
    arrays["change_slope"] = np.array(exponent(widths, arrays["change"], arrays["change"] * _half(found["log_change"])))
    arrays["change_law"] = arrays["change"][-1] * widths[-1] / widths
    words = (
        f"x1 x2 at {config.rows} Gaussian inputs in the plane; ReLU networks of {config.depth} layers, beta "
        f"{config.beta:g}, {config.draws} of each width, {config.steps} steps of rate {config.learning_rate:g} "
        "(synthetic)"
    )
    return Measurement(arrays, {}, words)


def checks(config: ConstancyConfig, measured: Measurement) -> tuple[Check, ...]:
    """How fast the movement falls with width; the kernel grows, and less so in wider networks."""
    a = measured.arrays
    slope, half = (float(number) for number in a["change_slope"])
    growth, growth_half = a["inflation"], a["inflation_half"]
    ratios = growth[1:] / growth[:-1]
    halves = np.abs(ratios) * np.hypot(growth_half[1:] / growth[1:], growth_half[:-1] / growth[:-1])
    worst = int(np.argmax(ratios))
    words = "exponent in the width of the relative change of the kernel in training"
    theory = "order 1 / width, measured; the theorem says only that it vanishes"
    return (
        Check(f"{words}, from above", slope, config.slope_high, half, "at most", note=theory),
        Check(f"{words}, from below", slope, config.slope_low, half, "at least", note=theory),
        *(
            Check(
                f"growth of the mean kernel in training, width {width}",
                float(growth[i] / a["standard_error"][i]),
                config.inflation_limit,
                0.0,
                "at least",
                error_means="in standard errors already",
                unit="standard errors",
                note=f"{growth[i]:.3f} of its first size",
            )
            for i, width in enumerate(config.widths)
        ),
        Check(
            "that growth over the growth at the next narrower width, largest",
            float(ratios[worst]),
            config.shrinking_limit,
            float(halves[worst]),
            "at most",
            note=f"width {config.widths[worst + 1]}",
        ),
    )


def panels(config: ConstancyConfig, measured: Measurement) -> tuple[Panel, ...]:
    """The kernel over the angle before and after, at the extreme widths; its change over the width."""

    def curves(width: int, caption: str) -> Panel:
        return Panel(
            f"width{width}",
            f"Tangent kernel before and after training, width {width}",
            "lines",
            caption,
            Axis("angle between the inputs", "radian"),
            Axis("tangent kernel"),
            (
                *(
                    Series(
                        f"{words}, mean",
                        "shown_angles",
                        f"{name}{width}_mean",
                        error=f"{name}{width}_deviation",
                        error_means="standard deviation of one network",
                    )
                    for name, words in (("before", "before"), ("after", f"after {config.steps} steps"))
                ),
                Series("limit of infinite width", "angles", "exact", role="theory"),
            ),
        )

    interval = "95 % interval"
    return (
        curves(config.widths[0], "The kernel of a narrow network scatters, and grows in training."),
        curves(config.widths[-1], "The kernel of a wide network stays near its limit, before training and after."),
        Panel(
            "change",
            "Movement of the tangent kernel in training",
            "lines",
            "The wider the network, the less its kernel moves: by about one over the width.",
            Axis("width", log=True),
            Axis("|after - before| / |before|", log=True),
            (
                Series("measured", "widths", "change", error="change_half", error_means=interval, family="c"),
                Series("1 / width through the widest", "widths", "change_law", role="theory", family="c"),
            ),
        ),
        Panel(
            "numbers",
            "Movement of the tangent kernel",
            "table",
            "Training makes the kernel grow at every width, and less so the wider the network.",
            columns=(
                Column("width", "widths"),
                Column("growth of the mean kernel", "inflation", digits=3),
                Column("±", "inflation_half", digits=2),
                Column("relative change", "change", digits=3),
                Column("±", "change_half", digits=2),
            ),
        ),
    )


def inflation(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """Mean over angles of the kernel after training over that before, minus 1; for each network (draws, angles).

    >>> inflation(np.array([[1.0, 3.0]]), np.array([[2.0, 4.0]])).tolist()
    [0.5]
    """
    return after.mean(1) / before.mean(1) - 1


def relative_change(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """|after - before| / |before| in the root mean square over angles, for each network (draws, angles).

    >>> relative_change(np.array([[3.0, 4.0]]), np.array([[3.0, 5.0]])).tolist()
    [0.2]
    """
    return np.linalg.norm(after - before, axis=1) / np.linalg.norm(before, axis=1)


def _half(intervals: list[np.ndarray]) -> np.ndarray:
    return np.array(intervals)[:, 1]


def _trained(
    config: ConstancyConfig, width: int, draws: int, inputs: np.ndarray, angles: np.ndarray, key: Key
) -> Arrays:
    """Kernels of (1, 0) with the circle before and after training, (draws, angles) each."""
    f = network(plain(Relu(), config.depth, config.beta), width)
    params = parameters_drawn(f, (2,), draws, key.rng(), np.float32)
    origin, circle = np.array([[1.0, 0.0]]), on_circle(angles)

    def row(own: dict) -> jax.Array:
        return tangent_gram(lambda p: f.apply(p, origin)[:, 0], own, lambda p: f.apply(p, circle)[:, 0])[0]

    end = train_ensemble(
        f,
        params,
        inputs,
        inputs.prod(axis=1),
        steps=config.steps,
        optimiser=config.learning_rate,
        watch=row,
        every=config.steps,
    )
    return {"before": end.watched[0].astype(np.float64), "after": end.watched[1].astype(np.float64)}


CASE = Case(
    paper="ntk",
    name="ntk-constancy",
    claim="The tangent kernel of a network grows while it is trained, and moves the less the wider the network is.",
    source="Jacot, Gabriel and Hongler (2018), arXiv:1806.07572: theorem 2 and section 6.1; the inputs are ours",
    full=ConstancyConfig(),
    smoke=ConstancyConfig(steps=20, rows=10, widths=(16, 64), draws=4, draws_a_part=(4, 4), angles=21),
    run=run,
    checks=checks,
    panels=panels,
)
