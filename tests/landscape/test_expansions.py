"""Two wide networks that are one narrow one: joined by segments on which the function stays, from bit to bit."""

import itertools
import math

import numpy as np
import pytest

from theodolite.landscape import (
    Mlp,
    collapsed,
    connect,
    enumerate_pieces,
    expansion_path,
    mlp,
    path_segments,
    random_expansion,
    symmetry_path,
    with_spares,
)
from theodolite.landscape.schedule import rounds

X = np.random.default_rng(0).standard_normal((30, 3))


def worst_along(path, network: Mlp, X: np.ndarray = X) -> float:
    """The largest change of the outputs on every segment, over their largest size."""
    wanted, gap = network(X), 0.0
    for one, other in itertools.pairwise(path.vertices()):
        start, end = one.flat(), other.flat()
        for share in (0.1, 0.5, 0.8, 1.0):
            gap = max(gap, np.abs(one.unflat(start + share * (end - start))(X) - wanted).max())
    return gap / np.abs(wanted).max()


@pytest.mark.exact
@pytest.mark.parametrize("seed", range(12))
def test_any_two_expansions_of_a_network_are_joined(net, seed: int) -> None:
    """Copies with any shares, silent groups, random orders, signs or factors; one to three hidden layers."""
    rng = np.random.default_rng(seed)
    activation = ("asymmetric", "tanh", "relu", "gelu")[seed % 4]
    sizes = ((3, 4, 2), (3, 3, 4, 1), (3, 3, 2, 3, 2))[seed % 3]
    narrow = net(*sizes, seed=seed, activation=activation, biased=seed % 2 == 0)
    widths = [width + int(rng.integers(1, 4)) for width in narrow.widths]
    one, other = (disguised(random_expansion(narrow, widths, rng), rng) for _ in range(2))
    found = connect(one, other, X)
    assert found.narrow == narrow.widths
    assert not found.permutation
    assert found.deviation < 1e-12
    corners = list(found.path.vertices())
    assert len(corners) == found.segments + 1
    assert (corners[0].widths, corners[-1].widths) == (one.widths, one.widths)  # no neuron had to be added
    assert np.array_equal(corners[0].flat(), one.flat())
    assert np.array_equal(corners[-1].flat(), other.flat())
    assert worst_along(found.path, one) < 1e-12
    assert found.loss[-1] < 1e-20 < found.straight_barrier


def disguised(network: Mlp, rng: np.random.Generator) -> Mlp:
    """Other signs or factors of every hidden neuron, where the activation allows them."""
    for layer, width in enumerate(network.widths):
        factors = np.ones((width, 1))
        if network.activation.homogeneous:
            factors = rng.uniform(0.3, 3.0, (width, 1))
        elif network.activation.odd:
            factors = rng.choice([-1.0, 1.0], (width, 1))
        network = network.with_layer(layer, factors * network.incoming(layer), network.outgoing(layer) / factors)
    return network


@pytest.mark.exact
def test_one_spare_neuron_joins_every_piece_with_every_other() -> None:
    """A random point of each of the twelve pieces of r = 2, m = 3, and all pairs of them."""
    rng = np.random.default_rng(3)
    w, a = rng.standard_normal((2, 3)), rng.standard_normal((1, 2))
    narrow, points = mlp([w, a], activation="asymmetric"), []
    for labels in enumerate_pieces(2, 3):
        own = np.concatenate([w, rng.standard_normal((1, 3))])
        sums, sent = np.append(a[0], 0.0), rng.standard_normal(3)
        for label in set(labels):
            members = np.flatnonzero(np.array(labels) == label)
            sent[members[-1]] = sums[label] - sent[members[:-1]].sum()
        points.append(mlp([own[list(labels)], sent[None]], activation="asymmetric"))
    assert len(points) == 12
    for one, other in itertools.combinations(points, 2):
        path = expansion_path(one, other)
        assert path is not None
        assert worst_along(path, narrow) < 1e-12
        corners = list(path.vertices())
        assert np.array_equal(corners[-1].flat(), other.flat())
        assert corners[0].widths == (3,)


