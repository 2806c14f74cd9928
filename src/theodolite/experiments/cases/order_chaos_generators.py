"""Generators in order and in chaos: checkerboards in the tangent kernel, borders, and how fast images are learned."""

from dataclasses import dataclass

import numpy as np

from theodolite.architectures import Node
from theodolite.experiments.bench import Bench
from theodolite.experiments.case import Case, Measurement
from theodolite.experiments.check import Check
from theodolite.experiments.config import Config
from theodolite.experiments.generators import REGIMES, generator, latents, one_of_each
from theodolite.experiments.intervals import mean_interval
from theodolite.experiments.key import Key
from theodolite.experiments.panels import Axis, Column, Panel, Series
from theodolite.infinite_width import checkerboards, position_kernels, stride_rates

ORDER, EDGE, CHAOS = REGIMES
SLOWED = ", rates falling"
NOMINAL = ", nominal edges"
MEASURES = ("first_step", "first_step_constant", "same_for_all", "border", "condition", "dominance", "effective_rank")


@dataclass(frozen=True)
class GeneratorsConfig(Config):
    """Some latent inputs for the spectrum; ten digits, one of each, to be learned."""

    layers: int = 4
    inputs: int = 4
    draws: int = 8
    loss: float = 0.1
    decay: float = 0.5
    order_limit: float = 5.0
    chaos_limit: float = 1.3
    slowed_limit: float = 1.7
    border_limit: float = 20.0
    faster_limit: float = 30.0
    slowed_faster_limit: float = 2.5


def run(config: GeneratorsConfig, key: Key, bench: Bench) -> Measurement:
    """The spectrum over (input, position) pairs, and gradient descent on ten digits, for each regime."""
    variants = {name: (name, "graph", 0.0) for name in REGIMES}
    variants |= {f"{name}{SLOWED}": (name, "graph", config.decay) for name in (ORDER, CHAOS)}
    variants[f"{ORDER}{NOMINAL}"] = (ORDER, "nominal", 0.0)
    names = [f"{name}, draw {draw + 1}" for name in variants for draw in range(config.draws)]

    def one(name: str) -> dict[str, np.ndarray]:
        variant, _, draw = name.rpartition(", ")
        regime, edges, decay = variants[variant]
        net = generator(*REGIMES[regime], edges=edges, layers=config.layers)
        rates = stride_rates(net, decay=decay) if decay else None
        rng = key.split("latents", draw).rng()
        found = checkerboards(net, latents(config.inputs, rng), rates=rates)
        measures = np.array([getattr(found, measure) for measure in MEASURES])
        steps = _steps(
            net, rates, latents(10, rng), one_of_each(key.split("digits", draw), 2**config.layers), config.loss
        )
        return {"measures": measures, "steps": np.array(steps), "isotropic": np.array(found.isotropic)}

    parts = bench.each(names, one)
    measures = np.array([part["measures"] for part in parts]).reshape(len(variants), config.draws, -1)
    steps = np.array([part["steps"] for part in parts]).reshape(len(variants), config.draws)
    isotropic = float(parts[0]["isotropic"])
    at = {name: place for place, name in enumerate(variants)}
    arrays: dict[str, np.ndarray] = {
        "variant": np.array(list(variants)),
        "isotropic": np.array([isotropic]),
        "steps": np.median(steps, axis=1),
        **{name: measures[:, :, place].mean(axis=1) for place, name in enumerate(MEASURES)},
    }

    def ratio(name: str, over: str, under: str, values: np.ndarray) -> None:
        mean, half = mean_interval(np.log(values[at[over]] / values[at[under]]))
        arrays[name] = np.array([np.exp(mean), np.exp(mean) * half])

    first, same = measures[:, :, 0], measures[:, :, MEASURES.index("same_for_all")]
    for name, variant in (("edge_share", EDGE), ("chaos_share", CHAOS)):
        arrays[name] = np.array(mean_interval(first[at[variant]] / isotropic))
    ratio("slowed_share", ORDER, f"{ORDER}{SLOWED}", same)
    ratio("nominal_condition", f"{ORDER}{NOMINAL}", ORDER, measures[:, :, MEASURES.index("condition")])
    ratio("faster", ORDER, CHAOS, steps)
    ratio("slowed_faster", ORDER, f"{ORDER}{SLOWED}", steps)
    size = 2**config.layers
    words = (
        f"{config.inputs} latent inputs, {config.draws} draws; ten embedded digits (from scikit-learn) enlarged to "
        f"{size} x {size}, one of each; limiting kernels of generators of {config.layers} layers"
    )
    return Measurement(arrays, {}, words)


