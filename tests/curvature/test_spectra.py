"""Traces, moments, densities and ends of spectra, on matrices whose eigenvalues are known."""

import sys
from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from theodolite import curvature
from theodolite.architectures import Dense, Relu, Tanh
from theodolite.curvature.exact_trace import exact_trace
from theodolite.curvature.krylov import Lanczos, orthogonalised
from theodolite.curvature.orthogonality import orthogonality
from theodolite.finite_width import network
from theodolite.numerics.errors import BadInput, DidNotConverge, NotFinite, ShapeMismatch, TooLarge

SIZE = 120
random = np.random.default_rng(8)
BASIS = np.linalg.qr(random.standard_normal((SIZE, SIZE)))[0]
EIGENVALUES = np.concatenate([[3.0, 2.0, 1.5, 0.7], 0.05 * random.standard_normal(SIZE - 4)])
MATRIX = (BASIS * EIGENVALUES) @ BASIS.T
RANKED = np.sort(EIGENVALUES)[::-1]
DRAWS = 150


def drawn(method: str, budget: int) -> tuple[np.ndarray, np.ndarray]:
    found = [curvature.trace(MATRIX, budget, method=method, seed=seed) for seed in range(DRAWS)]
    return np.array([one.value for one in found]), np.array([one.standard_error for one in found])


@pytest.mark.montecarlo
@pytest.mark.parametrize(("method", "budget"), [("hutchinson", 12), ("hutch++", 24), ("xtrace", 8), ("xtrace", 24)])
def test_traces_are_unbiased_and_their_errors_honest(method: str, budget: int) -> None:
    values, errors = drawn(method, budget)
    spread = values.std(ddof=1)
    assert abs(values.mean() - EIGENVALUES.sum()) < 4 * spread / DRAWS**0.5
    # the claimed variance against the true one: the error of a variance from 150 draws is 12 %, that of errors less
    claimed = np.sqrt(np.mean(errors**2)) / spread
    assert 0.75 < claimed < 1.4


@pytest.mark.oracle
def test_hutchinson_has_the_variance_that_is_known() -> None:
    values, _ = drawn("hutchinson", 12)
    expected = 2 / 12 * (np.sum(MATRIX**2) - np.sum(MATRIX.diagonal() ** 2))
    assert values.var(ddof=1) == pytest.approx(expected, rel=4 * (2 / DRAWS) ** 0.5)


@pytest.mark.oracle
def test_xtrace_agrees_with_matfree() -> None:
    stochtrace = pytest.importorskip("matfree.stochtrace")
    import jax

    with jax.enable_x64(True):
        sampler = stochtrace.sampler_normal(jnp.zeros(SIZE), num=12)
        estimator = stochtrace.estimator_leave_one_out(stochtrace.leave_one_out_xtrace(), sampler)
        estimate = jax.jit(lambda matrix, key: estimator(lambda v: matrix @ v, key))
        theirs = np.array([float(estimate(jnp.asarray(MATRIX), jax.random.key(i))) for i in range(60)])
    ours, _ = drawn("xtrace", 24)
    error = np.hypot(theirs.std(ddof=1) / 60**0.5, ours.std(ddof=1) / DRAWS**0.5)
    assert abs(theirs.mean() - ours.mean()) < 4 * error
    assert theirs.std(ddof=1) == pytest.approx(ours.std(ddof=1), rel=4 * (1 / 120 + 1 / 300) ** 0.5)


@pytest.mark.exact
def test_low_rank_is_seen_exactly() -> None:
    low = (BASIS[:, :5] * [1, 2, 3, 4, -1.5]) @ BASIS[:, :5].T
    for method in ("hutch++", "xtrace"):
        found = curvature.trace(low, 40, method=method)
        assert found.value == pytest.approx(8.5, rel=1e-10)
        assert found.standard_error < 1e-10
    assert curvature.trace(0 * low, 40, method="xtrace").value == 0


