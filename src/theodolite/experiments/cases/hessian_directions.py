"""Leading directions of each part of the Hessian, and what the other part does along them."""

from dataclasses import dataclass

import numpy as np

from theodolite.curvature import top_eigenvalues
from theodolite.experiments.bench import Arrays, Bench
from theodolite.experiments.case import Case, Measurement
from theodolite.experiments.check import Check
from theodolite.experiments.config import Config
from theodolite.experiments.hessian_networks import Parts, architecture, digits_on_a_sphere, drawn
from theodolite.experiments.intervals import mean_interval
from theodolite.experiments.key import Key
from theodolite.experiments.panels import Axis, Column, Panel, Series


@dataclass(frozen=True)
class DirectionsConfig(Config):
    """`shown` leading eigenvectors of each part, half of those of S from each end of its spectrum; `judged` of I."""

    activation: str = "normalised softplus"
    depth: int = 3
    beta: float = 0.1
    rows: int = 24
    subset: int = 0
    width: int = 256
    draws: int = 8
    shown: int = 10
    judged: int = 5
    limit: float = 0.03


def run(config: DirectionsConfig, key: Key, bench: Bench) -> Measurement:
    """v'Iv and v'Sv along eigenvectors of I and of S."""
    X, Y = digits_on_a_sphere(config.rows, config.subset)
    net = architecture(config.activation, config.depth, config.beta)

    def measured(name: str) -> Arrays:
        own = key.split(name)
        parts = Parts(*drawn(net, config.width, 1, X.shape[1], own.split("parameters")), X, Y)
        eigenvalues, vectors = np.linalg.eigh(parts.gram)
        chosen = np.argsort(eigenvalues)[::-1][: config.shown]
        directions = vectors[:, chosen].T @ parts.jacobian
        directions /= np.linalg.norm(directions, axis=1, keepdims=True)
        moved = parts.times_residual(directions.astype(parts.jacobian.dtype))
        half = config.shown // 2
        ends = top_eigenvalues(parts.residual, half, lowest=half, tolerance=1e-4, seed=own.split("start").rng())
        order = np.argsort(-np.abs(ends.values))
        return {
            "first_i": eigenvalues[chosen],
            "first_s": np.einsum("ij,ij->i", directions, moved, dtype=np.float64),
            "second_s": ends.values[order],
            "second_i": ((ends.vectors[order] @ parts.jacobian.T.astype(np.float64)) ** 2).sum(1) / config.rows,
        }

    found = bench.each([f"network {i + 1}" for i in range(config.draws)], measured)
    arrays: Arrays = dict(found[0])
    rank = np.arange(1, config.shown + 1)
    arrays["first_name"] = np.array([f"I {k}" for k in rank])
    arrays["second_name"] = np.array([f"S {k}" for k in rank])
    arrays["rank"] = rank.astype(float)
    share = np.array([np.abs(part["first_s"]) / part["first_i"] for part in found])
    arrays["share"] = share.mean(0)
    arrays["worst"] = np.array(mean_interval(share[:, : config.judged].max(1)))
    arrays["back"] = np.array([part["second_i"] / np.abs(part["second_s"]) for part in found]).mean(0)
    words = (
        f"{config.rows} embedded digits (8 x 8 pixels, from scikit-learn) of one norm, labelled by parity; "
        f"{config.activation}, {config.depth} layers, beta {config.beta:g}, {config.draws} networks of width "
        f"{config.width} at initialisation; figures of the first"
    )
    return Measurement(arrays, {}, words)


def checks(config: DirectionsConfig, measured: Measurement) -> tuple[Check, ...]:
    """S is small along the leading directions of I."""
    value, half = (float(number) for number in measured.arrays["worst"])
    return (
        Check(
            f"largest |v'Sv| / v'Iv over the first {config.judged} eigenvectors of I", value, config.limit, half,
            "at most", note=f"mean over {config.draws} networks",
        ),
    )  # fmt: skip


def panels(config: DirectionsConfig, measured: Measurement) -> tuple[Panel, ...]:
    """Bars for the directions of I, and for those of S; the numbers."""

    def bars(name: str, of: str, caption: str) -> Panel:
        return Panel(
            name,
            f"Curvature along the leading eigenvectors of {of}",
            "bars",
            caption,
            Axis(f"eigenvectors of {of}"),
            Axis("curvature"),
            (Series("v'Iv", f"{name}_name", f"{name}_i"), Series("v'Sv", f"{name}_name", f"{name}_s")),
        )

    return (
        bars("first", "Gauss-Newton I", "Along the leading directions of I the residual is next to nothing."),
        bars("second", "the residual S", "Along the leading directions of S the Gauss-Newton part is small in turn."),
        Panel(
            "numbers",
            "Curvature along the leading eigenvectors",
            "table",
            "The shares are means over networks, the curvatures those of the first.",
            columns=(
                Column("rank", "rank"),
                Column("v'Iv, v of I", "first_i", digits=3),
                Column("v'Sv, v of I", "first_s", digits=2),
                Column("|v'Sv| / v'Iv", "share", digits=2),
                Column("v'Sv, v of S", "second_s", digits=3),
                Column("v'Iv, v of S", "second_i", digits=2),
                Column("v'Iv / |v'Sv|", "back", digits=2),
            ),
        ),
    )


CASE = Case(
    paper="hessian",
    name="hessian-directions",
    claim="The two parts of the Hessian of a wide network act along different directions: the residual is small along "
    "the leading eigenvectors of the Gauss-Newton part.",
    source="Jacot, Gabriel and Hongler (2020), arXiv:1910.02875: figure 2",
    full=DirectionsConfig(),
    smoke=DirectionsConfig(rows=8, width=16, draws=3, shown=4, judged=2),
    run=run,
    checks=checks,
    panels=panels,
)
