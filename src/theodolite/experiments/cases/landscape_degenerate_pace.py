"""Zero loss by way of copies is reached like a power of time, not exponentially."""

from dataclasses import dataclass

import numpy as np

from theodolite.experiments.bench import Arrays, Bench
from theodolite.experiments.case import Case, Measurement
from theodolite.experiments.check import Check
from theodolite.experiments.config import Config
from theodolite.experiments.key import Key
from theodolite.experiments.panels import Axis, Column, Panel, Series
from theodolite.experiments.teachers import Teacher, teacher
from theodolite.landscape import glorot_start, gradient_flow, inertia, mlp, nullity, polish, squared_cost

ZERO = 1e-10  # of the polished cost


@dataclass(frozen=True)
class DegeneratePaceConfig(Config):
    """Students of each width, in gradient flow to time `last`; the pace is read between `first` and `last`.

    A student counts when its polished cost is zero and its cost at `last` is still above `floor`, where round-off and
    the integrator's tolerance do not reach. `exact` is the width of the teacher, where the approach is exponential.
    """

    exact: int = 4
    widths: tuple[int, ...] = (6, 8)
    students: int = 40
    side: int = 15
    first: float = 1e5
    last: float = 1e7
    times: int = 9
    tolerance: float = 1e-7
    floor: float = 1e-14
    slow: float = -1.5
    fast: float = -2.2
    exact_limit: float = 1e-20


def run(config: DegeneratePaceConfig, key: Key, bench: Bench) -> Measurement:
    """Costs over time for all students; the zero eigenvalues of the Hessian at copies and silent neurons."""
    problem = teacher("hard", config.side)
    widths = (config.exact, *config.widths)
    labels = {f"width {m}, student {i + 1}": m for m in widths for i in range(config.students)}
    parts = bench.each(list(labels), lambda label: _student(config, problem, labels[label], key.split(label)))
    times = _times(config)
    arrays: Arrays = {"times": times, "widths": np.array(config.widths, float)}
    for m in widths:
        costs = np.array([part["costs"] for part, own in zip(parts, labels.values(), strict=True) if own == m])
        solved = np.array([float(part["polished"]) < ZERO for part, own in zip(parts, labels.values()) if own == m])
        arrays[f"costs_{m}"], arrays[f"solved_{m}"] = costs, solved.astype(float)
        kept = costs[solved & (costs[:, -1] > config.floor)]
        slopes = np.log(kept[:, -1] / kept[:, 0]) / np.log(times[-1] / times[0])
        arrays[f"slopes_{m}"] = slopes
        typical = np.median(kept, axis=0) if len(kept) else np.full(len(times), np.nan)
        arrays[f"typical_{m}"] = typical
        arrays[f"low_{m}"], arrays[f"high_{m}"] = (
            np.quantile(kept, q, axis=0) if len(kept) else np.full(len(times), np.nan) for q in (0.25, 0.75)
        )
    middle = [_median(arrays[f"slopes_{m}"]) for m in config.widths]
    arrays["median"], arrays["half"] = (np.array(column) for column in zip(*middle))
    arrays["counted"] = np.array([float(len(arrays[f"slopes_{m}"])) for m in config.widths])
    arrays["zero_loss"] = np.array([arrays[f"solved_{m}"].sum() for m in config.widths])
    first = arrays[f"typical_{config.widths[0]}"][0]
    arrays["guide"] = (first if np.isfinite(first) else 1e-8) * (times / times[0]) ** -2.0
    wrong, trials = _nullities(problem, key.split("nullity"))
    own = arrays[f"costs_{config.exact}"][arrays[f"solved_{config.exact}"] > 0]
    scalars = {
        "wrong_nullities": float(wrong),
        "nullities": float(trials),
        "exact_cost": float(own[:, -1].max()) if len(own) else 1.0,
        "exact_students": float(len(own)),
    }
    words = (
        f"{config.students} students of each width of the hard teacher of 4 neurons, {config.side} x {config.side} "
        f"points, gradient flow to t = {config.last:g} (synthetic)"
    )
    return Measurement(arrays, scalars, words)


def checks(config: DegeneratePaceConfig, measured: Measurement) -> tuple[Check, ...]:
    """The median pace between its limits; exponential at the teacher's width; zero eigenvalues as counted."""
    a, s = measured.arrays, measured.scalars
    means = "95 % interval of the median, from order statistics"
    found = []
    for place, m in enumerate(config.widths):
        value, half = float(a["median"][place]), float(a["half"][place])
        note = f"{int(a['counted'][place])} students"
        name = f"exponent in time of the cost, median over students of width {m}"
        found.append(Check(f"{name}, from above", value, config.slow, half, "at most", means, note=note))
        found.append(Check(f"{name}, from below", value, config.fast, half, "at least", means, note=note))
    found.append(
        Check(
            f"cost at t = {config.last:g} of students of width {config.exact} at zero loss, largest",
            s["exact_cost"],
            config.exact_limit,
            0.0,
            "at most",
            "no randomness",
            note=f"{int(s['exact_students'])} students",
        )
    )
    found.append(
        Check(
            "zero-loss points whose Hessian has another number of zero eigenvalues than counted",
            s["wrong_nullities"],
            0.0,
            0.0,
            "at most",
            "no randomness",
            note=f"of {int(s['nullities'])}",
        )
    )
    return tuple(found)


