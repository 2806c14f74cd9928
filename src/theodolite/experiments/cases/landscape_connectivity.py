"""With one spare neuron a layer, a path joins the permutations of a network, and its function is constant on it."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from theodolite.experiments.bench import Arrays, Bench
from theodolite.experiments.case import Case, Measurement
from theodolite.experiments.check import Check
from theodolite.experiments.config import Config
from theodolite.experiments.intervals import mean_interval
from theodolite.experiments.key import Key
from theodolite.experiments.panels import Axis, Column, Panel, Series
from theodolite.landscape import Mlp, connect, intersection_graph, mlp, path_segments, widen, with_spares


@dataclass(frozen=True)
class ConnectivityConfig(Config):
    """Graphs of pieces for `graphs`, (r, m); a tanh network of hidden `widths` trained on digits, then `draws` orders.

    `points` on each segment; loss is the cross-entropy on the training digits.
    """

    graphs: tuple[tuple[int, int], ...] = (
        (1, 2),
        (1, 3),
        (2, 2),
        (2, 3),
        (2, 4),
        (2, 5),
        (3, 3),
        (3, 4),
        (3, 5),
        (4, 5),
    )
    rows: int = 1000
    widths: tuple[int, ...] = (32, 24)
    steps: int = 60
    decay: float = 0.01
    draws: int = 10
    points: int = 5
    deviation_limit: float = 1e-12
    accuracy_limit: float = 0.99
    barrier_limit: float = 0.1


def run(config: ConnectivityConfig, key: Key, bench: Bench) -> Measurement:
    """Components of the graphs of pieces; the path and the straight line between a network and its permutations."""
    arrays: Arrays = {"r": np.array([r for r, _ in config.graphs], float)}
    arrays["m"] = np.array([m for _, m in config.graphs], float)
    graphs = [intersection_graph(r, m) for r, m in config.graphs]
    arrays["pieces"] = np.array([float(len(graph.pieces)) for graph in graphs])
    arrays["components"] = np.array([float(graph.components) for graph in graphs])
    arrays["diameter"] = np.array([float(graph.diameter) for graph in graphs])
    arrays["expected"] = np.array([float(math.factorial(r) if r == m else 1) for r, m in config.graphs])

    X, digits = _digits(config, key.split("rows"))
    network = _trained(config, X, digits, key.split("training"))
    names = [f"order {i + 1} of {config.draws}" for i in range(config.draws)]
    parts = bench.each(names, lambda name: _walked(config, network, X, digits, key.split(name)))
    for name in ("deviation", "segments", "formula", "bits", "path_rise", "straight_rise", "straight_peak"):
        arrays[f"draw_{name}"] = np.array([float(part[name]) for part in parts])
    arrays["draw"] = np.arange(1.0, 1 + config.draws)
    for name in ("position", "loss", "straight_position", "straight_loss"):
        arrays[name] = parts[0][name]
    arrays["share"] = arrays["position"] / arrays["position"][-1]
    wide = widen(network, [width + 8 for width in config.widths], key.split("widen").rng())
    size = np.abs(network(X)).max()
    scalars = {
        "accuracy": float(np.mean(network(X).argmax(1) == digits)),
        "loss": _cross_entropy(network(X), digits),
        "widened": float(np.abs(wide(X) - network(X)).max() / size),
    }
    words = (
        f"{len(X)} embedded digits (8 x 8 pixels, from scikit-learn); tanh network with hidden layers of "
        f"{' and '.join(map(str, config.widths))} neurons, {config.draws} random orders of both"
    )
    return Measurement(arrays, scalars, words)


def checks(config: ConnectivityConfig, measured: Measurement) -> tuple[Check, ...]:
    """Graphs connected when there is a spare; path constant, as long as said, exact at its end; the line is neither."""
    a, s = measured.arrays, measured.scalars
    rise, half = mean_interval(a["draw_straight_rise"])
    exact = "no randomness"
    return (
        Check(
            "graphs of pieces with another number of components than r! at m = r and 1 above",
            float(np.sum(a["components"] != a["expected"])),
            0.0,
            0.0,
            "at most",
            exact,
        ),
        Check(
            "|f - f at start| over the largest output along the path, worst order",
            float(a["draw_deviation"].max()),
            config.deviation_limit,
            0.0,
            "at most",
            "no randomness",
        ),
        Check(
            "paths with other segments than 2 sum (cycle + 1) + 1 a layer",
            float(np.sum(a["draw_segments"] != a["draw_formula"])),
            0.0,
            0.0,
            "at most",
            exact,
        ),
        Check(
            "paths that do not end in the permuted network bit for bit",
            float(np.sum(a["draw_bits"] == 0)),
            0.0,
            0.0,
            "at most",
            exact,
        ),
        Check(
            "rise of the loss along the straight line, mean over orders",
            float(rise),
            config.barrier_limit,
            float(half),
            "at least",
            unit="nats",
        ),
        Check(
            "accuracy on its training digits",
            s["accuracy"],
            config.accuracy_limit,
            0.0,
            "at least",
            "no randomness",
        ),
        Check(
            "|f - f of the narrower network| over the largest output, after widening",
            s["widened"],
            config.deviation_limit,
            0.0,
            "at most",
            "no randomness",
        ),
    )


def panels(config: ConnectivityConfig, measured: Measurement) -> tuple[Panel, ...]:
    """Loss along both ways, the orders, the graphs."""
    return (
        Panel(
            "path",
            "Loss along two ways to a permutation",
            "lines",
            "The straight line between a trained network and a permutation of itself crosses a barrier. The path moves "
            "one neuron after the other through a spare place in each hidden layer: the loss does not change, and the "
            "end is the permuted network bit for bit.",
            Axis("share of the way"),
            Axis("cross-entropy on the training digits", "nats", log=True),
            (
                Series("straight line", "straight_position", "straight_loss", role="theory", family="line"),
                Series("path of segments", "share", "loss", role="theory", family="path"),
            ),
        ),
        Panel(
            "orders",
            "Ten permutations" if config.draws == 10 else "Permutations",
            "table",
            "Every order: the path is exact, the straight line is not.",
            columns=(
                Column("order", "draw"),
                Column("segments", "draw_segments"),
                Column("largest change along the path", "draw_deviation", "of the largest output", 2),
                Column("rise of the loss along the path", "draw_path_rise", "nats", 2),
                Column("rise along the straight line", "draw_straight_rise", "nats", 3),
            ),
        ),
        Panel(
            "graphs",
            "Pieces of the zero-loss set",
            "table",
            "At the smallest width the r! minima are isolated; with one neuron more all pieces hang together.",
            columns=(
                Column("narrow r", "r"),
                Column("wide m", "m"),
                Column("pieces", "pieces"),
                Column("connected parts", "components"),
                Column("largest distance", "diameter", "steps"),
            ),
        ),
    )


def _digits(config: ConnectivityConfig, key: Key) -> tuple[np.ndarray, np.ndarray]:
    from sklearn.datasets import load_digits

    found: Any = load_digits()
    images, digits = np.asarray(found.data), np.asarray(found.target)
    rows = np.sort(key.rng().permutation(len(images))[: config.rows])
    return images[rows] / 16.0, digits[rows]


def _trained(config: ConnectivityConfig, X: np.ndarray, digits: np.ndarray, key: Key) -> Mlp:
    """A network trained by L-BFGS on the cross-entropy, weight decay so that it stops at a finite place."""
    import warnings

    from sklearn.exceptions import ConvergenceWarning
    from sklearn.neural_network import MLPClassifier

    model = MLPClassifier(
        config.widths,
        activation="tanh",
        solver="lbfgs",
        alpha=config.decay,
        max_iter=config.steps,
        random_state=key.integer() % 2**32,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(X, digits)
    return mlp([w.T for w in model.coefs_], model.intercepts_, "tanh")


def _walked(config: ConnectivityConfig, network: Mlp, X: np.ndarray, digits: np.ndarray, key: Key) -> Arrays:
    rng = key.rng()
    orders = [rng.permutation(width) for width in network.widths]
    other = network.permuted(orders)
    found = connect(network, other, X, lambda outputs: _cross_entropy(outputs, digits), points=config.points)
    last = list(found.path.vertices())[-1]
    same = last.flat().tobytes() == with_spares(other).flat().tobytes()
    return {
        "deviation": np.array(found.deviation),
        "segments": np.array(found.segments),
        "formula": np.array(sum(path_segments(order) for order in orders)),
        "bits": np.array(float(same)),
        "path_rise": np.array(np.ptp(found.loss)),
        "straight_rise": np.array(found.straight_barrier),
        "straight_peak": np.array(found.straight_loss.max()),
        "position": found.position,
        "loss": found.loss,
        "straight_position": found.straight_position,
        "straight_loss": found.straight_loss,
    }


def _cross_entropy(outputs: np.ndarray, digits: np.ndarray) -> float:
    from scipy.special import logsumexp

    return float(np.mean(logsumexp(outputs, axis=1) - outputs[np.arange(len(digits)), digits]))


CASE = Case(
    paper="landscape",
    name="landscape-connectivity",
    claim="At the smallest width the permuted minima are isolated; with one extra neuron a layer they are joined "
    "by a path of straight segments on which the loss is constant, where the straight line crosses a barrier.",
    source="Simsek et al. (2021), arXiv:2105.12221: connectivity theorem; the network on digits is ours",
    full=ConnectivityConfig(),
    smoke=ConnectivityConfig(graphs=((2, 2), (2, 3)), rows=150, widths=(6, 5), steps=15, draws=2, points=2),
    run=run,
    checks=checks,
    panels=panels,
)
