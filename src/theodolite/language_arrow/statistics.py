"""Is the difference real? Intervals over documents and over seeds, a sign-flip test, what could have been seen."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy import stats

from theodolite.numerics.errors import BadInput, ShapeMismatch

RESAMPLES, FLIPS = 5000, 9999
BLOCK = 2**22  # numbers of one block of resampling
POWER_80 = 2.8  # z_{0.975} + z_{0.80}

Numbers = Float[np.ndarray, " n"]


@dataclass(frozen=True)
class Interval:
    """An estimate with its interval and the standard error behind it."""

    value: float
    low: float
    high: float
    standard_error: float

    def excludes_zero(self) -> bool:
        """Whether zero lies outside."""
        return self.low > 0 or self.high < 0


def bootstrap(forward: Numbers, backward: Numbers, *, level: float = 0.95, seed: int = 0) -> Interval:
    """Bootstrap over documents of r = sum backward / sum forward - 1; the ratio is computed anew in each resample.

    Args: forward and backward, (n,) summed losses of each document, in nats; level of the interval; seed.
    Returns: percentile interval of 5000 resamples, conditional on the two trained models.
    Source: Efron (1979), Annals of Statistics 7.

    >>> forward = np.random.default_rng(0).uniform(90, 110, 50)
    >>> found = bootstrap(forward, 1.02 * forward)
    >>> round(found.value, 6), found.excludes_zero()
    (0.02, True)
    """
    forward, backward = _pair(forward, backward)
    n, random = len(forward), np.random.default_rng(seed)
    both = np.stack([forward, backward], axis=1)
    found = []
    for start in range(0, RESAMPLES, max(1, BLOCK // n)):
        many = min(max(1, BLOCK // n), RESAMPLES - start)
        counts = random.multinomial(n, np.full(n, 1 / n), size=many)
        sums = counts @ both
        found.append(sums[:, 1] / sums[:, 0] - 1)
    ratios = np.concatenate(found)
    low, high = np.quantile(ratios, [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(backward.sum() / forward.sum() - 1), float(low), float(high), float(ratios.std(ddof=1)))


def sign_flip_p_value(differences: Numbers, *, seed: int = 0) -> float:
    """p = (1 + #{|T*| >= |T|}) / (B + 1), T the sum of differences, T* with random signs; B = 9999.

    Exact for differences that are symmetric about zero, which is the null of no arrow given the trained models.

    Source: Fisher (1935), The Design of Experiments, section 21.

    >>> sign_flip_p_value(np.ones(20)) < 0.001
    True
    """
    differences = np.asarray(differences, np.float64)
    n, random = len(differences), np.random.default_rng(seed)
    measured, beyond = abs(differences.sum()), 0
    slack = 1e-12 * np.abs(differences).sum()  # equal sums may round differently
    for start in range(0, FLIPS, max(1, BLOCK // n)):
        many = min(max(1, BLOCK // n), FLIPS - start)
        signs = 2.0 * random.integers(0, 2, size=(many, n), dtype=np.int8) - 1.0
        beyond += int((np.abs(signs @ differences) >= measured - slack).sum())
    return (1 + beyond) / (FLIPS + 1)


def seed_interval(ratios: Sequence[float] | Numbers, document_error: float, *, level: float = 0.95) -> Interval:
    """Mean of r over seeds, with the spread of seeds and of documents together.

    variance = s_seed^2 / S + s_doc^2; Student's quantile with the degrees of freedom of Welch and Satterthwaite: S - 1
    where seeds decide, the normal one where documents do. With one seed the interval knows of documents only.

    Source: Welch (1947), Biometrika 34, for the degrees of freedom.

    >>> found = seed_interval([0.010, 0.012, 0.011], 0.001)
    >>> round(found.value, 4), found.excludes_zero()
    (0.011, True)
    """
    ratios = np.asarray(ratios, np.float64)
    many = len(ratios)
    spread = float(ratios.std(ddof=1)) if many > 1 else 0.0
    error = float(np.sqrt(spread**2 / many + document_error**2))
    quantile = float(stats.t.ppf((1 + level) / 2, degrees_of_freedom(spread**2 / many, document_error**2, many)))
    mean = float(ratios.mean())
    return Interval(mean, mean - quantile * error, mean + quantile * error, error)


def degrees_of_freedom(seed_variance: float, document_variance: float, many: int) -> float:
    """Welch and Satterthwaite: S - 1 where seeds decide, many where documents do."""
    if many < 2 or seed_variance == 0:
        return 1e6
    return float(min((seed_variance + document_variance) ** 2 / (seed_variance**2 / (many - 1)), 1e6))


def minimum_detectable(ratios: Sequence[float] | Numbers, document_error: float) -> float:
    """The |r| that would be found with 80 % power: 2.8 sqrt(s_seed^2 / S + s_doc^2).

    >>> round(minimum_detectable([0.01, 0.01], 0.001), 5)
    0.0028
    """
    return POWER_80 * seed_interval(ratios, document_error).standard_error


def holm(p_values: Sequence[float] | Numbers) -> Numbers:
    """Holm's (1979) adjusted p-values: the probability of any false finding among all stays below them.

    Source: Holm (1979), Scandinavian Journal of Statistics 6.

    >>> holm([0.01, 0.04, 0.03]).round(3).tolist()
    [0.03, 0.06, 0.06]
    """
    p = np.asarray(p_values, np.float64)
    order = np.argsort(p, kind="stable")
    stepped = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(stepped, 1.0)
    return adjusted


def holm_levels(p_values: Sequence[float] | Numbers, level: float = 0.95) -> Numbers:
    """The level of each interval that goes with Holm's step: 1 - (1 - level) / (m - rank), rank from 0."""
    p = np.asarray(p_values, np.float64)
    levels = np.empty_like(p)
    levels[np.argsort(p, kind="stable")] = 1 - (1 - level) / np.arange(len(p), 0, -1)
    return levels


def _pair(forward: Numbers, backward: Numbers) -> tuple[Numbers, Numbers]:
    forward, backward = np.asarray(forward, np.float64), np.asarray(backward, np.float64)
    if forward.shape != backward.shape or forward.ndim != 1:
        raise ShapeMismatch(f"forward and backward need one number a document, got {forward.shape}, {backward.shape}")
    if len(forward) < 2:
        raise BadInput("an interval needs at least two test documents, or blocks of windows; give more text")
    return forward, backward
