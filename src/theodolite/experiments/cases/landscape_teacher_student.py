"""Students of a small teacher: a few neurons more than the teacher has, and gradient flow reaches zero loss."""

import itertools
from dataclasses import dataclass

import numpy as np

from theodolite.experiments.bench import Arrays, Bench
from theodolite.experiments.case import Case, Measurement
from theodolite.experiments.check import Check
from theodolite.experiments.config import Config
from theodolite.experiments.intervals import proportion_interval
from theodolite.experiments.key import Key
from theodolite.experiments.panels import Axis, Column, Panel, Series
from theodolite.experiments.teachers import Teacher, teacher
from theodolite.landscape import Student, aligned, glorot_start, match, reduce, saddle_ratio, train_student
from theodolite.landscape.students import KINDS

TEACHERS = ("hard", "easy")
NEURONS = 4
NUMBERS = ("cost", "polished_cost", "gradient", "largest")


@dataclass(frozen=True)
class TeacherStudentConfig(Config):
    """Students of each width and teacher; the flow runs until a time, then at most 300 second-order steps classify it.

    At twice the width of the teacher, where the demand is close to what is found, there are `hard_at_twice` of the hard
    teacher. `merging` is the relative distance up to which neurons count as copies when the teacher is looked for;
    `bins` of the histogram of costs, over `lowest` to `highest` (powers of ten).
    """

    widths: tuple[int, ...] = (4, 5, 6, 8, 12)
    hard: int = 120
    hard_at_twice: int = 1600
    easy: int = 60
    together: int = 10
    side: int = 15
    until: float = 1e5
    merging: float = 0.08
    same_teacher: float = 1e-3
    lowest: float = -4.2
    highest: float = -1.4
    bins: int = 14
    at_teacher_width: float = 0.65
    at_twice: float = 0.95
    rise: float = 3.0
    recovery: float = 0.8

    @property
    def twice(self) -> int:
        """The first width of at least twice the teacher's, or the last one."""
        return next(m for m in self.widths if m >= min(2 * NEURONS, self.widths[-1]))

    def students(self, name: str, width: int) -> int:
        """Students of a width of a teacher."""
        if name == "easy":
            return self.easy
        return self.hard_at_twice if width == self.twice else self.hard


def run(config: TeacherStudentConfig, key: Key, bench: Bench) -> Measurement:
    """Train every student, look for the teacher in those that succeed, count."""
    problems = {name: teacher(name, config.side) for name in TEACHERS}
    batches = {
        f"{name}, width {width}, students from {first}": (name, width, first)
        for name in TEACHERS
        for width in config.widths
        for first in range(0, config.students(name, width), config.together)
    }

    def several(label: str) -> Arrays:
        name, width, first = batches[label]
        places = range(first, min(first + config.together, config.students(name, width)))
        rows = [_one(config, problems[name], width, key.split(name, width, place)) for place in places]
        return {number: np.array([row[number] for row in rows]) for number in rows[0]}

    parts = dict(zip(batches, bench.each(list(batches), several), strict=True))
    arrays: Arrays = {"widths": np.array(config.widths, float)}
    for name in TEACHERS:
        for width in config.widths:
            own = [part for label, part in parts.items() if batches[label][:2] == (name, width)]
            for number in (*NUMBERS, "kind", "recovered"):
                arrays[f"{name}_{width}_{number}"] = np.concatenate([part[number] for part in own])
        _count(config, name, arrays)
    arrays["ratio"] = np.array([float(saddle_ratio(NEURONS, m)) for m in config.widths])
    _histogram(config, arrays)
    words = (
        f"two teachers of {NEURONS} neurons on {config.side} x {config.side} points of [-5, 5]^2; {config.hard} (hard; "
        f"{config.hard_at_twice} of width {config.twice}) and {config.easy} (easy) students of each width, gradient "
        f"flow to t = {config.until:g} (synthetic)"
    )
    return Measurement(arrays, {}, words)


