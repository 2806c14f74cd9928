"""Critical subspaces: where the gradient vanishes, where it does not, and the inertia of the wide Hessian."""

import numpy as np
import pytest

from theodolite.landscape import (
    duplicated,
    duplication_block,
    duplication_curvature,
    duplication_inertia,
    inertia,
    mlp,
    nullity,
    random_expansion,
    squared_cost,
    widen_silently,
)
from theodolite.landscape.inertia import Inertia
from theodolite.numerics import BadInput

pytestmark = pytest.mark.exact
SHARES = [(-0.5, 1.5), (0.3, 0.7), (0.7, 0.3), (1.5, -0.5), (0.5, 0.8, -0.3), (0.2, 0.3, 0.5), (0.0, 1.0)]


def random_shares(rng: np.random.Generator) -> np.ndarray:
    shares = rng.uniform(-1.5, 1.5, int(rng.integers(2, 5)))
    shares[-1] = 1 - shares[:-1].sum()
    return shares


@pytest.mark.parametrize("outputs", [1, 2])
@pytest.mark.parametrize("shares", SHARES)
def test_scalar_splits_of_a_critical_point_are_critical_with_the_same_cost(critical, outputs, shares) -> None:
    cost, theta = critical(outputs)
    wide = duplicated(cost, theta, 0, shares)
    assert cost.value(wide) == pytest.approx(cost.value(theta), rel=1e-13)
    assert np.abs(cost.gradient(wide)).max() < 1e-12


def test_vector_splits_and_silent_neurons_are_not_critical_off_the_zero_loss_set(critical) -> None:
    """Both keep the function; only scalar splits keep the gradient zero."""
    cost, theta = critical(2)
    rng = np.random.default_rng(0)
    w, a = cost.parts(theta)
    part = rng.standard_normal(2)
    vector = np.concatenate([w.ravel(), w.ravel(), np.column_stack([a[:, 0] - part, part]).ravel()])
    silent = widen_silently(cost.network(theta), 2, rng, scale=3.0).flat()
    for wide in (vector, silent):
        assert cost.value(wide) == pytest.approx(cost.value(theta), rel=1e-12)
        assert np.abs(cost.gradient(wide)).max() > 0.1


@pytest.mark.parametrize("outputs", [1, 2])
def test_the_inertia_of_the_wide_hessian_follows_from_the_narrow_network(critical, outputs: int) -> None:
    cost, theta = critical(outputs)
    rng = np.random.default_rng(4)
    seen = set()
    for shares in [*SHARES, *(random_shares(rng) for _ in range(30))]:
        dense = inertia(cost.hessian(duplicated(cost, theta, 0, shares)), tolerance=1e-10)
        assert duplication_inertia(cost, theta, 0, shares) == dense, shares
        seen.add(dense)
    assert len(seen) > 1


def test_with_one_output_the_block_is_the_curvature_times_the_shares(critical) -> None:
    """beta (1 - beta) U and one zero for two copies; (diag beta - beta beta') off its kernel, times U, for more."""
    cost, theta = critical(1)
    curved = inertia(duplication_curvature(cost, theta, 0))
    assert curved.negative + curved.positive > 0
    for beta in (-0.5, 0.3, 1.5):
        sign = np.sign(beta * (1 - beta))
        found = duplication_inertia(cost, theta, 0, (beta, 1 - beta))
        narrow = inertia(cost.hessian(theta))
        turned = inertia(sign * duplication_curvature(cost, theta, 0))
        assert found == Inertia(*(n + t + z for n, t, z in zip(narrow, turned, (0, 1, 0))))
    beta = np.array([0.5, 0.8, -0.3])
    weights = inertia(np.diag(beta) - np.outer(beta, beta))
    block = inertia(np.where(abs(full := duplication_block(cost, theta, 0, beta)) < 1e-12, 0, full))
    assert block.negative == weights.negative * curved.positive + weights.positive * curved.negative
    assert block.zero == 2


