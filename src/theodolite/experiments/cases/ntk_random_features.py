"""A linear model of random features: its tangent kernel is constant, and near the kernel of the features."""

from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np

from theodolite.experiments.bench import Arrays, Bench
from theodolite.experiments.case import Case, Measurement
from theodolite.experiments.check import Check
from theodolite.experiments.config import Config
from theodolite.experiments.intervals import exponent, jackknife_interval, mean_interval
from theodolite.experiments.key import Key
from theodolite.experiments.panels import Axis, Panel, Series
from theodolite.finite_width import tangent_kernel
from theodolite.kernels import RBF
from theodolite.training_dynamics import kernel_flow_from_gram, train


@dataclass(frozen=True)
class FeaturesConfig(Config):
    """Features are Gaussian functions with mean `mean` times cos x and covariance RBF, at points of the line.

    `trained` features are trained on sin x for `steps` steps of `rate` times the largest stable learning rate.
    """

    points: int = 20
    test_points: int = 20
    lengthscale: float = 0.5
    mean: float = 0.5
    features: tuple[int, ...] = (100, 1000, 10_000, 100_000)
    draws: int = 50
    trained: int = 1000
    trained_draws: int = 5
    steps: int = 400
    every: int = 20
    rate: float = 0.5
    slope_low: float = -0.6
    slope_high: float = -0.4
    identity_limit: float = 1e-10


def run(config: FeaturesConfig, key: Key, bench: Bench) -> Measurement:
    """Tangent kernels of several numbers of features; gradient descent beside kernel gradient descent."""
    drawn = {f"{features} features": features for features in config.features}
    training = [f"training {i + 1} of {config.trained_draws}" for i in range(config.trained_draws)]

    def part(name: str) -> Arrays:
        own = key.split(name)
        return {"errors": _errors(config, drawn[name], own)} if name in drawn else _training(config, own)

    parts = bench.each([*drawn, *training], part)
    errors = np.array([found["errors"] for found in parts[: len(drawn)]])
    mean, half = mean_interval(errors, axis=1)
    log_half = np.array([float(jackknife_interval(lambda x: np.log(x.mean()), row).half) for row in errors])
    features = np.array(config.features, dtype=float)
    trained = parts[len(drawn) :]
    arrays: Arrays = {
        "features": features,
        "error": mean,
        "error_half": half,
        "law": _law(config) / np.sqrt(features),
        "slope": np.array(exponent(features, mean, mean * log_half)),
        "gap": np.array([float(found["gap"]) for found in trained]),
        "drift": np.array([float(found["drift"]) for found in trained]),
    }
    for name in ("steps", "x", "trained", "kernel", "limit", "target", "seen", "labels", "loss", "loss_kernel"):
        arrays[name] = trained[0][name]
    words = (
        f"{config.points} points of a line; Gaussian random features, {config.draws} draws of each number, "
        f"{config.trained_draws} trainings of {config.trained} (synthetic)"
    )
    return Measurement(arrays, {}, words)


def checks(config: FeaturesConfig, measured: Measurement) -> tuple[Check, ...]:
    """The rate at which the tangent kernel converges; two identities of training."""
    a = measured.arrays
    slope, half = (float(number) for number in a["slope"])
    words, rounding = "exponent in the number of features of the error of the tangent kernel", "no randomness"
    return (
        Check(f"{words}, from above", slope, config.slope_high, half, "at most", note="theory -1/2"),
        Check(f"{words}, from below", slope, config.slope_low, half, "at least", note="theory -1/2"),
        Check(
            "|gradient descent on parameters - kernel gradient descent|, worst training, point and step",
            float(a["gap"].max()),
            config.identity_limit,
            0.0,
            "at most",
            error_means=rounding,
            note="an identity at every draw; outputs are of order 1",
        ),
        Check(
            "|tangent kernel - features x features'| over the largest value, before and after training",
            float(a["drift"].max()),
            config.identity_limit,
            0.0,
            "at most",
            error_means=rounding,
            note="an identity at every draw",
        ),
    )


def panels(config: FeaturesConfig, measured: Measurement) -> tuple[Panel, ...]:
    """Error of the kernel over the number of features; one training, as loss and as function."""
    step = Axis("step of gradient descent")
    interval = "95 % interval of the mean"
    return (
        Panel(
            "error",
            "Tangent kernel of random features",
            "lines",
            "The tangent kernel of random features approaches the kernel of the features like one over the root of "
            "their number.",
            Axis("features", log=True),
            Axis("relative error of the kernel", log=True),
            (
                Series("measured", "features", "error", error="error_half", error_means=interval, family="e"),
                Series("root mean square, exact", "features", "law", role="theory", family="e"),
            ),
        ),
        Panel(
            "loss",
            "Two ways to train",
            "lines",
            "Gradient descent on the parameters is kernel gradient descent with the tangent kernel, step by step.",
            step,
            Axis("half the mean squared error", log=True),
            (
                Series(f"gradient descent on {config.trained} parameters", "steps", "loss", family="l"),
                Series("kernel gradient descent", "steps", "loss_kernel", role="theory", family="l"),
            ),
        ),
        Panel(
            "function",
            "The trained function",
            "lines",
            "The function that training finds is that of the tangent kernel, and near that of the limiting one.",
            Axis("x"),
            Axis("output"),
            (
                Series(f"gradient descent on {config.trained} parameters", "x", "trained", family="f"),
                Series("its tangent kernel", "x", "kernel", role="theory", family="f"),
                Series("limiting kernel, from the same start", "x", "limit", role="guide"),
                Series("training points", "seen", "labels"),
            ),
        ),
    )


