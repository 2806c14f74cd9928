"""What people use in their own work: the monitor and the completion of tables."""

from typing import Any

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_digits, load_wine
from sklearn.utils.estimator_checks import parametrize_with_checks

from theodolite.numerics.errors import BadInput, ShapeMismatch
from theodolite.training_dynamics import saddles as sd
from theodolite.training_dynamics.saddles.held_out import hidden_entries
from theodolite.training_dynamics.saddles.nuclear_norm import factored, nuclear_norm_fit

TARGET = np.diag([4.0, 2.0, 1.0])


def watched(depth: int, sigma: float, rate: float, steps: int, seed: int = 0) -> sd.RankMonitor:
    cost = sd.full_mse(TARGET)
    layers = sd.random_layers((3, 3), 6, depth, sigma, seed=seed)
    monitor = sd.RankMonitor(levels=sd.critical_values(cost), learning_rate=rate)
    for _ in range(steps):
        A = sd.product(layers)
        G = cost.gradient(A)
        monitor.update(layers, G, loss=cost.value(A))
        slopes = sd.layer_gradients(layers, G)
        layers = tuple(W - rate * g for W, g in zip(layers, slopes, strict=True))
    return monitor


@pytest.mark.oracle
@pytest.mark.parametrize(
    ("depth", "sigma", "rate", "steps", "allowed"), [(2, 1e-4, 0.02, 280, 0.07), (3, 0.05, 0.03, 400, 0.35)]
)
def test_the_next_jump_comes_when_it_was_predicted(
    depth: int, sigma: float, rate: float, steps: int, allowed: float
) -> None:
    readings = watched(depth, sigma, rate, steps).readings
    ranks = np.array([one.rank for one in readings])
    jumps = [int(np.argmax(ranks == k)) for k in (1, 2)]
    assert 0 < jumps[0] < jumps[1]
    assert readings[0].jump_steps == pytest.approx(jumps[0], rel=allowed)
    before, after = jumps
    half = (before + after) // 2  # on the plateau, half way
    assert readings[half].jump_steps == pytest.approx(after - half, rel=allowed)
    assert readings[after - 3].jump_steps < 0.15 * (after - before)
    assert [readings[j + 1].rank for j in jumps] == [1, 2]
    assert readings[half].level == 2.5
    assert readings[half].certificate == pytest.approx(2.0, rel=0.05)


@pytest.mark.exact
def test_the_monitor_reads_adapters_of_any_library_and_needs_no_product_gradient() -> None:
    torch = pytest.importorskip("torch")
    A, B = torch.randn(2, 5, requires_grad=True, dtype=torch.float64), torch.zeros(4, 2, requires_grad=True)
    B = B.double().detach().requires_grad_()
    target = torch.randn(4, 5, dtype=torch.float64)
    frozen = torch.zeros(4, 5, dtype=torch.float64, requires_grad=True)
    loss = 0.5 * ((frozen + B @ A - target) ** 2).sum()
    loss.backward()
    monitor = sd.RankMonitor()
    whole = monitor.update([A, B], frozen.grad, loss=float(loss))
    factors = monitor.update([A, B], factor_gradients=[A.grad, B.grad], loss=float(loss))
    assert factors.gradient_norm == pytest.approx(whole.gradient_norm)
    assert whole.rank == 0
    assert 0 < whole.jump_in < 10  # zero B is no obstacle: A alone starts it
    assert np.isnan(factors.jump_in)
    assert np.isnan(factors.certificate)


@pytest.mark.exact
def test_a_start_with_one_zero_factor_jumps_when_said() -> None:
    cost = sd.full_mse(TARGET)
    start = (1e-3 * np.random.default_rng(0).standard_normal((4, 3)), np.zeros((3, 4)))
    monitor = sd.RankMonitor(scale=4.0)
    said = monitor.update(start, cost.gradient(sd.product(start))).jump_in
    flow = sd.linear_flow(start, cost, 10.0)
    came = flow.times[np.argmax(flow.singular_values[:, 0] > 0.05 * 4.0)]
    assert said == pytest.approx(came, rel=0.03)


