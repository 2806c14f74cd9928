"""Which tangent kernels are positive definite on the sphere: ranks of Gram matrices and spectra of degrees."""

from dataclasses import dataclass

import numpy as np

from theodolite.architectures import (
    Abs,
    Activation,
    Cos,
    Elu,
    Erf,
    Gaussian,
    Gelu,
    LeakyRelu,
    Monomial,
    Relu,
    Sigmoid,
    Sin,
    Softplus,
    Swish,
    Tanh,
    plain,
)
from theodolite.experiments.bench import Arrays, Bench
from theodolite.experiments.case import Case, Measurement
from theodolite.experiments.check import Check
from theodolite.experiments.config import Config
from theodolite.experiments.intervals import mean_interval
from theodolite.experiments.key import Key
from theodolite.experiments.panels import Axis, Column, Panel, Series
from theodolite.infinite_width import definiteness, ntk

ACTIVATIONS: dict[str, Activation] = {
    "relu": Relu(), "leaky relu": LeakyRelu(), "abs": Abs(), "elu": Elu(), "erf": Erf(), "tanh": Tanh(), "sin": Sin(),
    "cos": Cos(), "gelu": Gelu(), "swish": Swish(), "softplus": Softplus(), "sigmoid": Sigmoid(),
    "gaussian": Gaussian(), "square": Monomial(2), "cube": Monomial(3),
}  # fmt: skip


@dataclass(frozen=True)
class DefinitenessConfig(Config):
    """`ranks`: activation, layers, beta and the rank to expect of `pairs` random pairs of opposite points on S^2.

    Even or odd kernels see half of the points; ReLU without bias sees even functions and the 3 linear ones; a
    polynomial of degree k sees the spherical harmonics up to degree k, 1 + 3 + 5 + ... of them.
    """

    pairs: int = 12
    draws: int = 20
    tolerance: float = 1e-9
    ranks: tuple[tuple[str, int, float, int], ...] = (
        ("relu", 2, 0.0, 15),
        ("relu", 2, 0.1, 24),
        ("relu", 3, 0.0, 24),
        ("erf", 2, 0.0, 12),
        ("erf", 3, 0.0, 12),
        ("erf", 2, 0.1, 24),
        ("cos", 2, 0.0, 12),
        ("abs", 2, 0.0, 12),
        ("abs", 2, 0.1, 24),
        ("square", 2, 0.1, 9),
        ("cube", 2, 0.1, 16),
    )
    activations: tuple[str, ...] = (
        "relu", "leaky relu", "abs", "elu", "erf", "tanh", "sin", "cos", "gelu", "swish", "softplus", "sigmoid",
        "gaussian",
    )  # fmt: skip
    polynomials: tuple[str, ...] = ("square", "cube")
    depths: tuple[int, ...] = (2, 3)
    dimensions: tuple[int, ...] = (3, 10)
    beta: float = 0.1


def run(config: DefinitenessConfig, key: Key, bench: Bench) -> Measurement:
    """Eigenvalues of Gram matrices of random points, and the degrees that each kernel sees."""
    kinds = (("with", config.activations, config.depths), ("polynomial", config.polynomials, (2,)))
    jobs = {
        f"{activation}, {depth} layers, {dimension} dimensions": (kind, activation, depth, dimension)
        for kind, activations, depths in kinds
        for activation in activations
        for depth in depths
        for dimension in config.dimensions
    }
    found = bench.each(
        ["ranks", *jobs], lambda name: _ranks(config, key) if name == "ranks" else _judged(config, *jobs[name][1:])
    )
    arrays = {**found[0]}
    arrays["rank_name"] = np.array([_name(*row[:3]) for row in config.ranks])
    arrays["rank_expected"] = np.array([row[3] for row in config.ranks], dtype=float)
    arrays["judged_name"] = np.array(list(jobs))
    arrays["judged_kind"] = np.array([job[0] for job in jobs.values()])
    for name in ("positive", "smallest", "words"):
        arrays[f"judged_{name}"] = np.array([part[name] for part in found[1:]])
    words = f"{config.pairs} pairs of opposite points on the unit sphere, drawn {config.draws} times (synthetic)"
    return Measurement(arrays, {}, words)


def checks(config: DefinitenessConfig, measured: Measurement) -> tuple[Check, ...]:
    """Ranks, the size of the smallest eigenvalue, and the verdicts from the spectrum of degrees."""
    a = measured.arrays
    ranks = tuple(
        Check(
            f"|rank - {expected:g}|, {name}",
            float(np.abs(a["rank_found"][row] - expected).max()),
            0.0,
            0.0,
            "at most",
            error_means="no randomness",
            note=f"worst of {config.draws} draws of {2 * config.pairs} points",
        )
        for row, (name, expected) in enumerate(zip(a["rank_name"], a["rank_expected"], strict=True))
    )
    full = np.flatnonzero(a["rank_expected"] == 2 * config.pairs)
    row = full[np.argmin(a["rank_log_smallest"][full].mean(1))]
    mean, half = mean_interval(a["rank_log_smallest"][row])
    wrong, seen = (np.sum(a["judged_positive"][a["judged_kind"] == kind] == bad) for kind, bad in _KINDS)
    none = "no randomness"
    return (
        *ranks,
        Check(
            "log10(smallest / largest eigenvalue) of the kernels of full rank, smallest mean",
            float(mean),
            float(np.log10(config.tolerance)),
            float(half),
            "at least",
            note=str(a["rank_name"][row]),
        ),
        Check(
            "activations that are no polynomials, with bias, not found positive definite",
            float(wrong), 0.0, 0.0, "at most", error_means=none,
        ),
        Check("polynomial controls found positive definite", float(seen), 0.0, 0.0, "at most", error_means=none),
    )  # fmt: skip