def test_the_method_follows_the_budget_and_the_memory() -> None:
    assert curvature.trace(MATRIX, 7).method == "hutchinson"
    assert curvature.trace(MATRIX, 8).method == "xtrace"
    assert curvature.trace(MATRIX, 60, memory_limit=8 * SIZE * 70).method == "hutch++"
    assert curvature.trace(MATRIX, 60, memory_limit=8 * SIZE * 20).method == "hutchinson"
    exact = curvature.trace(MATRIX, SIZE)
    assert (exact.method, exact.standard_error) == ("exact", 0.0)
    assert exact.value == pytest.approx(EIGENVALUES.sum(), rel=1e-12)
    with pytest.raises(TooLarge, match="use method='hutchinson'"):
        curvature.trace(MATRIX, 60, method="xtrace", memory_limit=1000)
    with pytest.raises(BadInput, match="no method is called"):
        curvature.trace(MATRIX, 60, method="guess")


@pytest.mark.exact
def test_quadrature_is_exact_when_steps_reach_the_dimension() -> None:
    found = curvature.spectral_density(MATRIX, probes=3, steps=SIZE)
    np.testing.assert_allclose(np.sort(found.nodes, axis=1), np.tile(RANKED[::-1], (3, 1)), atol=1e-12)
    np.testing.assert_allclose(found.weights.sum(1), 1.0, rtol=1e-12)
    # the weights are squared components of the probe along eigenvectors, so weighted means are v'phi(A)v / v'v
    probe = 2.0 * np.random.default_rng(0).integers(0, 2, (3, SIZE)) - 1.0
    expected = np.sort((probe @ BASIS) ** 2 / SIZE, axis=1)
    np.testing.assert_allclose(np.sort(found.weights, axis=1), expected, atol=1e-10)


@pytest.mark.montecarlo
def test_density_moments_have_honest_errors() -> None:
    found = curvature.spectral_density(MATRIX, probes=40, steps=12, seed=3)
    for order in (0, 1, 2, 3):
        one = found.moment(order)
        expected = np.sum(EIGENVALUES**order)
        assert abs(one.value - expected) <= 4 * one.standard_error + 1e-9 * abs(expected)
    grid = np.linspace(-4, 6, 4001)
    density, error = found.density(grid, 0.1)
    assert np.trapezoid(density, grid) == pytest.approx(1.0, rel=1e-6)
    truth = np.mean(np.exp(-0.5 * ((grid[:, None] - EIGENVALUES) / 0.1) ** 2), axis=1) / (0.1 * np.sqrt(2 * np.pi))
    seen = error > 1e-3
    assert np.abs((density - truth)[seen] / error[seen]).max() < 5
    share = found.share(1.0, 4.0)
    assert abs(share.value - 3 / SIZE) < 4 * share.standard_error
    assert found.support == pytest.approx((RANKED[-1], 3.0), abs=0.03)


@pytest.mark.exact
def test_an_invariant_space_ends_a_probe() -> None:
    found = curvature.spectral_density(np.diag([1.0, 1.0, 2.0, 2.0]), probes=2, steps=4)
    assert (found.weights > 0).sum(1).tolist() == [2, 2]
    np.testing.assert_allclose(found.moment(2).value, 10.0)
    np.testing.assert_allclose(curvature.spectral_density(np.eye(3), probes=2).moment(1).value, 3.0)


@pytest.mark.exact
def test_the_basis_stays_orthogonal_and_shows_no_ghosts() -> None:
    spiked = MATRIX + 60 * np.outer(BASIS[:, 0], BASIS[:, 0])  # converges within a few steps: the worst case
    space = Lanczos(random.standard_normal(SIZE), SIZE - 10)
    while not space.closed:
        space.take(spiked @ space.last)
    assert np.abs(space.basis @ space.basis.T - np.eye(SIZE - 10)).max() < 1e-13
    values = np.linalg.eigvalsh(np.diag(space.diagonal) + np.diag(space.beside, 1) + np.diag(space.beside, -1))
    assert np.sum(values > 60) == 1
    rest, taken = orthogonalised(space.basis[:50], space.basis[0] + 1e-9 * space.basis[60])
    assert np.abs(space.basis[:50] @ rest).max() < 1e-22
    assert taken[0] == pytest.approx(1.0)


