"""What theory says of every criterion, on every route, against explicit inverses and what symmetry demands."""

from typing import Any

import numpy as np
import pytest
import scipy.linalg
from hypothesis import given, settings
from hypothesis import strategies as st

from theodolite.kernel_regression import RidgePath

pytestmark = pytest.mark.exact

RISKS = ("kare", "leave_one_out")
ALL = ("kare", "leave_one_out", "log_marginal_likelihood", "signal_capture_threshold")
RIDGE = st.floats(-6, 2).map(lambda exponent: 10.0**exponent)
PROBLEM = st.builds(
    lambda n, seed, decay: problem(n, seed, decay), st.integers(3, 25), st.integers(0, 9999), st.floats(0.0, 3.0)
)


def problem(n: int, seed: int, decay: float) -> tuple[np.ndarray, np.ndarray]:
    """A Gram matrix with eigenvalues n k^-decay in random directions, and targets."""
    rng = np.random.default_rng(seed)
    directions = np.linalg.qr(rng.standard_normal((n, n)))[0]
    gram = (directions * (n * np.arange(1.0, n + 1) ** -decay)) @ directions.T
    return (gram + gram.T) / 2, rng.standard_normal(n)


def hat(gram: np.ndarray, ridge: float) -> np.ndarray:
    """Training predictions as a matrix: G (G + n ridge I)^-1."""
    return np.linalg.solve(gram + len(gram) * ridge * np.eye(len(gram)), gram)


@settings(max_examples=40)
@given(case=PROBLEM, ridge=RIDGE)
def test_kare_is_generalised_cross_validation(route: Any, case: tuple, ridge: float) -> None:
    gram, y = case
    left = np.eye(len(y)) - hat(gram, ridge)
    expected = np.mean((left @ y) ** 2) / np.mean(left.diagonal()) ** 2
    # the hat matrix loses the digits by which it differs from the identity
    lost = 1e-15 / np.mean(left.diagonal())
    assert route("kare", gram, y, ridge) == pytest.approx(expected, rel=1e-10 + 100 * lost)


@settings(max_examples=40)
@given(case=PROBLEM, ridge=RIDGE)
def test_leave_one_out_follows_from_the_diagonal_of_the_hat_matrix(route: Any, case: tuple, ridge: float) -> None:
    gram, y = case
    left = np.eye(len(y)) - hat(gram, ridge)
    expected = np.mean((left @ y / left.diagonal()) ** 2)
    lost = 1e-15 / left.diagonal().min()
    assert route("leave_one_out", gram, y, ridge) == pytest.approx(expected, rel=1e-10 + 100 * lost)


@settings(max_examples=40)
@given(case=PROBLEM, ridge=RIDGE)
def test_threshold_and_likelihood_follow_from_inverse_and_determinant(route: Any, case: tuple, ridge: float) -> None:
    gram, y = case
    n = len(y)
    matrix = gram / n + ridge * np.eye(n)
    sign, log_determinant = np.linalg.slogdet(matrix)
    assert sign == 1
    evidence = -0.5 * (np.log(y @ np.linalg.solve(matrix, y) / n) + log_determinant / n)
    assert route("log_marginal_likelihood", gram, y, ridge) == pytest.approx(evidence, rel=1e-8, abs=1e-8)
    threshold = n / np.trace(np.linalg.inv(matrix))
    assert route("signal_capture_threshold", gram, y, ridge) == pytest.approx(threshold, rel=1e-8)


@settings(max_examples=25)
@given(case=PROBLEM, ridge=RIDGE, exponent=st.integers(-30, 30))
def test_the_unit_of_the_kernel_does_not_matter(route: Any, case: tuple, ridge: float, exponent: int) -> None:
    gram, y = case
    scale = 10.0**exponent
    for criterion in RISKS:
        before, after = route(criterion, gram, y, ridge), route(criterion, scale * gram, y, scale * ridge)
        assert after == pytest.approx(before, rel=1e-9)
    for criterion, expected in (("log_marginal_likelihood", 0.0), ("signal_capture_threshold", np.log(scale))):
        before, after = route(criterion, gram, y, ridge), route(criterion, scale * gram, y, scale * ridge)
        change = after - before if criterion == "log_marginal_likelihood" else np.log(after / before)
        assert change == pytest.approx(expected, abs=1e-8)


@settings(max_examples=20)
@given(case=PROBLEM, ridge=RIDGE, scale=st.floats(1e-3, 1e3))
def test_risks_are_quadratic_in_the_targets(route: Any, case: tuple, ridge: float, scale: float) -> None:
    gram, y = case
    z = np.random.default_rng(len(y)).standard_normal(len(y))
    for criterion in RISKS:
        value = lambda targets, criterion=criterion: route(criterion, gram, targets, ridge)  # noqa: E731
        assert value(scale * y) == pytest.approx(scale**2 * value(y), rel=1e-9)
        assert value(y + z) + value(y - z) == pytest.approx(2 * value(y) + 2 * value(z), rel=1e-9)