def test_the_monitor_says_what_it_cannot_use_or_tell() -> None:
    monitor = sd.RankMonitor()
    with pytest.raises(ShapeMismatch, match="product"):
        monitor.update([np.ones((2, 3)), np.ones((4, 2))], np.ones((2, 3)))
    with pytest.raises(ShapeMismatch, match="layer 2"):
        monitor.update([np.ones((2, 3)), np.ones((4, 3))])
    with pytest.raises(BadInput, match="threshold"):
        sd.RankMonitor(threshold=2.0)
    full = sd.RankMonitor().update([np.eye(2), np.eye(2)], -np.eye(2))
    assert full.rank == 2
    assert full.jump_in == np.inf  # no unit left
    done = sd.RankMonitor(scale=1.0).update([np.eye(3, 2).T * 1e-3, np.eye(3, 2)], np.zeros((3, 3)))
    assert done.jump_in == np.inf


@parametrize_with_checks(
    [sd.LowRankCompletion(max_rank=2, splits=1), sd.LowRankCompletion(2, shrinkage=0.0, standardise=True)]
)
def test_the_completion_is_an_estimator_like_any_other(estimator: Any, check: Any) -> None:
    check(estimator)


def low_rank(seed: int, n: int = 25, d: int = 16, rank: int = 2, share: float = 0.6) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    table = rng.standard_normal((n, rank)) @ rng.standard_normal((rank, d))
    return table, np.where(rng.random(table.shape) < share, table, np.nan)


@pytest.mark.parametrize("seed", [0, 38])  # at 38 the held-out error alone would take no penalty
def test_a_noisy_table_with_few_entries_is_fitted_with_a_penalty_and_filled_within_reason(seed: int) -> None:
    """Without one, a row with about as many entries as there are factors gets absurd numbers."""
    rng = np.random.default_rng(seed)
    table = rng.standard_normal((40, 2)) @ rng.standard_normal((2, 12)) + rng.standard_normal((40, 12))
    kept = rng.random(table.shape) < 0.35
    kept[np.arange(40), np.arange(40) % 12] = True
    model = sd.LowRankCompletion()
    filled = model.fit_transform(np.where(kept, table, np.nan))
    assert model.shrinkage_ > 0
    assert np.abs(filled).max() < 2 * np.abs(table[kept]).max()


@pytest.mark.exact
def test_a_table_of_low_rank_is_recovered_with_its_rank_and_new_rows_are_filled() -> None:
    table, seen = low_rank(0)
    model = sd.LowRankCompletion()
    filled = model.fit_transform(seen)
    assert model.rank_ == 2
    assert model.certified_
    np.testing.assert_allclose(filled, table, atol=1e-6)
    rng = np.random.default_rng(9)
    new = rng.standard_normal((5, 2)) @ np.linalg.lstsq(rng.standard_normal((2, 2)), table[:2], rcond=None)[0]
    hidden = new.copy()
    hidden[:, ::3] = np.nan
    np.testing.assert_allclose(model.transform(hidden), new, atol=1e-5)


@pytest.mark.exact
def test_seen_entries_stay_units_do_not_matter_and_a_copy_gives_the_same() -> None:
    X = np.asarray(load_wine(return_X_y=True)[0])[:80]
    hide = hidden_entries(np.ones_like(X, dtype=bool), 0.2, np.random.default_rng(1))
    seen = np.where(hide, np.nan, X)
    model = sd.LowRankCompletion(standardise=True, splits=1)
    twin: Any = clone(model)
    filled = model.fit_transform(seen)
    np.testing.assert_array_equal(filled[~hide], X[~hide])
    assert np.isfinite(filled).all()
    np.testing.assert_array_equal(twin.fit_transform(seen), filled)
    units = 10.0 ** np.arange(X.shape[1])
    scaled = twin.fit_transform(seen * units + 3.0)
    np.testing.assert_allclose((scaled - 3.0) / units, filled, rtol=1e-3, atol=1e-3)
    spread = X.std(axis=0)
    mean_error = np.mean((((np.nanmean(seen, axis=0) - X) / spread)[hide]) ** 2)
    assert np.mean((((filled - X) / spread)[hide]) ** 2) < 0.75 * mean_error
    assert 0.3 < model.held_out_error_ < 0.8
    assert len({one.rank for one in model.candidates_}) > 3


