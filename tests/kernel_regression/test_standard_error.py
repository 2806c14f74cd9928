"""The error bar of a predicted risk, against the spread over many training sets."""

import functools
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from theodolite.kernel_regression import RidgePath

SPECTRUM = np.arange(1.0, 301) ** -1.5
TRUTH = (-1.0) ** np.arange(300) / np.arange(1.0, 301)
NOISE = 0.3
RIDGES = np.array([1e-4, 1e-2, 1e-1])
DRAWS = 300


@functools.cache
def sampled(per_group: int) -> dict[str, np.ndarray]:
    """Predicted risk, its bar and the true risk of machines on 100 rows in groups, (draws, ridges).

    Features are Gaussian; rows of one group share half of their variance, and half of the noise.
    """
    rng = np.random.default_rng(per_group)
    member, rows = np.arange(100) // per_group, []
    for _ in range(DRAWS):
        own, shared = rng.standard_normal((100, 301)), rng.standard_normal((100, 301))[member]
        both = own if per_group == 1 else np.sqrt(0.5) * (own + shared)
        features, noise = both[:, :300], NOISE * both[:, 300]
        path = RidgePath(
            (features * SPECTRUM) @ features.T, features @ TRUTH + noise, groups=None if per_group == 1 else member
        )
        fitted = [SPECTRUM * (features.T @ path.dual(ridge)[:, 0]) for ridge in RIDGES]
        true = [np.sum((coefficients - TRUTH) ** 2) + NOISE**2 for coefficients in fitted]
        rows.append((path.risk(RIDGES), path.standard_error(RIDGES), true))
    return dict(zip(("predicted", "bar", "true"), np.moveaxis(np.array(rows), 1, 0), strict=True))


@pytest.mark.montecarlo
@pytest.mark.parametrize("per_group", [1, 5])
def test_the_bar_is_at_least_the_spread_and_at_most_two_and_a_half_times_it(per_group: int) -> None:
    """The spread of `DRAWS` draws is known to a share 1 / sqrt(2 DRAWS), times two for heavy tails; four of these."""
    draws = sampled(per_group)
    slack = 4 * 2 / np.sqrt(2 * DRAWS)
    spread = draws["predicted"].std(axis=0)
    ratio = np.sqrt(np.mean(draws["bar"] ** 2, axis=0)) / spread
    assert (ratio >= 1 - slack).all()
    assert (ratio <= 2.5 * (1 + slack)).all()


@pytest.mark.montecarlo
@pytest.mark.parametrize("per_group", [1, 5])
def test_two_bars_around_the_prediction_hold_the_true_risk_in_nine_draws_of_ten(per_group: int) -> None:
    draws = sampled(per_group)
    covered = np.abs(draws["predicted"] - draws["true"]) <= 2 * draws["bar"]
    assert (covered.mean(axis=0) >= 0.9 - 4 * np.sqrt(0.09 / DRAWS)).all()


@pytest.mark.exact
@settings(max_examples=20)
@given(seed=st.integers(0, 999), ridge=st.floats(-4, 1).map(lambda exponent: 10.0**exponent), scale=st.floats(0.1, 10))
def test_the_bar_scales_with_the_risk(criteria: Any, seed: int, ridge: float, scale: float) -> None:
    rng = np.random.default_rng(seed)
    features, y = rng.standard_normal((15, 20)), rng.standard_normal(15)
    gram = features @ features.T
    bar = criteria(gram, y).standard_error(ridge)
    assert bar > 0
    assert criteria(gram, scale * y).standard_error(ridge) == pytest.approx(scale**2 * bar, rel=1e-9)
    assert criteria(scale * gram, y).standard_error(scale * ridge) == pytest.approx(bar, rel=1e-9)


@pytest.mark.montecarlo
@pytest.mark.parametrize("ridge", [1e-4, 1e-1])
def test_for_gaussian_targets_one_part_of_the_bar_is_the_spread_of_kare(ridge: float) -> None:
    """The other part, the spread of left-out residuals, is taken away; 4000 draws know a spread to 1.1 %."""
    rng = np.random.default_rng(0)
    features = rng.standard_normal((30, 40)) * np.arange(1.0, 41) ** -1.0
    gram, targets = features @ features.T, rng.standard_normal((30, 4000))
    inverse = np.linalg.inv(gram / 30 + ridge * np.eye(30))
    values = np.mean((inverse @ targets) ** 2, axis=0) / np.mean(inverse.diagonal()) ** 2
    path = RidgePath(gram, targets[:, 0])
    rows = np.std((inverse @ targets[:, 0] / inverse.diagonal()) ** 2) / np.sqrt(30)
    part = np.sqrt(path.standard_error(ridge) ** 2 - rows**2)
    assert part / path.kare(ridge) == pytest.approx(values.std() / values.mean(), rel=4 * 2 / np.sqrt(2 * 4000))


@pytest.mark.exact
def test_copies_that_are_left_out_together_do_not_shrink_the_bar() -> None:
    """Every row three times is no more evidence than once: the part of the bar that counts groups stays."""
    from theodolite.kernel_regression.standard_error import left_out_spread

    rng = np.random.default_rng(0)
    residuals = rng.standard_normal((1, 30, 1))
    from theodolite.kernel_regression.groups import groups_of

    once = left_out_spread(residuals)
    thrice = np.repeat(residuals, 3, axis=1)
    labels = np.repeat(np.arange(30), 3)
    np.testing.assert_allclose(left_out_spread(thrice, groups_of(labels, 90)), once, rtol=1e-12)
    np.testing.assert_allclose(left_out_spread(thrice), once / np.sqrt(3), rtol=1e-12)
    np.testing.assert_allclose(once, np.std(residuals**2, axis=1)[:, 0] / np.sqrt(30), rtol=1e-12)
