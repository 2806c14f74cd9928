"""Mean and variance of the predictor along each eigenfunction."""

from dataclasses import dataclass

import numpy as np

from theodolite.datasets.synthetic import gaussian_observations, power_law
from theodolite.experiments.bench import Arrays, Bench
from theodolite.experiments.case import Case, Measurement
from theodolite.experiments.check import Check
from theodolite.experiments.config import Config
from theodolite.experiments.intervals import Interval, mean_interval, variance_interval, worst
from theodolite.experiments.key import Key
from theodolite.experiments.panels import Axis, Panel, Series
from theodolite.kernel_regression import exact_signal_capture_threshold, threshold_slope


@dataclass(frozen=True)
class MomentsConfig(Config):
    """Two problems with d_k = k^-exponent: many modes (c_k = (-1)^(k+1)/k, noise), and a target of one mode."""

    exponent: float = 1.5
    modes: int = 500
    rows: int = 100
    ridge: float = 1e-2
    noise: float = 0.3
    draws: int = 24_000
    single_rows: int = 60
    single_ridge: float = 1.0
    single_draws: int = 20_000
    watched: tuple[int, ...] = (1, 2, 3, 5, 8, 13, 21, 34, 55)
    draws_a_part: int = 1000
    share_limit: float = 0.02
    variance_limit: float = 0.07
    without_limit: float = 1.5