@settings(max_examples=20)
@given(case=PROBLEM, ridge=RIDGE)
def test_a_rotation_of_rows_changes_only_leave_one_out(route: Any, case: tuple, ridge: float) -> None:
    gram, y = case
    turn = np.linalg.qr(np.random.default_rng(len(y)).standard_normal((len(y), len(y))))[0]
    turned = turn @ gram @ turn.T
    for criterion in ("kare", "log_marginal_likelihood", "signal_capture_threshold"):
        before, after = route(criterion, gram, y, ridge), route(criterion, (turned + turned.T) / 2, turn @ y, ridge)
        assert after == pytest.approx(before, rel=1e-8, abs=1e-8)


@settings(max_examples=20)
@given(case=PROBLEM, ridge=RIDGE)
def test_the_order_of_rows_does_not_matter(route: Any, case: tuple, ridge: float) -> None:
    gram, y = case
    rng = np.random.default_rng(len(y))
    order, groups = rng.permutation(len(y)), rng.permutation(np.arange(len(y)) % 3)
    shuffled = gram[np.ix_(order, order)]
    for criterion in ALL:
        assert route(criterion, shuffled, y[order], ridge) == pytest.approx(
            route(criterion, gram, y, ridge), rel=1e-8, abs=1e-8
        )
    assert route("leave_one_group_out", shuffled, y[order], ridge, groups[order]) == pytest.approx(
        route("leave_one_group_out", gram, y, ridge, groups), rel=1e-8
    )


@pytest.mark.parametrize("value", [0.0, 1e-12, 1.0, 1e12])
@pytest.mark.parametrize("ridge", [1e-9, 1.0, 1e9])
def test_a_multiple_of_the_identity_learns_nothing(route: Any, value: float, ridge: float) -> None:
    y = np.random.default_rng(0).standard_normal(10)
    for criterion in RISKS:
        assert route(criterion, value * np.eye(10), y, ridge) == pytest.approx(np.mean(y**2), rel=1e-10)
    assert route("signal_capture_threshold", value * np.eye(10), y, ridge) == pytest.approx(
        value / 10 + ridge, rel=1e-12
    )


@given(case=PROBLEM)
@settings(max_examples=20)
def test_an_infinite_ridge_predicts_nothing_and_errs_by_the_targets(route: Any, case: tuple) -> None:
    gram, y = case
    for ridge in (1e3, 1e6, 1e9):
        for criterion in RISKS:
            # the correction is of first order in |G| / (n ridge)
            bound = 4 * np.linalg.norm(gram, 2) / len(y) / ridge * np.mean(y**2) + 1e-12
            assert abs(route(criterion, gram, y, ridge) - np.mean(y**2)) <= bound


