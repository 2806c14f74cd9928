"""Surveys of many rows: which route is taken and why, features beside the exact machine, streams, and what is said."""

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import make_friedman1

from theodolite import survey
from theodolite.kernel_regression import KernelRidgeRegressor
from theodolite.kernels import RBF, Laplace
from theodolite.numerics import BadInput, NotFinite
from theodolite.random_features import RandomFeatureRidge, open_rows
from theodolite.random_features.of_kernel import features_of
from theodolite.random_features.set_aside import rows_set_aside, set_aside
from theodolite.survey import KernelSurvey, KernelSurveyClassifier, contest, pictures, race, routing, surveyor
from theodolite.survey.candidates import Candidate, scaled
from theodolite.survey.measuring import Sample
from theodolite.survey.notebook import Notebook
from theodolite.survey.record import CandidateRecord
from theodolite.survey.routing import bytes_of, route_for, route_in_blocks


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
    assert (big.rival.kind, big.rival.features) == ("features", 2048)
    assert route_for(20_000, asked="nystrom").rival is None
    tight = route_for(5000, memory_limit="100MB")
    assert tight.kind == "nystrom"
    assert "exact needs 600 MB, more than the limit of 100 MB" in tight.why
    assert f"1250 landmarks need 223 MB, more than the limit of 100 MB: {tight.features} fit" in tight.why
    assert bytes_of(tight.features) <= 1e8 < bytes_of(tight.features + 1)
    assert route_for(5000, features=1250, memory_limit="100MB").features == 1250  # a number that is given stays
    assert route_for(20_000, asked="exact").rows == 20_000
    assert route_for(100, asked="nystrom", features=30).features == 30
    assert route_for(20_000, max_rows=500).rows == 500
    grouped = route_for(20_000, only_exact="groups")
    assert (grouped.kind, grouped.rows) == ("exact", 8000)
    for asked in ("nystrom", "features"):
        with pytest.raises(BadInput, match="does not go with groups"):
            route_for(20_000, asked=asked, only_exact="groups")
    with pytest.raises(BadInput, match="route must be one of"):
        KernelSurvey(route="fast").fit(*friedman(50))


def test_random_features_are_chosen_where_landmarks_cannot_be_drawn():
    assert route_for(20_000, asked="features").features == 2048
    assert route_for(100, asked="features", features=300).features == 300  # more features than rows have a use
    few = route_in_blocks(None, 160)
    assert (few.kind, few.features) == ("features", 2048)
    few = route_in_blocks(10**5, 160)
    assert (few.kind, few.features) == ("features", 2048)
    assert "has 160 rows, too few to choose 2048 landmarks from" in few.words
    assert (few.instead.kind, few.instead.features) == ("nystrom", 160)
    assert route_in_blocks(160, 160).kind == "nystrom"
    assert route_in_blocks(10**6, 16384).words.startswith("fitted by Nystrom features, 2048 landmarks on 1000000 rows")
    assert route_in_blocks(10**6, 16384, asked="features").why == "asked for"


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


def twin_of(model, X, y, **settings):
    """The ridge on the random features of a survey's kernel, on its encoded columns."""
    family = features_of(model.best_kernel_)
    return RandomFeatureRidge(family=family, standardise=False, **settings).fit(model.encoder_.transform(X), y)


@pytest.mark.oracle
def test_the_route_of_random_features_is_the_ridge_on_the_same_features(tmp_path, monkeypatch):
    X, y = friedman(500)
    Z, _ = friedman(200, seed=1)
    own = {"features": 120, "random_state": 3}
    settings = {"candidates": ["matern52"], "route": "features", **own}
    model = KernelSurvey(**settings, folder=tmp_path / "state").fit(X, y)
    twin = twin_of(model, X, y, **own)
    assert model.best_ridge_ == pytest.approx(twin.ridge_, rel=1e-9)
    assert model.predicted_risk_ == pytest.approx(twin.predicted_risk_, rel=1e-9)
    expected = twin.predict(model.encoder_.transform(Z))
    np.testing.assert_allclose(model.predict(Z), expected, rtol=1e-9)
    route = model.record_.extra["route"]
    assert route == "fitted by 120 random features of the kernel on 500 rows: asked for"
    assert route in model.record_.notes
    again = KernelSurvey.load(model.save(tmp_path / "model"))
    np.testing.assert_array_equal(again.predict(Z), model.predict(Z))
    X.assign(price=y).to_csv(tmp_path / "table.csv", index=False)
    streamed = survey.survey(tmp_path / "table.csv", "price", **settings)
    np.testing.assert_allclose(streamed.predict(Z), expected, rtol=1e-6)
    monkeypatch.setattr(race, "measure", None)  # a killed fit goes on without measuring again
    resumed = KernelSurvey(**settings, folder=tmp_path / "state").fit(X, y)
    np.testing.assert_array_equal(resumed.predict(Z), model.predict(Z))


