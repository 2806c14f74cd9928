"""The survey estimators: scikit-learn's contract, what they choose, what they keep, what they refuse."""

import json
import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits
from sklearn.kernel_ridge import KernelRidge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils.estimator_checks import estimator_checks_generator, parametrize_with_checks

from theodolite import kernels, survey
from theodolite.kernel_regression import KernelRidgeClassifier, KernelRidgeRegressor
from theodolite.numerics import BadInput, ShapeMismatch, TooLarge
from theodolite.survey import KernelSurvey, KernelSurveyClassifier

FEW = ["rbf", "laplace_l1"]
CHECKED = [KernelSurvey(FEW), KernelSurveyClassifier(FEW), KernelRidgeRegressor(), KernelRidgeClassifier()]


@pytest.mark.contract
@pytest.mark.filterwarnings("ignore::RuntimeWarning", "ignore::UserWarning", "ignore::FutureWarning")
@parametrize_with_checks(CHECKED)
def test_scikit_learn_accepts_the_estimator(estimator, check):
    check(estimator)


@pytest.mark.contract
def test_scikit_learn_has_that_many_checks():
    assert all(sum(1 for _ in estimator_checks_generator(estimator)) >= 45 for estimator in CHECKED)


def diabetes(rows=200):
    X, y = load_diabetes(return_X_y=True, as_frame=True)
    order = np.random.default_rng(0).permutation(len(y))
    return X.iloc[order[:rows]], y.iloc[order[:rows]].to_numpy(), X.iloc[order[rows:]], y.iloc[order[rows:]].to_numpy()


@pytest.fixture(scope="module")
def fitted():
    X, y, Z, z = diabetes()
    return survey.with_holdout(KernelSurvey().fit(X, y), Z, z), X, y, Z, z


def test_the_predicted_risk_is_the_measured_one_within_its_error(fitted):
    model, *_ = fitted
    chosen, holdout = model.record_.chosen, model.record_.holdout
    spread = np.hypot(chosen.standard_error, holdout["standard_error"])
    assert abs(chosen.predicted_risk - holdout["risk"]) < 3 * spread
    assert chosen.verdict == "trusted", chosen.reasons


@pytest.mark.oracle
def test_the_fitted_machine_is_scikit_learns_at_alpha_n_ridge(fitted):
    model, X, y, Z, _ = fitted
    points = model.encoder_.transform(X)
    gram, cross = model.best_kernel_(points), model.best_kernel_(model.encoder_.transform(Z), points)
    theirs = KernelRidge(alpha=len(y) * model.best_ridge_, kernel="precomputed").fit(gram, y - y.mean())
    np.testing.assert_allclose(model.predict(Z), theirs.predict(cross) + y.mean(), rtol=1e-6)


@pytest.mark.oracle
def test_candidates_are_measured_on_the_holdout_as_refits_would_be(fitted):
    model, X, y, Z, z = fitted
    points, new = model.encoder_.transform(X), model.encoder_.transform(Z)
    for entry in model.record_.candidates[::9]:
        kernel = kernels.from_config(entry.kernel)
        theirs = KernelRidge(alpha=len(y) * entry.ridge, kernel="precomputed").fit(kernel(points), y - y.mean())
        risk = np.mean((theirs.predict(kernel(new, points)) + y.mean() - z) ** 2)
        assert entry.measured_risk == pytest.approx(risk, rel=1e-6)


def test_results_are_sorted_and_the_winner_is_refined(fitted):
    model, *_ = fitted
    assert model.results_.predicted_risk.is_monotonic_increasing
    assert len(model.results_) >= 34
    assert model.predicted_risk_ == model.results_.predicted_risk[0]
    assert (model.results_.predicted_risk >= model.results_[["kare", "leave_one_out"]].max(axis=1) * (1 - 1e-12)).all()


