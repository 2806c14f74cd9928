"""The theory on a true kernel: RBF on Gaussian inputs, whose features are far from Gaussian."""

from dataclasses import dataclass

import numpy as np

from theodolite.datasets.gaussian_spectrum import rbf_gaussian_mode, rbf_gaussian_spectrum
from theodolite.experiments.bench import Arrays, Bench
from theodolite.experiments.case import Case, Measurement
from theodolite.experiments.check import Check
from theodolite.experiments.config import Config
from theodolite.experiments.intervals import Interval, mean_interval, worst
from theodolite.experiments.key import Key
from theodolite.experiments.panels import Axis, Panel, Series
from theodolite.kernel_regression import RidgePath, exact_signal_capture_threshold, resolvent, threshold_slope
from theodolite.kernels import RBF, gram


@dataclass(frozen=True)
class UniversalityConfig(Config):
    """Inputs N(0, I) in three dimensions; true function a sum of eigenfunctions, given by degrees and weight."""

    lengthscale: float = 6.0
    target: tuple[tuple[tuple[int, int, int], float], ...] = (((1, 0, 0), 1.0), ((2, 1, 0), 0.5))
    noise: float = 0.2
    degree: int = 60
    rows: int = 150
    test_rows: int = 2000
    ridges: tuple[float, ...] = (1e-5, 1e-4, 1e-3, 1e-2, 1e-1)
    draws: int = 400
    draws_a_part: int = 50
    limit: float = 0.1


def run(config: UniversalityConfig, key: Key, bench: Bench) -> Measurement:
    """Draw inputs, fit, and measure threshold, KARE and risk on fresh inputs; the formulas beside."""
    parts = config.draws // config.draws_a_part
    names = [f"part {part + 1} of {parts}" for part in range(parts)]
    drawn = bench.each(names, lambda name: _draws(config, key.split(name)))
    found = {name: np.concatenate([part[name] for part in drawn]) for name in ("threshold", "kare", "risk")}
    threshold, risk = _formulas(config)
    arrays: dict[str, np.ndarray] = {
        "ridges": np.array(config.ridges),
        "threshold_formula": threshold,
        "risk_formula": risk,
    }
    for name, values in found.items():
        arrays[name], arrays[f"{name}_half"] = mean_interval(values)
    for name, values, reference in (
        ("threshold", found["threshold"], threshold),
        ("formula", found["risk"], risk),
        ("kare", found["kare"], arrays["risk"]),
    ):
        arrays[f"{name}_ratio"], arrays[f"{name}_ratio_half"] = mean_interval(values / reference)
    dimension = len(config.target[0][0])
    words = (
        f"RBF kernel, lengthscale {config.lengthscale:g}, on Gaussian inputs in {dimension} dimensions, "
        f"{config.rows} rows, {config.draws} draws (synthetic)"
    )
    return Measurement(arrays, {"draws": float(config.draws)}, words)


def checks(config: UniversalityConfig, measured: Measurement) -> tuple[Check, ...]:
    """Relative gaps, each at its worst ridge."""
    rows = (
        ("between mean empirical and exact threshold", "threshold"),
        ("between measured mean risk and its formula", "formula"),
        ("between mean KARE and mean risk", "kare"),
    )
    found = []
    for words, name in rows:
        a = measured.arrays
        gap, half, where = worst(Interval(a[f"{name}_ratio"], a[f"{name}_ratio_half"]), 1.0)
        note = f"ridge {config.ridges[where]:g}"
        found.append(Check(f"relative gap {words}, worst ridge", gap, config.limit, half, "at most", note=note))
    return tuple(found)


def panels(config: UniversalityConfig, measured: Measurement) -> tuple[Panel, ...]:
    """Risk and threshold over ridge."""
    ridge, interval = Axis("ridge", log=True), "95 % interval of the mean"
    return (
        Panel(
            "risk",
            "Risk, its formula and KARE with true features",
            "lines",
            "With the features of a true kernel in low dimension the theory holds at large ridge; at small ridge "
            "formula and KARE fall below the measured risk.",
            ridge,
            Axis("risk", "squared unit of the target", log=True),
            (
                Series("measured risk", "ridges", "risk", error="risk_half", error_means=interval),
                Series("KARE", "ridges", "kare", error="kare_half", error_means=interval),
                Series("formula", "ridges", "risk_formula", role="theory"),
            ),
        ),
        Panel(
            "threshold",
            "Signal capture threshold with true features",
            "lines",
            "The threshold read off the Gram matrix against the exact one of the RBF kernel on Gaussian inputs.",
            ridge,
            Axis("threshold", "unit of the kernel", log=True),
            (
                Series("empirical", "ridges", "threshold", error="threshold_half", error_means=interval, family="t"),
                Series("exact", "ridges", "threshold_formula", role="theory", family="t"),
            ),
        ),
    )


def _function(config: UniversalityConfig, points: np.ndarray) -> np.ndarray:
    values = [weight * rbf_gaussian_mode(points, degrees, config.lengthscale, 1.0) for degrees, weight in config.target]
    return np.sum(values, axis=0)


def _draws(config: UniversalityConfig, key: Key) -> Arrays:
    """Threshold, KARE and risk, (draws, ridges) each; the noise of the test targets enters the risk exactly."""
    rng, ridges, dimension = key.rng(), np.array(config.ridges), len(config.target[0][0])
    kernel = RBF(config.lengthscale)
    threshold, kare, risk = (np.empty((config.draws_a_part, len(ridges))) for _ in range(3))
    for draw in range(config.draws_a_part):
        x, z = rng.standard_normal((config.rows, dimension)), rng.standard_normal((config.test_rows, dimension))
        y = _function(config, x) + config.noise * rng.standard_normal(config.rows)
        of = RidgePath(gram(kernel, x), y).resolvents(ridges)
        errors = gram(kernel, z, x) @ (of.dual[:, :, 0].T / config.rows) - _function(config, z)[:, None]
        risk[draw] = np.mean(errors**2, axis=0) + config.noise**2
        threshold[draw], kare[draw] = resolvent.signal_capture_threshold(of), resolvent.kare(of)
    return {"threshold": threshold, "kare": kare, "risk": risk}


def _formulas(config: UniversalityConfig) -> tuple[np.ndarray, np.ndarray]:
    """Exact thresholds, and slope (|uncaptured|^2 + noise^2), (ridges,) each."""
    dimension = len(config.target[0][0])
    d, multiplicities, tail = rbf_gaussian_spectrum(config.lengthscale, 1.0, dimension, config.degree)
    n = config.rows
    t = np.array(
        [exact_signal_capture_threshold(d, r, n, multiplicities=multiplicities, tail=tail) for r in config.ridges]
    )
    slope = np.array([threshold_slope(d, value, n, multiplicities=multiplicities) for value in t])
    missed = sum((weight * t / (t + d[sum(degrees)])) ** 2 for degrees, weight in config.target)
    return t, slope * (missed + config.noise**2)


CASE = Case(
    paper="kare",
    name="kare-universality",
    claim="Only the first two moments of the features matter: threshold, expected risk and KARE stay within 10 % on a "
    "true kernel in three dimensions, at every ridge.",
    source="Jacot et al. (2020), arXiv:2006.09796: the universality assumption",
    full=UniversalityConfig(),
    smoke=UniversalityConfig(rows=30, test_rows=100, ridges=(1e-2, 1e-1), draws=20, draws_a_part=10),
    run=run,
    checks=checks,
    panels=panels,
)
