"""Trained networks: which layer brought the test error down, degree by degree, and what one layer alone can do."""

import math
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from theodolite.experiments.bench import Bench
from theodolite.experiments.case import Case, Measurement
from theodolite.experiments.check import Check
from theodolite.experiments.config import Config
from theodolite.experiments.intervals import Interval, jackknife_interval, mean_interval
from theodolite.experiments.key import Key
from theodolite.experiments.panels import Axis, Panel, Series
from theodolite.experiments.random_networks import parameters_drawn
from theodolite.experiments.zonal_modes import deep_relu, on_sphere, zonal
from theodolite.finite_width import Network, network
from theodolite.infinite_width import layer_spectra
from theodolite.training_dynamics import LayerAttribution


@dataclass(frozen=True)
class TrainingConfig(Config):
    """A ReLU network learns the sum of harmonics of several degrees on a sphere, by gradient descent."""

    depth: int = 4
    dimension: int = 5
    width: int = 512
    rows: int = 1000
    test_rows: int = 1000
    degrees: tuple[int, ...] = (1, 2, 4)
    rate: float = 0.5
    steps: int = 400
    every: int = 10
    alone_steps: int = 60
    seeds: int = 16
    closure_limit: float = 0.01
    share_limit: float = 0.07


def run(config: TrainingConfig, key: Key, bench: Bench) -> Measurement:
    """Train all layers with a book of who did what, then each layer alone; for several seeds."""
    f = network(deep_relu(config.depth), config.width)
    spectra = layer_spectra(deep_relu(config.depth), config.dimension, max(config.degrees) + 1)
    train, losses = _training(f, config), _losses(f)

    def one(name: str) -> dict[str, np.ndarray]:
        own = key.split(name)
        problem = _problem(f, config, own)
        book = LayerAttribution(losses, problem["start"], problem)
        params = problem["start"]
        for _ in range(config.steps // config.every):
            params = train(params, problem, np.ones(config.depth, np.float32), config.every)
            book.update(params)
        ends = (0, len(config.degrees) - 1)
        alone = [[_learned(f, train, problem, config, row, place) for place in ends] for row in np.eye(config.depth)]
        return {
            "contributions": np.array([book.contributions[layer] for layer in problem["start"]]),
            "start": np.asarray(book.start),
            "end": np.asarray(book.now),
            "alone": np.array(alone, dtype=np.float64),
        }

    parts = bench.each([f"seed {i + 1}" for i in range(config.seeds)], one)
    contributions = np.array([part["contributions"] for part in parts])  # (seeds, layers, 1 + degrees)
    decrease = np.array([part["start"] - part["end"] for part in parts])
    closure = np.abs(contributions.sum(axis=1) - decrease)[:, 0] / np.abs(decrease[:, 0])
    mean, half = jackknife_interval(_shares, contributions[:, :, 1:])
    # a / c = 1 - exp(-rate t): what one layer alone has learned of a target of one degree gives its rate
    rates = -np.log1p(-np.array([part["alone"] for part in parts]))
    ratio = mean_interval(rates[:, :, 1] / rates[:, :, 0])
    arrays: dict[str, np.ndarray] = {
        "layer": np.arange(1.0, config.depth + 1),
        "closure": closure,
        "share": mean,
        "share_half": half,
        "predicted": spectra.share[:, config.degrees],
        "risk": np.array([[part["start"][0], part["end"][0]] for part in parts]),
        "ratio": ratio.mean,
        "ratio_half": ratio.half,
        "ratio_limit": spectra.eigenvalues[:, config.degrees[-1]] / spectra.eigenvalues[:, config.degrees[0]],
        "ratio_steps": np.array(mean_interval(np.diff(rates[:, :, 1] / rates[:, :, 0], axis=1))),
        "first_steps": np.array(jackknife_interval(lambda c: np.diff(_shares(c)[0]), contributions[:, :, 1:])),
        "last_steps": np.array(jackknife_interval(lambda c: np.diff(_shares(c)[-1]), contributions[:, :, 1:])),
    }
    for place, degree in enumerate(config.degrees):
        arrays[f"share{degree}"], arrays[f"half{degree}"] = mean[:, place], half[:, place]
        arrays[f"predicted{degree}"] = arrays["predicted"][:, place]
    words = (
        f"{config.rows} points of a sphere in {config.dimension} dimensions, target of degrees "
        f"{', '.join(map(str, config.degrees))}; ReLU networks of {config.depth} layers, width {config.width}, "
        f"{config.seeds} draws, {config.steps} steps of rate {config.rate:g} (synthetic)"
    )
    return Measurement(arrays, {}, words)


def _shares(contributions: np.ndarray) -> np.ndarray:
    """Contributions (draws, layers, degrees) of all draws together, over their sum: (layers, degrees)."""
    total = contributions.sum(axis=0)
    return total / total.sum(axis=0)


def _learned(f: Network, train: Any, problem: Any, config: TrainingConfig, rates: np.ndarray, place: int) -> float:
    """The part of a target of one degree that training with these relative rates learns, on the test points."""
    own = {**problem, "train": {**problem["train"], "y": problem["train"]["modes"][place]}}
    params = train(own["start"], own, rates.astype(np.float32), config.alone_steps)
    test = own["test"]
    mode = np.asarray(test["modes"][place], dtype=np.float64)
    moved = np.asarray(f.apply(params, test["x"])[:, 0] - test["f0"], dtype=np.float64)
    return float(mode @ moved / (mode @ mode))


def _problem(f: Network, config: TrainingConfig, key: Key) -> dict[str, Any]:
    """Points, harmonics and targets to train and to test on, and the network to start from."""
    pole = np.eye(config.dimension)[0]
    found: dict[str, Any] = {}
    for name, rows in (("train", config.rows), ("test", config.test_rows)):
        points = on_sphere(rows, config.dimension, key.split(name))
        modes = zonal(points, config.degrees, pole)
        found[name] = {"x": points, "modes": modes, "y": modes.sum(axis=0) / math.sqrt(len(config.degrees))}
    drawn = parameters_drawn(f, (config.dimension,), 1, key.split("network").rng(), np.float32)
    found["start"] = jax.tree.map(lambda leaf: jnp.asarray(leaf[0]), drawn)
    found["test"]["f0"], found["train"]["f0"] = (
        f.apply(found["start"], found[name]["x"])[:, 0] for name in ("test", "train")
    )
    return found


def _losses(f: Network) -> Any:
    """The test error, then the errors of the degrees: (1 + degrees,); the function minus where it started."""

    def losses(params: Any, problem: Any) -> jax.Array:
        test = problem["test"]
        moved = f.apply(params, test["x"])[:, 0] - test["f0"]
        wanted, found = test["modes"] @ test["y"] / len(moved), test["modes"] @ moved / len(moved)
        return jnp.concatenate([jnp.mean((moved - test["y"]) ** 2)[None], (found - wanted) ** 2]) / 2

    return losses


def _training(f: Network, config: TrainingConfig) -> Any:
    """Some steps of gradient descent with one relative rate for each layer."""

    def error(params: Any, train: Any) -> jax.Array:
        return jnp.mean((f.apply(params, train["x"])[:, 0] - train["f0"] - train["y"]) ** 2) / 2

    @jax.jit
    def steps(params: Any, problem: Any, rates: jax.Array, count: int) -> Any:
        def step(_: Any, own: Any) -> Any:
            gradient = jax.grad(error)(own, problem["train"])
            return {
                name: jax.tree.map(lambda p, g, r=rate: p - config.rate * r * g, own[name], gradient[name])
                for name, rate in zip(own, rates, strict=True)
            }

        return jax.lax.fori_loop(0, count, step, params)

    return steps


def checks(config: TrainingConfig, measured: Measurement) -> tuple[Check, ...]:
    """The book closes, shares are those of the kernel, first and last layers lean where they should."""
    a = measured.arrays
    off = np.abs(a["share"] - a["predicted"])
    worst = np.unravel_index(int(off.argmax()), off.shape)
    named = (
        ("first layer's share, step from a degree to the next, smallest", Interval(*a["first_steps"]), "at least"),
        ("last layer's share, step from a degree to the next, largest", Interval(*a["last_steps"]), "at most"),
        (
            f"speed of degree {config.degrees[-1]} over degree {config.degrees[0]}, one layer alone, step to the layer "
            "above, largest",
            Interval(*a["ratio_steps"]),
            "at most",
        ),
    )
    leanings = []
    for name, steps, direction in named:
        place = int(steps.mean.argmin() if direction == "at least" else steps.mean.argmax())
        leanings.append(Check(name, float(steps.mean[place]), 0.0, float(steps.half[place]), direction))  # type: ignore[arg-type]
    return (
        Check(
            "|sum of contributions - decrease of the test error| over the decrease, worst seed",
            float(a["closure"].max()),
            config.closure_limit,
            0.0,
            "at most",
            error_means="no randomness",
        ),
        Check(
            "|share of a layer in a degree - predicted share|, worst",
            float(off[worst]),
            config.share_limit,
            float(a["share_half"][worst]),
            "at most",
            note=f"layer {worst[0] + 1}, degree {config.degrees[worst[1]]}",
        ),
        *leanings,
    )


def panels(config: TrainingConfig, measured: Measurement) -> tuple[Panel, ...]:
    """Shares by layer; speeds of one layer alone."""
    return (
        Panel(
            "shares",
            "Share of each layer in the learning of a degree, trained networks",
            "lines",
            "The error of high degrees is brought down by the first layers, as their kernels say.",
            Axis("layer"),
            Axis("share of the decrease"),
            tuple(
                series
                for k in config.degrees
                for series in (
                    Series(
                        f"degree {k}",
                        "layer",
                        f"share{k}",
                        error=f"half{k}",
                        error_means="95 % interval",
                        family=f"k{k}",
                    ),
                    Series(f"degree {k}, predicted", "layer", f"predicted{k}", role="theory", family=f"k{k}"),
                )
            ),
        ),
        Panel(
            "alone",
            f"Speed of degree {config.degrees[-1]} over degree {config.degrees[0]} when one layer is trained alone",
            "lines",
            "The lower the layer, the better it learns high frequencies.",
            Axis("layer trained"),
            Axis("ratio of speeds", log=True),
            (
                Series("measured", "layer", "ratio", error="ratio_half", error_means="95 % interval", family="r"),
                Series("ratio of eigenvalues", "layer", "ratio_limit", role="theory", family="r"),
            ),
        ),
    )


CASE = Case(
    paper="layers",
    name="layers-training",
    claim="In trained networks the first layers bring down the error of high degrees and the last layer that of low "
    "ones, in the shares that the spectra of their kernels predict.",
    source="Dandi and Jacot (2021), arXiv:2111.03972: abstract; experiment, measure and limits are ours",
    full=TrainingConfig(),
    smoke=TrainingConfig(
        depth=3, width=16, rows=60, test_rows=60, degrees=(1, 2), steps=8, every=4, alone_steps=4, seeds=2
    ),
    run=run,
    checks=checks,
    panels=panels,
)