def test_the_learning_curve_passes_through_the_predicted_risk_and_falls(fitted):
    model, *_ = fitted
    curve = model.learning_curve([50, 100, 200, 400, 800])
    assert curve.risk[2] == pytest.approx(model.predicted_risk_, rel=1e-9)
    assert curve.risk.is_monotonic_decreasing
    assert (curve.low <= curve.risk).all()
    assert (curve.risk <= curve.high).all()


def test_a_record_survives_json(fitted):
    record = fitted[0].record_
    again = survey.SurveyRecord.from_json(json.loads(json.dumps(record.to_json())))
    assert again.chosen == record.chosen
    assert again.candidates == record.candidates
    assert again.learning_curve == record.learning_curve


def test_a_saved_model_predicts_the_same(fitted, tmp_path):
    model, _, _, Z, _ = fitted
    again = KernelSurvey.load(model.save(tmp_path / "model"))
    np.testing.assert_array_equal(again.predict(Z), model.predict(Z))
    assert again.trust_ == model.trust_
    assert again.best_kernel_ == model.best_kernel_
    assert sorted(path.suffix for path in (tmp_path / "model").iterdir()) == [".json", ".safetensors"]


def test_classes_of_any_kind_survive_saving(tmp_path):
    X, y = load_breast_cancer(return_X_y=True)
    X, y = X[::4], y[::4]
    for labels in (y, y.astype(bool), np.where(y == 1, "benign", "malignant"), y.astype(float)):
        model = KernelSurveyClassifier(["rbf"]).fit(X, labels)
        again = survey.load(model.save(tmp_path))
        assert again.predict(X).dtype == model.predict(X).dtype
        np.testing.assert_array_equal(again.predict(X), model.predict(X))
        assert np.mean(model.predict(X) == labels) > 0.9


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda folder: (folder / "model.json").unlink(), "holds no model"),
        (lambda folder: (folder / "model.json").write_text("{"), "damaged"),
        (lambda folder: (folder / "model.json").write_text("[]"), "not a model of format"),
        (lambda folder: next(folder.glob("*.safetensors")).write_bytes(b"x"), "does not belong"),
        (lambda folder: next(folder.glob("*.safetensors")).unlink(), "cannot be read"),
        (
            lambda folder: (folder / "model.json").write_text(
                (folder / "model.json").read_text().replace('"tensors": "', '"tensors": "../')
            ),
            "outside its folder",
        ),
    ],
)
def test_a_damaged_model_is_refused_with_a_reason(fitted, tmp_path, damage, words):
    fitted[0].save(tmp_path)
    damage(tmp_path)
    with pytest.raises(BadInput, match=words):
        survey.load(tmp_path)


def test_the_wrong_kind_of_model_is_refused(fitted, tmp_path):
    fitted[0].save(tmp_path)
    with pytest.raises(BadInput, match="holds a KernelSurvey, not a KernelSurveyClassifier"):
        KernelSurveyClassifier.load(tmp_path)


def test_own_kernels_and_functions_are_surveyed_and_only_kernels_are_saved(tmp_path):
    X, y, Z, _ = diabetes(120)

    def mine(A, B):
        return np.exp(-0.05 * ((A[:, None] - B[None]) ** 2).sum(-1))

    model = KernelSurvey([mine, kernels.RBF(3.0) + kernels.Linear(1.0)]).fit(X, y)
    assert set(model.results_.name) == {"Custom(mine)", "RBF(lengthscale=3.0) + Linear(offset=1.0)"}
    function_only = KernelSurvey([mine]).fit(X, y)
    assert np.isfinite(function_only.predict(Z)).all()
    with pytest.raises(BadInput, match="function of the caller"):
        function_only.save(tmp_path / "none")
    assert not (tmp_path / "none").exists()


def test_a_function_that_is_no_kernel_is_left_out_and_said(rng):
    X, y = rng.standard_normal((60, 2)), rng.standard_normal(60)
    model = KernelSurvey([lambda A, B: -(A @ B.T), "rbf"]).fit(X, y)
    assert any("was left out" in note for note in model.record_.notes)


