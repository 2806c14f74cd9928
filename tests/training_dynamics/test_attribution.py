"""The decrease of a loss, layer by layer."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from theodolite.architectures import Dense, Tanh
from theodolite.finite_width import network
from theodolite.numerics.errors import BadInput, NotFinite, ShapeMismatch
from theodolite.training_dynamics import LayerAttribution, attributed, contributions_of


@pytest.fixture(scope="module")
def problem():
    rng = np.random.default_rng(0)
    net = network(Dense() >> Tanh() >> Dense(bias_std=0.1) >> Tanh() >> Dense(), width=8)
    X, Z = rng.normal(size=(2, 20, 3))
    with jax.enable_x64(True):
        params = net.init(jax.random.key(0), (3,), jnp.float64)

    def error(inputs):
        targets = np.sin(inputs[:, :1])
        return lambda params: jnp.mean((net.apply(params, inputs) - targets) ** 2) / 2

    return params, error(X), error(Z)


def trained(problem, optimiser, steps, every, frozen=None):
    """Follow a training with a book, updated every few steps; in float64."""
    params, error, held_out = problem
    with jax.enable_x64(True):
        book, state = LayerAttribution(held_out, params), optimiser.init(params)

        @jax.jit
        def step(params, state):
            gradient = jax.grad(error)(params)
            if frozen:
                gradient = {**gradient, frozen: jax.tree.map(jnp.zeros_like, gradient[frozen])}
            updates, state = optimiser.update(gradient, state, params)
            return optax.apply_updates(params, updates), state

        for done in range(1, steps + 1):
            params, state = step(params, state)
            if done % every == 0:
                book.update(params)
    return book, state


@pytest.mark.exact
def test_contributions_add_up_to_the_decrease_and_the_rest_falls_with_the_square_of_the_step(problem):
    books = [trained(problem, optax.sgd(0.1), 64, every)[0] for every in (8, 4)]
    assert books[1].closure_error < 1e-2
    assert 2.5 < books[0].closure_error / books[1].closure_error < 6
    assert set(books[0].contributions) == {"0_dense", "2_dense", "4_dense"}
    assert sum(books[1].contributions.values()) == pytest.approx(float(books[1].decrease), rel=1e-2)


@pytest.mark.exact
@pytest.mark.parametrize("optimiser", [optax.adam(0.01), optax.sgd(0.05, momentum=0.9), optax.adamw(0.01)])
def test_any_optimiser_closes(problem, optimiser):
    assert trained(problem, optimiser, 40, 1)[0].closure_error < 2e-3


@pytest.mark.exact
def test_a_frozen_layer_contributes_nothing(problem):
    contributions = trained(problem, optax.sgd(0.1), 10, 1, frozen="2_dense")[0].contributions
    assert contributions["2_dense"] == 0.0
    assert contributions["4_dense"] != 0.0


@pytest.mark.exact
def test_a_quadratic_loss_closes_exactly_whatever_the_steps():
    with jax.enable_x64(True):
        A = np.array([[2.0, 1.0], [1.0, 3.0]])
        start = {"x": jnp.array([1.0]), "y": jnp.array([-2.0])}
        at = lambda p: jnp.concatenate([p["x"], p["y"]])  # noqa: E731
        book = LayerAttribution(lambda p: at(p) @ A @ at(p), start)
        book.update({"x": jnp.array([0.5]), "y": jnp.array([4.0])})
        book.update({"x": jnp.array([-3.0]), "y": jnp.array([0.0])})
        assert book.closure_error < 1e-14
        # gradient by x: 2 (2 x + y) = 0, 10, -12 at the three points; means 5 and -1 on steps of -0.5 and -3.5
        assert book.contributions["x"] == pytest.approx(5 * 0.5 - 1 * 3.5)


@pytest.mark.exact
def test_the_optimiser_that_keeps_the_book_is_the_same_optimiser_and_the_same_book(problem):
    held_out = problem[2]
    plain, _ = trained(problem, optax.adam(0.01), 12, 3)
    other, state = trained(problem, attributed(optax.adam(0.01), held_out, every=3), 12, 3)
    with jax.enable_x64(True):
        found, closure = contributions_of(state, held_out)
    assert other.contributions == plain.contributions
    assert found == pytest.approx({name: float(part) for name, part in plain.contributions.items()}, rel=1e-12)
    assert closure == pytest.approx(plain.closure_error, rel=1e-6)


@pytest.mark.exact
def test_several_losses_are_booked_at_once(problem):
    params, error, held_out = problem
    with jax.enable_x64(True):
        both = LayerAttribution(lambda p: jnp.stack([error(p), held_out(p)]), params)
        alone = LayerAttribution(held_out, params)
        moved = jax.tree.map(lambda leaf: 0.99 * leaf, params)
        both.update(moved)
        alone.update(moved)
    for name, part in both.contributions.items():
        assert part[1] == pytest.approx(float(alone.contributions[name]), rel=1e-12)


def test_misuse_is_refused(problem):
    params, error, _ = problem
    with jax.enable_x64(True):
        book = LayerAttribution(error, params)
        with pytest.raises(ShapeMismatch, match="changed their shape"):
            book.update({**params, "0_dense": {"weight": jnp.zeros((4, 8))}})
        with pytest.raises(NotFinite, match="diverged"):
            book.update(jax.tree.map(lambda leaf: leaf * np.nan, params))
        with pytest.raises(ShapeMismatch, match="vector of losses"):
            LayerAttribution(lambda p: p["0_dense"]["weight"], params)
        tool = attributed(optax.sgd(0.1), error)
        with pytest.raises(BadInput, match="keeps a book"):
            tool.update(params, tool.init(params))
