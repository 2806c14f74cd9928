"""The flow of deep linear networks against everything known exactly: modes, balance, saddles, greedy levels."""

from dataclasses import dataclass

import numpy as np
from scipy.integrate import solve_ivp
from scipy.optimize import minimize

from theodolite.experiments.bench import Arrays, Bench
from theodolite.experiments.case import Case, Measurement
from theodolite.experiments.check import Check
from theodolite.experiments.config import Config
from theodolite.experiments.key import Key
from theodolite.experiments.panels import Axis, Column, Panel, Series
from theodolite.experiments.saddle_runs import EXACT, turned_target
from theodolite.training_dynamics.saddles import (
    balanced_layers,
    balanced_two_layers,
    critical_values,
    full_mse,
    greedy_path,
    hessian_spectrum,
    imbalance,
    layer_gradients,
    linear_flow,
    product,
    random_layers,
    scalar_mode,
    scalar_mode_rate,
)

SECTIONS = ("modes", "riccati", "balance", "saddles", "sphere", "greedy")


@dataclass(frozen=True)
class OracleConfig(Config):
    """Everything is fixed: no draw depends on the seed."""

    singular_values: tuple[float, ...] = (4.0, 2.0, 1.0)
    width: int = 5
    depths: tuple[int, ...] = (2, 3, 4)
    rates: tuple[float, ...] = (0.02, 0.01, 0.005)
    descent_time: float = 2.0
    epsilons: tuple[float, ...] = (1e-8, 1e-3)
    starts: int = 8
    tolerance: float = 1e-12


def run(config: OracleConfig, key: Key, bench: Bench) -> Measurement:
    """One part for each oracle."""
    parts = bench.each(list(SECTIONS), lambda name: globals()[f"_{name}"](config))
    arrays: Arrays = {}
    for part in parts:
        arrays |= part
    return Measurement(arrays, {}, "targets and weights drawn once with fixed generators, width 5 (synthetic)")


def checks(config: OracleConfig, measured: Measurement) -> tuple[Check, ...]:
    """Errors against closed forms, integers of the saddles, the drift of the balance halving with the step."""
    a = measured.arrays
    n = len(config.singular_values)
    expected = [(config.width - k) * (n - k) for k in range(n)]
    rows = (
        ("scalar mode of two layers, largest gap to the closed form", a["mode_error"].max(), 1e-8),
        ("scalar modes of deeper networks, largest gap to their own equation", a["deep_error"].max(), 1e-8),
        ("balanced two layers, largest gap to the Riccati solution", a["riccati_error"].max(), 1e-9),
        ("balance under gradient flow, largest drift", a["flow_drift"].max(), 1e-10),
        ("|drift of the balance at one step over that at half the step - 2|", np.abs(a["drift_ratio"] - 2).max(), 0.1),
        (
            "negative eigenvalues at the saddles of two layers, largest difference from (w - k)(rank - k)",
            np.abs(a["negative"] - expected).max(),
            0.0,
        ),
        (
            "|lowest eigenvalue + s_(k+1)| at the saddles of two layers",
            np.abs(a["lowest"] + np.array(config.singular_values)).max(),
            1e-10,
        ),
        ("|lowest eigenvalue| at the saddles of three layers", np.abs(a["lowest_deep"]).max(), 1e-10),
        (
            "minimum of H on the sphere, largest gap to -s_1 L^(-L/2)",
            np.abs(a["sphere"] - a["sphere_theory"]).max(),
            1e-8,
        ),
        ("greedy algorithm, two and three layers, largest gap to the saddles", a["greedy_gap"].max(), 1e-6),
        ("its certificates, largest gap to 4, 2, 1, 0", a["certificate_gap"].max(), 1e-6),
    )
    return tuple(Check(name, float(value), limit, 0.0, "at most", EXACT) for name, value, limit in rows)


