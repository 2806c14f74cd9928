"""Mean and variance of random-feature predictors: exact laws, sampling by two routes, theory."""

import numpy as np
import pytest

from theodolite.kernel_regression import leave_one_out
from theodolite.kernels import RBF, Laplace, gram
from theodolite.numerics.errors import BadInput, ShapeMismatch
from theodolite.random_features import (
    Problem,
    draw_predictors,
    effective_ridge,
    features_needed,
    matched_risk_curve,
    predicted_moments,
    risk_curve,
)
from theodolite.random_features.draws import ridge_weights

rng = np.random.default_rng(7)
X, Z = rng.standard_normal((30, 2)), rng.standard_normal((12, 2))
Y = np.sin(2 * X[:, 0]) + 0.3 * rng.standard_normal(30)
KERNEL = Laplace(2.0)
PROBLEM = Problem.of(KERNEL(X), Y, KERNEL(Z, X), KERNEL.diagonal(Z))


@pytest.mark.exact
@pytest.mark.parametrize("ridge", [0.0, 1e-3, 0.2])
def test_the_eigenbasis_predicts_as_the_kernel_machine(ridge: float) -> None:
    expected = KERNEL(Z, X) @ np.linalg.solve(KERNEL(X) + 30 * ridge * np.eye(30), Y)
    np.testing.assert_allclose(PROBLEM.kernel_prediction(ridge), expected, atol=1e-10)


@pytest.mark.exact
def test_many_features_have_the_moments_of_the_kernel_and_no_variance() -> None:
    moments = predicted_moments(PROBLEM, 0.01, 10**12)
    np.testing.assert_allclose(moments.mean, PROBLEM.kernel_prediction(0.01), atol=1e-9)
    assert moments.variance.max() < 1e-8
    assert moments.effective_ridge == pytest.approx(0.01)


@pytest.mark.exact
def test_without_ridge_and_enough_features_every_draw_interpolates() -> None:
    draws = draw_predictors(0, PROBLEM, 0.0, 60, 3)
    np.testing.assert_allclose(draws.means, np.tile(PROBLEM.kernel_prediction(0.0), (3, 1)), atol=1e-8)


@pytest.mark.exact
@pytest.mark.parametrize("shape", [(9, 4), (4, 9)])
def test_ridge_weights_agree_on_both_sides_and_are_of_least_norm_without_ridge(shape: tuple[int, int]) -> None:
    F, y = np.random.default_rng(1).standard_normal(shape), np.arange(float(shape[0]))
    direct = np.linalg.solve(F.T @ F + 0.1 * np.eye(shape[1]), F.T @ y)
    np.testing.assert_allclose(ridge_weights(F, y, 0.1), direct, atol=1e-12)
    np.testing.assert_allclose(ridge_weights(F, y, 0.0), np.linalg.pinv(F) @ y, atol=1e-12)
    repeated = np.vstack([F, F])
    again = ridge_weights(repeated, np.append(y, y), 0.0)
    np.testing.assert_allclose(again, np.linalg.pinv(repeated) @ np.append(y, y), atol=1e-10)


@pytest.mark.montecarlo
def test_the_ridgeless_norm_follows_the_inverse_wishart_law() -> None:
    least = Y @ np.linalg.solve(KERNEL(X), Y)
    for P in (50, 90):
        norms = draw_predictors(1, PROBLEM, 0.0, P, 600).squared_norms
        assert abs(norms.mean() - P / (P - 31) * least) < 4 * norms.std() / np.sqrt(600)


@pytest.mark.montecarlo
def test_total_variance_agrees_with_features_drawn_at_the_test_points_too() -> None:
    """The conditional route against features drawn jointly at all points: another program, another key."""
    P, T, ridge_sum = 20, 1500, 0.3
    everything = np.vstack([X, Z])
    root = np.linalg.cholesky(KERNEL(everything) + 1e-12 * np.eye(42))
    generator, found = np.random.default_rng(2), np.empty((T, 12))
    for t in range(T):
        F = root @ generator.standard_normal((42, P)) / np.sqrt(P)
        found[t] = F[30:] @ np.linalg.solve(F[:30].T @ F[:30] + ridge_sum * np.eye(P), F[:30].T @ Y)
    draws = draw_predictors(3, PROBLEM, ridge_sum / 30, P, T)
    error = np.sqrt(found.var(axis=0) / T + draws.means.var(axis=0) / T)
    assert (np.abs(found.mean(axis=0) - draws.mean) < 4.5 * error).all()
    ratio = found.var(axis=0, ddof=1) / draws.variance
    assert (np.abs(ratio - 1) < 5 * np.sqrt(2 * 2 / T)).all()
    assert abs(ratio.mean() - 1) < 4 * np.sqrt(2 * 2 / T)


