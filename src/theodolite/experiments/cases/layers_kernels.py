"""Tangent kernels of each layer, and the speeds at which layers learn a frequency, in networks drawn at random."""

from dataclasses import dataclass

import numpy as np

from theodolite.experiments.bench import Bench
from theodolite.experiments.case import Case, Measurement
from theodolite.experiments.check import Check
from theodolite.experiments.config import Config
from theodolite.experiments.intervals import jackknife_interval, mean_interval
from theodolite.experiments.key import Key
from theodolite.experiments.layer_gradients import layer_grams, layer_products
from theodolite.experiments.panels import Axis, Panel, Series
from theodolite.experiments.zonal_modes import deep_relu, on_sphere, zonal
from theodolite.finite_width import network
from theodolite.infinite_width import layer_spectra, layerwise

IN_ERRORS = "in standard errors already"


@dataclass(frozen=True)
class KernelsConfig(Config):
    """ReLU networks on spheres: kernels of few points at several widths, speeds of single degrees at one width."""

    depth: int = 4
    dimension: int = 10
    points: int = 6
    widths: tuple[int, ...] = (64, 256, 1024)
    draws: tuple[int, ...] = (200, 200, 40)
    speed_dimension: int = 5
    speed_width: int = 512
    samples: int = 4000
    seeds: int = 120
    degrees: tuple[int, ...] = (1, 2, 4)
    z_limit: float = 4.0
    halving_low: float = 0.4
    halving_high: float = 0.6
    speed_limit: float = 0.05


def run(config: KernelsConfig, key: Key, bench: Bench) -> Measurement:
    """Mean and spread of each layer's kernel; the first step towards a target of one degree, with separate samples."""
    net = deep_relu(config.depth)
    points = on_sphere(config.points, config.dimension, key.split("points"))
    limit = np.array([kernel(points.astype(np.float64)) for kernel in layerwise(net)])
    counts = dict(zip(config.widths, config.draws, strict=True))

    def kernels(name: str) -> dict[str, np.ndarray]:
        width = int(name.removeprefix("width "))
        grams = layer_grams(network(net, width), points, counts[width], key.split(name))
        return {"grams": grams}

    grams = [part["grams"] for part in bench.each([f"width {width}" for width in config.widths], kernels)]
    z = [np.abs(own.mean(0) - limit) / (own.std(0, ddof=1) / np.sqrt(len(own))) for own in grams]
    spread, spread_half = (np.array(part) for part in zip(*(jackknife_interval(_log_spread, own) for own in grams)))
    fours = np.log(4) / np.log(np.divide(config.widths[1:], config.widths[:-1]))[:, None]
    halving, deviations = np.exp(np.diff(spread, axis=0) * fours), np.exp(spread)

    speed_net = network(net, config.speed_width)
    pole = np.eye(config.speed_dimension)[0]

    def speeds(name: str) -> dict[str, np.ndarray]:
        own = key.split(name)
        left, right = (on_sphere(config.samples, config.speed_dimension, own.split(side)) for side in ("left", "right"))
        weights = [zonal(side, config.degrees, pole) / config.samples for side in (left, right)]
        return {"speed": layer_products(speed_net, left, right, weights, own.split("network"))}

    found = np.array([part["speed"] for part in bench.each([f"seed {i + 1}" for i in range(config.seeds)], speeds)])
    spectra = layer_spectra(net, config.speed_dimension, max(config.degrees) + 1)
    expected = spectra.eigenvalues[:, config.degrees]
    mean, half = mean_interval(found)
    ratio, ratio_half = mean_interval((found / expected).mean(axis=(1, 2)))
    arrays: dict[str, np.ndarray] = {
        "widths": np.array(config.widths, dtype=float),
        "z": np.array([one.max() for one in z]),
        "deviation": deviations,
        "halving": halving,
        "halving_half": halving * fours * np.hypot(spread_half[1:], spread_half[:-1]),
        "layer": np.arange(1.0, config.depth + 1),
        "speed_z": np.abs(mean - expected) / (found.std(0, ddof=1) / np.sqrt(config.seeds)),
        "ratio": np.array([ratio, ratio_half]),
    }
    for place, degree in enumerate(config.degrees):
        arrays[f"speed{degree}"], arrays[f"speed_half{degree}"] = mean[:, place], half[:, place]
        arrays[f"eigenvalue{degree}"] = expected[:, place]
    for layer in range(config.depth):
        arrays[f"deviation{layer + 1}"] = deviations[:, layer]
        arrays[f"law{layer + 1}"] = deviations[-1, layer] * np.sqrt(config.widths[-1] / arrays["widths"])
    words = (
        f"ReLU networks drawn at random, {config.depth} layers; {config.points} points of a sphere in "
        f"{config.dimension} dimensions, and {config.seeds} x {config.samples} in {config.speed_dimension} (synthetic)"
    )
    return Measurement(arrays, {}, words)


