"""Double descent of random-feature regression: the peak at P = n, its cures, and its prediction from training data."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from theodolite.experiments.bench import Arrays, Bench
from theodolite.experiments.case import Case, Measurement
from theodolite.experiments.check import Check
from theodolite.experiments.config import Config
from theodolite.experiments.intervals import jackknife_interval, mean_interval
from theodolite.experiments.key import Key
from theodolite.experiments.panels import Axis, Panel, Series
from theodolite.experiments.random_features import two_classes
from theodolite.experiments.real_data import MNIST
from theodolite.kernels import gram
from theodolite.random_features import draw_predictors, predicted_moments, risk_curve


@dataclass(frozen=True)
class DescentConfig(Config):
    """`small` and `large` are n times our ridge, the paper's. Numbers of features are shares of the rows."""

    rows: int = 100
    test_rows: int = 1000
    shares: tuple[float, ...] = (0.1, 0.3, 0.6, 0.9, 1.0, 1.1, 1.5, 3.0, 10.0)
    below: float = 0.6
    above: float = 1.5
    small: float = 1e-4
    large: float = 0.1
    draws: int = 600
    models: int = 10
    peak_limit: float = 2.0
    splits: int = 60
    split_draws: int = 10
    gap_limit: float = 0.15


def run(config: DescentConfig, key: Key, bench: Bench) -> Measurement:
    """Test errors of single models, ridgeless and with two ridges, and of ensembles; beside them what is predicted."""
    data = two_classes(config.rows, config.test_rows, key.split("data"), bench.data_folder)
    features = [round(share * config.rows) for share in config.shares]
    ridges = {"ridgeless": 0.0, "small": config.small, "large": config.large}
    names = {f"{ridge}, {P} features": (ridge, P) for ridge in ridges for P in features}

    def part(name: str) -> Arrays:
        ridge, P = names[name]
        seed = key.split(name).integer()
        draws = draw_predictors(seed, data.problem, ridges[ridge] / config.rows, P, config.draws)
        single = mean_interval(draws.squared_errors(data.truth))
        together = mean_interval(draws.squared_errors(data.truth, config.models))
        norms = mean_interval(draws.squared_norms)
        return {"found": np.array([*single, *together, *norms]), "median": np.median(draws.squared_errors(data.truth))}

    parts = dict(zip(names.values(), bench.each(list(names), part), strict=True))
    arrays: Arrays = {"features": np.array(features, dtype=float), "shares": np.array(features) / config.rows}
    fine = np.unique(np.geomspace(features[0], features[-1], 120).round())
    fine = np.unique(np.concatenate([fine, features]))
    arrays["fine"] = fine
    columns = ("single", "single_half", "ensemble", "ensemble_half", "norm", "norm_half")
    for ridge, size in ridges.items():
        found = np.array([parts[ridge, P]["found"] for P in features])
        arrays |= {f"{ridge}_{column}": found[:, c] for c, column in enumerate(columns)}
        arrays[f"{ridge}_median"] = np.array([float(parts[ridge, P]["median"]) for P in features])
        if size:
            moments = [predicted_moments(data.problem, size / config.rows, P) for P in fine]
            average = np.array([np.mean((moment.mean - data.truth) ** 2) for moment in moments])
            variance = np.array([moment.variance.mean() for moment in moments])
            arrays |= {f"{ridge}_theory": average + variance, f"{ridge}_average": average}
            arrays |= {f"{ridge}_ensemble_theory": average + variance / config.models}
            arrays[f"{ridge}_slope"] = np.array([moment.slope for moment in moments])
            arrays[f"{ridge}_norm_theory"] = np.array([moment.squared_norm for moment in moments])
    arrays |= _from_training(config, key.split("splits"), bench.data_folder, features)
    return Measurement(arrays, {}, f"{data.words}; {config.draws} draws of Gaussian features")


def checks(config: DescentConfig, measured: Measurement) -> tuple[Check, ...]:
    """The peak without ridge, no peak with ridge, smaller with an ensemble, and the predictions."""
    a = measured.arrays
    at = {share: config.shares.index(share) for share in (config.below, 1.0, config.above)}
    ridgeless, half = a["ridgeless_median"], a["ridgeless_single_half"]
    neighbour = max((at[config.below], at[config.above]), key=lambda i: ridgeless[i])
    large, large_half = a["large_single"], a["large_single_half"]
    rises = np.diff(large)
    rise_half = np.hypot(large_half[1:], large_half[:-1])
    steepest = int((rises / rise_half).argmax())
    peak = at[1.0]
    found = [
        Check(
            f"median test error without ridge at P = n over the larger of those at {config.below:g} n and "
            f"{config.above:g} n",
            float(ridgeless[peak] / ridgeless[neighbour]),
            config.peak_limit,
            float(ridgeless[peak] / ridgeless[neighbour] * half[neighbour] / ridgeless[neighbour]),
            "at least",
            note="the median over draws: without ridge the mean at P = n is infinite",
        ),
        Check(
            f"steepest rise of the test error with P at ridge {config.large:g} / n, over its half-width",
            float(rises[steepest] / rise_half[steepest]),
            1.0,
            0.0,
            "at most",
            "in standard errors already",
        ),
        Check(
            f"test error of {config.models} models together over that of one, P = n, ridge {config.small:g} / n",
            float(a["small_ensemble"][peak] / a["small_single"][peak]),
            0.5,
            float(a["small_ensemble_half"][peak] / a["small_single"][peak]),
            "at most",
        ),
    ]
    where = np.searchsorted(a["fine"], a["features"])
    for quantity, words, limit in (
        ("single", "predicted test error of one model", config.gap_limit),
        ("ensemble", f"predicted test error of {config.models} models", config.gap_limit),
        ("norm", "predicted squared norm of the weights", config.gap_limit),
    ):
        theory = "theory" if quantity == "single" else f"{quantity}_theory"
        ratios, errors = (
            np.concatenate(
                [a[f"{ridge}_{quantity}{end}"] / a[f"{ridge}_{theory}"][where] for ridge in ("small", "large")]
            )
            for end in ("", "_half")
        )
        i = int(np.abs(ratios - 1).argmax())
        found.append(
            Check(f"|measured / {words} - 1|, worst", float(abs(ratios[i] - 1)), limit, float(errors[i]), "at most")
        )
    gap, half = a["training_gap"], a["training_gap_half"]
    i = int(gap.argmax())
    found.append(
        Check(
            f"|measured / predicted from training rows alone - 1|, means of {config.splits} splits, worst",
            float(gap.flat[i]),
            config.gap_limit,
            float(half.flat[i]),
            "at most",
            "95 % interval, jackknife over splits",
        )
    )
    return tuple(found)


