"""The effective ridge over the number of features: bounds, monotony, and where its derivative peaks."""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq

from theodolite.experiments.bench import Arrays, Bench
from theodolite.experiments.case import Case, Measurement
from theodolite.experiments.check import Check
from theodolite.experiments.config import Config
from theodolite.experiments.key import Key
from theodolite.experiments.panels import Axis, Column, Panel, Series
from theodolite.numerics.self_consistent import degrees_of_freedom
from theodolite.random_features import effective_ridge, effective_ridge_bounds, effective_ridge_slope, ridge_for

SPECTRA = {
    "1/k": lambda k: 1.0 / k,
    "exp(-(k-1)/2)": lambda k: np.exp(-(k - 1) / 2),
    "2^-(k-1)": lambda k: 2.0 ** (1 - k),
}
EXACT = "no randomness"


@dataclass(frozen=True)
class EffectiveRidgeConfig(Config):
    """Spectra of `modes` eigenvalues, as of a Gram matrix of that many points; ridges in their unit."""

    modes: int = 20
    ridges: tuple[float, ...] = (1e-6, 1e-4, 1e-3, 1e-2, 1e-1)
    most_features: int = 2000
    features: int = 90
    root_limit: float = 1e-10
    slack: float = 1e-12
    peak_low: float = 0.55
    peak_high: float = 1.05


def run(config: EffectiveRidgeConfig, key: Key, bench: Bench) -> Measurement:
    """Solve the scalar equation on a grid, by our solver and by bracketing."""
    found = bench.each(list(SPECTRA), lambda name: _curves(config, name))
    features = _features(config).astype(float)
    arrays: Arrays = {"features": features, "gamma": features / config.modes}
    rows: list[tuple[str | float, ...]] = []
    for name, part in zip(SPECTRA, found, strict=True):
        for r, ridge in enumerate(config.ridges):
            tag = _tag(name, ridge)
            arrays[f"{tag}_z"], arrays[f"{tag}_slope"] = part["z"][r], part["slope"][r]
            arrays[f"{tag}_ridge"] = np.full(len(features), ridge)
            rows.append((name, ridge, *(float(value) for value in part["peak"][r])))
    for column, values in zip(("spectrum", "ridge", "peak", "height", "freedom", "ratio"), zip(*rows), strict=True):
        arrays[f"table_{column}"] = np.array(values)
    for name in ("bounds", "rise", "concavity", "slope_range", "root", "inverse"):
        arrays[name] = np.array([float(part[name]) for part in found])
    return Measurement(arrays, {}, f"three spectra of {config.modes} eigenvalues (synthetic)")


def checks(config: EffectiveRidgeConfig, measured: Measurement) -> tuple[Check, ...]:
    """Inequalities, agreement with bracketing, and the place of the peak."""
    a = measured.arrays

    def exact(words: str, name: str, limit: float) -> Check:
        return Check(words, float(a[name].max()), limit, 0.0, "at most", EXACT)

    peaked = (a["table_ridge"] == min(config.ridges)) & (a["table_spectrum"] == "1/k")
    return (
        exact("relative gap between Newton's root and a bracketed one, worst", "root", config.root_limit),
        exact("relative gap of the inverse, worst", "inverse", config.root_limit),
        exact("relative violation of the bounds, worst", "bounds", config.slack),
        exact("relative rise of the effective ridge with the number of features, worst", "rise", config.slack),
        exact("relative violation of concavity in the ridge, worst", "concavity", config.slack),
        exact("relative violation of 1 <= slope <= z / ridge, worst", "slope_range", config.slack),
        Check(
            "peak of the slope over degrees of freedom at the ridge, lowest",
            float(a["table_ratio"].min()),
            config.peak_low,
            0.0,
            "at least",
            EXACT,
        ),
        Check(
            "peak of the slope over degrees of freedom at the ridge, highest",
            float(a["table_ratio"].max()),
            config.peak_high,
            0.0,
            "at most",
            EXACT,
        ),
        Check(
            "|P at the peak - n|, 1/k spectrum, smallest ridge",
            float(np.abs(a["table_peak"][peaked] - config.modes).max()),
            1.0,
            0.0,
            "at most",
            EXACT,
            note="with a ridge well below the smallest eigenvalue the peak is at P = n",
        ),
    )


