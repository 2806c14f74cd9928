"""Without training: the tangent kernel and what it predicts fluctuate as N^(-1/4), and an ensemble hardly does."""

from dataclasses import dataclass

import jax
import numpy as np

from theodolite.architectures import Relu, balanced
from theodolite.experiments.bench import Arrays, Bench
from theodolite.experiments.case import Case, Measurement
from theodolite.experiments.check import Check
from theodolite.experiments.config import Config
from theodolite.experiments.digits_parity import Parity, parity
from theodolite.experiments.key import Key
from theodolite.experiments.panels import Axis, Panel, Series
from theodolite.finite_width import network, tangent_kernel
from theodolite.training_dynamics import ensemble_error, fit_power_law, fluctuation, parameters_of

INTERVAL = "95 % interval over initial weights"
NORMAL = 1.96


@dataclass(frozen=True)
class FluctuationConfig(Config):
    """ReLU networks in the NTK parametrisation, `depths` hidden layers, and kernel ridge regression with their tangent
    kernel; the ridge in units of the mean diagonal / n. Slopes are those of widths from `judged_from` on."""

    rows: int = 200
    test_rows: int = 400
    components: int = 10
    depths: tuple[int, ...] = (3, 1)
    widths: tuple[int, ...] = (8, 16, 32, 64, 128, 256)
    seeds: int = 384
    ensemble: int = 24
    ridge: float = 1e-2
    judged_from: int = 32
    flat_from: int = 16
    deep_limits: tuple[float, float] = (-0.30, -0.20)
    shallow_limits: tuple[float, float] = (-0.56, -0.46)
    flat_limit: float = 0.02
    fall_limit: float = 0.05


def run(config: FluctuationConfig, key: Key, bench: Bench) -> Measurement:
    """For each depth and width: kernels of many networks, their spread, the predictions and theirs, the errors."""
    data = parity(config.rows, config.test_rows, config.components, 0.0, key.split("data"))
    jobs = {
        f"{depth} hidden layers, width {width}": (depth, width) for depth in config.depths for width in config.widths
    }
    parts = bench.each(list(jobs), lambda name: _part(config, data, *jobs[name], key.split(name)))
    arrays: Arrays = {"width": np.array(config.widths, dtype=float)}
    for d, depth in enumerate(config.depths):
        own = parts[d * len(config.widths) : (d + 1) * len(config.widths)]
        found: Arrays = {name: np.array([part[name] for part in own]) for name in own[0]}
        N = np.array([parameters_of(width, depth, config.components) for width in config.widths], dtype=float)
        kept = np.array(config.widths) >= config.judged_from
        for name in ("kernel", "predictor"):
            law = fit_power_law(N[kept], found[name][kept], found[f"{name}_error"][kept])
            found[f"{name}_slope"] = np.array([law.slope, NORMAL * law.standard_error, law.chi])
            found[f"{name}_line"] = law.amplitude * N**law.slope
        arrays |= {f"{name}_{depth}": values for name, values in {"N": N, **found}.items()}
    words = (
        f"embedded digits (from scikit-learn), even against odd, {config.components} whitened principal components, "
        f"{config.rows} training and {len(data.Z)} test points, {config.seeds} networks of each width"
    )
    slopes = {
        f"slope of the {name}, {depth} hidden layers": float(arrays[f"{name}_slope_{depth}"][0])
        for name in ("kernel", "predictor")
        for depth in config.depths
    }
    return Measurement(arrays, slopes, words)


def checks(config: FluctuationConfig, measured: Measurement) -> tuple[Check, ...]:
    """Slopes within their limits; the ensemble is flat while single networks improve."""
    a = measured.arrays
    deep, shallow = config.depths
    found = []
    for name, depth, limits in (
        ("kernel", deep, config.deep_limits),
        ("predictor", deep, config.deep_limits),
        ("kernel", shallow, config.shallow_limits),
    ):
        slope, half, _ = a[f"{name}_slope_{depth}"]
        words = f"exponent in N of the fluctuation of the {name}, hidden layers: {depth}"
        found += [
            Check(f"{words}, above", float(slope), limits[0], float(half), "at least", INTERVAL),
            Check(f"{words}, below", float(slope), limits[1], float(half), "at most", INTERVAL),
        ]
    kept = a["width"] >= config.flat_from
    errors, bars = a[f"ensemble_{deep}"][kept], a[f"ensemble_error_{deep}"][kept]
    top, low = int(errors.argmax()), int(errors.argmin())
    single, own = a[f"single_{deep}"][kept], a[f"single_error_{deep}"][kept]
    words = f"width {config.flat_from} and wider"
    return (
        *found,
        Check(
            f"test error of ensembles of {config.ensemble}, largest - smallest, {words}",
            float(errors[top] - errors[low]),
            config.flat_limit,
            float(NORMAL * np.hypot(bars[top], bars[low])) if top != low else 0.0,
            "at most",
            INTERVAL,
        ),
        Check(
            f"test error of single networks, narrowest - widest, {words}",
            float(single[0] - single[-1]),
            config.fall_limit,
            float(NORMAL * np.hypot(own[0], own[-1])),
            "at least",
            INTERVAL,
        ),
    )


