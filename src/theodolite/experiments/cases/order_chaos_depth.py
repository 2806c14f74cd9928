"""What depth does to the tangent kernel of two inputs: its rates and limits in order, in chaos and at the edge."""

import math
from dataclasses import dataclass

import numpy as np

from theodolite.architectures import Activation, Erf, Gelu, Relu, Tanh, balanced
from theodolite.experiments.bench import Arrays, Bench
from theodolite.experiments.case import Case, Measurement
from theodolite.experiments.check import Check
from theodolite.experiments.config import Config
from theodolite.experiments.key import Key
from theodolite.experiments.panels import Axis, Column, Panel, Series
from theodolite.infinite_width import characteristic_value, critical_bias, depth_trace, ntk
from theodolite.infinite_width.duals.dual import dual

ACTIVATIONS: dict[str, Activation] = {
    "standardised relu": Relu().standardised(),
    "normalised relu": Relu().normalised(),
    "standardised gelu": Gelu().standardised(),
    "normalised gelu": Gelu().normalised(),
    "standardised tanh": Tanh().standardised(),
    "standardised erf": Erf().standardised(),
}

Row = tuple[str, float]


@dataclass(frozen=True)
class DepthConfig(Config):
    """Rows are an activation and beta. Theta is the tangent kernel of two inputs over that of one, L the layers.

    Rates: the slope over `window` of log((1 - Theta) / L) in smooth order, of log(1 - Theta) in the order of ReLU, of
    log Theta in chaos, of log(Theta / L) in chaos without bias. `slow`: rows that are not there yet at these depths;
    they are shown and not judged.
    """

    smooth_order: tuple[Row, ...] = (("standardised gelu", 0.5), ("standardised tanh", 0.6))
    kinked_order: tuple[Row, ...] = (("standardised relu", 0.5),)
    chaos: tuple[Row, ...] = (("normalised relu", 0.1), ("normalised gelu", 0.1))
    chaos_limits: tuple[Row, ...] = (("normalised relu", 0.1), ("normalised gelu", 0.1), ("normalised relu", 0.3))
    chaos_without_bias: tuple[Row, ...] = (("normalised relu", 0.0),)
    slow: tuple[Row, ...] = (("standardised erf", 0.5), ("standardised tanh", 0.05))
    kinked_edge: tuple[str, ...] = ("standardised relu",)
    smooth_edge: tuple[str, ...] = ("standardised tanh", "normalised gelu", "standardised erf")
    correlation: float = 0.2
    window: tuple[int, int] = (40, 80)
    depth: int = 400
    edge_depth: int = 10_000
    rate_limit: float = 0.02
    limit_limit: float = 1e-5
    kinked_edge_limit: float = 0.002
    smooth_edge_limit: float = 0.001
    angles: int = 61
    shown_depths: tuple[int, ...] = (2, 8, 32)


def run(config: DepthConfig, key: Key, bench: Bench) -> Measurement:
    """Iterate the recursion of two inputs; nothing is drawn."""
    groups = {
        "smooth order": config.smooth_order,
        "order of ReLU": config.kinked_order,
        "chaos": config.chaos,
        "chaos without bias": config.chaos_without_bias,
    }
    jobs = [(group, *row) for group, rows in groups.items() for row in rows]
    jobs += [(_regime(row), *row) for row in config.slow]
    edges = [(name, 1 / 4) for name in config.kinked_edge] + [(name, 1 / 3) for name in config.smooth_edge]
    names = [f"{group}: {_words(name, beta)}" for group, name, beta in jobs]
    parts: dict[str, tuple[str, float, str]] = {
        part: (name, beta, group) for part, (group, name, beta) in zip(names, jobs, strict=True)
    }
    parts |= {f"edge: {name}": (name, _edge_bias(name), "edge") for name, _ in edges}
    traces = dict(zip(parts, bench.each(list(parts), lambda part: _trace(config, *parts[part])), strict=True))

    measured, theory = np.array([rates(config, *parts[part], traces[part]) for part in names]).T
    limits = np.array([_limits(config, *row) for row in config.chaos_limits]).reshape(-1, 2)
    at_edge = np.array([traces[f"edge: {name}"]["theta"][-1] for name, _ in edges])
    arrays: dict[str, np.ndarray] = {
        "row": np.array(names),
        "judged": np.array(["no, not deep enough yet" if job[1:] in config.slow else "yes" for job in jobs]),
        "r": np.array([characteristic_value(ACTIVATIONS[name], beta) for _, name, beta in jobs]),
        "rate": measured,
        "rate_theory": theory,
        "rate_gap": np.abs(measured / theory - 1),
        "limit_row": np.array([_words(*row) for row in config.chaos_limits]),
        "limit": limits[:, 0],
        "limit_theory": limits[:, 1],
        "edge_row": np.array([_words(name, _edge_bias(name)) for name, _ in edges]),
        "edge": at_edge,
        "edge_theory": np.array([target for _, target in edges]),
        "depths": np.arange(1.0, config.depth + 1),
    }
    for row, part in enumerate(names):
        arrays |= _curve(config, row, parts[part][2], traces[part], theory[row])
    for number, (name, _) in enumerate(edges):
        trace = traces[f"edge: {name}"]
        arrays[f"edge_depths{number}"], arrays[f"edge{number}"] = trace["depths"], trace["theta"]
        arrays[f"edge_limit{number}"] = np.full(len(trace["depths"]), edges[number][1])
    arrays |= _over_angles(config)
    words = (
        f"two inputs of correlation {config.correlation:g}, limiting kernels of {config.depth} layers, "
        f"{config.edge_depth} at the edge; nothing is drawn (synthetic)"
    )
    return Measurement(arrays, {}, words)


