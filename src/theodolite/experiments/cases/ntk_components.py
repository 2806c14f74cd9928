"""Convergence of trained networks along one kernel principal component of images of digits."""

from dataclasses import dataclass

import jax
import numpy as np

from theodolite.architectures import Relu, Serial, plain
from theodolite.experiments.bench import Arrays, Bench
from theodolite.experiments.case import Case, Measurement
from theodolite.experiments.check import Check
from theodolite.experiments.config import Config
from theodolite.experiments.intervals import fitted_exponent, mean_interval
from theodolite.experiments.key import Key
from theodolite.experiments.panels import Axis, Column, Panel, Series
from theodolite.experiments.random_networks import parameters_drawn
from theodolite.experiments.real_data import load
from theodolite.finite_width import network
from theodolite.infinite_width import ntk
from theodolite.training_dynamics import KernelComponents, KernelFlow, kernel_components, kernel_flow, train_ensemble


@dataclass(frozen=True)
class ComponentsConfig(Config):
    """ReLU networks, each trained on its own first outputs plus `size` times the second component.

    `subset` seeds the permutation of the digits of which the first `rows` are taken; `judged_width` is the one whose
    deviation has a limit; `other_beta` that of the second kernel. `widths`, `draws` and `draws_a_part` go together.
    """

    depth: int = 4
    beta: float = 0.1
    other_beta: float = 1.0
    rows: int = 256
    subset: int = 0
    size: float = 0.5
    learning_rate: float = 5.0
    steps: int = 200
    every: int = 4
    widths: tuple[int, ...] = (100, 1000, 2500)
    draws: tuple[int, ...] = (12, 10, 2)
    draws_a_part: tuple[int, ...] = (12, 1, 1)
    judged_width: int = 1000
    slope_low: float = -0.65
    slope_high: float = -0.3
    deviation_limit: float = 0.04
    constant_limit: float = 0.98
    gap_low: float = 8.0
    gap_high: float = 16.0