def panels(config: EffectiveRidgeConfig, measured: Measurement) -> tuple[Panel, ...]:
    """Effective ridge and slope over P / n for each spectrum; the table of peaks."""
    x, found = Axis("features / points", log=True), []
    for name in SPECTRA:
        tags = [(ridge, _tag(name, ridge)) for ridge in config.ridges]
        key = name.translate(str.maketrans("/^(-)", "-----")).strip("-")
        found += [
            Panel(
                f"ridge-{key}",
                f"Effective ridge, spectrum {name}",
                "lines",
                "The effective ridge lies above the ridge and falls to it as features are added.",
                x,
                Axis("effective ridge", "unit of the eigenvalues", log=True),
                (
                    *(Series(f"ridge {r:g}", "gamma", f"{t}_z", role="theory", family=t) for r, t in tags),
                    *(Series("the ridge itself", "gamma", f"{t}_ridge", role="guide") for _, t in tags[:1]),
                    *(Series("", "gamma", f"{t}_ridge", role="guide") for _, t in tags[1:]),
                ),
            ),
            Panel(
                f"slope-{key}",
                f"Derivative of the effective ridge, spectrum {name}",
                "lines",
                "The derivative explodes near as many features as points only when the ridge is far below the "
                "smallest eigenvalue; else it peaks earlier, at 0.6 to 1 times the degrees of freedom at the ridge.",
                x,
                Axis("d effective ridge / d ridge", log=True),
                tuple(Series(f"ridge {r:g}", "gamma", f"{t}_slope", role="theory", family=t) for r, t in tags),
            ),
        ]
    return (
        *found,
        Panel(
            "peaks",
            "Where the derivative of the effective ridge peaks",
            "table",
            "The peak follows the degrees of freedom at the ridge, not the number of points.",
            columns=(
                Column("spectrum", "table_spectrum"),
                Column("ridge", "table_ridge", digits=2),
                Column("P at the peak", "table_peak"),
                Column("slope there", "table_height", digits=3),
                Column("degrees of freedom at the ridge", "table_freedom", digits=3),
                Column("ratio", "table_ratio", digits=2),
            ),
        ),
    )


def _features(config: EffectiveRidgeConfig) -> np.ndarray:
    small = np.arange(1, 2 * config.modes + 1)
    return np.unique(
        np.concatenate([small, np.geomspace(1, config.most_features, config.features).round().astype(int)])
    )


def _tag(name: str, ridge: float) -> str:
    return f"{list(SPECTRA).index(name)}_{ridge:g}"


def _curves(config: EffectiveRidgeConfig, name: str) -> Arrays:
    """Roots and slopes (ridges, features), and how far each property is from holding (at most 0 when it holds)."""
    d, features = SPECTRA[name](np.arange(1.0, config.modes + 1)), _features(config)
    z = np.array([[effective_ridge(d, ridge, P) for P in features] for ridge in config.ridges])
    slope = np.array([[effective_ridge_slope(d, ridge, P) for P in features] for ridge in config.ridges])
    ridges = np.array(config.ridges)[:, None]
    bracketed = np.array([[_bracketed(d, ridge, int(P)) for P in features] for ridge in config.ridges])
    back = np.array([[ridge_for(d, z[r, p], P) for p, P in enumerate(features)] for r in range(len(config.ridges))])
    bounds = np.array([[effective_ridge_bounds(d, ridge, P) for P in features] for ridge in config.ridges])
    chords = np.diff(z, axis=0) / np.diff(ridges, axis=0)  # concave: falling, and between the slopes at their ends
    concavity = max((chords / slope[:-1] - 1).max(), (slope[1:] / chords - 1).max())
    peaks = []
    for r, ridge in enumerate(config.ridges):
        at, used = int(slope[r].argmax()), degrees_of_freedom(ridge, d)
        peaks.append((features[at], slope[r, at], used, features[at] / used))
    return {
        "z": z,
        "slope": slope,
        "peak": np.array(peaks, dtype=float),
        "root": np.array(np.abs(z / bracketed - 1).max()),
        "inverse": np.array((np.abs(back - ridges) / z).max()),
        "bounds": np.array(max((bounds[..., 0] / z - 1).max(), (z / bounds[..., 1] - 1).max())),
        "rise": np.array((np.diff(z, axis=1) / z[:, 1:]).max()),
        "concavity": np.array(concavity),
        "slope_range": np.array(max((1 - slope).max(), (slope * ridges / z - 1).max())),
    }


def _bracketed(d: np.ndarray, ridge: float, features: int) -> float:
    """The root by bisection and interpolation, from the definition alone."""

    def excess(log: float) -> float:
        z = float(np.exp(log))
        return 1.0 - ridge / z - float(np.sum(d / (d + z))) / features

    return float(np.exp(brentq(excess, np.log(ridge), np.log(ridge + d.sum() / features) + 1e-9, xtol=1e-15)))  # type: ignore[arg-type]


CASE = Case(
    paper="random-features",
    name="random-features-effective-ridge",
    claim="The effective ridge lies above the ridge and falls to it as features are added; its derivative peaks near "
    "as many features as the ridge leaves degrees of freedom.",
    source="Jacot et al. (2020), arXiv:2002.08404: effective ridge and its derivative; bounds and peak derived",
    full=EffectiveRidgeConfig(),
    smoke=EffectiveRidgeConfig(ridges=(1e-6, 1e-2), features=8),
    run=run,
    checks=checks,
    panels=panels,
)
