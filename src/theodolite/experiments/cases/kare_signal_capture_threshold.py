"""The threshold read off a Gram matrix against the exact one of a known spectrum."""

from dataclasses import dataclass

import numpy as np

from theodolite.datasets.synthetic import gaussian_observations, power_law
from theodolite.experiments.bench import Arrays, Bench
from theodolite.experiments.case import Case, Measurement
from theodolite.experiments.check import Check
from theodolite.experiments.config import Config
from theodolite.experiments.intervals import mean_interval, worst
from theodolite.experiments.key import Key
from theodolite.experiments.panels import Axis, Column, Panel, Series
from theodolite.kernel_regression import RidgePath, exact_signal_capture_threshold, resolvent, threshold_slope


@dataclass(frozen=True)
class ThresholdConfig(Config):
    """Spectra d_k = k^-exponent; `batches` groups of draws give the error bar of the decay rate."""

    exponents: tuple[float, ...] = (1.5, 2.0)
    modes: int = 500
    sizes: tuple[int, ...] = (30, 100, 300)
    ridges: tuple[float, ...] = (1e-4, 1e-3, 1e-2, 1e-1)
    draws: int = 200
    batches: int = 10
    closed_form_exponents: tuple[float, ...] = (1.2, 1.5, 2.0, 3.0)
    closed_form_rows: int = 100
    closed_form_modes: int = 200_000
    gap_limit: float = 0.02
    slope_gap_limit: float = 0.05
    rate_limit: float = -0.5
    closed_form_limit: float = 2e-4


def run(config: ThresholdConfig, key: Key, bench: Bench) -> Measurement:
    """Draw Gaussian observations, read threshold and slope off each Gram matrix; solve the equation exactly beside."""
    cells = [(exponent, n) for exponent in config.exponents for n in config.sizes]
    names = {f"exponent {exponent}, {n} rows": (exponent, n) for exponent, n in cells}
    drawn = bench.each(list(names), lambda name: _draws(config, key.split(name), *names[name]))
    shape = (len(config.exponents), len(config.sizes), config.draws, len(config.ridges))
    measured = np.array([part["threshold"] for part in drawn]).reshape(shape)
    slopes = np.array([part["slope"] for part in drawn]).reshape(shape)
    exact, exact_slope = np.array([[_exact(config, a, n, ridge) for ridge in config.ridges] for a, n in cells]).T
    exact, exact_slope = (
        np.moveaxis(values.reshape(len(config.ridges), *shape[:2]), 0, -1) for values in (exact, exact_slope)
    )

    arrays = {
        "sizes": np.array(config.sizes, dtype=float),
        "ridges": np.array(config.ridges),
        "relative_threshold": measured / exact[:, :, None],
        "relative_slope": slopes / exact_slope[:, :, None],
        **_closed_forms(config),
    }
    for e, exponent in enumerate(config.exponents):
        for r, ridge in enumerate(config.ridges):
            tag = f"a{exponent:g}_ridge{ridge:g}"
            arrays[f"{tag}_measured"], arrays[f"{tag}_half"] = mean_interval(measured[e, :, :, r], axis=1)
            arrays[f"{tag}_exact"] = exact[e, :, r]
            arrays[f"{tag}_deviation"] = (measured / exact[:, :, None])[e, :, :, r].std(1, ddof=1)
    rates = _decay_rates(config, arrays["relative_threshold"])
    arrays["decay_rates"] = rates
    words = f"Gaussian observations of {config.modes} modes, d_k = k^-a, {config.draws} draws a cell (synthetic)"
    return Measurement(arrays, {"mean decay rate": float(rates.mean())}, words)


