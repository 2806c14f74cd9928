"""Copies of a neuron at a critical point: still critical, with an inertia that the narrow network tells in advance."""

from dataclasses import dataclass

import numpy as np

from theodolite.experiments.bench import Arrays, Bench
from theodolite.experiments.case import Case, Measurement
from theodolite.experiments.check import Check
from theodolite.experiments.config import Config
from theodolite.experiments.intervals import mean_interval
from theodolite.experiments.key import Key
from theodolite.experiments.panels import Axis, Column, Panel, Series
from theodolite.experiments.teachers import teacher
from theodolite.landscape import (
    SquaredCost,
    duplicated,
    duplication_curvature,
    duplication_inertia,
    glorot_start,
    gradient_flow,
    inertia,
    mlp,
    polish,
    squared_cost,
    widen_silently,
)

ROUND_OFF = 1e-10  # share of the largest eigenvalue up to which one counts as zero
MOST_STARTS = 30


@dataclass(frozen=True)
class DuplicationConfig(Config):
    """Critical points of networks of `widths` neurons, one and two outputs, `points` of each; `splits` of a neuron.

    The shares of two copies are beta and 1 - beta with beta in [-0.5, 1.5], those of three copies any that add up to 1.
    `lines` values of beta are drawn; `until` is the time of the flow that looks for a critical point.
    """

    widths: tuple[int, ...] = (2, 3)
    points: int = 6
    splits: int = 12
    lines: int = 41
    side: int = 15
    until: float = 1e5
    critical_limit: float = -11.0
    forbidden_limit: float = 6.0


def run(config: DuplicationConfig, key: Key, bench: Bench) -> Measurement:
    """Look for critical points of positive cost, copy each of their neurons, compare inertia and gradient."""
    problems = {outputs: _problem(config, outputs) for outputs in (1, 2)}
    labels = {
        f"{outputs} outputs, width {width}, point {place + 1}": (outputs, width)
        for outputs in (1, 2)
        for width in config.widths
        for place in range(config.points)
    }
    parts = bench.each(
        list(labels), lambda label: _point(config, problems[labels[label][0]], *labels[label], key.split(label))
    )
    found = [part for part in parts if len(part["theta"])]
    arrays: Arrays = {
        name: np.array([float(part[name]) for part in found])
        for name in ("outputs", "width", "cost", "trials", "wrong", "gradient", "forbidden", "definite", "indefinite")
    }
    arrays["point"] = np.arange(1.0, 1 + len(found))
    _lines(config, problems[1], found, arrays)
    words = (
        f"critical points of positive cost of networks of {', '.join(map(str, config.widths))} neurons that imitate "
        f"the hard teacher of four, one and two outputs, {config.side} x {config.side} points (synthetic)"
    )
    return Measurement(arrays, {"looked_for": float(len(labels)), "found": float(len(found))}, words)


def checks(config: DuplicationConfig, measured: Measurement) -> tuple[Check, ...]:
    """No inertia differs from its prediction; copies stay critical, other ways of keeping the function do not."""
    a, s = measured.arrays, measured.scalars
    one, two = a["outputs"] == 1, a["outputs"] == 2
    count = "none: a count"
    interval = "95 % interval of the mean"
    split = mean_interval(np.log10(np.maximum(a["gradient"], 1e-17)))
    other = mean_interval(np.log10(a["forbidden"][two] / np.maximum(a["gradient"][two], 1e-17)))
    return (
        Check("share of points looked for that were found", s["found"] / s["looked_for"], 0.5, 0.0, "at least", count),
        Check(
            "splits whose inertia differs from the prediction, one output",
            float(a["wrong"][one].sum()), 0.0, 0.0, "at most", count, note=f"of {int(a['trials'][one].sum())}",
        ),
        Check(
            "splits whose inertia differs from the prediction, two outputs",
            float(a["wrong"][two].sum()), 0.0, 0.0, "at most", count, note=f"of {int(a['trials'][two].sum())}",
        ),
        Check(
            "log10 of the largest gradient entry after a split, mean over points",
            float(split.mean), config.critical_limit, float(split.half), "at most", interval,
        ),
        Check(
            "decades by which that entry is larger after a vector split or a silent neuron, mean over points, two "
            "outputs",
            float(other.mean), config.forbidden_limit, float(other.half), "at least", interval,
        ),
        Check("neurons of minima with positive definite U: plateau minima between the copies",
              float(a["definite"].sum()), 1.0, 0.0, "at least", count),
        Check("neurons with indefinite U: strict saddles at every split",
              float(a["indefinite"].sum()), 1.0, 0.0, "at least", count),
    )  # fmt: skip