def checks(config: TeacherStudentConfig, measured: Measurement) -> tuple[Check, ...]:
    """Success at the teacher's width and at twice it, the rise between, and the teachers that are found again."""
    a = measured.arrays
    narrow, twice = config.widths[0], config.twice
    hits = {m: int(np.sum(a[f"hard_{m}_kind"] == 0)) for m in (narrow, twice)}
    trials = {m: config.students("hard", m) for m in hits}
    shares = {m: proportion_interval(hits[m], trials[m]) for m in hits}
    spread = np.sqrt(sum(float(shares[m].mean * (1 - shares[m].mean)) / trials[m] for m in hits))
    rise = float(shares[twice].mean - shares[narrow].mean) / max(float(spread), 1e-9)
    wilson = "95 % Wilson interval, farther side"
    found = [
        Check(
            f"share of students of the hard teacher at zero loss, width {narrow}",
            float(shares[narrow].mean),
            config.at_teacher_width,
            float(shares[narrow].half),
            "at most",
            wilson,
        ),
        Check(
            f"share of students of the hard teacher at zero loss, width {twice}",
            float(shares[twice].mean),
            config.at_twice,
            float(shares[twice].half),
            "at least",
            wilson,
        ),
        Check(
            f"rise of that share from width {narrow} to {twice}",
            rise,
            config.rise,
            0.0,
            "at least",
            "in standard errors already",
            "standard errors",
        ),
    ]
    for name in TEACHERS:
        recovered, successes = a[f"{name}_recovered"], a[f"{name}_successes"]
        worst = int(np.argmin(recovered / np.maximum(successes, 1)))
        share = proportion_interval(int(recovered[worst]), max(int(successes[worst]), 1))
        found.append(
            Check(
                f"share of successes in which the {name} teacher is found again, worst width",
                float(share.mean),
                config.recovery,
                float(share.half),
                "at least",
                wilson,
                note=f"width {config.widths[worst]}: {int(recovered[worst])} of {int(successes[worst])}",
            )
        )
    return tuple(found)


def panels(config: TeacherStudentConfig, measured: Measurement) -> tuple[Panel, ...]:
    """Success against width, the costs at which the others end, outgoing weights there, and the counts."""
    width = Axis("neurons of the student")
    return (
        Panel(
            "success",
            "Students at zero loss",
            "lines",
            f"The teacher has {NEURONS} neurons. Of students as wide many end at positive cost; a few neurons more, "
            "and all reach zero loss.",
            width,
            Axis("share of students at zero loss"),
            tuple(
                Series(
                    f"{name} teacher", "widths", f"{name}_share", f"{name}_half", "95 % Wilson interval", family=name
                )
                for name in TEACHERS
            ),
        ),
        Panel(
            "levels",
            "Where the others end",
            "bars",
            "Costs of the students of the hard teacher that fail repeat themselves: each bar of the narrow widths "
            "holds students of one plateau or one slow channel.",
            Axis("polished cost, middle of the bin"),
            Axis("share of the students of that width"),
            tuple(
                Series(f"width {m}", "bins", f"histogram_{m}", family=f"width {m}")
                for m in config.widths
                if measured.arrays[f"histogram_{m}"].any()
            )
            or (Series("none", "bins", "histogram_none"),),
        ),
        Panel(
            "largest",
            "Outgoing weights of students that fail",
            "scatter",
            "On a plateau the weights stay small; in a slow channel two neurons grow opposite outgoing weights.",
            Axis("polished cost", log=True),
            Axis("largest outgoing weight", log=True),
            tuple(
                Series(kind, f"failed_cost_{place}", f"failed_largest_{place}", family=kind)
                for place, kind in enumerate(KINDS)
                if place and len(measured.arrays[f"failed_cost_{place}"])
            )
            or (Series("teacher", "teacher_cost", "teacher_largest", role="theory"),),
        ),
        *(
            Panel(
                f"{name}-table",
                f"Students of the {name} teacher",
                "table",
                "Ends of the flow, and teachers found again by merging copies and dropping silent neurons. The ratio "
                "of critical subspaces to pieces of the zero-loss set is a trend to compare with: counts are "
                "no volumes.",
                columns=(
                    Column("neurons", "widths"),
                    Column("zero loss", f"{name}_successes"),
                    Column("plateau", f"{name}_plateaus"),
                    Column("slow channel", f"{name}_channels"),
                    Column("teacher found again", f"{name}_recovered"),
                    Column("saddles over minima R", "ratio", digits=3),
                ),
            )
            for name in TEACHERS
        ),
    )


