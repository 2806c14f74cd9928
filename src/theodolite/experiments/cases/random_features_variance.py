"""The variance of the random-feature predictor over draws of its features, and the norm of its weights."""

from dataclasses import dataclass

import numpy as np

from theodolite.experiments.bench import Arrays, Bench
from theodolite.experiments.case import Case, Measurement
from theodolite.experiments.check import Check
from theodolite.experiments.config import Config
from theodolite.experiments.intervals import jackknife_interval, mean_interval
from theodolite.experiments.key import Key
from theodolite.experiments.panels import Axis, Column, Panel, Series
from theodolite.experiments.random_features import problem_of, two_classes
from theodolite.experiments.real_data import MNIST
from theodolite.kernels import RBF
from theodolite.random_features import Problem, draw_predictors, predicted_moments


@dataclass(frozen=True)
class VarianceConfig(Config):
    """`ridge_sums` are n times our ridge, the paper's. The sinusoid has few points, where theory is coarse."""

    rows: int = 100
    test_rows: int = 1000
    shares: tuple[float, ...] = (0.3, 0.6, 0.9, 1.0, 1.1, 1.5, 3.0)
    ridge_sums: tuple[float, ...] = (1e-4, 1e-1)
    ridgeless: tuple[float, ...] = (1.2, 1.3, 2.0)
    draws: int = 800
    ridgeless_draws: int = 3000
    batches: int = 20
    points: int = 6
    lengthscale: float = 1.0
    sinusoid_features: tuple[int, ...] = (4, 10, 100)
    sinusoid_ridge_sum: float = 1e-3
    sinusoid_draws: int = 3000
    norm_limit: float = 0.15
    variance_limit: float = 0.15
    wishart_limit: float = 0.03


def run(config: VarianceConfig, key: Key, bench: Bench) -> Measurement:
    """Moments over draws on digits, with and without ridge; and of the predictor of a sinusoid, point by point."""
    data = two_classes(config.rows, config.test_rows, key.split("data"), bench.data_folder)
    cells = [(ridge, share) for ridge in config.ridge_sums for share in config.shares]
    names = {f"n ridge {ridge:g}, P = {share:g} n": (ridge, share) for ridge, share in cells}
    names |= {f"ridgeless, P = {share:g} n": (0.0, share) for share in config.ridgeless}

    def part(name: str) -> Arrays:
        if name == "sinusoid":
            return _sinusoid(config, key.split(name))
        ridge, share = names[name]
        return _moments(config, key.split(name), data.problem, ridge, round(share * config.rows))

    parts = dict(zip([*names, "sinusoid"], bench.each([*names, "sinusoid"], part), strict=True))
    fine = np.geomspace(min(config.shares), max(config.shares), 80) * config.rows
    fine = np.unique(np.append(fine, np.array(config.shares) * config.rows).round())
    arrays: Arrays = {"features": np.round(np.array(config.shares) * config.rows), "fine": fine}
    found = np.array([parts[name]["found"] for name in names])
    with_ridge = found[: len(cells)].reshape(len(config.ridge_sums), len(config.shares), -1)
    for r, ridge in enumerate(config.ridge_sums):
        for c, column in enumerate(("norm", "norm_half", "", "variance", "variance_half", "")):
            arrays |= {f"{ridge:g}_{column}": with_ridge[r, :, c]} if column else {}
        curve = [predicted_moments(data.problem, ridge / config.rows, P) for P in fine]
        arrays[f"{ridge:g}_norm_theory"] = np.array([moments.squared_norm for moments in curve])
        arrays[f"{ridge:g}_theory"] = np.array([moments.variance.mean() for moments in curve])
    norm, half = found[len(cells) :, 0], found[len(cells) :, 1]
    rows, features = config.rows, np.round(np.array(config.ridgeless) * config.rows)
    least = float(np.sum(data.problem.coefficients**2 / data.problem.eigenvalues))  # y' K^-1 y
    arrays |= {"with_ridge": with_ridge, "wishart_features": features, "wishart": norm, "wishart_half": half}
    arrays["wishart_exact"] = features / (features - rows - 1) * least
    arrays["wishart_law"] = features / (features - rows) * least
    arrays |= parts["sinusoid"]
    words = f"{data.words}; sin x at {config.points} points (synthetic); {config.draws} draws of Gaussian features"
    return Measurement(arrays, {}, words)


def checks(config: VarianceConfig, measured: Measurement) -> tuple[Check, ...]:
    """Norm and variance against the slope of the effective ridge; the exact ridgeless law."""
    found = measured.arrays["with_ridge"]
    a = measured.arrays

    def worst(words: str, value: np.ndarray, half: np.ndarray, theory: np.ndarray, limit: float) -> Check:
        gap = np.abs(value / theory - 1)
        i = int(gap.argmax())
        return Check(words, float(gap.flat[i]), limit, float((half / theory).flat[i]), "at most")

    return (
        worst(
            "|mean squared norm of the weights / slope x y'K(K + z)^-2 y - 1|, worst",
            *np.moveaxis(found[..., :3], -1, 0),
            limit=config.norm_limit,
        ),
        worst(
            "|variance of the predictor over test points / theory - 1|, worst",
            *np.moveaxis(found[..., 3:], -1, 0),
            limit=config.variance_limit,
        ),
        worst(
            "|ridgeless mean squared norm / P/(P-n-1) y'K^-1 y - 1|, worst",
            a["wishart"],
            a["wishart_half"],
            a["wishart_exact"],
            config.wishart_limit,
        ),
    )


