"""Data sets by name and by path: which column is the target, which task it is, and what was done to it."""

import numpy as np
import pandas as pd
import pytest
import sklearn.datasets

from theodolite.datasets import load, names
from theodolite.numerics.errors import BadInput


@pytest.fixture
def no_folder(monkeypatch):
    monkeypatch.delenv("THEODOLITE_DATA", raising=False)


@pytest.fixture
def table(tmp_path):
    def write(name="t.csv", **columns):
        path = tmp_path / name
        pd.DataFrame(columns).to_csv(path, index=False)
        return path

    return write


@pytest.mark.usefixtures("no_folder")
def test_the_list_says_of_every_embedded_set_what_loading_it_gives():
    listed = names()
    assert len(listed) == 7
    for entry in listed:
        data = load(entry.name)
        assert (len(data.inputs), data.inputs.shape[1], data.task) == (entry.rows, entry.columns, entry.task)
        assert data.source
        assert entry.where == "embedded"
        assert len(data.targets) == entry.rows
        assert data.target_name not in data.inputs.columns


@pytest.mark.oracle
def test_embedded_sets_are_those_of_scikit_learn():
    digits, bunch = load("digits"), sklearn.datasets.load_digits()
    np.testing.assert_array_equal(digits.inputs.to_numpy(), bunch.data)
    np.testing.assert_array_equal(digits.targets.astype(int), bunch.target)
    diabetes = load("diabetes")
    np.testing.assert_array_equal(diabetes.targets, sklearn.datasets.load_diabetes().target)
    cancer, bunch = load("breast_cancer"), sklearn.datasets.load_breast_cancer()
    assert (cancer.targets == bunch.target_names[bunch.target]).all()


def test_a_folder_of_archives_is_listed_and_loaded_by_name(tmp_path, monkeypatch):
    (tmp_path / "tabular").mkdir()
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(30, 2)), rng.normal(size=30)
    np.savez(
        tmp_path / "tabular" / "heights.npz",
        X=x,
        y=y,
        task="regression",
        target_name="height",
        source="a ruler",
        notes="tall first",
        target_hint="log",
    )
    np.savez(tmp_path / "pictures.npz", X=np.zeros((6, 3, 3)), y=np.arange(6) % 2, class_names=np.array(["a", "b"]))
    np.savez(tmp_path / "other.npz", Z=x)
    (tmp_path / "broken.npz").write_bytes(b"PK junk")
    found = {entry.name: entry for entry in names(data_folder=tmp_path) if entry.where != "embedded"}
    assert set(found) == {"heights", "pictures"}
    assert (found["pictures"].rows, found["pictures"].columns, found["pictures"].task) == (6, 9, "classification")
    assert found["heights"].task == "regression"
    data = load("heights", data_folder=tmp_path)
    np.testing.assert_array_equal(data.inputs, x)
    np.testing.assert_array_equal(data.targets, y)
    assert (data.target_name, data.task, data.source) == ("height", "regression", "a ruler")
    assert data.notes == ("the file says: tall first", "the file suggests for its target, not applied: log")
    monkeypatch.setenv("THEODOLITE_DATA", str(tmp_path))
    assert load("heights").name == "heights"
    with pytest.raises(BadInput, match=r"data folder .* is not a folder"):
        names(data_folder=tmp_path / "absent")


@pytest.mark.usefixtures("no_folder")
def test_an_unknown_name_suggests_a_known_one():
    with pytest.raises(BadInput, match=r"no data set is called 'diabtes'; did you mean diabetes or"):
        load("diabtes")
    with pytest.raises(BadInput, match=r"known names: breast_cancer.*THEODOLITE_DATA"):
        load("zzzzzz")


@pytest.mark.parametrize("name", ["target", "y", "Label", "CLASS"])
def test_the_target_of_a_table_is_the_only_column_with_a_usual_name(table, name):
    path = table(a=np.arange(30.0), **{name: np.arange(30.0) ** 2}, b=np.ones(30))
    assert load(path).target_name == name


def test_without_a_usual_name_the_columns_are_listed_and_a_wrong_one_gets_a_suggestion(table):
    path = table(age=[1.0, 2, 3], price=[1.5, 2, 4])
    with pytest.raises(BadInput, match=r"name the column to predict with target=NAME .*'age', 'price'"):
        load(path)
    with pytest.raises(BadInput, match=r"no column 'Prise' to use as target; did you mean 'price'"):
        load(path, target="Prise")
    with pytest.raises(BadInput, match=r"more than one column may be meant \(y, target\)"):
        load(table("two.csv", y=[1.0, 2, 3], target=[1.5, 2, 4]))


def test_another_column_of_a_known_set_may_be_the_target():
    data = load("iris", target="petal width (cm)")
    assert data.task == "regression"
    assert "species" in data.inputs.columns


CODES = np.arange(60) % 3


