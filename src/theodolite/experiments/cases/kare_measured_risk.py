"""KARE against the risk measured on held-out rows, over ridge and lengthscale, on real data."""

from dataclasses import dataclass

import numpy as np

from theodolite.experiments.bench import Arrays, Bench
from theodolite.experiments.case import Case, Measurement
from theodolite.experiments.check import Check, Direction
from theodolite.experiments.config import Config
from theodolite.experiments.intervals import jackknife_interval, mean_interval
from theodolite.experiments.kernel_grid import measure, rank_correlation
from theodolite.experiments.key import Key
from theodolite.experiments.panels import Axis, Column, Field, Panel, Series
from theodolite.experiments.real_data import HIGGS, MNIST, in_folder, load, split

IMAGES = ("MNIST 7/9", "digits 7/9", "digits parity")
ERROR_MEANS = "95 % interval, jackknife over random splits"
QUANTITIES = ("test", "kare", "leave_one_out")


@dataclass(frozen=True)
class GridConfig(Config):
    """(data set, training rows): the first list is used when a data folder holds these sets, else the second."""

    from_folder: tuple[tuple[str, int], ...] = (("MNIST 7/9", 500), ("Higgs", 500))
    embedded: tuple[tuple[str, int], ...] = (("digits 7/9", 150), ("digits parity", 500))
    families: tuple[str, ...] = ("RBF", "Laplace")
    factors: tuple[float, ...] = tuple(float(f"{10 ** (-1.5 + 0.5 * i):.4g}") for i in range(8))
    ridges: tuple[float, ...] = tuple(float(f"{10 ** (-8 + i / 3):.4g}") for i in range(28))
    splits: int = 60
    test_rows: int = 3000
    flag: float = 0.1
    images_rank_limit: float = 0.95
    rank_limit: float = 0.8
    median_limit: float = 0.15
    tail_limit: float = 0.15


def run(config: GridConfig, key: Key, bench: Bench) -> Measurement:
    """Measure the whole grid on every split; then rank correlation and relative gaps of the averages over splits."""
    available = in_folder(bench.data_folder)
    chosen = tuple(entry for entry in config.from_folder if entry[0] in available) or config.embedded
    tables = {name: load(name, key, bench.data_folder) for name, _ in chosen}
    names = {
        f"{name}, {rows} rows, {family}, split {index + 1}": (name, rows, family, index)
        for name, rows in chosen
        for family in config.families
        for index in range(config.splits)
    }

    def part(label: str) -> Arrays:
        name, rows, family, index = names[label]
        data = split(tables[name], rows, config.test_rows, key.split(name, index).rng())
        found = measure(family, data, config.factors, config.ridges)
        return {quantity: found[quantity] for quantity in QUANTITIES}

    parts = bench.each(list(names), part)
    pairs = [(name, family) for name, _ in chosen for family in config.families]
    shape = (len(pairs), config.splits, len(config.factors), len(config.ridges))
    grids = {quantity: np.stack([part[quantity] for part in parts]).reshape(shape) for quantity in QUANTITIES}
    arrays = {
        "factors": np.array(config.factors),
        "ridges": np.array(config.ridges),
        "pair_data": np.array([name for name, _ in pairs]),
        "pair_family": np.array([family for _, family in pairs]),
        **_statistics(config, grids),
    }
    for p, (name, family) in enumerate(pairs):
        arrays |= _curves(config, _tag(name, family), {quantity: values[p] for quantity, values in grids.items()})
    words = "; ".join(f"{tables[name].words}, {rows} training rows" for name, rows in chosen)
    scalars = {
        "share of cells where KARE and leave-one-out agree": float(arrays["flag_share"]),
        "median gap of KARE, single splits": float(arrays["single_median_gap"].mean()),
        "9 in 10 gap of KARE, single splits": float(arrays["single_tail_gap"].mean()),
        "9 in 10 gap of leave-one-out, single splits": float(arrays["single_leave_one_out_tail"].mean()),
    }
    return Measurement(arrays, scalars, f"{words}; {config.splits} random splits")