@settings(max_examples=20)
@given(n=st.integers(3, 24), seed=st.integers(0, 9999), ridge=RIDGE)
def test_with_equal_leverages_leave_one_out_is_kare(route: Any, n: int, seed: int, ridge: float) -> None:
    """A circulant matrix has an inverse of constant diagonal."""
    rng = np.random.default_rng(seed)
    powers = rng.random(n // 2 + 1)
    row = np.fft.irfft(powers, n)
    gram = scipy.linalg.circulant(row)
    y = rng.standard_normal(n)
    gram = (gram + gram.T) / 2
    assert route("leave_one_out", gram, y, ridge) == pytest.approx(route("kare", gram, y, ridge), rel=1e-9)


@settings(max_examples=20)
@given(case=PROBLEM, ridge=RIDGE, k=st.integers(1, 4))
def test_risks_of_several_targets_are_summed(route: Any, case: tuple, ridge: float, k: int) -> None:
    gram, _ = case
    Y = np.random.default_rng(k).standard_normal((len(gram), k))
    groups = np.arange(len(gram)) % 3
    for criterion, labels in (("kare", None), ("leave_one_out", None), ("leave_one_group_out", groups)):
        single = [route(criterion, gram, y, ridge, labels) for y in Y.T]
        assert route(criterion, gram, Y, ridge, labels) == pytest.approx(np.sum(single), rel=1e-9)


@settings(max_examples=20)
@given(case=PROBLEM, ridge=RIDGE)
def test_groups_of_one_row_are_leave_one_out(route: Any, case: tuple, ridge: float) -> None:
    gram, y = case
    labels = np.random.default_rng(0).permutation(len(y))
    assert route("leave_one_group_out", gram, y, ridge, labels) == pytest.approx(
        route("leave_one_out", gram, y, ridge), rel=1e-9
    )


@pytest.mark.parametrize(
    "labels",
    [
        np.array([1, 1, 0, 0, 2, 2]),
        np.array(["b", "b", "a", "a", "c", "c"]),
        ["x", "x", None, None, 3, 3],
        [0.5, 0.5, -1.0, -1.0, 9.0, 9.0],
    ],
    ids=["int", "text", "mixed", "float"],
)
def test_labels_of_any_kind_say_who_belongs_together(route: Any, labels: Any) -> None:
    gram, y = problem(6, 0, 1.0)
    expected = route("leave_one_group_out", gram, y, 0.1, [0, 0, 1, 1, 2, 2])
    assert route("leave_one_group_out", gram, y, 0.1, labels) == pytest.approx(expected, rel=1e-12)


@settings(max_examples=30)
@given(case=PROBLEM, ridge=RIDGE)
def test_all_else_follows_from_threshold_and_slope(criteria: Any, case: tuple, ridge: float) -> None:
    gram, y = case
    n, path = len(y), criteria(gram, y)
    inverse = np.linalg.inv(gram / n + ridge * np.eye(n))
    threshold, slope = path.signal_capture_threshold(ridge), path.threshold_slope(ridge)
    exact_slope = threshold**2 * np.mean(np.linalg.eigvalsh(inverse) ** 2)
    # 32 random probes measure tr M^-2 of a search, each with variance 2 tr M^-4 at most
    squares = np.linalg.eigvalsh(inverse) ** 2
    probes = 5 * np.sqrt(2 * np.sum(squares**2) / 32) / np.sum(squares)
    assert slope == pytest.approx(exact_slope, rel=1e-8 if criteria is RidgePath else probes)
    assert path.participation(ridge) == pytest.approx(1 / slope, rel=1e-12)
    assert 0 < path.participation(ridge) <= 1 + 1e-12
    assert 1 - 1e-12 <= exact_slope <= threshold / ridge * (1 + 1e-8)
    assert ridge < threshold <= ridge + np.trace(gram) / n**2 * (1 + 1e-9)
    assert path.effective_dimension(ridge) == pytest.approx(np.trace(hat(gram, ridge)), rel=1e-8, abs=1e-10)
    assert path.training_error(ridge) == pytest.approx((ridge / threshold) ** 2 * path.kare(ridge), rel=1e-9)
    assert path.training_error(ridge) == pytest.approx(np.mean((y - hat(gram, ridge) @ y) ** 2), rel=1e-6, abs=1e-14)
    assert path.risk(ridge) == max(path.kare(ridge), path.leave_one_out(ridge))


@settings(max_examples=20)
@given(case=PROBLEM, ridge=RIDGE)
def test_the_dual_solves_the_normal_equations(criteria: Any, case: tuple, ridge: float) -> None:
    gram, _ = case
    n = len(gram)
    Y = np.random.default_rng(n).standard_normal((n, 2))
    dual = criteria(gram, Y).dual(ridge)
    np.testing.assert_allclose(gram @ dual + n * ridge * dual, Y, rtol=1e-7, atol=1e-9)


@settings(max_examples=20)
@given(case=PROBLEM, ridge=RIDGE)
def test_left_out_residuals_carry_the_errors(criteria: Any, case: tuple, ridge: float) -> None:
    gram, y = case
    groups = np.arange(len(y)) % 2
    plain, grouped = criteria(gram, y), criteria(gram, y, groups=groups)
    assert np.mean(plain.left_out_residuals(ridge) ** 2) == pytest.approx(plain.leave_one_out(ridge), rel=1e-12)
    assert np.mean(grouped.left_out_residuals(ridge) ** 2) == pytest.approx(
        grouped.leave_one_group_out(ridge), rel=1e-12
    )
    assert grouped.risk(ridge) == max(grouped.kare(ridge), grouped.leave_one_group_out(ridge))


@given(case=PROBLEM)
@settings(max_examples=20)
def test_a_path_knows_the_spectrum_and_what_is_captured(case: tuple) -> None:
    gram, y = case
    path = RidgePath(gram, y)
    eigenvalues = np.linalg.eigvalsh(gram / len(y))[::-1]
    np.testing.assert_allclose(path.eigenvalues, eigenvalues, rtol=1e-9, atol=1e-12)
    assert np.sum(path.coefficients**2) == pytest.approx(np.sum(y**2), rel=1e-12)
    ridge = 0.1
    through_spectrum = np.sum(path.coefficients[:, 0] ** 2 * path.eigenvalues) * len(y)
    assert through_spectrum == pytest.approx(y @ gram @ y, rel=1e-9)
    captured = path.captured(ridge)
    assert (np.diff(captured) <= 1e-12).all()
    assert ((captured >= 0) & (captured < 1)).all()
    np.testing.assert_allclose(captured / (1 - captured) * path.signal_capture_threshold(ridge), path.eigenvalues)


def test_one_ridge_gives_a_number_and_several_a_vector(criteria: Any) -> None:
    gram, y = problem(12, 3, 1.0)
    path = criteria(gram, y, groups=np.arange(12) % 4)
    names = [*ALL, "leave_one_group_out", "risk", "training_error", "threshold_slope", "effective_dimension"]
    names += ["participation", "standard_error"]
    ridges = [1e-3, 0.1, 5.0]
    for name in names:
        several, single = getattr(path, name)(ridges), [getattr(path, name)(ridge) for ridge in ridges]
        assert several.shape == (3,)
        assert all(type(value) is float for value in single)
        np.testing.assert_allclose(several, single, rtol=1e-12)
