"""The verdict on a predicted risk: it holds its peace on independent rows and speaks where they are not."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from theodolite.kernel_regression import RidgePath, copies, trust
from theodolite.kernel_regression.trust import DO_NOT_TRUST, TRUSTED, Trust, clusters, sorted_by_target
from theodolite.kernels import RBF, Laplace
from theodolite.numerics import ShapeMismatch


def verdict(points: np.ndarray, y: np.ndarray, ridge: float | None = None, groups: np.ndarray | None = None) -> Trust:
    gram = RBF(2.0 * points.shape[1])(points)
    path = RidgePath(gram, y - y.mean(), groups=groups)
    return trust(path, ridge or path.best_ridge(), gram)


def clean(seed: int, rows: int = 200) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    points = rng.standard_normal((rows, 3))
    return points, np.sin(points[:, 0]) + 0.5 * points[:, 1] + 0.3 * rng.standard_normal(rows)


@pytest.mark.montecarlo
def test_independent_rows_are_rarely_suspected() -> None:
    verdicts = [verdict(*clean(seed)) for seed in range(40)]
    assert sum(v.verdict == TRUSTED for v in verdicts) >= 36
    assert all(v.verdict != DO_NOT_TRUST for v in verdicts)


def test_repeated_rows_are_found_out_and_groups_put_them_right() -> None:
    rng = np.random.default_rng(0)
    subject = np.repeat(np.arange(40), 5)
    points = rng.standard_normal((40, 3))[subject] + 0.01 * rng.standard_normal((200, 3))
    y = rng.standard_normal(40)[subject] + 0.1 * rng.standard_normal(200)
    order = rng.permutation(200)
    found = verdict(points[order], y[order])
    assert found.verdict == DO_NOT_TRUST
    assert any("rows come in tight clusters; with whole clusters left out the error is" in r for r in found.reasons)
    told = verdict(points[order], y[order], groups=subject[order])
    assert not any("clusters" in reason for reason in told.reasons)


def test_clusters_that_make_the_error_a_few_times_larger_are_a_doubt() -> None:
    rng = np.random.default_rng(0)
    subject = rng.permutation(np.repeat(np.arange(40), 5))
    points = rng.standard_normal((200, 3))[subject] + 0.01 * rng.standard_normal((200, 3))
    y = 0.3 * rng.standard_normal(200)[subject] + 0.5 * rng.standard_normal(200)
    assert any("rows come in tight clusters" in reason for reason in verdict(points, y).reasons)
    alone = rng.standard_normal(200)  # nothing is shared but the place
    assert not any("rows come in tight clusters" in reason for reason in verdict(points, alone).reasons)


@pytest.mark.parametrize("seed", [0, 1])
def test_gaps_that_only_large_blocks_leave_are_found_out(seed: int) -> None:
    """Rows along a circle: a tenth left out is bridged by what stands on either side, a fifth is not."""
    angle = np.arange(200) / 200 * 2 * np.pi
    points = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    rng = np.random.default_rng(seed)
    y = np.sin(angle) + 0.2 * rng.standard_normal(200)
    mixed = rng.permutation(200)
    for order, doubted in ((np.arange(200), True), (mixed, False)):
        gram = Laplace(3.0)(points[order])
        path = RidgePath(gram, y[order])
        reasons = trust(path, path.best_ridge(), gram).reasons
        assert any("with blocks of 40 rows left out" in reason for reason in reasons) == doubted
        assert not any("with blocks of 20 rows left out" in reason for reason in reasons)


def test_consecutive_rows_that_resemble_each_other_are_found_out() -> None:
    """A slow drift in time that inputs can follow and new times cannot."""
    rng = np.random.default_rng(1)
    time = np.linspace(0, 1, 300)
    points = np.stack([20 * time, rng.standard_normal(300)], axis=1)
    y = np.cumsum(rng.standard_normal(300)) / 5
    found = verdict(points, y)
    assert any("consecutive rows resemble each other" in reason for reason in found.reasons)
    shuffled = rng.permutation(300)
    assert not any("consecutive" in reason for reason in verdict(points[shuffled], y[shuffled]).reasons)


def test_few_rows_are_called_few() -> None:
    found = verdict(*clean(3, rows=15))
    assert any("15 rows are few" in reason for reason in found.reasons)


def test_one_row_that_carries_the_error_is_named() -> None:
    points, y = clean(4)
    y[17] += 40.0
    found = verdict(points, y)
    assert any("one row in a hundred carries" in reason for reason in found.reasons)
    assert found.verdict == DO_NOT_TRUST


def test_the_edge_of_round_off_is_named() -> None:
    points, y = clean(5)
    gram = Laplace(1.0)(points)
    path = RidgePath(gram, y)
    found = trust(path, path.smallest_sound_ridge, gram)
    assert any("edge of round-off" in reason for reason in found.reasons)
    assert not any("edge of round-off" in reason for reason in trust(path, 0.01, gram).reasons)


def test_targets_of_zeros_are_judged_without_a_division() -> None:
    points, _ = clean(6)
    with np.errstate(all="raise"):
        assert verdict(points, np.zeros(200), ridge=0.1).verdict in ("trusted", "doubtful", "do not trust")


@pytest.mark.exact
@settings(max_examples=30)
@given(seed=st.integers(0, 999), rows=st.integers(2, 40), distinct=st.integers(1, 40))
def test_copies_are_the_rows_that_are_equal(seed: int, rows: int, distinct: int) -> None:
    rng = np.random.default_rng(seed)
    pool = rng.standard_normal((distinct, 3))
    points = pool[rng.integers(0, distinct, rows)]
    labels, equal = copies(points), (points[:, None] == points[None]).all(axis=2)
    different = len(np.unique(points, axis=0))
    if different in (1, rows):
        assert labels is None
    else:
        assert labels is not None
        np.testing.assert_array_equal(labels[:, None] == labels[None], equal)


def test_copies_are_of_points() -> None:
    with pytest.raises(ShapeMismatch, match=r"X has shape \(3,\)"):
        copies(np.ones(3))


@pytest.mark.exact
def test_clusters_are_rows_joined_by_short_distances() -> None:
    centres = np.repeat(np.stack([10.0 * np.arange(50), np.zeros(50)], axis=1), 2, axis=0)
    points = centres + 1e-3 * np.random.default_rng(0).standard_normal((100, 2))
    labels = clusters(RBF(100.0)(points))
    assert labels is not None
    np.testing.assert_array_equal(labels[:, None] == labels[None], centres[:, None, 0] == centres[None, :, 0])
    assert clusters(RBF(100.0)(centres[::2])) is None  # no two rows are close
    assert clusters(np.ones((60, 60)) + 1e-9 * np.eye(60)) is None  # all in one: merely dense


@pytest.mark.exact
@pytest.mark.parametrize(
    ("targets", "expected"),
    [
        ([1.0, 2.0, 2.0, 3.0], True),
        ([3.0, 2.0, 1.0, 1.0], True),
        ([1.0, 3.0, 2.0, 4.0], False),
        ([0.0, 0.0, 1.0, 1.0], True),
        ([0.0, 1.0, 0.0, 1.0], False),
        ([2.0, 2.0, 2.0, 0.0, 0.0, 1.0, 1.0, 1.0], True),  # each class in one run, in any order
    ],
)
def test_rows_sorted_by_their_target_are_recognised(targets: list[float], expected: bool) -> None:
    assert sorted_by_target(np.array(targets)[:, None]) is expected
    one_hot = (np.array(targets)[:, None] == np.unique(targets)).astype(float)
    if len(np.unique(targets)) < len(targets):
        assert sorted_by_target(one_hot) is expected
