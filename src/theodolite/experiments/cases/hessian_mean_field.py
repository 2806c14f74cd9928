"""Outputs scaled down by the root of the width: the residual outweighs Gauss-Newton, and its moments have limits."""

from dataclasses import dataclass

import numpy as np

from theodolite.curvature import mean_field_moments
from theodolite.experiments.bench import Arrays, Bench
from theodolite.experiments.case import Case, Measurement
from theodolite.experiments.check import Check
from theodolite.experiments.config import Config
from theodolite.experiments.hessian_networks import Parts, architecture, digits_on_a_sphere, drawn
from theodolite.experiments.intervals import fitted_exponent, mean_interval, variance_interval
from theodolite.experiments.key import Key
from theodolite.experiments.panels import Axis, Column, Panel, Series


@dataclass(frozen=True)
class MeanFieldConfig(Config):
    """At each width `draws` networks with all moments, in groups of `traces` more for the spread of Tr S alone."""

    activation: str = "normalised softplus"
    depth: int = 3
    beta: float = 0.1
    rows: int = 24
    subset: int = 0
    widths: tuple[int, ...] = (64, 128, 256)
    draws: int = 24
    groups: int = 20
    traces: int = 20
    probes: int = 16
    moment_limits: tuple[float, float] = (0.95, 1.05)
    spread_limits: tuple[float, float] = (0.85, 1.15)
    growth: tuple[float, float] = (0.85, 1.15)
    constant: tuple[float, float] = (-0.15, 0.15)


def run(config: MeanFieldConfig, key: Key, bench: Bench) -> Measurement:
    """Moments of w I and w S at initialisation, w the width."""
    X, Y = digits_on_a_sphere(config.rows, config.subset)
    net = architecture(config.activation, config.depth, config.beta)
    limit = mean_field_moments(net, X, Y)
    whole = {f"width {w}, network {i + 1}": w for w in config.widths for i in range(config.draws)}
    groups = {f"width {w}, traces {i + 1}": w for w in config.widths for i in range(config.groups)}

    def scaled(width: int, own: Key) -> Parts:
        """A network with targets such that its slopes are those of the scaled one: (f / sqrt(w) - y) / n."""
        f, params = drawn(net, width, 1, X.shape[1], own)
        outputs = Parts(f, params, X, Y).outputs
        return Parts(f, params, X, outputs * (1 - 1 / np.sqrt(width)) + Y)

    def measured(name: str) -> Arrays:
        own = key.split(name)
        if name in groups:
            each = [scaled(groups[name], own.split(i)).residual_trace for i in range(config.traces)]
            return {"trace": np.array(each)}
        parts = scaled(whole[name], own.split("parameters"))
        powers = parts.residual_powers(parts.signs(config.probes, own.split("probes"))).mean(0)
        return {
            "gauss_newton": parts.gauss_newton_powers[0],
            "square": powers[0],
            "product": np.sqrt(whole[name] * parts.product_square()),
        }

    found = dict(zip([*whole, *groups], bench.each([*whole, *groups], measured), strict=True))
    widths = np.array(config.widths, dtype=float)
    arrays: Arrays = {"width": widths}
    each_width = np.array(list(whole.values()), dtype=float)
    for name in ("gauss_newton", "square", "product"):
        values = np.array([float(found[one][name]) for one in whole])
        bars = [mean_interval(values[each_width == width]) for width in config.widths]
        arrays[name], arrays[f"{name}_half"] = (np.array([bar[i] for bar in bars], dtype=float) for i in (0, 1))
        grown = values * each_width if name == "square" else values
        arrays[f"{name}_slope"] = np.array(fitted_exponent(each_width, grown))
    deviations = []
    for width in config.widths:
        traces = np.concatenate([found[name]["trace"] for name, own in groups.items() if own == width])
        variance, half = variance_interval(traces)
        deviations.append((np.sqrt(variance), half / (2 * np.sqrt(variance))))
    arrays["deviation"], arrays["deviation_half"] = np.array(deviations, dtype=float).T
    ones = np.ones_like(widths)
    arrays["gauss_newton_limit"] = limit.gauss_newton * ones
    arrays["square_limit"] = limit.residual_square * ones
    arrays["deviation_limit"] = limit.residual_deviation * ones
    words = (
        f"{config.rows} embedded digits (8 x 8 pixels, from scikit-learn) of one norm, labelled by parity; "
        f"{config.activation}, {config.depth} layers, beta {config.beta:g}, outputs over the root of the width, at "
        f"initialisation; {config.draws} networks of each width, {config.groups * config.traces} for the spread"
    )
    return Measurement(arrays, {}, words)


