"""The best ridge is the bottom of its criterion, between grid points and at the edges."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from theodolite.kernel_regression import RidgePath
from theodolite.kernels import RBF, Laplace
from theodolite.numerics import BadInput

CRITERIA = ["risk", "kare", "leave_one_out", "leave_one_group_out", "log_marginal_likelihood"]


def path_of(seed: int, noise: float, kernel: Any = Laplace(1.0), rows: int = 40) -> RidgePath:  # noqa: B008
    rng = np.random.default_rng(seed)
    x = rng.uniform(0, 3, (rows, 1))
    y = np.sin(3 * x[:, 0]) + noise * rng.standard_normal(rows)
    return RidgePath(kernel(x), y - y.mean(), groups=np.arange(rows) % 8)


@pytest.mark.exact
@pytest.mark.parametrize("criterion", CRITERIA)
@settings(max_examples=15)
@given(seed=st.integers(0, 999), noise=st.floats(0.01, 1.0))
def test_no_ridge_of_a_dense_grid_is_better(criterion: str, seed: int, noise: float) -> None:
    path = path_of(seed, noise)
    sign = -1.0 if criterion == "log_marginal_likelihood" else 1.0
    loss = lambda ridge: sign * getattr(path, criterion)(ridge)  # noqa: E731
    best, dense = path.best_ridge(criterion), np.geomspace(path.ridges[0], path.ridges[-1], 1500)
    values = loss(dense)
    # two valleys of almost one depth may be confused; within the chosen one the bottom is found
    assert loss(best) <= values.min() + 1e-3 * abs(values.min())
    near = dense[np.abs(np.log(dense / best)) < 0.3]
    # the risk has a kink where KARE meets leave-one-out, and the search stops within a thousandth of log ridge
    assert loss(best) <= loss(near).min() + 1e-4 * abs(loss(best))


@pytest.mark.exact
def test_the_bottom_is_not_a_point_of_the_grid() -> None:
    path = path_of(0, 0.3)
    best = path.best_ridge()
    assert np.abs(np.log(path.ridges / best)).min() > 1e-3
    assert path.risk(best) < path.risk(path.ridges).min()


@pytest.mark.exact
def test_pure_noise_wants_the_largest_ridge() -> None:
    rng = np.random.default_rng(3)
    path = RidgePath(
        RBF(1e-3)(np.linspace(0, 1, 30)[:, None]), np.tile([1.0, -1.0], 15) + 0.01 * rng.standard_normal(30)
    )
    assert path.best_ridge() == pytest.approx(path.ridges[-1], rel=2e-3)
    assert path.ridges[-1] == pytest.approx(10 * path.mean_diagonal)


@pytest.mark.exact
def test_a_function_the_kernel_knows_wants_the_smallest_ridge() -> None:
    x = np.linspace(0, 1, 30)[:, None]
    gram = RBF(1.0)(x)
    path = RidgePath(gram, gram @ np.ones(30))
    assert path.best_ridge("kare") == pytest.approx(path.ridges[0], rel=2e-3)


@pytest.mark.exact
def test_the_best_ridge_follows_the_unit_of_the_kernel() -> None:
    rng = np.random.default_rng(1)
    x = rng.uniform(0, 3, (40, 1))
    gram, y = Laplace(1.0)(x), np.sin(3 * x[:, 0]) + 0.3 * rng.standard_normal(40)
    best = RidgePath(gram, y).best_ridge()
    for scale in (1e-20, 1e-6, 1e6, 1e20):
        assert RidgePath(scale * gram, y).best_ridge() == pytest.approx(scale * best, rel=2e-3)
        assert RidgePath(gram, scale * y).best_ridge() == pytest.approx(best, rel=2e-3)


def test_the_grid_lies_above_round_off_of_the_numbers_given() -> None:
    gram = Laplace(1.0)(np.linspace(0, 3, 50)[:, None])
    double, single = RidgePath(gram, np.ones(50)), RidgePath(gram.astype(np.float32), np.ones(50))
    for path, eps in ((double, 2.0**-52), (single, 2.0**-23)):
        assert path.smallest_sound_ridge == pytest.approx(10 * eps * path.eigenvalues[0], rel=1e-6)
        assert path.ridges[0] >= path.smallest_sound_ridge * (1 - 1e-9)
    assert single.ridges[0] > double.ridges[0]


@pytest.mark.parametrize("criterion", ["loo", "", "training_error"])
def test_what_is_no_criterion_is_named_with_those_that_are(criterion: str) -> None:
    with pytest.raises(BadInput, match=r"no criterion is called .*; known: risk, kare, leave_one_out"):
        path_of(0, 0.1).best_ridge(criterion)


def test_groups_are_asked_for_when_they_are_needed(criteria: Any) -> None:
    path = criteria(np.eye(4), np.ones(4))
    with pytest.raises(BadInput, match="leave_one_group_out needs groups: give one label a row"):
        path.leave_one_group_out(0.1)
