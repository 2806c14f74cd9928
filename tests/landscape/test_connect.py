"""Paths: constant to the round-off, as long as said, ending in the permuted network bit for bit."""

import importlib
import itertools

import numpy as np
import pytest

from theodolite.landscape import (
    Mlp,
    aligned,
    between,
    connect,
    match,
    mlp,
    path_segments,
    symmetry_path,
    with_spares,
)
from theodolite.landscape.matching import Match
from theodolite.numerics import BadInput, NotFinite, ShapeMismatch

X = np.random.default_rng(0).standard_normal((40, 3))
pytestmark = pytest.mark.exact


def worst_along(path, network: Mlp) -> float:
    """The largest change of the outputs on every segment, over their largest size."""
    wanted = network(X)
    corners = list(path.vertices())
    gap = 0.0
    for one, other in itertools.pairwise(corners):
        for share in (0.0, 0.2, 0.5, 0.9, 1.0):
            gap = max(gap, np.abs(between(one, other, share)(X) - wanted).max())
    return gap / np.abs(wanted).max()


@pytest.mark.parametrize("sizes", [(3, 4, 1), (3, 5, 2), (3, 6, 1), (3, 6, 5, 2), (3, 4, 4, 4, 1)])
@pytest.mark.parametrize("activation", ["asymmetric", "relu", "tanh"])
def test_the_function_is_constant_and_the_end_exact(net, sizes: tuple[int, ...], activation: str) -> None:
    network = net(*sizes, activation=activation)
    rng = np.random.default_rng(1)
    orders = [rng.permutation(width) for width in network.widths]
    path = symmetry_path(network, orders)
    assert worst_along(path, network) < 1e-12
    corners = list(path.vertices())
    assert len(corners) == path.segments + 1
    assert path.segments == sum(path_segments(order) for order in orders)
    wanted = with_spares(network.permuted(orders))
    assert corners[-1].flat().tobytes() == wanted.flat().tobytes()
    assert corners[0].flat().tobytes() == with_spares(network).flat().tobytes()


def test_all_orders_of_four_neurons(net) -> None:
    network = net(3, 4, 1)
    for order in itertools.permutations(range(4)):
        path = symmetry_path(network, [order])
        assert path.segments == path_segments(order)
        last = list(path.vertices())[-1]
        assert last.flat().tobytes() == with_spares(network.permuted([order])).flat().tobytes()


def test_segments_of_cycles() -> None:
    assert [path_segments(order) for order in ([0], [1, 0], [1, 2, 0], [1, 0, 3, 2])] == [0, 7, 9, 13]
    with pytest.raises(BadInput, match="each number 0 to 1 once"):
        path_segments([0, 2])


def test_signs_and_factors_travel_with_the_neurons(net) -> None:
    rng = np.random.default_rng(2)
    for activation, factors in (("tanh", [[-1.0, 1.0, -1.0, 1.0]]), ("relu", [rng.uniform(0.2, 5.0, 4)])):
        network = net(3, 4, 2, activation=activation)
        path = symmetry_path(network, [[0, 2, 1, 3]], factors)
        assert worst_along(path, network) < 1e-12
        wanted = with_spares(aligned(network, Match((np.array([0, 2, 1, 3]),), (np.asarray(factors[0]),))))
        np.testing.assert_allclose(list(path.vertices())[-1].flat(), wanted.flat(), rtol=1e-14)
    with pytest.raises(BadInput, match="changes the function"):
        symmetry_path(net(3, 2, 1, activation="softplus"), [[0, 1]], [[-1.0, 1.0]])
    with pytest.raises(BadInput, match="changes the function"):
        symmetry_path(net(3, 2, 1, activation="tanh"), [[0, 1]], [[2.0, 1.0]])
    with pytest.raises(BadInput, match="changes the function"):
        symmetry_path(net(3, 2, 1, activation="relu"), [[0, 1]], [[-1.0, 1.0]])


