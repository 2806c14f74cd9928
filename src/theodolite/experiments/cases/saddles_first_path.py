"""From ever smaller weights, a wide network leaves the origin along the one path of the network of width 1."""

from dataclasses import dataclass

import numpy as np

from theodolite.experiments.bench import Arrays, Bench
from theodolite.experiments.case import Case, Measurement
from theodolite.experiments.check import Check
from theodolite.experiments.config import Config
from theodolite.experiments.intervals import mean_interval
from theodolite.experiments.key import Key
from theodolite.experiments.panels import Axis, Panel, Series
from theodolite.experiments.saddle_runs import OVER_DRAWS, scaled_start, slopes, turned_target
from theodolite.training_dynamics.saddles import critical_values, first_path, full_mse, linear_flow, path_gap


@dataclass(frozen=True)
class FirstPathConfig(Config):
    """As for escape; runs are aligned where the cost is `level` and compared over `window`. Of two and three layers the
    exponent over the first `demanded` scales is asked for; smaller ones show what becomes of it."""

    size: int = 8
    singular_values: tuple[float, ...] = (4.0, 2.0, 1.0)
    width: int = 16
    depths: tuple[int, ...] = (2, 3, 4)
    sigmas: tuple[tuple[float, ...], ...] = (
        (1e-2, 1e-3, 1e-4, 1e-6),
        (0.05, 0.02, 0.005, 1e-3, 1e-4),
        (0.1, 0.06, 0.04),
    )
    demanded: int = 3
    draws: int = 32
    level: float = 6.5
    window: float = 0.25
    power: float = 0.8
    law_limit: float = 0.05


def run(config: FirstPathConfig, key: Key, bench: Bench) -> Measurement:
    """The gap to the first path, and how far the layers are from rank one, for every depth, scale and draw."""
    shape = (config.size, config.size)
    cost = full_mse(turned_target(config.singular_values, shape, key.split("target")))
    first, second = critical_values(cost)[1:3]
    jobs = {
        f"{depth} layers, sigma {sigma:g}": (depth, sigma)
        for depth, sigmas in zip(config.depths, config.sigmas, strict=True)
        for sigma in sigmas
    }

    def part(name: str) -> Arrays:
        depth, sigma = jobs[name]
        path = first_path(cost, depth, radius=1e-3 if depth == 2 else 0.05)
        gaps, ratios = [], []
        for draw in range(config.draws):
            start = scaled_start(shape, config.width, depth, sigma, key.split(f"depth {depth}", draw))
            flow = linear_flow(start, cost, 1e4, stop=0.9 * first + 0.1 * second, tolerance=1e-9)
            gaps.append(path_gap(flow, path, config.level, config.window))
            at = flow.layers(int(np.argmin(np.abs(flow.values - config.level))))
            spectra = [np.linalg.svd(W, compute_uv=False) for W in at]
            ratios.append(max(float(s[1] / s[0]) for s in spectra))
        return {"gaps": np.array(gaps), "ratios": np.array(ratios)}

    parts = dict(zip(jobs, bench.each(list(jobs), part), strict=True))
    arrays: Arrays = {}
    for depth, sigmas in zip(config.depths, config.sigmas, strict=True):
        own = [parts[f"{depth} layers, sigma {sigma:g}"] for sigma in sigmas]
        arrays[f"sigma_{depth}"] = np.array(sigmas)
        for name in ("gaps", "ratios"):
            values = np.array([one[name] for one in own])
            mean, half = mean_interval(values, axis=1)
            arrays |= {f"{name}_{depth}": mean, f"{name}_{depth}_error": half}
            falls = mean_interval(np.diff(np.log(values), axis=0), axis=1)  # between neighbouring scales, by draw
            arrays |= {f"{name}_fall_{depth}": falls.mean, f"{name}_fall_{depth}_error": falls.half}
        x = np.log(np.array(sigmas))
        demanded = np.log(np.array([one["gaps"] for one in own[: config.demanded]]))
        arrays[f"power_{depth}"] = np.array(slopes(x[: config.demanded], demanded.T))
        local = np.diff(np.log(np.array([one["gaps"] for one in own[-2:]])), axis=0)[0] / np.diff(x)[-1]
        arrays[f"local_{depth}"] = np.array([float(v) for v in mean_interval(local)])
        guide = np.array(sigmas) ** (1.0 - config.singular_values[1] / config.singular_values[0])
        arrays[f"line_{depth}"] = guide * arrays[f"gaps_{depth}"][-1] / guide[-1]
    words = (
        f"squared cost of an {config.size} x {config.size} target, singular values {config.singular_values}, linear "
        f"networks of width {config.width} and 1, {config.draws} draws of the weights at every scale (synthetic)"
    )
    return Measurement(arrays, {}, words)