def panels(config: DegeneratePaceConfig, measured: Measurement) -> tuple[Panel, ...]:
    """The cost over time, the paces."""
    return (
        Panel(
            "decay",
            "The cost of wide students late in training",
            "bands",
            "Where copies of a teacher's neuron meet, the cost rises like a fourth power, and gradient flow comes down "
            "like one over the square of time. Lines are medians, bands the middle half of students.",
            Axis("time of gradient flow", log=True),
            Axis("cost, half the mean squared error", log=True),
            (
                *(
                    Series(f"width {m}", "times", f"typical_{m}", low=f"low_{m}", high=f"high_{m}", family=str(m))
                    for m in config.widths
                ),
                Series("one over the square of time", "times", "guide", role="guide"),
            ),
        ),
        Panel(
            "paces",
            "Exponent in time",
            "table",
            "Medians over the students that reach zero loss and are not at round-off yet.",
            columns=(
                Column("neurons", "widths"),
                Column("students at zero loss", "zero_loss"),
                Column("of these counted", "counted"),
                Column("median exponent", "median", digits=3),
                Column("half-width of its 95 % interval", "half", digits=2),
            ),
        ),
    )


def _times(config: DegeneratePaceConfig) -> np.ndarray:
    return np.geomspace(config.first, config.last, config.times)


def _student(config: DegeneratePaceConfig, problem: Teacher, width: int, key: Key) -> Arrays:
    cost = problem.cost
    path = gradient_flow(cost, glorot_start(cost, width, key.rng()), _times(config), tolerance=config.tolerance)
    costs = np.array([cost.value(theta) for theta in path])
    return {"costs": costs, "polished": np.array(cost.value(polish(cost, path[-1])))}


def _median(values: np.ndarray) -> tuple[float, float]:
    """The median and the farther end of its 95 % interval, by the binomial law of order statistics."""
    from scipy.stats import binom

    n = len(values)
    if n < 6:  # no order statistics bound a median at this level
        return (float(np.median(values)) if n else 0.0), max(1.0, float(np.ptp(values)) if n else 0.0)
    ordered = np.sort(values)
    rank = int(binom.ppf(0.025, n, 0.5))
    middle = float(np.median(ordered))
    return middle, float(max(middle - ordered[rank - 1], ordered[n - rank] - middle))


def _nullities(problem: Teacher, key: Key) -> tuple[int, int]:
    """Zero-loss points with copies, silent neurons and silent groups: zero eigenvalues counted and measured."""
    rng = key.rng()
    w, a = problem.network.weights[0], problem.network.weights[1][0]
    cost = squared_cost(problem.cost.X, mlp([w, a[None]], activation="asymmetric")(problem.cost.X), "asymmetric")
    kinds = [
        ((1,) * 4, ()),
        ((2, 1, 1, 1), ()),
        ((3, 1, 1, 1), ()),
        ((2, 2, 1, 1), ()),
        ((1,) * 4, (1,)),
        ((1,) * 4, (2,)),
    ]
    wrong = 0
    for copies, silent in kinds:
        incoming, outgoing = [], []
        for size, vector, total in [
            *zip(copies, w, a),
            *((size, rng.standard_normal(2), 0.0) for size in silent),
        ]:
            sent = rng.uniform(0.5, 1.0, size)
            sent[-1] += total - sent.sum()
            incoming += [vector] * size
            outgoing += sent.tolist()
        hessian = cost.hessian(np.concatenate([np.ravel(incoming), outgoing]))
        wrong += inertia(hessian, tolerance=1e-12).zero != nullity(copies, silent, 2)
    return wrong, len(kinds)


CASE = Case(
    paper="landscape",
    name="landscape-degenerate-pace",
    claim="Students with neurons to spare approach zero loss like one over the square of time, because their copies "
    "meet in a degenerate minimum; students as wide as the teacher approach it exponentially.",
    source="Simsek et al. (2021), arXiv:2105.12221: zero-loss manifold; pace and zero eigenvalues are derived here",
    full=DegeneratePaceConfig(),
    smoke=DegeneratePaceConfig(widths=(6,), students=2, side=7, first=1e1, last=1e2, times=3),
    run=run,
    checks=checks,
    panels=panels,
)