def checks(config: MeanFieldConfig, measured: Measurement) -> tuple[Check, ...]:
    """At the widest network, the limits; over the widths, who grows and who does not."""
    a = measured.arrays
    found = []
    for name, words, limits in (
        ("gauss_newton", "Tr(wI) over its limit", config.moment_limits),
        ("square", "Tr((wS)^2) / w over its limit", config.moment_limits),
        ("deviation", "standard deviation of Tr(wS) / sqrt(w) over its limit", config.spread_limits),
    ):
        value, half = (float(a[part][-1] / a[f"{name}_limit"][-1]) for part in (name, f"{name}_half"))
        label = f"{words}, width {config.widths[-1]}"
        found += [
            Check(f"{label}, from above", value, limits[1], half, "at most"),
            Check(f"{label}, from below", value, limits[0], half, "at least"),
        ]
    for name, words, limits in (
        ("square", "Tr((wS)^2)", config.growth),
        ("product", "|(wI)(wS)|", config.constant),
    ):
        value, half = (float(part) for part in a[f"{name}_slope"])
        found += [
            Check(f"exponent in the width of {words}, from above", value, limits[1], half, "at most"),
            Check(f"exponent in the width of {words}, from below", value, limits[0], half, "at least"),
        ]
    return tuple(found)


def panels(config: MeanFieldConfig, measured: Measurement) -> tuple[Panel, ...]:
    """The moments over the width with their limits."""
    bars = "95 % interval"
    pairs = (
        ("square", "Tr((wS)^2) / w"),
        ("deviation", "standard deviation of Tr(wS) / sqrt(w)"),
        ("gauss_newton", "Tr(wI)"),
    )
    return (
        Panel(
            "moments",
            "Moments in the mean-field scaling over the width",
            "lines",
            "With outputs scaled by the root of the width, w S has a second moment that grows as w; that of w I stays.",
            Axis("width", log=True),
            Axis("moment", log=True),
            (
                *(
                    series
                    for name, label in pairs
                    for series in (
                        Series(label, "width", name, error=f"{name}_half", error_means=bars, family=name),
                        Series(f"{label}, limit", "width", f"{name}_limit", role="theory", family=name),
                    )
                ),
                Series("|(wI)(wS)|", "width", "product", error="product_half", error_means=bars),
            ),
        ),
        Panel(
            "numbers",
            "Moments over the width",
            "table",
            "The product of both parts tends to a constant that is not 0: orthogonality holds only relative to |wS|.",
            columns=(
                Column("width", "width"),
                Column("Tr(wI)", "gauss_newton"),
                Column("limit", "gauss_newton_limit"),
                Column("Tr((wS)^2) / w", "square"),
                Column("limit", "square_limit"),
                Column("sd of Tr(wS) / sqrt(w)", "deviation", digits=3),
                Column("limit", "deviation_limit", digits=3),
                Column("|(wI)(wS)|", "product", digits=3),
            ),
        ),
    )


CASE = Case(
    paper="hessian",
    name="hessian-mean-field",
    claim="With outputs divided by the root of the width w and learning rate w, at initialisation Tr(wI) has the limit "
    "of the tangent kernel, Tr(wS) / sqrt(w) is Gaussian of known variance, and Tr((wS)^2) / w has a limit: the "
    "residual dominates.",
    source="Jacot, Gabriel and Hongler (2020), arXiv:1910.02875: abstract, mean-field limit; derived here",
    full=MeanFieldConfig(),
    smoke=MeanFieldConfig(rows=8, widths=(8, 16), draws=3, groups=1, traces=3, probes=4),
    run=run,
    checks=checks,
    panels=panels,
)
