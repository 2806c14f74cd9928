"""After training: a narrow valley in the ordered regime, a compact spectrum in the chaotic one."""

from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np

from theodolite.curvature import limiting_kernels
from theodolite.experiments.bench import Arrays, Bench
from theodolite.experiments.case import Case, Measurement
from theodolite.experiments.check import Check
from theodolite.experiments.config import Config
from theodolite.experiments.hessian_networks import Parts, architecture, descended, digits_on_a_sphere, drawn
from theodolite.experiments.intervals import mean_interval
from theodolite.experiments.key import Key
from theodolite.experiments.panels import Axis, Column, Panel, Series


@dataclass(frozen=True)
class ValleyConfig(Config):
    """Networks trained for `steps` of gradient descent, then looked at along two eigenvectors of the Gauss-Newton part,
    `directions`, as far as `reach` on both sides. Limits are for the largest eigenvalue's share of the trace."""

    activations: tuple[str, str] = ("softplus", "normalised softplus")
    depth: int = 3
    beta: float = 0.1
    rows: int = 24
    subset: int = 0
    width: int = 256
    draws: int = 6
    rate: float = 0.25
    steps: int = 200
    directions: tuple[int, int] = (1, 4)
    reach: float = 1.0
    points: int = 41
    narrow_limit: float = 0.5
    compact_limit: float = 0.25
    slice_limit: float = 0.05


def run(config: ValleyConfig, key: Key, bench: Bench) -> Measurement:
    """Spectra of the Gauss-Newton part after training, and the loss along two directions."""
    X, Y = digits_on_a_sphere(config.rows, config.subset)
    jobs = {f"{a}, network {i + 1}": a for a in config.activations for i in range(config.draws)}
    along = np.linspace(-config.reach, config.reach, config.points)

    def measured(name: str) -> Arrays:
        net = architecture(jobs[name], config.depth, config.beta)
        f, params = drawn(net, config.width, 1, X.shape[1], key.split(name))
        parts = Parts(f, descended(f, params, X, Y, config.rate, config.steps), X, Y)
        eigenvalues, vectors = np.linalg.eigh(parts.gram)
        order = np.argsort(eigenvalues)[::-1]
        found: Arrays = {"eigenvalues": eigenvalues[order]}
        for k in config.directions:
            v = vectors[:, order[k - 1]] @ parts.jacobian
            found[f"loss_{k}"] = _losses(parts, v / np.linalg.norm(v), along)
        return found

    parts = bench.each(list(jobs), measured)
    arrays: Arrays = {"along": along, "rank": np.arange(1.0, config.rows + 1)}
    for place, activation in enumerate(config.activations):
        own = [part for part, name in zip(parts, jobs.values(), strict=True) if name == activation]
        net = architecture(activation, config.depth, config.beta)
        limit = np.linalg.eigvalsh(limiting_kernels(net, X).theta)[::-1] / config.rows
        spectra = np.array([part["eigenvalues"] for part in own])
        arrays[f"a{place}_limit"], arrays[f"a{place}_limit_share"] = limit, np.array([limit[0] / limit.sum()])
        mean, half = mean_interval(spectra)
        arrays[f"a{place}_mean"], arrays[f"a{place}_half"] = np.asarray(mean), np.asarray(half)
        arrays[f"a{place}_share"] = np.array(mean_interval(spectra[:, 0] / spectra.sum(1)))
        for k in config.directions:
            losses = np.array([part[f"loss_{k}"] for part in own])
            arrays[f"a{place}_loss_{k}"] = losses.mean(0)
            arrays[f"a{place}_low_{k}"], arrays[f"a{place}_high_{k}"] = losses.min(0), losses.max(0)
        first, fourth = (spectra[:, k - 1] for k in config.directions)
        arrays[f"a{place}_ratio"] = np.array(mean_interval(first / fourth))
        bend = np.array([_curvature(part[f"loss_{config.directions[0]}"], along) for part in own])
        arrays[f"a{place}_bend"] = np.array(mean_interval(np.abs(bend / first - 1)))
    arrays["limit_share"] = np.concatenate([arrays[f"a{place}_limit_share"] for place in (0, 1)])
    arrays["share"] = np.array([arrays[f"a{place}_share"][0] for place in (0, 1)])
    arrays["ratio"] = np.array([arrays[f"a{place}_ratio"][0] for place in (0, 1)])
    arrays["largest"] = np.array([arrays[f"a{place}_mean"][0] for place in (0, 1)])
    arrays["times_mean"] = arrays["limit_share"] * config.rows
    arrays["activation"] = np.array(config.activations)
    words = (
        f"{config.rows} embedded digits (8 x 8 pixels, from scikit-learn) of one norm, labelled by parity; "
        f"{' and '.join(config.activations)}, {config.depth} layers, beta {config.beta:g}, {config.draws} networks of "
        f"width {config.width} each after {config.steps} steps of rate {config.rate:g}"
    )
    return Measurement(arrays, {}, words)


