"""The routes to the resolvent agree, and the search for the best ridge finds it."""

import numpy as np
import pytest

from theodolite.kernel_regression import RidgePath, RidgeSearch
from theodolite.kernel_regression.cholesky import CholeskyFactor
from theodolite.kernel_regression.continuation import Continuation, continued_shares, log_odds
from theodolite.kernels import RBF, Laplace, LaplaceL1, Linear, Matern
from theodolite.numerics.checks import symmetric_gram
from theodolite.numerics.errors import NotFinite, ShapeMismatch

KERNELS = [RBF(20.0), Laplace(3.0), LaplaceL1(15.0), Matern(6.0, 2.5), Linear(1.0)]


def problem(n: int = 300, columns: int = 1, noise: float = 0.5) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(11)
    x = random.standard_normal((n, 6))
    x[: n // 20] *= 4.0  # a few outlying rows: uneven leverages
    y = np.sin(x[:, :1] * np.arange(1, columns + 1)) + x[:, 1:2] + noise * random.standard_normal((n, columns))
    return x, y - y.mean(0)


@pytest.fixture(params=KERNELS, ids=repr)
def gram(request: pytest.FixtureRequest) -> np.ndarray:
    return request.param(problem()[0])


@pytest.mark.exact
@pytest.mark.parametrize("ridge", [1e-5, 1e-2, 1.0])
def test_the_cholesky_route_agrees_with_the_spectral_one(gram: np.ndarray, ridge: float) -> None:
    y = problem(columns=2)[1]
    at = CholeskyFactor(gram, ridge).measure(y)
    of = RidgePath(gram, y).resolvents(np.array([ridge]))
    for name in ("dual", "diagonal", "trace", "log_determinant", "power"):  # errors grow like 1e-16 |G| / (n ridge)
        np.testing.assert_allclose(getattr(at, name), getattr(of, name), rtol=1e-7, atol=1e-7 / ridge, err_msg=name)


@pytest.mark.exact
def test_a_continuation_returns_what_its_factor_knows(gram: np.ndarray) -> None:
    y = problem(columns=2)[1]
    factor = CholeskyFactor(gram, 1e-3)
    at = factor.measure(y)
    going = Continuation(factor, at, y)
    here = np.array([1e-3])
    np.testing.assert_allclose(going.dual(here)[0], at.dual[0], atol=1e-8 * np.abs(at.dual).max())
    np.testing.assert_allclose(going.trace(here), at.trace, rtol=1e-12)
    np.testing.assert_allclose(going.diagonal(here)[0], at.diagonal[0, going.entries], rtol=1e-12)


@pytest.mark.oracle
def test_a_continuation_follows_the_path(gram: np.ndarray) -> None:
    """Gauss rules of 8 nodes err by less than ((sqrt r - 1) / (sqrt r + 1))^16 at a ratio r of ridges."""
    y = problem()[1]
    factor = CholeskyFactor(gram, 1e-2)
    going = Continuation(factor, factor.measure(y), y)
    ridges = 1e-2 * np.exp([-2.0, -1.0, 1.0, 2.0])
    of = RidgePath(gram, y).resolvents(ridges)
    np.testing.assert_allclose(going.diagonal(ridges), of.diagonal[:, going.entries], rtol=2e-3)
    np.testing.assert_allclose(going.trace(ridges), of.trace, rtol=0.02)  # 300 x 32 random signs
    norms = np.linalg.norm(of.dual, axis=(1, 2))
    assert (np.linalg.norm(going.dual(ridges) - of.dual, axis=(1, 2)) < 0.01 * norms).all()


@pytest.mark.exact
def test_continued_shares_have_the_mean_and_the_entries_they_must() -> None:
    random = np.random.default_rng(2)
    known = log_odds(random.uniform(0.01, 0.99, (3, 500)))
    entries = np.array([3, 40, 77, 120, 499])
    wanted = 1 / (1 + np.exp(-(1.7 * known + 0.4)))  # a line in the log odds is found again
    found = continued_shares(known, entries, wanted[:, entries], wanted.mean(axis=1))
    np.testing.assert_allclose(found, wanted, rtol=1e-6)


def test_a_search_finds_the_ridge_of_a_path(gram: np.ndarray) -> None:
    y = problem()[1]
    search, path = RidgeSearch(gram, y), RidgePath(gram, y)
    found, best = search.best_ridge(), path.best_ridge()
    assert search.risk(found) == pytest.approx(path.risk(found), rel=1e-6)
    allowed = max(0.01 * path.risk(best), 0.25 * path.standard_error(best))
    assert path.risk(found) - path.risk(best) <= allowed
    assert len(search.visited) <= 4


def test_a_search_looks_around_in_single_precision_and_answers_in_double(gram: np.ndarray) -> None:
    y = problem()[1]
    search, path = RidgeSearch(gram, y), RidgePath(gram, y)
    found = search.best_ridge()
    assert search.factors % 1 == 0.5  # one half, the others whole
    assert search.leave_one_out(found) == pytest.approx(path.leave_one_out(found), rel=1e-10)
    with_groups = RidgeSearch(gram, y, groups=np.arange(len(y)) // 2)
    with_groups.best_ridge()
    assert with_groups.factors % 1 == 0  # groups are left out by one factor at a time, which must be the exact one


@pytest.mark.oracle
@pytest.mark.parametrize("times", [25.0, 1e3, 1e5])
def test_a_factor_in_single_precision_is_right_to_a_share_of_a_per_cent(gram: np.ndarray, times: float) -> None:
    y = problem()[1]
    ridge = times * np.finfo(np.float32).eps * np.linalg.eigvalsh(gram / len(gram))[-1]
    exact, single = (CholeskyFactor(gram, ridge, precision=p).measure(y) for p in (np.float64, np.float32))
    assert single.dual.dtype == np.float64
    np.testing.assert_allclose(single.trace, exact.trace, rtol=1e-3)
    np.testing.assert_allclose(single.diagonal, exact.diagonal, rtol=5e-3)
    assert np.linalg.norm(single.dual - exact.dual) < 5e-3 * np.linalg.norm(exact.dual)


def test_a_search_by_groups_finds_the_ridge_of_a_path() -> None:
    x, y = problem()
    groups = np.repeat(np.arange(100), 3)  # three rows near each other, with one noise
    x, y = x[groups] + 0.05 * x, y[groups]
    gram = Laplace(3.0)(x)
    search, path = RidgeSearch(gram, y, groups=groups), RidgePath(gram, y, groups=groups)
    found, best = search.best_ridge(), path.best_ridge()
    assert path.risk(found) - path.risk(best) <= max(0.01 * path.risk(best), 0.25 * path.standard_error(best))
    ridges, _, left_out = search.curve()
    near = np.abs(np.log(ridges)[:, None] - np.log(search.visited)).min(axis=1) < 0.5
    np.testing.assert_allclose(left_out[near], path.leave_one_group_out(ridges[near]), rtol=0.1)


def test_the_curve_of_a_search_passes_through_its_factors_and_near_the_path(gram: np.ndarray) -> None:
    y = problem()[1]
    search, path = RidgeSearch(gram, y), RidgePath(gram, y)
    search.best_ridge()
    ridges, kare, left_out = search.curve()
    near = np.abs(np.log(ridges)[:, None] - np.log(search.visited)).min(axis=1) < 1.0
    np.testing.assert_allclose(kare[near], path.kare(ridges[near]), rtol=0.05)
    np.testing.assert_allclose(left_out[near], path.leave_one_out(ridges[near]), rtol=0.1)


def test_a_curve_may_be_asked_for_after_a_risk_and_before_the_best_ridge() -> None:
    """The factor that the risk took has no continuation: the curve must search first."""
    x, y = problem()
    search, path = RidgeSearch(Laplace(3.0)(x), y), RidgePath(Laplace(3.0)(x), y)
    search.risk(1e-3)
    ridges, kare, left_out = search.curve()
    near = np.abs(np.log(ridges)[:, None] - np.log(search.visited)).min(axis=1) < 1.0
    assert near.sum() >= 8
    np.testing.assert_allclose(kare[near], path.kare(ridges[near]), rtol=0.05)
    np.testing.assert_allclose(left_out[near], path.leave_one_out(ridges[near]), rtol=0.1)


def test_a_search_asked_for_a_ridge_first_still_finds_the_best() -> None:
    x, y = problem()
    search = RidgeSearch(Laplace(3.0)(x), y)
    search.risk(1e-3)
    path = RidgePath(Laplace(3.0)(x), y)
    lowest, found = path.best_ridge(), search.best_ridge()
    assert path.risk(found) - path.risk(lowest) <= 0.25 * path.standard_error(lowest)


def test_a_search_survives_targets_without_signal_or_spread() -> None:
    x, _ = problem(60)
    for y in (np.zeros(60), np.eye(60)[0] - 1 / 60):
        search = RidgeSearch(Laplace(3.0)(x), y)
        assert np.isfinite(search.risk(search.best_ridge()))


@pytest.mark.parametrize("n", [2, 255, 256, 257, 600])
def test_gram_checks_see_one_wrong_entry_wherever_it_is(n: int) -> None:
    good = np.random.default_rng(n).uniform(size=(n, n))
    good = good + good.T
    assert symmetric_gram(good) is good
    for value, error in ((5.0, ShapeMismatch), (np.nan, NotFinite), (np.inf, NotFinite)):
        bad = good.copy()
        bad[n - 1, 0] = value
        with pytest.raises(error):
            symmetric_gram(bad)
    barely = good.copy()
    barely[n - 1, 0] *= 1 + 1e-13
    symmetric_gram(barely)