def run(config: MomentsConfig, key: Key, bench: Bench) -> Measurement:
    """Coefficients of many fitted predictors along the watched eigenfunctions; the formulas beside."""
    problems = {
        "many": (config.rows, config.ridge, config.noise, config.draws),
        "single": (config.single_rows, config.single_ridge, 0.0, config.single_draws),
    }
    names = {
        f"{which} modes, part {part + 1} of {total // config.draws_a_part}": which
        for which, (_, _, _, total) in problems.items()
        for part in range(total // config.draws_a_part)
    }
    parts = bench.each(
        list(names), lambda name: _draws(config, key.split(name), names[name], problems[names[name]][:3])
    )
    arrays: dict[str, np.ndarray] = {"modes": np.array(config.watched, dtype=float)}
    for which, (rows, ridge, noise, _) in problems.items():
        learned = np.concatenate(
            [part["learned"] for part, of in zip(parts, names.values(), strict=True) if of == which]
        )
        arrays |= {
            f"{which}_{name}": values for name, values in _compared(config, which, rows, ridge, noise, learned).items()
        }
    words = f"Gaussian observations of {config.modes} modes, d_k = k^-{config.exponent:g} (synthetic)"
    return Measurement(arrays, {"single_mode_ratio_without_term": float(arrays["single_ratio_without"][0])}, words)


def checks(config: MomentsConfig, measured: Measurement) -> tuple[Check, ...]:
    """Captured shares, variances, and how wrong the variance is without the term c_k^2."""
    a = measured.arrays
    share, share_half, share_where = worst(Interval(a["many_share"], a["many_share_half"]), a["many_share_formula"])
    ratio, ratio_half, where = worst(Interval(a["many_ratio"], a["many_ratio_half"]), 1.0)
    return (
        Check(
            "gap between measured and predicted share captured of a mode, worst mode",
            share,
            config.share_limit,
            share_half,
            "at most",
            note=f"mode {config.watched[share_where]}",
        ),
        Check(
            "relative gap between measured and predicted variance of a mode, worst mode",
            ratio,
            config.variance_limit,
            ratio_half,
            "at most",
            note=f"mode {config.watched[where]}",
        ),
        Check(
            "relative gap of the variance of the target's own mode, target of one mode",
            abs(float(a["single_ratio"][0]) - 1),
            config.variance_limit,
            float(a["single_ratio_half"][0]),
            "at most",
        ),
        Check(
            "the same variance over its formula without the term c_k^2",
            float(a["single_ratio_without"][0]),
            config.without_limit,
            float(a["single_ratio_without_half"][0]),
            "at least",
            note="the term comes from Gaussian fourth moments and must be there",
        ),
    )


def panels(config: MomentsConfig, measured: Measurement) -> tuple[Panel, ...]:
    """Captured share and variance over the mode; the single-mode target with and without the term."""
    mode = Axis("mode k", log=True)
    interval = "95 % interval"
    return (
        Panel(
            "share",
            "Share of each eigenfunction that is learned",
            "lines",
            "On average the predictor captures the share d_k / (d_k + threshold) of the true function along mode k.",
            mode,
            Axis("captured share"),
            (
                Series("measured", "modes", "many_share", error="many_share_half", error_means=interval, family="s"),
                Series("d / (d + threshold)", "modes", "many_share_formula", role="theory", family="s"),
            ),
        ),
        Panel(
            "variance",
            "Variance of the predictor along each eigenfunction",
            "lines",
            "The variance along mode k follows from threshold and slope, the term c_k^2 included.",
            mode,
            Axis("variance", "squared unit of the target", log=True),
            (
                Series(
                    "measured", "modes", "many_variance", error="many_variance_half", error_means=interval, family="v"
                ),
                Series("formula", "modes", "many_variance_formula", role="theory", family="v"),
                Series("without c_k^2", "modes", "many_variance_without", role="guide"),
            ),
        ),
        Panel(
            "single-mode",
            "Variance for a target of one mode",
            "lines",
            "For a target along mode 1 alone, leaving out the term c_k^2 halves the predicted variance of that mode.",
            mode,
            Axis("variance", "squared unit of the target", log=True),
            (
                Series(
                    "measured",
                    "modes",
                    "single_variance",
                    error="single_variance_half",
                    error_means=interval,
                    family="v",
                ),
                Series("formula", "modes", "single_variance_formula", role="theory", family="v"),
                Series("without c_k^2", "modes", "single_variance_without", role="guide"),
            ),
        ),
    )


def _problem(config: MomentsConfig, which: str) -> tuple[np.ndarray, np.ndarray]:
    k = np.arange(1.0, config.modes + 1)
    c = (-1.0) ** (k + 1) / k if which == "many" else (k == 1).astype(float)
    return power_law(config.exponent, config.modes).eigenvalues, c


def _draws(config: MomentsConfig, key: Key, which: str, setting: tuple[int, float, float]) -> Arrays:
    """Coefficients of the predictor along the watched modes, d_k (O' a)_k with a = (G + n ridge I)^-1 y: (draws, w)."""
    n, ridge, noise = setting
    d, c = _problem(config, which)
    rng, watched = key.rng(), np.array(config.watched) - 1
    learned = np.empty((config.draws_a_part, len(watched)))
    for draw in range(config.draws_a_part):
        gram, targets, features = gaussian_observations(d, c, noise, n, rng)
        dual = np.linalg.solve(gram + n * ridge * np.eye(n), targets)
        learned[draw] = d[watched] * (features[:, watched].T @ dual)
    return {"learned": learned}


def _compared(
    config: MomentsConfig, which: str, n: int, ridge: float, noise: float, learned: np.ndarray
) -> dict[str, np.ndarray]:
    """Measured moments beside

    mean_k = d_k / (d_k + t) c_k,
    var_k = (dt/dridge) / n (|uncaptured|^2 + noise^2 + c_k^2 (t / (t + d_k))^2) (d_k / (t + d_k))^2.
    """
    d, c = _problem(config, which)
    t = exact_signal_capture_threshold(d, ridge, n)
    slope, uncaptured = threshold_slope(d, t, n), float(np.sum((c * t / (t + d)) ** 2))
    watched = np.array(config.watched) - 1
    share, own = d[watched] / (d[watched] + t), (c[watched] * t / (t + d[watched])) ** 2
    without = slope / n * (uncaptured + noise**2) * share**2
    formula = without + slope / n * own * share**2
    mean, half = mean_interval(learned)
    variance, variance_half = variance_interval(learned)
    scale = np.where(c[watched] == 0, 1.0, c[watched])
    return {
        "share": np.where(c[watched] == 0, np.nan, mean / scale),
        "share_half": np.where(c[watched] == 0, np.nan, half / np.abs(scale)),
        "share_formula": share,
        "variance": variance,
        "variance_half": variance_half,
        "variance_formula": formula,
        "variance_without": without,
        "ratio": variance / formula,
        "ratio_half": variance_half / formula,
        "ratio_without": variance / without,
        "ratio_without_half": variance_half / without,
    }


CASE = Case(
    paper="kare",
    name="kare-predictor-moments",
    claim="Along each eigenfunction the predictor's mean and variance follow from the threshold and its slope.",
    source="Jacot et al. (2020), arXiv:2006.09796: mean and variance of the predictor",
    full=MomentsConfig(),
    smoke=MomentsConfig(rows=30, draws=100, single_rows=20, single_draws=100, draws_a_part=50),
    run=run,
    checks=checks,
    panels=panels,
)