def _log_spread(grams: np.ndarray) -> np.ndarray:
    """Logarithm of the standard deviation over draws, root mean square over pairs: (layers,)."""
    return np.log(grams.var(axis=0, ddof=1).mean(axis=(1, 2))) / 2


def checks(config: KernelsConfig, measured: Measurement) -> tuple[Check, ...]:
    """Kernels and speeds agree with the limit, the spread halves with four times the width."""
    a = measured.arrays
    halving, half = a["halving"], a["halving_half"]
    low, high = int(halving.argmin()), int(halving.argmax())
    return (
        Check(
            "|mean kernel of a layer - limit|, worst layer, pair and width",
            float(a["z"].max()),
            config.z_limit,
            0.0,
            "at most",
            error_means=IN_ERRORS,
            unit="standard errors",
        ),
        Check(
            "spread of a layer's kernel at four times the width, over the spread, smallest",
            float(halving.flat[low]),
            config.halving_low,
            float(half.flat[low]),
            "at least",
            note="theory 1/2",
        ),
        Check(
            "the same, largest",
            float(halving.flat[high]),
            config.halving_high,
            float(half.flat[high]),
            "at most",
            note="theory 1/2",
        ),
        Check(
            "|first step of a layer towards a degree - eigenvalue|, worst",
            float(a["speed_z"].max()),
            config.z_limit,
            0.0,
            "at most",
            error_means=IN_ERRORS,
            unit="standard errors",
        ),
        Check(
            "|first step over eigenvalue - 1|, mean over layers and degrees",
            abs(float(a["ratio"][0]) - 1),
            config.speed_limit,
            float(a["ratio"][1]),
            "at most",
        ),
    )


def panels(config: KernelsConfig, measured: Measurement) -> tuple[Panel, ...]:
    """Speeds by layer, spreads over the width."""
    return (
        Panel(
            "speeds",
            f"Speed at which each layer starts to learn a degree, width {config.speed_width}",
            "lines",
            "The first step of each layer towards a target of one degree is the eigenvalue of its kernel.",
            Axis("layer"),
            Axis("decrease of the error a unit of time"),
            tuple(
                series
                for k in config.degrees
                for series in (
                    Series(
                        f"degree {k}",
                        "layer",
                        f"speed{k}",
                        error=f"speed_half{k}",
                        error_means="95 % interval",
                        family=f"k{k}",
                    ),
                    Series(f"degree {k}, eigenvalue", "layer", f"eigenvalue{k}", role="theory", family=f"k{k}"),
                )
            ),
        ),
        Panel(
            "spread",
            "Spread of each layer's kernel over draws",
            "lines",
            "The kernels of all layers settle like one over the root of the width, the last layer's last.",
            Axis("width", log=True),
            Axis("standard deviation", log=True),
            tuple(
                series
                for n in range(1, config.depth + 1)
                for series in (
                    Series(f"layer {n}", "widths", f"deviation{n}", family=f"l{n}"),
                    Series(f"layer {n}, width^(-1/2)", "widths", f"law{n}", role="theory", family=f"l{n}"),
                )
            ),
        ),
    )


CASE = Case(
    paper="layers",
    name="layers-kernels",
    claim="At initialisation each layer of a wide network has the kernel of its limit, and starts to learn each degree "
    "at the speed of that kernel's eigenvalue.",
    source="Dandi and Jacot (2021), arXiv:2111.03972: section 2; networks, measure and limits are ours",
    full=KernelsConfig(),
    smoke=KernelsConfig(
        depth=3, points=3, widths=(16, 64), draws=(8, 8), speed_width=16, samples=200, seeds=3, degrees=(1, 2)
    ),
    run=run,
    checks=checks,
    panels=panels,
)
