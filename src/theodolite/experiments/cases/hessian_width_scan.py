"""At initialisation: the two parts of the Hessian become orthogonal, and higher moments of the residual vanish."""

from dataclasses import dataclass

import numpy as np

from theodolite.curvature import limiting_kernels, top_eigenvalues
from theodolite.experiments.bench import Arrays, Bench
from theodolite.experiments.case import Case, Measurement
from theodolite.experiments.check import Check
from theodolite.experiments.config import Config
from theodolite.experiments.hessian_networks import Parts, architecture, digits_on_a_sphere, drawn
from theodolite.experiments.intervals import fitted_exponent, mean_interval
from theodolite.experiments.key import Key
from theodolite.experiments.panels import Axis, Column, Panel, Series


@dataclass(frozen=True)
class WidthScanConfig(Config):
    """Networks drawn at each width; `probes` random signs for Tr S^k; `tolerance` of |S|, the largest eigenvalue."""

    activation: str = "normalised softplus"
    depth: int = 3
    beta: float = 0.1
    rows: int = 32
    subset: int = 0
    widths: tuple[int, ...] = (64, 128, 256, 512)
    draws: tuple[int, ...] = (16, 16, 16, 40)
    probes: int = 16
    tolerance: float = 1e-3
    half: tuple[float, float] = (-0.58, -0.42)
    whole: tuple[float, float] = (-1.15, -0.85)
    ratio: tuple[float, float] = (0.96, 1.04)


NAMES = ("cosine", "largest", "fourth")


def run(config: WidthScanConfig, key: Key, bench: Bench) -> Measurement:
    """Scale-free quantities of networks of several widths, and their exponents."""
    X, Y = digits_on_a_sphere(config.rows, config.subset)
    net = architecture(config.activation, config.depth, config.beta)
    kernels = limiting_kernels(net, X)
    jobs = {
        f"width {width}, network {i + 1}": (width, i)
        for width, draws in zip(config.widths, config.draws, strict=True)
        for i in range(draws)
    }

    def measured(name: str) -> Arrays:
        width, _ = jobs[name]
        own = key.split(name)
        parts = Parts(*drawn(net, width, 1, X.shape[1], own.split("parameters")), X, Y)
        powers = parts.residual_powers(parts.signs(config.probes, own.split("probes"))).mean(0)
        ends = top_eigenvalues(parts.residual, 1, lowest=1, tolerance=config.tolerance, seed=own.split("start").rng())
        norm = np.sqrt(powers[0])
        slopes = parts.slopes[:, 0]
        gauss_newton = parts.gauss_newton_powers
        return {
            "cosine": np.sqrt(parts.product_square() / gauss_newton[1]) / norm,
            "largest": np.abs(ends.values).max() / norm,
            "third": powers[1] / norm**3,
            "fourth": powers[2] / norm**4,
            "ratio": powers[0] / (slopes @ kernels.upsilon @ slopes),
            "gauss_newton": gauss_newton,
        }

    parts = bench.each(list(jobs), measured)
    each_width = np.array([width for width, _ in jobs.values()], dtype=float)
    arrays: Arrays = {"each_width": each_width, "width": np.array(config.widths, dtype=float)}
    for name in ("cosine", "largest", "third", "fourth", "ratio"):
        values = np.array([float(part[name]) for part in parts])
        arrays[f"each_{name}"] = values
        bars = [mean_interval(values[each_width == width]) for width in config.widths]
        arrays[name], arrays[f"{name}_half"] = (np.array([bar[i] for bar in bars], dtype=float) for i in (0, 1))
    widest = arrays["width"] / arrays["width"][-1]
    for name, power in (("cosine", -0.5), ("largest", -0.5), ("fourth", -1.0)):
        arrays[f"{name}_slope"] = np.array(fitted_exponent(each_width, arrays[f"each_{name}"]))
        arrays[f"{name}_law"] = arrays[name][-1] * widest**power
    arrays["networks"] = np.array(config.draws, dtype=float)
    eigenvalues = np.linalg.eigvalsh(kernels.theta) / config.rows
    arrays["power"] = np.arange(1.0, 5.0)
    arrays["gauss_newton_theory"] = np.array([np.sum(eigenvalues**k) for k in (1, 2, 3, 4)])
    last = [part["gauss_newton"] for part, width in zip(parts, each_width, strict=True) if width == config.widths[-1]]
    arrays["gauss_newton"], arrays["gauss_newton_half"] = (np.asarray(part) for part in mean_interval(np.array(last)))
    words = (
        f"{config.rows} embedded digits (8 x 8 pixels, from scikit-learn) of one norm, labelled by parity; "
        f"{config.activation}, {config.depth} layers, beta {config.beta:g}, at initialisation; "
        + ", ".join(f"{n} networks of width {w}" for w, n in zip(config.widths, config.draws, strict=True))
    )
    return Measurement(arrays, {}, words)