def panels(config: DescentConfig, measured: Measurement) -> tuple[Panel, ...]:
    """Test error over P; the slope of the effective ridge beside it."""
    x = Axis("features P", log=True)
    error = Axis("test error", "squared unit of the labels", log=True)
    interval, splits = "95 % interval of the mean over draws", "95 % interval of the mean over splits"
    words = {"small": f"ridge {config.small:g} / n", "large": f"ridge {config.large:g} / n"}
    single = [
        series
        for ridge, label in words.items()
        for series in (
            Series(label, "features", f"{ridge}_single", f"{ridge}_single_half", interval, family=ridge),
            Series(f"theory, {label}", "fine", f"{ridge}_theory", role="theory", family=ridge),
        )
    ]
    together = [
        series
        for ridge, label in words.items()
        for series in (
            Series(label, "features", f"{ridge}_ensemble", f"{ridge}_ensemble_half", interval, family=ridge),
            Series(f"theory, {label}", "fine", f"{ridge}_ensemble_theory", role="theory", family=ridge),
        )
    ]
    return (
        Panel(
            "single",
            "Double descent of one random-feature model",
            "lines",
            "With a tiny ridge the test error of one model peaks at as many features as rows; a larger ridge removes "
            "the peak. Theory draws no features.",
            x,
            error,
            (*single, Series("without ridge, median", "features", "ridgeless_median", family="ridgeless")),
        ),
        Panel(
            "ensemble",
            f"The same, {config.models} models averaged",
            "lines",
            "Averaging models keeps the error of the average predictor and divides the variance: the peak shrinks.",
            x,
            error,
            tuple(together),
        ),
        Panel(
            "slope",
            "What explodes",
            "lines",
            "The variance follows the derivative of the effective ridge, which explodes at as many features as rows "
            "when the ridge is small.",
            x,
            Axis("d effective ridge / d ridge", log=True),
            tuple(Series(label, "fine", f"{r}_slope", role="theory", family=r) for r, label in words.items()),
        ),
        Panel(
            "from-training",
            f"The curve predicted from the training rows alone, mean of {config.splits} splits",
            "lines",
            "The whole curve, peak included, is known from the training rows before any features are drawn.",
            x,
            error,
            tuple(
                series
                for ridge, label in words.items()
                for series in (
                    Series(label, "features", f"{ridge}_splits", f"{ridge}_splits_half", splits, family=ridge),
                    Series(f"predicted, {label}", "features", f"{ridge}_predicted", role="theory", family=ridge),
                )
            ),
        ),
    )


def _from_training(config: DescentConfig, key: Key, folder: Path | None, features: list[int]) -> Arrays:
    """Risk curves from the training rows of many splits, and measured test errors of a few models on each."""
    ridges = {"small": config.small / config.rows, "large": config.large / config.rows}
    predicted, measured = np.empty((2, config.splits, len(ridges), len(features)))
    for split in range(config.splits):
        own = key.split(split)
        data = two_classes(config.rows, config.test_rows, own, folder)
        matrix, rng = gram(data.kernel, data.inputs), own.split("draws").rng()
        for r, ridge in enumerate(ridges.values()):
            predicted[split, r] = risk_curve(matrix, data.targets, ridge, features).risk
            for p, P in enumerate(features):
                draws = draw_predictors(int(rng.integers(2**31)), data.problem, ridge, P, config.split_draws)
                measured[split, r, p] = draws.squared_errors(data.truth).mean()
    pairs = np.stack([measured, predicted], axis=1)
    gap, half = jackknife_interval(lambda kept: np.abs(np.divide(*kept.mean(axis=0)) - 1), pairs)
    arrays: Arrays = {"training_gap": gap, "training_gap_half": half}
    mean, spread = mean_interval(measured)
    for r, ridge in enumerate(ridges):
        arrays |= {f"{ridge}_splits": mean[r], f"{ridge}_splits_half": spread[r]}
        arrays[f"{ridge}_predicted"] = predicted[:, r].mean(axis=0)
    return arrays


CASE = Case(
    paper="random-features",
    name="random-features-double-descent",
    claim="Without ridge the test error of random features peaks at P = n; a ridge or an ensemble removes the peak, "
    "and the effective ridge with its derivative predicts the whole curve.",
    source="Jacot et al. (2020), arXiv:2002.08404: double descent and the derivative of the effective ridge",
    full=DescentConfig(),
    smoke=DescentConfig(
        rows=40, test_rows=50, shares=(0.3, 0.6, 1.0, 1.5, 3.0), draws=100, models=5, splits=4, split_draws=3
    ),
    run=run,
    checks=checks,
    panels=panels,
    reads=(MNIST,),
)
