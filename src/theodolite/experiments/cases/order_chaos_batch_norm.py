"""BatchNorm after the last activation leaves the constant mode of the tangent kernel to the last bias alone."""

from dataclasses import dataclass

import jax
import numpy as np

from theodolite.architectures import Activation, BatchNorm, Relu, Serial, Tanh, balanced
from theodolite.experiments.bench import Arrays, Bench
from theodolite.experiments.case import Case, Measurement
from theodolite.experiments.check import Check
from theodolite.experiments.config import Config
from theodolite.experiments.intervals import mean_interval
from theodolite.experiments.key import Key
from theodolite.experiments.panels import Axis, Panel, Series
from theodolite.experiments.random_networks import kernel_grams

ACTIVATIONS: dict[str, Activation] = {"standardised relu": Relu().standardised(), "tanh": Tanh()}


@dataclass(frozen=True)
class BatchNormConfig(Config):
    """Balanced networks of one width on one batch; the constant mode is the mean of all entries of the kernel.

    Without BatchNorm the constant mode of `shown`, the first activation at its largest depth, is to exceed
    `factor` beta^2.
    """

    activations: tuple[str, ...] = ("standardised relu", "tanh")
    depths: tuple[int, ...] = (2, 4)
    betas: tuple[float, ...] = (0.0, 0.1, 0.5)
    rows: int = 12
    dimension: int = 4
    width: int = 64
    draws: int = 20
    identity_limit: float = 1e-10
    factor: float = 3.0


def run(config: BatchNormConfig, key: Key, bench: Bench) -> Measurement:
    """Constant modes with and without BatchNorm, in float64."""
    cells = {
        f"{activation}, {depth} layers, beta {beta:g}": (activation, depth, beta)
        for activation in config.activations
        for depth in config.depths
        for beta in config.betas
    }
    points = key.split("points").rng().standard_normal((config.rows, config.dimension))
    parts = bench.each(list(cells), lambda name: constant_modes(config, *cells[name], points, key.split(name)))
    arrays: Arrays = {
        "cell": np.array(list(cells)),
        "beta": np.array([beta for *_, beta in cells.values()]),
        "layers": np.array([depth for _, depth, _ in cells.values()]),
    }
    for name in ("with", "without"):
        arrays[f"{name}_draws"] = np.array([part[name] for part in parts])
        arrays[name], arrays[f"{name}_half"] = mean_interval(arrays[f"{name}_draws"], axis=1)
    arrays["theory"] = arrays["beta"] ** 2
    words = (
        f"{config.rows} Gaussian inputs in {config.dimension} dimensions, {config.draws} networks of width "
        f"{config.width} each (synthetic)"
    )
    return Measurement(arrays, {}, words)


def checks(config: BatchNormConfig, measured: Measurement) -> tuple[Check, ...]:
    """The identity in every configuration; without BatchNorm the constant mode is larger."""
    a = measured.arrays
    identity = tuple(
        Check(
            f"|constant mode - beta^2| with BatchNorm, worst network, {name}",
            float(np.abs(values - beta**2).max()),
            config.identity_limit,
            0.0,
            "at most",
            error_means="no randomness",
            note="an identity for any parameters, up to round-off",
        )
        for name, beta, values in zip(a["cell"], a["beta"], a["with_draws"], strict=True)
    )
    first, deepest = config.activations[0], config.depths[-1]
    control = tuple(
        Check(
            f"constant mode - {config.factor:g} beta^2 without BatchNorm, {name}",
            float(a["without"][row] - config.factor * a["beta"][row] ** 2),
            0.0,
            float(a["without_half"][row]),
            "at least",
        )
        for row, name in enumerate(a["cell"])
        if str(name).startswith(f"{first}, {deepest} layers")
    )
    return (*identity, *control)


def panels(config: BatchNormConfig, measured: Measurement) -> tuple[Panel, ...]:
    """Constant modes with and without BatchNorm against beta^2."""
    return (
        Panel(
            "modes",
            "Constant mode of the tangent kernel on one batch",
            "bars",
            "With BatchNorm after the last activation the mean of all kernel entries is beta^2, whatever the "
            "parameters; without, it is larger.",
            Axis("network"),
            Axis("mean of all entries of the tangent kernel"),
            (
                Series("without BatchNorm", "cell", "without", error="without_half", error_means="95 % interval"),
                Series("with BatchNorm", "cell", "with", error="with_half", error_means="95 % interval"),
                Series("beta^2", "cell", "theory", role="theory"),
            ),
        ),
    )


def before_last(net: Serial) -> Serial:
    """The network with BatchNorm before its last layer, that is after its last activation.

    >>> before_last(balanced(Relu(), depth=2))
    Dense() >> Relu() >> BatchNorm() >> Dense()
    """
    return Serial((*net.nodes[:-1], BatchNorm(), net.nodes[-1]))


def constant_modes(
    config: BatchNormConfig, activation: str, depth: int, beta: float, points: np.ndarray, key: Key
) -> Arrays:
    """Means of all entries of the tangent kernel, one a network: (draws,) with and without BatchNorm."""
    net = balanced(ACTIVATIONS[activation], depth, beta)
    with jax.enable_x64(True):
        return {
            name: kernel_grams(own, config.width, points, config.draws, key).mean((1, 2))
            for name, own in (("with", before_last(net)), ("without", net))
        }


CASE = Case(
    paper="order-chaos",
    name="order-chaos-batch-norm",
    claim="With BatchNorm after the last activation the constant mode of the tangent kernel on the batch is beta^2 for "
    "any parameters, width and depth; without it the constant mode is larger.",
    source="Jacot, Gabriel, Ged and Hongler (2019), arXiv:1907.05715: normalisation; the identity as derived here",
    full=BatchNormConfig(),
    smoke=BatchNormConfig(activations=("standardised relu",), depths=(2,), betas=(0.0, 0.1), rows=4, width=8, draws=3),
    run=run,
    checks=checks,
    panels=panels,
)
