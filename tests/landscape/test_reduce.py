"""Smaller networks: what was widened is found again, what is no copy stays, and nothing is taken on trust."""

import importlib

import numpy as np
import pytest

from theodolite.landscape import (
    NONLINEARITIES,
    Mlp,
    aligned,
    match,
    mlp,
    normalised,
    outputs_and_jacobian,
    random_expansion,
    reduce,
    split_neuron,
    squared_cost,
    widen,
    widen_silently,
)
from theodolite.landscape.jacobian import jacobian_products
from theodolite.numerics import BadInput, ShapeMismatch

X = np.random.default_rng(0).standard_normal((80, 3))


def same_up_to_order(one: Mlp, other: Mlp, atol: float = 1e-8) -> bool:
    return one.widths == other.widths and bool(
        np.allclose(aligned(one, match(one, other)).flat(), other.flat(), atol=atol)
    )


@pytest.mark.exact
@pytest.mark.parametrize("activation", NONLINEARITIES)
@pytest.mark.parametrize("biased", [True, False])
def test_wider_networks_compute_the_same(net, activation: str, biased: bool) -> None:
    rng = np.random.default_rng(1)
    old = net(3, 4, 5, 2, activation=activation, biased=biased)
    for made in (widen, widen_silently, random_expansion):
        wide = made(old, [7, 6], rng)
        assert wide.widths == (7, 6)
        np.testing.assert_allclose(wide(X), old(X), atol=1e-12 * np.abs(old(X)).max() * 10)
    silent = widen_silently(old, [7, 6], rng)
    assert not silent.outgoing(0)[4:, :5].any()
    assert not silent.outgoing(1)[5:].any()


@pytest.mark.exact
@pytest.mark.parametrize("seed", range(50))
def test_reduce_undoes_expansions(net, seed: int) -> None:
    """Copies with random shares, silent groups, random orders; one or two hidden layers, every kind of symmetry."""
    rng = np.random.default_rng(seed)
    activation = ("asymmetric", "tanh", "softplus", "gelu")[seed % 4]
    sizes = (3, 4, 2) if seed % 2 else (3, 3, 4, 1)
    old = net(*sizes, seed=seed, activation=activation, biased=seed % 3 > 0)
    wide = random_expansion(old, [width + int(rng.integers(1, 6)) for width in old.widths], rng)
    found = reduce(wide, X)
    assert found.accepted
    assert found.after < 1e-12
    assert same_up_to_order(found.network, old)
    assert found.removed == sum(wide.widths) - sum(old.widths)
    assert sum(one.copies + one.silent + one.constant + one.inactive for one in found.layers) == found.removed


@pytest.mark.exact
def test_neurons_with_both_signs_turned_are_copies_for_odd_activations_only(net) -> None:
    for activation, kept in (("tanh", 4), ("softplus", 5)):
        old = net(3, 4, 2, activation=activation)
        wide = split_neuron(old, 0, 1, (0.4, 0.6))
        incoming, outgoing = wide.incoming(0), wide.outgoing(0)
        incoming[-1] *= -1
        outgoing[-1] *= -1
        assert reduce(wide.with_layer(0, incoming, outgoing), X).network.widths == (kept,)


@pytest.mark.exact
def test_factors_do_not_hide_copies_in_relu_networks(net) -> None:
    old = net(3, 4, 2, activation="relu")
    wide = split_neuron(old, 0, 1, (0.4, 0.6))
    incoming, outgoing = wide.incoming(0), wide.outgoing(0)
    incoming[-1] *= 5.0
    outgoing[-1] /= 5.0
    found = reduce(wide.with_layer(0, incoming, outgoing), X)
    assert found.layers[0].copies == 1
    assert same_up_to_order(found.network, normalised(old))
    np.testing.assert_allclose(np.linalg.norm(normalised(old).incoming(0), axis=1), 1.0)
    np.testing.assert_allclose(normalised(old)(X), old(X), atol=1e-12)
    assert normalised(net(3, 4, 2, activation="tanh")).flat().tolist() == net(3, 4, 2).flat().tolist()


@pytest.mark.exact
def test_dead_neurons_are_told_apart(net) -> None:
    old = net(3, 5, 2, activation="relu")
    incoming, outgoing = old.incoming(0), old.outgoing(0)
    outgoing[0] = 0.0  # silent
    incoming[1, :3] = 0.0  # constant, its value goes to the bias
    incoming[1, 3] = 2.0
    incoming[2] = [0.0, 0.0, 1e-3, -50.0]  # never active
    dead = old.with_layer(0, incoming, outgoing)
    found = reduce(dead, X)
    layer = found.layers[0]
    assert (layer.kept, layer.copies, layer.silent, layer.constant, layer.inactive) == (2, 0, 1, 1, 1)
    np.testing.assert_allclose(found.network(X), dead(X), atol=1e-12)
    merged = reduce(dead, X, refit=False)  # the value of the constant neuron is not left to the refit
    assert merged.removed == 3
    assert merged.after < 1e-14
    assert reduce(dead, X, inactive=False).layers[0].kept == 3
    unbiased = mlp([old.weights[0], old.weights[1]], [incoming[:, 3], None], "tanh")
    unbiased = unbiased.with_layer(0, incoming, old.outgoing(0))
    assert reduce(unbiased, X).layers[0].constant == 0  # no bias that could take the value


