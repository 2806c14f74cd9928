"""Gradient flow of small students: its law, its ends, and a run that is cut short."""

import json
from pathlib import Path

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from theodolite.landscape import classify, glorot_start, gradient_flow, mlp, polish, squared_cost, train_students
from theodolite.numerics import BadInput, DidNotConverge

GRID = np.array([(x, y) for x in np.linspace(-3, 3, 7) for y in np.linspace(-3, 3, 7)])
TEACHER = mlp([[(0.6, 0.5), (-0.5, 0.5)], [[1.0, -1.0]]], activation="asymmetric")
COST = squared_cost(GRID, TEACHER(GRID), "asymmetric")


@pytest.mark.oracle
def test_the_flow_agrees_with_another_integrator() -> None:
    start = glorot_start(COST, 3, np.random.default_rng(0))
    times = [0.5, 2.0, 10.0]
    found = gradient_flow(COST, start, times, tolerance=1e-9)
    other = solve_ivp(
        lambda _, at: -COST.gradient(at), (0, 10.0), start, method="DOP853", t_eval=times, rtol=1e-11, atol=1e-13
    )
    np.testing.assert_allclose(found, other.y.T, atol=1e-6)


@pytest.mark.exact
def test_the_cost_falls_at_the_squared_gradient() -> None:
    start = glorot_start(COST, 3, np.random.default_rng(1))
    h = 1e-4
    before, after = gradient_flow(COST, start, [1.0 - h, 1.0 + h], tolerance=1e-11)
    at = gradient_flow(COST, start, [1.0], tolerance=1e-11)[0]
    rate = (COST.value(after) - COST.value(before)) / (2 * h)
    assert rate == pytest.approx(-np.sum(COST.gradient(at) ** 2), rel=1e-4)


@pytest.mark.exact
def test_ends_are_told_apart(critical) -> None:
    cost, theta = critical(1)
    assert classify(cost, theta).kind == "plateau"
    start = TEACHER.flat() + 0.01
    assert classify(COST, start).kind == "zero loss"
    hard = mlp(
        [[(0.6, 0.5), (-0.5, 0.5), (-0.2, -0.6), (0.1, -0.6)], [[1.0, -1.0, 1.0, -1.0]]], activation="asymmetric"
    )
    wide = np.array([(x, y) for x in np.linspace(-5, 5, 15) for y in np.linspace(-5, 5, 15)])
    (student,) = train_students(squared_cost(wide, hard(wide), "asymmetric"), 4, [0])
    assert student.kind == "slow channel"  # two neurons with growing opposite outgoing weights
    assert student.cost == pytest.approx(0.010003, abs=1e-6)
    assert student.polished_cost < student.cost
    assert student.largest > 4


@pytest.mark.exact
def test_polishing_never_makes_it_worse() -> None:
    for seed in range(5):
        theta = glorot_start(COST, 2, np.random.default_rng(seed))
        assert COST.value(polish(COST, theta, steps=5)) <= COST.value(theta)
    few = squared_cost(GRID[:3], TEACHER(GRID[:3]), "asymmetric")
    assert few.value(polish(few, glorot_start(few, 4, np.random.default_rng(0)))) < 1e-20


def test_a_run_goes_on_where_it_was(tmp_path: Path) -> None:
    whole = train_students(COST, 2, [0, 1, 2], until=100.0)
    train_students(COST, 2, [0, 1], until=100.0, folder=tmp_path)
    kept = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    told = []
    again = train_students(
        COST, 2, [0, 1, 2], until=100.0, folder=tmp_path, progress=lambda done, total, what: told.append((done, total))
    )
    for one, other in zip(whole, again):
        np.testing.assert_array_equal(one.theta, other.theta)
        np.testing.assert_array_equal(one.polished, other.polished)
        assert (one.kind, one.cost, one.largest) == (other.kind, other.cost, other.largest)
    assert {name: (tmp_path / name).read_bytes() for name in kept} == kept
    assert told == [(0, 3), (1, 3), (2, 3), (3, 3)]


def test_a_folder_of_another_problem_is_refused(tmp_path: Path) -> None:
    train_students(COST, 1, [0], until=1.0, folder=tmp_path)
    with pytest.raises(BadInput, match="another problem"):
        train_students(COST, 1, [0], until=2.0, folder=tmp_path)
    (tmp_path / "width-1-seed-0.json").write_text(json.dumps({"problem": "x"})[:-3])
    with pytest.raises(BadInput, match="damaged"):
        train_students(COST, 1, [0], until=1.0, folder=tmp_path)


def test_times_that_do_not_rise_are_refused(monkeypatch) -> None:
    start = glorot_start(COST, 2, np.random.default_rng(0))
    with pytest.raises(BadInput, match="times must rise"):
        gradient_flow(COST, start, [2.0, 1.0])
    monkeypatch.setattr(type(COST), "gradient", lambda self, at: np.full_like(at, np.nan))
    with pytest.raises(DidNotConverge, match="given up"):
        gradient_flow(COST, start, [1.0])