def panels(config: OracleConfig, measured: Measurement) -> tuple[Panel, ...]:
    """Modes beside their closed form, the drift of the balance, the table of saddles."""
    return (
        Panel(
            "modes",
            "One mode of two layers",
            "lines",
            "The integrated flow lies on the closed form.",
            Axis("time"),
            Axis("singular value"),
            (
                Series("integrated", "mode_time", "mode", family="a"),
                Series("closed form", "mode_time", "mode_theory", role="theory", family="a"),
            ),
        ),
        Panel(
            "balance",
            "Drift of the balance under gradient descent to a fixed time",
            "lines",
            "What gradient flow keeps, gradient descent loses in proportion to its step.",
            Axis("step", log=True),
            Axis("largest change of W_2^T W_2 - W_1 W_1^T", log=True),
            (
                Series("measured", "rate", "drift"),
                Series("proportional to the step", "rate", "drift_line", role="guide"),
            ),
        ),
        Panel(
            "saddles",
            "Hessian at the balanced saddles",
            "table",
            "With two layers every saddle is strict; with three no eigenvalue is negative.",
            columns=(
                Column("rank", "saddle_rank"),
                Column("cost", "saddle_cost"),
                Column("negative, L = 2", "negative"),
                Column("lowest, L = 2", "lowest"),
                Column("negative, L = 3", "negative_deep"),
            ),
        ),
    )


def _modes(config: OracleConfig) -> Arrays:
    """Balanced scalar networks of two and more layers."""
    s, start = 3.0, 1e-3
    deep = []
    t = mode = theory = np.zeros(0)
    for depth in config.depths:
        flow = linear_flow([[[start ** (1 / depth)]]] * depth, full_mse([[s]]), 3.0, tolerance=config.tolerance)
        a = flow.products[:, 0, 0]
        if depth == 2:
            t, mode, theory = flow.times, a, scalar_mode(s, start, flow.times)
        else:
            alone = solve_ivp(
                lambda t, a, depth=depth: scalar_mode_rate(s, a, depth),
                (0.0, 3.0),
                [start],
                "Radau",
                t_eval=flow.times,
                rtol=max(1e-11, config.tolerance),
                atol=1e-14,
            )
            deep.append(np.abs(alone.y[0] - a).max())
    return {
        "mode_time": t,
        "mode": mode,
        "mode_theory": theory,
        "mode_error": np.abs(mode - theory),
        "deep_error": np.array(deep),
    }


