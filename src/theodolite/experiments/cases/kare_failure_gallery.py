"""Where KARE must not be believed, and whether the trust verdict says so."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from theodolite.experiments.bench import Arrays, Bench
from theodolite.experiments.case import Case, Measurement
from theodolite.experiments.check import Check
from theodolite.experiments.config import Config
from theodolite.experiments.intervals import mean_interval, proportion_interval
from theodolite.experiments.key import Key
from theodolite.experiments.panels import Axis, Column, Panel, Series
from theodolite.experiments.real_data import Table, load, split
from theodolite.kernel_regression import RidgePath
from theodolite.kernel_regression.trust import TRUSTED, repeated_share, trust
from theodolite.kernels import RBF, Kernel, Laplace, gram


@dataclass(frozen=True)
class GalleryConfig(Config):
    """`misled`: KARE and risk further apart than this factor; `sound`: closer than this factor."""

    draws: int = 200
    test_rows: int = 1500
    subjects: int = 30
    repeats: int = 10
    misled: float = 2.0
    sound: float = 1.25
    warned_limit: float = 0.95
    alarm_limit: float = 0.10
    grouped_limit: float = 0.15


class Problem(NamedTuple):
    """One draw of one situation: training and fresh test data, kernel and ridge."""

    inputs: np.ndarray
    targets: np.ndarray
    test_inputs: np.ndarray
    test_targets: np.ndarray
    kernel: Kernel
    ridge: float
    groups: np.ndarray | None = None


SITUATIONS = {
    "few rows, small ridge": "KARE misleads",
    "rough kernel in one dimension, tiny ridge": "KARE misleads",
    "every row twice": "KARE misleads",
    "groups, not declared": "KARE misleads",
    "groups, declared": "groups",
    "many rows, moderate ridge": "sound",
    "rough kernel in one dimension, moderate ridge": "sound",
}


def run(config: GalleryConfig, key: Key, bench: Bench) -> Measurement:
    """Draw every situation many times: KARE, leave-one-out, the measured risk, and the verdict."""
    diabetes = load("diabetes", key)
    parts = bench.each(list(SITUATIONS), lambda name: _draws(config, key.split(name), name, diabetes))
    by_name = {
        name: {quantity: part[quantity] for quantity in part} for name, part in zip(SITUATIONS, parts, strict=True)
    }
    ratio = np.array([part["kare"] / part["risk"] for part in parts])  # (situations, draws)
    factor = np.maximum(ratio, 1 / ratio)
    warned = np.array([part["warned"] for part in parts])
    arrays: Arrays = {
        "situation": np.array(list(SITUATIONS)),
        "factor": factor,
        "warned": warned,
        "misled_share": (factor > config.misled).mean(1),
        "warned_share": warned.mean(1),
    }
    for quantity in ("kare", "leave_one_out", "held_out", "risk"):
        mean, half = mean_interval(np.array([part[quantity] for part in parts]), axis=1)
        arrays[quantity], arrays[f"{quantity}_half"] = mean, half
    grouped = by_name["groups, declared"]
    arrays["grouped_ratio"] = grouped["held_out"] / grouped["risk"].mean()
    words = (
        f"synthetic situations, and embedded diabetes (from scikit-learn) with every row twice; {config.draws} draws"
    )
    return Measurement(arrays, {"draws": float(config.draws)}, words)


def checks(config: GalleryConfig, measured: Measurement) -> tuple[Check, ...]:
    """Warned where misled, quiet where sound, right when the groups are declared."""
    a, found = measured.arrays, []
    wilson = "95 % interval (Wilson)"
    for i, (name, kind) in enumerate(SITUATIONS.items()):
        factor, warned = a["factor"][i], a["warned"][i]
        if kind == "KARE misleads":
            among = factor > config.misled
            share, half = proportion_interval(int(warned[among].sum()), int(among.sum()))
            words = f"share of warnings where KARE is wrong by a factor {config.misled:g}: {name}"
            note = f"{among.sum()} of {len(factor)} draws"
            found.append(Check(words, float(share), config.warned_limit, float(half), "at least", wilson, note=note))
        elif kind == "sound":
            among = factor < config.sound
            share, half = proportion_interval(int(warned[among].sum()), int(among.sum()))
            words = f"share of false alarms where KARE is right within a factor {config.sound:g}: {name}"
            note = f"{among.sum()} of {len(factor)} draws"
            found.append(Check(words, float(share), config.alarm_limit, float(half), "at most", wilson, note=note))
    mean, half = mean_interval(a["grouped_ratio"])
    words = "|leave-one-group-out / risk on new subjects - 1|, means, groups declared"
    found.append(Check(words, abs(float(mean) - 1), config.grouped_limit, float(half), "at most"))
    return tuple(found)


def panels(config: GalleryConfig, measured: Measurement) -> tuple[Panel, ...]:
    """Predicted and measured risk by situation; how often it was wrong and how often it said so."""
    interval = "95 % interval of the mean"
    return (
        Panel(
            "gallery",
            "Where KARE must not be believed",
            "bars",
            "Repeated rows, hidden groups, few rows or a tiny ridge make KARE misleading by large factors.",
            Axis("situation"),
            Axis("risk", "squared unit of the target", log=True),
            tuple(
                Series(words, "situation", quantity, error=f"{quantity}_half", error_means=interval)
                for quantity, words in (
                    ("kare", "KARE"),
                    ("leave_one_out", "leave-one-out"),
                    ("held_out", "leave-one-out or leave-one-group-out, what the trust verdict uses"),
                    ("risk", "measured risk"),
                )
            ),
        ),
        Panel(
            "warnings",
            "How often KARE misleads, and how often the verdict warns",
            "table",
            "The trust verdict warns where KARE misleads and is quiet where it is right.",
            columns=(
                Column("situation", "situation"),
                Column("KARE", "kare", digits=3),
                Column("leave-one-out", "leave_one_out", digits=3),
                Column("risk", "risk", digits=3),
                Column(f"wrong by a factor {config.misled:g}", "misled_share", digits=3),
                Column("warned", "warned_share", digits=3),
            ),
        ),
    )


def _draws(config: GalleryConfig, key: Key, name: str, diabetes: Table) -> Arrays:
    make = _MAKERS[name]
    rows = [_measure(make(config, key.split(draw), diabetes)) for draw in range(config.draws)]
    names = ("kare", "leave_one_out", "held_out", "risk", "warned")
    return {quantity: np.array(values) for quantity, values in zip(names, zip(*rows, strict=True), strict=True)}


def _measure(problem: Problem) -> tuple[float, float, float, float, bool]:
    path = RidgePath(gram(problem.kernel, problem.inputs), problem.targets, groups=problem.groups)
    predicted = gram(problem.kernel, problem.test_inputs, problem.inputs) @ path.dual(problem.ridge)[:, 0]
    risk = float(np.mean((predicted - problem.test_targets) ** 2))
    verdict = trust(path, problem.ridge, repeated=repeated_share(problem.inputs)).verdict
    left_out = path.leave_one_out(problem.ridge)
    held_out = left_out if problem.groups is None else path.leave_one_group_out(problem.ridge)
    return path.kare(problem.ridge), left_out, held_out, risk, verdict != TRUSTED


def _smooth(config: GalleryConfig, key: Key, rows: int, ridge: float) -> Problem:
    def surface(x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        return np.sin(x[:, 0]) + 0.5 * x[:, 1] * x[:, 2] + 0.1 * rng.standard_normal(len(x))

    rng = key.rng()
    x, z = rng.standard_normal((rows, 3)), rng.standard_normal((config.test_rows, 3))
    return Problem(x, surface(x, rng), z, surface(z, rng), RBF(6.0), ridge)


def _one_dimension(config: GalleryConfig, key: Key, ridge: float) -> Problem:
    def curve(x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        return np.sin(2 * x[:, 0]) + 0.1 * rng.standard_normal(len(x))

    rng = key.rng()
    x, z = rng.uniform(-2, 2, (100, 1)), rng.uniform(-2, 2, (config.test_rows, 1))
    return Problem(x, curve(x, rng), z, curve(z, rng), Laplace(1.0), ridge)


def _twice(config: GalleryConfig, key: Key, diabetes: Table) -> Problem:
    data = split(diabetes, 221, config.test_rows, key.rng())
    x, y = np.repeat(data.inputs, 2, axis=0), np.repeat(data.targets, 2)
    lengthscale = float(np.median(((data.inputs[:, None] - data.inputs[None]) ** 2).sum(-1)))
    return Problem(x, y, data.test_inputs, data.test_targets, RBF(lengthscale), 1e-5)


def _subjects(config: GalleryConfig, key: Key, declared: bool) -> Problem:
    """Every subject has a place in five dimensions and a level of its own; its rows scatter closely around both."""
    rng = key.rng()

    def draw(subjects: int, repeats: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        member = np.repeat(np.arange(subjects), repeats)
        places, levels = rng.standard_normal((subjects, 5)), rng.standard_normal(subjects)
        x = places[member] + 0.1 * rng.standard_normal((len(member), 5))
        return x, levels[member] + 0.3 * rng.standard_normal(len(member)), member

    x, y, member = draw(config.subjects, config.repeats)
    z, w, _ = draw(config.test_rows, 1)
    return Problem(x, y, z, w, RBF(5.0), 1e-3, member if declared else None)


_MAKERS: dict[str, Callable[[GalleryConfig, Key, Table], Problem]] = {
    "few rows, small ridge": lambda config, key, _: _smooth(config, key, 40, 1e-3),
    "rough kernel in one dimension, tiny ridge": lambda config, key, _: _one_dimension(config, key, 1e-10),
    "every row twice": _twice,
    "groups, not declared": lambda config, key, _: _subjects(config, key, declared=False),
    "groups, declared": lambda config, key, _: _subjects(config, key, declared=True),
    "many rows, moderate ridge": lambda config, key, _: _smooth(config, key, 300, 1e-1),
    "rough kernel in one dimension, moderate ridge": lambda config, key, _: _one_dimension(config, key, 1e-2),
}


CASE = Case(
    paper="kare",
    name="kare-failure-gallery",
    claim="Where KARE misleads by a factor two (repeated rows, hidden groups, few rows, a tiny ridge), the trust "
    "verdict warns; where KARE is right it is quiet; with declared groups leave-one-group-out is right.",
    source="our own measurements on Jacot et al. (2020), arXiv:2006.09796: where its assumptions end",
    full=GalleryConfig(),
    smoke=GalleryConfig(draws=4, test_rows=100, subjects=6, repeats=3),
    run=run,
    checks=checks,
    panels=panels,
)
