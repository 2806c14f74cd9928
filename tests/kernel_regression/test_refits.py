"""Closed forms against machines fitted again and again, scikit-learn's own numbers, and a stored table."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar
from scipy.spatial.distance import cdist
from scipy.stats import multivariate_normal
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF as SklearnRBF
from sklearn.gaussian_process.kernels import ConstantKernel, WhiteKernel
from sklearn.kernel_ridge import KernelRidge
from sklearn.linear_model import Ridge, RidgeCV
from sklearn.model_selection import GroupKFold, LeaveOneGroupOut, LeaveOneOut, cross_val_predict

from theodolite.kernel_regression import RidgePath
from theodolite.kernels import RBF, Laplace, Linear

pytestmark = pytest.mark.oracle

X = np.random.default_rng(0).standard_normal((14, 3))
Y = np.stack([np.sin(X[:, 0]) + 0.3 * X[:, 1] ** 2, X[:, 2] - X[:, 0]], axis=1)
RIDGES = [1e-5, 1e-2, 1.0]
GROUPS = {
    "pairs": np.arange(14) // 2,
    "two halves": np.arange(14) % 2,
    "uneven": np.array([0, 0, 0, 0, 0, 1, 2, 2, 3, 3, 3, 4, 5, 5]),
}


def refitted(gram: np.ndarray, targets: np.ndarray, ridge: float, folds: Any, groups: Any = None) -> np.ndarray:
    """Predictions of each row by scikit-learn's machine without its fold, at the same n * ridge as on all rows."""
    machine = KernelRidge(alpha=len(gram) * ridge, kernel="precomputed")
    return cross_val_predict(machine, gram, targets, cv=folds, groups=groups)


@pytest.mark.parametrize("ridge", RIDGES)
@pytest.mark.parametrize("targets", [Y[:, 0], Y], ids=["one target", "two targets"])
def test_leave_one_out_is_what_refits_without_each_row_say(route: Any, ridge: float, targets: np.ndarray) -> None:
    gram = RBF(4.0)(X)
    residuals = targets - refitted(gram, targets, ridge, LeaveOneOut())
    assert route("leave_one_out", gram, targets, ridge) == pytest.approx(np.sum(residuals**2) / 14, rel=1e-8)


@pytest.mark.parametrize("ridge", RIDGES)
@pytest.mark.parametrize("groups", GROUPS)
def test_leave_one_group_out_is_what_refits_without_each_group_say(route: Any, ridge: float, groups: str) -> None:
    gram = Laplace(2.0)(X)
    residuals = Y - refitted(gram, Y, ridge, LeaveOneGroupOut(), GROUPS[groups])
    error = route("leave_one_group_out", gram, Y, ridge, GROUPS[groups])
    assert error == pytest.approx(np.sum(residuals**2) / 14, rel=1e-8)


@pytest.mark.parametrize("ridge", RIDGES)
def test_left_out_residuals_are_those_of_the_refits_row_by_row(criteria: Any, ridge: float) -> None:
    gram = RBF(4.0)(X)
    alone = Y - refitted(gram, Y, ridge, LeaveOneOut())
    np.testing.assert_allclose(criteria(gram, Y).left_out_residuals(ridge), alone, rtol=1e-7, atol=1e-9)
    groups = GROUPS["uneven"]
    together = Y - refitted(gram, Y, ridge, LeaveOneGroupOut(), groups)
    residuals = criteria(gram, Y, groups=groups).left_out_residuals(ridge)
    np.testing.assert_allclose(residuals, together, rtol=1e-7, atol=1e-9)


def test_errors_with_other_groups_left_out_need_no_new_path(criteria: Any) -> None:
    from theodolite.kernel_regression.groups import groups_of

    gram, ridge = Laplace(2.0)(X), 0.01
    path = criteria(gram, Y[:, 0])
    for labels in GROUPS.values():
        residuals = Y[:, 0] - refitted(gram, Y[:, 0], ridge, GroupKFold(len(set(labels))), labels)
        assert path.left_out_error(ridge, groups_of(labels, 14)) == pytest.approx(np.mean(residuals**2), rel=1e-8)


