"""Four moments of the Hessian through training on the squared cost, against their forecast."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from theodolite.curvature import LimitingKernels, limiting_kernels
from theodolite.curvature.evolution import SquaredCost, Start
from theodolite.experiments.bench import Arrays, Bench
from theodolite.experiments.case import Case, Measurement
from theodolite.experiments.check import Check
from theodolite.experiments.config import Config
from theodolite.experiments.hessian_networks import Parts, architecture, descended, digits_on_a_sphere, drawn
from theodolite.experiments.intervals import jackknife_interval
from theodolite.experiments.key import Key
from theodolite.experiments.panels import Axis, Column, Panel, Series


@dataclass(frozen=True)
class TrainingConfig(Config):
    """Networks trained by gradient descent and looked at `times` (rate x steps); `starts` more, only at time 0, tell
    the corollary from its misprint. `conditional_limits` go with the activations, at `judged_times`."""

    activations: tuple[str, ...] = ("softplus", "normalised softplus")
    depth: int = 3
    beta: float = 0.1
    rows: int = 24
    subset: int = 0
    width: int = 384
    draws: int = 40
    rate: float = 0.25
    times: tuple[float, ...] = (0.0, 1.0, 4.0, 8.0, 16.0)
    probes: int = 8
    starts: int = 48
    errors_limit: float = 3.5
    allowances: tuple[float, float] = (0.03, 0.06)
    judged_times: tuple[float, ...] = (1.0, 4.0)
    conditional_limits: tuple[float, ...] = (0.35, 0.2)
    misprint_limit: float = 4.0


def run(config: TrainingConfig, key: Key, bench: Bench) -> Measurement:
    """Tr I^k, Tr S, Tr S^2 and Tr H^k of trained networks; forecasts on average, and from each network's start."""
    X, Y = digits_on_a_sphere(config.rows, config.subset)
    jobs = {
        f"{activation}, network {i + 1}": (activation, i)
        for activation in config.activations
        for i in range(config.draws)
    }
    told = config.activations[-1]
    first = [f"start {i + 1}" for i in range(config.starts)]
    found = bench.each(
        [*jobs, *first],
        lambda name: (
            _trained(config, jobs[name][0], X, Y, key.split(name))
            if name in jobs
            else _started(config, told, X, Y, key.split(name))
        ),
    )
    arrays: Arrays = {"time": np.array(config.times), "power": np.arange(1.0, 5.0)}
    fine = config.rate * np.arange(round(config.times[-1] / config.rate) + 1)
    arrays["curve_time"] = fine
    for place, activation in enumerate(config.activations):
        kernels = _kernels(config, activation)
        own = [part for part, job in zip(found, jobs.values(), strict=False) if job[0] == activation]
        flow = SquaredCost(kernels, Y, config.rate)
        theory, curve = flow.on_average(arrays["time"]), flow.on_average(fine)
        hessian = theory.gauss_newton + theory.residual
        arrays |= _compared(f"a{place}", own, flow, arrays["time"], theory.gauss_newton, theory.residual, hessian)
        for k in range(4):
            arrays[f"a{place}_curve_{k + 1}"] = curve.gauss_newton[:, k] + curve.residual[:, k]
    starts = np.array([float(part["trace"]) for part in found[len(jobs) :]])
    arrays["start_trace"] = np.array([starts.mean(), starts.std(ddof=1) / np.sqrt(len(starts))])
    kernels = _kernels(config, told)
    arrays["start_theory"] = SquaredCost(kernels, Y).on_average(np.zeros(1)).residual[0, :1]
    arrays["start_printed"] = np.array([as_printed(kernels, Y)])
    words = (
        f"{config.rows} embedded digits (8 x 8 pixels, from scikit-learn) of one norm, labelled by parity; "
        f"{' and '.join(config.activations)}, {config.depth} layers, beta {config.beta:g}, {config.draws} networks of "
        f"width {config.width} each, rate {config.rate:g}; {config.starts} more of {told} at time 0"
    )
    return Measurement(arrays, {}, words)


def as_printed(kernels: LimitingKernels, Y: np.ndarray) -> float:
    """E Tr S at time 0 by the corollary with the sign it was printed with, 1 + E_t where 1 - E_t is right."""
    n = len(Y)
    B = kernels.sigma + Y @ Y.T
    change = 2.0 * np.linalg.solve(kernels.theta, B)
    return float(np.trace(kernels.phi) - np.trace(kernels.lambda_ @ change)) / n


