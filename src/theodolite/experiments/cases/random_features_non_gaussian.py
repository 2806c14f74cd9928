"""Features that are not Gaussian: cosines and rectifiers obey the effective ridge as well."""

from dataclasses import dataclass

import numpy as np

from theodolite.experiments.bench import Arrays, Bench
from theodolite.experiments.case import Case, Measurement
from theodolite.experiments.check import Check
from theodolite.experiments.config import Config
from theodolite.experiments.intervals import jackknife_interval
from theodolite.experiments.key import Key
from theodolite.experiments.panels import Axis, Panel, Series
from theodolite.experiments.random_features import TwoClasses, problem_of, two_classes
from theodolite.experiments.real_data import MNIST
from theodolite.random_features import Family, FourierFeatures, Problem, ReluFeatures, predicted_moments
from theodolite.random_features.draws import ridge_weights

FAMILIES = ("Fourier", "ReLU")


@dataclass(frozen=True)
class NonGaussianConfig(Config):
    """`ridge_sum` is n times our ridge, the paper's, for kernels with the mean diagonal that inputs in [0, 1] give."""

    rows: int = 100
    test_rows: int = 1000
    features: tuple[int, ...] = (30, 90, 300)
    ridge_sum: float = 0.1
    draws: int = 2000
    batches: int = 40
    checked_to: int = 90
    fourier_limit: float = 0.35
    relu_limit: float = 0.6


def run(config: NonGaussianConfig, key: Key, bench: Bench) -> Measurement:
    """Average predictors of drawn features; their distance from the kernel at the effective ridge and at the ridge."""
    data = two_classes(config.rows, config.test_rows, key.split("data"), bench.data_folder)
    names = {f"{family}, {P} features": (family, P) for family in FAMILIES for P in config.features}
    settings = {family: _setting(family, data) for family in FAMILIES}

    def part(name: str) -> Arrays:
        which, P = names[name]
        return {"means": _means(config, data, settings[which][0], P, settings[which][2], key.split(name))}

    parts = bench.each(list(names), part)
    arrays: Arrays = {"features": np.array(config.features, dtype=float)}
    for f, family in enumerate(FAMILIES):
        _, problem, scale = settings[family]
        own = parts[f * len(config.features) : (f + 1) * len(config.features)]
        rows = []
        for P, found in zip(config.features, own, strict=True):
            ridge = config.ridge_sum / config.rows / scale
            near = problem.kernel_prediction(predicted_moments(problem, ridge, P).effective_ridge)
            rows.append(_distances(found["means"], near, problem.kernel_prediction(ridge)))
        columns = ("near", "near_half", "far", "far_half", "ratio", "ratio_half", "floor")
        arrays |= {f"{family}_{column}": values for column, values in zip(columns, np.array(rows).T, strict=True)}
    return Measurement(arrays, {}, f"{data.words}; {config.draws} draws of features")


def checks(config: NonGaussianConfig, measured: Measurement) -> tuple[Check, ...]:
    """Distance to the kernel at the effective ridge over distance to the kernel at the ridge."""
    a = measured.arrays
    among = np.flatnonzero(a["features"] <= config.checked_to)
    found = []
    for family, limit in zip(FAMILIES, (config.fourier_limit, config.relu_limit), strict=True):
        i = int(among[a[f"{family}_ratio"][among].argmax()])
        found.append(
            Check(
                f"{family} features: distance of the average predictor from the kernel at the effective ridge, over "
                f"that from the kernel at the ridge, P <= {config.checked_to}, worst",
                float(a[f"{family}_ratio"][i]),
                limit,
                float(a[f"{family}_ratio_half"][i]),
                "at most",
                "95 % interval, jackknife over batches of draws",
                note=f"P = {a['features'][i]:g}",
            )
        )
    return tuple(found)


def panels(config: NonGaussianConfig, measured: Measurement) -> tuple[Panel, ...]:
    """Distances over P for each family."""
    interval = "95 % interval, jackknife over draws"
    return tuple(
        Panel(
            family.lower(),
            f"{family} features against two kernels",
            "lines",
            "The average predictor of features that are not Gaussian is that of the kernel at the effective ridge, up "
            "to a bias of order one over their number.",
            Axis("features P", log=True),
            Axis("distance on test points", "unit of the labels", log=True),
            (
                Series(
                    "from the kernel at the effective ridge",
                    "features",
                    f"{family}_near",
                    f"{family}_near_half",
                    interval,
                ),
                Series("from that at the ridge", "features", f"{family}_far", f"{family}_far_half", interval),
                Series("noise of the average, subtracted", "features", f"{family}_floor", role="guide"),
            ),
        )
        for family in FAMILIES
    )


def _setting(family: str, data: TwoClasses) -> tuple[Family, Problem, float]:
    """The family, kernel regression with its kernel, and the factor by which that kernel is below the paper's.

    Rectifiers of ours see w.x / sqrt(d); the paper's w.x: its kernel is d times ours and its ridge too.
    """
    if family == "Fourier":
        return FourierFeatures(data.kernel, paired=False), data.problem, 1.0
    dimension, relu = data.inputs.shape[1], ReluFeatures()
    kernel = relu.limit_kernel()
    return relu, problem_of(kernel, data.inputs, data.targets, data.test_inputs), float(dimension)


def _means(config: NonGaussianConfig, data: TwoClasses, family: Family, P: int, scale: float, key: Key) -> np.ndarray:
    """Mean predictions of each batch of draws, (batches, test rows)."""
    rng, everything = key.rng(), np.vstack([data.inputs, data.test_inputs])
    found = np.zeros((config.batches, len(data.test_inputs)))
    per_batch = config.draws // config.batches
    for batch in range(config.batches):
        for _ in range(per_batch):
            F = family.sample(int(rng.integers(2**31)), P, everything).transform(everything)
            theta = ridge_weights(F[: config.rows], data.targets, config.ridge_sum / scale)
            found[batch] += F[config.rows :] @ theta / per_batch
    return found


def _distances(means: np.ndarray, near: np.ndarray, far: np.ndarray) -> tuple[float, ...]:
    """Distances to both kernels and their ratio, free of the noise of the average, with intervals; and that noise."""

    def distances(batches: np.ndarray) -> np.ndarray:
        noise = batches.var(axis=0, ddof=1).mean() / len(batches)
        squared = [np.mean((batches.mean(axis=0) - kernel) ** 2) - noise for kernel in (near, far)]
        one, other = np.sqrt(np.maximum(squared, noise * 1e-4))
        return np.array([one, other, one / other])

    value, half = jackknife_interval(distances, means)
    floor = np.sqrt(means.var(axis=0, ddof=1).mean() / len(means))
    return (*(float(x) for pair in zip(np.asarray(value), half, strict=True) for x in pair), float(floor))


CASE = Case(
    paper="random-features",
    name="random-features-non-gaussian",
    claim="The effective ridge describes cosine (Fourier) and rectifier features too: their average predictor is close "
    "to the kernel at the effective ridge, and much closer than to the kernel at the ridge.",
    source="Jacot et al. (2020), arXiv:2002.08404; features that are not Gaussian are measured here",
    full=NonGaussianConfig(),
    smoke=NonGaussianConfig(rows=40, test_rows=50, features=(30, 90), draws=100, batches=10),
    run=run,
    checks=checks,
    panels=panels,
    reads=(MNIST,),
)
