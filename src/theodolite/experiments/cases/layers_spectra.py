"""Spectra of the layers' kernels: initial layers are biased to high frequency."""

import math
from dataclasses import dataclass

import numpy as np

from theodolite.architectures import Dense, Erf, Node
from theodolite.experiments.bench import Bench
from theodolite.experiments.case import Case, Measurement
from theodolite.experiments.check import Check
from theodolite.experiments.config import Config
from theodolite.experiments.key import Key
from theodolite.experiments.panels import Axis, Panel, Series
from theodolite.experiments.zonal_modes import deep_relu
from theodolite.infinite_width import LayerSpectra, layer_spectra
from theodolite.numerics.hermite import hermite_coefficients

# degree laws at degrees 0-6 and 10 in 10 dimensions, first and last layer, from an implementation that shares no code
REFERENCE = {
    2: (
        (0.033460, 0.500000, 0.313586, 0.0, 0.052917, 0.0, 0.023867, 0.009468),
        (0.334602, 0.500000, 0.149327, 0.0, 0.010799, 0.0, 0.002808, 0.000523),
    ),
    5: (
        (0.019422, 0.173666, 0.194522, 0.115081, 0.085811, 0.053614, 0.044617, 0.018965),
        (0.689982, 0.151316, 0.085425, 0.032207, 0.016959, 0.007927, 0.005159, 0.001039),
    ),
}
REFERENCE_DEGREES = (0, 1, 2, 3, 4, 5, 6, 10)
EXACT = "no randomness"


@dataclass(frozen=True)
class SpectraConfig(Config):
    """ReLU networks of several depths on spheres of several dimensions."""

    depths: tuple[int, ...] = (2, 3, 4, 5)
    dimensions: tuple[int, ...] = (3, 10, 50)
    degrees: int = 51
    shown_depth: int = 4
    shown_dimension: int = 10
    far: int = 400
    tail_limit: float = 1e-12
    far_limit: float = 1e-3
    mean_limit: float = 1e-4
    table_limit: float = 6e-7


def run(config: SpectraConfig, key: Key, bench: Bench) -> Measurement:
    """Spectra of all depths and dimensions; tails, far ratios and mean frequencies."""
    cells = {f"{depth} layers, {d} dimensions": (depth, d) for depth in config.depths for d in config.dimensions}

    def rise(name: str) -> dict[str, np.ndarray]:
        depth, dimension = cells[name]
        tail = layer_spectra(deep_relu(depth), dimension, config.degrees).tail
        return {"rise": np.diff(tail, axis=0).max()}

    rises = [part["rise"] for part in bench.each(list(cells), rise)]
    shown = layer_spectra(deep_relu(config.shown_depth), config.shown_dimension, config.degrees)
    arrays: dict[str, np.ndarray] = {
        "degree": np.arange(config.degrees, dtype=float),
        "tail_rise": np.array(rises),
        "far_error": _far_ratios(config),
        "mean_error": _mean_frequencies(config),
        "table_error": _table(),
        "limits": _limits(config.shown_depth),
    }
    for layer in range(config.shown_depth):
        arrays[f"share{layer + 1}"], arrays[f"tail{layer + 1}"] = shown.share[layer], shown.tail[layer]
        arrays[f"limit{layer + 1}"] = np.full(config.degrees, arrays["limits"][layer])
    words = "kernels of ReLU networks on spheres, by quadrature and by power series; nothing is drawn (synthetic)"
    return Measurement(arrays, {}, words)


def _limits(depth: int) -> np.ndarray:
    """Shares of the layers at even degrees without bound: w_l over the sum of all."""
    weights = np.array([*_weights(depth, 0), 0.0])
    return weights / weights.sum()


def _weights(depth: int, degree: int) -> list[float]:
    """w_l = L - l + 1, for the first layer L + (-1)^k R; R is the product of slopes at opposite points."""
    hidden, t, product = depth - 1, -1.0, 1.0
    for _ in range(hidden - 1):
        t = (math.sqrt(max(1 - t * t, 0.0)) + t * (math.pi - math.acos(t))) / math.pi
        product *= 1 - math.acos(t) / math.pi
    return [hidden + (-1) ** degree * product, *(float(hidden - layer + 1) for layer in range(2, hidden + 1))]


