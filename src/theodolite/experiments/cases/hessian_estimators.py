"""Estimators of the trace and of the spectrum of a Hessian, by budget of products, against the dense matrix."""

from dataclasses import dataclass

import numpy as np
from scipy.stats import wasserstein_distance

from theodolite.curvature import hessian, spectral_density, trace
from theodolite.experiments.bench import Arrays, Bench
from theodolite.experiments.case import Case, Measurement
from theodolite.experiments.check import Check
from theodolite.experiments.config import Config
from theodolite.experiments.hessian_networks import Parts, architecture, digits_on_a_sphere, drawn
from theodolite.experiments.intervals import Interval, jackknife_interval, mean_interval
from theodolite.experiments.key import Key
from theodolite.experiments.panels import Axis, Column, Panel, Series


@dataclass(frozen=True)
class EstimatorsConfig(Config):
    """One network of 949 parameters in full; `repeats` estimates of Tr H with each budget of products, and densities of
    `probes` probes with each number of Lanczos steps, `densities` times."""

    activation: str = "normalised softplus"
    depth: int = 3
    beta: float = 0.1
    rows: int = 24
    subset: int = 0
    width: int = 12
    budgets: tuple[int, ...] = (12, 30, 60, 120, 240)
    repeats: int = 120
    steps: tuple[int, ...] = (10, 30, 60, 90)
    probes: int = 10
    densities: int = 5
    first_limit: float = 1.0
    last_limit: float = 0.3
    chosen_limit: float = 1.3
    spread: tuple[float, float] = (0.8, 1.2)
    distance_limit: float = 0.003
    judged_steps: int = 60
    ends_limit: float = 1e-8


METHODS = {"hutchinson": "Hutchinson", "hutch++": "Hutch++", "xtrace": "XTrace", "": "chosen by budget"}


def run(config: EstimatorsConfig, key: Key, bench: Bench) -> Measurement:
    """Errors of estimates relative to the trace; distances of densities relative to the range of the spectrum."""
    X, Y = digits_on_a_sphere(config.rows, config.subset)
    net = architecture(config.activation, config.depth, config.beta)
    parts = Parts(*drawn(net, config.width, 1, X.shape[1], key.split("parameters"), np.float64), X, Y)
    dense = hessian(parts.problem).dense()
    eigenvalues = np.linalg.eigvalsh(dense)
    whole, reach = float(np.trace(dense)), float(eigenvalues[-1] - eigenvalues[0])

    def measured(name: str) -> Arrays:
        number, kind = name.split()
        random = key.split(name).rng()
        if kind == "products":
            return {
                method or "chosen": np.array(
                    [
                        trace(dense, int(number), method=method or None, seed=random).value / whole - 1
                        for _ in range(config.repeats)
                    ]
                )
                for method in METHODS
            }
        found = [
            spectral_density(dense, probes=config.probes, steps=int(number), seed=random)
            for _ in range(config.densities)
        ]
        ends = np.array([one.support for one in found]) - eigenvalues[[0, -1]]
        return {
            "distance": np.array(
                [wasserstein_distance(eigenvalues, one.nodes.ravel(), None, one.weights.ravel()) for one in found]
            )
            / reach,
            "ends": np.abs(ends).max(1) / reach,
            "trace": np.array([one.moment(1).value / whole - 1 for one in found]),
        }

    names = [f"{budget} products" for budget in config.budgets]
    densities = [f"{steps} steps" for steps in config.steps]
    found = bench.each([*names, *densities], measured)
    traces, spectra = found[: len(names)], found[len(names) :]
    budgets = np.array(config.budgets, dtype=float)
    arrays: Arrays = {"budget": budgets, "steps": np.array(config.steps, dtype=float)}
    for method in METHODS:
        own = method or "chosen"
        bars = [jackknife_interval(_size, part[own]) for part in traces]
        arrays[f"error_{own}"], arrays[f"error_{own}_half"] = np.array(bars, dtype=float).T
    off = np.sum(dense**2) - np.sum(np.diag(dense) ** 2)
    arrays["predicted"] = np.sqrt(2 / budgets * off) / abs(whole)
    squares = np.concatenate(
        [(part["hutchinson"] / one) ** 2 for part, one in zip(traces, arrays["predicted"], strict=True)]
    )
    arrays["spread"] = np.array(mean_interval(squares))
    for name, place in (("first", 0), ("last", -1)):
        pair = np.stack([traces[place]["xtrace"], traces[place]["hutchinson"]], axis=1)
        arrays[name] = np.array(
            _inverse(jackknife_interval(_quotient, pair)) if name == "first" else jackknife_interval(_quotient, pair)
        )
    least = [min(("hutchinson", "hutch++", "xtrace"), key=lambda own, part=part: _size(part[own])) for part in traces]
    both = [
        jackknife_interval(_quotient, np.stack([part["chosen"], part[own]], axis=1))
        for part, own in zip(traces, least, strict=True)
    ]
    worst = max(both, key=lambda bar: float(bar.mean))
    arrays["chosen_worst"] = np.array([float(worst.mean), float(worst.half)])
    arrays["distance"], arrays["distance_half"] = np.array(
        [mean_interval(part["distance"]) for part in spectra], float
    ).T
    arrays["ends"], arrays["ends_half"] = np.array([mean_interval(part["ends"]) for part in spectra], float).T
    arrays["trace_off"] = np.array([_size(part["trace"]) for part in spectra])
    words = (
        f"{config.rows} embedded digits (8 x 8 pixels, from scikit-learn) of one norm, labelled by parity; the dense "
        f"Hessian of one network, {config.activation}, {config.depth} layers, width {config.width}, {len(dense)} "
        f"parameters, at initialisation; eigenvalues {eigenvalues[0]:.3g} to {eigenvalues[-1]:.3g}, trace {whole:.3g}"
    )
    return Measurement(arrays, {"parameters": float(len(dense)), "trace": whole}, words)


