"""How fast the average predictor comes to the kernel at the effective ridge: like one over the number of features."""

from dataclasses import dataclass

import numpy as np

from theodolite.experiments.bench import Arrays, Bench
from theodolite.experiments.case import Case, Measurement
from theodolite.experiments.check import Check
from theodolite.experiments.config import Config
from theodolite.experiments.intervals import exponent, jackknife_interval
from theodolite.experiments.key import Key
from theodolite.experiments.panels import Axis, Panel, Series
from theodolite.experiments.random_features import hat_diagonals
from theodolite.random_features import effective_ridge


@dataclass(frozen=True)
class RateConfig(Config):
    """Spectrum 1/k, P = ratio x points; `numbers` draws x points x features are spent on each size."""

    points: tuple[int, ...] = (8, 16, 32, 64)
    ratio: float = 1.5
    ridge: float = 1e-2
    numbers: int = 120_000_000
    batches: int = 20
    slope_low: float = -1.2
    slope_high: float = -0.75


def run(config: RateConfig, key: Key, bench: Bench) -> Measurement:
    """The largest gap between an eigenvalue of the mean hat matrix and d / (d + effective ridge), over P."""
    names = {f"{n} points": n for n in config.points}
    parts = bench.each(list(names), lambda name: _gap(config, names[name], key.split(name)))
    features = np.array([round(config.ratio * n) for n in config.points], dtype=float)
    gap, half = (np.array([float(part[name]) for part in parts]) for name in ("gap", "half"))
    arrays: Arrays = {"features": features, "gap": gap, "half": half, "law": gap[0] * features[0] / features}
    arrays["slope"] = np.array(exponent(features, gap, half))
    arrays["draws"] = np.array([float(part["draws"]) for part in parts])
    words = f"eigenvalues 1/k, P = {config.ratio:g} n, {arrays['draws'][-1]:.0f} draws and more (synthetic)"
    return Measurement(arrays, {"gap x P at the largest P": float(gap[-1] * features[-1])}, words)


def checks(config: RateConfig, measured: Measurement) -> tuple[Check, ...]:
    """The exponent of the gap."""
    slope, half = (float(number) for number in measured.arrays["slope"])
    words = "exponent in P of the gap between the mean hat matrix and the kernel's at the effective ridge"
    return (
        Check(f"{words}, from above", slope, config.slope_high, half, "at most", note="theory -1"),
        Check(f"{words}, from below", slope, config.slope_low, half, "at least", note="theory -1"),
    )


def panels(config: RateConfig, measured: Measurement) -> tuple[Panel, ...]:
    """Gap over P."""
    return (
        Panel(
            "gap",
            "Distance of the average predictor from the kernel at the effective ridge",
            "lines",
            "The mean hat matrix of random features approaches that of the kernel at the effective ridge like one over "
            "the number of features.",
            Axis("features P, at P / n fixed", log=True),
            Axis("largest gap of an eigenvalue", log=True),
            (
                Series("measured", "features", "gap", error="half", error_means="95 % interval, jackknife", family="g"),
                Series("1 / P through the first", "features", "law", role="theory", family="g"),
            ),
        ),
    )


def _gap(config: RateConfig, n: int, key: Key) -> Arrays:
    P, d = round(config.ratio * n), 1.0 / np.arange(1.0, n + 1)
    draws = max(config.numbers // (n * P), 2 * config.batches) // config.batches * config.batches
    expected = d / (d + effective_ridge(d, config.ridge, P))
    diagonals = hat_diagonals(d, config.ridge, P, draws, key.rng())
    at = int(np.abs(diagonals.mean(axis=0) - expected).argmax())
    batches = diagonals.reshape(config.batches, -1, n).mean(axis=1)
    gap, half = jackknife_interval(lambda means: abs(means[:, at].mean() - expected[at]), batches)
    return {"gap": gap, "half": half, "draws": np.array(float(draws))}


CASE = Case(
    paper="random-features",
    name="random-features-rate",
    claim="The distance between the average random-feature predictor and the kernel at the effective ridge falls like "
    "one over the number of features.",
    source="Jacot et al. (2020), arXiv:2002.08404: bound on the average predictor; the rate was derived",
    full=RateConfig(),
    smoke=RateConfig(points=(8, 16), numbers=400_000, batches=5),
    run=run,
    checks=checks,
    panels=panels,
)
