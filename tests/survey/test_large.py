"""Surveys of many rows: which route is taken and why, features beside the exact machine, streams, and what is said."""

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import make_friedman1

from theodolite import survey
from theodolite.kernel_regression import KernelRidgeRegressor
from theodolite.numerics import BadInput, NotFinite
from theodolite.survey import KernelSurvey, KernelSurveyClassifier, pictures, routing, surveyor
from theodolite.survey.routing import route_for


def friedman(rows, seed=0):
    X, y = make_friedman1(rows, 6, noise=1.0, random_state=seed)
    return pd.DataFrame(X, columns=list("abcdef")), y


@pytest.fixture(autouse=True, scope="module")
def _small_screening():
    """Candidates meet on a few hundred rows here: the race has its own tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(surveyor, "SCREENING_ROWS", 250)
        patch.setattr(pictures, "PATH_ROWS", 300)
        patch.setattr(surveyor, "PATH_ROWS", 300)
        yield


def test_routes_follow_rows_memory_and_wishes():
    assert route_for(8000, memory_limit="8GB").kind == "exact"
    big = route_for(20_000)
    assert (big.kind, big.rows, big.features) == ("nystrom", 20_000, 2048)
    assert "20000 rows are more than 8000" in big.words
    tight = route_for(5000, memory_limit="100MB")
    assert (tight.kind, tight.features) == ("nystrom", 1250)
    assert "600 MB" in tight.why
    assert "100 MB" in tight.why
    assert route_for(20_000, asked="exact").rows == 20_000
    assert route_for(100, asked="nystrom", features=30).features == 30
    assert route_for(20_000, max_rows=500).rows == 500
    grouped = route_for(20_000, only_exact="groups")
    assert (grouped.kind, grouped.rows) == ("exact", 8000)
    with pytest.raises(BadInput, match="does not go with groups"):
        route_for(20_000, asked="nystrom", only_exact="groups")
    with pytest.raises(BadInput, match="route must be one of"):
        KernelSurvey(route="fast").fit(*friedman(50))


@pytest.fixture(scope="module")
def large():
    """A survey through features, on more rows than are fitted exactly here, with a holdout."""
    X, y = friedman(1500)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(routing, "MOST_EXACT_ROWS", 1000)
        model = KernelSurvey(["rbf"], features=300).fit(X, y)
    Z, z = friedman(1000, seed=1)
    return survey.with_holdout(model, Z, z), X, y, Z, z


def test_features_predict_as_well_as_the_exact_machine(large):
    model, X, y, Z, z = large
    mean, scale = X.mean(), X.std(ddof=0)
    exact = KernelRidgeRegressor(model.best_kernel_).fit((X - mean) / scale, y)
    risk = np.mean((exact.predict((Z - mean) / scale) - z) ** 2)
    assert np.mean((model.predict(Z) - z) ** 2) < 1.03 * risk


def test_the_risk_of_features_is_predicted_and_the_route_is_said(large):
    model, *_ = large
    chosen, holdout = model.record_.chosen, model.record_.holdout
    assert abs(chosen.predicted_risk - holdout["risk"]) < 3 * np.hypot(chosen.standard_error, holdout["standard_error"])
    assert chosen.rows == 1500
    assert len(model.points_) == 300
    assert "Nystrom features, 300 landmarks on 1500 rows: 1500 rows are more than" in model.record_.extra["route"]
    assert model.record_.extra["route"] in model.record_.notes
    measured = [entry.measured_risk for entry in model.record_.candidates]
    assert np.isfinite(np.array(measured)).all()
    assert measured[0] == pytest.approx(holdout["risk"], rel=1e-9)


def test_a_model_of_features_is_saved_like_any_other(large, tmp_path):
    model, *_, Z, _ = large
    again = KernelSurvey.load(model.save(tmp_path / "model"))
    np.testing.assert_array_equal(again.predict(Z), model.predict(Z))


def test_features_that_hold_back_are_doubted():
    X, y = friedman(600)
    model = KernelSurvey(["laplace_l1"], route="nystrom", features=20).fit(X, y)
    assert sum("more features would lower the risk" in reason for reason in model.trust_.reasons) == 1


@pytest.fixture
def parts(tmp_path):
    X, y = friedman(900)
    frame = X.assign(price=y, colour=np.where(X.a > 0.5, "red", "blue"))
    frame.loc[899, "price"] = np.nan
    for number in range(3):
        frame[number * 300 : (number + 1) * 300].to_parquet(tmp_path / f"part-{number}.parquet")
    return tmp_path


FEW = {"candidates": ["rbf"], "features": 100}


def test_a_stream_is_surveyed_with_its_columns_treated_and_its_treatment_said(parts):
    told = []
    model = survey.survey(
        str(parts / "*.parquet"), "price", route="nystrom", progress=lambda *said: told.append(said), **FEW
    )
    Z, z = friedman(500, seed=1)
    measured = np.mean((model.predict(Z.assign(colour=np.where(Z.a > 0.5, "red", "blue"))) - z) ** 2)
    assert abs(measured - model.predicted_risk_) < 0.4 * model.predicted_risk_
    assert model.record_.chosen.rows == 899
    notes = " ".join(model.record_.notes)
    assert "1 rows without a target were left out" in notes
    assert "learned from all 900 rows" in notes
    assert "column 'colour': text, 2 categories" in notes
    assert "asked for" in model.record_.extra["route"]
    assert any("rows" in what for _, _, what in told)


def test_a_small_stream_is_fitted_exactly(parts):
    model = survey.survey(parts / "part-0.parquet", "price", candidates=["rbf"])
    assert "exact kernel machine on 300 rows" in model.record_.extra["route"]
    assert len(model.points_) == 300


def test_classes_of_a_stream(parts):
    model = survey.survey(parts, "colour", route="nystrom", **FEW)
    assert isinstance(model, KernelSurveyClassifier)
    assert model.classes_.tolist() == ["blue", "red"]
    X, _ = friedman(200, seed=2)
    assert np.mean(model.predict(X.assign(price=14.0)) == np.where(X.a > 0.5, "red", "blue")) > 0.75


def test_trouble_in_a_stream_is_named(parts):
    with pytest.raises(BadInput, match="no column 'cost'"):
        survey.survey(parts, "cost")
    with pytest.raises(BadInput, match="name the column to predict"):
        survey.survey(parts)
    with pytest.raises(BadInput, match="max_rows does not go with a stream"):
        survey.survey(parts, "price", max_rows=100)
    with pytest.raises(BadInput, match="needs all rows in memory"):
        survey.survey(parts, "price", route="exact", scheduler="local", **FEW)
    with pytest.raises(BadInput, match="no scheduler answers"):
        survey.survey(parts, "price", scheduler="nonsense://", **FEW)
    frame = pd.read_parquet(parts / "part-1.parquet")
    frame.loc[frame.index[7], "b"] = np.inf
    frame.to_parquet(parts / "part-1.parquet")
    with pytest.raises((BadInput, NotFinite), match="'b' holds inf"):
        survey.survey(parts, "price", route="nystrom", **FEW)
