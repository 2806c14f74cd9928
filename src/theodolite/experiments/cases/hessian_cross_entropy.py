"""Cross-entropy: Gauss-Newton is a weighted kernel of the data, and both parts follow their forecast in training."""

from dataclasses import dataclass

import jax
import numpy as np

from theodolite.curvature import (
    LimitingKernels,
    gauss_newton,
    jacobian_gram,
    laplacian,
    limiting_kernels,
    moments,
    problem,
    residual,
)
from theodolite.curvature.cost_evolution import ConvexCost
from theodolite.curvature.evolution import Start
from theodolite.experiments.bench import Arrays, Bench
from theodolite.experiments.case import Case, Measurement
from theodolite.experiments.check import Check
from theodolite.experiments.config import Config
from theodolite.experiments.hessian_networks import architecture, descended, digits_on_a_sphere, drawn
from theodolite.experiments.intervals import mean_interval
from theodolite.experiments.key import Key
from theodolite.experiments.panels import Axis, Column, Panel, Series
from theodolite.numerics.costs import CROSS_ENTROPY


@dataclass(frozen=True)
class CrossEntropyConfig(Config):
    """A small network of two layers whose matrices are written out, and wide ones that are trained; `classes` of each
    problem: 2 for one output, parity; more for as many outputs, random labels. Limits: of Tr I, Tr I^2, Tr S, Tr S^2.
    """

    activation: str = "normalised softplus"
    beta: float = 0.1
    subset: int = 0
    small_rows: int = 12
    small_width: int = 20
    rows: int = 24
    depth: int = 3
    width: int = 512
    draws: int = 48
    classes: tuple[int, ...] = (2, 3)
    rate: float = 0.25
    times: tuple[float, ...] = (0.0, 4.0, 16.0)
    probes: int = 8
    exact_limit: float = 1e-12
    crossed_limit: float = 0.02
    rank_floor: float = 1e-10
    limits: tuple[float, ...] = (0.1, 0.2, 0.2, 0.2)


LABELS = ("Tr I", "Tr I^2", "Tr S", "Tr S^2")


def run(config: CrossEntropyConfig, key: Key, bench: Bench) -> Measurement:
    """Identities of a small network's dense matrices; moments of wide networks against forecasts from their starts."""
    jobs = {f"{classes} classes, network {i + 1}": classes for classes in config.classes for i in range(config.draws)}
    found = bench.each(
        ["dense", *jobs],
        lambda name: (
            _dense(config, key.split(name)) if name == "dense" else _trained(config, jobs[name], key, key.split(name))
        ),
    )
    dense, parts = found[0], found[1:]
    arrays: Arrays = {"time": np.array(config.times), **dense}
    for classes in config.classes:
        own = [part for part, name in zip(parts, jobs.values(), strict=True) if name == classes]
        seen, told = (np.array([part[name] for part in own]) for name in ("seen", "told"))
        scale = np.abs(told)
        scale[..., 2] = np.sqrt(np.mean(told[..., 2] ** 2, axis=0))  # Tr S has either sign: relative to its size
        mean, half = mean_interval(np.abs(seen - told) / scale)
        arrays[f"c{classes}_crossed"] = np.array(mean_interval(np.array([float(part["crossed"]) for part in own])))
        arrays[f"c{classes}_gap"], arrays[f"c{classes}_gap_half"] = np.asarray(mean).T, np.asarray(half).T
        for row in range(4):
            arrays[f"c{classes}_gap_{row}"] = arrays[f"c{classes}_gap"][row]
            arrays[f"c{classes}_seen_{row}"] = seen[..., row].mean(0)
            arrays[f"c{classes}_error_{row}"] = seen[..., row].std(0, ddof=1) / np.sqrt(len(own))
            arrays[f"c{classes}_told_{row}"] = told[..., row].mean(0)
    words = (
        f"embedded digits (8 x 8 pixels, from scikit-learn) of one norm: {config.small_rows} for a network of 2 layers "
        f"and width {config.small_width}, {config.rows} for {config.draws} networks of {config.depth} layers and width "
        f"{config.width} each; {config.activation}, beta {config.beta:g}; parity, or random labels of more classes"
    )
    return Measurement(arrays, {}, words)