def checks(config: EstimatorsConfig, measured: Measurement) -> tuple[Check, ...]:
    """Who wins at small and large budgets; the choice; error bars; densities."""
    a = measured.arrays
    first, last, chosen, spread = ([float(x) for x in a[name]] for name in ("first", "last", "chosen_worst", "spread"))
    at = config.steps.index(config.judged_steps)
    low, high = config.spread
    words = "mean square error of Hutchinson over 2 / m (|H|^2 - sum of squared diagonal)"
    return (
        Check(
            f"error of Hutchinson over that of XTrace, {config.budgets[0]} products", first[0], config.first_limit,
            first[1], "at most",
        ),
        Check(
            f"error of XTrace over that of Hutchinson, {config.budgets[-1]} products", last[0], config.last_limit,
            last[1], "at most",
        ),
        Check(
            "error of the method chosen by budget over that of the best, worst budget", chosen[0], config.chosen_limit,
            chosen[1], "at most",
        ),
        Check(f"{words}, from above", spread[0], high, spread[1], "at most"),
        Check(f"{words}, from below", spread[0], low, spread[1], "at least"),
        Check(
            f"distance of the density to the spectrum over its range, {config.judged_steps} steps",
            float(a["distance"][at]), config.distance_limit, float(a["distance_half"][at]), "at most",
            note="transport distance",
        ),
        Check(
            f"error of the ends of the spectrum over its range, {config.judged_steps} steps", float(a["ends"][at]),
            config.ends_limit, float(a["ends_half"][at]), "at most",
        ),
    )  # fmt: skip


def panels(config: EstimatorsConfig, measured: Measurement) -> tuple[Panel, ...]:
    """Errors over the budget; distances over the steps."""
    bars = "95 % interval"
    return (
        Panel(
            "traces",
            "Error of the trace over the budget",
            "lines",
            "Plain probes win with few products, XTrace with many: the residual leaves a slowly decaying bulk of both "
            "signs.",
            Axis("products with the Hessian", log=True),
            Axis("root mean square error over the trace", log=True),
            (
                *(
                    Series(label, "budget", f"error_{name}", error=f"error_{name}_half", error_means=bars)
                    for name, label in METHODS.items()
                    if name
                ),
                Series("Hutchinson, its variance in closed form", "budget", "predicted", role="theory"),
            ),
        ),
        Panel(
            "numbers",
            "Error of the trace, relative",
            "table",
            "The method that the library chooses: XTrace from 8 products on.",
            columns=(
                Column("products", "budget"),
                *(Column(label, f"error_{name or 'chosen'}", digits=3) for name, label in METHODS.items()),
            ),
        ),
        Panel(
            "densities",
            "Spectral density over the Lanczos steps",
            "lines",
            "The density converges within tens of steps; what remains is the noise of the probes.",
            Axis("Lanczos steps"),
            Axis("transport distance over the range", log=True),
            (Series("10 probes", "steps", "distance", error="distance_half", error_means=bars),),
        ),
        Panel(
            "density-numbers",
            "Spectral density, numbers",
            "table",
            "The ends of the spectrum are exact early; the trace read off a density keeps the noise of its probes.",
            columns=(
                Column("steps", "steps"),
                Column("distance", "distance", digits=2),
                Column("ends off by, over the range", "ends", digits=2),
                Column("trace off by, relative", "trace_off", digits=2),
            ),
        ),
    )


def _size(errors: np.ndarray) -> float:
    return float(np.sqrt(np.mean(errors**2)))


def _quotient(pairs: np.ndarray) -> float:
    return _size(pairs[:, 0]) / _size(pairs[:, 1])


def _inverse(bar: Interval) -> Interval:
    return Interval(1 / bar.mean, bar.half / bar.mean**2)


CASE = Case(
    paper="hessian",
    name="hessian-estimators",
    claim="The trace of an indefinite Hessian is best estimated by plain random signs with few products and by XTrace "
    "with many; Lanczos densities reach the spectrum within tens of steps.",
    source="Jacot, Gabriel and Hongler (2020), arXiv:1910.02875, for the Hessian; the comparison is ours",
    full=EstimatorsConfig(),
    smoke=EstimatorsConfig(
        rows=8, width=4, budgets=(12, 60), repeats=4, steps=(5, 10), probes=2, densities=2, judged_steps=10
    ),
    run=run,
    checks=checks,
    panels=panels,
    revision=2,
)