def checks(config: ThresholdConfig, measured: Measurement) -> tuple[Check, ...]:
    """The mean agrees, single draws close in as n grows, and the exact solver meets the closed forms."""
    arrays = measured.arrays
    gap, gap_half, where = worst(mean_interval(arrays["relative_threshold"], axis=2), 1.0)
    slope_gap, slope_half, slope_where = worst(mean_interval(arrays["relative_slope"], axis=2), 1.0)
    slowest = mean_interval(arrays["decay_rates"])
    position = int(np.argmax(slowest.mean))
    return (
        Check(
            "relative gap between mean empirical and exact threshold, worst cell",
            gap,
            config.gap_limit,
            gap_half,
            "at most",
            note=_cell(config, where),
        ),
        Check(
            "relative gap between mean empirical and exact slope of the threshold, worst cell",
            slope_gap,
            config.slope_gap_limit,
            slope_half,
            "at most",
            note=_cell(config, slope_where),
        ),
        Check(
            "growth exponent of the relative deviation of one draw with n, slowest curve",
            float(slowest.mean.flat[position]),
            config.rate_limit,
            float(slowest.half.flat[position]),
            "at most",
            error_means=f"95 % interval over {config.batches} batches of draws",
        ),
        Check(
            "relative gap between exact solver and closed forms of power laws, worst",
            float(np.abs(arrays["closed_ratio"] - 1).max()),
            config.closed_form_limit,
            0.0,
            "at most",
            error_means="no randomness",
        ),
    )


def panels(config: ThresholdConfig, measured: Measurement) -> tuple[Panel, ...]:
    """Threshold over n, spread over n, and the table of closed forms."""
    size_axis = Axis("rows n", log=True)
    tags = [(a, r, f"a{a:g}_ridge{r:g}") for a in config.exponents for r in config.ridges]
    over_n = tuple(
        series
        for a, r, tag in tags
        for series in (
            Series(
                f"a = {a:g}, ridge {r:g}",
                "sizes",
                f"{tag}_measured",
                error=f"{tag}_half",
                error_means="95 % interval of the mean",
                family=tag,
            ),
            Series(f"exact, a = {a:g}, ridge {r:g}", "sizes", f"{tag}_exact", role="theory", family=tag),
        )
    )
    spread = tuple(
        Series(f"a = {a:g}, ridge {r:g}", "sizes", f"{tag}_deviation", family=tag, role="measured")
        for a, r, tag in tags
    )
    return (
        Panel(
            "threshold",
            "Empirical and exact signal capture threshold",
            "lines",
            "The threshold read off one Gram matrix, 1 / (tr M^-1 / n), agrees with the exact one of the spectrum.",
            size_axis,
            Axis("threshold", "unit of the kernel", log=True),
            over_n,
        ),
        Panel(
            "spread",
            "Relative deviation of the threshold of one draw",
            "lines",
            "One Gram matrix is enough: the threshold of a single draw closes in on the exact one as n grows.",
            size_axis,
            Axis("standard deviation / exact threshold", log=True),
            spread,
        ),
        Panel(
            "closed-forms",
            "The exact solver against closed forms of power laws",
            "table",
            "Without ridge, the noise amplification of a power law d_k = k^-a is its exponent, a n / (n + 1/2).",
            columns=(
                Column("quantity", "closed_name"),
                Column("solver", "closed_solver", digits=10),
                Column("closed form", "closed_form", digits=10),
                Column("ratio", "closed_ratio", digits=10),
            ),
        ),
    )


def _draws(config: ThresholdConfig, key: Key, exponent: float, n: int) -> Arrays:
    spectrum = power_law(exponent, config.modes).eigenvalues
    rng, ridges, nothing = key.rng(), np.array(config.ridges), np.zeros(config.modes)
    drawn = [gaussian_observations(spectrum, nothing, 1.0, n, rng) for _ in range(config.draws)]
    found = [RidgePath(draw.gram, draw.targets).resolvents(ridges) for draw in drawn]
    return {
        "threshold": np.array([resolvent.signal_capture_threshold(of) for of in found]),
        "slope": np.array([resolvent.threshold_slope(of) for of in found]),
    }