@pytest.mark.oracle
@pytest.mark.parametrize("reading", ["nngp", "ntk"])
def test_networks_are_random_features_of_their_kernels(reading, tmp_path):
    X, y = friedman(128)
    model = KernelSurvey([f"{reading}: relu"], route="features", features=40).fit(X, y)
    assert model.record_.extra["random features"] == "NetworkFeatures, 40"
    expected = twin_of(model, X, y, features=40).predict(model.encoder_.transform(X))
    np.testing.assert_allclose(model.predict(X), expected, rtol=1e-9)
    np.testing.assert_array_equal(KernelSurvey.load(model.save(tmp_path)).predict(X), model.predict(X))


@pytest.mark.parametrize(("kernel", "wins"), [(Laplace(4.0), "features"), (RBF(12.0), "nystrom")])
def test_landmarks_and_random_features_meet_and_the_better_ones_are_taken(kernel, wins, monkeypatch):
    monkeypatch.setattr(routing, "MOST_EXACT_ROWS", 1000)
    X, y = friedman(1500)
    Z, z = friedman(2000, seed=1)
    settings = {"candidates": [kernel], "features": 200 if wins == "features" else 100}
    chosen, landmarks, features = (
        KernelSurvey(route=route, **settings).fit(X, y) for route in ("auto", "nystrom", "features")
    )
    taken, left = (landmarks, features) if wins == "nystrom" else (features, landmarks)
    np.testing.assert_array_equal(chosen.predict(Z), taken.predict(Z))
    risk, other = (np.mean((model.predict(Z) - z) ** 2) for model in (taken, left))
    assert risk < 0.97 * other
    words = chosen.record_.extra["route"]
    assert "1500 rows are more than 1000; on 1500 rows they predict a risk of" in words
    assert f" of {taken.predicted_risk_:.4g}, as many" in words
    assert words.endswith(
        f"{'landmarks' if wins == 'features' else 'random features'} one of {left.predicted_risk_:.4g}"
    )


def test_a_kernel_without_random_features_is_named():
    X, y = friedman(60)
    with pytest.raises(BadInput, match=r"Polynomial of degree \d: .* has no random features of its own; RBF, Laplace"):
        KernelSurvey(["rbf", "polynomial"], route="features").fit(X, y)


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


@pytest.mark.parametrize("few", ["rbf", "linear"])
def test_many_small_parts_show_too_few_rows_for_landmarks(tmp_path, monkeypatch, few):
    monkeypatch.setattr(routing, "FEATURES_A_LANDMARK", 1)
    X, y = friedman(400)
    for number in range(20):
        X.assign(price=y)[number * 20 : (number + 1) * 20].to_parquet(tmp_path / f"{number:02}.parquet")
    model = survey.survey(tmp_path, "price", candidates=[RBF(6.0) if few == "rbf" else few], features=350)
    words = model.record_.extra["route"]
    assert "the sample of the table has 320 rows, too few to choose 350 landmarks from" in words
    assert words.startswith("fitted by 350 random features" if few == "rbf" else "fitted by Nystrom features, 320 land")
    assert words.endswith("but Linear has no random features") == (few == "linear")
    assert model.record_.chosen.rows == 400