def _far_ratios(config: SpectraConfig) -> np.ndarray:
    """Relative distance of mu_k^(l) / mu_k^(L) from its limit, at an even and the next odd degree, in 3 dimensions."""
    depth = max(config.depths)
    spectra = layer_spectra(deep_relu(depth), 3, config.far + 2)
    found = []
    for degree in (config.far, config.far + 1):
        ratios = spectra.eigenvalues[: depth - 1, degree] / spectra.eigenvalues[depth - 2, degree]
        found.append(np.abs(ratios / np.array(_weights(depth, degree)) - 1))
    return np.array(found)


def _mean_frequencies(config: SpectraConfig) -> np.ndarray:
    """Relative error of E_l[k (k + d - 2)] - E_(l+1)[...] = (d - 1) chi^(l - 2) Var(m), for erf."""
    activation = Erf().standardised()
    squares = hermite_coefficients(activation, np.array(1.0), 200) ** 2
    orders = np.arange(200)
    chi = float(orders @ squares)
    spread = float(orders**2 @ squares) - chi**2
    net: Node = Dense()
    for _ in range(config.shown_depth - 1):
        net = net >> activation >> Dense()
    errors = []
    for dimension in (5, 20):
        spectra: LayerSpectra = layer_spectra(net, dimension, 60)
        k = np.arange(60)
        means = (spectra.degree_law / spectra.traces[:, None]) @ (k * (k + dimension - 2))
        expected = (dimension - 1) * chi ** (np.arange(1, config.shown_depth) - 2.0) * spread
        errors.append(np.abs(-np.diff(means) / expected - 1))
    return np.array(errors)


def _table() -> np.ndarray:
    errors = []
    for depth, rows in REFERENCE.items():
        law = layer_spectra(deep_relu(depth), 10, 11).degree_law
        errors += [np.abs(law[place, REFERENCE_DEGREES] - row) for place, row in zip((0, -1), rows, strict=True)]
    return np.array(errors)


def checks(config: SpectraConfig, measured: Measurement) -> tuple[Check, ...]:
    """Tails fall from layer to layer, far ratios and mean frequencies are as derived, a table is found again."""
    a = measured.arrays
    named = (
        ("largest rise of a tail mass from a layer to the next one above", "tail_rise", config.tail_limit),
        (
            f"eigenvalues of hidden layers at degree {config.far} over their limits - 1, worst",
            "far_error",
            config.far_limit,
        ),
        ("fall of the mean frequency from layer to layer, erf, relative error, worst", "mean_error", config.mean_limit),
        ("|degree law - another implementation's, six digits|, worst", "table_error", config.table_limit),
    )
    return tuple(
        Check(name, float(a[array].max()), limit, 0.0, "at most", error_means=EXACT) for name, array, limit in named
    )


def panels(config: SpectraConfig, measured: Measurement) -> tuple[Panel, ...]:
    """Shares and tails over the degree."""
    layers = range(1, config.shown_depth + 1)
    where = f"ReLU, {config.shown_depth} layers, {config.shown_dimension} dimensions"
    return (
        Panel(
            "shares",
            f"Share of each layer in the learning of a degree: {where}",
            "lines",
            "The higher the frequency, the more of it the first layers learn; lines are limits at even degrees.",
            Axis("degree"),
            Axis("share of the eigenvalue"),
            (
                *(Series(f"layer {n}", "degree", f"share{n}", family=f"l{n}") for n in layers),
                *(Series(f"layer {n}, limit", "degree", f"limit{n}", role="theory", family=f"l{n}") for n in layers),
            ),
        ),
        Panel(
            "tails",
            f"Part of each layer's kernel in degree k and higher: {where}",
            "lines",
            "Tails are ordered: each layer has more of high frequencies than the layer above it.",
            Axis("degree"),
            Axis("part of the trace", log=True),
            tuple(Series(f"layer {n}", "degree", f"tail{n}", role="theory") for n in layers),
        ),
    )


CASE = Case(
    paper="layers",
    name="layers-spectra",
    claim="Initial layers of a deep network are biased to high frequencies, in every tail of the spectrum of their "
    "part of the tangent kernel, with ratios that the number of layers above them fixes.",
    source="Dandi and Jacot (2021), arXiv:2111.03972: abstract; the four statements measured are derived here",
    full=SpectraConfig(),
    smoke=SpectraConfig(depths=(2, 3), dimensions=(3, 10), degrees=16, far=60, far_limit=0.1),
    run=run,
    checks=checks,
    panels=panels,
)
