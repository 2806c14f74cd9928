"""LayerNorm after the activation makes a network of finite width behave as one with the normalised activation."""

from dataclasses import dataclass

import numpy as np

from theodolite.architectures import Relu, Serial, balanced
from theodolite.experiments.bench import Arrays, Bench
from theodolite.experiments.case import Case, Measurement
from theodolite.experiments.check import Check
from theodolite.experiments.config import Config
from theodolite.experiments.intervals import Interval, jackknife_interval, mean_interval
from theodolite.experiments.key import Key
from theodolite.experiments.panels import Axis, Panel, Series
from theodolite.experiments.random_networks import kernel_grams, with_layer_norm
from theodolite.infinite_width import ntk

DIAGONAL = 7.6243520988  # (1 - r^4) / (1 - r), r = 0.99 pi / (pi - 1), from an implementation that shares no code


@dataclass(frozen=True)
class LayerNormConfig(Config):
    """Balanced ReLU networks with LayerNorm after each activation; inputs on the sphere of squared norm `dimension`.

    `allowance` times the largest kernel value over the width is the bias allowed to networks of finite width.
    """

    depth: int = 4
    beta: float = 0.1
    dimension: int = 4
    points: int = 5
    widths: tuple[int, ...] = (50, 200, 800)
    judged_from: int = 200
    draws: int = 200
    draws_a_part: int = 50
    z_limit: float = 4.5
    allowance: float = 1.5
    near_limit: float = 0.1
    far_limit: float = 0.5
    diagonal_limit: float = 1e-9