def checks(config: DepthConfig, measured: Measurement) -> tuple[Check, ...]:
    """Rates, limits in chaos, limits at the edge."""
    a, exact, first, last = measured.arrays, "no randomness", *config.window
    found = [
        Check(
            f"|rate / theory - 1| over {first} to {last} layers, {name}",
            float(gap),
            config.rate_limit,
            0.0,
            "at most",
            error_means=exact,
            note=f"rate {rate:.5f}, theory {theory:.5f}",
        )
        for name, judged, rate, theory, gap in zip(
            a["row"], a["judged"], a["rate"], a["rate_theory"], a["rate_gap"], strict=True
        )
        if judged == "yes"
    ]
    found += [
        Check(
            f"|kernel of two inputs - its limit c* / (1 - B'(c*))| at {config.depth} layers, {name}",
            float(abs(value - theory)),
            config.limit_limit,
            0.0,
            "at most",
            error_means=exact,
            note=f"limit {theory:.6f}",
        )
        for name, value, theory in zip(a["limit_row"], a["limit"], a["limit_theory"], strict=True)
    ]
    for name, value, target in zip(a["edge_row"], a["edge"], a["edge_theory"], strict=True):
        kinked = target == 1 / 4
        found.append(
            Check(
                f"|normalised kernel - {'1/4' if kinked else '1/3'}| at {config.edge_depth} layers, {name}",
                float(abs(value - target)),
                config.kinked_edge_limit if kinked else config.smooth_edge_limit,
                0.0,
                "at most",
                error_means=exact,
                note=f"{value:.5f}",
            )
        )
    return tuple(found)


def panels(config: DepthConfig, measured: Measurement) -> tuple[Panel, ...]:
    """The distance from the limit over depth, the edge over depth, the kernel over the angle, the rates as a table."""
    a = measured.arrays
    curves = []
    for row, name in enumerate(a["row"]):
        if a["judged"][row] == "yes":
            curves += [
                Series(str(name), f"shown_depths{row}", f"distance{row}", family=str(name)),
                Series("predicted rate", f"shown_depths{row}", f"law{row}", role="theory", family=str(name)),
            ]
    edges = []
    for number, name in enumerate(a["edge_row"]):
        edges += [Series(str(name), f"edge_depths{number}", f"edge{number}", family=str(name))]
    for number, target in enumerate(a["edge_theory"]):
        if number == 0 or target != a["edge_theory"][number - 1]:
            label = "1/4" if target == 1 / 4 else "1/3"
            edges.append(
                Series(
                    label,
                    f"edge_depths{number}",
                    f"edge_limit{number}",
                    role="theory",
                    family=str(a["edge_row"][number]),
                )
            )
    return (
        Panel(
            "depth",
            "Distance of the normalised kernel from its limit",
            "lines",
            "In order the normalised kernel of two inputs tends to 1, in chaos to 0, at rates given by the "
            "characteristic value r; the lines have the predicted rate and pass through the deepest point.",
            Axis("layers"),
            Axis("distance from 1 (order) or 0 (chaos)", log=True),
            tuple(curves),
        ),
        Panel(
            "edge",
            "At the edge",
            "lines",
            "At the edge of chaos the normalised kernel tends to 1/4 with ReLU and to 1/3 with smooth activations.",
            Axis("layers", log=True),
            Axis("normalised kernel"),
            tuple(edges),
        ),
        *(
            Panel(
                f"angle-{kind}",
                f"Normalised kernel over the angle: {kind}",
                "lines",
                caption,
                Axis("angle between the inputs", "degree"),
                Axis("normalised kernel"),
                tuple(
                    Series(f"{depth} layers", "angles", f"angle_{kind}_{depth}", role="theory")
                    for depth in config.shown_depths
                ),
            )
            for kind, (_, _, caption) in _SHOWN.items()
        ),
        Panel(
            "rates",
            "Rates of approach, measured and predicted",
            "table",
            "The rate a layer is log r in smooth order, half of it in the order of ReLU, -log r in chaos.",
            columns=(
                Column("network", "row"),
                Column("r", "r", digits=6),
                Column("rate", "rate", digits=5),
                Column("theory", "rate_theory", digits=5),
                Column("relative gap", "rate_gap", digits=2),
                Column("judged", "judged"),
            ),
        ),
    )