@pytest.mark.exact
def test_nothing_is_taken_from_a_network_without_copies(net) -> None:
    old = net(3, 6, 5, 2)
    found = reduce(old, X)
    assert (found.removed, found.accepted, found.network) == (0, True, old)


@pytest.mark.exact
def test_neighbours_that_are_no_copies_are_kept(net) -> None:
    """A loose tolerance finds them alike; the smaller network does not do the same, and is refused."""
    old = net(3, 4, 1, activation="softplus")
    incoming, outgoing = old.incoming(0), old.outgoing(0)
    incoming[0] = incoming[1] * 1.3
    outgoing[:2] = [[4.0], [-4.0]]
    near = old.with_layer(0, incoming, outgoing)
    found = reduce(near, X, tolerance=0.5)
    assert not found.accepted
    assert found.network is near


@pytest.mark.exact
def test_copies_that_training_left_apart_are_merged_and_refitted() -> None:
    rng = np.random.default_rng(8)
    teacher = mlp([rng.standard_normal((3, 3)), rng.standard_normal((1, 3))], activation="asymmetric")
    cost = squared_cost(X, teacher(X), "asymmetric")
    wide = random_expansion(teacher, 4, rng)
    student = wide.unflat(wide.flat() + 1e-3 * rng.standard_normal(wide.parameters))
    assert cost.value(student.flat()) > 1e-8
    found = reduce(student, X, teacher(X), tolerance=0.05)
    assert (found.network.widths, found.refitted) == ((3,), True)
    assert found.after < 1e-24
    assert same_up_to_order(found.network, teacher, 1e-7)
    kept = reduce(student, X, tolerance=1e-7)
    assert kept.removed == 0


def test_what_does_not_fit_is_refused(net) -> None:
    old = net(3, 4, 2)
    rng = np.random.default_rng(0)
    with pytest.raises(ShapeMismatch, match="targets have shape"):
        reduce(old, X, np.ones(len(X)))
    with pytest.raises(BadInput, match="tolerance must be positive"):
        reduce(old, X, tolerance=0.0)
    with pytest.raises(BadInput, match="to make it narrower use reduce"):
        widen(old, 3, rng)
    with pytest.raises(ShapeMismatch, match="2 widths came for 1 hidden"):
        widen(old, [5, 5], rng)
    with pytest.raises(BadInput, match="no hidden layer 1"):
        split_neuron(old, 1, 0, (0.5, 0.5))
    with pytest.raises(BadInput, match="finite number"):
        widen(old, 5, rng, split=float("nan"))


@pytest.mark.exact
def test_a_refit_on_some_of_many_rows_is_judged_on_all(net, monkeypatch) -> None:
    module = importlib.import_module("theodolite.landscape.reduce")
    rng = np.random.default_rng(9)
    old = net(3, 4, 1, activation="softplus")
    wide = random_expansion(old, 6, rng)
    near = wide.unflat(wide.flat() + 1e-5 * rng.standard_normal(wide.parameters))
    many = rng.standard_normal((3000, 3))
    monkeypatch.setattr(module, "LARGEST_JACOBIAN", 100.0)
    sizes = []
    monkeypatch.setattr(module, "levenberg_marquardt", lambda r, j, at, steps: sizes.append(len(r(at))) or at)
    found = module.reduce(near, many, old(many), tolerance=1e-3, accept=1e-8)
    assert found.network.widths == (4,)
    assert sizes == [2 * found.network.parameters]
    assert found.after == pytest.approx(np.sum((found.network(many) - old(many)) ** 2) / 6000)


@pytest.mark.exact
@pytest.mark.parametrize("outputs", [1, 2])
def test_products_are_those_of_the_jacobian(net, outputs: int) -> None:
    rng = np.random.default_rng(10)
    for biased in (True, False):
        network = net(3, 4, 5, outputs, biased=biased, activation="softplus")
        values, J = outputs_and_jacobian(network, X)
        again, along, back = jacobian_products(network, X)
        v, u = rng.standard_normal(J.shape[1]), rng.standard_normal(len(J))
        np.testing.assert_array_equal(again, values)
        np.testing.assert_allclose(along(v), J @ v, atol=1e-12)
        np.testing.assert_allclose(back(u), J.T @ u, atol=1e-12)


@pytest.mark.exact
def test_networks_of_many_parameters_are_refitted_without_their_jacobian(net, monkeypatch) -> None:
    """The same student as the Jacobian itself refits, and the same narrow network."""
    module = importlib.import_module("theodolite.landscape.reduce")
    rng = np.random.default_rng(8)
    teacher = net(3, 3, 3, 2, activation="softplus")
    wide = random_expansion(teacher, 5, rng)
    student = wide.unflat(wide.flat() + 1e-3 * rng.standard_normal(wide.parameters))
    dense = module.reduce(student, X, teacher(X), tolerance=0.05, accept=1e-18)
    monkeypatch.setattr(module, "MOST_DENSE", 10)
    monkeypatch.setattr(module, "outputs_and_jacobian", None)
    found = module.reduce(student, X, teacher(X), tolerance=0.05, accept=1e-17)
    assert (found.network.widths, found.refitted, dense.network.widths) == ((3, 3), True, (3, 3))
    assert found.after < 1e-17
    assert same_up_to_order(found.network, teacher, 1e-3)
    assert module.reduce(wide, X).refitted is False  # merging alone does
