"""Which rows are trained on and which are measured on."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from theodolite.cli import survey_data
from theodolite.cli.survey_data import Rows


def _rows(targets: np.ndarray, groups: np.ndarray | None = None) -> Rows:
    return Rows(pd.DataFrame({"x": np.arange(len(targets))}), pd.Series(targets), groups)


@given(n=st.integers(20, 200), share=st.floats(0.1, 0.9), seed=st.integers(0, 99))
@settings(max_examples=50, deadline=None)
def test_every_row_is_kept_or_held_out(n: int, share: float, seed: int) -> None:
    kept, held = survey_data._split(_rows(np.arange(n)), share, "regression", seed)
    assert sorted([*kept, *held]) == list(range(n))
    assert len(held) == round(share * n)


@given(seed=st.integers(0, 99), share=st.sampled_from([0.2, 0.3, 0.5]))
@settings(max_examples=30, deadline=None)
def test_classes_keep_their_shares(seed: int, share: float) -> None:
    labels = np.repeat(["a", "b", "c"], [100, 40, 10])
    _, held = survey_data._split(_rows(labels), share, "classification", seed)
    counts = pd.Series(labels[held]).value_counts()
    for label, size in (("a", 100), ("b", 40), ("c", 10)):
        assert abs(counts[label] - share * size) <= 1


@given(seed=st.integers(0, 99), sizes=st.lists(st.integers(1, 20), min_size=2, max_size=15))
@settings(max_examples=50, deadline=None)
def test_no_group_is_on_both_sides(seed: int, sizes: list[int]) -> None:
    groups = np.repeat(np.arange(len(sizes)), sizes)
    n = len(groups)
    if n < 10:
        return
    kept, held = survey_data._split(_rows(np.arange(n), groups), 0.3, "regression", seed)
    assert len(kept)
    assert len(held)
    assert not set(groups[kept]) & set(groups[held])
    assert len(kept) + len(held) == n


def test_the_draw_depends_on_the_seed_only() -> None:
    rows = _rows(np.arange(50))
    first, again, other = (survey_data._split(rows, 0.2, "regression", seed)[1] for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert set(first) != set(other)


@pytest.mark.parametrize("task", ["regression", "classification"])
def test_the_split_mixes_the_order_of_the_rows(task: str) -> None:
    """A file sorted by its target must not hand its end to the holdout."""
    labels = np.repeat([0, 1], 100)
    _, held = survey_data._split(_rows(labels), 0.3, task, 0)
    # hypergeometric: 60 of 200 drawn, mean 30 from either half, standard deviation 3.25; four of them
    assert abs(np.sum(held < 100) - 30) < 13
    assert abs(np.mean(np.diff(held)) - 200 / 60) < 1


def test_held_out_rows_of_a_class_without_training_rows_are_not_measured() -> None:
    pd.DataFrame({"x": range(40), "y": ["rare"] + ["a", "b", "c"] * 13}).to_csv("t.csv", index=False)
    found = survey_data.gathered(
        "t.csv", target="y", task="auto", groups=None, test=None, holdout=0.8, memory_limit=None, seed=0
    )
    assert found.holdout is not None
    assert set(found.holdout.targets) <= set(found.training.targets)
    if "rare" not in set(found.training.targets):
        assert "'rare'" in found.notes[-1]
    assert len(found.training) + len(found.holdout) + (found.notes[-1].count("'rare'")) == 40
