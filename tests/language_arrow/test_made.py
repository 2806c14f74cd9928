"""MADE: blind to what comes later, exactly; its law adds up; it learns what a table says it can."""

import itertools

import numpy as np
import pytest

from theodolite.language_arrow import made
from theodolite.language_arrow.linear_language import language_of
from theodolite.numerics.errors import BadInput, ShapeMismatch

SHAPES = (made.Made(6, 3, 5), made.Made(6, 2, 5), made.Made(6, 4, 5, first=2))


def doubled(params: made.MadeParams) -> made.MadeParams:
    """The same weights in float64."""
    return made.MadeParams(*(part.astype(np.float64) for part in params))


@pytest.mark.exact
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_each_place_sees_what_is_before_it_and_nothing_else(shape: made.Made) -> None:
    rng = np.random.default_rng(0)
    params = made.init(shape, rng)
    params = params._replace(out_bias=rng.standard_normal(params.out_bias.shape).astype(np.float32))
    strings = rng.integers(0, shape.alphabet, (20, shape.length))
    for k in range(shape.length):
        other = strings.copy()
        other[:, k] = (other[:, k] + 1) % shape.alphabet
        moved = np.abs(made.losses(shape, params, other) - made.losses(shape, params, strings)).max(0)
        earlier = max(k - shape.first, 0)
        assert np.all(moved[:earlier] == 0)
        assert np.all(moved[earlier:] > 0)


@pytest.mark.exact
@pytest.mark.parametrize("shape", SHAPES[:2], ids=str)
def test_the_law_adds_up_and_backward_conditionals_multiply_to_it(shape: made.Made) -> None:
    v, n = shape.alphabet, shape.length
    every = np.array(list(itertools.product(range(v), repeat=n)))
    params = doubled(made.init(shape, np.random.default_rng(1)))
    nats = made.losses(shape, params, every)
    law = np.exp(-nats.sum(1)).reshape((v,) * n)
    assert law.sum() == pytest.approx(1.0, abs=1e-12)
    backward = np.zeros(len(every))
    for k in range(n):  # P(x_k | x_{k+1} ..) by summing out what is before
        whole, part = law.sum(tuple(range(k))), law.sum(tuple(range(k + 1)))
        backward -= np.log(whole[tuple(every[:, k:].T)] / part[tuple(every[:, k + 1 :].T)])
    np.testing.assert_allclose(backward, nats.sum(1), atol=1e-12)


@pytest.mark.oracle
def test_training_on_a_table_with_ties_reaches_its_entropy() -> None:
    table = np.array([[0, 0, 1], [1, 1, 0], [2, 2, 2], [2, 2, 2]], dtype=np.int32)
    shape = made.Made(3, 3, 16)
    start = made.init(shape, np.random.default_rng(2))
    trained = made.train(shape, start, made.draw_rows, table, 200, seed=0, learning_rate=2e-2, batch=64)
    found = made.evaluate(shape, trained.params, table)
    share = np.array([0.25, 0.25, 0.5])
    assert found[:, 0].mean() == pytest.approx(-np.sum(share * np.log(share)), abs=0.02)
    assert np.all(found[:, 1:].mean(0) < 0.02)
    again = made.train(shape, start, made.draw_rows, table, 200, seed=0, learning_rate=2e-2, batch=64)
    np.testing.assert_array_equal(trained.losses, again.losses)
    assert made.loss_per_string(shape, found).mean() == pytest.approx(found.sum() / 4)


@pytest.mark.exact
def test_strings_drawn_for_both_directions_are_the_same_words_of_the_language() -> None:
    import jax

    language = language_of(np.triu(np.ones((4, 4))))
    matrix = language.matrix.astype(np.float32)
    forward = np.asarray(made.draw_linear(jax.random.key(0), matrix, 50))
    backward = np.asarray(made.draw_linear_backward(jax.random.key(0), matrix, 50))
    np.testing.assert_array_equal(forward[:, ::-1], backward)
    np.testing.assert_array_equal(forward[:, 4:], forward[:, :4] @ language.matrix.T.astype(int) % 2)
    assert 0.3 < forward[:, :4].mean() < 0.7


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(BadInput, match="alphabet"):
        made.Made(4, 1)
    with pytest.raises(BadInput, match="place"):
        made.Made(4, 2, first=4)
    shape = SHAPES[0]
    params = made.init(shape, np.random.default_rng(0))
    with pytest.raises(ShapeMismatch, match=r"\(count, 6\)"):
        made.losses(shape, params, np.zeros((3, 5), dtype=int))
    with pytest.raises(ShapeMismatch, match="places"):
        made.loss_per_string(shape, np.zeros((3, 2)))
