"""Generators that imitate digits or textures: an ordered one collapses, a chaotic one does not; batch normalisation."""
# longer than most files: a case is one claim in one file, and this one trains its networks itself

import math
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from theodolite.architectures import Activation, BatchNorm, Node, Serial, nodes_of
from theodolite.experiments.bench import Bench
from theodolite.experiments.case import Case, Measurement
from theodolite.experiments.check import Check
from theodolite.experiments.config import Config
from theodolite.experiments.generators import (
    LATENT,
    REGIMES,
    TEXTURES,
    digit_images,
    generator,
    latents,
    texture_images,
)
from theodolite.experiments.intervals import mean_interval
from theodolite.experiments.key import Key
from theodolite.experiments.panels import Axis, Column, Field, Panel
from theodolite.experiments.random_networks import HURRIED, parameters_drawn
from theodolite.experiments.stages import Stages
from theodolite.finite_width import Network, network
from theodolite.infinite_width import position_kernels
from theodolite.infinite_width.generators.periods import checkerboard_part, periodic_part

ORDER, EDGE, CHAOS = REGIMES
NORMED = "order, beta 0.5, batch norm"
VARIANTS = (ORDER, EDGE, CHAOS, NORMED)
EVERY = 100  # steps between checkpoints
DIGITS_VARIED = 0.72  # share of the digits' energy that varies over positions
Critic = list[tuple[jax.Array, jax.Array]]
MEASURES = ("diversity", "varied", "checker", "mean_error")


@dataclass(frozen=True)
class GanConfig(Config):
    """A generator of infinitely wide limit, trained by plain gradient descent at one rate over its kernel's diagonal,
    against a discriminator of three convolutions trained by Adam, on the embedded digits, 2^layers pixels wide, or on
    textures from a data folder; limits on `varied` are then multiplied by theirs over the digits'."""

    variants: tuple[str, ...] = VARIANTS
    layers: int = 4
    channels: int = 24
    critic: tuple[int, ...] = (16, 32, 32)
    batch: int = 24
    steps: int = 1000
    seeds: int = 3
    gain: float = 8.0
    critic_rate: float = 5e-4
    penalty: float = 0.05
    samples: int = 96
    shown: int = 4
    start_seeds: int = 10
    collapsed_limit: float = 0.1
    off_limit: float = 5.0
    diverse_low: float = 0.6
    diverse_high: float = 1.5
    varied_low: float = 0.6
    varied_high: float = 0.85
    checker_limit: float = 3.0
    mean_limit: float = 0.2
    start_limit: float = 3.0


def run(config: GanConfig, key: Key, bench: Bench) -> Measurement:
    """Train each variant from several seeds; measure samples, and those of untrained generators."""
    data, called, textures = _images(config, bench)
    jobs = {f"{variant}, seed {seed + 1}": variant for variant in config.variants for seed in range(config.seeds)}

    def one(name: str) -> dict[str, np.ndarray]:
        return _trained(config, jobs[name], data, key.split(name), Stages(bench.parts, name))

    parts = bench.each(list(jobs), one)
    rows = np.array([part["measures"] for part in parts]).reshape(len(config.variants), config.seeds, len(MEASURES))
    arrays: dict[str, np.ndarray] = {"variant": np.array(config.variants), "rows": rows}
    for place, measure in enumerate(MEASURES):
        arrays[measure] = rows[:, :, place].mean(axis=1)
        arrays[f"{measure}_each"] = np.array([", ".join(f"{one:.3g}" for one in row) for row in rows[:, :, place]])
    for place in range(len(config.variants)):
        sheet = parts[place * config.seeds]["sheet"]
        arrays[f"sheet{place}"] = sheet
        arrays.setdefault("sheet_x", np.arange(sheet.shape[1], dtype=float))
        arrays.setdefault("sheet_y", np.arange(sheet.shape[0], dtype=float))
    own = _measured(data[: config.samples].astype(np.float64), data)
    arrays["data"] = own
    arrays["start"] = np.array(
        [
            [_start_checker(config, variant, key.split("start", seed)) for seed in range(config.start_seeds)]
            for variant in (ORDER, CHAOS)
        ]
    )
    words = (
        f"{called}, {2**config.layers} pixels wide; generators of "
        f"{config.layers} layers, {config.channels} channels, {config.steps} steps of {config.batch} images, "
        f"{config.seeds} seeds"
    )
    return Measurement(arrays, {"varied_unit": own[1] / DIGITS_VARIED if textures else 1.0}, words)