def checks(config: WidthScanConfig, measured: Measurement) -> tuple[Check, ...]:
    """Three exponents, and the second moment at the widest network against its limit."""
    a = measured.arrays
    found = []
    for name, words, limits in (
        ("cosine", "|IS| / (|I| |S|)", config.half),
        ("largest", "largest eigenvalue of S over its Frobenius norm", config.half),
        ("fourth", "Tr S^4 / (Tr S^2)^2", config.whole),
    ):
        slope, half = (float(number) for number in a[f"{name}_slope"])
        note = "all networks in one fit"
        found += [
            Check(f"exponent in the width of {words}, from above", slope, limits[1], half, "at most", note=note),
            Check(f"exponent in the width of {words}, from below", slope, limits[0], half, "at least", note=note),
        ]
    ratio, half = float(a["ratio"][-1]), float(a["ratio_half"][-1])
    words = f"Tr S^2 over its limit given the outputs, width {config.widths[-1]}"
    return (
        *found,
        Check(f"{words}, from above", ratio, config.ratio[1], half, "at most"),
        Check(f"{words}, from below", ratio, config.ratio[0], half, "at least"),
    )


def panels(config: WidthScanConfig, measured: Measurement) -> tuple[Panel, ...]:
    """Three quantities over the width with their laws; the numbers."""
    labels = {
        "cosine": ("|IS| / (|I| |S|)", "width^(-1/2)"),
        "largest": ("largest eigenvalue of S / |S|", "width^(-1/2)"),
        "fourth": ("Tr S^4 / |S|^4", "1 / width"),
    }
    return (
        Panel(
            "orthogonality",
            "The parts of the Hessian over the width",
            "lines",
            "Gauss-Newton part and residual become orthogonal, the residual's largest eigenvalue vanishes although its "
            "norm does not, and so does its fourth moment.",
            Axis("width", log=True),
            Axis("ratio without unit", log=True),
            tuple(
                series
                for name, (label, law) in labels.items()
                for series in (
                    Series(label, "width", name, error=f"{name}_half", error_means="95 % interval", family=name),
                    Series(f"{law} through the widest", "width", f"{name}_law", role="guide", family=name),
                )
            ),
        ),
        Panel(
            "numbers",
            "Means over networks",
            "table",
            "The second moment of the residual is that of the limit, given the outputs; the third and fourth vanish.",
            columns=(
                Column("width", "width"),
                Column("networks", "networks"),
                Column("Tr S^2 / limit", "ratio"),
                Column("95 % interval", "ratio_half", digits=2),
                Column("cos(I, S)", "cosine", digits=3),
                Column("|S|_op / |S|", "largest", digits=3),
                Column("Tr S^3 / |S|^3", "third", digits=2),
                Column("Tr S^4 / |S|^4", "fourth", digits=3),
            ),
        ),
        Panel(
            "gauss-newton",
            f"Moments of the Gauss-Newton part, width {config.widths[-1]}",
            "table",
            "The moments of the Gauss-Newton part approach those of the limiting tangent kernel.",
            columns=(
                Column("k", "power"),
                Column("Tr I^k, limit", "gauss_newton_theory"),
                Column("Tr I^k, mean of networks", "gauss_newton"),
                Column("95 % interval", "gauss_newton_half", digits=2),
            ),
        ),
    )


CASE = Case(
    paper="hessian",
    name="hessian-width-scan",
    claim="At initialisation of wide networks the two parts of the Hessian, Gauss-Newton I and residual S, are "
    "asymptotically orthogonal; Tr S^2 has a deterministic limit given the outputs, and Tr S^k vanishes for k >= 3.",
    source="Jacot, Gabriel and Hongler (2020), arXiv:1910.02875: theorem 1; the rates are derived here",
    full=WidthScanConfig(),
    smoke=WidthScanConfig(rows=8, widths=(8, 16), draws=(3, 3), probes=4),
    run=run,
    checks=checks,
    panels=panels,
)