@pytest.mark.exact
@pytest.mark.parametrize("memory", [None, 8 * SIZE * 70])
def test_both_ends_with_and_without_restarts(memory: int | None) -> None:
    found = curvature.top_eigenvalues(MATRIX, 6, lowest=3, tolerance=1e-7, memory_limit=memory)
    expected = np.concatenate([RANKED[:6], RANKED[-3:]])
    assert found.converged
    np.testing.assert_allclose(found.values, expected, atol=1e-10)
    residuals = np.linalg.norm(MATRIX @ found.vectors.T - found.vectors.T * found.values, axis=0)
    assert (residuals <= found.bounds + 1e-13).all()
    np.testing.assert_allclose(found.vectors @ found.vectors.T, np.eye(9), atol=1e-12)


@settings(max_examples=20)
@given(st.lists(st.sampled_from([-2.0, -1.0, 0.0, 1.0, 1.0, 3.0]), min_size=1, max_size=9), st.integers(1, 9))
def test_repeated_eigenvalues_come_as_often_as_they_are(values: list[float], count: int) -> None:
    found = curvature.top_eigenvalues(np.diag(values), count, tolerance=1e-9, products=len(values) + 1)
    if found.products >= len(values):
        np.testing.assert_allclose(found.values, np.sort(values)[::-1][:count], atol=1e-9)
    assert (np.diff(found.values) <= 1e-9).all()


def test_a_budget_is_kept_and_its_absence_loud() -> None:
    found = curvature.top_eigenvalues(MATRIX, 4, products=9)
    assert found.products == 9
    assert not found.converged
    assert (np.abs(found.values[:, None] - EIGENVALUES).min(1) <= found.bounds + 1e-12).all()
    slow = np.diag(np.linspace(0, 1, 1500))
    with pytest.raises(DidNotConverge, match="worst bound"):
        curvature.top_eigenvalues(slow, 1, tolerance=1e-14)
    with pytest.raises(BadInput, match="at least the 4"):
        curvature.top_eigenvalues(MATRIX, 4, products=3)
    with pytest.raises(TooLarge):
        curvature.top_eigenvalues(MATRIX, 4, memory_limit=1000)


def test_single_precision_products_leave_an_orthogonal_basis() -> None:
    single = MATRIX.astype(np.float32)
    found = curvature.top_eigenvalues(single, 4)
    np.testing.assert_allclose(found.values, RANKED[:4], rtol=1e-5)
    np.testing.assert_allclose(found.vectors @ found.vectors.T, np.eye(4), atol=1e-12)
    assert (found.bounds >= np.finfo(np.float32).eps).all()


def test_learning_rate() -> None:
    found = curvature.largest_stable_learning_rate(MATRIX)
    assert found.value == pytest.approx(2 / 3, rel=1e-9)
    assert curvature.largest_stable_learning_rate(-np.eye(3)).value == np.inf


@pytest.mark.montecarlo
def test_moments_from_probes_cover_the_exact_ones() -> None:
    exact = [one.value for one in curvature.moments(MATRIX)]
    np.testing.assert_allclose(exact, [np.sum(EIGENVALUES**k) for k in (1, 2, 3, 4)], rtol=1e-12)
    found = [curvature.moments(MATRIX, exact=False, budget=40, seed=seed) for seed in range(DRAWS)]
    assert all(one.products == 40 for draw in found for one in draw)
    values = np.array([[one.value for one in draw] for draw in found])
    errors = np.array([[one.standard_error for one in draw] for draw in found])
    spread = values.std(axis=0, ddof=1)
    assert (np.abs(values.mean(0) - exact) < 4 * spread / DRAWS**0.5).all()
    claimed = np.sqrt(np.mean(errors**2, axis=0)) / spread  # its own error is about a tenth
    assert ((claimed > 0.7) & (claimed < 1.4)).all()