_KINDS = (("with", False), ("polynomial", True))


def panels(config: DefinitenessConfig, measured: Measurement) -> tuple[Panel, ...]:
    """Ranks as bars and the verdicts as a table."""
    return (
        Panel(
            "ranks",
            "Rank of the tangent kernel on pairs of opposite points",
            "bars",
            "With a bias, or a third layer of ReLU, the kernel sees all points; even, odd and polynomial kernels do "
            "not.",
            Axis("kernel"),
            Axis("rank"),
            (
                Series("largest rank of all draws", "rank_name", "rank_largest"),
                Series("theory", "rank_name", "rank_expected", role="theory"),
            ),
        ),
        Panel(
            "eigenvalues",
            "Eigenvalues of one Gram matrix",
            "lines",
            "Eigenvalues that are zero in theory lie at round-off; those of definite kernels stay far above.",
            Axis("index, largest first"),
            Axis("eigenvalue / largest", log=True),
            (
                *(
                    Series(str(name), "index", f"eigenvalues{row}", role="measured")
                    for row, name in enumerate(measured.arrays["rank_name"])
                    if row in (0, 1, 3, 5, 9)
                ),
                Series("counted as zero below", "index", "threshold", role="guide"),
            ),
        ),
        Panel(
            "degrees",
            "Which degrees of spherical harmonics the kernel sees",
            "table",
            "Every activation that is no polynomial gives a positive definite kernel when there is a bias; polynomials "
            "end at their degree.",
            columns=(
                Column("kernel", "judged_name"),
                Column("smallest eigenvalue above round-off", "judged_smallest"),
                Column("verdict", "judged_words"),
            ),
        ),
    )


def _name(activation: str, depth: int, beta: float) -> str:
    return f"{activation}, {depth} layers, beta {beta:g}"


def opposite_pairs(pairs: int, rng: np.random.Generator) -> np.ndarray:
    """Uniform points of the unit sphere in R^3 and their opposites: (2 pairs, 3)."""
    points = rng.standard_normal((pairs, 3))
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    return np.vstack([points, -points])


def relative_eigenvalues(gram: np.ndarray) -> np.ndarray:
    """Absolute eigenvalues over the largest, in falling order."""
    values = np.sort(np.abs(np.linalg.eigvalsh(gram)))[::-1]
    return values / values[0]


def _ranks(config: DefinitenessConfig, key: Key) -> Arrays:
    rng = key.split("points").rng()
    values = np.array(
        [
            [
                relative_eigenvalues(ntk(plain(ACTIVATIONS[name], depth, beta))(points))
                for name, depth, beta, _ in config.ranks
            ]
            for points in (opposite_pairs(config.pairs, rng) for _ in range(config.draws))
        ]
    )  # (draws, rows, points)
    values = np.moveaxis(values, 0, 1)
    found = (values > config.tolerance).sum(2)
    smallest = np.log10(np.maximum(values[:, :, -1], 1e-18))
    floor = np.maximum(values[:, 0], 1e-18)
    return {
        "rank_found": found,
        "rank_largest": found.max(1).astype(float),
        "rank_log_smallest": smallest,
        "index": np.arange(1.0, values.shape[2] + 1),
        "threshold": np.full(values.shape[2], config.tolerance),
        **{f"eigenvalues{row}": floor[row] for row in range(len(floor))},
    }


def _judged(config: DefinitenessConfig, activation: str, depth: int, dimension: int) -> Arrays:
    found = definiteness(plain(ACTIVATIONS[activation], depth, config.beta), dimension)
    return {
        "positive": np.array(found.positive_definite),
        "smallest": np.array(found.smallest),
        "words": np.array(found.words),
    }


CASE = Case(
    paper="ntk",
    name="ntk-definiteness",
    claim="On the unit sphere the limiting tangent kernel is positive definite for activations that are no "
    "polynomials, with a bias and two layers or more; polynomials, and even or odd activations without bias, give "
    "kernels that are not.",
    source="Jacot, Gabriel and Hongler (2018), arXiv:1806.07572: proposition 2; the ranks of the controls are derived "
    "here",
    full=DefinitenessConfig(),
    smoke=DefinitenessConfig(draws=3, activations=("relu", "erf"), polynomials=("square",), dimensions=(3,)),
    run=run,
    checks=checks,
    panels=panels,
)