def _steps(net: Node, rates: tuple[float, ...] | None, Z: np.ndarray, images: np.ndarray, loss: float) -> float:
    """Steps of gradient descent at one over the largest eigenvalue until the relative loss, averaged over draws of the
    initial function: E |r_t|^2 = sum_i (1 - lambda_i / lambda_max)^(2t) (|u_i y|^2 + u_i' Sigma u_i)."""
    kernels = position_kernels(net, Z, rates=rates)
    eigenvalues, vectors = np.linalg.eigh(kernels.ntk_matrix)
    target = vectors.T @ images.ravel()
    energy = target**2 + np.einsum("ij,ij->j", vectors, kernels.nngp_matrix @ vectors)
    factors = 1 - np.clip(eigenvalues / eigenvalues[-1], 0, 1)

    def left(steps: float) -> float:
        return float(energy @ factors ** (2 * steps) / energy.sum())

    low, high = 0.0, 1.0
    while left(high) > loss and high < 1e9:
        low, high = high, 2 * high
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if left(middle) > loss else (low, middle)
    return high


def checks(config: GeneratorsConfig, measured: Measurement) -> tuple[Check, ...]:
    """Checkerboards in order, none in chaos; what falling rates and counted edges bring; speed."""
    a = measured.arrays
    checkers = "checkerboards in the first step, over their isotropic share, "
    named = (
        (f"{checkers}at the edge", "edge_share", config.order_limit, "at least"),
        (f"{checkers}in chaos", "chaos_share", config.chaos_limit, "at most"),
        (
            "trace common to all inputs, order over order with falling rates",
            "slowed_share",
            config.slowed_limit,
            "at least",
        ),
        ("condition in order, nominal over counted edges", "nominal_condition", config.border_limit, "at least"),
        ("steps to learn ten digits, order over chaos", "faster", config.faster_limit, "at least"),
        ("the same, order over order with falling rates", "slowed_faster", config.slowed_faster_limit, "at least"),
    )
    return tuple(
        Check(name, float(a[array][0]), limit, float(a[array][1]), direction)  # type: ignore[arg-type]
        for name, array, limit, direction in named
    )


def panels(config: GeneratorsConfig, measured: Measurement) -> tuple[Panel, ...]:
    """The spectrum in numbers; shares of the first step."""
    shown = (
        ("checkerboards in the first step", "first_step"),
        ("constants in the first step", "first_step_constant"),
        ("trace common to all inputs", "same_for_all"),
        ("condition number", "condition"),
        ("first over second eigenvalue", "dominance"),
        ("effective rank", "effective_rank"),
        ("largest over smallest diagonal", "border"),
        ("steps for ten digits", "steps"),
    )
    return (
        Panel(
            "spectrum",
            "Tangent kernels of generators",
            "table",
            "In order the kernel prefers what repeats with the strides, the same for all inputs; in chaos it does not.",
            columns=(Column("generator", "variant"), *(Column(title, name, digits=3) for title, name in shown)),
        ),
        Panel(
            "first-step",
            "Share of checkerboards in the first step of training",
            "bars",
            f"White noise as the gradient; without preferred directions {float(measured.arrays['isotropic'][0]):.3f}.",
            Axis("generator"),
            Axis("share of the energy"),
            (Series("checkerboards", "variant", "first_step"), Series("constants", "variant", "first_step_constant")),
        ),
    )


CASE = Case(
    paper="order-chaos",
    name="order-chaos-generators",
    claim="Generators in order learn checkerboards first and the same ones for all inputs; in chaos they do not. "
    "Learning rates that fall with the strides and edges that count their inputs help.",
    source="Jacot, Gabriel, Ged and Hongler (2019), arXiv:1907.05715: abstract, deconvolutional networks; measures, "
    "limits and the exponent of the rates are ours",
    full=GeneratorsConfig(),
    smoke=GeneratorsConfig(layers=3, inputs=2, draws=2),
    run=run,
    checks=checks,
    panels=panels,
)
