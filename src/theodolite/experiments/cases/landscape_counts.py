"""Critical subspaces and pieces of the zero-loss set, counted: who is more numerous, and when."""

import itertools
import math
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from theodolite.experiments.bench import Arrays, Bench
from theodolite.experiments.case import Case, Measurement
from theodolite.experiments.check import Check
from theodolite.experiments.config import Config
from theodolite.experiments.key import Key
from theodolite.experiments.panels import Axis, Column, Panel, Series
from theodolite.landscape import (
    count_minima,
    count_minima_odd,
    count_saddles,
    enumerate_odd_pieces,
    enumerate_pieces,
    first_width_of_more_minima,
    mild_ratio,
    saddle_ratio,
)


@dataclass(frozen=True)
class CountsConfig(Config):
    """Enumeration up to `listed` (r, m) and `listed_odd`; ratios R(r, m) for `smallest` widths r up to `most` times r.

    `far` is the width r at which the ratio just above it is compared with its law, for (k, h) in `laws`.
    """

    listed: tuple[int, int] = (4, 7)
    listed_odd: tuple[int, int] = (2, 4)
    smallest: tuple[int, ...] = (4, 8, 16, 32)
    most: float = 4.0
    far: int = 320
    laws: tuple[tuple[int, int], ...] = ((1, 0), (1, 1), (2, 2))
    law_limit: float = 0.06
    crossing_low: float = 1.2
    crossing_high: float = 1.6
    vast_limit: float = 1e-5


def run(config: CountsConfig, key: Key, bench: Bench) -> Measurement:
    """Formulas against lists, ratios over widths, and the law just above the smallest width."""
    steps = {"lists": _lists, "ratios": _ratios, "laws": _laws}
    arrays: Arrays = {}
    for part in bench.each(list(steps), lambda name: steps[name](config)):
        arrays.update(part)
    scalars = {name: float(arrays.pop(name)) for name in ("wrong", "wrong_odd", "wrong_factorials")}
    return Measurement(arrays, scalars, "exact integers, no data (synthetic)")


def checks(config: CountsConfig, measured: Measurement) -> tuple[Check, ...]:
    """No count differs from its list; the ratio crosses 1 where said, and follows its law at both ends."""
    a, s = measured.arrays, measured.scalars
    exact = "no randomness"
    crossing = a["crossing"] / a["smallest"]
    laws = np.array([abs(a[f"law_{k}_{h}"][-1] - 1) for k, h in config.laws])
    return (
        Check("counts G and T that differ from a list of them", s["wrong"], 0.0, 0.0, "at most", exact),
        Check("counts for odd activations that differ from a list", s["wrong_odd"], 0.0, 0.0, "at most", exact),
        Check("smallest widths r with T(r, r) other than r!", s["wrong_factorials"], 0.0, 0.0, "at most", exact),
        Check(
            "first width with R < 1 over the smallest, lowest",
            crossing.min(),
            config.crossing_low,
            0.0,
            "at least",
            exact,
        ),
        Check(
            "first width with R < 1 over the smallest, highest",
            crossing.max(),
            config.crossing_high,
            0.0,
            "at most",
            exact,
        ),
        Check("R at the smallest width, lowest", a["at_smallest"].min(), 1.0, 0.0, "at least", exact),
        Check(f"R at {config.most:g} times it, highest", a["at_end"].max(), config.vast_limit, 0.0, "at most", exact),
        Check(
            f"|G(r - k, r + h) / T(r, r + h) over its law - 1| at r = {config.far}, worst (k, h)",
            float(laws.max()),
            config.law_limit,
            0.0,
            "at most",
            exact,
        ),
    )