def checks(config: ValleyConfig, measured: Measurement) -> tuple[Check, ...]:
    """The share of the largest eigenvalue, in networks and in the limit; slices bend as the eigenvalue says."""
    a = measured.arrays
    ordered, chaotic = config.activations
    narrow, compact = ([float(x) for x in a[f"a{place}_share"]] for place in (0, 1))
    words = "share of the largest eigenvalue in Tr I after training"
    exact = "no randomness"
    return (
        Check(f"{words}, {ordered}", narrow[0], config.narrow_limit, narrow[1], "at least"),
        Check(f"{words}, {chaotic}", compact[0], config.compact_limit, compact[1], "at most"),
        Check(
            f"the same in the limiting kernel, {ordered}", float(a["limit_share"][0]), config.narrow_limit, 0.0,
            "at least", error_means=exact,
        ),
        Check(
            f"the same in the limiting kernel, {chaotic}", float(a["limit_share"][1]), config.compact_limit, 0.0,
            "at most", error_means=exact,
        ),
        *(
            Check(
                f"curvature of the loss along the first eigenvector over its eigenvalue - 1, {activation}",
                float(a[f"a{place}_bend"][0]), config.slice_limit, float(a[f"a{place}_bend"][1]), "at most",
                note="absolute value, mean over networks",
            )
            for place, activation in enumerate(config.activations)
        ),
    )  # fmt: skip


def panels(config: ValleyConfig, measured: Measurement) -> tuple[Panel, ...]:
    """Loss slices for both activations, spectra, numbers."""
    captions = (
        "In the ordered regime one direction is far steeper than all others: the minima lie in a narrow valley.",
        "In the chaotic regime the first direction is hardly steeper than the fourth.",
    )
    return (
        *(
            Panel(
                f"slices{place}",
                f"Loss along two eigenvectors of I, {activation}",
                "bands",
                f"{captions[place]} Means over networks; bands hold all of them.",
                Axis("distance in parameters"),
                Axis("loss"),
                tuple(
                    Series(
                        f"eigenvector {k}", "along", f"a{place}_loss_{k}", low=f"a{place}_low_{k}",
                        high=f"a{place}_high_{k}",
                    )
                    for k in config.directions
                ),
            )
            for place, activation in enumerate(config.activations)
        ),
        Panel(
            "spectra",
            "Eigenvalues of the Gauss-Newton part after training",
            "lines",
            "A nearly constant kernel has one dominating eigenvalue, a nearly diagonal one a compact spectrum.",
            Axis("rank"),
            Axis("eigenvalue", log=True),
            tuple(
                series
                for place, activation in enumerate(config.activations)
                for series in (
                    Series(
                        activation, "rank", f"a{place}_mean", error=f"a{place}_half", error_means="95 % interval",
                        family=activation,
                    ),
                    Series(
                        f"{activation}, limiting kernel / n", "rank", f"a{place}_limit", role="theory",
                        family=activation,
                    ),
                )
            ),
        ),
        Panel(
            "numbers",
            "Largest eigenvalues",
            "table",
            "The limiting kernel says which regime a network is in before it is trained.",
            columns=(
                Column("activation", "activation"),
                Column("largest eigenvalue", "largest", digits=3),
                Column("share of Tr I", "share", digits=3),
                Column("limiting kernel, share", "limit_share", digits=3),
                Column("limiting kernel, largest over mean", "times_mean", digits=3),
                Column(f"eigenvalue {config.directions[0]} over {config.directions[1]}", "ratio", digits=3),
            ),
        ),
    )  # fmt: skip


def _losses(parts: Parts, direction: np.ndarray, along: np.ndarray) -> np.ndarray:
    """Half the mean square error at points of a line through the parameters."""
    leaves, tree = jax.tree.flatten(parts.params)
    ends = np.cumsum([leaf.size for leaf in leaves])[:-1]
    shifts = [piece.reshape(leaf.shape) for piece, leaf in zip(np.split(direction, ends), leaves, strict=True)]
    inputs = jnp.asarray(parts.X, leaves[0].dtype)
    found = []
    for t in along:
        moved = jax.tree.unflatten(
            tree, [leaf + np.asarray(t * shift, leaf.dtype) for leaf, shift in zip(leaves, shifts, strict=True)]
        )
        outputs = np.asarray(parts.f.apply(moved, inputs), np.float64)
        found.append(np.sum((outputs - parts.Y) ** 2) / (2 * len(parts.Y)))
    return np.array(found)


def _curvature(losses: np.ndarray, along: np.ndarray) -> float:
    """Of the quartic through a slice, at its middle."""
    return float(2 * np.polynomial.polynomial.polyfit(along, losses, 4)[2])


CASE = Case(
    paper="hessian",
    name="hessian-narrow-valley",
    claim="In the ordered regime the Hessian of a trained network has one dominating eigenvalue and its minima lie in "
    "a narrow valley; in the chaotic regime its spectrum is compact.",
    source="Jacot, Gabriel and Hongler (2020), arXiv:1910.02875: section 3.1; the networks are ours",
    full=ValleyConfig(),
    smoke=ValleyConfig(rows=8, width=16, draws=2, steps=5, points=7),
    run=run,
    checks=checks,
    panels=panels,
)
