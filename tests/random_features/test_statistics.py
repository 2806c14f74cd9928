"""Sufficient statistics: they add up, they are those of the rows, they name what is wrong."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from theodolite.numerics import NotFinite, ShapeMismatch, TooLarge
from theodolite.random_features.statistics import SufficientStatistics


def rows(n, features=7, targets=2, seed=0):
    random = np.random.default_rng(seed)
    return random.standard_normal((n, features)), random.standard_normal((n, targets)) + 3.0


def assert_same(left, right, rtol=1e-12):
    assert left.rows == right.rows
    np.testing.assert_allclose(left.feature_gram, right.feature_gram, rtol=rtol, atol=1e-11)
    for name in ("cross", "feature_sum", "target_sum", "target_gram"):
        np.testing.assert_allclose(getattr(left, name), getattr(right, name), rtol=rtol, atol=1e-11)


@pytest.mark.exact
def test_they_are_the_sums_over_rows():
    F, Y = rows(50)
    found = SufficientStatistics.of_block(F, Y)
    np.testing.assert_allclose(found.feature_gram, sum(np.outer(f, f) for f in F), atol=1e-12)
    np.testing.assert_allclose(found.cross, sum(np.outer(f, y) for f, y in zip(F, Y, strict=True)), atol=1e-12)
    np.testing.assert_allclose(found.centred_cross, F.T @ (Y - Y.mean(axis=0)), atol=1e-11)
    assert found.centred_energy == pytest.approx(np.sum((Y - Y.mean(axis=0)) ** 2), rel=1e-12)


@given(cuts=st.lists(st.integers(0, 60), max_size=6), seed=st.integers(0, 2**16))
def test_blocks_add_up_in_any_order(cuts, seed):
    F, Y = rows(60, seed=seed)
    edges = [0, *sorted(cuts), 60]
    parts = [SufficientStatistics.of_block(F[a:b], Y[a:b]) for a, b in pairwise(edges)]
    order = np.random.default_rng(seed).permutation(len(parts))
    total = parts[order[0]]
    for place in order[1:]:
        total = total.merge(parts[place])
    assert_same(total, SufficientStatistics.of_block(F, Y))


def test_merging_leaves_both_parts_alone():
    F, Y = rows(20)
    left, right = SufficientStatistics.of_block(F[:9], Y[:9]), SufficientStatistics.of_block(F[9:], Y[9:])
    left.merge(right)
    assert_same(left, SufficientStatistics.of_block(F[:9], Y[:9]))
    assert_same(right, SufficientStatistics.of_block(F[9:], Y[9:]))


def test_blocks_are_added_in_place():
    F, Y = rows(20)
    total = SufficientStatistics.empty(7, 2)
    gram = total.gram
    total.add_block(F[:5], Y[:5]).add_block(np.asfortranarray(F[5:]), Y[5:])
    assert total.gram is gram or np.shares_memory(total.gram, gram)
    assert_same(total, SufficientStatistics.of_block(F, Y))


@pytest.mark.exact
def test_statistics_of_mapped_features_are_those_of_the_mapped_rows():
    F, Y = rows(40)
    W = np.random.default_rng(1).standard_normal((7, 4))
    assert_same(SufficientStatistics.of_block(F, Y).mapped(W), SufficientStatistics.of_block(F @ W, Y))


@pytest.mark.parametrize("what", ["features", "targets"])
def test_a_nan_is_named_with_its_block_and_row_and_nothing_is_added(what):
    F, Y = rows(20)
    total = SufficientStatistics.of_block(F, Y)
    before = total.copy()
    wrong = {"features": F.copy(), "targets": Y.copy()}
    wrong[what][13, 1] = np.nan
    with pytest.raises(NotFinite, match=f"{what} of block 7 hold nan in row 13"):
        total.add_block(wrong["features"], wrong["targets"], number=7)
    assert_same(total, before, rtol=0)


def test_shapes_and_memory_are_refused_by_name():
    F, Y = rows(20)
    total = SufficientStatistics.of_block(F, Y)
    with pytest.raises(ShapeMismatch, match="expected"):
        total.add_block(F[:, :3], Y)
    with pytest.raises(ShapeMismatch, match="one feature map"):
        total.merge(SufficientStatistics.of_block(F[:, :3], Y))
    with pytest.raises(TooLarge, match="fewer features"):
        SufficientStatistics.empty(1000, memory_limit="1MB")