def test_columns_with_missing_values_texts_and_dates_are_treated_and_said(rng):
    n = 150
    table = pd.DataFrame(
        {
            "size": np.where(rng.random(n) < 0.1, np.nan, rng.standard_normal(n)),
            "colour": rng.choice(["red", "green", None], n),
            "day": pd.date_range("2024-01-01", periods=n).astype(str),
            "constant": 1.0,
        }
    )
    y = np.nan_to_num(table["size"]) + (table.colour == "red") + 0.1 * rng.standard_normal(n)
    model = KernelSurvey(["laplace_l1"]).fit(table, y)
    assert model.score(table, y) > 0.7
    notes = " ".join(model.record_.notes)
    assert all(f"'{name}'" in notes for name in ("size", "colour", "day", "constant"))
    shuffled = table[["day", "colour", "constant", "size"]]
    np.testing.assert_array_equal(model.predict(shuffled), model.predict(table))


def test_copies_are_left_out_together(rng):
    X = rng.standard_normal((100, 3))
    y = np.sin(X[:, 0]) + 0.5 * rng.standard_normal(100)
    Z = rng.standard_normal((4000, 3))
    truth = np.sin(Z[:, 0])
    twice = KernelSurvey(["laplace"]).fit(np.vstack([X, X]), np.concatenate([y, y]))
    measured = np.mean((twice.predict(Z) - truth) ** 2) + 0.25
    assert "copies were left out together" in " ".join(twice.record_.notes)
    assert twice.record_.chosen.leave_one_group_out is not None
    assert abs(twice.predicted_risk_ - measured) < 3 * twice.predicted_risk_standard_error_
    assert twice.record_.chosen.leave_one_out < 0.8 * measured  # what leaving single rows out claims at this ridge


def test_groups_give_the_risk_on_a_new_group(rng):
    subjects, repeats = 40, 5
    level, place = rng.standard_normal(subjects), rng.standard_normal((subjects, 4))
    X = np.repeat(place, repeats, axis=0) + 0.01 * rng.standard_normal((subjects * repeats, 4))
    y = np.repeat(level, repeats) + 0.1 * rng.standard_normal(subjects * repeats)
    groups = np.repeat(np.arange(subjects), repeats)
    blind, seeing = KernelSurvey(["rbf"]).fit(X, y), KernelSurvey(["rbf"]).fit(X, y, groups=groups)
    assert blind.predicted_risk_ < 0.3  # new rows of the same subjects
    assert seeing.predicted_risk_ > 0.7  # a new subject is not predictable here: the variance is 1
    assert blind.trust_.verdict != "trusted"


def test_more_rows_are_screened_on_a_sample_and_decided_on_all(monkeypatch):
    from theodolite.survey import surveyor

    monkeypatch.setattr(surveyor, "SCREENING_ROWS", 120)
    X, y, Z, z = diabetes(300)
    model = survey.with_holdout(KernelSurvey(FEW, max_rows=250).fit(X, y), Z, z)
    assert list(model.results_.rows[:3]) == [250] * 3
    assert set(model.results_.rows[3:]) == {120}
    notes = " ".join(model.record_.notes)
    assert "250 of 300 rows were drawn at random" in notes
    assert "measured on 120 of 250 rows" in notes
    assert model.results_.measured_risk.notna().all()


def test_a_killed_fit_resumes_from_what_was_finished(tmp_path, monkeypatch):
    from theodolite.survey import race

    X, y, *_ = diabetes(120)
    whole = KernelSurvey(FEW).fit(X, y)
    real, seen = race.measure, []

    def dies(candidate, sample):
        if len(seen) == 5:
            raise KeyboardInterrupt
        seen.append(candidate.name)
        return real(candidate, sample)

    monkeypatch.setattr(race, "measure", dies)
    with pytest.raises(KeyboardInterrupt):
        KernelSurvey(FEW, folder=tmp_path).fit(X, y)
    kept = len(list(tmp_path.rglob("*.json")))
    assert kept >= 4

    again = []
    monkeypatch.setattr(
        race, "measure", lambda candidate, sample: again.append(candidate.name) or real(candidate, sample)
    )
    resumed = KernelSurvey(FEW, folder=tmp_path).fit(X, y)
    assert len(again) == len(whole.results_) - kept
    pd.testing.assert_frame_equal(resumed.results_.drop(columns="seconds"), whole.results_.drop(columns="seconds"))

    other = []
    monkeypatch.setattr(
        race, "measure", lambda candidate, sample: other.append(candidate.name) or real(candidate, sample)
    )
    KernelSurvey(FEW, folder=tmp_path).fit(X, y + 1e-9)
    assert len(other) >= 12  # other data: nothing is taken over