@pytest.mark.montecarlo
@pytest.mark.parametrize(("ridge_sum", "features"), [(1e-2, 30), (1e-2, 15), (0.5, 30), (0.5, 100)])
def test_the_mean_is_the_kernel_at_the_effective_ridge_and_the_variance_follows(
    ridge_sum: float, features: int
) -> None:
    T = 2500
    draws = draw_predictors(4, PROBLEM, ridge_sum / 30, features, T)
    theory = predicted_moments(PROBLEM, ridge_sum / 30, features)
    error = np.sqrt(draws.means.var(axis=0) / T)
    bias = 0.35 / features * np.linalg.norm(Y) / np.sqrt(np.linalg.eigvalsh(KERNEL(X))[0] + 30 * theory.effective_ridge)
    assert (np.abs(draws.mean - theory.mean) < 4 * error + bias).all()
    naive = np.abs(draws.mean - PROBLEM.kernel_prediction(ridge_sum / 30)).max()
    if features <= 30:
        assert naive > 3 * np.abs(draws.mean - theory.mean).max()
    spread = 4 * draws.squared_norms.std() / draws.squared_norms.mean() / np.sqrt(T)
    assert abs(draws.variance.mean() / theory.variance.mean() - 1) < spread + 3 / features
    assert abs(draws.squared_norms.mean() / theory.squared_norm - 1) < spread + 3 / features


@pytest.mark.montecarlo
def test_the_variance_of_a_target_along_one_eigenvector_needs_its_own_term() -> None:
    """For y along the first eigenvector, what moves along it counts twice."""
    matrix = KERNEL(X)
    values, vectors = np.linalg.eigh(matrix)
    first = vectors[:, -1]  # read the fitted values along it: a "point" whose covariance with X is K times it
    problem = Problem.of(matrix, first, (matrix @ first)[None, :], np.array([values[-1]]))
    T, P, ridge_sum = 4000, 60, 2.0
    draws = draw_predictors(5, problem, ridge_sum / 30, P, T)
    z = effective_ridge(values, ridge_sum, P)
    slope = 1 / (1 - np.sum((values / (values + z)) ** 2) / P)
    whole = slope / P * 2 * (z * values[-1] / (values[-1] + z) ** 2) ** 2
    measured, tolerance = draws.means[:, 0].var(ddof=1), 4 * np.sqrt(2 / T) + 3 / P
    assert abs(measured / whole - 1) < tolerance
    assert abs(draws.variance[0] / whole - 1) < tolerance
    theory = predicted_moments(problem, ridge_sum / 30, P).variance[0]
    assert theory == pytest.approx(whole, rel=1e-9)


@pytest.mark.montecarlo
def test_averaging_models_divides_the_variance() -> None:
    truth = np.sin(2 * Z[:, 0])
    draws = draw_predictors(6, PROBLEM, 1e-3, 30, 2000)
    one, ten = draws.squared_errors(truth), draws.squared_errors(truth, 10)
    theory = predicted_moments(PROBLEM, 1e-3, 30)
    bias = np.mean((theory.mean - truth) ** 2)
    assert len(ten) == 200
    error = np.hypot(one.std() / np.sqrt(2000), 10 * ten.std() / np.sqrt(200))
    assert abs((one.mean() - bias) - 10 * (ten.mean() - bias)) < 4 * error + 10 * 0.02 * bias


@pytest.mark.exact
def test_the_risk_curve_is_leave_one_out_of_the_moments() -> None:
    """The closed forms against an explicit loop over rows left out, at the same effective ridge in the unit of K."""
    ridge, features, n = 2e-3, 25, 30
    curve = risk_curve(KERNEL(X), Y, ridge, [features], models=4)
    d = np.linalg.eigvalsh(KERNEL(X))
    z = effective_ridge(d, n * ridge, features)
    slope = 1 / (1 - np.sum((d / (d + z)) ** 2) / features)
    whole = np.linalg.inv(KERNEL(X) + z * np.eye(n))
    power = Y @ whole @ KERNEL(X) @ whole @ Y
    squared, variance = [], []
    for i in range(n):
        kept = np.arange(n) != i
        inverse = np.linalg.inv(KERNEL(X[kept]) + z * np.eye(n - 1))
        k = KERNEL(X[i : i + 1], X[kept])[0]
        squared.append((k @ inverse @ Y[kept] - Y[i]) ** 2)
        away = 1 - k @ inverse @ k - z * k @ inverse @ inverse @ k
        variance.append(slope / features * (power * away + (z * k @ inverse @ inverse @ Y[kept]) ** 2))
    assert curve.average[0] == pytest.approx(np.mean(squared), rel=1e-9)
    assert curve.variance[0] == pytest.approx(np.mean(variance), rel=1e-9)
    assert curve.risk[0] == pytest.approx(np.mean(squared) + np.mean(variance) / 4, rel=1e-9)
    assert curve.effective_ridge[0] == pytest.approx(z / n, rel=1e-12)
    assert curve.slope[0] == pytest.approx(slope, rel=1e-9)