def posed() -> curvature.Problem:
    """A network of ours, whose layers can be read."""
    net = network(Dense() >> Tanh() >> Dense(bias_std=0.3), width=5)
    rng = np.random.default_rng(3)
    shapes = jax.eval_shape(lambda key: net.init(key, (3,)), jax.random.key(0))
    params = jax.tree.map(lambda leaf: rng.standard_normal(leaf.shape), shapes)
    return curvature.problem("mse", net, params, (rng.standard_normal((4, 3)), rng.standard_normal((4, 1))))


@pytest.mark.oracle
def test_traces_that_have_a_shorter_way_are_exact_among_moments_from_probes(monkeypatch: pytest.MonkeyPatch) -> None:
    ours = posed()
    monkeypatch.setattr(sys.modules["theodolite.curvature.moments"], "SMALL", 0)  # as if they were large
    for make, method in (
        (curvature.residual, "Laplacian"),
        (curvature.hessian, "Tr I + Tr S"),
        (curvature.gauss_newton, "gram"),
    ):
        matrix = make(ours).dense()
        first, second = curvature.moments(make(ours), 2, budget=4)
        assert first.method == method
        assert first.standard_error == 0
        assert first.value == pytest.approx(np.trace(matrix), rel=1e-12)
        assert (second.standard_error > 0) == (make is not curvature.gauss_newton)
    of_a_user = replace(ours, f=ours.f.apply)
    kinked = replace(ours, f=network(Dense() >> Relu() >> Dense(bias_std=0.3), width=5))
    for other in (of_a_user, kinked, ours.restricted("0_dense")):
        assert exact_trace(curvature.residual(other)) is None
    assert curvature.moments(curvature.residual(ours), 1, budget=4, exact=False)[0].method == "hutchinson"
    monkeypatch.setattr(sys.modules["theodolite.curvature.exact_trace"], "OPERATIONS", 1.0)
    assert exact_trace(curvature.hessian(ours)) is None


def quadratic(params, X):
    return (X @ params) ** 2


@pytest.mark.montecarlo
def test_orthogonality_by_three_routes(monkeypatch: pytest.MonkeyPatch) -> None:
    params = random.standard_normal(12)
    X = random.standard_normal((5, 12)) * np.linspace(0.2, 1.0, 12)
    own = curvature.problem("mse", quadratic, params, (X, np.ones(5)))
    J = 2 * (X @ params)[:, None] * X
    ours = J.T @ J / 5
    rest = sum(2 * slope * np.outer(x, x) for slope, x in zip(((X @ params) ** 2 - 1) / 5, X, strict=True))
    norm = np.linalg.norm
    expected = norm(ours @ rest) / (norm(ours) * norm(rest))
    assert orthogonality(own).value == pytest.approx(expected, rel=1e-10)
    probed = orthogonality(own, exact=False, probes=600)
    assert abs(probed.value - expected) < 4 * probed.standard_error
    monkeypatch.setattr(sys.modules["theodolite.curvature.orthogonality"], "SMALL", 0)
    mixed = orthogonality(own, probes=400)
    assert mixed.method == "gram"
    assert abs(mixed.value - expected) < 4 * mixed.standard_error
    assert 0 < mixed.standard_error < 0.1


def test_refusals() -> None:
    with pytest.raises(ShapeMismatch, match="symmetric matrix or an operator"):
        curvature.trace(np.ones((3, 4)))
    with pytest.raises(NotFinite, match="overflows"):
        curvature.trace(np.full((4, 4), np.nan), 4)
    with pytest.raises(BadInput, match="seed must be"):
        curvature.trace(MATRIX, 4, seed=-1)
    with pytest.raises(BadInput, match="expected 1 to 4"):
        curvature.moments(MATRIX, 5)
    with pytest.raises(BadInput, match="show their spread"):
        curvature.moments(MATRIX, 4, exact=False, budget=3)