def checks(config: FirstPathConfig, measured: Measurement) -> tuple[Check, ...]:
    """The gap falls with the scale at each step; for two and three layers about in proportion to it; its law for two.

    While the first mode grows from sigma to 1, what the outer layers hold of the second one in its direction grows from
    sigma to sigma^(1 - s_2/s_1), at any depth.
    """
    a = measured.arrays
    found = []
    for depth in config.depths:
        for name, words in (
            ("gaps", "gap to the first path"),
            ("ratios", "second over first singular value, worst layer"),
        ):
            fall, error = a[f"{name}_fall_{depth}"], a[f"{name}_fall_{depth}_error"]
            least = int(np.argmax(fall))
            found.append(
                Check(
                    f"log of the {words}, smallest change to the next smaller sigma, {depth} layers",
                    float(fall[least]),
                    0.0,
                    float(error[least]),
                    "at most",
                    OVER_DRAWS,
                )
            )
        if depth <= 3:
            mean, half = a[f"power_{depth}"]
            found.append(
                Check(
                    f"exponent in sigma of the gap to the first path, {depth} layers, sigma from "
                    f"{a[f'sigma_{depth}'][0]:g} to {a[f'sigma_{depth}'][: config.demanded][-1]:g}",
                    float(mean),
                    config.power,
                    float(half),
                    "at least",
                    OVER_DRAWS,
                )
            )
    mean, half = a[f"local_{config.depths[0]}"]
    law = 1.0 - config.singular_values[1] / config.singular_values[0]
    found.append(
        Check(
            f"|exponent in sigma of the gap - (1 - s_2 / s_1)|, {config.depths[0]} layers, two smallest sigmas",
            abs(float(mean) - law),
            config.law_limit,
            float(half),
            "at most",
            OVER_DRAWS,
        )
    )
    return tuple(found)


def panels(config: FirstPathConfig, measured: Measurement) -> tuple[Panel, ...]:
    """The gap over the scale for each depth, and the layers' distance from rank one."""

    def series(name: str) -> tuple[Series, ...]:
        return tuple(
            Series(
                f"{depth} layers",
                f"sigma_{depth}",
                f"{name}_{depth}",
                error=f"{name}_{depth}_error",
                error_means=OVER_DRAWS,
                family=str(depth),
            )
            for depth in config.depths
        )

    laws = tuple(
        Series(
            f"{depth} layers, sigma^(1 - s_2/s_1)", f"sigma_{depth}", f"line_{depth}", role="guide", family=str(depth)
        )
        for depth in config.depths
        if depth <= 3
    )
    x = Axis("standard deviation of the initial weights", log=True)
    return (
        Panel(
            "gap",
            "Gap between a wide network and the path of width 1",
            "lines",
            "The smaller the initial weights, the closer the network follows the first path.",
            x,
            Axis("largest Frobenius norm of the difference", log=True),
            (*series("gaps"), *laws),
        ),
        Panel(
            "ratio",
            "Second over first singular value of the worst layer, on the way",
            "lines",
            "Layers become rank one.",
            x,
            Axis("ratio", log=True),
            series("ratios"),
        ),
    )


CASE = Case(
    paper="saddles",
    name="saddles-first-path",
    claim="As the initial weights become small, gradient flow of a wide deep linear network leaves the origin along "
    "the path of the network of width 1, with a gap about in proportion to them.",
    source="Jacot et al. (2021), arXiv:2106.15933, theorem on the first path",
    full=FirstPathConfig(),
    smoke=FirstPathConfig(
        size=3,
        singular_values=(4.0, 2.0),
        width=4,
        sigmas=((1e-2, 1e-3), (0.1, 0.05), (0.2, 0.15)),
        draws=2,
        level=6.0,
    ),
    run=run,
    checks=checks,
    panels=panels,
)