def _images(config: GanConfig, bench: Bench) -> tuple[np.ndarray, str, bool]:
    """Textures of the data folder, all files of them, or else the embedded digits; what they are; whether textures."""
    size = 2**config.layers
    found = [] if bench.data_folder is None else sorted(bench.data_folder.glob(TEXTURES))
    if not found:
        digits = digit_images(size)[0].astype(np.float32)
        return digits, f"{len(digits)} embedded digits (from scikit-learn)", False
    textures = np.concatenate([texture_images(path, size) for path in found]).astype(np.float32)
    np.random.default_rng(0).shuffle(textures)
    return textures, f"{len(textures)} textures ({', '.join(path.name for path in found)})", True


def _net(variant: str, layers: int) -> Node:
    """The generator of a variant; batch normalisation after each activation where it is asked for."""
    if variant != NORMED:
        return generator(*REGIMES[variant], layers=layers)
    pairs = [
        (node, BatchNorm()) if isinstance(node, Activation) else (node,)
        for node in nodes_of(generator(*REGIMES[ORDER], layers=layers))
    ]
    return Serial(tuple(part for pair in pairs for part in pair))


@lru_cache(maxsize=8)
def _rate(variant: str, layers: int) -> float:
    """One over the diagonal of the tangent kernel, so that all have one trace; batch norm takes that of its order."""
    net = generator(*REGIMES[ORDER if variant == NORMED else variant], layers=layers)
    return 1.0 / float(position_kernels(net, latents(1, np.random.default_rng(0))).ntk_matrix[0, 0])