def checks(config: GridConfig, measured: Measurement) -> tuple[Check, ...]:
    """Ranking, size of the gap, leave-one-out beside it, and KARE where both agree."""
    a = measured.arrays
    sets = np.array([f"{data}, {family}" for data, family in zip(a["pair_data"], a["pair_family"], strict=True)])
    images = np.isin(a["pair_data"], IMAGES)

    def extreme(name: str, words: str, among: np.ndarray, limit: float, direction: Direction) -> Check:
        values, half, where = a[name][among], a[f"{name}_half"][among], sets[among]
        i = int(values.argmin() if direction == "at least" else values.argmax())
        return Check(words, float(values[i]), limit, float(half[i]), direction, ERROR_MEANS, note=str(where[i]))

    def pooled(name: str, words: str) -> Check:
        return Check(words, float(a[name]), config.tail_limit, float(a[f"{name}_half"]), "at most", ERROR_MEANS)

    every, ranking = (
        np.ones(len(sets), dtype=bool),
        "rank correlation of KARE and measured risk over the grid, worst set",
    )
    found = [
        extreme("rank_correlation", ranking, every, config.rank_limit, "at least"),
        extreme(
            "median_gap", "median |KARE / risk - 1| over the grid, worst set", every, config.median_limit, "at most"
        ),
        pooled("pooled_leave_one_out_tail", "|leave-one-out / risk - 1| not exceeded in 9 of 10 cells of all sets"),
        pooled(
            "pooled_flagged_tail",
            f"|KARE / risk - 1| not exceeded in 9 of 10 cells where leave-one-out agrees within {config.flag:.0%}",
        ),
    ]
    if images.any():
        words = f"{ranking} of images"
        found.insert(0, extreme("rank_correlation", words, images, config.images_rank_limit, "at least"))
    return tuple(found)


def panels(config: GridConfig, measured: Measurement) -> tuple[Panel, ...]:
    """Per set and family: curves over ridge, two heat maps; then all cells in one scatter, and a table."""
    found = []
    for name, family in zip(measured.arrays["pair_data"], measured.arrays["pair_family"], strict=True):
        found += _panels_of(config, str(name), str(family))
    return (
        *found,
        Panel(
            "table",
            "How well KARE predicts the measured risk",
            "table",
            "KARE orders kernels as the measured risk does. Gaps are |KARE / risk - 1| over the grid, of means over "
            "splits; the gap not exceeded in 9 of 10 cells is given for leave-one-out and for single splits too.",
            columns=(
                Column("data", "pair_data"),
                Column("kernel", "pair_family"),
                Column("rank correlation", "rank_correlation", digits=3),
                Column("±", "rank_correlation_half", digits=2),
                Column("median gap", "median_gap", digits=2),
                Column("9 in 10 gap", "tail_gap", digits=2),
                Column("of leave-one-out", "leave_one_out_tail", digits=2),
                Column("single splits", "single_tail_gap", digits=2),
                Column("risk chosen", "chosen", digits=4),
                Column("lowest risk", "lowest", digits=4),
            ),
        ),
    )


def _panels_of(config: GridConfig, name: str, family: str) -> list[Panel]:
    tag, ridge = _tag(name, family), Axis("ridge", log=True)
    risk = Axis("risk", "squared unit of the target", log=True)
    unit = "median squared distance" if family == "RBF" else "median distance"
    interval = "95 % interval of the mean over splits"
    curves = [
        series
        for factor in config.factors[1::2]
        for series in (
            Series(
                f"measured, lengthscale {factor:g}",
                "ridges",
                f"{tag}_test_{factor:g}",
                error=f"{tag}_test_{factor:g}_half",
                error_means=interval,
                family=f"{factor:g}",
            ),
            Series(
                f"KARE, lengthscale {factor:g}", "ridges", f"{tag}_kare_{factor:g}", role="theory", family=f"{factor:g}"
            ),
        )
    ]
    marks = (
        Series("lowest measured risk", f"{tag}_test_ridge", f"{tag}_test_factor"),
        Series("lowest KARE", f"{tag}_kare_ridge", f"{tag}_kare_factor"),
    )
    lengthscale = Axis("lengthscale", unit, log=True)
    maps = [
        Panel(
            f"{tag}-map-{quantity}",
            f"{title}: {name}, {family}",
            "heatmap",
            "KARE, computed without test data, finds the valley of the measured risk.",
            ridge,
            lengthscale,
            series=marks,
            field=Field("ridges", "factors", f"{tag}_{quantity}_map", risk),
        )
        for quantity, title in (("test", "Measured risk"), ("kare", "KARE"))
    ]
    scatter = Panel(
        f"{tag}-scatter",
        f"Predicted against measured risk: {name}, {family}",
        "scatter",
        "Each point is one lengthscale and ridge, mean over splits: KARE and leave-one-out against the measured risk.",
        Axis("measured risk", risk.unit, log=True),
        Axis("predicted risk", risk.unit, log=True),
        (
            Series("KARE", f"{tag}_cells_test", f"{tag}_cells_kare"),
            Series("leave-one-out", f"{tag}_cells_test", f"{tag}_cells_leave_one_out"),
            Series("equal", f"{tag}_ends", f"{tag}_ends", role="guide"),
        ),
    )
    caption = (
        "KARE (lines), from the training rows alone, follows the measured risk (points) over ridge and lengthscale."
    )
    return [
        Panel(f"{tag}-curves", f"Risk over ridge: {name}, {family}", "lines", caption, ridge, risk, tuple(curves)),
        *maps,
        scatter,
    ]