def run(config: ComponentsConfig, key: Key, bench: Bench) -> Measurement:
    """Principal components of the limiting kernel; networks of several widths trained towards the second."""
    inputs = digits(config.rows, config.subset)
    components = _components(config, inputs, config.beta)
    other = _components(config, inputs, config.other_beta)
    goal = config.size * components.values[:, 1]
    jobs = {
        f"{config.steps} steps at width {width}, part {part + 1} of {draws // size}": (width, size)
        for width, draws, size in zip(config.widths, config.draws, config.draws_a_part, strict=True)
        for part in range(draws // size)
    }
    parts = bench.each(list(jobs), lambda name: _trained(config, *jobs[name], inputs, goal, key.split(name)))
    steps = parts[0]["steps"].astype(float)
    theory = config.size * _flow(config, inputs, goal).pace.remaining(components.eigenvalues[1:2], steps)[:, 0]
    time, shown = config.learning_rate * steps, slice(0, None, 3)
    arrays: Arrays = {"steps": steps, "time": time, "shown_time": time[shown], "theory": theory}
    arrays["eigenvalues"], arrays["other_eigenvalues"] = components.eigenvalues, other.eigenvalues
    arrays["rank"] = np.arange(1.0, 1 + len(components.eigenvalues))
    arrays["scatter_one"], arrays["scatter_two"] = components.values[:, 1], components.values[:, 2]
    arrays["constant"] = np.abs(components.coefficients(np.ones(config.rows)))[:1]
    draws: dict[str, list[np.ndarray]] = {}
    for width in config.widths:
        own = [part["moved"] for part, job in zip(parts, jobs.values(), strict=True) if job[0] == width]
        along, across = split(np.concatenate(own), goal, components.values[:, 1])
        arrays[f"along{width}"], arrays[f"across{width}"] = along, across
        for name, curves in (("along", along[:, shown]), ("across", across[:, shown])):
            arrays[f"{name}{width}_mean"] = curves.mean(0)
            arrays[f"{name}{width}_low"], arrays[f"{name}{width}_high"] = curves.min(0), curves.max(0)
        draws.setdefault("widths", []).append(np.full(len(along), float(width)))
        draws.setdefault("largest", []).append(across.max(1))
        draws.setdefault("deviation", []).append(np.abs(along - theory).max(1))
        draws.setdefault("faster", []).append((along - theory).mean(1) < 0)
    for name, values in draws.items():
        arrays[f"draw_{name}"] = np.concatenate(values).astype(float)
        arrays[f"mean_{name}"] = np.array([value.mean() for value in values])
    arrays["largest_deviation"] = np.array([values.std(ddof=1) for values in draws["largest"]])
    arrays["drawn"] = np.array(config.draws, dtype=float)
    for name in ("largest", "deviation"):
        arrays[f"{name}_slope"] = np.array(fitted_exponent(arrays["draw_widths"], arrays[f"draw_{name}"]))
    judged = arrays["draw_deviation"][arrays["draw_widths"] == config.judged_width]
    arrays["judged"] = np.array(mean_interval(judged))
    root = np.sqrt(arrays["mean_widths"][-1] / arrays["mean_widths"])
    arrays["largest_law"] = arrays["mean_largest"][-1] * root
    words = (
        f"{config.rows} embedded digits (8 x 8 pixels, from scikit-learn); ReLU networks of {config.depth} layers, "
        f"beta {config.beta:g}, "
        + ", ".join(f"{draws} of width {width}" for width, draws in zip(config.widths, config.draws, strict=True))
        + f", {config.steps} steps of rate {config.learning_rate:g}"
    )
    return Measurement(arrays, {}, words)


def checks(config: ComponentsConfig, measured: Measurement) -> tuple[Check, ...]:
    """Straightness and pace of training over the width; the first component and the gap after it."""
    a = measured.arrays
    slope, half = (float(number) for number in a["largest_slope"])
    falling, falling_half = (float(number) for number in a["deviation_slope"])
    judged, judged_half = (float(number) for number in a["judged"])
    gap = float(a["other_eigenvalues"][0] / a["other_eigenvalues"][1] / (a["eigenvalues"][0] / a["eigenvalues"][1]))
    straight = "exponent in the width of the largest error across the component"
    pooled = "networks of all widths in one fit"
    deviation = "largest gap of the error along the component to (1 - rate x eigenvalue)^steps"
    larger = f"gap between the first two eigenvalues, beta {config.other_beta:g} over beta {config.beta:g}"
    exact = "no randomness"
    return (
        Check(f"{straight}, from above", slope, config.slope_high, half, "at most", note=pooled),
        Check(f"{straight}, from below", slope, config.slope_low, half, "at least", note=pooled),
        Check(
            f"{deviation}, width {config.judged_width}", judged, config.deviation_limit, judged_half, "at most",
            note=f"the error starts at {config.size:g}",
        ),
        Check("exponent in the width of that gap", falling, 0.0, falling_half, "at most", note=pooled),
        Check(
            "|product of the first component with the constant 1|", float(a["constant"][0]), config.constant_limit,
            0.0, "at least", error_means=exact, note="1 for a constant component",
        ),
        Check(f"{larger}, from below", gap, config.gap_low, 0.0, "at least", error_means=exact),
        Check(f"{larger}, from above", gap, config.gap_high, 0.0, "at most", error_means=exact),
    )  # fmt: skip


def panels(config: ComponentsConfig, measured: Measurement) -> tuple[Panel, ...]:
    """The data on two components, the error along and across the second, the spectra, the numbers."""
    time = Axis("learning rate x steps")

    def curves(name: str) -> tuple[Series, ...]:
        return tuple(
            Series(
                f"width {width}",
                "shown_time",
                f"{name}{width}_mean",
                low=f"{name}{width}_low",
                high=f"{name}{width}_high",
            )
            for width in config.widths
        )

    return (
        Panel(
            "along",
            "Error along the second component",
            "bands",
            "The error along the component falls at the pace of its eigenvalue; in narrow networks, whose kernel "
            "grows, somewhat faster. Points are means over networks, bands hold all of them.",
            time,
            Axis("root mean square error along the component"),
            (*curves("along"), Series("kernel gradient descent", "time", "theory", role="theory")),
        ),
        Panel(
            "across",
            "Error across the second component",
            "bands",
            "Training leads straight along the component, the more so the wider the network; at infinite width nothing "
            "appears across it. Points are means over networks, bands hold all of them.",
            time,
            Axis("root mean square error across the component"),
            curves("across"),
        ),
        Panel(
            "largest",
            "Largest error across the component",
            "lines",
            "The error across the component falls with the width, somewhat more slowly than its root at these widths.",
            Axis("width", log=True),
            Axis("largest root mean square error across", log=True),
            (
                Series(
                    "measured, mean",
                    "mean_widths",
                    "mean_largest",
                    error="largest_deviation",
                    error_means="standard deviation of one network",
                    family="h",
                ),
                Series("width^(-1/2) through the widest", "mean_widths", "largest_law", role="theory", family="h"),
            ),
        ),
        Panel(
            "scatter",
            "Digits on the second and third component",
            "scatter",
            "The digits on the second and third component of the limiting kernel; the first is nearly constant.",
            Axis("second component"),
            Axis("third component"),
            (Series("digits", "scatter_one", "scatter_two"),),
        ),
        Panel(
            "spectra",
            "Leading eigenvalues of the limiting kernel",
            "lines",
            "The first eigenvalue stands apart, ten times further with a bias of 1 than with one of 0.1.",
            Axis("component"),
            Axis("eigenvalue of kernel / rows", log=True),
            (
                Series(f"beta {config.beta:g}", "rank", "eigenvalues"),
                Series(f"beta {config.other_beta:g}", "rank", "other_eigenvalues"),
            ),
        ),
        Panel(
            "numbers",
            "Along and across the second component",
            "table",
            "Largest error across and largest gap to theory along the component, means over networks.",
            columns=(
                Column("width", "mean_widths"),
                Column("networks", "drawn"),
                Column("largest error across", "mean_largest", digits=3),
                Column("largest gap along", "mean_deviation", digits=3),
                Column("share faster than theory", "mean_faster", digits=3),
            ),
        ),
    )


def digits(rows: int, subset: int) -> np.ndarray:
    """The first rows of a permutation of scikit-learn's digits, pixels in [0, 1], (rows, 64)."""
    images = load("digits parity", Key(0)).inputs
    return images[np.random.default_rng(subset).permutation(len(images))[:rows]]


def split(moved: np.ndarray, goal: np.ndarray, component: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Root mean squares of the error moved - goal along a component of mean square 1, and across it.

    >>> along, across = split(np.array([[1.0, 3.0]]), np.array([0.0, 0.0]), np.array([1.0, 1.0]))
    >>> along.tolist(), across.tolist()
    ([2.0], [1.0])
    """
    error = moved - goal
    coefficient = error @ component / len(component)
    rest = error - coefficient[..., None] * component
    return np.abs(coefficient), np.sqrt(np.mean(rest**2, axis=-1))


def _net(config: ComponentsConfig, beta: float) -> Serial:
    return plain(Relu(), config.depth, beta)


def _components(config: ComponentsConfig, inputs: np.ndarray, beta: float) -> KernelComponents:
    return kernel_components(ntk(_net(config, beta)), inputs, 10)


def _flow(config: ComponentsConfig, inputs: np.ndarray, goal: np.ndarray) -> KernelFlow:
    """Refused when the learning rate is unstable."""
    return kernel_flow(ntk(_net(config, config.beta)), inputs, goal).in_steps(config.learning_rate)


def _trained(
    config: ComponentsConfig, width: int, draws: int, inputs: np.ndarray, goal: np.ndarray, key: Key
) -> Arrays:
    """How far the outputs have moved, (draws, times, rows), and the steps (times,)."""
    f = network(_net(config, config.beta), width)
    params = parameters_drawn(f, inputs.shape[1:], draws, key.rng(), np.float32)
    outputs = jax.jit(lambda own: f.apply(own, inputs))
    end = train_ensemble(
        f,
        params,
        inputs,
        goal,
        steps=config.steps,
        optimiser=config.learning_rate,
        offset=jax.vmap(outputs)(params),
        watch=outputs,
        every=config.every,
    )
    seen = end.watched[..., 0].astype(np.float64).swapaxes(0, 1)
    return {"moved": seen - seen[:, :1], "steps": end.watched_at}


CASE = Case(
    paper="ntk",
    name="ntk-components",
    claim="A wide network whose goal is its own start plus a kernel principal component moves straight to it, at the "
    "pace of the eigenvalue; the first component is nearly constant.",
    source="Jacot, Gabriel and Hongler (2018), arXiv:1806.07572: section 6.3, there on MNIST",
    full=ComponentsConfig(),
    smoke=ComponentsConfig(
        rows=40, steps=20, widths=(16, 64), draws=(4, 2), draws_a_part=(4, 2), judged_width=64, every=10
    ),
    run=run,
    checks=checks,
    panels=panels,
)
