"""Expected risk, training error and KARE on a known spectrum."""

from dataclasses import dataclass

import numpy as np

from theodolite.datasets.synthetic import gaussian_observations, power_law
from theodolite.experiments.bench import Arrays, Bench
from theodolite.experiments.case import Case, Measurement
from theodolite.experiments.check import Check
from theodolite.experiments.config import Config
from theodolite.experiments.intervals import Interval, mean_interval, worst
from theodolite.experiments.key import Key
from theodolite.experiments.panels import Axis, Column, Panel, Series
from theodolite.kernel_regression import RidgePath, exact_signal_capture_threshold, expected_risk, resolvent


@dataclass(frozen=True)
class RiskConfig(Config):
    """d_k = k^-exponent, true function c_k = (-1)^(k+1) / k, noise a standard deviation."""

    exponent: float = 1.5
    modes: int = 500
    noise: float = 0.3
    sizes: tuple[int, ...] = (30, 100, 300)
    ridges: tuple[float, ...] = (1e-4, 1e-3, 1e-2, 1e-1, 1.0)
    draws: tuple[int, ...] = (38_400, 4800, 1200)  # one number a size: small samples scatter more and cost less
    draws_a_part: int = 200
    risk_limit: float = 0.02
    training_limit: float = 0.02
    kare_limit: float = 0.03