def _one(config: TeacherStudentConfig, problem: Teacher, width: int, key: Key) -> dict[str, float]:
    start = glorot_start(problem.cost, width, key.rng())
    student = train_student(problem.cost, start, until=config.until)
    numbers = {name: float(getattr(student, name)) for name in NUMBERS}
    recovered = student.kind == "zero loss" and _recovered(config, problem, student)
    return {**numbers, "kind": float(KINDS.index(student.kind)), "recovered": float(recovered)}


def _recovered(config: TeacherStudentConfig, problem: Teacher, student: Student) -> bool:
    """Whether merging and refitting the student gives the teacher, up to the order of its neurons."""
    X, Y = problem.cost.X, problem.cost.Y
    for theta in (student.theta, student.polished):
        found = reduce(problem.cost.network(theta), X, Y, tolerance=config.merging, accept=1e-10).network
        if found.widths == problem.network.widths:
            gap = np.abs(aligned(found, match(found, problem.network)).flat() - problem.network.flat()).max()
            if gap < config.same_teacher:
                return True
    return False


def _count(config: TeacherStudentConfig, name: str, arrays: Arrays) -> None:
    kinds = [arrays[f"{name}_{m}_kind"] for m in config.widths]
    for place, word in enumerate(("successes", "plateaus", "channels")):
        arrays[f"{name}_{word}"] = np.array([float(np.sum(kind == place)) for kind in kinds])
    arrays[f"{name}_recovered"] = np.array([arrays[f"{name}_{m}_recovered"].sum() for m in config.widths])
    shares = [
        proportion_interval(int(hits), config.students(name, m))
        for m, hits in zip(config.widths, arrays[f"{name}_successes"], strict=True)
    ]
    arrays[f"{name}_share"] = np.array([float(share.mean) for share in shares])
    arrays[f"{name}_half"] = np.array([float(share.half) for share in shares])


def _histogram(config: TeacherStudentConfig, arrays: Arrays) -> None:
    edges = np.linspace(config.lowest, config.highest, config.bins + 1)
    arrays["bins"] = np.array([float(f"{10 ** ((low + high) / 2):.1e}") for low, high in itertools.pairwise(edges)])
    arrays["histogram_none"] = np.zeros(config.bins)
    for m in config.widths:
        failed = arrays[f"hard_{m}_kind"] > 0
        costs = np.log10(np.maximum(arrays[f"hard_{m}_polished_cost"][failed], 1e-300))
        arrays[f"histogram_{m}"] = np.histogram(np.clip(costs, edges[0], edges[-1]), edges)[0] / len(failed)
    for place in range(1, len(KINDS)):
        chosen = [arrays[f"hard_{m}_kind"] == place for m in config.widths]
        for ours, theirs in (("cost", "polished_cost"), ("largest", "largest")):
            values = [arrays[f"hard_{m}_{theirs}"][own] for m, own in zip(config.widths, chosen)]
            arrays[f"failed_{ours}_{place}"] = np.concatenate(values)
    arrays["teacher_cost"], arrays["teacher_largest"] = np.array([1e-2]), np.array([1.0])


CASE = Case(
    paper="landscape",
    name="landscape-teacher-student",
    claim="Gradient flow of students as wide as their teacher often ends at positive cost; students a few neurons "
    "wider nearly always reach zero loss, and merging their copies gives the teacher back.",
    source="Simsek et al. (2021), arXiv:2105.12221: the teacher-student experiment; grid and easy teacher are ours",
    full=TeacherStudentConfig(),
    smoke=TeacherStudentConfig(widths=(4, 8), hard=5, hard_at_twice=5, easy=2, side=7, until=1e2, bins=8),
    run=run,
    checks=checks,
    panels=panels,
)