@pytest.mark.exact
def test_the_smallest_case_has_three_segments() -> None:
    """One neuron and a silent one change places: m = 2, r = 1, the picture of the paper."""
    one = mlp([[[1.0], [5.0]], [[2.0, 0.0]]], activation="softplus")
    other = mlp([[[7.0], [1.0]], [[0.0, 2.0]]], activation="softplus")
    path = expansion_path(one, other)
    assert path is not None
    assert (path.segments, worst_along(path, one, X[:, :1]) < 1e-14) == (3, True)


@pytest.mark.exact
def test_a_collapse_leaves_the_narrow_network_and_nothing_else(net) -> None:
    narrow = net(3, 3, 4, 2, activation="gelu")
    wide = random_expansion(narrow, (6, 7), np.random.default_rng(4))
    found = collapsed(wide)
    assert found.widths == narrow.widths
    np.testing.assert_allclose(found.core(X), narrow(X), atol=1e-12)
    last = found.corners[-1]
    for layer, places in enumerate(found.live):
        assert not np.delete(last.outgoing(layer), places, axis=0).any()
    assert len(collapsed(narrow).corners) == 1
    unfed = mlp([[[0.0], [1.0]], [[2.0, 3.0]]], [[0.5, 0.0], [0.1]], "softplus")  # a constant goes to the bias
    assert collapsed(unfed).widths == (1,)
    np.testing.assert_allclose(collapsed(unfed).core([[0.3]]), unfed([[0.3]]), rtol=1e-14)


@pytest.mark.exact
def test_networks_with_other_functions_are_not_called_one(net) -> None:
    rng = np.random.default_rng(5)
    one, other = (random_expansion(net(3, 4, 2, seed=seed), 6, rng) for seed in (1, 2))
    found = connect(one, other, X)
    assert found.narrow is None
    assert not found.whole
    assert found.residual > 0.1
    narrower = random_expansion(net(3, 3, 2, seed=1), 6, rng)
    assert expansion_path(one, narrower) is None
    path = expansion_path(one, other)
    assert path is not None
    assert path.distance > 0.1


@pytest.mark.exact
@pytest.mark.parametrize("spares", [1, 2, 3, 5, 9])
def test_rounds_are_legal_and_few(spares: int) -> None:
    """Every move leaves an occupied place for one that is free when the round begins, and all arrive."""
    rng = np.random.default_rng(spares)
    for n in (2, 3, 5, 9):
        sources = rng.permutation(n + spares)[:n].tolist()
        targets = rng.permutation(n + spares)[:n].tolist()
        free = sorted(set(range(n + spares)) - set(sources))
        at = dict(enumerate(sources))
        found = rounds(sources, targets, free, turned=[0])
        for moves in found:
            assert 0 < len(moves) <= spares
            assert {place for _, _, place in moves} <= set(range(n + spares)) - set(at.values())
            assert all(at[i] == before for i, before, _ in moves)
            at |= {i: after for i, _, after in moves}
        assert [at[i] for i in range(n)] == targets
        assert any(i == 0 for moves in found for i, _, _ in moves)
        if spares >= n:
            assert len(found) <= 2
    cycle = [*range(1, 12), 0]
    assert len(rounds(cycle, range(12), range(12, 12 + spares))) == 1 + math.ceil(12 / spares)


@pytest.mark.exact
@pytest.mark.parametrize("spares", [2, 3, 6])
def test_several_spares_shorten_the_path_and_keep_the_function(net, spares: int) -> None:
    rng = np.random.default_rng(6)
    network = net(3, 6, 5, 2)
    orders = [rng.permutation(width) for width in network.widths]
    path = symmetry_path(network, orders, [[-1.0, 1, 1, 1, 1, 1], [1.0] * 5], spares=spares)
    assert worst_along(path, network) < 1e-12
    plain = symmetry_path(network, orders, spares=spares)
    assert plain.segments == sum(path_segments(order, spares=spares) for order in orders)
    assert plain.segments < sum(path_segments(order) for order in orders)
    wanted = with_spares(network.permuted(orders), spares=spares)
    assert list(plain.vertices())[-1].flat().tobytes() == wanted.flat().tobytes()
    if spares == 6:
        assert plain.segments == 10  # two rounds of two segments and one to end with, for each layer