def panels(config: FluctuationConfig, measured: Measurement) -> tuple[Panel, ...]:
    """Fluctuations over N for each depth, and the errors of single networks and ensembles."""
    found = []
    for depth in config.depths:
        exponent = "-1/4" if depth > 1 else "-1/2: with one hidden layer N grows as the width, not as its square"
        found.append(
            Panel(
                f"fluctuations{depth}",
                f"Fluctuations over initial weights, hidden layers: {depth}",
                "lines",
                f"Tangent kernel and predictor fluctuate as a power of N near {exponent}.",
                Axis("number of weights N", log=True),
                Axis("fluctuation", log=True),
                tuple(
                    series
                    for name, label in (("kernel", "tangent kernel, relative"), ("predictor", "predictor"))
                    for series in (
                        Series(label, f"N_{depth}", f"{name}_{depth}", error=f"{name}_error_{depth}", family=name),
                        Series(
                            f"{label}, fitted power", f"N_{depth}", f"{name}_line_{depth}", role="guide", family=name
                        ),
                    )
                ),
            )
        )
    deep = config.depths[0]
    return (
        *found,
        Panel(
            "errors",
            "Test error of single networks and of ensembles",
            "lines",
            "Averaging predictors over initial weights takes the dependence on N away.",
            Axis("number of weights N", log=True),
            Axis("share of test points wrong"),
            (
                Series("single networks", f"N_{deep}", f"single_{deep}", error=f"single_error_{deep}"),
                Series(
                    f"ensembles of {config.ensemble}", f"N_{deep}", f"ensemble_{deep}", error=f"ensemble_error_{deep}"
                ),
            ),
        ),
    )


def _part(config: FluctuationConfig, data: Parity, depth: int, width: int, key: Key) -> Arrays:
    f = network(balanced(Relu().standardised(), depth + 1), width)
    X, points = data.X.astype(np.float32), np.vstack([data.X, data.Z]).astype(np.float32)
    seeds = jax.random.split(jax.random.key(key.integer() % 2**31), config.seeds)
    grams, outputs = np.empty((len(seeds), len(X), len(X)), np.float32), np.empty((len(seeds), len(data.Z)))
    for i, seed in enumerate(seeds):
        kernel = tangent_kernel(f, f.init(seed, X.shape[1:], np.float32), points, X)
        grams[i], outputs[i] = kernel[: len(X)], _predicted(np.asarray(kernel, dtype=float), data.Y, config.ridge)
    of_kernel, of_predictor = fluctuation(grams), fluctuation(outputs)
    single, ensemble = (ensemble_error(outputs, data.W, size) for size in (1, config.ensemble))
    return {
        "kernel": np.array(of_kernel.relative),
        "kernel_error": np.array(of_kernel.relative_standard_error),
        "predictor": np.array(of_predictor.norm),
        "predictor_error": np.array(of_predictor.standard_error),
        "single": np.array(single[0]),
        "single_error": np.array(single[1]),
        "ensemble": np.array(ensemble[0]),
        "ensemble_error": np.array(ensemble[1]),
    }


def _predicted(kernel: np.ndarray, targets: np.ndarray, ridge: float) -> np.ndarray:
    """Kernel ridge regression on the first rows of a kernel with the training points, read on the others."""
    n = len(targets)
    gram = kernel[:n]
    return kernel[n:] @ np.linalg.solve(gram + ridge * np.trace(gram) / n * np.eye(n), targets)


CASE = Case(
    paper="scaling",
    name="scaling-fluctuations",
    claim="Without training, the tangent kernel and the predictor it makes fluctuate over initial weights as N^(-1/4) "
    "(N^(-1/2) with one hidden layer), single networks err more the smaller they are, and ensembles do not.",
    source="Geiger et al. (2019), arXiv:1901.01608: fluctuations of the output function; on frozen tangent kernels",
    full=FluctuationConfig(),
    smoke=FluctuationConfig(
        rows=20, test_rows=20, depths=(2, 1), widths=(4, 8), seeds=6, ensemble=3, judged_from=4, flat_from=4
    ),
    run=run,
    checks=checks,
    panels=panels,
)
