"""The estimators behave as scikit-learn's do, and predict what their ridge path says."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.datasets import load_diabetes, load_iris
from sklearn.kernel_ridge import KernelRidge
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from theodolite.kernel_regression import KernelRidgeClassifier, KernelRidgeRegressor, RidgePath, RidgeSearch, factorise
from theodolite.kernel_regression.prediction import predict
from theodolite.kernel_regression.target_coding import Classes, Quantities
from theodolite.kernels import RBF, Laplace, Linear, as_kernel, median_distances
from theodolite.numerics import BadInput

RNG = np.random.default_rng(0)
X, Z = RNG.standard_normal((60, 3)), RNG.standard_normal((20, 3))
Y = np.sin(X[:, 0]) + 0.2 * X[:, 1] + 0.1 * RNG.standard_normal(60)


@pytest.mark.contract
@parametrize_with_checks([KernelRidgeRegressor(), KernelRidgeClassifier()])
def test_the_estimators_pass_the_common_checks(estimator: Any, check: Any) -> None:
    check(estimator)


@pytest.mark.oracle
@pytest.mark.parametrize("kernel", [RBF(4.0), Laplace(2.0), Linear()], ids=repr)
def test_predictions_are_those_of_scikit_learn_at_the_same_ridge(kernel: Any) -> None:
    model = KernelRidgeRegressor(kernel, ridge=0.01).fit(X, Y)
    reference = KernelRidge(alpha=60 * 0.01, kernel="precomputed").fit(kernel(X), Y - Y.mean())
    np.testing.assert_allclose(model.predict(Z), reference.predict(kernel(Z, X)) + Y.mean(), rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(model.dual_coef_[:, 0], reference.dual_coef_, rtol=1e-7, atol=1e-9)


def test_the_ridge_is_the_best_of_its_path_and_the_risk_is_the_predicted_one() -> None:
    model = KernelRidgeRegressor(RBF(4.0)).fit(X, Y)
    path = RidgePath(RBF(4.0)(X), Y - Y.mean())
    assert model.ridge_ == pytest.approx(path.best_ridge(), rel=1e-3)
    assert model.predicted_risk_ == pytest.approx(path.risk(model.ridge_), rel=1e-9)
    groups = np.arange(60) // 3
    grouped = KernelRidgeRegressor(RBF(4.0)).fit(X, Y, groups=groups)
    assert grouped.predicted_risk_ == pytest.approx(
        RidgePath(RBF(4.0)(X), Y - Y.mean(), groups=groups).risk(grouped.ridge_), rel=1e-9
    )


def test_without_a_kernel_the_lengthscale_is_the_median_squared_distance() -> None:
    assert KernelRidgeRegressor().fit(X, Y).kernel_ == RBF(median_distances(X)[0] ** 2)


@pytest.mark.montecarlo
def test_the_predicted_risk_is_the_error_on_rows_held_out() -> None:
    """Over 30 splits of the diabetes data the ratio of measured and predicted error is one within four bars and 5 %."""
    data, target = load_diabetes(return_X_y=True)
    target = (target - target.mean()) / target.std()
    ratios = []
    for split in range(30):
        order = np.random.default_rng(split).permutation(len(target))
        train, test = order[:200], order[200:]
        model = make_pipeline(StandardScaler(), KernelRidgeRegressor()).fit(data[train], target[train])
        measured = np.mean((model.predict(data[test]) - target[test]) ** 2)
        ratios.append(measured / model[-1].predicted_risk_)
    assert np.mean(ratios) == pytest.approx(1.0, abs=4 * np.std(ratios) / np.sqrt(30) + 0.05)


def test_several_targets_are_predicted_together_in_the_shape_they_came() -> None:
    both = np.stack([Y, 2 * Y + 1], axis=1)
    model = KernelRidgeRegressor(RBF(4.0), ridge=0.01)
    single = model.fit(X, Y).predict(Z)
    np.testing.assert_allclose(model.fit(X, both).predict(Z), np.stack([single, 2 * single + 1], axis=1), rtol=1e-9)
    assert clone(model).fit(X, Y[:, None]).predict(Z).shape == (20, 1)


def test_the_origin_of_the_targets_does_not_matter() -> None:
    model = KernelRidgeRegressor(RBF(4.0), ridge=0.01)
    np.testing.assert_allclose(model.fit(X, Y + 1e6).predict(Z) - 1e6, model.fit(X, Y).predict(Z), atol=1e-8)


def test_tables_with_names_are_read_and_checked() -> None:
    table = pd.DataFrame(X, columns=["a", "b", "c"])
    model, bare = (KernelRidgeRegressor(RBF(4.0), ridge=0.01).fit(points, Y) for points in (table, X))
    np.testing.assert_allclose(model.predict(pd.DataFrame(Z, columns=["a", "b", "c"])), bare.predict(Z))
    with pytest.raises(ValueError, match="feature names"):
        model.predict(pd.DataFrame(Z, columns=["c", "b", "a"]))


@pytest.mark.parametrize("labels", [["no", "yes"], [0, 1], [-1, 1], [False, True], [3.0, 7.0]], ids=repr)
def test_two_classes_of_any_kind_are_told_apart(labels: list) -> None:
    classes = np.array(labels)
    y = classes[(X[:, 0] > 0).astype(int)]
    model = KernelRidgeClassifier(RBF(4.0)).fit(X, y)
    assert model.predict(Z).dtype == classes.dtype
    assert np.mean(model.predict(X) == y) > 0.95
    np.testing.assert_array_equal(model.predict(Z) == classes[1], model.decision_function(Z) > 0)
    assert model.decision_function(Z).shape == (20,)
    # squares of what is at least 1 away bound the share of errors
    assert np.mean(model.predict(X) != y) <= np.mean(
        (model.decision_function(X) - np.where(y == classes[1], 1, -1)) ** 2
    )


def test_three_classes_are_told_apart() -> None:
    data, target = load_iris(return_X_y=True)
    model = make_pipeline(StandardScaler(), KernelRidgeClassifier())
    assert cross_val_score(model, data, target, cv=5).mean() > 0.93
    values = model.fit(data, target).decision_function(data)
    assert values.shape == (150, 3)
    np.testing.assert_array_equal(model.predict(data), values.argmax(axis=1))
    np.testing.assert_allclose(values.sum(axis=1), 1.0, atol=1e-9)  # columns of 0 and 1 add up to one


@pytest.mark.parametrize("ridge", [0.0, -1.0, np.nan])
def test_a_ridge_of_the_users_own_is_checked(ridge: float) -> None:
    with pytest.raises(BadInput, match="ridge must be positive"):
        KernelRidgeRegressor(RBF(1.0), ridge=ridge).fit(X, Y)


def test_one_class_is_no_classification() -> None:
    with pytest.raises(BadInput, match="the targets hold one class only"):
        KernelRidgeClassifier().fit(X, np.zeros(60))


def test_the_route_depends_on_the_number_of_rows() -> None:
    assert isinstance(factorise(np.eye(50), np.ones((50, 1))), RidgePath)
    assert isinstance(factorise(np.eye(900), np.ones((900, 1))), RidgeSearch)


@pytest.mark.exact
def test_predictions_block_by_block_are_those_of_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    dual, kernel = RNG.standard_normal((60, 2)), Laplace(1.0)
    whole = kernel(Z, X) @ dual
    told: list[tuple[float, float, str]] = []
    asked = []

    def watched(points: np.ndarray, others: np.ndarray) -> np.ndarray:
        asked.append((len(points), len(others)))
        return kernel(points, others)

    monkeypatch.setattr("theodolite.kernel_regression.prediction._NUMBERS", 60 * 7)  # seven rows at a time
    parts = predict(as_kernel(watched), Z, X, dual, progress=lambda *report: told.append(report))
    assert asked == [(7, 60), (7, 60), (6, 60)]
    np.testing.assert_allclose(parts, whole, rtol=1e-12)
    assert told == [(7, 20, "predictions"), (14, 20, "predictions"), (20, 20, "predictions")]
    assert predict(kernel, Z[:0], X, dual).shape == (0, 2)


@pytest.mark.exact
def test_codes_of_targets_are_undone() -> None:
    for targets in (Y, np.stack([Y, Y**2], axis=1)):
        coding, columns = Quantities.of(targets)
        np.testing.assert_allclose(columns.mean(axis=0), 0.0, atol=1e-15)
        np.testing.assert_allclose(coding.decode(columns), targets, rtol=1e-12, atol=1e-14)
        np.testing.assert_allclose(coding.encode(targets), columns)
    for labels in (np.array(["b", "a", "b"]), np.array([3, 1, 2, 3, 3])):
        coding, columns = Classes.of(labels)
        np.testing.assert_allclose(columns.mean(axis=0), 0.0, atol=1e-15)
        np.testing.assert_array_equal(coding.decode(columns), labels)
        np.testing.assert_allclose(coding.encode(labels), columns)
    with pytest.raises(BadInput, match=r"class 9 was not in the training data; known: \[1, 2\]"):
        Classes.of(np.array([1, 2]))[0].encode([1, 9])