def _riccati(config: OracleConfig) -> Arrays:
    rng = np.random.default_rng(1)
    target, first = rng.standard_normal((3, 4)), 0.3 * rng.standard_normal((3, 4))
    start = balanced_layers(first, 2, width=config.width)
    flow = linear_flow(start, full_mse(target), 4.0, tolerance=config.tolerance)
    at = range(0, len(flow.times), max(1, len(flow.times) // 20))
    gaps = [np.abs(balanced_two_layers(start, target, flow.times[i]) - flow.products[i]).max() for i in at]
    return {"riccati_error": np.array(gaps)}


def _balance(config: OracleConfig) -> Arrays:
    cost = full_mse(np.diag(config.singular_values))
    start = random_layers(cost.shape, config.width, 3, 0.4, seed=2)
    kept = imbalance(start)
    flow = linear_flow(start, cost, config.descent_time, tolerance=config.tolerance)
    drift_flow = max(np.abs(a - b).max() for a, b in zip(imbalance(flow.layers()), kept, strict=True))
    drifts = []
    for rate in config.rates:
        layers = start
        for _ in range(round(config.descent_time / rate)):
            slopes = layer_gradients(layers, cost.gradient(product(layers)))
            layers = tuple(W - rate * g for W, g in zip(layers, slopes, strict=True))
        drifts.append(max(np.abs(a - b).max() for a, b in zip(imbalance(layers), kept, strict=True)))
    drift, rates = np.array(drifts), np.array(config.rates)
    return {
        "flow_drift": np.array([drift_flow]),
        "rate": rates,
        "drift": drift,
        "drift_line": drift[-1] * rates / rates[-1],
        "drift_ratio": drift[:-1] / drift[1:] * (2 * rates[1:] / rates[:-1]),
    }


def _saddles(config: OracleConfig) -> Arrays:
    target = np.diag(config.singular_values)
    cost = full_mse(target)
    n = len(target)
    found = {
        depth: [hessian_spectrum(balanced_layers(target, depth, config.width, k), cost) for k in range(n)]
        for depth in (2, 3)
    }
    return {
        "saddle_rank": np.arange(n, dtype=float),
        "saddle_cost": critical_values(cost)[:-1],
        "negative": np.array([one.negative for one in found[2]], dtype=float),
        "lowest": np.array([one.eigenvalues[0] for one in found[2]]),
        "negative_deep": np.array([one.negative for one in found[3]], dtype=float),
        "lowest_deep": np.array([one.eigenvalues[0] for one in found[3]]),
    }


def _sphere(config: OracleConfig) -> Arrays:
    """The lowest Tr(G^T W_L ... W_1) on the unit sphere, from several starts, against -s_1 L^(-L/2)."""
    G = -np.diag(config.singular_values)
    lowest, theory = [], []
    for depth in config.depths:
        shapes = [W.shape for W in random_layers(G.shape, 3, depth, 1.0)]
        ends = np.cumsum([a * b for a, b in shapes])[:-1]

        def value(theta: np.ndarray, shapes: list = shapes, ends: np.ndarray = ends) -> tuple[float, np.ndarray]:
            size = np.linalg.norm(theta)
            unit = theta / size
            layers = [part.reshape(shape) for part, shape in zip(np.split(unit, ends), shapes, strict=True)]
            H = float(np.sum(G * product(layers)))
            slope = np.concatenate([g.ravel() for g in layer_gradients(layers, G)])
            return H, (slope - (slope @ unit) * unit) / size

        rng = np.random.default_rng(3)
        size = sum(a * b for a, b in shapes)
        ends_found = [
            minimize(value, rng.standard_normal(size), jac=True, method="BFGS", options={"gtol": 1e-9}).fun
            for _ in range(config.starts)
        ]
        lowest.append(min(ends_found))
        theory.append(-config.singular_values[0] * depth ** (-depth / 2))
    return {"sphere": np.array(lowest), "sphere_theory": np.array(theory)}


def _greedy(config: OracleConfig) -> Arrays:
    n = len(config.singular_values)
    cost = full_mse(turned_target(config.singular_values, (n, n), Key(4)))
    saddles, certificates = critical_values(cost), np.array([*config.singular_values, 0.0])
    gaps, others = [], []
    for depth, epsilon in zip((2, 3), config.epsilons, strict=True):
        found, _ = greedy_path(cost, depth, epsilon)
        gaps.append(np.abs(found.values - saddles).max() if len(found.values) == len(saddles) else np.inf)
        others.append(np.abs(found.certificates - certificates).max() if np.isfinite(gaps[-1]) else np.inf)
    return {"greedy_gap": np.array(gaps), "certificate_gap": np.array(others)}


CASE = Case(
    paper="saddles",
    name="saddles-oracles",
    claim="The flow agrees with every exact solution: scalar modes, the Riccati solution, the conserved balance, the "
    "spectra of the saddles, the steepest way out and the levels of the greedy algorithm.",
    source="Jacot et al. (2021), arXiv:2106.15933, sections 2 to 5; Saxe et al. (2014); Baldi and Hornik (1989)",
    full=OracleConfig(),
    smoke=OracleConfig(
        singular_values=(4.0, 2.0), width=3, depths=(2, 3), starts=3, tolerance=1e-8, epsilons=(1e-4, 0.05)
    ),
    run=run,
    checks=checks,
    panels=panels,
)
