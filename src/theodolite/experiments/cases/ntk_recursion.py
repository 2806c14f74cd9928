"""The tangent kernel of networks drawn at random against the recursion over layers."""

from dataclasses import dataclass

import numpy as np

from theodolite.architectures import Relu, Serial, plain
from theodolite.experiments.bench import Arrays, Bench
from theodolite.experiments.case import Case, Measurement
from theodolite.experiments.check import Check
from theodolite.experiments.circle import on_circle
from theodolite.experiments.config import Config
from theodolite.experiments.intervals import Interval, jackknife_interval, mean_interval, worst
from theodolite.experiments.key import Key
from theodolite.experiments.panels import Axis, Panel, Series
from theodolite.experiments.random_networks import kernel_rows
from theodolite.infinite_width import ntk

# Theta((1, 0), (cos a, sin a)) for ReLU, four layers, beta = 0.1, from an implementation that shares no code with ours
REFERENCE = ((0.0, 0.2825), (-0.5, 0.210896), (-1.0, 0.143077), (-2.0, 0.0733467), (-np.pi, 0.0643538))
UNITS = "in standard errors already"


@dataclass(frozen=True)
class RecursionConfig(Config):
    """ReLU networks on the unit circle. `bias_widths`: narrow networks, many draws, at `few` angles."""

    depth: int = 4
    beta: float = 0.1
    widths: tuple[int, ...] = (100, 500, 2000)
    angles: int = 101
    draws: int = 100
    draws_a_part: int = 20
    unbiased_width: int = 4
    bias_widths: tuple[int, ...] = (4, 16, 64)
    few: int = 12
    narrow_draws: int = 100_000
    narrow_draws_a_part: int = 20_000
    slope_low: float = -0.75
    slope_high: float = -0.35
    z_limit: float = 4.0
    allowance: float = 0.5
    gap_limit: float = 0.05
    bias_slope_limit: float = -0.75
    curve_limit: float = 1e-6