def run(config: RiskConfig, key: Key, bench: Bench) -> Measurement:
    """Draw, fit, and measure the risk exactly in eigen-coordinates; the formulas beside."""
    names = {
        f"{n} rows, part {part + 1} of {draws // config.draws_a_part}": n
        for n, draws in zip(config.sizes, config.draws, strict=True)
        for part in range(draws // config.draws_a_part)
    }
    drawn = bench.each(list(names), lambda name: _draws(config, key.split(name), names[name]))
    arrays: dict[str, np.ndarray] = {"ridges": np.array(config.ridges)}
    for n in config.sizes:
        parts = [part for part, rows in zip(drawn, names.values(), strict=True) if rows == n]
        found = {name: np.concatenate([part[name] for part in parts]) for name in ("risk", "training", "kare")}
        for name, values in found.items():
            arrays[f"n{n}_{name}"], arrays[f"n{n}_{name}_half"] = mean_interval(values)
        arrays[f"n{n}_kare_low"], arrays[f"n{n}_kare_high"] = np.quantile(found["kare"], (0.05, 0.95), axis=0)
        risk, training = _formulas(config, n)
        arrays[f"n{n}_risk_formula"], arrays[f"n{n}_training_formula"] = risk, training
        ratios = {"risk": risk, "training": training, "kare": found["risk"].mean(0)}
        for name, reference in ratios.items():
            arrays[f"n{n}_{name}_ratio"], arrays[f"n{n}_{name}_ratio_half"] = mean_interval(found[name] / reference)
    arrays |= _table(config, arrays)
    words = (
        f"Gaussian observations of {config.modes} modes, d_k = k^-{config.exponent:g}, noise {config.noise:g}, "
        f"{', '.join(map(str, config.draws))} draws at {', '.join(map(str, config.sizes))} rows (synthetic)"
    )
    return Measurement(arrays, {"draws": float(sum(config.draws))}, words)


def checks(config: RiskConfig, measured: Measurement) -> tuple[Check, ...]:
    """Three relative gaps, each in its worst cell of size and ridge."""
    rows = (
        ("between measured mean risk and its formula", "risk", config.risk_limit),
        ("between measured mean training error and its formula", "training", config.training_limit),
        ("between mean KARE and mean risk", "kare", config.kare_limit),
    )
    found = []
    for words, name, limit in rows:
        ratio, half = (
            np.array([measured.arrays[f"n{n}_{name}_{end}"] for n in config.sizes]) for end in ("ratio", "ratio_half")
        )
        gap, half, where = worst(Interval(ratio, half), 1.0)
        s, r = np.unravel_index(where, (len(config.sizes), len(config.ridges)))
        note = f"n = {config.sizes[s]}, ridge {config.ridges[r]:g}"
        found.append(Check(f"relative gap {words}, worst cell", gap, limit, half, "at most", note=note))
    return tuple(found)


def panels(config: RiskConfig, measured: Measurement) -> tuple[Panel, ...]:
    """Risk, training error and KARE over ridge; the table of means."""
    ridge, unit = Axis("ridge", log=True), "squared unit of the target"
    risk = tuple(
        series
        for n in config.sizes
        for series in (
            Series(
                f"measured, n = {n}",
                "ridges",
                f"n{n}_risk",
                error=f"n{n}_risk_half",
                error_means="95 % interval of the mean",
                family=f"n{n}",
            ),
            Series(f"formula, n = {n}", "ridges", f"n{n}_risk_formula", role="theory", family=f"n{n}"),
        )
    )
    training = tuple(
        series
        for n in config.sizes
        for series in (
            Series(
                f"measured, n = {n}",
                "ridges",
                f"n{n}_training",
                error=f"n{n}_training_half",
                error_means="95 % interval of the mean",
                family=f"n{n}",
            ),
            Series(f"formula, n = {n}", "ridges", f"n{n}_training_formula", role="theory", family=f"n{n}"),
        )
    )
    bands = tuple(
        series
        for n in config.sizes
        for series in (
            Series(
                f"KARE, n = {n} (9 of 10 draws)",
                "ridges",
                f"n{n}_kare",
                low=f"n{n}_kare_low",
                high=f"n{n}_kare_high",
                family=f"n{n}",
            ),
            Series(f"expected risk, n = {n}", "ridges", f"n{n}_risk_formula", role="theory", family=f"n{n}"),
        )
    )
    return (
        Panel(
            "risk",
            "Risk: measured and expected",
            "lines",
            "The mean risk follows from the spectrum: slope of the threshold times (uncaptured signal + noise).",
            ridge,
            Axis("risk", unit, log=True),
            risk,
        ),
        Panel(
            "training-error",
            "Training error: measured and expected",
            "lines",
            "The mean training error is (ridge / threshold)^2 times the risk.",
            ridge,
            Axis("training error", unit, log=True),
            training,
        ),
        Panel(
            "kare",
            "KARE of single training sets against the expected risk",
            "bands",
            "KARE, computed from one training set alone, scatters around the expected risk, closer as n grows.",
            ridge,
            Axis("risk", unit, log=True),
            bands,
        ),
        Panel(
            "table",
            "Mean risk, its formula and mean KARE",
            "table",
            "Formula, measurement and estimate agree within a few per cent at every size and ridge.",
            columns=(
                Column("rows n", "table_n"),
                Column("ridge", "table_ridge"),
                Column("risk, formula", "table_formula"),
                Column("risk, measured", "table_risk"),
                Column("±", "table_half", digits=2),
                Column("KARE, mean", "table_kare"),
            ),
        ),
    )


def _draws(config: RiskConfig, key: Key, n: int) -> Arrays:
    """Risk, training error and KARE, (draws, ridges) each; the risk sums squared errors of all coefficients."""
    d, c = _problem(config)
    rng, ridges = key.rng(), np.array(config.ridges)
    risk, training, kare = (np.empty((config.draws_a_part, len(ridges))) for _ in range(3))
    for draw in range(config.draws_a_part):
        gram, targets, features = gaussian_observations(d, c, config.noise, n, rng)
        of = RidgePath(gram, targets).resolvents(ridges)
        learned = d[:, None] * (features.T @ of.dual[:, :, 0].T) / n
        risk[draw] = np.sum((learned - c[:, None]) ** 2, axis=0) + config.noise**2
        training[draw], kare[draw] = resolvent.training_error(of), resolvent.kare(of)
    return {"risk": risk, "training": training, "kare": kare}


def _problem(config: RiskConfig) -> tuple[np.ndarray, np.ndarray]:
    k = np.arange(1.0, config.modes + 1)
    return power_law(config.exponent, config.modes).eigenvalues, (-1.0) ** (k + 1) / k


def _formulas(config: RiskConfig, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Expected risk, and expected training error = (ridge / threshold)^2 risk, (ridges,) each."""
    d, c = _problem(config)
    risk = np.array([expected_risk(d, c, config.noise, ridge, n) for ridge in config.ridges])
    share = np.array([ridge / exact_signal_capture_threshold(d, ridge, n) for ridge in config.ridges])
    return risk, share**2 * risk


def _table(config: RiskConfig, arrays: Arrays) -> Arrays:
    joined = {
        f"table_{short}": np.concatenate([arrays[f"n{n}_{name}"] for n in config.sizes])
        for short, name in (("risk", "risk"), ("half", "risk_half"), ("formula", "risk_formula"), ("kare", "kare"))
    }
    sizes, ridges = len(config.sizes), len(config.ridges)
    return {
        **joined,
        "table_n": np.repeat(np.array(config.sizes), ridges),
        "table_ridge": np.tile(np.array(config.ridges), sizes),
    }


CASE = Case(
    paper="kare",
    name="kare-expected-risk",
    claim="The expected risk and training error follow from threshold and slope, and KARE estimates the risk from the "
    "training set alone.",
    source="Jacot et al. (2020), arXiv:2006.09796: expected risk, training error, KARE",
    full=RiskConfig(),
    smoke=RiskConfig(sizes=(20, 40), ridges=(1e-2, 1e-1), draws=(40, 40), draws_a_part=20),
    run=run,
    checks=checks,
    panels=panels,
)