def run(config: LayerNormConfig, key: Key, bench: Bench) -> Measurement:
    """Tangent kernels of networks with LayerNorm; limits for normalised and for standardised ReLU beside."""
    points = _points(config, key)
    jobs = {
        f"width {width}, part {part + 1} of {config.draws // config.draws_a_part}": width
        for width in config.widths
        for part in range(config.draws // config.draws_a_part)
    }
    net = with_layer_norm(balanced(Relu(), config.depth, config.beta))
    inputs = points.astype(np.float32)
    parts = bench.each(
        list(jobs), lambda name: {"grams": kernel_grams(net, jobs[name], inputs, config.draws_a_part, key.split(name))}
    )
    upper = np.triu_indices(config.points)
    limits = {name: ntk(net)(points) for name, net in _limits(config).items()}
    arrays: Arrays = {
        "widths": np.array(config.widths, dtype=float),
        "pair": np.arange(1.0, len(upper[0]) + 1),
        "diagonal": np.diag(limits["normalised"]),
        **{name: gram[upper] for name, gram in limits.items()},
    }
    rows = []
    for width in config.widths:
        grams = np.concatenate([part["grams"] for part, own in zip(parts, jobs.values(), strict=True) if own == width])
        mean, half = mean_interval(grams[:, *upper])
        arrays[f"mean{width}"], arrays[f"half{width}"] = mean, half
        error = grams[:, *upper].std(0, ddof=1) / np.sqrt(len(grams))
        allowed = config.allowance * limits["normalised"].max() / width
        beyond = np.maximum(np.abs(mean - arrays["normalised"]) - allowed, 0.0)
        distances = [distance(grams, limits[name]) for name in ("normalised", "standardised")]
        rows.append([(beyond / error).max(), *(float(value) for one in distances for value in one)])
    for name, values in zip(("z", "near", "near_half", "far", "far_half"), np.array(rows).T, strict=True):
        arrays[name] = values
    arrays["near_limit"] = np.full(len(config.widths), config.near_limit)
    words = (
        f"{config.points} points on the sphere of squared norm {config.dimension} in {config.dimension} dimensions, "
        f"{config.draws} networks of each width (synthetic)"
    )
    return Measurement(arrays, {}, words)


def checks(config: LayerNormConfig, measured: Measurement) -> tuple[Check, ...]:
    """Near the normalised kernel, far from the standardised one, at every width judged."""
    a, found = measured.arrays, []
    for row, width in enumerate(config.widths):
        if width < config.judged_from:
            continue
        found += [
            Check(
                f"|mean - kernel of normalised ReLU| above {config.allowance:g} / width of the largest value, "
                f"worst pair, width {width}",
                float(a["z"][row]),
                config.z_limit,
                0.0,
                "at most",
                error_means="in standard errors already",
                unit="standard errors",
            ),
            Check(
                f"relative distance of the mean kernel from that of normalised ReLU, width {width}",
                float(a["near"][row]),
                config.near_limit,
                float(a["near_half"][row]),
                "at most",
            ),
            Check(
                f"relative distance of the mean kernel from that of standardised ReLU, width {width}",
                float(a["far"][row]),
                config.far_limit,
                float(a["far_half"][row]),
                "at least",
            ),
        ]
    return (
        *found,
        Check(
            "|diagonal of the kernel of normalised ReLU - value of another implementation|",
            float(np.abs(a["diagonal"] - DIAGONAL).max()),
            config.diagonal_limit,
            0.0,
            "at most",
            error_means="no randomness",
            note=f"{DIAGONAL}",
        ),
    )


def panels(config: LayerNormConfig, measured: Measurement) -> tuple[Panel, ...]:
    """Distances over the width, and the entries of the widest networks."""
    interval, widest = "95 % interval", config.widths[-1]
    return (
        Panel(
            "distance",
            "Distance of the mean kernel with LayerNorm from two limits",
            "lines",
            "LayerNorm after the activation leads to the kernel of the normalised activation, not of the standardised "
            "one.",
            Axis("width", log=True),
            Axis("relative Frobenius distance", log=True),
            (
                Series("from normalised ReLU", "widths", "near", error="near_half", error_means=interval),
                Series("from standardised ReLU", "widths", "far", error="far_half", error_means=interval),
                Series("limit of the check", "widths", "near_limit", role="guide"),
            ),
        ),
        Panel(
            "entries",
            f"Kernel of each pair of points, width {widest}",
            "scatter",
            "Pair by pair, the mean kernel with LayerNorm lies on the kernel of normalised ReLU.",
            Axis("pair of points"),
            Axis("tangent kernel"),
            (
                Series("LayerNorm, mean", "pair", f"mean{widest}", error=f"half{widest}", error_means=interval),
                Series("normalised ReLU", "pair", "normalised", role="theory"),
                Series("standardised ReLU", "pair", "standardised", role="theory"),
            ),
        ),
    )


def distance(grams: np.ndarray, limit: np.ndarray) -> Interval:
    """|mean - limit| / |limit|, Frobenius, of grams (draws, n, n), with the interval by leaving each draw out."""

    def relative(drawn: np.ndarray) -> float:
        return float(np.linalg.norm(drawn.mean(0) - limit) / np.linalg.norm(limit))

    return jackknife_interval(relative, grams)


def _limits(config: LayerNormConfig) -> dict[str, Serial]:
    kinds = {"normalised": Relu().normalised(), "standardised": Relu().standardised()}
    return {name: balanced(activation, config.depth, config.beta) for name, activation in kinds.items()}


def _points(config: LayerNormConfig, key: Key) -> np.ndarray:
    points = key.split("points").rng().standard_normal((config.points, config.dimension))
    return np.sqrt(config.dimension) * points / np.linalg.norm(points, axis=1, keepdims=True)


CASE = Case(
    paper="order-chaos",
    name="order-chaos-layer-norm",
    claim="LayerNorm after the activation acts on the tangent kernel of wide networks as normalising the activation "
    "does.",
    source="Jacot, Gabriel, Ged and Hongler (2019), arXiv:1907.05715: normalisation; the limit as derived here",
    full=LayerNormConfig(),
    smoke=LayerNormConfig(points=3, widths=(16, 32), judged_from=32, draws=8, draws_a_part=4),
    run=run,
    checks=checks,
    panels=panels,
)
