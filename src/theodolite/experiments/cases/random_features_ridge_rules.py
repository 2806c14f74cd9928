"""Which ridge to give random features: the matched one for an average of models, KARE of the features for one."""

from dataclasses import dataclass

import numpy as np
import scipy.linalg
from scipy.spatial.distance import pdist

from theodolite.experiments.bench import Arrays, Bench
from theodolite.experiments.case import Case, Measurement
from theodolite.experiments.check import Check
from theodolite.experiments.config import Config
from theodolite.experiments.intervals import jackknife_interval
from theodolite.experiments.key import Key
from theodolite.experiments.panels import Axis, Column, Panel, Series
from theodolite.experiments.real_data import Split, load, split
from theodolite.kernel_regression import RidgePath
from theodolite.kernels import RBF, gram
from theodolite.numerics.self_consistent import degrees_of_freedom
from theodolite.random_features import FourierFeatures, ridge_for

RULES = ("kernel's ridge", "matched", "KARE of the features")


@dataclass(frozen=True)
class RulesConfig(Config):
    """Numbers of features as multiples of the kernel's degrees of freedom at its ridge; labels of a share turned."""

    rows: int = 400
    test_rows: int = 1000
    flips: float = 0.1
    multiples: tuple[float, ...] = (1.05, 2.3, 6.15)
    draws: int = 240
    models: int = 30
    grid: tuple[float, ...] = (0.1, 0.2, 0.4, 0.7, 1.0, 1.5, 2.5, 4.0, 7.0, 12.0)
    single_limit: float = 1.03
    matched_single_limit: float = 1.0
    kernel_limit: float = 0.05


def run(config: RulesConfig, key: Key, bench: Bench) -> Measurement:
    """Fit models of Fourier features with each rule's ridge; errors of one model and of an average on clean labels."""
    data = _data(config, key.split("data"))
    kernel = RBF(float(np.median(pdist(data.inputs, "sqeuclidean"))))
    path = RidgePath(gram(kernel, data.inputs), data.targets)
    ridge = path.best_ridge("kare")
    used = degrees_of_freedom(ridge, np.maximum(path.eigenvalues, 0.0))
    features = [round(multiple * used) for multiple in config.multiples]
    names = {f"{P} features": P for P in features}

    def part(name: str) -> Arrays:
        P = names[name]
        matched = ridge_for(np.maximum(path.eigenvalues, 0.0), ridge, P)
        fixed = np.array([ridge, matched, *(ridge * factor for factor in config.grid)])
        return _errors(config, data, FourierFeatures(kernel, paired=False), P, fixed, key.split(name))

    parts = bench.each(list(names), part)
    machine = gram(kernel, data.test_inputs, data.inputs) @ np.linalg.solve(
        gram(kernel, data.inputs) + config.rows * ridge * np.eye(config.rows), data.targets
    )
    arrays: Arrays = {"features": np.array(features, dtype=float), "rules": np.array(RULES)}
    for name in ("single", "single_half", "average", "average_half", "single_best", "ratios", "ratios_half"):
        arrays[name] = np.array([part[name] for part in parts])
    arrays["kernel"] = np.full(len(features), np.mean((machine - data.test_targets) ** 2))
    for r, tag in enumerate(("naive", "matched", "kare")):
        for quantity in ("single", "average"):
            arrays[f"{quantity}_{tag}"] = arrays[quantity][:, r]
            arrays[f"{quantity}_{tag}_half"] = arrays[f"{quantity}_half"][:, r]
    words = (
        f"embedded digits (8 x 8 pixels, from scikit-learn), even against odd, {config.rows} training rows, "
        f"{config.flips:.0%} of their labels turned; {config.draws} draws of Fourier features"
    )
    return Measurement(arrays, {"n x ridge of the kernel": config.rows * ridge, "degrees of freedom": used}, words)


def checks(config: RulesConfig, measured: Measurement) -> tuple[Check, ...]:
    """Each rule where it belongs, and what it costs where it does not."""
    a = measured.arrays
    ratios, half = a["ratios"], a["ratios_half"]
    means = "95 % interval, jackknife over draws"

    def worst(words: str, column: int, limit: float, note: str = "") -> Check:
        i = int(ratios[:, column].argmax())
        return Check(words, float(ratios[i, column]), limit, float(half[i, column]), "at most", means, note=note)

    gap = np.abs(a["average_matched"] / a["kernel"] - 1)
    i = int(gap.argmax())
    return (
        worst("one model: KARE of the features over the best ridge of a grid, worst P", 0, config.single_limit),
        Check(
            "one model: matched ridge over KARE of the features, fewest features",
            float(ratios[0, 1]),
            config.matched_single_limit,
            float(half[0, 1]),
            "at least",
            means,
            note="the matched ridge is too small for one model",
        ),
        worst(f"average of {config.models}: matched ridge over the kernel's ridge, worst P", 2, 1.0),
        worst(f"average of {config.models}: matched ridge over KARE of the features, worst P", 3, 1.0),
        Check(
            f"|average of {config.models} with the matched ridge / kernel machine - 1|, worst P",
            float(gap[i]),
            config.kernel_limit,
            float(a["average_matched_half"][i] / a["kernel"][i]),
            "at most",
            means,
        ),
    )