@pytest.mark.parametrize("ridge", RIDGES)
def test_dual_coefficients_are_those_of_scikit_learn(criteria: Any, ridge: float) -> None:
    gram = RBF(4.0)(X)
    machine = KernelRidge(alpha=14 * ridge, kernel="precomputed").fit(gram, Y)
    np.testing.assert_allclose(criteria(gram, Y).dual(ridge), machine.dual_coef_, rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("ridge", [1e-3, 0.1, 10.0])
def test_a_linear_kernel_gives_the_leave_one_out_of_ridge_regression(route: Any, ridge: float) -> None:
    """RidgeCV without folds computes exact leave-one-out errors from a decomposition of its own."""
    rows = 40
    features = np.random.default_rng(1).standard_normal((rows, 5))
    y = features @ np.arange(5.0) + np.random.default_rng(2).standard_normal(rows)
    cv = RidgeCV(alphas=[rows * ridge], fit_intercept=False, store_cv_results=True).fit(features / np.sqrt(5), y)
    error = route("leave_one_out", Linear()(features), y, ridge)
    assert error == pytest.approx(float(cv.cv_results_.mean()), rel=1e-8)


def test_a_linear_kernel_predicts_as_ridge_regression() -> None:
    rng = np.random.default_rng(3)
    features, new = rng.standard_normal((30, 4)), rng.standard_normal((6, 4))
    y = rng.standard_normal(30)
    dual = RidgePath(Linear()(features), y).dual(0.2)
    primal = Ridge(alpha=30 * 0.2, fit_intercept=False).fit(features / 2, y)
    np.testing.assert_allclose((Linear()(new, features) @ dual)[:, 0], primal.predict(new / 2), rtol=1e-9)


@settings(max_examples=8)
@given(seed=st.integers(0, 999), ridge=st.floats(-4, 1).map(lambda exponent: 10.0**exponent))
def test_the_log_likelihood_is_that_of_a_gaussian_process_at_its_best_scale(
    route: Any, seed: int, ridge: float
) -> None:
    """scikit-learn evaluates y ~ N(0, scale (G/n + ridge I)) with all constants; the best scale is found here."""
    rng = np.random.default_rng(seed)
    rows = 12
    points, y = rng.standard_normal((rows, 2)), rng.standard_normal(rows)
    process = GaussianProcessRegressor(
        ConstantKernel(1.0) * SklearnRBF(1.0) + WhiteKernel(1.0), alpha=0.0, optimizer=None
    ).fit(points, y)

    def likelihood(log_scale: float) -> float:
        theta = [log_scale - np.log(rows), 0.0, log_scale + np.log(ridge)]  # logs of scale / n, of 1, of scale * ridge
        return process.log_marginal_likelihood(np.array(theta))

    best = minimize_scalar(lambda s: -likelihood(s), bounds=(-20, 20), method="bounded", options={"xatol": 1e-10})
    ours = route("log_marginal_likelihood", RBF(2.0)(points), y, ridge)  # exp(-r^2 / 2), the same kernel
    assert rows * (ours - 0.5 - 0.5 * np.log(2 * np.pi)) == pytest.approx(-best.fun, rel=1e-8)


def test_the_log_likelihood_of_several_targets_is_per_target_at_one_common_scale(route: Any) -> None:
    """Against scipy's Gaussian density, its scale found here; the same target twice changes nothing."""
    gram, ridge = RBF(4.0)(X), 0.05
    matrix = gram / 14 + ridge * np.eye(14)

    def density(log_scale: float) -> float:
        return float(multivariate_normal(np.zeros(14), np.exp(log_scale) * matrix).logpdf(Y.T).sum())

    best = minimize_scalar(lambda s: -density(s), bounds=(-10, 10), method="bounded", options={"xatol": 1e-10})
    ours = route("log_marginal_likelihood", gram, Y, ridge)
    assert 28 * (ours - 0.5 - 0.5 * np.log(2 * np.pi)) == pytest.approx(-best.fun, rel=1e-8)
    single = route("log_marginal_likelihood", gram, Y[:, 0], ridge)
    assert route("log_marginal_likelihood", gram, Y[:, [0, 0]], ridge) == pytest.approx(single, rel=1e-12)


# Reference values from an independent computation in double precision; 40 points in three dimensions. In the row of
# Laplace the distances came from |x|^2 + |z|^2 - 2 x.z, which leaves 1e-8 on the diagonal: seven digits are right.
POINTS = np.random.default_rng(2020)
TABLE_X = np.round(POINTS.standard_normal((40, 3)), 6)
TABLE_Y = np.round(np.sin(TABLE_X[:, 0]) + 0.5 * TABLE_X[:, 1] * TABLE_X[:, 2] + 0.1 * POINTS.standard_normal(40), 6)
COLUMNS = (
    "kare",
    "signal_capture_threshold",
    "threshold_slope",
    "leave_one_out",
    "minus twice evidence",
    "training_error",
)
TABLE = [
    (RBF(6.0), 1e-6, (0.1227625161, 1.314686069e-5, 7.302276836, 0.2599089305, -0.3990372168, 7.102670349e-4)),
    (RBF(6.0), 1e-3, (0.02166548441, 0.001859978401, 1.556671275, 0.1045158045, -2.465900132, 0.006262570121)),
    (RBF(6.0), 1e-1, (0.3075809260, 0.1107147844, 1.041978025, 0.3342803791, -0.7425136443, 0.2509274440)),
    (Laplace(1.0), 1e-3, (0.1184546904, 0.01500888094, 1.366131735, 0.2345980532, -1.184918104, 5.258425e-4)),
]


def test_the_table_is_about_these_points() -> None:
    assert TABLE_X[0].tolist() == [1.260207, 0.223178, 1.332549]
    assert TABLE_Y[:3].tolist() == [1.134166, -0.959997, -0.072542]


@pytest.mark.parametrize(("kernel", "ridge", "expected"), TABLE)
def test_every_criterion_agrees_with_the_table(kernel: Any, ridge: float, expected: tuple[float, ...]) -> None:
    path = RidgePath(kernel(TABLE_X), TABLE_Y)
    for column, value in zip(COLUMNS, expected, strict=True):
        if column == "minus twice evidence":
            assert -2 * path.log_marginal_likelihood(ridge) == pytest.approx(value, rel=2e-7)
        else:  # the table has seven digits where it has fewest
            assert getattr(path, column)(ridge) == pytest.approx(value, rel=2e-7)


@pytest.mark.parametrize(("kernel", "ridge", "expected"), TABLE)
def test_every_function_agrees_with_the_table(route: Any, kernel: Any, ridge: float, expected: tuple) -> None:
    values = dict(zip(COLUMNS, expected, strict=True))
    for criterion in ("kare", "leave_one_out", "signal_capture_threshold"):
        value = route(criterion, kernel(TABLE_X), TABLE_Y, ridge)
        assert value == pytest.approx(values[criterion], rel=1e-7 if isinstance(kernel, Laplace) else 2e-9)


def test_laplace_with_true_distances_agrees_with_an_explicit_inverse(route: Any) -> None:
    matrix = np.linalg.inv(np.exp(-cdist(TABLE_X, TABLE_X)) / 40 + 1e-3 * np.eye(40))
    dual = matrix @ TABLE_Y
    expected = np.mean(dual**2) / np.mean(matrix.diagonal()) ** 2
    assert expected == pytest.approx(0.118454687354, rel=1e-11)
    assert route("kare", Laplace(1.0)(TABLE_X), TABLE_Y, 1e-3) == pytest.approx(expected, rel=1e-10)


def test_two_targets_agree_with_the_table(route: Any) -> None:
    targets = np.stack([TABLE_Y, np.sign(TABLE_Y)], axis=1)
    assert route("kare", RBF(6.0)(TABLE_X), targets, 0.1) == pytest.approx(0.7792838473, rel=1e-9)
