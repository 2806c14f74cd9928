"""The typical distance between points."""

import numpy as np
import pytest
from scipy.spatial.distance import pdist

from theodolite.kernels import median_distances
from theodolite.numerics import NotFinite, ShapeMismatch


@pytest.mark.oracle
@pytest.mark.parametrize(("n", "d"), [(2, 1), (31, 4), (120, 7)])
def test_the_medians_are_those_of_all_pairs(n: int, d: int) -> None:
    X = np.random.default_rng(n).standard_normal((n, d)) + 1e3
    expected = np.median(pdist(X)), np.median(pdist(X, "cityblock"))
    np.testing.assert_allclose(median_distances(X), expected, rtol=1e-9)


@pytest.mark.exact
def test_the_unit_of_the_inputs_is_the_unit_of_the_medians() -> None:
    X = np.random.default_rng(0).standard_normal((40, 3))
    np.testing.assert_allclose(median_distances(1e6 * X), 1e6 * np.array(median_distances(X)), rtol=1e-9)


@pytest.mark.montecarlo
def test_of_many_points_a_fixed_sample_is_enough() -> None:
    """The spread of the sample median over many samples gives the error bar; the sample itself never changes."""
    X = np.random.default_rng(1).standard_normal((3000, 2))
    rng = np.random.default_rng(2)
    others = [median_distances(X[rng.permutation(3000)[:500]])[0] for _ in range(30)]
    assert median_distances(X)[0] == pytest.approx(np.mean(others), abs=4.5 * np.std(others))
    assert median_distances(X) == median_distances(X.copy())
    assert median_distances(X, rows=50) != median_distances(X)


def test_mostly_equal_points_are_as_far_as_those_that_differ() -> None:
    assert median_distances([[0.0], [0.0], [0.0], [0.0], [2.0]]) == (2.0, 2.0)
    assert median_distances([[1.0], [1.0]]) == (1.0, 1.0)
    assert median_distances([[1.0]]) == (1.0, 1.0)


def test_what_are_no_points_is_refused() -> None:
    with pytest.raises(NotFinite, match="X holds nan"):
        median_distances([[np.nan], [1.0]])
    with pytest.raises(ShapeMismatch, match="points have shape"):
        median_distances([1.0, 2.0])