def checks(config: CrossEntropyConfig, measured: Measurement) -> tuple[Check, ...]:
    """Exact identities; Tr H^2 as the sum of both parts; forecasts from the networks' own starts."""
    a = measured.arrays
    exact = "no randomness"
    rows = config.small_rows
    found = [
        Check(
            "Tr I^k over that of the weighted kernel - 1, largest of four", float(a["identity"]), config.exact_limit,
            0.0, "at most", error_means=exact,
        ),
        Check(f"|rank of I - {rows}|", abs(float(a["rank"]) - rows), 0.0, 0.0, "at most", error_means=exact),
    ]  # fmt: skip
    for classes in config.classes:
        value, half = (float(number) for number in a[f"c{classes}_crossed"])
        words = "|mean of Tr H^2 / (Tr I^2 + Tr S^2) - 1| at time 0"
        found.append(Check(f"{words}, {_words(classes)}", abs(value), config.crossed_limit, half, "at most"))
        for row, label in enumerate(LABELS):
            at = int(np.argmax(a[f"c{classes}_gap"][row]))
            found.append(
                Check(
                    f"{label}, {_words(classes)}: error of the forecast from its own start, worst time",
                    float(a[f"c{classes}_gap"][row, at]), config.limits[row], float(a[f"c{classes}_gap_half"][row, at]),
                    "at most", note=f"relative, mean over networks; time {config.times[at]:g}",
                )
            )  # fmt: skip
    return tuple(found)


def panels(config: CrossEntropyConfig, measured: Measurement) -> tuple[Panel, ...]:
    """Moments through training with the forecasts from the starts; the numbers."""
    return (
        *(
            Panel(
                f"moments{classes}",
                f"Moments in training on the cross-entropy, {_words(classes)}",
                "lines",
                "Unlike on the squared cost the Gauss-Newton part changes: it fades where the network grows sure, as "
                "the forecast from each network's own start says.",
                Axis("time, rate x steps"),
                Axis("moment", log=True),
                tuple(
                    series
                    for row, label in enumerate(LABELS)
                    if row != 2
                    for series in (
                        Series(label, "time", f"c{classes}_seen_{row}", error=f"c{classes}_error_{row}", family=label),
                        Series(f"{label}, forecast", "time", f"c{classes}_told_{row}", role="theory", family=label),
                    )
                ),
            )
            for classes in config.classes
        ),
        *(
            Panel(
                f"numbers{classes}",
                f"Moments in training, {_words(classes)}",
                "table",
                "Means over networks, beside means of the forecasts from their own starts, and the relative error.",
                columns=(
                    Column("time", "time"),
                    *(
                        column
                        for row, label in enumerate(LABELS)
                        for column in (
                            Column(label, f"c{classes}_seen_{row}", digits=3),
                            Column("forecast", f"c{classes}_told_{row}", digits=3),
                            Column("off by", f"c{classes}_gap_{row}", digits=2),
                        )
                    ),
                ),
            )
            for classes in config.classes
        ),
    )


def _words(classes: int) -> str:
    return "two classes" if classes == 2 else f"softmax of {classes} classes"


def _targets(parity: np.ndarray, classes: int, key: Key) -> np.ndarray:
    """Probabilities of the second of two classes (n, 1), or rows of random labels (n, k)."""
    if classes == 2:
        return (parity + 1) / 2
    return np.eye(classes)[key.rng().integers(0, classes, len(parity))]


