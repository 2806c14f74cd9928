"""What a run will take, told before it starts."""

import dataclasses
import itertools
from pathlib import Path

import pytest

from theodolite.experiments import Outlook, Store, all_cases, durations, outlook, run_case
from theodolite.experiments.outlook import longest_first, shared_out
from theodolite.numerics.errors import BadInput


@pytest.fixture
def toys(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    import toy_cases

    return toy_cases.TOY, toy_cases.SLOW, toy_cases.THREADS


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(durations, "SEEN", {"toy-means": (60.0, 2.0), "toy-slow": (100.0, 3.0)})


def test_stored_cases_are_counted_out_and_untimed_ones_named(seen: None, toys, tmp_path) -> None:
    toy, slow, untimed = toys
    store = Store(tmp_path)
    assert outlook([toy, slow, untimed], "full", store) == Outlook(3, 0, 160.0, 1)
    assert outlook([toy, slow], "full", store, jobs=2) == Outlook(2, 0, 100.0, 0)
    run_case(toy, "smoke", store)
    assert outlook([toy, slow], "smoke", store) == Outlook(2, 1, 3.0, 0)
    assert outlook([toy, slow], "smoke", store, seed=1) == Outlook(2, 0, 5.0, 0)
    assert outlook([toy, slow], "smoke", store, again=True) == Outlook(2, 0, 5.0, 0)
    assert outlook([toy, slow], "full", store) == Outlook(2, 0, 160.0, 0)
    changed = dataclasses.replace(toy, revision=2)
    assert outlook([changed], "smoke", store) == Outlook(1, 0, 2.0, 0)
    with pytest.raises(BadInput, match="seed"):
        outlook([toy], "full", store, seed=-1)


def test_the_longest_start_first_and_untimed_ones_before_them(seen: None, toys) -> None:
    toy, slow, untimed = toys
    assert longest_first([toy, slow, untimed], "full") == [2, 1, 0]


def test_no_sharing_out_beats_its_two_bounds_and_it_is_near_the_best() -> None:
    times = [5.0, 3.0, 3.0, 2.0, 2.0, 1.0]
    best = min(
        max(sum(t for t, worker in zip(times, share, strict=True) if worker == w) for w in range(2))
        for share in itertools.product(range(2), repeat=len(times))
    )
    assert best <= shared_out(times, 2) <= 7 / 6 * best
    assert shared_out(times, 9) == 5.0


def test_every_time_is_of_a_case_that_exists_and_none_is_absurd() -> None:
    names = {case.name for case in all_cases()}
    assert set(durations.SEEN) <= names
    assert all(0 < smoke < 120 and 0 < full < 6 * 3600 for full, smoke in durations.SEEN.values())
