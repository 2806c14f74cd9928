"""Landscape cases notice a wrong count, a wrong inertia, a path that is none, and a pace that is exponential."""

import dataclasses
from typing import Any

import numpy as np
import pytest

from theodolite.experiments import Bench, Key
from theodolite.experiments.cases import landscape_connectivity, landscape_counts, landscape_duplication
from theodolite.experiments.cases.landscape_degenerate_pace import _median
from theodolite.experiments.teachers import teacher
from theodolite.landscape import Connection, connect, count_minima, duplication_inertia


def verdicts(module: Any) -> dict[str, str]:
    case = module.CASE
    measured = case.run(case.smoke, Key(0), Bench())
    return {check.name: check.verdict for check in case.checks(case.smoke, measured)}


def noticed_by(module: Any, monkeypatch: pytest.MonkeyPatch, attribute: str, wrong: object) -> set[str]:
    """Checks that hold, and do not once something is wrong."""
    before = verdicts(module)
    monkeypatch.setattr(module, attribute, wrong)
    return {check for check, verdict in verdicts(module).items() if before[check] == "holds" and verdict == "fails"}


def test_a_wrong_count_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    def wrong(r, m):
        return count_minima(r, m) + (m > r + 1)

    noticed = noticed_by(landscape_counts, monkeypatch, "count_minima", wrong)
    assert "counts G and T that differ from a list of them" in noticed


def test_a_wrong_inertia_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    def mirrored(cost, theta, neuron, shares, tolerance):
        return duplication_inertia(cost, theta, neuron, (0.5,) * 2 + (0.0,) * (len(shares) - 2), tolerance=tolerance)

    noticed = noticed_by(landscape_duplication, monkeypatch, "duplication_inertia", mirrored)
    assert noticed


def test_a_path_that_changes_the_function_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    def straight(a, b, X, loss, points) -> Connection:
        found = connect(a, b, X, loss, points=points)
        return dataclasses.replace(found, deviation=float(np.ptp(found.straight_loss)))

    noticed = noticed_by(landscape_connectivity, monkeypatch, "connect", straight)
    assert noticed == {"|f - f at start| over the largest output along the path, worst order"}


@pytest.mark.montecarlo
def test_the_interval_of_the_median_covers_it() -> None:
    """95 % of intervals, at least 92 % of 400: four standard errors of the share are 4.4 %, and the ends are exact."""
    rng = np.random.default_rng(0)
    hits = sum(abs(value) <= half for value, half in (_median(rng.standard_normal(25)) for _ in range(400)))
    assert hits >= 0.92 * 400
    assert _median(np.array([1.0, 2.0]))[1] >= 1.0


def test_a_teacher_has_no_cost_and_the_hard_one_another_than_the_easy() -> None:
    for name in ("hard", "easy"):
        network, cost = teacher(name, 5)
        assert cost.value(network.flat()) == 0.0
        assert network.widths == (4,)
    assert teacher("hard", 5).cost.value(teacher("easy", 5).network.flat()) > 0.1