def checks(config: TrainingConfig, measured: Measurement) -> tuple[Check, ...]:
    """Means within their errors of the forecast; single networks near the forecast from their own start."""
    a = measured.arrays
    found = []
    labels = ("Tr I", "Tr I^2", "Tr S", "Tr S^2")
    unit = {"error_means": "in standard errors already", "unit": "standard errors"}
    for place, activation in enumerate(config.activations):
        for row, label in enumerate(labels):
            allowed = config.allowances[row] if row < 2 else 0.0
            gaps = a[f"a{place}_gap"][row] - allowed * np.abs(a[f"a{place}_expected"][row])
            more = f" beyond {100 * allowed:g} % of it" if allowed else ""
            found.append(
                Check(
                    f"{label}, {activation}: |mean - forecast|{more}, worst time",
                    float(np.max(np.maximum(gaps, 0.0) / a[f"a{place}_error"][row])),
                    config.errors_limit, 0.0, "at most", **unit,
                    note=f"{config.draws} networks, {len(config.times)} times",
                )
            )  # fmt: skip
        for at, time in enumerate(a["time"]):
            if time not in config.judged_times:
                continue
            for name, label in (("trace", "Tr S"), ("square", "Tr S^2")):
                value, half = (float(number) for number in a[f"a{place}_conditional_{name}"][at])
                found.append(
                    Check(
                        f"{label}, {activation}, time {time:g}: relative error of the forecast from its own start",
                        value, config.conditional_limits[place], half, "at most",
                        note="root mean square" if name == "trace" else "mean over networks",
                    )
                )  # fmt: skip
    mean, error = a["start_trace"]
    told = config.activations[-1]
    return (
        *found,
        Check(
            f"Tr S at time 0, {told}: |mean - corrected corollary|", float(abs(mean - a["start_theory"][0]) / error),
            config.errors_limit, 0.0, "at most", **unit,
        ),
        Check(
            f"Tr S at time 0, {told}: |mean - corollary as printed|", float(abs(mean - a["start_printed"][0]) / error),
            config.misprint_limit, 0.0, "at least", **unit,
        ),
    )  # fmt: skip


def panels(config: TrainingConfig, measured: Measurement) -> tuple[Panel, ...]:
    """One panel a power; the residual's moments as numbers."""
    captions = (
        "The trace of the Hessian is that of the constant Gauss-Newton part once the residual's has decayed.",
        "The second moment starts higher by that of the residual, which goes as the outputs reach the targets.",
        "In the third moment the residual does not count.",
        "Nor in the fourth: only the eigenvalues of the tangent kernel remain.",
    )
    return (
        *(
            Panel(
                f"power{k}",
                f"Tr H^{k} through training" if k > 1 else "Tr H through training",
                "lines",
                captions[k - 1],
                Axis("time, rate x steps"),
                Axis(f"Tr H^{k}" if k > 1 else "Tr H"),
                tuple(
                    series
                    for place, activation in enumerate(config.activations)
                    for series in (
                        Series(
                            activation, "time", f"a{place}_hessian_{k}", error=f"a{place}_hessian_error_{k}",
                            family=activation,
                        ),
                        Series(
                            f"{activation}, forecast", "curve_time", f"a{place}_curve_{k}", role="theory",
                            family=activation,
                        ),
                    )
                ),
            )
            for k in (1, 2, 3, 4)
        ),
        *(
            Panel(
                f"residual{place}",
                f"Moments in training, {activation}",
                "table",
                "Means over networks beside the forecast over initialisations, and how far the forecast from each "
                "network's own start is off.",
                columns=(
                    Column("time", "time"),
                    Column("Tr I", f"a{place}_mean_0"),
                    Column("forecast", f"a{place}_expected_0"),
                    Column("Tr S", f"a{place}_mean_2", digits=3),
                    Column("standard error", f"a{place}_error_2", digits=2),
                    Column("forecast", f"a{place}_expected_2", digits=3),
                    Column("Tr S^2", f"a{place}_mean_3", digits=3),
                    Column("standard error", f"a{place}_error_3", digits=2),
                    Column("forecast", f"a{place}_expected_3", digits=3),
                    Column("own start, Tr S off by", f"a{place}_own_trace", digits=2),
                    Column("own start, Tr S^2 off by", f"a{place}_own_square", digits=2),
                ),
            )
            for place, activation in enumerate(config.activations)
        ),
    )  # fmt: skip


@lru_cache(maxsize=8)
def _kernels(config: TrainingConfig, activation: str) -> LimitingKernels:
    X, _ = digits_on_a_sphere(config.rows, config.subset)
    return limiting_kernels(architecture(activation, config.depth, config.beta), X)