def _points(config: FeaturesConfig) -> tuple[np.ndarray, np.ndarray]:
    """Training points and test points of the line, (n,) and (m,)."""
    return np.linspace(-3.0, 3.0, config.points), np.linspace(-3.2, 3.2, config.test_points)


def _moments(config: FeaturesConfig, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean (n,) and covariance (n, n) of a feature at points; the kernel is covariance + mean mean'."""
    return config.mean * np.cos(x), RBF(config.lengthscale)(x[:, None])


def _features(config: FeaturesConfig, x: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """Independent Gaussian functions at points, (n, count)."""
    mean, covariance = _moments(config, x)
    values, vectors = np.linalg.eigh(covariance)
    return mean[:, None] + (vectors * np.sqrt(np.maximum(values, 0.0))) @ rng.standard_normal((len(x), count))


def _errors(config: FeaturesConfig, count: int, key: Key) -> np.ndarray:
    """|tangent kernel - kernel| / |kernel| in the Frobenius norm, (draws,)."""
    x, rng = _points(config)[0], key.rng()
    mean, covariance = _moments(config, x)
    kernel, found = covariance + np.outer(mean, mean), []
    for _ in range(config.draws):
        features = _features(config, x, count, rng)
        found.append(np.linalg.norm(features @ features.T / count - kernel) / np.linalg.norm(kernel))
    return np.array(found)


def _law(config: FeaturesConfig) -> float:
    """The root mean square of that error for one feature: Gaussian moments of fourth order."""
    mean, C = _moments(config, _points(config)[0])
    variance = np.outer(np.diag(C), np.diag(C)) + C**2 + 2 * np.outer(mean, mean) * C
    variance += np.outer(mean**2, np.diag(C)) + np.outer(np.diag(C), mean**2)
    return float(np.sqrt(variance.sum()) / np.linalg.norm(C + np.outer(mean, mean)))


def _training(config: FeaturesConfig, key: Key) -> Arrays:
    """Outputs of gradient descent and of kernel gradient descent on all points; the kernel before and after."""
    n, (x, test), rng = config.points, _points(config), key.rng()
    features = _features(config, np.concatenate([x, test]), config.trained, rng)
    start, targets = rng.standard_normal(config.trained), np.sin(x)
    gram = features @ features.T / config.trained
    initial = features @ start / np.sqrt(config.trained)
    flow = kernel_flow_from_gram(gram[:n, :n], targets, initial=initial[:n])
    learning_rate = config.rate * flow.max_learning_rate

    def f(params: jax.Array, X: jax.Array) -> jax.Array:
        return X @ params / np.sqrt(config.trained)

    with jax.enable_x64(True):
        everywhere = jnp.asarray(features)
        end = train(
            f,
            jnp.asarray(start),
            features[:n],
            targets,
            optimiser=learning_rate,
            steps=config.steps,
            watch=lambda params: f(params, everywhere),
            every=config.every,
        )
        kernels = [np.asarray(tangent_kernel(f, params, features)) for params in (jnp.asarray(start), end.params)]
    paced, steps = flow.in_steps(learning_rate), end.watched_at
    theory = paced.predict(gram[:, :n], steps, initial=initial)
    mean, covariance = _moments(config, np.concatenate([x, test]))
    limit = covariance + np.outer(mean, mean)
    limiting = kernel_flow_from_gram(limit[:n, :n], targets, initial=initial[:n]).in_steps(learning_rate)
    return {
        "gap": np.array(np.abs(end.watched - theory).max()),
        "drift": np.array(max(np.abs(kernel - gram).max() for kernel in kernels) / gram.max()),
        "steps": steps.astype(float),
        "loss": np.mean((end.watched[:, :n] - targets) ** 2, axis=1) / 2,
        "loss_kernel": paced.cost(steps),
        "x": test,
        "trained": end.watched[-1, n:],
        "kernel": theory[-1, n:],
        "limit": limiting.predict(limit[n:, :n], config.steps, initial=initial[n:]),
        "target": np.sin(test),
        "seen": x,
        "labels": targets,
    }


CASE = Case(
    paper="ntk",
    name="ntk-random-features",
    claim="The tangent kernel of a linear model of random features does not move in training and approaches their "
    "covariance like one over the root of their number; gradient descent is kernel gradient descent with it.",
    source="Jacot, Gabriel and Hongler (2018), arXiv:1806.07572: section 3.1",
    full=FeaturesConfig(),
    smoke=FeaturesConfig(points=6, test_points=8, features=(50, 200), draws=5, trained=50, trained_draws=2, steps=40),
    run=run,
    checks=checks,
    panels=panels,
)
