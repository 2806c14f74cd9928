"""Fluctuations over initial weights and their power laws, by loops, known laws and a network of one hidden layer."""

import jax
import numpy as np
import pytest

from theodolite.architectures import Relu, balanced
from theodolite.finite_width import network, tangent_kernel
from theodolite.numerics.errors import BadInput, NotFinite, ShapeMismatch
from theodolite.training_dynamics import fit_power_law, fluctuation


@pytest.mark.exact
def test_it_is_the_root_mean_distance_of_pairs_and_its_error_that_of_leaving_out_each() -> None:
    """sum_{a < b} |f_a - f_b|^2 / (n (n - 1)) needs no mean; the jackknife is written as a loop."""
    f = np.random.default_rng(0).standard_normal((7, 11)) + 0.5

    def by_pairs(g: np.ndarray) -> float:
        n = len(g)
        return np.sqrt(sum(np.mean((g[a] - g[b]) ** 2) for a in range(n) for b in range(a)) / (n * (n - 1)))

    def relative(g: np.ndarray) -> float:
        return by_pairs(g) / np.sqrt(np.mean(g.mean(0) ** 2))

    found = fluctuation(f)
    for value, error, of in (
        (found.norm, found.standard_error, by_pairs),
        (found.relative, found.relative_standard_error, relative),
    ):
        left_out = np.array([of(np.delete(f, i, axis=0)) for i in range(7)])
        np.testing.assert_allclose(value, of(f), rtol=1e-12)
        np.testing.assert_allclose(error, np.sqrt(6 / 7 * np.sum((left_out - left_out.mean()) ** 2)), rtol=1e-10)


@pytest.mark.montecarlo
def test_few_members_are_not_biased_and_the_error_bar_is_right() -> None:
    """Three members each time: without n / (n - 1) the square would be 2/3. Twelve: spread against error."""
    rng = np.random.default_rng(1)
    squares = np.array([fluctuation(rng.standard_normal((3, 20))).norm ** 2 for _ in range(1000)])
    assert abs(squares.mean() - 1) < 4.5 * squares.std() / np.sqrt(1000)
    tied = rng.standard_normal((500, 12, 1)) * np.ones(5)  # all points move together: one degree of freedom a member
    found = [fluctuation(f) for f in tied]
    assert np.mean([one.standard_error for one in found]) == pytest.approx(np.std([one.norm for one in found]), rel=0.2)


@pytest.mark.montecarlo
def test_the_tangent_kernel_of_one_hidden_layer_has_variance_inverse_to_the_width() -> None:
    """It is a mean over independent neurons, at any width: the ratio of two fluctuations is exactly known."""
    X = np.random.default_rng(2).standard_normal((4, 3)).astype(np.float32)
    found = []
    for width in (4, 36):
        f = network(balanced(Relu(), 2), width)
        keys = jax.random.split(jax.random.key(width), 200)
        found.append(fluctuation(np.stack([tangent_kernel(f, f.init(key, (3,)), X) for key in keys])))
    narrow, wide = found
    error = 3 * np.hypot(narrow.standard_error / narrow.norm, wide.standard_error / wide.norm)
    assert abs(narrow.norm / wide.norm - 3) < 4.5 * error
    assert error < 0.4


@pytest.mark.oracle
def test_a_power_law_is_a_weighted_line_in_logarithms() -> None:
    x = np.array([1.0, 3.0, 10.0, 40.0])
    y = 2.0 * x**-0.3 * np.array([1.05, 0.93, 1.0, 1.1])
    bars = y * np.array([0.03, 0.06, 0.02, 0.05])
    (slope, height), covariance = np.polyfit(np.log(x), np.log(y), 1, w=y / bars, cov="unscaled")
    law = fit_power_law(x, y, bars)
    chi = np.sqrt(np.sum(((np.log(y) - height - slope * np.log(x)) * y / bars) ** 2) / 2)
    np.testing.assert_allclose([law.slope, np.log(law.amplitude), law.chi], [slope, height, chi], rtol=1e-10)
    np.testing.assert_allclose(law.standard_error, np.sqrt(covariance[0, 0]) * chi, rtol=1e-10)
    assert chi > 1
    calm = fit_power_law(x, y, 100 * bars)
    np.testing.assert_allclose(calm.standard_error, 100 * np.sqrt(covariance[0, 0]), rtol=1e-10)  # never made smaller


@pytest.mark.montecarlo
def test_the_error_of_a_slope_covers_the_truth() -> None:
    rng = np.random.default_rng(4)
    x = np.geomspace(10, 1000, 5)
    laws = [fit_power_law(x, x**-0.25 * np.exp(0.05 * rng.standard_normal(5)), 0.05 * x**-0.25) for _ in range(500)]
    covered = np.mean([abs(law.slope + 0.25) < 2 * law.standard_error for law in laws])
    assert covered > 0.93


def test_bad_input_is_refused() -> None:
    with pytest.raises(ShapeMismatch, match="at least 3 members"):
        fluctuation(np.ones((2, 5)))
    with pytest.raises(NotFinite):
        fluctuation(np.full((3, 2), np.nan))
    with pytest.raises(BadInput, match="positive finite"):
        fit_power_law(np.array([1.0, 2.0]), np.array([1.0, -1.0]), np.array([1.0, 1.0]))
    with pytest.raises(ShapeMismatch, match="equal vectors"):
        fit_power_law(np.array([1.0, 1.0]), np.array([1.0, 2.0]), np.array([1.0, 1.0]))