def _trained(config: TrainingConfig, activation: str, X: np.ndarray, Y: np.ndarray, key: Key) -> Arrays:
    """Moments at each time, (times, 4), and the outputs and traces at time 0, (n, 1)."""
    net = architecture(activation, config.depth, config.beta)
    f, params = drawn(net, config.width, 1, X.shape[1], key.split("parameters"))
    found: dict[str, list[np.ndarray]] = {"gauss_newton": [], "residual": [], "hessian": []}
    steps, start = 0, {}
    for time in config.times:
        due = round(time / config.rate)
        params, steps = descended(f, params, X, Y, config.rate, due - steps), due
        parts = Parts(f, params, X, Y)
        if not start:
            start = {"outputs": parts.outputs, "traces": parts.traces}
        powers = parts.residual_powers(parts.signs(config.probes, key.split("probes", str(time)))).mean(0)
        residual = np.array([parts.residual_trace, *powers])
        found["gauss_newton"].append(parts.gauss_newton_powers)
        found["residual"].append(residual)
        found["hessian"].append(parts.gauss_newton_powers + residual + parts.crossed())
    return {**{name: np.array(values) for name, values in found.items()}, **start}


def _started(config: TrainingConfig, activation: str, X: np.ndarray, Y: np.ndarray, key: Key) -> Arrays:
    net = architecture(activation, config.depth, config.beta)
    parts = Parts(*drawn(net, config.width, 1, X.shape[1], key.split("parameters")), X, Y)
    return {"trace": np.array(parts.residual_trace)}


def _compared(
    name: str,
    parts: list[Arrays],
    flow: SquaredCost,
    times: np.ndarray,
    gauss_newton: np.ndarray,
    residual: np.ndarray,
    hessian: np.ndarray,
) -> Arrays:
    """Means, errors and gaps of Tr I, Tr I^2, Tr S, Tr S^2 (4, times), and errors of the conditional forecasts."""
    own = [flow.starting_at(Start(part["outputs"], part["traces"]), times).residual for part in parts]
    seen, told = np.array([part["residual"] for part in parts])[..., :2], np.array(own)[..., :2]
    each = np.concatenate([np.array([part["gauss_newton"] for part in parts])[..., :2], seen], axis=2)
    expected = np.concatenate([gauss_newton[:, :2], residual[:, :2]], axis=1).T
    mean, error = each.mean(0).T, (each.std(0, ddof=1) / np.sqrt(len(each))).T
    arrays: Arrays = {f"{name}_expected": expected, f"{name}_error": error, f"{name}_gap": np.abs(mean - expected)}
    for row in range(4):
        arrays[f"{name}_mean_{row}"], arrays[f"{name}_error_{row}"] = mean[row], error[row]
        arrays[f"{name}_expected_{row}"] = expected[row]
    both = np.stack([seen, told], axis=1)  # (networks, 2, times, 2)
    trace = [jackknife_interval(_root_mean_square, both[:, :, at, 0]) for at in range(len(times))]
    square = [jackknife_interval(_mean_relative, both[:, :, at, 1]) for at in range(len(times))]
    for label, bars in (("trace", trace), ("square", square)):
        arrays[f"{name}_conditional_{label}"] = np.array([[float(bar.mean), float(bar.half)] for bar in bars])
        arrays[f"{name}_own_{label}"] = arrays[f"{name}_conditional_{label}"][:, 0]
    hessians = np.array([part["hessian"] for part in parts])
    for k in range(4):
        arrays[f"{name}_hessian_{k + 1}"] = hessians[:, :, k].mean(0)
        arrays[f"{name}_hessian_error_{k + 1}"] = hessians[:, :, k].std(0, ddof=1) / np.sqrt(len(parts))
        arrays[f"{name}_hessian_expected_{k + 1}"] = hessian[:, k]
    return arrays


def _root_mean_square(pairs: np.ndarray) -> float:
    """Of seen - told, relative to that of seen; pairs (networks, 2)."""
    return float(np.sqrt(np.sum((pairs[:, 0] - pairs[:, 1]) ** 2) / np.sum(pairs[:, 0] ** 2)))


def _mean_relative(pairs: np.ndarray) -> float:
    """Mean of |seen - told| / told; pairs (networks, 2)."""
    return float(np.mean(np.abs(pairs[:, 0] / pairs[:, 1] - 1.0)))


CASE = Case(
    paper="hessian",
    name="hessian-training",
    claim="The moments of the Hessian of wide networks through training on the squared cost are those of the limiting "
    "kernels: Tr I^k constant, Tr S and Tr S^2 by the corrected closed form, on average and from each network's start.",
    source="Jacot, Gabriel and Hongler (2020), arXiv:1910.02875: figure 1 and corollary 1, there with 5000 neurons; "
    "corrected here",
    full=TrainingConfig(),
    smoke=TrainingConfig(
        activations=("normalised softplus",),
        rows=8,
        width=16,
        draws=3,
        times=(0.0, 1.0),
        probes=4,
        starts=3,
        conditional_limits=(0.2,),
    ),
    run=run,
    checks=checks,
    panels=panels,
)