def _statistics(config: GridConfig, grids: Arrays) -> Arrays:
    """Gaps between averages over splits, with jackknife intervals over splits; single splits beside them.

    Averages are what the theory speaks of: the expected risk, and an estimate of it. Between single training and test
    sets the same gaps also hold the sampling noise of both.
    """
    stacked = np.stack([grids[name] for name in QUANTITIES], axis=2)  # (pairs, splits, quantities, factors, ridges)
    names = ("rank_correlation", "median_gap", "tail_gap", "leave_one_out_tail", "chosen", "lowest")
    arrays: Arrays = {}
    intervals = [jackknife_interval(lambda splits: _summary(splits.mean(0)), pair) for pair in stacked]
    for i, name in enumerate(names):
        arrays[name] = np.array([interval.mean[i] for interval in intervals])
        arrays[f"{name}_half"] = np.array([interval.half[i] for interval in intervals])
        arrays[f"single_{name}"] = np.array([np.mean([_summary(split)[i] for split in pair]) for pair in stacked])
    by_split = np.moveaxis(stacked, 1, 0)
    pooled = jackknife_interval(lambda splits: _pooled(splits.mean(0), config.flag), by_split)
    for i, name in enumerate(("pooled_leave_one_out_tail", "pooled_flagged_tail", "flag_share")):
        arrays[name], arrays[f"{name}_half"] = pooled.mean[i], pooled.half[i]
    return arrays


def _summary(grid: np.ndarray) -> np.ndarray:
    """Of one set, grid (quantities, factors, ridges): the six numbers of its row in the table."""
    test, kare, left_out = grid
    gap = np.abs(kare / test - 1)
    return np.array(
        [
            rank_correlation(kare, test),
            np.median(gap),
            np.quantile(gap, 0.9),
            np.quantile(np.abs(left_out / test - 1), 0.9),
            test.flat[int(kare.argmin())],
            test.min(),
        ]
    )


def _pooled(grids: np.ndarray, flag: float) -> np.ndarray:
    """Of all sets together, (pairs, quantities, factors, ridges): the three pooled numbers."""
    test, kare, left_out = np.moveaxis(grids, 1, 0)
    agree = np.abs(kare / left_out - 1) < flag
    flagged = np.quantile(np.abs(kare / test - 1)[agree], 0.9) if agree.any() else np.nan
    return np.array([np.quantile(np.abs(left_out / test - 1), 0.9), flagged, agree.mean()])


def _curves(config: GridConfig, tag: str, grids: Arrays) -> Arrays:
    """Means over splits for the panels of one pair; grids are (splits, factors, ridges)."""
    everything = np.concatenate([values.mean(0).ravel() for values in grids.values()])
    arrays: Arrays = {f"{tag}_ends": np.array([everything.min(), everything.max()])}
    for quantity, values in grids.items():
        mean, half = mean_interval(values)
        arrays[f"{tag}_cells_{quantity}"] = mean.ravel()
        if quantity == "leave_one_out":
            continue
        arrays[f"{tag}_{quantity}_map"] = mean
        row, column = np.unravel_index(int(mean.argmin()), mean.shape)
        arrays[f"{tag}_{quantity}_factor"] = np.array([config.factors[row]])
        arrays[f"{tag}_{quantity}_ridge"] = np.array([config.ridges[column]])
        for i, factor in enumerate(config.factors):
            arrays[f"{tag}_{quantity}_{factor:g}"] = mean[i]
            arrays[f"{tag}_{quantity}_{factor:g}_half"] = half[i]
    return arrays


def _tag(name: str, family: str) -> str:
    return "".join(letter if letter.isalnum() else "-" for letter in f"{name} {family}").lower()


CASE = Case(
    paper="kare",
    name="kare-measured-risk",
    claim="KARE, computed from the training set alone, orders kernels and ridges as the risk on new data does, and "
    "equals that risk wherever leave-one-out agrees with it.",
    source="Jacot et al. (2020), arXiv:2006.09796: KARE on MNIST and Higgs",
    full=GridConfig(),
    smoke=GridConfig(
        from_folder=(("MNIST 7/9", 40),),
        embedded=(("digits 7/9", 40),),
        families=("RBF",),
        factors=(0.1, 1.0, 10.0),
        ridges=(1e-6, 1e-4, 1e-2, 1.0),
        splits=2,
        test_rows=100,
    ),
    run=run,
    checks=checks,
    panels=panels,
    reads=(MNIST, HIGGS),
)
