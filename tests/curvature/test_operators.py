"""H, I and S by products: against matrices written down, in blocks, by layers, in single precision, for scipy."""

import functools

import jax
import numpy as np
import pytest
from scipy.sparse.linalg import eigsh

from theodolite import curvature
from theodolite.numerics import memory
from theodolite.numerics.errors import BadInput, ShapeMismatch, TooLarge

from . import small

OPERATORS = {"hessian": curvature.hessian, "gauss_newton": curvature.gauss_newton, "residual": curvature.residual}
LOSSES = {
    "mse": ("mse", small.Y, small.squared),
    "cross_entropy": ("cross_entropy", small.LABELS, small.softmax),
    "own": (small.cubic, small.Y, small.cubed),
}


@functools.cache
def posed(name: str, block: int | None = None) -> curvature.Problem:
    loss, targets, _ = LOSSES[name]
    return curvature.problem(loss, small.network, small.PARAMS, (small.X, targets), block=block)


@functools.cache
def truth(name: str) -> dict[str, np.ndarray]:
    return small.written_down(LOSSES[name][2])


@functools.cache
def dense(name: str, part: str) -> np.ndarray:
    return OPERATORS[part](posed(name)).dense()


@pytest.mark.oracle
@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("part", OPERATORS)
def test_dense_forms_are_those_written_down(name: str, part: str) -> None:
    found = dense(name, part)
    assert found.dtype == np.float64  # while JAX is in 32-bit mode
    assert not jax.config.jax_enable_x64
    assert np.array_equal(found, found.T)
    np.testing.assert_allclose(found, truth(name)[part], atol=1e-13 * np.abs(truth(name)["hessian"]).max())


@pytest.mark.oracle
def test_gradient_slopes_and_gram_are_those_written_down() -> None:
    own = posed("mse")
    np.testing.assert_allclose(own.gradient, truth("mse")["gradient"], atol=1e-14)
    outputs = np.asarray(small.network(small.PARAMS, small.X), np.float64)
    np.testing.assert_allclose(own.slopes, (outputs - small.Y) / 7, atol=1e-6)
    np.testing.assert_allclose(curvature.jacobian_gram(own), truth("mse")["gram"], rtol=1e-12, atol=1e-12)
    from_function = curvature.jacobian_gram(small.network, small.PARAMS, small.X)
    np.testing.assert_allclose(from_function, truth("mse")["gram"], rtol=1e-12, atol=1e-12)


@pytest.mark.exact
@pytest.mark.parametrize("name", LOSSES)
def test_the_hessian_is_the_sum_of_its_parts(name: str, rng: np.random.Generator) -> None:
    vectors = rng.standard_normal((small.P, 3))
    whole, ours, rest = (OPERATORS[part](posed(name)) @ vectors for part in OPERATORS)
    assert np.abs(whole - ours - rest).max() <= 1e-12 * np.abs(whole).max()


@pytest.mark.exact
def test_the_residual_vanishes_where_the_data_are_fitted() -> None:
    with jax.enable_x64(True):
        fitted = np.asarray(small.network(small.PARAMS, small.X))
    own = curvature.problem("mse", small.network, small.PARAMS, (small.X, fitted))
    assert np.abs(curvature.residual(own).dense()).max() < 1e-14


@pytest.mark.exact
def test_blocks_of_data_do_not_change_the_products(rng: np.random.Generator) -> None:
    vector = rng.standard_normal(small.P)
    for part, make in OPERATORS.items():
        np.testing.assert_allclose(make(posed("own", 3)) @ vector, dense("own", part) @ vector, rtol=1e-12, atol=1e-12)