def _exact(config: ThresholdConfig, exponent: float, n: int, ridge: float) -> tuple[float, float]:
    spectrum = power_law(exponent, config.modes).eigenvalues
    threshold = exact_signal_capture_threshold(spectrum, ridge, n)
    return threshold, threshold_slope(spectrum, threshold, n)


def _decay_rates(config: ThresholdConfig, relative: np.ndarray) -> np.ndarray:
    """Slope of log rms(relative - 1) over log n: (batches, exponents, ridges)."""
    e, s, _, r = relative.shape
    batched = relative[:, :, : config.draws // config.batches * config.batches].reshape(e, s, config.batches, -1, r)
    deviation = np.log(np.sqrt(((batched - 1) ** 2).mean(3)))  # (e, s, batches, r)
    x = np.log(np.array(config.sizes, dtype=float))
    x = x - x.mean()
    return np.moveaxis(np.einsum("s,esbr->ebr", x, deviation) / (x @ x), 1, 0)


def _closed_forms(config: ThresholdConfig) -> Arrays:
    """Infinite power laws without ridge: [(pi/a) / sin(pi/a) / (n + 1/2)]^a, and a n / (n + 1/2) for its slope."""
    n, rows = config.closed_form_rows, []
    for a in config.closed_form_exponents:
        spectrum = power_law(a, config.closed_form_modes)
        solved = exact_signal_capture_threshold(spectrum.eigenvalues, 0.0, n, tail=spectrum.tail)
        rows.append((f"threshold, a = {a:g}", solved, ((np.pi / a) / np.sin(np.pi / a) / (n + 0.5)) ** a))
        amplification = threshold_slope(spectrum.eigenvalues, solved, n)
        rows.append((f"noise amplification, a = {a:g}", amplification, a * n / (n + 0.5)))
    spectrum = power_law(2.0, config.closed_form_modes)
    for ridge in (1e-4, 1e-2):
        solved = exact_signal_capture_threshold(spectrum.eigenvalues, ridge, n, tail=spectrum.tail)
        rows.append((f"threshold, a = 2, ridge {ridge:g}", solved, _quadratic(ridge, n)))
    names, solver, closed = zip(*rows, strict=True)
    return {
        "closed_name": np.array(names),
        "closed_solver": np.array(solver),
        "closed_form": np.array(closed),
        "closed_ratio": np.array(solver) / np.array(closed),
    }


def _quadratic(ridge: float, n: int) -> float:
    """The root t of t = ridge + (t/n) sum_k 1/(1 + t k^2), the sum being pi/(2 sqrt t) coth(pi / sqrt t) - 1/2."""
    from scipy.optimize import brentq

    def excess(t: float) -> float:
        return t - ridge - t / n * (np.pi / (2 * np.sqrt(t)) / np.tanh(np.pi / np.sqrt(t)) - 0.5)

    return float(brentq(excess, ridge, ridge + 2.0 / n, xtol=1e-16, rtol=1e-14))  # type: ignore[arg-type]


def _cell(config: ThresholdConfig, where: int) -> str:
    e, s, r = np.unravel_index(where, (len(config.exponents), len(config.sizes), len(config.ridges)))
    return f"a = {config.exponents[e]:g}, n = {config.sizes[s]}, ridge {config.ridges[r]:g}"


CASE = Case(
    paper="kare",
    name="kare-signal-capture-threshold",
    claim="The signal capture threshold can be read off a single Gram matrix: it concentrates on the exact threshold "
    "of the spectrum.",
    source="Jacot et al. (2020), arXiv:2006.09796: the signal capture threshold",
    full=ThresholdConfig(),
    smoke=ThresholdConfig(sizes=(20, 40), ridges=(1e-2, 1e-1), draws=20, batches=2, closed_form_modes=20_000),
    run=run,
    checks=checks,
    panels=panels,
)