@pytest.mark.oracle
def test_the_average_of_the_curve_is_the_kernels_leave_one_out() -> None:
    curve = risk_curve(KERNEL(X), Y, 1e-2, [10, 100])
    for z, average in zip(curve.effective_ridge, curve.average, strict=True):
        assert average == pytest.approx(leave_one_out(KERNEL(X), Y, z), rel=1e-8)


@pytest.mark.exact
def test_the_curve_peaks_at_the_threshold_only_with_a_small_ridge() -> None:
    features = [6, 15, 24, 30, 36, 60, 300]
    small, large = (risk_curve(KERNEL(X), Y, ridge, features).risk for ridge in (1e-7, 0.1))
    assert features[int(small.argmax())] == 30
    assert (np.diff(large) < 0).all()


@pytest.mark.montecarlo
def test_the_curve_meets_models_that_were_trained() -> None:
    """Training sets, features and test points all drawn: the mean test error against the mean prediction."""
    generator, kernel, measured, predicted = np.random.default_rng(8), RBF(3.0), [], []
    n, P, ridge = 40, 60, 1e-3
    for _ in range(150):
        points = generator.standard_normal((n + 40, 2))
        y = np.sin(2 * points[:, 0]) + 0.3 * generator.standard_normal(n + 40)
        problem = Problem.of(kernel(points[:n]), y[:n], kernel(points[n:], points[:n]), np.ones(40))
        draws = draw_predictors(int(generator.integers(2**31)), problem, ridge, P, 2)
        measured.append(draws.squared_errors(y[n:]).mean())
        predicted.append(risk_curve(kernel(points[:n]), y[:n], ridge, [P]).risk[0])
    difference = np.array(measured) - np.array(predicted)
    assert abs(difference.mean()) < 4 * difference.std() / np.sqrt(150) + 0.03 * np.mean(measured)


@pytest.mark.exact
def test_matched_curves_keep_the_average_and_refuse_too_few_features() -> None:
    curve = matched_risk_curve(KERNEL(X), Y, 0.05, [40, 400])
    np.testing.assert_allclose(curve.effective_ridge, 0.05, rtol=1e-10)
    np.testing.assert_allclose(curve.average, leave_one_out(KERNEL(X), Y, 0.05), rtol=1e-8)
    assert (np.diff(curve.ridge) > 0).all()
    with pytest.raises(BadInput, match="degrees of freedom"):
        matched_risk_curve(KERNEL(X), Y, 0.05, [3])


@pytest.mark.exact
def test_features_needed_is_the_first_number_from_which_on_the_excess_holds() -> None:
    gram_matrix = gram(KERNEL, X)
    P = features_needed(gram_matrix, Y, 1e-4, excess=0.05)
    kernel = leave_one_out(gram_matrix, Y, 1e-4)
    after = risk_curve(gram_matrix, Y, 1e-4, [P - 1, P, P + 1, 3 * P, 100 * P]).risk / kernel
    assert (after <= 1.05).tolist() == [False, True, True, True, True]
    assert features_needed(gram_matrix, Y, 1e-4, excess=0.05, models=10) < P
    with pytest.raises(BadInput, match="not enough"):
        features_needed(gram_matrix, Y, 1e-4, excess=1e-6, most=100)


def test_bad_input_has_a_name() -> None:
    with pytest.raises(ShapeMismatch, match="do not go with"):
        Problem.of(np.eye(3), np.ones(3), np.ones((2, 4)), np.ones(2))
    with pytest.raises(ShapeMismatch, match="features"):
        risk_curve(KERNEL(X), Y, 0.1, [0])
    with pytest.raises(BadInput, match="ridge"):
        risk_curve(KERNEL(X), Y, 0.0, [10])


@pytest.mark.montecarlo
@pytest.mark.parametrize(("features", "ridge_sum"), [(5, 1e-2), (20, 1e-4), (100, 1e-2)])
def test_the_mean_hat_matrix_has_the_eigenvalues_of_the_effective_ridge(features: int, ridge_sum: float) -> None:
    d, T, generator = 2.0 ** -np.arange(20.0), 1500, np.random.default_rng(9)
    F = generator.standard_normal((T, 20, features)) * np.sqrt(d / features)[:, None]
    A = F @ np.linalg.solve(F.transpose(0, 2, 1) @ F + ridge_sum * np.eye(features), F.transpose(0, 2, 1))
    own = np.einsum("tii->ti", A)
    expected = d / (d + effective_ridge(d, ridge_sum, features))
    assert (np.abs(own.mean(axis=0) - expected) < 4 * own.std(axis=0) / np.sqrt(T) + 0.35 / features).all()
    crossed = A[:, 0, 1]  # it commutes with K: nothing off the diagonal on average
    assert abs(crossed.mean()) < 4 * crossed.std() / np.sqrt(T)
    if features <= 20:
        assert np.abs(own.mean(axis=0) - d / (d + ridge_sum)).max() > 0.2
