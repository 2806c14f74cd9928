"""What the outliers of the Hessian's spectrum are: the eigenvalues of the network's own tangent kernel."""

from dataclasses import dataclass

import numpy as np

from theodolite.curvature import gauss_newton, hessian, limiting_kernels, spectral_density, top_eigenvalues
from theodolite.experiments.bench import Arrays, Bench
from theodolite.experiments.case import Case, Measurement
from theodolite.experiments.check import Check
from theodolite.experiments.config import Config
from theodolite.experiments.hessian_networks import Parts, architecture, digits_on_a_sphere, drawn
from theodolite.experiments.intervals import mean_interval
from theodolite.experiments.key import Key
from theodolite.experiments.panels import Axis, Column, Panel, Series


@dataclass(frozen=True)
class TopEigenvaluesConfig(Config):
    """The `count` largest eigenvalues of networks at initialisation; densities of one of them by stochastic Lanczos
    quadrature, smoothed by `smoothing`, shown from `low` to `high`, from `floor` upwards."""

    activation: str = "normalised softplus"
    depth: int = 3
    beta: float = 0.1
    rows: int = 24
    subset: int = 0
    width: int = 256
    draws: int = 24
    count: int = 3
    probes: int = 10
    steps: int = 60
    smoothing: float = 0.006
    low: float = -0.12
    high: float = 0.9
    floor: float = 1e-5
    limit: float = 0.05


def run(config: TopEigenvaluesConfig, key: Key, bench: Bench) -> Measurement:
    """Eigenvalues of H, of the network's kernel and of the limiting one; densities of H, I and S."""
    X, Y = digits_on_a_sphere(config.rows, config.subset)
    net = architecture(config.activation, config.depth, config.beta)
    limit = np.linalg.eigvalsh(limiting_kernels(net, X).theta)[::-1] / config.rows
    grid = np.linspace(config.low, config.high, 241)

    def network(name: str, own: Key) -> Parts:
        return Parts(*drawn(net, config.width, 1, X.shape[1], own.split(name, "parameters")), X, Y)

    def measured(name: str) -> Arrays:
        if name.startswith("network"):
            parts = network(name, key)
            ends = top_eigenvalues(hessian(parts.problem), config.count, seed=key.split(name, "start").rng())
            return {"hessian": ends.values, "kernel": np.linalg.eigvalsh(parts.gram)[::-1]}
        parts = network("network 1", key)
        matrix = {"H": hessian, "I": gauss_newton}[name](parts.problem) if name != "S" else parts.residual
        found = spectral_density(matrix, probes=config.probes, steps=config.steps, seed=key.split(name, "probes").rng())
        kernel = np.linalg.eigvalsh(parts.gram)[::-1]
        (value, _), (at, _) = (found.density(where, config.smoothing) for where in (grid, kernel))
        return {"density": value, "at_kernel": at}

    names = [f"network {i + 1}" for i in range(config.draws)]
    found = dict(zip([*names, "H", "I", "S"], bench.each([*names, "H", "I", "S"], measured), strict=True))
    top = np.array([found[name]["hessian"] for name in names])
    kernel = np.array([found[name]["kernel"] for name in names])
    arrays: Arrays = {"rank": np.arange(1.0, config.count + 1), "limit": limit[: config.count], "grid": grid}
    for name, values in (("hessian", top), ("kernel", kernel[:, : config.count])):
        arrays[name], arrays[f"{name}_half"] = (np.asarray(part, dtype=float) for part in mean_interval(values))
        arrays[f"{name}_deviation"] = values.std(axis=0, ddof=1)
    arrays["gap"] = np.array(mean_interval(np.abs(top / kernel[:, : config.count] - 1).max(1)))
    places = np.sort(kernel[0])
    arrays["ticks"] = np.repeat(places, 3)  # up to the density and back, one stroke an eigenvalue
    arrays["at_ticks"] = np.full(3 * len(places), config.floor)
    arrays["at_ticks"][1::3] = np.maximum(found["I"]["at_kernel"][::-1], config.floor)
    for name in ("H", "I", "S"):
        arrays[f"density_{name}"] = np.maximum(found[name]["density"], config.floor)
    words = (
        f"{config.rows} embedded digits (8 x 8 pixels, from scikit-learn) of one norm, labelled by parity; "
        f"{config.activation}, {config.depth} layers, beta {config.beta:g}, {config.draws} networks of width "
        f"{config.width} at initialisation"
    )
    return Measurement(arrays, {}, words)


def checks(config: TopEigenvaluesConfig, measured: Measurement) -> tuple[Check, ...]:
    """The Hessian's largest eigenvalues against the network's own kernel."""
    value, half = (float(number) for number in measured.arrays["gap"])
    return (
        Check(
            f"largest relative gap of the first {config.count} eigenvalues of H to those of J J' / n", value,
            config.limit, half, "at most", note=f"mean over {config.draws} networks",
        ),
    )  # fmt: skip


def panels(config: TopEigenvaluesConfig, measured: Measurement) -> tuple[Panel, ...]:
    """Densities on one axis with the kernel's eigenvalues; the largest eigenvalues."""
    return (
        Panel(
            "densities",
            "Spectral densities of the Hessian and its parts",
            "lines",
            "The outliers of the Hessian are the eigenvalues of the network's tangent kernel; the residual is a bulk "
            "around 0 of both signs. One network; smoothed by a Gaussian.",
            Axis("eigenvalue"),
            Axis("density of eigenvalues", log=True),
            (
                *(
                    Series(label, "grid", f"density_{name}", role="theory")  # smooth curves: lines without marks
                    for name, label in (("H", "Hessian H"), ("I", "Gauss-Newton I"), ("S", "residual S"))
                ),
                Series("eigenvalues of J J' / n", "ticks", "at_ticks", role="guide"),
            ),
        ),
        Panel(
            "largest",
            "Largest eigenvalues",
            "table",
            "The Hessian has the eigenvalues of the network's own kernel, which at this width still fluctuate around "
            "those of the limit.",
            columns=(
                Column("rank", "rank"),
                Column("H, mean", "hessian", digits=3),
                Column("standard deviation", "hessian_deviation", digits=2),
                Column("J J' / n, mean", "kernel", digits=3),
                Column("standard deviation", "kernel_deviation", digits=2),
                Column("limiting kernel / n", "limit", digits=3),
            ),
        ),
    )


CASE = Case(
    paper="hessian",
    name="hessian-top-eigenvalues",
    claim="The largest eigenvalues of the Hessian of a wide network are those of its own tangent kernel on the data, "
    "over the number of points.",
    source="Jacot, Gabriel and Hongler (2020), arXiv:1910.02875: section 3.1; the comparison at one width is ours",
    full=TopEigenvaluesConfig(),
    smoke=TopEigenvaluesConfig(rows=8, width=16, draws=2, count=2, probes=2, steps=8),
    run=run,
    checks=checks,
    panels=panels,
)
