"""The mean of the random-feature hat matrix: its eigenvalues against the kernel's at the effective ridge."""

from dataclasses import dataclass

import numpy as np

from theodolite.experiments.bench import Arrays, Bench
from theodolite.experiments.case import Case, Measurement
from theodolite.experiments.check import Check
from theodolite.experiments.config import Config
from theodolite.experiments.intervals import mean_interval
from theodolite.experiments.key import Key
from theodolite.experiments.panels import Axis, Panel, Series
from theodolite.experiments.random_features import hat_diagonals
from theodolite.random_features import effective_ridge


@dataclass(frozen=True)
class EigenvaluesConfig(Config):
    """Spectrum 2^-(k-1); checks look at `checked_from` features and more."""

    modes: int = 20
    features: tuple[int, ...] = (1, 5, 10, 20, 100)
    ridges: tuple[float, ...] = (1e-6, 1e-4, 1e-2, 1e-1)
    shown: tuple[tuple[int, float], ...] = ((5, 1e-2), (20, 1e-4), (100, 1e-2))
    draws: int = 20_000
    checked_from: int = 5
    gap_limit: float = 0.035
    naive_from: float = 0.2
    share_limit: float = 1 / 6


def run(config: EigenvaluesConfig, key: Key, bench: Bench) -> Measurement:
    """Draw hat matrices A = F (F'F + ridge I)^-1 F' in the eigenbasis of K and average their diagonals."""
    cells = [(P, ridge) for P in config.features for ridge in config.ridges]
    names = {f"{P} features, ridge {ridge:g}": (P, ridge) for P, ridge in cells}
    d = _spectrum(config)

    def part(name: str) -> Arrays:
        P, ridge = names[name]
        diagonals = hat_diagonals(d, ridge, P, config.draws, key.split(name).rng())
        return dict(zip(("mean", "half"), mean_interval(diagonals), strict=True))

    parts = bench.each(list(names), part)
    modes = np.arange(1.0, config.modes + 1)
    arrays: Arrays = {"modes": modes, "cell_features": np.array([P for P, _ in cells], dtype=float)}
    arrays["cell_ridge"] = np.array([ridge for _, ridge in cells])
    gaps = []
    for (P, ridge), found in zip(cells, parts, strict=True):
        z = effective_ridge(d, ridge, P)
        distance = np.abs(found["mean"] - d / (d + z))
        at = int(distance.argmax())
        naive = np.abs(found["mean"] - d / (d + ridge)).max()
        gaps.append((distance[at], found["half"][at], naive))
        tag = _tag(P, ridge)
        arrays |= {f"{tag}_mean": found["mean"], f"{tag}_half": found["half"]}
        arrays |= {f"{tag}_theory": d / (d + z), f"{tag}_naive": d / (d + ridge)}
    arrays["gap"], arrays["gap_half"], arrays["naive_gap"] = np.array(gaps).T
    return Measurement(arrays, {}, f"{config.modes} eigenvalues 2^-(k-1), {config.draws} draws a cell (synthetic)")


def checks(config: EigenvaluesConfig, measured: Measurement) -> tuple[Check, ...]:
    """The gap to the effective ridge is small, and small beside the gap to the ridge."""
    a = measured.arrays
    among = np.flatnonzero(a["cell_features"] >= config.checked_from)
    worst = among[a["gap"][among].argmax()]
    telling = among[a["naive_gap"][among] > config.naive_from]
    shares = a["gap"][telling] / a["naive_gap"][telling]
    at = telling[shares.argmax()]

    def cell(i: int) -> str:
        return f"P = {a['cell_features'][i]:g}, ridge {a['cell_ridge'][i]:g}"

    return (
        Check(
            f"gap between eigenvalues of the mean hat matrix and d / (d + effective ridge), "
            f"P >= {config.checked_from}, worst",
            float(a["gap"][worst]),
            config.gap_limit,
            float(a["gap_half"][worst]),
            "at most",
            note=cell(worst),
        ),
        Check(
            f"that gap over the gap to d / (d + ridge), where the latter exceeds {config.naive_from:g}, worst",
            float(shares.max()),
            config.share_limit,
            float(a["gap_half"][at] / a["naive_gap"][at]),
            "at most",
            note=cell(at),
        ),
    )


def panels(config: EigenvaluesConfig, measured: Measurement) -> tuple[Panel, ...]:
    """Eigenvalues over their rank, one panel a setting."""
    return tuple(
        Panel(
            f"eigenvalues-{P}-{ridge:g}",
            f"Eigenvalues of the mean hat matrix, {P} features, ridge {ridge:g}",
            "lines",
            "On average, random features capture each eigenvector of the Gram matrix as the kernel does at the "
            "effective ridge, not at the ridge.",
            Axis("eigenvector, by falling eigenvalue"),
            Axis("share of the target captured"),
            (
                Series(
                    "measured",
                    "modes",
                    f"{_tag(P, ridge)}_mean",
                    error=f"{_tag(P, ridge)}_half",
                    error_means="95 % interval of the mean",
                    family="m",
                ),
                Series("d / (d + effective ridge)", "modes", f"{_tag(P, ridge)}_theory", role="theory", family="m"),
                Series("d / (d + ridge)", "modes", f"{_tag(P, ridge)}_naive", role="guide"),
            ),
        )
        for P, ridge in config.shown
    )


def _tag(features: int, ridge: float) -> str:
    return f"{features}_{ridge:g}"


def _spectrum(config: EigenvaluesConfig) -> np.ndarray:
    return 2.0 ** -np.arange(0.0, config.modes)


CASE = Case(
    paper="random-features",
    name="random-features-average-eigenvalues",
    claim="On average over features, each eigenvector of the Gram matrix is captured as by the kernel at the effective "
    "ridge: the eigenvalues of the mean hat matrix are d / (d + effective ridge).",
    source="Jacot et al. (2020), arXiv:2002.08404: mean of the random-feature predictor",
    full=EigenvaluesConfig(),
    smoke=EigenvaluesConfig(features=(5, 20), ridges=(1e-4, 1e-2), shown=((5, 1e-2),), draws=200),
    run=run,
    checks=checks,
    panels=panels,
)
