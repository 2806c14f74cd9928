"""The nearest minimum and the nearest saddle: which is near decides the regime, and gamma = 1 is where that changes."""

from dataclasses import dataclass

import numpy as np

from theodolite.experiments.bench import Arrays, Bench
from theodolite.experiments.case import Case, Measurement
from theodolite.experiments.check import Check
from theodolite.experiments.config import Config
from theodolite.experiments.intervals import Interval, exponent, mean_interval
from theodolite.experiments.key import Key
from theodolite.experiments.panels import Axis, Panel, Series
from theodolite.experiments.saddle_runs import OVER_DRAWS, scaled_start, turned_target
from theodolite.training_dynamics.saddles import full_mse, nearest_minimum, nearest_saddle

LAZY, MEAN_FIELD, BETWEEN, RICH = 2 / 3, 1.0, 1.5, 2.0  # 1 - 1/L for L = 3; 1; two beyond
NARROW = 100


@dataclass(frozen=True)
class PhaseConfig(Config):
    """Three layers, a square target; entries of variance width^-gamma; `draws` of the weights for each gamma, and at
    gamma = 1 `narrow_draws` of the widths below 100, which scatter most."""

    depth: int = 3
    size: int = 4
    singular_values: tuple[float, ...] = (2.0, 1.2, 0.7, 0.4)
    gammas: tuple[float, ...] = (LAZY, MEAN_FIELD, BETWEEN, RICH)
    draws: tuple[int, ...] = (64, 200, 16, 16)
    narrow_draws: int = 1600
    widths: tuple[int, ...] = (16, 32, 64, 128, 256, 512)
    slope_limit: float = 0.05
    lazy_slope_limit: float = 0.06
    constant_limit: float = 0.10
    clearly: float = 0.25


def run(config: PhaseConfig, key: Key, bench: Bench) -> Measurement:
    """Both distances for every gamma, width and draw."""
    cost = full_mse(turned_target(config.singular_values, (config.size, config.size), key.split("target")))
    jobs = {
        f"gamma {gamma:.3g}, width {width}": (gamma, _draws(config, gamma, draws, width), width)
        for gamma, draws in zip(config.gammas, config.draws, strict=True)
        for width in config.widths
    }

    def part(name: str) -> Arrays:
        gamma, draws, width = jobs[name]
        found = []
        for draw in range(draws):
            own = key.split(name, draw)
            start = scaled_start(cost.shape, width, config.depth, width ** (-gamma / 2), own.split("weights"))
            minimum = nearest_minimum(start, cost, seed=own.split("turn").rng())
            found.append([minimum.distance, nearest_saddle(start), minimum.linearised])
        return {"distances": np.array(found)}

    parts = bench.each(list(jobs), part)
    arrays: Arrays = {"width": np.array(config.widths, dtype=float), "smallest": np.array(_smallest(config))}
    for g, gamma in enumerate(config.gammas):
        own = [one["distances"] for one in parts[g * len(config.widths) : (g + 1) * len(config.widths)]]
        for i, name in enumerate(("minimum", "saddle", "linearised")):
            both = [mean_interval(one[:, i]) for one in own]
            arrays[_name(name, gamma)] = np.array([float(x.mean) for x in both])
            arrays[_name(f"{name}_error", gamma)] = np.array([float(x.half) for x in both])
        ratio = mean_interval(own[-1][:, 0] / own[-1][:, 1])
        arrays[_name("ratio", gamma)] = np.array([float(ratio.mean), float(ratio.half)])
        if gamma == LAZY:
            times = np.concatenate([one[:, 0] * w ** (1 / 3) for one, w in zip(own, config.widths, strict=True)])
            arrays["constant"] = np.array([float(x) for x in mean_interval(times)])
        arrays |= _lines(config, arrays, gamma)
    words = (
        f"squared cost of a {config.size} x {config.size} target, singular values {config.singular_values}, linear "
        f"networks of {config.depth} layers, {config.draws} draws of the weights for the four gammas, "
        f"{config.narrow_draws} at gamma 1 below width {NARROW} (synthetic)"
    )
    scalars = {"linearised over measured distance, gamma 2/3, widest": 0.0}
    lin, full = arrays[_name("linearised", LAZY)][-1], arrays[_name("minimum", LAZY)][-1]
    scalars["linearised over measured distance, gamma 2/3, widest"] = float(lin / full)
    return Measurement(arrays, scalars, words)