def test_at_the_ends_of_the_line_there_are_more_zeros(critical) -> None:
    cost, theta = critical(1)
    inside, end = (duplication_inertia(cost, theta, 0, (beta, 1 - beta)) for beta in (0.3, 0.0))
    assert end.zero == inside.zero + 2


def test_no_critical_point_is_refused(critical) -> None:
    cost, theta = critical(1)
    with pytest.raises(BadInput, match=r"no critical point.*landscape.polish"):
        duplication_inertia(cost, theta + 0.1, 0, (0.5, 0.5))
    with pytest.raises(BadInput, match="do not add up to 1"):
        duplicated(cost, theta, 0, (0.5, 0.6))
    with pytest.raises(BadInput, match="no neuron 1"):
        duplicated(cost, theta, 1, (0.5, 0.5))


def test_inertia_of_small_matrices() -> None:
    assert inertia([[-2.0]]) == (1, 0, 0)
    assert inertia(np.zeros((0, 0))) == (0, 0, 0)
    turn = np.linalg.qr(np.random.default_rng(0).standard_normal((5, 5)))[0]
    assert inertia(turn @ np.diag([-1, 0, 0, 1e-12, 3]) @ turn.T) == (1, 3, 1)


@pytest.mark.parametrize(
    ("labels", "copies", "silent"),
    [
        ((0, 1, 2), [1, 1, 1], []),
        ((0, 0, 1, 2), [2, 1, 1], []),
        ((0, 0, 0, 1, 2), [3, 1, 1], []),
        ((0, 1, 2, 3), [1, 1, 1], [1]),
        ((0, 1, 2, 3, 3), [1, 1, 1], [2]),
        ((0, 0, 1, 2, 3, 3, 3), [2, 1, 1], [3]),
    ],
)
def test_the_nullity_at_zero_loss(labels, copies, silent) -> None:
    rng = np.random.default_rng(5)
    X = rng.standard_normal((200, 2))
    w, a = rng.standard_normal((4, 2)), np.array([1.0, -2.0, 1.5, 0.0])
    cost = squared_cost(X, mlp([w[:3], a[None, :3]], activation="asymmetric")(X), "asymmetric")
    places = np.array(labels)
    sent = rng.uniform(0.5, 1.0, len(places))
    for label in set(labels):
        last = np.flatnonzero(places == label)[-1]
        sent[last] += a[label] - sent[places == label].sum()
    theta = np.concatenate([w[places].ravel(), sent])
    assert cost.value(theta) < 1e-28
    assert inertia(cost.hessian(theta), tolerance=1e-10) == (
        0,
        nullity(copies, silent, 2),
        len(theta) - nullity(copies, silent, 2),
    )


def test_every_expansion_of_a_minimum_has_zero_gradient() -> None:
    rng = np.random.default_rng(6)
    X = rng.standard_normal((50, 2))
    teacher = mlp([rng.standard_normal((3, 2)), rng.standard_normal((2, 3))], activation="asymmetric")
    cost = squared_cost(X, teacher(X), "asymmetric")
    for _ in range(10):
        assert np.abs(cost.gradient(random_expansion(teacher, 6, rng).flat())).max() < 1e-12


def test_halves_stay_equal_in_training_and_other_shares_part() -> None:
    rng = np.random.default_rng(7)
    X = rng.standard_normal((40, 2))
    cost = squared_cost(X, np.sin(X.sum(1)), "asymmetric")
    start = rng.standard_normal(9)
    for share, stays in ((0.5, True), (0.3, False)):
        theta = duplicated(cost, start, 1, (1 - share, share))
        for _ in range(100):
            theta = theta - 0.1 * cost.gradient(theta)
        w, a = cost.parts(theta)
        gap = np.abs(w[1] - w[3]).max()
        assert (gap < 1e-13 and abs(a[0, 1] - a[0, 3]) < 1e-13) == stays
        assert stays or gap > 1e-3