def _dense(config: CrossEntropyConfig, key: Key) -> Arrays:
    X, parity = digits_on_a_sphere(config.small_rows, config.subset)
    f, params = drawn(
        architecture(config.activation, 2, config.beta), config.small_width, 1, X.shape[1], key, np.float64
    )
    own = problem("cross_entropy", f, params, (X, _targets(parity, 2, key)))
    ours = gauss_newton(own).dense()
    with jax.enable_x64(True):
        outputs = np.asarray(f.apply(params, X), np.float64)[:, 0]
    weights = 1 / (2 + np.exp(outputs) + np.exp(-outputs)) / len(X)
    weighted = weights[:, None] * jacobian_gram(own)
    power, product, gaps = np.eye(len(X)), np.eye(len(ours)), []
    for _ in range(4):
        power, product = power @ weighted, product @ ours
        gaps.append(abs(np.trace(product) / np.trace(power) - 1))
    spectrum = np.linalg.eigvalsh(ours)
    return {
        "identity": np.array(max(gaps)),
        "rank": np.array(float(np.sum(spectrum > config.rank_floor * spectrum[-1]))),
    }


def _kernels(config: CrossEntropyConfig, X: np.ndarray) -> LimitingKernels:
    return limiting_kernels(architecture(config.activation, config.depth, config.beta), X)


def _trained(config: CrossEntropyConfig, classes: int, whole: Key, key: Key) -> Arrays:
    """Tr I, Tr I^2, Tr S, Tr S^2 at each time, (times, 4): seen, and told from the start."""
    X, parity = digits_on_a_sphere(config.rows, config.subset)
    Y = _targets(parity, classes, whole.split("labels"))
    net = architecture(config.activation, config.depth, config.beta)
    f, params = drawn(net, config.width, Y.shape[1], X.shape[1], key.split("parameters"))
    single = X.astype(np.float32)
    seen, steps, crossed = [], 0, np.nan
    start = Start(np.asarray(f.apply(params, single), np.float64), laplacian(f, params, X).astype(np.float64))
    for time in config.times:
        due = round(time / config.rate)
        params, steps = descended(f, params, X, Y, config.rate, due - steps, "cross_entropy"), due
        own = problem("cross_entropy", f, params, (single, Y))
        slopes = np.asarray(own.slopes, np.float64).reshape(Y.shape)
        matrix = residual(own)
        signs = 2.0 * key.split("probes", str(time)).rng().integers(0, 2, (config.probes, own.size)) - 1
        times_rest = matrix.rows(signs.astype(np.float32)).astype(np.float64)
        squares = np.sum(times_rest**2, axis=1)
        ours = gauss_newton(own)
        first, second = (one.value for one in moments(ours, 2, exact=True))
        if not seen:  # Tr H^2 - Tr I^2 - Tr S^2 = 2 Tr IS, with the same probes
            products = np.sum(ours.rows(signs.astype(np.float32)).astype(np.float64) * times_rest, axis=1)
            crossed = 2 * products.mean() / (second + squares.mean())
        trace = float(np.sum(laplacian(f, params, X).astype(np.float64) * slopes))
        seen.append([first, second, trace, squares.mean()])
    told = ConvexCost(_kernels(config, X), Y, CROSS_ENTROPY).starting_at(start, np.array(config.times))
    forecast = np.concatenate([told.gauss_newton[:, :2], told.residual[:, :2]], axis=1)
    return {"seen": np.array(seen), "told": forecast, "crossed": np.array(crossed)}


CASE = Case(
    paper="hessian",
    name="hessian-cross-entropy",
    claim="On the cross-entropy the Gauss-Newton part has the spectrum of the tangent kernel weighted by p (1 - p), "
    "and the moments of both parts follow a flow of the outputs through training.",
    source="Jacot, Gabriel and Hongler (2020), arXiv:1910.02875: section 3.1; the weight p (1 - p) corrected here",
    full=CrossEntropyConfig(),
    smoke=CrossEntropyConfig(
        small_rows=4, small_width=3, rows=8, width=16, draws=2, classes=(2,), times=(0.0, 0.5), probes=2
    ),
    run=run,
    checks=checks,
    panels=panels,
)