@pytest.mark.oracle
def test_at_full_shrinkage_the_fit_solves_the_nuclear_norm_problem() -> None:
    """Soft-impute: fill in, threshold the singular values, repeat until nothing moves."""
    _, seen = low_rank(3, n=12, d=9)
    seen = seen + 0.1 * np.random.default_rng(0).standard_normal(seen.shape)
    model = sd.LowRankCompletion(9, shrinkage=0.1, standardise=False).fit(seen)
    scale, mask = model.scale_[0], ~np.isnan(seen)
    Z, A = np.where(mask, seen / scale, 0.0), np.zeros(seen.shape)
    for _ in range(3000):
        U, s, Vt = np.linalg.svd(np.where(mask, Z, A), full_matrices=False)
        A = (U * np.maximum(s - model.shrinkage_, 0.0)) @ Vt
    assert model.certified_
    np.testing.assert_allclose(model.reconstruct(seen) / scale, A, atol=1e-5)


@pytest.mark.oracle
@pytest.mark.parametrize("turned", [False, True])
def test_the_nuclear_norm_fit_is_where_the_certified_greedy_path_ends(turned: bool) -> None:
    """Proximal steps on the whole matrix against quasi-Newton steps on its factors, rank by rank."""
    _, seen = low_rank(5, n=14, d=9)
    seen = (seen + 0.3 * np.random.default_rng(1).standard_normal(seen.shape)).T if turned else seen
    mask = ~np.isnan(seen)
    found = sd.greedy_low_rank(sd.completion(seen), shrinkage=1.5)
    assert found.certified
    fit = nuclear_norm_fit(seen, mask, 1.5, tolerance=1e-10, iterations=5000)
    np.testing.assert_allclose(fit, found.matrix, atol=1e-6)
    V, U = factored(fit)
    np.testing.assert_allclose(U @ V, fit, atol=1e-8)
    np.testing.assert_allclose(V @ V.T, U.T @ U, atol=1e-9)
    again = nuclear_norm_fit(seen, mask, 1.5, fit, tolerance=1e-8, iterations=5)
    np.testing.assert_allclose(again, fit, atol=1e-7)


@pytest.mark.exact
def test_a_table_of_full_rank_and_much_noise_gets_a_certified_fit_of_many_ranks() -> None:
    rng = np.random.default_rng(2)
    X = np.asarray(load_digits(return_X_y=True)[0])[:150]
    X = X[:, X.std(axis=0) > 0.5]
    seen = np.where(rng.random(X.shape) < 0.7, (X - X.mean(axis=0)) / X.std(axis=0), np.nan)
    model = sd.LowRankCompletion(standardise=False, splits=1).fit(seen)
    best = min(model.candidates_, key=lambda one: one.error)
    assert best.whole
    assert model.certified_
    assert model.rank_ > 5
    cost = sd.completion(seen / model.scale_)
    gradient = cost.gradient(model.reconstruct(seen) / model.scale_)
    assert np.linalg.norm(gradient, 2) == pytest.approx(model.shrinkage_, rel=1e-5)  # the certificate, once more


def test_rows_and_columns_without_anything_and_strange_settings_are_refused() -> None:
    table = low_rank(0)[1]
    for where in ((3, slice(None)), (slice(None), 2)):
        bad = table.copy()
        bad[where] = np.nan
        with pytest.raises(BadInput, match="wholly hidden"):
            sd.LowRankCompletion().fit(bad)
    with pytest.raises(BadInput, match="rank"):
        sd.LowRankCompletion(rank=-1).fit(table)
    with pytest.raises(BadInput, match="shrinkage"):
        sd.LowRankCompletion(shrinkage=-1.0).fit(table)
    model = sd.LowRankCompletion(2, shrinkage=0.0, standardise=False).fit(table)
    assert np.isnan(model.held_out_error_)
    empty = np.full((1, table.shape[1]), np.nan)
    with pytest.raises(BadInput, match="row 0 is wholly hidden"):
        model.transform(empty)