def panels(config: CountsConfig, measured: Measurement) -> tuple[Panel, ...]:
    """The ratio over widths, its law just above, and the table of counts."""
    return (
        Panel(
            "ratio",
            "Saddles over minima",
            "lines",
            "Just above the smallest width that reaches zero loss critical subspaces outnumber the pieces of the "
            "zero-loss set; from about 1.4 times it on they are outnumbered, ever more.",
            Axis("width over smallest width, m / r*"),
            Axis("critical subspaces over pieces, R(r*, m)", log=True),
            (
                *(
                    Series(f"r* = {r}", f"width_{r}", f"ratio_{r}", role="theory", family=str(r))
                    for r in config.smallest
                ),
                Series("as many", "one_x", "one", role="guide"),
            ),
        ),
        Panel(
            "law",
            "The law just above the smallest width",
            "lines",
            "The exact ratio approaches h! / (h + k)! (m / 2)^k: saddles of width r* - k outnumber minima without "
            "bound.",
            Axis("smallest width r*", log=True),
            Axis("G(r* - k, r* + h) / T(r*, r* + h) over its law"),
            tuple(
                Series(f"k = {k}, h = {h}", "far", f"law_{k}_{h}", role="theory", family=f"{k}{h}")
                for k, h in config.laws
            ),
        ),
        Panel(
            "crossings",
            "Where minima take over",
            "table",
            "The first width at which pieces of the zero-loss set are more than critical subspaces, and R beside it.",
            columns=(
                Column("smallest width r*", "smallest"),
                Column("first width with R < 1", "crossing"),
                Column("R at r*", "at_smallest"),
                Column("R at 2 r*", "at_twice", digits=3),
                Column(f"R at {config.most:g} r*", "at_end", digits=2),
            ),
        ),
        Panel(
            "counts",
            "The counts",
            "table",
            "Formulas and lists agree in every entry.",
            columns=(
                Column("narrow r", "r"),
                Column("wide m", "m"),
                Column("critical subspaces G", "saddles", digits=12),
                Column("pieces T", "minima", digits=12),
            ),
        ),
    )


def _lists(config: CountsConfig) -> Arrays:
    """The formulas beside lists of pieces and of surjections."""
    pairs = [(r, m) for r in range(1, config.listed[0] + 1) for m in range(r, config.listed[1] + 1)]
    saddles = [count_saddles(*pair) for pair in pairs]
    minima = [count_minima(*pair) for pair in pairs]
    onto = [sum(set(f) == set(range(r)) for f in itertools.product(range(r), repeat=m)) for r, m in pairs]
    listed = [len(set(enumerate_pieces(*pair))) for pair in pairs]
    odd = [(r, m) for r in range(1, config.listed_odd[0] + 1) for m in range(r, config.listed_odd[1] + 1)]
    wrong = sum(one != other for one, other in zip([*saddles, *minima], [*onto, *listed], strict=True))
    wrong_odd = sum(count_minima_odd(*pair) != len(set(enumerate_odd_pieces(*pair))) for pair in odd)
    factorials = sum(count_minima(r, r) != math.factorial(r) for r in range(1, max(config.smallest) + 1))
    columns = {"r": [r for r, _ in pairs], "m": [m for _, m in pairs], "saddles": saddles, "minima": minima}
    numbers = {"wrong": wrong, "wrong_odd": wrong_odd, "wrong_factorials": factorials}
    return {name: np.array(values, float) for name, values in {**columns, **numbers}.items()}


def _ratios(config: CountsConfig) -> Arrays:
    """R over the width for each smallest width."""
    arrays: Arrays = {"smallest": np.array(config.smallest, float)}
    for r in config.smallest:
        widths = range(r, int(config.most * r) + 1)
        arrays[f"width_{r}"] = np.array([m / r for m in widths])
        arrays[f"ratio_{r}"] = np.array([float(saddle_ratio(r, m)) for m in widths])
    arrays["crossing"] = np.array([float(first_width_of_more_minima(r)) for r in config.smallest])
    arrays["at_smallest"] = np.array([arrays[f"ratio_{r}"][0] for r in config.smallest])
    arrays["at_twice"] = np.array([arrays[f"ratio_{r}"][r] for r in config.smallest])
    arrays["at_end"] = np.array([arrays[f"ratio_{r}"][-1] for r in config.smallest])
    arrays["one_x"], arrays["one"] = np.array([1.0, config.most]), np.ones(2)
    return arrays


def _laws(config: CountsConfig) -> Arrays:
    """The exact ratio just above the smallest width over its law."""
    grid = np.unique(np.geomspace(10, config.far, 12).astype(int))
    laws = {f"law_{k}_{h}": np.array([_against_law(int(r), k, h) for r in grid]) for k, h in config.laws}
    return {"far": grid.astype(float), **laws}


def _against_law(r: int, k: int, h: int) -> float:
    return float(Fraction(count_saddles(r - k, r + h), count_minima(r, r + h)) / mild_ratio(k, h, r + h))


CASE = Case(
    paper="landscape",
    name="landscape-counts",
    claim="In mildly overparameterised networks the critical subspaces made by symmetry outnumber the pieces of the "
    "zero-loss set, in vastly overparameterised ones it is the other way round.",
    source="Simsek et al. (2021), arXiv:2105.12221: the numbers G and T and their ratio; odd activations are derived "
    "here",
    full=CountsConfig(),
    smoke=CountsConfig(listed=(3, 5), listed_odd=(2, 3), smallest=(4, 8), far=40),
    run=run,
    checks=checks,
    panels=panels,
)