def panels(config: DuplicationConfig, measured: Measurement) -> tuple[Panel, ...]:
    """Eigenvalues along the line of splits, the number of negative ones beside the prediction, the points."""
    beta = Axis("share beta of one of two copies")
    kinds = [kind for kind in ("definite", "indefinite") if len(measured.arrays[f"{kind}_first"])]
    shown = {"definite": "U positive definite", "indefinite": "U indefinite"}
    eigenvalues = tuple(
        Series(shown[kind], f"{kind}_beta", f"{kind}_first", role="theory", family=kind) for kind in kinds
    )
    counts = tuple(
        series
        for kind in kinds
        for series in (
            Series(f"{shown[kind]}, Hessian", f"{kind}_beta", f"{kind}_negative", family=kind),
            Series(f"{shown[kind]}, prediction", f"{kind}_beta", f"{kind}_predicted", role="theory", family=kind),
        )
    )
    table = Panel(
        "points",
        "Critical points",
        "table",
        "Every split of every neuron has the inertia that the narrow network tells.",
        columns=(
            Column("point", "point"),
            Column("outputs", "outputs"),
            Column("neurons", "width"),
            Column("cost", "cost"),
            Column("splits", "trials"),
            Column("wrong", "wrong"),
            Column("gradient after a split", "gradient", digits=2),
            Column("gradient after another widening", "forbidden", digits=2),
            Column("neurons with U definite, at minima", "definite"),
            Column("neurons with U indefinite", "indefinite"),
        ),
    )
    if not kinds:
        return (table,)
    return (
        Panel(
            "eigenvalues",
            "Saddles and plateau minima on one line",
            "lines",
            "The lowest eigenvalue of the wide Hessian along the line of splits. With U positive definite it is zero "
            "between the two copies, a plateau of degenerate minima, and negative outside; with U indefinite it is "
            "negative everywhere but at 0 and 1.",
            beta,
            Axis("lowest eigenvalue over the largest of its kind"),
            eigenvalues,
        ),
        Panel(
            "negative",
            "Directions that go down",
            "lines",
            "The number of negative eigenvalues of the wide Hessian is that of the narrow one and of beta (1 - beta) "
            "U.",
            beta,
            Axis("negative eigenvalues"),
            counts,
        ),
        table,
    )


def _problem(config: DuplicationConfig, outputs: int) -> SquaredCost:
    network, cost = teacher("hard", config.side)
    if outputs == 1:
        return cost
    both = mlp([network.weights[0], [network.weights[1][0], [1.0, 1.0, -0.5, -0.5]]], activation="asymmetric")
    return squared_cost(cost.X, both(cost.X), "asymmetric")


def _point(config: DuplicationConfig, cost: SquaredCost, outputs: int, width: int, key: Key) -> Arrays:
    theta = _critical(config, cost, width, key)
    if theta is None:
        return {"theta": np.zeros(0)}
    rng = key.split("splits").rng()
    narrow = inertia(cost.hessian(theta), tolerance=ROUND_OFF)
    wrong = trials = definite = indefinite = 0
    gradient = 0.0
    for neuron in range(width):
        curved = inertia(duplication_curvature(cost, theta, neuron), tolerance=ROUND_OFF)
        definite += outputs == 1 and narrow.negative == 0 and curved.positive == cost.X.shape[1]
        indefinite += outputs == 1 and curved.negative > 0 and curved.positive > 0
        for place in range(config.splits):
            beta = rng.uniform(-0.5, 1.5, 1 + place % 2)
            shares = (*beta, 1 - beta.sum())
            wide = duplicated(cost, theta, neuron, shares)
            gradient = max(gradient, float(np.abs(cost.gradient(wide)).max()))
            predicted = duplication_inertia(cost, theta, neuron, shares, tolerance=ROUND_OFF)
            wrong += inertia(cost.hessian(wide), tolerance=ROUND_OFF) != predicted
            trials += 1
    numbers = {
        "outputs": outputs,
        "width": width,
        "cost": cost.value(theta),
        "trials": trials,
        "wrong": wrong,
        "gradient": gradient,
        "forbidden": _forbidden(cost, theta, rng),
        "definite": definite,
        "indefinite": indefinite,
    }
    return {"theta": theta, **{name: np.array(float(number)) for name, number in numbers.items()}}