@pytest.mark.exact
def test_fixed_batches_weigh_by_their_rows(rng: np.random.Generator) -> None:
    batches = [(small.X[:2], small.Y[:2]), (small.X[2:], small.Y[2:])]
    found = curvature.hessian("mse", small.network, small.PARAMS, batches)
    vector = rng.standard_normal(small.P)
    np.testing.assert_allclose(found @ vector, dense("mse", "hessian") @ vector, atol=1e-14)
    np.testing.assert_allclose(curvature.jacobian_gram(found.problem), truth("mse")["gram"], atol=1e-12)


@pytest.mark.exact
def test_what_is_not_kept_is_computed_again(monkeypatch: pytest.MonkeyPatch, rng: np.random.Generator) -> None:
    monkeypatch.setattr("theodolite.curvature.operators.HELD_SHARE", 0.0)
    vectors = rng.standard_normal((small.P, 9))
    found = curvature.gauss_newton(posed("mse"))
    assert found._held is None
    np.testing.assert_allclose(found @ vectors, dense("mse", "gauss_newton") @ vectors, atol=1e-14)


@pytest.mark.exact
def test_layers_are_slices_of_the_whole() -> None:
    own = curvature.hessian(posed("own"))
    assert list(own.problem.layers) == ["first", "last"]
    for name, block in (*own.layers().items(), ("first/bias", own.restrict("first/bias"))):
        places = own.problem.entries(name)
        np.testing.assert_allclose(block.dense(), dense("own", "hessian")[np.ix_(places, places)], atol=1e-14)
        assert block.problem.names == tuple(n for n in own.problem.names if n.startswith(name))
    assert own.restrict("first").restrict("first/weight").shape == (15, 15)
    with pytest.raises(BadInput, match="no parameters under 'second'; there are first, last"):
        own.restrict("second")


@pytest.mark.oracle
def test_scipy_finds_the_same_eigenvalues() -> None:
    for precise in (True, False):
        params = small.PARAMS if precise else jax.tree.map(np.float32, small.PARAMS)
        found = curvature.hessian("mse", small.network, params, (small.X, small.Y)).as_linear_operator()
        assert found.dtype == (np.float64 if precise else np.float32)
        values = eigsh(found, 4, return_eigenvectors=False)
        expected = np.linalg.eigvalsh(truth("mse")["hessian"])
        expected = np.sort(expected[np.argsort(-np.abs(expected))[:4]])
        np.testing.assert_allclose(np.sort(values), expected, rtol=1e-9 if precise else 1e-4)


def test_single_precision_stays_single_and_close(rng: np.random.Generator) -> None:
    params = jax.tree.map(np.float32, small.PARAMS)
    found = curvature.hessian("mse", small.network, params, (small.X, small.Y))
    vector = rng.standard_normal(small.P)
    product = found @ vector
    assert product.dtype == np.float32
    expected = dense("mse", "hessian") @ vector
    assert np.abs(product - expected).max() < 1e-5 * np.abs(expected).max()


def test_refusals_say_what_to_do() -> None:
    own = curvature.hessian(posed("mse"))
    with pytest.raises(ShapeMismatch, match=r"cannot multiply \(30, 30\) by \(29,\)"):
        own @ np.zeros(29)
    with pytest.raises(TooLarge, match=r"needs 14\.4 kB"):
        curvature.hessian(posed("mse"), memory_limit=1000).dense()


@pytest.mark.exact
def test_rows_that_memory_does_not_hold_are_divided(monkeypatch: pytest.MonkeyPatch, rng: np.random.Generator) -> None:
    X, Y = rng.standard_normal((300, 3)), rng.standard_normal((300, 2))
    vector = rng.standard_normal(small.P)
    whole = curvature.hessian("mse", small.network, small.PARAMS, (X, Y))
    monkeypatch.setattr(memory, "limit_bytes", lambda limit=None: 500_000)
    divided = curvature.hessian("mse", small.network, small.PARAMS, (X, Y))
    assert len(whole.problem.blocks) == 1 < len(divided.problem.blocks)
    np.testing.assert_allclose(whole @ vector, divided @ vector, rtol=1e-11, atol=1e-12)
