"""Curves over the width of trained ensembles: errors, norms, fluctuations, fits; and how they are shown."""

import numpy as np

from theodolite.experiments.bench import Arrays
from theodolite.experiments.case import Measurement
from theodolite.experiments.check import Check, Direction
from theodolite.experiments.panels import Axis, Column, Panel, Series
from theodolite.experiments.trained_widths import Trained, TrainedConfig
from theodolite.training_dynamics import (
    Divergence,
    allocate,
    around_jamming,
    ensemble_error,
    fit_divergence,
    fit_power_law,
    fluctuation,
    options,
    parameters_of,
)

INTERVAL = "95 % interval over initial weights"
NORMAL = 1.96
SIZES = (1, 2, 4, 8)


def measured_curves(config: TrainedConfig, trained: Trained) -> Measurement:
    """All arrays that checks and panels of both cases read; errors are standard errors over initial weights."""
    ensembles, data = trained.ensembles, trained.data
    around = [around_jamming(one, config.rows) for one in ensembles]
    spread = [fluctuation(one.outputs) for one in ensembles]
    errors = {
        size: np.array([ensemble_error(one.outputs, data.W, size) for one in ensembles])
        for size in (1, config.ensemble)
    }
    star = parameters_of(trained.star, config.depth, config.components) if trained.star else float("nan")
    arrays: Arrays = {
        "width": np.array([float(one.width) for one in ensembles]),
        "members": np.array([float(len(one.outputs)) for one in ensembles]),
        "N": np.array([float(one.parameters) for one in ensembles]),
        **{name: np.array([getattr(one, name) for one in around]) for name in ("fitted", "unfitted", "norm")},
        "norm_error": np.array([one.norm_standard_error for one in around]),
        "norm_median": np.array([one.norm_median for one in around]),
        "delta": np.array([one.norm for one in spread]),
        "delta_error": np.array([one.standard_error for one in spread]),
        "single": errors[1][:, 0],
        "single_error": errors[1][:, 1],
        "ensemble": errors[config.ensemble][:, 0],
        "ensemble_error": errors[config.ensemble][:, 1],
        "star": np.array(star),
        "star_N": np.array([star, star]),
    }
    arrays["star_error"] = np.array([arrays["ensemble"].min(), arrays["single"].max()])
    arrays["star_norm"] = np.array([arrays["delta"].min(), arrays["norm"].max()])
    arrays["root"] = arrays["N"] ** -0.5
    kept = arrays["width"] >= config.judged_from
    law = fit_power_law(arrays["N"][kept], arrays["delta"][kept], arrays["delta_error"][kept])
    arrays["delta_slope"] = np.array([law.slope, NORMAL * law.standard_error])
    arrays["delta_line"] = law.amplitude * arrays["N"] ** law.slope
    arrays |= _line(arrays, kept)
    found = options(ensembles, data.W, sizes=tuple(size for size in SIZES if size <= config.ensemble))
    for size in sorted({option.members for option in found}):
        own = [option for option in found if option.members == size]
        arrays[f"cost{size}"] = np.array([option.cost for option in own])
        arrays[f"error{size}"] = np.array([option.error for option in own])
        arrays[f"bar{size}"] = np.array([option.standard_error for option in own])
    scalars = {"N*": float(star)} if trained.star else {}
    scalars |= {"constant of the line in N^(-1/2)": float(arrays["line_at"][1])}
    scalars |= _divergence(arrays, None) | _divergence(arrays, 1.0)
    ratio = np.flatnonzero(arrays["width"] == config.past)
    chosen = allocate(config.budget_ratio * config.ensemble * float(arrays["N"][ratio[0]]), found)
    scalars |= {
        "best affordable: width": float(chosen.best.width),
        "best affordable: members": float(chosen.best.members),
        "best affordable: error": chosen.best.error,
        "affordable options it cannot be told from": float(len(chosen.rivals)),
    }
    words = (
        f"embedded digits (from scikit-learn), even against odd, {config.components} whitened principal components, "
        f"{config.rows} training points with {config.flips:.0%} of the labels turned round, {len(data.Z)} test points "
        f"with true labels, {config.members_narrow} networks of each width up to {config.narrow}, "
        f"{config.members_wide} of wider ones"
    )
    return Measurement(arrays, scalars, words)


def at_width(measured: Measurement, width: int) -> int:
    """The position of a width."""
    return int(np.flatnonzero(measured.arrays["width"] == width)[0])