def checks(config: PhaseConfig, measured: Measurement) -> tuple[Check, ...]:
    """Exponents in the width, the constant of the lazy regime, and which distance is the smaller one."""
    a = dict(measured.arrays)
    L = config.depth
    found = []
    for gamma in config.gammas:
        minimum = -(1 - gamma) * (L - 1) / 2 if gamma <= 1 else -(gamma - 1) / 2
        what = "distance to the nearest minimum" if gamma <= 1 else "deficit of the distance to the nearest minimum"
        limit = config.lazy_slope_limit if gamma == LAZY else config.slope_limit
        for name, words, theory, allowed in (
            ("minimum" if gamma <= 1 else "deficit", what, minimum, limit),
            ("saddle", "distance to the nearest saddle", (1 - gamma) / 2, config.slope_limit),
        ):
            slope = _slope(a, name, gamma)
            found.append(
                Check(
                    f"|exponent - ({theory + 0.0:.3g})| in the width of the {words}, gamma {gamma:.3g}",
                    abs(float(slope.mean) - theory),
                    allowed,
                    float(slope.half),
                    "at most",
                    OVER_DRAWS,
                    note=f"exponent {float(slope.mean):.3f}",
                )
            )
    mean, half = a["constant"]
    theory = float(np.sqrt((np.sum(np.square(config.singular_values)) + config.size**2) / L))
    found.append(
        Check(
            f"|d_m width^(1/3) / {theory:.4g} - 1|, gamma 2/3, all widths",
            abs(mean / theory - 1.0),
            config.constant_limit,
            half / theory,
            "at most",
            OVER_DRAWS,
        )
    )
    lazy, rich = a[_name("ratio", LAZY)], a[_name("ratio", RICH)]
    return (
        *found,
        Check("d_m / d_s at the widest, gamma 2/3", lazy[0], config.clearly, lazy[1], "at most", OVER_DRAWS),
        Check("d_m / d_s at the widest, gamma 2", rich[0], 1 / config.clearly, rich[1], "at least", OVER_DRAWS),
    )


def panels(config: PhaseConfig, measured: Measurement) -> tuple[Panel, ...]:
    """Both distances over the width, and how far the first is from its limit."""
    captions = {
        "minimum": "Below gamma = 1 a minimum comes ever nearer; from there on the nearest one stays away.",
        "saddle": "Above gamma = 1 a saddle comes ever nearer; below, it moves away.",
    }
    shown = []
    for name, caption in captions.items():
        series = []
        for gamma in config.gammas:
            own, line = _name(name, gamma), _name(f"{name}_line", gamma)
            label, family = f"gamma = {gamma:.3g}", f"{gamma:.3g}"
            series.append(Series(label, "width", own, error=f"{own}_error", error_means=OVER_DRAWS, family=family))
            if name == "saddle" or gamma <= 1:
                series.append(Series(f"{label}, theory", "width", line, role="theory", family=family))
        title = f"Distance of the initial weights to the nearest {name}"
        shown.append(
            Panel(name, title, "lines", caption, Axis("width", log=True), Axis("distance", log=True), tuple(series))
        )
    rich = [gamma for gamma in config.gammas if gamma > 1]
    return (
        *shown,
        Panel(
            "deficit",
            "How much nearer the nearest minimum is than the smallest minimum is large",
            "lines",
            "Above gamma = 1 the distance tends to the norm of the smallest minimum, as width^(-(gamma - 1)/2).",
            Axis("width", log=True),
            Axis("norm of the smallest minimum - distance", log=True),
            tuple(
                one
                for gamma in rich
                for one in (
                    Series(
                        f"gamma = {gamma:.3g}",
                        "width",
                        _name("deficit", gamma),
                        error=_name("deficit_error", gamma),
                        error_means=OVER_DRAWS,
                        family=f"{gamma:.3g}",
                    ),
                    Series(
                        f"gamma = {gamma:.3g}, theory",
                        "width",
                        _name("deficit_line", gamma),
                        role="theory",
                        family=f"{gamma:.3g}",
                    ),
                )
            ),
        ),
    )


def _draws(config: PhaseConfig, gamma: float, draws: int, width: int) -> int:
    return config.narrow_draws if gamma == MEAN_FIELD and width < NARROW else draws


def _name(name: str, gamma: float) -> str:
    if name.endswith("_error"):
        return f"{name[:-6]}_{round(100 * gamma)}_error"
    return f"{name}_{round(100 * gamma)}"


def _smallest(config: PhaseConfig) -> float:
    return float(np.sqrt(config.depth * np.sum(np.array(config.singular_values) ** (2 / config.depth))))


def _slope(a: Arrays, name: str, gamma: float) -> Interval:
    return exponent(a["width"], a[_name(name, gamma)], a[_name(f"{name}_error", gamma)])


def _lines(config: PhaseConfig, a: Arrays, gamma: float) -> Arrays:
    """Deficits, and the powers of the theory through the geometric middle of each curve."""
    found: Arrays = {}
    exponents = {"minimum": -(1 - gamma) * (config.depth - 1) / 2, "saddle": (1 - gamma) / 2}
    if gamma > 1:
        found[_name("deficit", gamma)] = a["smallest"] - a[_name("minimum", gamma)]
        found[_name("deficit_error", gamma)] = a[_name("minimum_error", gamma)]
        exponents["deficit"] = -(gamma - 1) / 2
    for name, power in exponents.items():
        y = {**a, **found}[_name(name, gamma)]
        shape = a["width"] ** power
        found[_name(f"{name}_line", gamma)] = shape * np.exp(np.mean(np.log(y / shape)))
    return found


CASE = Case(
    paper="saddles",
    name="saddles-phases",
    claim="With weights of variance width^-gamma, below gamma = 1 the nearest global minimum approaches and the "
    "nearest saddle recedes as powers of the width; above, the nearest saddle approaches and the minimum does not.",
    source="Jacot et al. (2021), arXiv:2106.15933, theorem 1; both distances are upper bounds",
    full=PhaseConfig(),
    smoke=PhaseConfig(size=2, singular_values=(2.0, 1.0), draws=(2, 2, 2, 2), narrow_draws=2, widths=(8, 16)),
    run=run,
    checks=checks,
    panels=panels,
)