def test_a_time_limit_stops_between_candidates_and_says_so():
    X, y, *_ = diabetes(150)
    model = KernelSurvey(time_limit=1e-6).fit(X, y)
    assert 1 <= len(model.results_) < 10
    assert any("time limit" in note for note in model.record_.notes)


def test_progress_begins_at_once_and_ends_at_the_end():
    told = []
    X, y, *_ = diabetes(80)
    KernelSurvey(FEW, progress=lambda done, total, what: told.append((done, total, what))).fit(X, y)
    done = [entry[0] for entry in told]
    assert done == sorted(done)
    assert told[0][0] == 0
    assert told[-1][0] == told[-1][1]


def test_digits_are_recognised():
    X, y = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(y))
    X, y = X[order], y[order]
    model = survey.with_holdout(KernelSurveyClassifier(FEW).fit(X[:300], y[:300]), X[300:900], y[300:900])
    assert model.record_.holdout["score"] > 0.9
    assert model.record_.data["classes"] == list(range(10))


def test_estimators_work_in_pipelines_and_clone():
    X, y, Z, _ = diabetes(100)
    pipe = make_pipeline(FunctionTransformer(lambda table: table * 2.0), KernelSurvey(["laplace"]))
    assert np.isfinite(pipe.fit(X, y).predict(Z)).all()
    assert clone(KernelSurvey(["rbf"], time_limit=5.0)).get_params()["time_limit"] == 5.0


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda X, y: KernelSurvey(["rfb"]).fit(X, y), BadInput, "did you mean 'rbf'"),
        (lambda X, y: KernelSurvey([]).fit(X, y), BadInput, "empty"),
        (lambda X, y: KernelSurvey([3]).fit(X, y), BadInput, "expected a kernel"),
        (lambda X, y: KernelSurvey(time_limit=-1).fit(X, y), BadInput, "time_limit must be positive"),
        (lambda X, y: KernelSurvey(max_rows=3).fit(X, y), BadInput, "max_rows"),
        (lambda X, y: KernelSurvey(memory_limit="much").fit(X, y), BadInput, "500MB"),
        (lambda X, y: KernelSurvey(memory_limit="100kB").fit(X, y), TooLarge, "limit"),
        (lambda X, y: KernelSurvey().fit(X, y * 0 + 3), BadInput, "constant"),
        (lambda X, y: KernelSurvey().fit(X, y[:-1]), ValueError, "inconsistent"),
        (lambda X, y: KernelSurvey().fit(X, np.where(y > 0, "a", "b")), BadInput, "KernelSurveyClassifier"),
        (lambda X, y: KernelSurveyClassifier().fit(X, np.ones(len(y), int)), BadInput, "one class"),
        (lambda X, y: KernelSurvey().fit(X, y, groups=[1, 2]), BadInput, "one label a row"),
        (lambda X, y: KernelSurvey(["rbf"]).fit(X, y).predict(X.iloc[:, :3]), (BadInput, ShapeMismatch), "lacks"),
        (lambda X, y: KernelSurvey(["rbf"]).fit(X, y).learning_curve([0]), BadInput, "sizes"),
    ],
)
def test_misuse_is_refused_with_a_reason(make, error, words):
    X, y, *_ = diabetes(60)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises(error, match=words):
            make(X, y)