@pytest.mark.parametrize(
    ("target", "task", "labels"),
    [
        (np.array(["u", "v", "w"])[CODES], "classification", ["u", "v", "w"]),
        (CODES == 0, "classification", [False, True]),
        (CODES, "classification", [0, 1, 2]),
        (np.where(np.arange(60) == 7, np.nan, CODES), "classification", [0, 1, 2]),
        (np.arange(60), "regression", None),
        (np.arange(60) % 20, "regression", None),  # three rows for each value: too few to be classes
        (CODES + 0.5, "regression", None),
    ],
)
def test_the_task_follows_from_the_target_and_is_said(table, target, task, labels):
    data = load(table(a=np.arange(60.0), y=target))
    assert data.task == task
    assert any("the target 'y' holds" in note for note in data.notes)
    if labels is None:
        assert data.targets.dtype == np.float64
    else:
        assert sorted(data.targets.unique()) == labels


def test_a_task_that_is_asked_for_is_not_decided_again(table):
    path = table(a=np.arange(60.0), y=CODES)
    data = load(path, task="regression")
    assert data.task == "regression"
    assert data.targets.dtype == np.float64
    assert data.notes == ()
    halves = load(table("h.csv", a=np.arange(60.0), y=CODES + 0.5), task="classification")
    assert sorted(halves.targets.unique()) == ["0.5", "1.5", "2.5"]
    with pytest.raises(BadInput, match="task must be auto, regression or classification, got 'ranking'"):
        load(path, task="ranking")


def test_rows_without_a_target_are_left_out_with_their_inputs(table):
    data = load(table(a=[1.0, 2, 3, 4], y=[0.5, np.nan, 2.5, 3.5]))
    assert data.inputs["a"].tolist() == [1, 3, 4]
    assert data.inputs.index.tolist() == data.targets.index.tolist() == [0, 1, 2]
    assert "1 of 4 rows without a target ('y') were left out" in data.notes


def test_a_class_with_a_single_row_is_named(table):
    data = load(table(a=np.arange(21.0), y=["u", "v"] * 10 + ["rare"]))
    assert any("single row" in note and "rare" in note for note in data.notes)


@pytest.mark.parametrize(
    ("target", "task", "words"),
    [
        ([3.0] * 30, "auto", "'y' is constant (every row holds '3')"),
        (["u"] * 30, "auto", "'y' is constant (every row holds 'u')"),
        ([np.nan] * 30, "auto", "'y' is empty in all 30 rows"),
        ([1.5] + [np.nan] * 29, "auto", "present in one row only"),
        ([f"name {i}" for i in range(30)], "auto", "30 different values in 30 rows"),
        ([1.5] * 4 + ["tall"] + [2.5] * 25, "regression", "'tall' in row 4"),
        ([1.5, 2.5, np.inf] * 10, "auto", "holds inf in row 2"),
        ([None, 2.5, np.inf] * 10, "auto", "holds inf in row 2"),  # the row of the file, not of what is left
        (np.linspace(0, 1, 30), "classification", "30 distinct real numbers"),
    ],
)
def test_targets_that_cannot_be_learned_are_refused(table, target, task, words):
    with pytest.raises(BadInput) as caught:
        load(table(a=np.arange(30.0), y=target), task=task)
    assert words in str(caught.value)


def test_dates_are_no_target(tmp_path):
    frame = pd.DataFrame({"a": range(30), "y": pd.date_range("2020-01-01", periods=30)})
    frame.to_parquet(tmp_path / "t.parquet")
    for task in ("auto", "regression", "classification"):
        with pytest.raises(BadInput, match="holds dates"):
            load(tmp_path / "t.parquet", task=task)


def test_a_table_of_nothing_but_its_target_is_refused(table):
    with pytest.raises(BadInput, match="no column besides the target 'y'"):
        load(table(y=[1.0, 2.0, 3.0]))


def test_openml_is_asked_only_by_its_prefix_and_says_when_it_cannot_be_reached(monkeypatch):
    asked = []

    def answer(**options):
        asked.append(options)
        if options["name"] == "absent":
            raise OSError("no route to host")
        frame = pd.DataFrame({"a": np.arange(10.0), "price": np.arange(10.0) ** 2 + 0.5})
        return sklearn.utils.Bunch(frame=frame, target=frame["price"])

    monkeypatch.setattr(sklearn.datasets, "fetch_openml", answer)
    data = load("openml:prices")
    assert (data.target_name, data.task) == ("price", "regression")
    with pytest.raises(BadInput, match=r"openml:absent could not be fetched \(no route to host\); check the name and"):
        load("openml:absent")
    assert [options["name"] for options in asked] == ["prices", "absent"]
    assert all(options["parser"] == "auto" for options in asked)
    with pytest.raises(BadInput, match="needs a name"):
        load("openml:")


def test_real_sets_load_by_name(data_folder):
    listed = [entry for entry in names(data_folder=data_folder) if entry.where != "embedded"]
    assert listed
    for entry in listed[:5]:
        data = load(entry.name, data_folder=data_folder)
        assert len(data.inputs) == entry.rows
        assert data.targets.notna().all()
