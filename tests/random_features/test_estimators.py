"""The estimators on random features: scikit-learn's contract, the kernel machine they stand for, what they keep."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_digits, make_friedman1
from sklearn.kernel_ridge import KernelRidge
from sklearn.utils.estimator_checks import parametrize_with_checks

from theodolite.kernel_regression import RidgePath, kare, leave_one_out
from theodolite.kernels import RBF
from theodolite.numerics import BadInput, NotFinite
from theodolite.random_features.estimators import RandomFeatureRidge, RandomFeatureRidgeClassifier
from theodolite.random_features.nystrom import nystrom_map


@pytest.mark.contract
@pytest.mark.filterwarnings("ignore::RuntimeWarning", "ignore::UserWarning", "ignore::FutureWarning")
@parametrize_with_checks([RandomFeatureRidge(features=50), RandomFeatureRidgeClassifier(features=50)])
def test_scikit_learn_accepts_the_estimator(estimator, check):
    check(estimator)


def friedman(n=300, seed=0):
    return make_friedman1(n, noise=1.0, random_state=seed)


@pytest.mark.oracle
def test_with_every_row_a_landmark_it_is_the_kernel_machine():
    X, y = friedman(150)
    Z, _ = friedman(40, seed=1)
    model = RandomFeatureRidge(RBF(4.0), 150, ridge=1e-3, standardise=False).fit(X, y)
    theirs = KernelRidge(alpha=150 * 1e-3, kernel="precomputed").fit(RBF(4.0)(X), y - y.mean())
    np.testing.assert_allclose(model.predict(Z), theirs.predict(RBF(4.0)(Z, X)) + y.mean(), rtol=1e-7)


@pytest.mark.oracle
@pytest.mark.parametrize("family", ["nystrom", "fourier", "relu"])
def test_its_criteria_are_those_of_the_dense_kernel_of_its_features(family):
    X, y = friedman()
    model = RandomFeatureRidge(features=40, family=family).fit(X, y)
    F = model.maps_[0].transform(model.encoder_.transform(X))
    centred = y - y.mean()
    assert model.kare_ == pytest.approx(kare(F @ F.T, centred, model.ridge_), rel=1e-8)
    assert model.leave_one_out_ == pytest.approx(leave_one_out(F @ F.T, centred, model.ridge_), rel=1e-8)
    assert model.predicted_risk_ == max(model.kare_, model.leave_one_out_)
    grid = np.geomspace(model.ridge_ / 30, model.ridge_ * 30, 40)
    best = min(max(kare(F @ F.T, centred, r), leave_one_out(F @ F.T, centred, r)) for r in grid)
    assert model.predicted_risk_ <= best * (1 + 1e-4)


@pytest.mark.exact
def test_parts_give_the_model_of_the_whole():
    X, y = friedman()
    first = slice(0, 120)
    parts = RandomFeatureRidge(features=30, standardise=False).partial_fit(X[first], y[first])
    landmarks = parts.maps_[0].landmarks
    parts.partial_fit(X[120:130], y[120:130]).partial_fit(X[130:], y[130:])
    F = nystrom_map(parts.maps_[0].kernel, landmarks).transform(X)
    theta = np.linalg.solve(F.T @ F + 300 * parts.ridge_ * np.eye(F.shape[1]), F.T @ (y - y.mean()))
    np.testing.assert_allclose(parts.predict(X), F @ theta + y.mean(), rtol=1e-9)
    assert parts.rows_ == 300


@pytest.mark.parametrize("kind", [RandomFeatureRidge, RandomFeatureRidgeClassifier])
def test_a_saved_model_predicts_the_same(kind, tmp_path):
    X, y = friedman(120)
    y = y if kind is RandomFeatureRidge else np.where(y > 14, "high", "low")
    model = kind(features=20, family="fourier", ensemble=2).fit(X, y)
    again = kind.load(model.save(tmp_path / "model"))
    np.testing.assert_array_equal(again.predict(X), model.predict(X))
    assert again.predicted_risk_ == model.predicted_risk_
    assert sorted(path.suffix for path in (tmp_path / "model").iterdir()) == [".json", ".safetensors"]
    other = RandomFeatureRidgeClassifier if kind is RandomFeatureRidge else RandomFeatureRidge
    with pytest.raises(BadInput, match=kind.__name__):
        other.load(tmp_path / "model")


def test_a_damaged_model_is_refused(tmp_path):
    X, y = friedman(60)
    folder = RandomFeatureRidge(features=10).fit(X, y).save(tmp_path / "model")
    tensors = next(folder.glob("*.safetensors"))
    tensors.write_bytes(tensors.read_bytes()[:-8] + b"00000000")
    with pytest.raises(BadInput, match="other content"):
        RandomFeatureRidge.load(folder)
    with pytest.raises(BadInput, match="holds no model"):
        RandomFeatureRidge.load(tmp_path)


def parity(flipped=0.1):
    """Parity of digits with flipped labels, the problem on which matching was measured."""
    digits = load_digits()
    random = np.random.default_rng(3)
    order = random.permutation(len(digits.target))
    X, y = digits.data[order] / 16.0, np.where(digits.target[order] % 2, 1.0, -1.0)
    y[random.random(len(y)) < flipped] *= -1
    return X[:400], y[:400], X[400:], y[400:]


def test_a_matched_ridge_suits_an_average_and_not_a_single_model():
    """Jacot et al. (2020), arXiv:2002.08404: the average of models is the kernel machine at the effective ridge."""
    X, y, Z, z = parity()
    kernel = RBF(20.0)
    path = RidgePath(kernel(X), y - y.mean())
    ridge = path.best_ridge("kare")
    features = int(1.5 * path.effective_dimension(ridge))

    def predicted(**settings):
        settings = {"family": "fourier", "ridge": ridge, "standardise": False, "kept_rows": 0, **settings}
        return RandomFeatureRidge(kernel, features, **settings).fit(X, y).predict(Z)

    machine = kernel(Z, X) @ path.dual(ridge)[:, 0] + y.mean()
    distance = [np.mean((predicted(ensemble=30, match=how) - machine) ** 2) for how in ("auto", None)]
    assert distance[0] < distance[1] / 2
    for seed in range(3):
        matched, plain = (np.mean((predicted(match=how, random_state=seed) - z) ** 2) for how in ("kernel", "auto"))
        assert matched > plain


def test_the_ridge_of_an_average_is_chosen_for_the_average():
    X, y, *_ = parity()
    settings = {"kernel": RBF(20.0), "features": 300, "family": "fourier", "standardise": False}
    single = RandomFeatureRidge(**settings).fit(X, y)
    average = RandomFeatureRidge(**settings, ensemble=10).fit(X, y)
    assert average.ridge_ < single.ridge_
    assert average.predicted_risk_ < single.predicted_risk_


def test_bad_settings_are_named():
    X, y = friedman(50)
    cases = [
        ({"ridge": "best"}, "ridge must be"),
        ({"ridge": -1.0}, "ridge must be positive"),
        ({"match": "kernel"}, "need no correction"),
        ({"match": "kernel", "family": "fourier"}, "give ridge as a number"),
        ({"family": "wavelets"}, "no family"),
        ({"features": 0}, "features must be"),
        ({"family": "relu", "kernel": RBF(1.0)}, "arc-cosine"),
    ]
    for settings, words in cases:
        with pytest.raises(BadInput, match=words):
            RandomFeatureRidge(**{"features": 10, **settings}).fit(X, y)
    with pytest.raises(BadInput, match="cannot match"):
        RandomFeatureRidge(RBF(1.0), 5, family="fourier", ridge=1e-9, match="kernel").fit(X, y)


def test_partial_fit_names_new_classes_and_nan():
    X, y = friedman(60)
    model = RandomFeatureRidgeClassifier(features=10).partial_fit(X, y > 14, classes=[False, True])
    assert clone(model).partial_fit(X, y > 14).classes_.tolist() == [False, True]
    with pytest.raises(BadInput, match="was not in the training data"):
        RandomFeatureRidgeClassifier(features=10).partial_fit(X, np.where(y > 14, 1, 2)).partial_fit(X, np.full(60, 3))
    with pytest.raises((ValueError, NotFinite), match="NaN"):
        model.partial_fit(np.full((3, 10), np.nan), [True, False, True])