def _trained(config: GanConfig, variant: str, data: np.ndarray, key: Key, stages: Stages) -> dict[str, np.ndarray]:
    f = network(_net(variant, config.layers), config.channels)
    draw = parameters_drawn(f, (LATENT,), 1, key.split("generator").rng(), np.float32)
    params = jax.tree.map(lambda leaf: jnp.asarray(leaf[0]), draw)
    critic = _critic(config, key.split("critic").rng())
    rng, rate = key.split("batches").rng(), config.gain * _rate(variant, config.layers)
    steps, start = _training(f, config.critic_rate, config.penalty)
    chunk = min(EVERY, max(config.steps // 4, 1))
    done, state = stages.restored((params, critic, start(critic)))
    for stage in range(config.steps // chunk):
        noise = np.array([latents(2 * config.batch, rng) for _ in range(chunk)], dtype=np.float32)
        images = data[rng.integers(len(data), size=(chunk, config.batch))]
        if stage >= done:  # earlier ones are drawn again, and not trained on, so that the later ones are the same
            state = steps(state, noise, images, np.float32(rate))
            stages.keep(stage + 1, state)
    Z = latents(config.samples, key.split("samples").rng()).astype(np.float32)
    drawn = _drawn(f, state[0], Z)
    size, side = drawn.shape[1], config.shown
    sheet = drawn[: side * side].reshape(side, side, size, size).transpose(0, 2, 1, 3).reshape(2 * (side * size,))
    return {"measures": _measured(drawn, data), "sheet": np.clip(sheet, -1.5, 1.5)[::-1]}


@lru_cache(maxsize=8)
def _training(f: Network, critic_rate: float, penalty: float) -> Any:
    """(many steps, the optimiser's start): the critic by the logistic loss and a penalty on its gradient at real
    images, then the generator; compiled once for each generator."""
    optimiser = optax.adam(critic_rate, b1=0.0, b2=0.99)

    def critic_loss(critic: Any, real: jax.Array, made: jax.Array) -> jax.Array:
        slope = jax.grad(lambda images: _judge(critic, images).sum())(real)
        squares = (slope**2).sum(axis=(1, 2)).mean()
        return (
            jax.nn.softplus(-_judge(critic, real)) + jax.nn.softplus(_judge(critic, made))
        ).mean() + penalty * squares

    def step(state: Any, given: Any) -> tuple[Any, None]:
        params, critic, inner = state
        noise, images, rate = given
        first, second = jnp.split(noise, 2)
        gradient = jax.grad(critic_loss)(critic, images, f.apply(params, first)[..., 0])
        updates, inner = optimiser.update(gradient, inner, critic)
        moved: Any = optax.apply_updates(critic, updates)
        slope = jax.grad(lambda p: jax.nn.softplus(-_judge(moved, f.apply(p, second)[..., 0])).mean())(params)
        return (jax.tree.map(lambda p, g: p - rate * g, params, slope), moved, inner), None

    @jax.jit
    def steps(state: Any, noise: jax.Array, images: jax.Array, rate: jax.Array) -> Any:
        return jax.lax.scan(step, state, (noise, images, jnp.full(len(noise), rate)))[0]

    return steps, optimiser.init


def _drawn(f: Network, params: Any, Z: np.ndarray) -> np.ndarray:
    return np.asarray(_compiled(f)(params, Z)[..., 0], dtype=np.float64)


@lru_cache(maxsize=8)
def _compiled(f: Network) -> Any:
    return jax.jit(f.apply, compiler_options=HURRIED)


def _critic(config: GanConfig, rng: np.random.Generator) -> Critic:
    """Weights N(0, 1 / fan-in) of the convolutions, 4 x 4, and of the last sum; biases that start at zero."""
    channels, pixels = (1, *config.critic), 4 ** (config.layers - len(config.critic))
    shapes = [*((4, 4, a, b) for a, b in pairwise(channels)), (pixels * channels[-1],)]
    draw = [rng.standard_normal(shape) / math.sqrt(math.prod(shape[:3])) for shape in shapes]
    biases = [np.zeros(shape[3:]) for shape in shapes]
    return [(jnp.asarray(weight, jnp.float32), jnp.asarray(bias, jnp.float32)) for weight, bias in zip(draw, biases)]


def _judge(critic: Critic, images: jax.Array) -> jax.Array:
    """The logit of being real, (n,)."""
    h = images[..., None]
    for weight, bias in critic[:-1]:
        h = jax.lax.conv_general_dilated(h, weight, (2, 2), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC"))
        h = 1.4 * jax.nn.leaky_relu(h + bias, 0.2)
    weight, bias = critic[-1]
    return h.reshape(len(images), -1) @ weight + bias


def _measured(drawn: np.ndarray, data: np.ndarray) -> np.ndarray:
    """Variance over samples and distance of the mean image, over the data's variance; share of the energy that varies
    over positions, and the share of that in checkerboards of period 4."""
    variance = float(data.var(axis=0).mean())
    varied = drawn - periodic_part(drawn, (1, 1))
    energy = float((varied**2).sum())
    return np.array(
        [
            drawn.var(axis=0).mean() / variance,
            energy / float((drawn**2).sum()),
            float((checkerboard_part(drawn, (4, 4)) ** 2).sum()) / energy,
            float(((drawn.mean(axis=0) - data.mean(axis=0)) ** 2).mean()) / variance,
        ]
    )


def _start_checker(config: GanConfig, variant: str, key: Key) -> float:
    """The share of checkerboards in what an untrained generator draws, constants left out."""
    f = network(_net(variant, config.layers), config.channels)
    draw = parameters_drawn(f, (LATENT,), 1, key.split("generator").rng(), np.float32)
    params = jax.tree.map(lambda leaf: leaf[0], draw)
    Z = latents(config.samples, key.split("samples").rng()).astype(np.float32)
    drawn = _drawn(f, params, Z)
    return float(_measured(drawn, drawn)[2])


def checks(config: GanConfig, measured: Measurement) -> tuple[Check, ...]:
    """The ordered generator collapses, the chaotic one matches the data; checkerboards before training."""
    a = measured.arrays
    at = {name: place for place, name in enumerate(config.variants)}

    def seeds(variant: str, measure: str, low: float, high: float, unit: float = 1.0) -> float:
        values = a["rows"][at[variant], :, MEASURES.index(measure)] / unit
        return float(((values >= low) & (values <= high)).sum())

    mean, half = mean_interval(np.log(a["start"][0] / a["start"][1]))
    checker, unit = float(a["data"][MEASURES.index("checker")]), measured.scalars.get("varied_unit", 1.0)
    low, high = config.varied_low * unit, min(config.varied_high * unit, 1.0)
    c, none = config, math.inf
    spread, away = "of the data's diversity", "the mean image, distance over the data's variance"
    wanted = (
        (ORDER, f"at most {c.collapsed_limit:g} {spread}", "diversity", 0.0, c.collapsed_limit, 1.0),
        (ORDER, f"{away}, at least {c.off_limit:g}", "mean_error", c.off_limit, none, 1.0),
        (CHAOS, f"{c.diverse_low:g} to {c.diverse_high:g} {spread}", "diversity", c.diverse_low, c.diverse_high, 1.0),
        (
            CHAOS,
            f"{low:.3g} to {high:.3g} of the energy varying over positions",
            "varied",
            low,
            high,
            1.0,
        ),
        (
            CHAOS,
            f"at most {c.checker_limit:g} times the data's checkerboards",
            "checker",
            0.0,
            c.checker_limit,
            checker,
        ),
        (CHAOS, f"{away}, at most {c.mean_limit:g}", "mean_error", 0.0, c.mean_limit, 1.0),
    )
    return (
        *(
            Check(
                f"{variant}: seeds with {words}",
                seeds(variant, measure, low, high, unit),
                config.seeds,
                0.0,
                "at least",
            )
            for variant, words, measure, low, high, unit in wanted
        ),
        Check(
            "checkerboards drawn before training, order over chaos",
            float(np.exp(mean)),
            config.start_limit,
            float(np.exp(mean) * half),
            "at least",
        ),
    )


def panels(config: GanConfig, measured: Measurement) -> tuple[Panel, ...]:
    """Measures by variant and seed; a sheet of samples for each variant."""
    names = ("diversity", "energy that varies", "checkerboards", "distance of the mean image")
    columns = tuple(Column(title, f"{name}_each") for title, name in zip(names, MEASURES, strict=True))
    sheets = tuple(
        Panel(
            f"sheet-{place}",
            f"Samples: {variant}",
            "heatmap",
            "Sixteen images that the trained generator draws, first seed.",
            Axis("column", "pixels"),
            Axis("row, from below", "pixels"),
            field=Field("sheet_x", "sheet_y", f"sheet{place}", Axis("grey value")),
        )
        for place, variant in enumerate(config.variants)
    )
    table = Panel(
        "measures",
        "Trained generators, each seed",
        "table",
        "At one rate over the kernel's diagonal the ordered generator collapses and the chaotic one does not.",
        columns=(Column("generator", "variant"), *columns),
    )
    return (table, *sheets)


CASE = Case(
    paper="order-chaos",
    name="order-chaos-gan",
    claim="Trained against a discriminator, a generator in order collapses to one image, and one with normalised "
    "activations, in chaos, does not, without batch normalisation.",
    source="Jacot, Gabriel, Ged and Hongler (2019), arXiv:1907.05715: abstract (deep generators on faces); networks, "
    "data and rates are small ones of ours, and one rate was chosen to show the collapse",
    full=GanConfig(),
    smoke=GanConfig(
        variants=(ORDER, CHAOS),
        layers=2,
        channels=4,
        critic=(4, 4),
        batch=4,
        steps=4,
        seeds=2,
        samples=16,
        start_seeds=2,
    ),
    run=run,
    checks=checks,
    panels=panels,
    reads=(TEXTURES,),
)
