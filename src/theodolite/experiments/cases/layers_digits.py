"""The share of each layer in the eigenvectors of the tangent kernel of real images."""

from dataclasses import dataclass

import numpy as np

from theodolite.experiments.bench import Bench
from theodolite.experiments.case import Case, Measurement
from theodolite.experiments.check import Check
from theodolite.experiments.config import Config
from theodolite.experiments.intervals import mean_interval
from theodolite.experiments.key import Key
from theodolite.experiments.panels import Axis, Panel, Series
from theodolite.experiments.real_data import load
from theodolite.experiments.zonal_modes import deep_relu
from theodolite.infinite_width import gram_layer_share


@dataclass(frozen=True)
class DigitsConfig(Config):
    """Digits, centred and of unit norm; eigenvectors in bins by their place; several draws of the rows."""

    rows: int = 900
    draws: int = 8
    depth: int = 4
    edges: tuple[int, ...] = (0, 10, 50, 200, 500, 890)


def run(config: DigitsConfig, key: Key, bench: Bench) -> Measurement:
    """Mean share of each layer in each bin, for each draw."""
    inputs = load("digits parity", key).inputs

    def draw(name: str) -> dict[str, np.ndarray]:
        rows = key.split("rows", name).rng().choice(len(inputs), config.rows, replace=False)
        X = inputs[rows] - inputs[rows].mean(0)
        X /= np.linalg.norm(X, axis=1, keepdims=True)
        return {"share": gram_layer_share(deep_relu(config.depth), X).binned(config.edges)}

    shares = np.array([part["share"] for part in bench.each([f"draw {i + 1}" for i in range(config.draws)], draw)])
    mean, half = mean_interval(shares)
    step, step_half = mean_interval(np.diff(shares, axis=2))
    arrays: dict[str, np.ndarray] = {
        "bin": np.sqrt(np.maximum(config.edges[:-1], 1.0) * np.array(config.edges[1:])),
        "share": mean,
        "step": step,
        "step_half": step_half,
    }
    for layer in range(config.depth):
        arrays[f"share{layer + 1}"], arrays[f"half{layer + 1}"] = mean[layer], half[layer]
    words = f"{config.rows} embedded digits (8 x 8 pixels, from scikit-learn), {config.draws} draws of the rows"
    return Measurement(arrays, {}, words)


def checks(config: DigitsConfig, measured: Measurement) -> tuple[Check, ...]:
    """The first layer's share rises from bin to bin, the last layer's falls."""
    step, half = measured.arrays["step"], measured.arrays["step_half"]
    first, last = int(step[0].argmin()), int(step[-1].argmax())
    bins = [f"eigenvectors {a}-{b}" for a, b in zip(config.edges[:-1], config.edges[1:], strict=True)]
    return (
        Check(
            "step of the first layer's share from a bin to the next, smallest",
            float(step[0, first]),
            0.0,
            float(half[0, first]),
            "at least",
            note=f"to {bins[first + 1]}",
        ),
        Check(
            "step of the last layer's share from a bin to the next, largest",
            float(step[-1, last]),
            0.0,
            float(half[-1, last]),
            "at most",
            note=f"to {bins[last + 1]}",
        ),
    )


def panels(config: DigitsConfig, measured: Measurement) -> tuple[Panel, ...]:
    """Shares over the place of the eigenvector."""
    series = tuple(
        Series(f"layer {n}", "bin", f"share{n}", error=f"half{n}", error_means="95 % interval")
        for n in range(1, config.depth + 1)
    )
    return (
        Panel(
            "shares",
            "Share of each layer in the eigenvectors of the tangent kernel on digits",
            "lines",
            "On images too, the first layers learn what the kernel learns late.",
            Axis("place of the eigenvector", log=True),
            Axis("share of the eigenvalue"),
            series,
        ),
    )


CASE = Case(
    paper="layers",
    name="layers-digits",
    claim="On real images the share of the first layer grows, and that of the last layer falls, from the leading to "
    "the trailing eigenvectors of the tangent kernel.",
    source="Dandi and Jacot (2021), arXiv:2111.03972: experiments on high-dimensional data; set and measure are ours",
    full=DigitsConfig(),
    smoke=DigitsConfig(rows=100, draws=2, edges=(0, 10, 50, 90)),
    run=run,
    checks=checks,
    panels=panels,
)
