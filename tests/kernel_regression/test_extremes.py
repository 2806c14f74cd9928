"""Where formulas are delicate: singular matrices, repeated rows, single precision, huge and tiny numbers, bad input."""

import tracemalloc
import warnings
from typing import Any

import numpy as np
import pytest

from theodolite.kernel_regression import RidgePath, RidgeSearch, kare_gradient
from theodolite.kernels import RBF, Laplace, Linear
from theodolite.numerics import BadInput, NotFinite, NotPositiveDefinite, ShapeMismatch, TooLarge

RNG = np.random.default_rng(5)
X = RNG.standard_normal((20, 3))
Y = RNG.standard_normal(20)
TWICE = np.repeat(X[:10], 2, axis=0)
CRITERIA = ("kare", "leave_one_out", "log_marginal_likelihood", "signal_capture_threshold")
OF_CLASSES = (
    *CRITERIA,
    *("risk", "training_error", "threshold_slope", "effective_dimension", "participation", "standard_error"),
)


@pytest.fixture(autouse=True)
def _no_silent_trouble() -> Any:
    """Overflow, invalid operations and divisions by zero are failures here."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


@pytest.mark.parametrize("exponent", [-70, -30, -12, 12, 30, 70])
def test_any_ridge_gives_finite_values(route: Any, exponent: int) -> None:
    for criterion in CRITERIA:
        assert np.isfinite(route(criterion, Laplace(1.0)(X), Y, 10.0**exponent))


@pytest.mark.parametrize("exponent", [-140, -70, -20, 20, 70, 140])
@pytest.mark.parametrize("gram", [Laplace(1.0)(X), RBF(1.0)(TWICE), Linear()(X), np.ones((20, 20)), np.zeros((20, 20))])
def test_any_ridge_gives_finite_values_on_the_path_of_a_singular_matrix(gram: np.ndarray, exponent: int) -> None:
    path = RidgePath(gram, Y)
    for criterion in OF_CLASSES:
        assert np.isfinite(getattr(path, criterion)(10.0**exponent))
    assert 0 < path.participation(10.0**exponent) <= 1 + 1e-12
    assert -1e-9 <= path.effective_dimension(10.0**exponent) <= 20


@pytest.mark.parametrize("exponent", [-70, -20, 20, 70])
def test_any_unit_of_kernel_or_targets_gives_the_same_risks(route: Any, exponent: int) -> None:
    gram, scale = Laplace(1.0)(X), 10.0**exponent
    for criterion in ("kare", "leave_one_out"):
        expected = route(criterion, gram, Y, 1e-2)
        assert route(criterion, scale * gram, Y, scale * 1e-2) == pytest.approx(expected, rel=1e-10)
        assert route(criterion, gram, scale * Y, 1e-2) == pytest.approx(scale**2 * expected, rel=1e-10)


@pytest.mark.exact
@pytest.mark.parametrize("ridge", [1e-12, 1e-14, 1e-60])
def test_a_vanishing_ridge_has_the_limit_of_none_when_the_matrix_is_sound(route: Any, ridge: float) -> None:
    gram = Laplace(0.3)(X)
    inverse = np.linalg.inv(gram / 20)
    dual = inverse @ Y
    expected = {
        "kare": np.mean(dual**2) / np.mean(inverse.diagonal()) ** 2,
        "leave_one_out": np.mean((dual / inverse.diagonal()) ** 2),
        "signal_capture_threshold": 1 / np.mean(inverse.diagonal()),
    }
    for criterion, value in expected.items():
        assert route(criterion, gram, Y, ridge) == pytest.approx(value, rel=1e-8)


@pytest.mark.exact
@pytest.mark.parametrize(("gram", "rank"), [(Linear()(X), 3), (np.ones((20, 20)), 1)], ids=["linear", "constant"])
def test_a_small_ridge_leaves_what_the_kernel_cannot_reach(route: Any, gram: np.ndarray, rank: int) -> None:
    """All of M^-1 is the null space then: KARE = n |P0 y|^2 / n0^2, threshold = ridge n / n0, slope = n / n0."""
    vectors = np.linalg.eigh(gram)[1][:, : 20 - rank]
    outside, dimension, ridge = vectors @ (vectors.T @ Y), 20 - rank, 1e-8
    leverage = np.sum(vectors**2, axis=1)
    expected = {
        "kare": 20 * np.sum(outside**2) / dimension**2,
        "leave_one_out": np.mean((outside / leverage) ** 2),
        "signal_capture_threshold": ridge * 20 / dimension,
    }
    for criterion, value in expected.items():  # corrections: ridge / eigenvalue, and round-off / ridge
        assert route(criterion, gram, Y, ridge) == pytest.approx(value, rel=1e-6)
    path = RidgePath(gram, Y)
    assert path.threshold_slope(ridge) == pytest.approx(20 / dimension, rel=1e-6)
    assert path.effective_dimension(ridge) == pytest.approx(rank, rel=1e-6)


@pytest.mark.exact
@pytest.mark.parametrize("ridge", [1e-6, 1e-3, 1.0])
def test_repeated_rows_are_as_the_mean_of_their_targets_to_the_prediction(criteria: Any, ridge: float) -> None:
    """Two rows at one point weigh as one with half the ridge: n ridge becomes n ridge / 2."""
    gram, single = RBF(1.0)(TWICE), RBF(1.0)(X[:10])
    means = Y.reshape(10, 2).mean(axis=1)
    twice = criteria(gram, Y).dual(ridge).reshape(10, 2).sum(axis=1)
    np.testing.assert_allclose(twice, np.linalg.solve(single + 10 * ridge * np.eye(10), means), rtol=1e-6, atol=1e-8)


@pytest.mark.exact
def test_repeated_rows_make_leave_one_out_blind_and_groups_see_it(criteria: Any) -> None:
    """A copy of the row with the same target stays in training; leaving copies out together takes it away."""
    rng = np.random.default_rng(0)
    noise = np.repeat(rng.standard_normal(10), 2)
    path = criteria(RBF(0.1)(TWICE), noise, groups=np.repeat(np.arange(10), 2))
    assert path.leave_one_out(1e-4) < 1e-4
    assert path.leave_one_group_out(1e-4) > 0.5


@pytest.mark.parametrize("ridge", [1e-4, 1e-2, 1.0])
def test_single_precision_matrices_give_the_values_of_double(route: Any, ridge: float) -> None:
    gram = RBF(4.0)(X)  # near-singular: some of its eigenvalues are rounding in single precision
    for criterion in CRITERIA:
        exact = route(criterion, gram, Y, ridge)
        # a perturbation of eps |G| / n beside the ridge, in each of the 20 rows
        slack = 20 * 6e-8 * np.linalg.norm(gram, 2) / 20 / ridge
        assert route(criterion, gram.astype(np.float32), Y, ridge) == pytest.approx(exact, rel=slack, abs=slack)


def test_round_off_below_zero_is_no_reason_to_refuse() -> None:
    gram = RBF(50.0)(np.random.default_rng(0).standard_normal((200, 2)).astype(np.float32))
    assert np.linalg.eigvalsh(gram.astype(float))[0] < 0
    assert np.isfinite(RidgePath(gram, np.ones(200)).risk(1e-3))
    assert np.isfinite(RidgeSearch(gram, np.ones(200)).risk(1e-3))


def test_eigenvalues_below_zero_by_round_off_count_as_zero() -> None:
    path = RidgePath(np.diag([1.0, 0.5, -1e-6]), np.ones(3))
    np.testing.assert_allclose(path.eigenvalues, [1 / 3, 1 / 6, 0.0], rtol=1e-15)


def test_a_kernel_matrix_in_single_precision_counts_as_symmetric(criteria: Any) -> None:
    """Called directly, a kernel gives a matrix that is symmetric up to the rounding of its precision."""
    matrix = RBF(2.0)(np.random.default_rng(1).standard_normal((60, 9)).astype(np.float32))
    assert np.isfinite(criteria(matrix, np.arange(60.0)).risk(0.1))


def test_targets_of_zeros_have_risk_zero(criteria: Any) -> None:
    path = criteria(Laplace(1.0)(X), np.zeros(20))
    assert path.risk(0.1) == path.kare(0.1) == path.standard_error(0.1) == 0.0
    assert path.best_ridge() > 0
    assert path.log_marginal_likelihood(0.1) == np.inf


def test_a_matrix_of_zeros_learns_nothing(criteria: Any) -> None:
    path = criteria(np.zeros((20, 20)), Y)
    assert path.risk(path.best_ridge()) == pytest.approx(np.mean(Y**2), rel=1e-9)


@pytest.mark.parametrize(
    "gram", [-RBF(1.0)(X), np.diag(np.r_[np.ones(19), -1e-3]), 1.0 - RBF(1.0)(X)], ids=["minus", "one", "distance"]
)
def test_what_is_no_kernel_is_refused_in_words(gram: np.ndarray) -> None:
    with pytest.raises(NotPositiveDefinite, match=r"eigenvalues from -.*a kernel has none below zero"):
        RidgePath(gram, Y)


def test_what_is_no_kernel_is_refused_where_a_factor_needs_it(route: Any) -> None:
    with pytest.raises(NotPositiveDefinite, match=r"use a larger ridge|a kernel has none below zero"):
        route("kare", -RBF(1.0)(X), Y, 1e-3)


WRONG = [
    ({"ridge": 0.0}, BadInput, "ridge must be positive, got 0.0"),
    ({"ridge": -1.0}, BadInput, r"ridge must be positive, got -1\.0"),
    ({"ridge": np.nan}, BadInput, "ridge must be positive, got nan"),
    ({"gram": np.ones((20, 19))}, ShapeMismatch, r"gram has shape \(20, 19\)"),
    ({"gram": np.triu(np.ones((20, 20)))}, ShapeMismatch, "gram is not symmetric"),
    ({"gram": np.full((20, 20), np.nan)}, NotFinite, r"gram holds nan at \(0, 0\)"),
    ({"gram": np.eye(20) * 1j}, BadInput, "expected real numbers"),
    ({"targets": np.ones(19)}, ShapeMismatch, r"targets have shape \(19,\)"),
    ({"targets": np.ones((20, 0))}, ShapeMismatch, r"targets have shape \(20, 0\)"),
    ({"targets": np.r_[np.inf, Y[1:]]}, NotFinite, "targets holds inf at 0"),
    ({"targets": np.array(["a"] * 20)}, BadInput, "expected real numbers"),
]


@pytest.mark.contract
@pytest.mark.parametrize(("wrong", "error", "words"), WRONG, ids=[f"{next(iter(w[0]))} {w[2][:24]}" for w in WRONG])
def test_wrong_input_is_refused_by_every_route_in_the_same_words(
    route: Any, wrong: dict, error: type, words: str
) -> None:
    usual = {"gram": Laplace(1.0)(X), "targets": Y, "ridge": 0.1}
    with pytest.raises(error, match=words):
        route("kare", **usual | wrong)


@pytest.mark.contract
@pytest.mark.parametrize(
    ("groups", "error", "words"),
    [
        (np.zeros(20), BadInput, "groups hold one label only"),
        (np.arange(19), ShapeMismatch, r"groups have shape \(19,\); expected one label a row, \(20,\)"),
        (np.ones((20, 2)), ShapeMismatch, r"groups have shape \(20, 2\)"),
    ],
)
def test_wrong_groups_are_refused_by_every_route(route: Any, groups: Any, error: type, words: str) -> None:
    with pytest.raises(error, match=words):
        route("leave_one_group_out", Laplace(1.0)(X), Y, 0.1, groups)


def test_the_gradient_refuses_what_kare_refuses() -> None:
    with pytest.raises(BadInput, match="ridge must be positive"):
        kare_gradient(Laplace(1.0)(X), Y, 0.0)
    with pytest.raises(ShapeMismatch, match="targets have shape"):
        kare_gradient(Laplace(1.0)(X), Y[1:], 0.1)


@pytest.mark.contract
def test_what_is_given_is_left_as_it_was(route: Any) -> None:
    gram, y, groups = Laplace(1.0)(X), Y.copy(), np.arange(20) % 4
    for array in (gram, y, groups):
        array.flags.writeable = False
    before = gram.copy()
    for criterion in CRITERIA:
        route(criterion, gram, y, 0.1)
    route("leave_one_group_out", gram, y, 0.1, groups)
    np.testing.assert_array_equal(gram, before)


@pytest.mark.contract
@pytest.mark.parametrize("order", ["C", "F", "strided"])
def test_the_layout_of_the_matrix_does_not_matter(route: Any, order: str) -> None:
    gram = Laplace(1.0)(X)
    wide = np.zeros((40, 40))
    wide[::2, ::2] = gram
    laid = wide[::2, ::2] if order == "strided" else np.array(gram, order=order)  # type: ignore[call-overload]
    for criterion in CRITERIA:
        assert route(criterion, laid, Y, 0.1) == pytest.approx(route(criterion, gram, Y, 0.1), rel=1e-12)


@pytest.mark.parametrize(("copies", "words"), [(1.2, "use RidgeSearch"), (1.5, "use fewer rows")])
def test_what_does_not_fit_is_refused_before_anything_is_allocated(copies: float, words: str) -> None:
    class Huge:
        """Says how long it is, and may not be looked at."""

        dtype = np.dtype(float)

        def __len__(self) -> int:
            return 10_000

        def __array__(self, *_: object, **__: object) -> np.ndarray:
            return np.broadcast_to(np.zeros(1), (10_000, 10_000))  # takes no memory either

    route = RidgePath if copies == 1.2 else RidgeSearch
    tracemalloc.start()
    try:
        with pytest.raises(TooLarge, match=words) as caught:
            route(Huge(), np.zeros(10_000), memory_limit="100MB")
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()
    assert caught.value.needed == pytest.approx(copies * 8 * 10_000**2, abs=1)
    assert caught.value.limit == 100_000_000