def cusp_of_norm(config: TrainedConfig, measured: Measurement) -> Check:
    """(b) the largest ||f|| near N* against that at 4 N*, interpolated between widths, or at the widest."""
    a = measured.arrays
    star, logs = float(a["star"]), np.log(a["N"])
    low, high = config.window
    near = np.flatnonzero((a["N"] >= low * star) & (a["N"] <= high * star))
    far = min(np.log(4 * star), logs[-1])
    if not len(near):
        value = half = float("nan")
    else:
        top = int(near[a["norm"][near].argmax()])
        norm = np.exp(np.interp(far, logs, np.log(a["norm"])))
        relative = np.interp(far, logs, a["norm_error"] / a["norm"])
        value = float(a["norm"][top] / norm)
        half = float(NORMAL * value * np.hypot(a["norm_error"][top] / a["norm"][top], relative))
    there = f"{np.exp(far) / star:.3g} N*"  # 4 N*, unless no width is as large
    words = f"largest ||f|| for N in [{low:g}, {high:g}] N* over ||f|| at {there}"
    return Check(words, value, config.norm_limit, half, "at least", INTERVAL, note=f"N* = {star:g}")


def falling_fluctuations(config: TrainedConfig, measured: Measurement) -> tuple[Check, ...]:
    """(c) ||f - mean f|| falls from just past N* on, with a slope in N between two limits."""
    a = measured.arrays
    past = at_width(measured, config.past)
    delta, relative = a["delta"][past:], a["delta_error"][past:] / a["delta"][past:]
    steps = delta[1:] / delta[:-1]
    worst = int(steps.argmax())
    slope, half = a["delta_slope"]
    words = f"exponent in N of ||f - mean f||, width {config.judged_from} and wider"
    return (
        Check(
            f"||f - mean f|| over that of the next narrower width, largest, width {config.past} and wider",
            float(steps[worst]),
            1.0,
            float(NORMAL * steps[worst] * np.hypot(relative[worst], relative[worst + 1])),
            "at most",
            INTERVAL,
        ),
        Check(f"{words}, above", float(slope), config.slope_limits[0], float(half), "at least", INTERVAL),
        Check(f"{words}, below", float(slope), config.slope_limits[1], float(half), "at most", INTERVAL),
    )


def line_in_root(config: TrainedConfig, measured: Measurement) -> tuple[Check, ...]:
    """(d) the error of single networks is linear in N^(-1/2), with a positive slope."""
    slope, _, slope_half, rms, rms_half = (float(value) for value in measured.arrays["line_at"])
    words = f"single networks' test error against N^(-1/2), width {config.judged_from} and wider"
    return (
        Check(f"slope of {words}", slope, 0.0, slope_half, "at least", INTERVAL),
        Check(
            f"rms distance from a line of {words}",
            rms,
            config.line_limit,
            rms_half,
            "at most",
            "95 % of an rms of as many normal residuals",
        ),
    )


def difference(words: str, one: tuple[float, float], other: tuple[float, float], limit: float, way: Direction) -> Check:
    """A check on the difference of two measured values with standard errors."""
    return Check(words, one[0] - other[0], limit, float(NORMAL * np.hypot(one[1], other[1])), way, INTERVAL)


def measured_at(measured: Measurement, name: str, position: int) -> tuple[float, float]:
    """(value, standard error) of a curve at one width."""
    return float(measured.arrays[name][position]), float(measured.arrays[f"{name}_error"][position])


def against_singles(config: TrainedConfig, measured: Measurement) -> tuple[np.ndarray, np.ndarray]:
    """(e) (error of one network - error of the ensemble just past N*) in combined standard errors, and the widths:
    single networks of up to `budget_ratio` times the weights of the ensemble."""
    a = measured.arrays
    past = at_width(measured, config.past)
    kept = a["N"] <= config.budget_ratio * config.ensemble * a["N"][past]
    combined = np.hypot(a["single_error"][kept], a["ensemble_error"][past])
    with np.errstate(divide="ignore", invalid="ignore"):
        z = (a["single"][kept] - a["ensemble"][past]) / combined
    return np.nan_to_num(z), a["width"][kept]