def run(config: RecursionConfig, key: Key, bench: Bench) -> Measurement:
    """Draw networks of several widths, and many narrow ones; the recursion beside."""
    wide, few = np.linspace(-np.pi, np.pi, config.angles), np.linspace(-np.pi, np.pi, config.few, endpoint=False)
    jobs: dict[str, tuple[int, int, np.ndarray, int, str]] = {}
    for group, depth, widths, angles, draws, size in (
        ("wide", config.depth, config.widths, wide, config.draws, config.draws_a_part),
        ("two", 2, (config.unbiased_width,), few, config.narrow_draws, config.narrow_draws_a_part),
        ("deep", config.depth, config.bias_widths, few, config.narrow_draws, config.narrow_draws_a_part),
    ):
        for width in widths:
            for part in range(draws // size):
                name = f"{depth} layers of width {width}, {len(angles)} angles, part {part + 1} of {draws // size}"
                jobs[name] = (depth, width, angles, size, f"{group}{width}")

    def draw(name: str) -> Arrays:
        depth, width, angles, size, _ = jobs[name]
        points = on_circle(angles).astype(np.float32)
        origin = np.array([1.0, 0.0], dtype=np.float32)
        return {"rows": kernel_rows(_net(config, depth), width, origin, points, size, key.split(name))}

    drawn: dict[str, list[np.ndarray]] = {}
    for part, job in zip(bench.each(list(jobs), draw), jobs.values(), strict=True):
        drawn.setdefault(job[-1], []).append(part["rows"])
    rows = {tag: np.concatenate(parts) for tag, parts in drawn.items()}

    exact, exact_few = _theory(config, config.depth, wide), _theory(config, config.depth, few)
    arrays: dict[str, np.ndarray] = {"angles": wide, "exact": exact, **_spread(config, rows, exact)}
    arrays |= _compared(config, rows, exact) | _narrow(config, rows, few, exact_few)
    angles, reference = np.array(REFERENCE).T
    arrays["reference"], arrays["reference_ours"] = reference, _theory(config, 4, angles, beta=0.1)
    words = (
        f"ReLU networks drawn at random, {config.depth} layers, beta {config.beta:g}, {config.draws} of each width; "
        f"{config.narrow_draws} narrow ones; inputs on the unit circle (synthetic)"
    )
    return Measurement(arrays, {}, words)


def checks(config: RecursionConfig, measured: Measurement) -> tuple[Check, ...]:
    """Spread falls with width, means agree with the recursion, the bias is where it should be and nowhere else."""
    a = measured.arrays
    slope, slope_half = float(a["spread_slope"][0]), float(a["spread_slope"][1])
    gap, gap_half, _ = worst(Interval(a["gap"], a["gap_half"]), 0.0)
    bias_slope, bias_half = float(a["bias_slope"][0]), float(a["bias_slope"][1])
    widest, narrowest, unbiased = config.widths[-1], config.bias_widths[0], config.unbiased_width
    above = f"|mean - recursion| above {config.allowance:g} / width of the largest value"
    return (
        Check(
            "exponent in the width of the relative standard deviation of one kernel, from above",
            slope,
            config.slope_high,
            slope_half,
            "at most",
            note="theory -1/2",
        ),
        Check("the same exponent, from below", slope, config.slope_low, slope_half, "at least", note="theory -1/2"),
        Check(
            f"{above}, worst width and angle",
            float(a["z"].max()),
            config.z_limit,
            0.0,
            "at most",
            error_means=UNITS,
            unit="standard errors",
        ),
        Check(
            f"|mean - recursion| over the largest value, worst angle, width {widest}",
            gap,
            config.gap_limit,
            gap_half,
            "at most",
        ),
        Check(
            f"|mean - recursion|, two layers of width {unbiased}, worst angle",
            float(a["z_two"].max()),
            config.z_limit,
            0.0,
            "at most",
            error_means=UNITS,
            unit="standard errors",
            note="no allowance: the mean is exact at every width",
        ),
        Check(
            f"|mean - recursion| of opposite inputs, {config.depth} layers of width {narrowest}",
            float(a["bias_z"][0]),
            config.z_limit,
            0.0,
            "at least",
            error_means=UNITS,
            unit="standard errors",
            note="more than two layers are biased, and the draws are enough to see it",
        ),
        Check(
            "exponent in the width of that bias, two largest of the narrow widths",
            bias_slope,
            config.bias_slope_limit,
            bias_half,
            "at most",
            note="theory -1",
        ),
        Check(
            "|recursion - values of another implementation|, worst of five angles",
            float(np.abs(a["reference_ours"] - a["reference"]).max()),
            config.curve_limit,
            0.0,
            "at most",
            error_means="no randomness",
        ),
    )


def panels(config: RecursionConfig, measured: Measurement) -> tuple[Panel, ...]:
    """The kernel over the angle, its spread over the width, its bias over the width."""
    widths = tuple(
        Series(
            f"width {width}, mean",
            "shown_angles",
            f"shown{width}",
            error=f"shown_deviation{width}",
            error_means="standard deviation of one network",
        )
        for width in config.widths
    )
    return (
        Panel(
            "curve",
            "Tangent kernel of networks drawn at random",
            "lines",
            "The wider the network, the closer the kernel of a single draw is to the recursion.",
            Axis("angle between the inputs", "radian"),
            Axis("tangent kernel"),
            (*widths, Series("recursion", "angles", "exact", role="theory")),
        ),
        Panel(
            "spread",
            "Spread of the tangent kernel over draws",
            "lines",
            "The relative standard deviation of the kernel of one network falls like one over the root of its width.",
            Axis("width", log=True),
            Axis("relative standard deviation", log=True),
            (
                Series("measured", "widths", "spread", error="spread_half", error_means="95 % interval", family="s"),
                Series("width^(-1/2) through the widest", "widths", "spread_law", role="theory", family="s"),
            ),
        ),
        Panel(
            "bias",
            "Bias of the mean kernel of opposite inputs",
            "lines",
            "With more than two layers the mean kernel of narrow networks is off by an amount of order one over width.",
            Axis("width", log=True),
            Axis("|mean - recursion| / recursion", log=True),
            (
                Series("measured", "bias_widths", "bias", error="bias_half", error_means="95 % interval", family="b"),
                Series("1 / width through the widest", "bias_widths", "bias_law", role="theory", family="b"),
            ),
        ),
    )


def _net(config: RecursionConfig, depth: int, beta: float | None = None) -> Serial:
    return plain(Relu(), depth, config.beta if beta is None else beta)


def _theory(config: RecursionConfig, depth: int, angles: np.ndarray, beta: float | None = None) -> np.ndarray:
    return ntk(_net(config, depth, beta))(np.array([[1.0, 0.0]]), on_circle(angles))[0]


def relative_deviation(rows: np.ndarray, exact: np.ndarray) -> float:
    """sqrt(mean over angles of the variance over draws), over the root mean square of the recursion.

    >>> relative_deviation(np.array([[1.0, 3.0], [3.0, 5.0]]), np.array([2.0, 2.0]))**2
    0.5...
    """
    return float(np.sqrt(rows.var(0, ddof=1).mean() / np.mean(exact**2)))


def _exponent(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Weights w with slope of log y over log x = w . log y, applied."""
    centred = np.log(x) - np.log(x).mean()
    return centred @ np.log(y) / (centred @ centred)


def _spread(config: RecursionConfig, rows: dict[str, np.ndarray], exact: np.ndarray) -> Arrays:
    """Relative deviations over the width and their exponent; the draws of different widths are independent."""
    widths = np.array(config.widths, dtype=float)
    found = [
        jackknife_interval(lambda r: np.log(relative_deviation(r, exact)), rows[f"wide{width}"])
        for width in config.widths
    ]
    spread, half = np.exp([float(one.mean) for one in found]), np.array([float(one.half) for one in found])
    centred = np.log(widths) - np.log(widths).mean()
    slope_half = np.sqrt(np.sum((centred * half) ** 2)) / (centred @ centred)
    return {
        "widths": widths,
        "spread": spread,
        "spread_half": spread * half,
        "spread_law": spread[-1] * np.sqrt(widths[-1] / widths),
        "spread_slope": np.array([_exponent(widths, spread), slope_half]),
    }


def _compared(config: RecursionConfig, rows: dict[str, np.ndarray], exact: np.ndarray) -> Arrays:
    """Means and deviations for the figure; standard errors beyond the allowance; gaps of the widest networks."""
    shown = slice(0, None, 5)
    arrays: Arrays = {"shown_angles": np.linspace(-np.pi, np.pi, config.angles)[shown]}
    allowed = config.allowance * exact.max()
    z = []
    for width in config.widths:
        found = rows[f"wide{width}"]
        mean, deviation = found.mean(0), found.std(0, ddof=1)
        beyond = np.maximum(np.abs(mean - exact) - allowed / width, 0.0)
        z.append(beyond / (deviation / np.sqrt(len(found))))
        arrays[f"shown{width}"], arrays[f"shown_deviation{width}"] = mean[shown], deviation[shown]
    arrays["z"] = np.array(z)
    mean, half = mean_interval(rows[f"wide{config.widths[-1]}"])
    arrays["gap"], arrays["gap_half"] = (mean - exact) / exact.max(), half / exact.max()
    return arrays


def _narrow(config: RecursionConfig, rows: dict[str, np.ndarray], few: np.ndarray, exact: np.ndarray) -> Arrays:
    """Standard errors off the recursion for two layers; bias of opposite inputs (the first angle) for more."""
    two = rows[f"two{config.unbiased_width}"]
    z_two = np.abs(two.mean(0) - _theory(config, 2, few)) / (two.std(0, ddof=1) / np.sqrt(len(two)))
    widths = np.array(config.bias_widths, dtype=float)
    opposite = [rows[f"deep{width}"][:, 0] / exact[0] - 1 for width in config.bias_widths]
    bias, half = np.array([mean_interval(values) for values in opposite]).T
    log_half = half / np.abs(bias)
    slope = _exponent(widths[-2:], np.abs(bias[-2:]))
    return {
        "z_two": z_two,
        "bias_widths": widths,
        "bias": np.abs(bias),
        "bias_half": half,
        "bias_z": np.abs(bias) / np.array([values.std(ddof=1) / np.sqrt(len(values)) for values in opposite]),
        "bias_law": np.abs(bias[-1]) * widths[-1] / widths,
        "bias_slope": np.array([slope, np.hypot(*log_half[-2:]) / np.log(widths[-1] / widths[-2])]),
    }


CASE = Case(
    paper="ntk",
    name="ntk-recursion",
    claim="At initialisation the tangent kernel of a wide network is close to the recursion over layers: its spread "
    "falls like the root of the width, and its mean is off by one over the width at most.",
    source="Jacot, Gabriel and Hongler (2018), arXiv:1806.07572: theorem 1; the bias at finite width is measured here",
    full=RecursionConfig(),
    smoke=RecursionConfig(
        widths=(16, 64),
        angles=21,
        draws=8,
        draws_a_part=4,
        bias_widths=(4, 16),
        narrow_draws=200,
        narrow_draws_a_part=200,
    ),
    run=run,
    checks=checks,
    panels=panels,
)