def panels(config: VarianceConfig, measured: Measurement) -> tuple[Panel, ...]:
    """Norm and variance over P; the ridgeless law; the predictor of a sinusoid."""
    x, interval = Axis("features P", log=True), "95 % interval over draws"
    words = {f"{ridge:g}": f"ridge {ridge:g} / n" for ridge in config.ridge_sums}

    def curves(quantity: str, theory: str) -> tuple[Series, ...]:
        return tuple(
            series
            for tag, label in words.items()
            for series in (
                Series(label, "features", f"{tag}_{quantity}", f"{tag}_{quantity}_half", interval, family=tag),
                Series(f"theory, {label}", "fine", f"{tag}_{theory}", role="theory", family=tag),
            )
        )

    sinusoid = (
        Panel(
            f"sinusoid-{P}",
            f"Predictors of {P} random features",
            "bands",
            "The mean over draws is the kernel's prediction at the effective ridge; the spread, two standard "
            "deviations, shrinks with more features.",
            Axis("x"),
            Axis("prediction"),
            (
                Series("mean of draws", "x", f"sin{P}_mean", low=f"sin{P}_low", high=f"sin{P}_high", family="m"),
                Series("kernel at the effective ridge", "x", f"sin{P}_kernel", role="theory", family="m"),
                Series("kernel at the ridge", "x", f"sin{P}_naive", role="guide"),
                Series("training points", "seen", "labels", family="t"),
            ),
        )
        for P in config.sinusoid_features
    )
    return (
        Panel(
            "variance",
            "Variance of the predictor",
            "lines",
            "The variance over draws of the features is proportional to the derivative of the effective ridge.",
            x,
            Axis("mean variance", "squared unit of the labels", log=True),
            curves("variance", "theory"),
        ),
        Panel(
            "norm",
            "Squared norm of the weights",
            "lines",
            "The norm of the weights is proportional to the derivative of the effective ridge, too.",
            x,
            Axis("mean squared norm of the weights", log=True),
            curves("norm", "norm_theory"),
        ),
        Panel(
            "ridgeless",
            "Without ridge: the exact law",
            "table",
            "Without ridge and above P = n + 1 the mean squared norm is P / (P - n - 1) y'K^-1 y exactly.",
            columns=(
                Column("features", "wishart_features"),
                Column("measured", "wishart"),
                Column("±", "wishart_half", digits=2),
                Column("exact", "wishart_exact"),
                Column("effective-ridge theory, P / (P - n)", "wishart_law"),
            ),
        ),
        *sinusoid,
    )


def _moments(config: VarianceConfig, key: Key, problem: Problem, ridge_sum: float, features: int) -> Arrays:
    """Measured norm and mean variance with their intervals, beside theory."""
    count = config.draws if ridge_sum else config.ridgeless_draws
    draws = draw_predictors(key.integer(), problem, ridge_sum / config.rows, features, count)
    theory = predicted_moments(problem, ridge_sum / config.rows, features)
    norm, half = mean_interval(draws.squared_norms)
    unseen = problem.unseen.mean() / features

    def variance(batches: np.ndarray) -> float:
        """Mean over points, from the sums of each batch: norms, means, squares."""
        own = batches.mean(axis=0)
        drawn = len(batches) * (count // config.batches)
        spread = np.mean(own[2:].reshape(2, -1)[1] - own[2:].reshape(2, -1)[0] ** 2) * drawn / (drawn - 1)
        return float(unseen * own[0] + spread)

    parts = draws.means.reshape(config.batches, -1, len(problem.unseen))
    norms = draws.squared_norms.reshape(config.batches, -1).mean(axis=1)
    sums = np.hstack([norms[:, None], norms[:, None], parts.mean(axis=1), (parts**2).mean(axis=1)])
    value, spread = jackknife_interval(variance, sums)
    found = [norm, half, theory.squared_norm, value, spread, theory.variance.mean()]
    return {"found": np.array([float(number) for number in found])}


def _sinusoid(config: VarianceConfig, key: Key) -> Arrays:
    seen, rng = np.sort(key.split("points").rng().uniform(0.0, 2 * np.pi, config.points)), key.split("draws").rng()
    x, targets = np.linspace(0.0, 2 * np.pi, 41), np.sin(seen)
    problem = problem_of(RBF(config.lengthscale), seen[:, None], targets, x[:, None])
    ridge = config.sinusoid_ridge_sum / config.points
    arrays = {"x": x, "seen": seen, "labels": targets}
    for P in config.sinusoid_features:
        draws = draw_predictors(int(rng.integers(2**31)), problem, ridge, P, config.sinusoid_draws)
        moments = predicted_moments(problem, ridge, P)
        spread = 2 * np.sqrt(draws.variance)
        arrays |= {f"sin{P}_mean": draws.mean, f"sin{P}_low": draws.mean - spread, f"sin{P}_high": draws.mean + spread}
        arrays |= {f"sin{P}_kernel": moments.mean, f"sin{P}_naive": problem.kernel_prediction(ridge)}
    return arrays


CASE = Case(
    paper="random-features",
    name="random-features-variance",
    claim="The variance of the predictor and the norm of its weights are proportional to the derivative of the "
    "effective ridge, which explodes at the interpolation threshold.",
    source="Jacot et al. (2020), arXiv:2002.08404: variance of the predictor; closed form derived",
    full=VarianceConfig(),
    smoke=VarianceConfig(
        rows=40,
        test_rows=50,
        shares=(0.5, 1.5),
        ridgeless=(1.5, 2.0),
        draws=200,
        ridgeless_draws=200,
        sinusoid_draws=200,
    ),
    run=run,
    checks=checks,
    panels=panels,
    reads=(MNIST,),
)