def _critical(config: DuplicationConfig, cost: SquaredCost, width: int, key: Key) -> np.ndarray | None:
    """A critical point of positive cost that is not degenerate: flow, second-order steps, then Newton's."""
    for place in range(MOST_STARTS):
        start = glorot_start(cost, width, key.split("start", place).rng())
        theta = polish(cost, gradient_flow(cost, start, [config.until])[-1])
        for _ in range(6):
            hessian = cost.hessian(theta)
            values = np.abs(np.linalg.eigvalsh(hessian))
            if values.min() < 1e-8 * values.max():
                break
            theta = theta - np.linalg.solve(hessian, cost.gradient(theta))
        values = np.abs(np.linalg.eigvalsh(cost.hessian(theta)))
        settled = np.abs(cost.gradient(theta)).max() < 1e-13 * max(1.0, values.max())
        if settled and values.min() > 1e-8 * values.max() and cost.value(theta) > 1e-6:
            return theta
    return None


def _forbidden(cost: SquaredCost, theta: np.ndarray, rng: np.random.Generator) -> float:
    """The largest gradient entry after two widenings that keep the function and are no scalar splits; the smaller."""
    w, a = cost.parts(theta)
    part = rng.standard_normal(a.shape[0])
    first = a.copy()
    first[:, 0] -= part
    split = np.concatenate([w.ravel(), w[0], np.column_stack([first, part]).ravel()])
    silent = widen_silently(cost.network(theta), len(w) + 1, rng).flat()
    return min(float(np.abs(cost.gradient(wide)).max()) for wide in (split, silent))


def _lines(config: DuplicationConfig, cost: SquaredCost, found: list[Arrays], arrays: Arrays) -> None:
    """Along beta for the first neuron with U definite, at a minimum, and the first with U indefinite; one output."""
    grid = np.linspace(-0.5, 1.5, config.lines)
    endings = ("beta", "first", "negative", "predicted")
    for kind in ("definite", "indefinite"):
        rows: list[tuple[float, ...]] = []
        part = next((part for part in found if part["outputs"] == 1 and part[kind] > 0), None)
        if part is not None:
            theta = part["theta"]
            neuron = next(i for i in range(cost.width(theta)) if _kind(cost, theta, i) == kind)
            for beta in grid:
                values = np.linalg.eigvalsh(cost.hessian(duplicated(cost, theta, neuron, (beta, 1 - beta))))
                negative = np.sum(values < -ROUND_OFF * np.abs(values).max())
                predicted = duplication_inertia(cost, theta, neuron, (beta, 1 - beta), tolerance=ROUND_OFF).negative
                rows.append((float(beta), float(values[0]), float(negative), float(predicted)))
        columns = np.array(rows, float).reshape(-1, len(endings))
        for place, ending in enumerate(endings):
            arrays[f"{kind}_{ending}"] = columns[:, place]
        arrays[f"{kind}_first"] = columns[:, 1] / max(np.abs(columns[:, 1]).max(initial=0.0), 1e-300)


def _kind(cost: SquaredCost, theta: np.ndarray, neuron: int) -> str:
    curved = inertia(duplication_curvature(cost, theta, neuron), tolerance=ROUND_OFF)
    if curved.positive == cost.X.shape[1]:
        return "definite"
    return "indefinite" if curved.positive and curved.negative else "other"


CASE = Case(
    paper="landscape",
    name="landscape-duplication",
    claim="Copies that share the outgoing weights of a neuron of a critical point make a line of critical points; "
    "which are saddles and which local minima follows from one small matrix of the narrow network.",
    source="Simsek et al. (2021), arXiv:2105.12221: symmetry-induced critical points, after Fukumizu and Amari (2000); "
    "inertia for several outputs derived here",
    full=DuplicationConfig(),
    smoke=DuplicationConfig(widths=(2,), points=2, splits=2, lines=9, side=7, until=1e3),
    run=run,
    checks=checks,
    panels=panels,
)