def curve_panels(config: TrainedConfig, measured: Measurement) -> tuple[Panel, ...]:
    """Errors, unfitted points, norms, the approach to large N, the use of a budget, and a table."""
    noisy = "noisy" if config.flips else "clean"
    weights, wrong = Axis("number of weights N", log=True), Axis("share of test points wrong")
    star = "N*, half of the seeds fit"
    sizes = [size for size in SIZES if f"cost{size}" in measured.arrays]
    return (
        Panel(
            "errors",
            f"Test error over N, {noisy} labels",
            "lines",
            "Single networks err most where they begin to fit if labels are noisy; ensembles do not.",
            weights,
            wrong,
            (
                Series("single networks", "N", "single", error="single_error"),
                Series(f"ensembles of {config.ensemble}", "N", "ensemble", error="ensemble_error"),
                Series(star, "star_N", "star_error", role="guide"),
            ),
        ),
        Panel(
            "unfitted",
            f"Training points not fitted, {noisy} labels",
            "lines",
            "The number of parameters at which all training points are fitted is sharp.",
            weights,
            Axis("share"),
            (
                Series("points not fitted, mean over members", "N", "unfitted"),
                Series("members that fit all", "N", "fitted"),
            ),
        ),
        Panel(
            "norms",
            f"Norm and fluctuation of the output, {noisy} labels",
            "lines",
            "The norm of the output is largest near N*; past it, fluctuations fall with N.",
            weights,
            Axis("root mean square over test points", log=True),
            (
                Series("||f||, mean over members", "N", "norm", error="norm_error"),
                Series("||f||, median", "N", "norm_median"),
                Series("||f - mean f||", "N", "delta", error="delta_error", family="delta"),
                Series("fitted power", "N", "delta_line", role="guide", family="delta"),
                Series(star, "star_N", "star_norm", role="guide"),
            ),
        ),
        Panel(
            "approach",
            f"Test error over N^(-1/2), {noisy} labels",
            "lines",
            "Past N* the test error approaches its limit as N^(-1/2).",
            Axis("N^(-1/2)"),
            wrong,
            (
                Series("single networks", "root", "single", error="single_error"),
                Series("line through wide ones", "root", "line", role="guide"),
            ),
        ),
        Panel(
            "budget",
            f"Test error over the weights of all networks averaged, {noisy} labels",
            "lines",
            "At a given number of weights in all, several networks just past N* are better than one large one.",
            Axis("weights of all networks, n N", log=True),
            wrong,
            tuple(Series(f"{size} networks", f"cost{size}", f"error{size}", error=f"bar{size}") for size in sizes),
        ),
        Panel(
            "table",
            f"Trained networks by width, {noisy} labels",
            "table",
            "What was measured at each width; errors of ensembles and single networks on true labels.",
            columns=(
                Column("width", "width"),
                Column("N", "N", digits=6),
                Column("members", "members"),
                Column("share of members that fit", "fitted", digits=2),
                Column("share of points not fitted", "unfitted", digits=2),
                Column("error, single", "single", digits=3),
                Column("standard error", "single_error", digits=2),
                Column(f"error, {config.ensemble}-ensemble", "ensemble", digits=3),
                Column("standard error", "ensemble_error", digits=2),
                Column("norm", "norm", digits=3),
                Column("norm, median", "norm_median", digits=3),
                Column("fluctuation", "delta", digits=3),
            ),
        ),
    )


def _line(arrays: Arrays, kept: np.ndarray) -> Arrays:
    """Weighted line through error against N^(-1/2): `line`, and (slope, constant, half-width of the slope, rms of the
    residuals, half-width of the rms)."""
    x, y, bar = arrays["root"][kept], arrays["single"][kept], np.maximum(arrays["single_error"][kept], 1e-6)
    (slope, constant), covariance = np.polyfit(x, y, 1, w=1 / bar, cov="unscaled")
    rest = y - slope * x - constant
    dof = max(len(x) - 2, 1)
    scale = max(float(np.sqrt(np.sum((rest / bar) ** 2) / dof)), 1.0)
    rms = float(np.sqrt(np.mean(rest**2)))
    summary = [slope, constant, NORMAL * scale * np.sqrt(covariance[0, 0]), rms, NORMAL * rms / np.sqrt(2 * dof)]
    return {"line": slope * arrays["root"] + constant, "line_at": np.array(summary)}


def _divergence(arrays: Arrays, exponent: float | None) -> dict[str, float]:
    """The fit of ||f|| past N*, as numbers for the record; none where there are too few widths."""
    kept = arrays["N"] >= float(arrays["star"])
    if kept.sum() < 6:
        return {}
    fit: Divergence = fit_divergence(
        arrays["N"][kept], arrays["norm"][kept], arrays["norm_error"][kept], exponent=exponent
    )
    name = "||f|| = c0 + c1 (N / N* - 1)^-nu" + (", nu free" if exponent is None else f", nu = {exponent:g}")
    values = {"c0": fit.constant, "c0, standard error": fit.standard_errors[0], "N*": fit.star, "rms of log": fit.rms}
    if exponent is None:
        values |= {
            "N*, standard error": fit.standard_errors[2],
            "nu": fit.exponent,
            "nu, from": fit.exponent_range[0],
            "nu, to": fit.exponent_range[1],
        }
    return {f"{name}: {what}": float(value) for what, value in values.items()}