@pytest.mark.exact
@pytest.mark.parametrize("route", ["auto", "nystrom", "features"])
def test_rows_held_out_of_a_stream_teach_nothing_and_are_measured(parts, route):
    settings = {"candidates": [RBF(6.0)], "route": route, "features": 100, "random_state": 5}
    model = survey.survey(parts, "price", holdout=0.25, **settings)
    source = set_aside(open_rows(parts), 0.25, 5)
    held = rows_set_aside(source)
    held = held[held.price.notna()]
    errors = (model.predict(held.drop(columns="price")) - held.price) ** 2
    told = model.record_.holdout
    assert told["rows"] == told["set_aside"] == len(held)
    assert told["risk"] == pytest.approx(errors.mean(), rel=1e-9)
    assert told["standard_error"] == pytest.approx(errors.std(ddof=0) / np.sqrt(len(held)), rel=1e-9)
    assert model.record_.chosen.measured_risk == told["risk"]
    assert model.record_.chosen.rows == 899 - len(held)
    assert any(f"{len(held)} rows, drawn by their place with seed 5" in note for note in model.record_.notes)

    for partition in source.partitions:  # nonsense in the rows held out, on disk
        (block,) = partition.blocks(1000)
        frame = block.frame
        frame.loc[block.held, ["a", "b", "price"]] = 1e3
        frame.loc[block.held, "colour"] = "green"
        frame.to_parquet(block.place)
    other = survey.survey(parts, "price", holdout=0.25, **settings)
    np.testing.assert_array_equal(other.predict(held), model.predict(held))
    assert other.predicted_risk_ == model.predicted_risk_
    assert other.record_.holdout["risk"] > 1e3 * told["risk"]


def test_a_share_too_small_to_measure_on_is_refused(parts):
    with pytest.raises(BadInput, match=r"no row of .* fell among those to hold out"):
        survey.survey(parts, "price", holdout=1e-9, candidates=["linear"])
    with pytest.raises(BadInput, match="between 0 and 1, got 1"):
        survey.survey(parts, "price", holdout=1.0)


def test_classes_of_a_stream(parts):
    model = survey.survey(parts, "colour", route="nystrom", holdout=0.2, **FEW)
    assert isinstance(model, KernelSurveyClassifier)
    assert model.record_.holdout["score_name"] == "accuracy"
    assert model.record_.holdout["score"] > 0.75
    assert model.classes_.tolist() == ["blue", "red"]
    X, _ = friedman(200, seed=2)
    assert np.mean(model.predict(X.assign(price=14.0)) == np.where(X.a > 0.5, "red", "blue")) > 0.75


def test_the_refinement_does_not_measure_a_lengthscale_twice(monkeypatch):
    """Where the risk falls with the lengthscale without a bend, the next step is a lengthscale that has been seen."""
    seen = []

    def measured(candidate, sample):
        seen.append(candidate.name)
        return CandidateRecord(
            candidate.name, {}, 1.0, 1.0, 1.0, 1.0 / candidate.lengthscale, 0.0, "trusted", (), 1.0, 0.0, 1.0, 50, 0.0
        )

    monkeypatch.setattr(race, "measure", measured)
    sample = Sample(np.random.default_rng(0).standard_normal((50, 2)), np.ones((50, 1)))
    entries = [scaled("rbf", 2.0, 1.0), scaled("rbf", 1.0, 1.0)]
    running = race.Race(Notebook(None, ""), lambda *told: None, None, 5)
    ranked = running.run(entries, sample)
    ranked = running.refine(ranked[::-1], sample)
    assert len(seen) == len(set(seen)) == len(ranked) == 4


def test_a_pass_over_few_rows_in_memory_is_not_repeated(monkeypatch):
    passes, through = [], contest.through_features
    monkeypatch.setattr(contest, "CONTEST_ROWS", 300)
    monkeypatch.setattr(
        contest, "through_features", lambda *given, **known: passes.append(0) or through(*given, **known)
    )
    for rows, expected in ((600, 1), (601, 3)):
        model = KernelSurvey([RBF(6.0)], route="nystrom", features=60).fit(*friedman(rows))
        assert len(passes) == expected
        assert model.record_.chosen.rows == rows


def test_finalists_are_different_kernels():
    names = [scaled("rbf", 2.0, 1.0), scaled("rbf", 2.02, 1.0), scaled("laplace", 2.0, 1.0)]
    names += [Candidate("one", RBF(1.0)), Candidate("two", RBF(1.0)), scaled("rbf", 1.9, 1.0)]
    best, others = race.finalists([(candidate, None) for candidate in names])
    assert [names.index(candidate) for candidate, _ in best] == [0, 2, 3]
    assert [names.index(candidate) for candidate, _ in others] == [1, 4, 5]


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