def panels(config: RulesConfig, measured: Measurement) -> tuple[Panel, ...]:
    """Errors of one model and of an average over P; the table."""
    x, y = Axis("features P", log=True), Axis("test error", "squared unit of the labels")
    words = {"naive": RULES[0], "matched": RULES[1], "kare": RULES[2]}
    titles = {"single": "One model", "average": f"An average of {config.models} models"}
    captions = {
        "single": "For one model the matched ridge is too small: its variance wants more, and KARE of its features "
        "finds how much.",
        "average": "For an average of models the matched ridge is right: it makes them the kernel machine.",
    }
    curves = tuple(
        Panel(
            which,
            title,
            "lines",
            captions[which],
            x,
            y,
            (
                *(
                    Series(
                        label,
                        "features",
                        f"{which}_{tag}",
                        f"{which}_{tag}_half",
                        "95 % interval, jackknife over draws",
                        family=tag,
                    )
                    for tag, label in words.items()
                ),
                Series("kernel machine", "features", "kernel", role="theory", family="k"),
            ),
        )
        for which, title in titles.items()
    )
    return (
        *curves,
        Panel(
            "table",
            "Rules for the ridge",
            "table",
            "Matched for an average, KARE of the features for one model.",
            columns=(
                Column("features", "features"),
                *(Column(f"one: {label}", f"single_{tag}", digits=3) for tag, label in words.items()),
                Column("one: best of a grid", "single_best", digits=3),
                *(Column(f"average: {label}", f"average_{tag}", digits=3) for tag, label in words.items()),
                Column("kernel machine", "kernel", digits=3),
            ),
        ),
    )


def _data(config: RulesConfig, key: Key) -> Split:
    """Labels +1 and -1, some turned, centred by the mean of the training labels; test labels stay clean."""
    data = split(load("digits parity", key), config.rows, config.test_rows, key.split("rows").rng())
    labels, truth = np.sign(data.targets), np.sign(data.test_targets)  # centring moved them by less than one
    labels[key.split("flips").rng().choice(config.rows, round(config.flips * config.rows), replace=False)] *= -1.0
    return Split(data.inputs, labels - labels.mean(), data.test_inputs, truth - labels.mean())


def _errors(config: RulesConfig, data: Split, family: FourierFeatures, P: int, fixed: np.ndarray, key: Key) -> Arrays:
    """Errors of one model and of an average by rule, and the ratios that the checks ask for."""
    rng, n = key.rng(), config.rows
    predictions = np.empty((config.draws, 1 + len(fixed), len(data.test_inputs)))
    for draw in range(config.draws):
        drawn = family.sample(int(rng.integers(2**31)), P, data.inputs)
        F, G = drawn.transform(data.inputs), drawn.transform(data.test_inputs)
        matrix = F @ F.T
        ridges = np.append(fixed[:2], [RidgePath(matrix, data.targets).best_ridge("kare"), *fixed[2:]])
        values, vectors = scipy.linalg.eigh(matrix)
        dual = vectors @ ((vectors.T @ data.targets)[:, None] / (values[:, None] + n * ridges))
        predictions[draw] = (G @ (F.T @ dual)).T
    truth = data.test_targets

    def errors(found: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Of one model and of an average, each by ridge."""
        single = np.mean((found - truth) ** 2, axis=(0, 2))
        variance = found.var(axis=0, ddof=1).mean(axis=1)
        return single, single - variance * (1 - 1 / config.models)

    def statistic(found: np.ndarray) -> np.ndarray:
        single, average = errors(found)
        best = single[3:].min()
        ratios = (single[2] / best, single[1] / single[2], average[1] / average[0], average[1] / average[2])
        return np.array([*single[:3], *average[:3], best, *ratios])

    value, half = jackknife_interval(statistic, predictions)
    return {
        "single": value[:3],
        "single_half": half[:3],
        "average": value[3:6],
        "average_half": half[3:6],
        "single_best": value[6],
        "ratios": value[7:],
        "ratios_half": half[7:],
    }


CASE = Case(
    paper="random-features",
    name="random-features-ridge-rules",
    claim="The ridge matched by the effective-ridge law makes an average of random-feature models the kernel machine; "
    "a single model needs a larger ridge, which KARE of its features finds.",
    source="Jacot et al. (2020), arXiv:2002.08404 and arXiv:2006.09796: consequence of both, derived",
    full=RulesConfig(),
    smoke=RulesConfig(rows=60, test_rows=100, multiples=(1.5, 4.0), draws=8, models=8),
    run=run,
    checks=checks,
    panels=panels,
)
