"""The average random-feature predictor on two classes of digits: test error of the kernel at the effective ridge."""

from dataclasses import dataclass

import numpy as np

from theodolite.experiments.bench import Arrays, Bench
from theodolite.experiments.case import Case, Measurement
from theodolite.experiments.check import Check
from theodolite.experiments.config import Config
from theodolite.experiments.intervals import jackknife_interval
from theodolite.experiments.key import Key
from theodolite.experiments.panels import Axis, Panel, Series
from theodolite.experiments.random_features import two_classes
from theodolite.experiments.real_data import MNIST
from theodolite.random_features import draw_predictors, predicted_moments


@dataclass(frozen=True)
class AverageConfig(Config):
    """`ridge_sums` are n times our ridge, the paper's; draws are grouped in batches for the error bar."""

    rows: int = 100
    test_rows: int = 1000
    features: tuple[int, ...] = (10, 30, 60, 90, 110, 300)
    ridge_sums: tuple[float, ...] = (1e-4, 1e-1)
    draws: int = 2000
    batches: int = 40
    near_from: int = 30
    far_to: int = 30
    near_limit: float = 0.05
    far_limit: float = 0.2


def run(config: AverageConfig, key: Key, bench: Bench) -> Measurement:
    """Draw Gaussian features at the training points; average the conditional means of the predictors."""
    data = two_classes(config.rows, config.test_rows, key.split("data"), bench.data_folder)
    cells = [(ridge, P) for ridge in config.ridge_sums for P in config.features]
    names = {f"n ridge {ridge:g}, {P} features": (ridge, P) for ridge, P in cells}

    def part(name: str) -> Arrays:
        ridge, P = names[name]
        draws = draw_predictors(key.split(name).integer(), data.problem, ridge / config.rows, P, config.draws)
        batches = draws.means.reshape(config.batches, -1, len(data.truth)).mean(axis=1)
        error, half = jackknife_interval(lambda means: _error_of_mean(means, data.truth), batches)
        z = predicted_moments(data.problem, ridge / config.rows, P).effective_ridge
        kernel = [np.mean((data.problem.kernel_prediction(r) - data.truth) ** 2) for r in (z, ridge / config.rows)]
        return {"found": np.array([float(error), float(half), *kernel])}

    found = np.array([part["found"] for part in bench.each(list(names), part)])
    found = found.reshape(len(config.ridge_sums), len(config.features), 4)
    arrays: Arrays = {"features": np.array(config.features, dtype=float)}
    for r, ridge in enumerate(config.ridge_sums):
        for c, column in enumerate(("average", "half", "effective", "naive")):
            arrays[f"{ridge:g}_{column}"] = found[r, :, c]
    arrays["found"] = found
    return Measurement(arrays, {}, f"{data.words}; {config.draws} draws of Gaussian features")


def checks(config: AverageConfig, measured: Measurement) -> tuple[Check, ...]:
    """Near the kernel at the effective ridge, far from the kernel at the ridge."""
    features, found = measured.arrays["features"], measured.arrays["found"]
    average, half, effective, naive = np.moveaxis(found, -1, 0)
    near, far = features >= config.near_from, features <= config.far_to
    gap, gap_half = np.abs(average / effective - 1)[:, near], (half / effective)[:, near]
    away, away_half = np.abs(average / naive - 1)[:, far], (half / naive)[:, far]
    i, j = int(gap.argmax()), int(away.argmin())
    return (
        Check(
            f"|test error of the average predictor / kernel at effective ridge - 1|, P >= {config.near_from}, worst",
            float(gap.flat[i]),
            config.near_limit,
            float(gap_half.flat[i]),
            "at most",
            "95 % interval, jackknife over batches of draws",
        ),
        Check(
            f"|test error of the average predictor / kernel at the ridge - 1|, P <= {config.far_to}, smallest",
            float(away.flat[j]),
            config.far_limit,
            float(away_half.flat[j]),
            "at least",
            "95 % interval, jackknife over batches of draws",
        ),
    )


def panels(config: AverageConfig, measured: Measurement) -> tuple[Panel, ...]:
    """Test error over the number of features, a panel a ridge."""
    return tuple(
        Panel(
            f"test-error-{ridge:g}",
            f"Average of random-feature predictors, ridge {ridge:g} / n",
            "lines",
            "The average of random-feature predictors errs as the kernel does at the effective ridge, and more than "
            "the kernel at the ridge itself.",
            Axis("features P", log=True),
            Axis("test error", "squared unit of the labels", log=True),
            (
                Series(
                    "average of many draws",
                    "features",
                    f"{ridge:g}_average",
                    error=f"{ridge:g}_half",
                    error_means="95 % interval, jackknife over draws",
                    family="a",
                ),
                Series("kernel at the effective ridge", "features", f"{ridge:g}_effective", role="theory", family="a"),
                Series("kernel at the ridge", "features", f"{ridge:g}_naive", role="guide"),
            ),
        )
        for ridge in config.ridge_sums
    )


def _error_of_mean(means: np.ndarray, truth: np.ndarray) -> float:
    """Mean squared error of the expected predictor, free of the variance of the mean over these batches."""
    noise = means.var(axis=0, ddof=1) / len(means)
    return float(np.mean((means.mean(axis=0) - truth) ** 2 - noise))


CASE = Case(
    paper="random-features",
    name="random-features-average-predictor",
    claim="The average of random-feature predictors has the test error of the kernel at the effective ridge, not of "
    "the kernel at the ridge.",
    source="Jacot et al. (2020), arXiv:2002.08404: average predictor, experiment on two classes of MNIST",
    full=AverageConfig(),
    smoke=AverageConfig(rows=40, test_rows=50, features=(10, 30, 90), draws=200, batches=10),
    run=run,
    checks=checks,
    panels=panels,
    reads=(MNIST,),
)