@pytest.mark.parametrize("activation", ["tanh", "relu", "gelu"])
def test_a_permuted_network_is_matched_whatever_its_signs_and_scales(net, activation: str) -> None:
    rng = np.random.default_rng(3)
    network = net(3, 9, 8, 2, activation=activation)
    orders = tuple(rng.permutation(width) for width in network.widths)
    factors = tuple(np.ones(width) for width in network.widths)
    if activation == "tanh":
        factors = tuple(rng.choice([-1.0, 1.0], width) for width in network.widths)
    if activation == "relu":
        factors = tuple(rng.uniform(0.1, 9.0, width) for width in network.widths)
    other = aligned(network, Match(orders, factors))
    found = match(network, other)
    for mine, theirs in zip((*found.orders, *found.factors), (*orders, *factors)):
        np.testing.assert_allclose(mine, theirs, rtol=1e-12)
    connection = connect(network, other, X)
    assert connection.deviation < 1e-12
    assert connection.distance < 1e-14
    assert connection.residual < 1e-12
    assert connection.barrier < 1e-20 < connection.straight_barrier


def test_different_networks_are_connected_as_far_as_symmetry_goes(net) -> None:
    one, other = net(3, 6, 2, seed=1), net(3, 6, 2, seed=2)
    targets = one(X)
    found = connect(one, other, X, lambda outputs: float(np.mean((outputs - targets) ** 2)), points=3)
    assert found.deviation < 1e-12
    assert found.distance > 0.1
    assert found.loss[-1] == pytest.approx(np.mean((other(X) - targets) ** 2))
    assert len(found.position) == 3 * found.segments + 61
    assert np.all(np.diff(found.position) > 0)
    np.testing.assert_allclose(found.straight_loss[[0, -1]], found.loss[[0, -1]], atol=1e-15)
    nearer = np.linalg.norm(aligned(one, found.match).flat() - other.flat())
    assert nearer < np.linalg.norm(one.flat() - other.flat())


def test_matching_is_the_best_of_all_orders(net) -> None:
    """One hidden layer: one assignment solves it, so trying all orders finds nothing nearer."""
    one, other = (net(2, 5, 1, seed=seed, activation="softplus") for seed in (1, 2))
    nearest = min(
        np.linalg.norm(one.permuted([order]).flat() - other.flat()) for order in itertools.permutations(range(5))
    )
    assert np.linalg.norm(aligned(one, match(one, other)).flat() - other.flat()) == pytest.approx(nearest)


def test_different_architectures_are_refused(net) -> None:
    for other in (net(3, 5, 1), net(3, 4, 1, biased=False), net(3, 4, 1, activation="relu")):
        with pytest.raises(ShapeMismatch, match="the networks differ"):
            connect(net(3, 4, 1), other, X)
    with pytest.raises(ShapeMismatch, match=r"expected \(rows, 3\)"):
        connect(net(3, 4, 1), net(3, 4, 1), X[:, :2])
    with pytest.raises(NotFinite, match="X holds"):
        connect(net(3, 4, 1), net(3, 4, 1), X * np.inf)
    with pytest.raises(ShapeMismatch, match="1 permutations came for 2"):
        net(3, 4, 4, 1).permuted([[0, 1, 2, 3]])
    with pytest.raises(BadInput, match="0 orders came for 1"):
        symmetry_path(mlp([[[1.0]], [[1.0]]]), [])


def test_layers_are_matched_in_turn_when_later_ones_are_louder(net) -> None:
    """What comes after a layer says nothing until it is in order itself."""
    quiet = net(3, 14, 14, 14, 2, activation="softplus")
    network = mlp([w * 30.0**place for place, w in enumerate(quiet.weights)], quiet.biases, "softplus")
    rng = np.random.default_rng(5)
    orders = [rng.permutation(width) for width in network.widths]
    found = match(network, network.permuted(orders))
    assert [order.tolist() for order in found.orders] == [order.tolist() for order in orders]


def test_the_certificate_tells_of_a_path_that_changes_the_function(net, monkeypatch) -> None:
    module = importlib.import_module("theodolite.landscape.connect")
    turned = Match((np.arange(4),), (np.array([-1.0, 1.0, 1.0, 1.0]),))
    monkeypatch.setattr("theodolite.landscape.path._allowed", lambda *_: None)
    monkeypatch.setattr(module, "match", lambda a, b: turned)
    monkeypatch.setattr(module, "expansion_path", lambda a, b, spares: None)
    network = net(3, 4, 2, activation="relu")
    assert module.connect(network, network, X).deviation > 0.01