_SHOWN: dict[str, tuple[str, float, str]] = {
    "order": ("standardised relu", 0.5, "Order: with depth the kernel becomes constant, all inputs look alike."),
    "edge": ("standardised relu", 0.0, "Edge: the kernel keeps a shape of its own at every depth."),
    "chaos": ("normalised relu", 0.1, "Chaos: with depth the kernel becomes a spike, all inputs look different."),
}


def _words(name: str, beta: float) -> str:
    return f"{name}, beta {beta:.4g}"


def _regime(row: Row) -> str:
    return "chaos" if characteristic_value(ACTIVATIONS[row[0]], row[1]) > 1 else "smooth order"


def _edge_bias(name: str) -> float:
    return critical_bias(ACTIVATIONS[name]) or 0.0


def _trace(config: DepthConfig, name: str, beta: float, group: str) -> Arrays:
    """Theta and 1 - Theta over the depth."""
    if group == "edge":
        depths = np.unique(np.geomspace(1, config.edge_depth, 41).round().astype(int))
    else:
        depths = np.arange(1, config.depth + 1)
    trace = depth_trace(ACTIVATIONS[name], beta, depths.tolist(), config.correlation)
    return {
        "depths": depths.astype(float),
        "theta": trace.normalised,
        "missing": trace.normalised_deficit,
    }


def rates(config: DepthConfig, name: str, beta: float, group: str, trace: Arrays) -> tuple[float, float]:
    """Measured and predicted slope of the logarithm over the window."""
    first, last = config.window
    r = characteristic_value(ACTIVATIONS[name], beta)
    values = np.abs(trace["missing"] if "order" in group else trace["theta"])
    rate = math.log(values[last - 1] / values[first - 1]) / (last - first)
    per_layer = math.log(last / first) / (last - first)
    if group == "smooth order":
        return rate - per_layer, math.log(r)
    if group == "order of ReLU":
        return rate, math.log(r) / 2
    if group == "chaos":
        return rate, -math.log(r)
    slope = (1 - beta**2) * float(dual(ACTIVATIONS[name].standardised()).slope(1.0, 0.0, 1.0))
    return rate - per_layer, math.log(slope / r)


def _limits(config: DepthConfig, name: str, beta: float) -> tuple[float, float]:
    """The kernel of two inputs at the largest depth, and c* / (1 - B'(c*)), c* the fixed point of the correlation."""
    of = dual(ACTIVATIONS[name].standardised())
    found = depth_trace(ACTIVATIONS[name], beta, [config.depth], config.correlation).ntk[0]
    c, weight = 0.0, 1 - beta**2
    for _ in range(2000):
        c = beta**2 + weight * float(of.value(1.0, c, 1.0))
    return float(found), c / (1 - weight * float(of.slope(1.0, c, 1.0)))


def _curve(config: DepthConfig, row: int, group: str, trace: Arrays, rate: float) -> Arrays:
    """Some depths of one row, and its law through the deepest of them."""
    last = config.window[1]
    depths = np.arange(5, last + 1, 5)
    values = np.abs(trace["missing"] if "order" in group else trace["theta"])[depths - 1]
    law = np.exp(rate * (depths - last)) * values[-1]
    if group in ("smooth order", "chaos without bias"):
        law = law * depths / last
    return {f"shown_depths{row}": depths.astype(float), f"distance{row}": values, f"law{row}": law}


def _over_angles(config: DepthConfig) -> Arrays:
    """The kernel of the first point of the circle of radius sqrt(2) with the others, normalised."""
    angles = np.linspace(0.0, np.pi, config.angles)
    points = math.sqrt(2.0) * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    arrays: Arrays = {"angles": np.degrees(angles)}
    for kind, (name, beta, _) in _SHOWN.items():
        for depth in config.shown_depths:
            row = ntk(balanced(ACTIVATIONS[name], depth, beta))(points[:1], points)[0]
            arrays[f"angle_{kind}_{depth}"] = row / row[0]
    return arrays


CASE = Case(
    paper="order-chaos",
    name="order-chaos-depth",
    claim="The characteristic value r decides what depth does: below 1 the normalised tangent kernel of two inputs "
    "tends to 1 at rate r (sqrt r for ReLU), above 1 to 0 at rate 1 / r, and at 1 to 1/4 or 1/3.",
    source="Jacot, Gabriel, Ged and Hongler (2019), arXiv:1907.05715: order and chaos; rates and limits as derived and "
    "measured here",
    full=DepthConfig(),
    smoke=DepthConfig(
        smooth_order=(("standardised gelu", 0.5),),
        chaos=(("normalised relu", 0.1),),
        chaos_limits=(("normalised relu", 0.1),),
        slow=(),
        smooth_edge=(),
        window=(20, 40),
        depth=60,
        edge_depth=200,
        angles=11,
        shown_depths=(2,),
    ),
    run=run,
    checks=checks,
    panels=panels,
)
