"""Tables into numbers: what every column becomes, what is said about it, and what is refused."""

import json
from datetime import date
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, reject, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import sparse
from sklearn.preprocessing import StandardScaler

from theodolite.numerics.errors import BadInput, ShapeMismatch
from theodolite.survey.columns import ColumnEncoder

ROWS = 60


def reborn(encoder):
    return ColumnEncoder.from_json(json.loads(json.dumps(encoder.to_json(), allow_nan=False)))


@pytest.fixture
def table(rng):
    """Every kind of column that is learned from."""
    number = rng.normal(5, 3, ROWS)
    number[[3, 17]] = np.nan
    colour = np.array(["red", "green", "blue"], dtype=object)[rng.integers(0, 3, ROWS)]
    colour[5] = None
    return pd.DataFrame(
        {
            "plain": rng.normal(1e6, 2.0, ROWS),
            "holes": number,
            "flag": rng.random(ROWS) < 0.4,
            "colour": colour,
            "when": pd.date_range("2018-01-01", periods=ROWS, freq="17D"),
            "iso": pd.date_range("2020-03-01", periods=ROWS, freq="D").strftime("%Y-%m-%d"),
            "kind": pd.Categorical(rng.integers(1, 4, ROWS)),
            "whole": pd.array(rng.integers(0, 9, ROWS), dtype="Int64"),
            "constant": 3.0,
            "empty": None,
            "name": [f"person {i}" for i in range(ROWS)],
        }
    )


def test_every_kind_of_column_becomes_what_its_note_says(table):
    encoder = ColumnEncoder().fit(table)
    assert encoder.feature_names_ == (
        "plain",
        "holes",
        "holes is missing",
        "flag",
        *(name for name in encoder.feature_names_ if name.startswith("colour=")),
        "when (days)",
        "when (sin of the year)",
        "when (cos of the year)",
        "iso (days)",
        "iso (sin of the week)",
        "iso (cos of the week)",
        *(name for name in encoder.feature_names_ if name.startswith("kind=")),
        "whole",
    )
    assert {n for n in encoder.feature_names_ if n.startswith("colour=")} == {
        "colour=red",
        "colour=green",
        "colour=blue",
        "colour=(missing)",
    }
    notes = "\n".join(encoder.notes)
    for words in (
        "column 'holes': missing, filled with the median and marked in a column of its own (2 values)",
        "column 'colour': missing, taken as a category of its own (1 value)",
        "column 'when': dates, read as days since the first date, cycle of the year",
        "column 'iso': dates, read as days since the first date, cycle of the week",
        "column 'constant': constant, left out",
        "column 'empty': empty, left out",
        "column 'name': 60 different texts in 60 rows (an identifier or free text), left out",
    ):
        assert words in notes
    values = encoder.transform(table)
    assert values.dtype == np.float64
    assert values.shape == (ROWS, len(encoder.feature_names_))
    held = [name.startswith("holes") for name in encoder.feature_names_]  # its mark is nearly constant
    np.testing.assert_allclose(values.mean(axis=0)[~np.array(held)], 0, atol=1e-9)
    assert encoder.n_features_in_ == 11
    assert encoder.encode(table).notes == ()


@pytest.mark.oracle
def test_plain_numbers_are_scaled_as_scikit_learn_does(rng):
    x = rng.normal(3, 2, (200, 5))
    np.testing.assert_allclose(ColumnEncoder().fit_transform(x), StandardScaler().fit_transform(x), atol=1e-12)
    assert ColumnEncoder().fit(x).feature_names_ == ("x0", "x1", "x2", "x3", "x4")
    wide = ColumnEncoder().fit(x.astype(np.float32))
    assert wide.transform(x.astype(np.float32)).dtype == np.float64


@pytest.mark.exact
def test_every_categorical_feature_weighs_as_much_as_one_number(rng):
    for count in (2, 3, 7, 30):
        column = rng.integers(0, count, 600).astype(str)
        values = ColumnEncoder().fit_transform(pd.DataFrame({"c": column}))
        assert values.var(axis=0).sum() == pytest.approx(1, rel=1e-12)
    # two balanced categories lie as far apart as the two values of a balanced number
    two = ColumnEncoder().fit_transform(pd.DataFrame({"c": ["a", "b"] * 10}))
    number = ColumnEncoder().fit_transform(pd.DataFrame({"c": [0.0, 1.0] * 10}))
    assert np.linalg.norm(two[0] - two[1]) == pytest.approx(abs(number[0, 0] - number[1, 0]), rel=1e-12)


def test_an_unseen_category_has_no_one_and_is_counted():
    train = pd.DataFrame({"c": ["a", "b", "b", "a", "c", "c"]})
    encoder = ColumnEncoder().fit(train)
    values, notes = encoder.encode(pd.DataFrame({"c": ["a", "z", "y", None]}))
    share = np.array([1, 1, 1]) / 3
    scale = np.sqrt(1 - (share**2).sum())
    np.testing.assert_allclose(values[1:], np.tile(-share / scale, (3, 1)), rtol=1e-12)
    assert values[0] @ values[0] > values[1] @ values[1]
    assert notes[0].startswith("column 'c': a category that training never saw (such as 'z')")
    assert notes[0].endswith("(2 values)")
    assert "missing, of which training had none" in notes[1]


def test_many_categories_are_pooled_when_the_frequent_ones_cover_the_rows(rng):
    frequent = [f"f{i % 20}" for i in range(400)]
    rare = [f"r{i}" for i in range(40)]
    encoder = ColumnEncoder().fit(pd.DataFrame({"c": frequent + rare}))
    assert len(encoder.feature_names_) == 30
    assert encoder.feature_names_[-1] == "c=(any other)"
    assert "the 29 most frequent of 60 categories kept (93.0% of the rows), the others pooled" in encoder.notes[0]
    new = encoder.transform(pd.DataFrame({"c": ["r39", "never seen"]}))
    np.testing.assert_array_equal(new[0], new[1])
    assert new[0].argmax() == 29
    spread = pd.DataFrame({"c": [f"k{i % 100}" for i in range(400)], "x": np.arange(400.0) ** 2})
    encoder = ColumnEncoder().fit(spread)
    assert encoder.feature_names_ == ("x",)
    assert "100 categories, the 29 most frequent cover only 29% of the rows, left out" in encoder.notes[0]


def test_a_nearly_constant_column_is_held_within_three_standard_deviations(rng):
    rare = np.zeros(2000)
    rare[:3] = 1.0
    narrow = rng.normal(0, 1e-3, 2000)
    narrow[7] = 50.0
    normal, flag = rng.normal(size=2000), rng.random(2000) < 0.05
    heavy = rng.standard_t(3, 2000) * (1 + 9 * (rng.random(2000) < 0.02))
    word = np.where(rare == 1, "odd", "usual")
    frame = pd.DataFrame({"rare": rare, "narrow": narrow, "normal": normal, "flag": flag, "heavy": heavy, "word": word})
    encoder = ColumnEncoder().fit(frame)
    assert encoder.notes == (
        "columns 'rare', 'narrow', 'flag': nearly constant, rare values held within 3 standard deviations",
        "column 'word': text, 2 categories",
        "column 'word': nearly constant, rare categories held within 10 standard deviations",
    )
    values = pd.DataFrame(encoder.transform(frame), columns=list(encoder.feature_names_))
    assert values["rare"].max() == 3
    assert values["narrow"].max() == 3
    assert values["heavy"].abs().max() > 10  # a heavy tail is no mistake
    assert values[["normal", "heavy"]].std(ddof=0).to_numpy() == pytest.approx(1)
    assert values.filter(like="word").abs().max().max() <= 10


def test_a_wild_value_at_prediction_stops_at_the_edge_of_training():
    encoder = ColumnEncoder().fit(pd.DataFrame({"a": np.linspace(0, 1, 50)}))
    ends = encoder.transform(pd.DataFrame({"a": [0.0, 1.0]}))
    values, notes = encoder.encode(pd.DataFrame({"a": [0.5, 1e12, -1e300]}))
    width = ends[1, 0] - ends[0, 0]
    np.testing.assert_allclose(values[1:, 0], [ends[1, 0] + 0.1 * width, ends[0, 0] - 0.1 * width], rtol=1e-12)
    assert notes == (
        "column 'a': more than a tenth of the range of training outside it, moved to that bound (2 values)",
    )


@pytest.mark.exact
def test_large_numbers_keep_all_their_digits():
    small = ColumnEncoder().fit_transform(pd.DataFrame({"a": np.arange(12.0)}))
    large = ColumnEncoder().fit_transform(pd.DataFrame({"a": 1e15 + np.arange(12.0)}))
    np.testing.assert_array_equal(large, small)


def test_a_column_that_is_constant_up_to_round_off_is_left_out():
    encoder = ColumnEncoder().fit(pd.DataFrame({"a": [0.1 + 0.2, 0.3, 0.3, 0.1 + 0.2], "b": [1.0, 2, 3, 4]}))
    assert encoder.feature_names_ == ("b",)


def test_a_column_that_counts_the_rows_is_pointed_out(rng):
    order = rng.permutation(30)
    encoder = ColumnEncoder().fit(pd.DataFrame({"id": 100 + order, "year": 2000 + order % 15}))
    assert encoder.notes == ("column 'id': numbers the rows; leave it out if it is an identifier",)
    assert encoder.feature_names_ == ("id", "year")


def test_categories_that_read_the_same_are_one():
    frame = pd.DataFrame({"c": pd.Categorical([1, "1", "b", "b", "1", 1])})
    encoder = ColumnEncoder().fit(frame)
    assert encoder.feature_names_ == ("c=1", "c=b")
    values = encoder.transform(frame)
    np.testing.assert_array_equal(values[0], values[1])
    np.testing.assert_allclose(values.mean(axis=0), 0, atol=1e-12)


def test_missing_numbers_become_the_median_and_a_mark():
    frame = pd.DataFrame({"a": [1.0, 2.0, np.nan, 9.0], "b": [1.0, 2, 3, 4]})
    encoder = ColumnEncoder().fit(frame)
    values = encoder.transform(frame)
    assert values[2, 0] == values[1, 0]
    assert values[2, 1] > 0 > values[0, 1] == values[1, 1]
    new, notes = encoder.encode(pd.DataFrame({"a": [2.0], "b": [np.nan]}))
    assert "'b': missing, of which training had none" in notes[0]
    assert new[0, 2] == encoder.transform(pd.DataFrame({"a": [2.0], "b": [2.0]}))[0, 2]


def test_a_column_that_is_constant_where_present_leaves_only_its_mark():
    encoder = ColumnEncoder().fit(pd.DataFrame({"a": [7.0, np.nan, 7.0, np.nan]}))
    assert encoder.feature_names_ == ("a is missing",)
    np.testing.assert_allclose(encoder.transform(pd.DataFrame({"a": [7.0, None]}))[:, 0], [-1, 1])


@pytest.mark.exact
def test_the_week_and_the_day_come_from_the_calendar():
    stamps = pd.date_range("2021-05-03 00:00", periods=24 * 28, freq="h")  # 3 May 2021 was a Monday
    encoder = ColumnEncoder().fit(pd.DataFrame({"t": stamps}))
    assert encoder.feature_names_[1:] == tuple(
        f"t ({wave} of the {period})" for period in ("day", "week") for wave in ("sin", "cos")
    )
    values = encoder.transform(pd.DataFrame({"t": stamps}))
    hour, weekday = stamps.hour.to_numpy(), stamps.day_of_week.to_numpy()
    expected = np.column_stack([f(2 * np.pi * p) for p in (hour / 24, weekday / 7) for f in (np.sin, np.cos)])
    np.testing.assert_allclose(values[:, 1:], expected, atol=1e-9)  # balanced: mean 0, total variance 1
    text = encoder.transform(pd.DataFrame({"t": stamps.strftime("%Y-%m-%dT%H:%M:%S")}))
    np.testing.assert_allclose(text, values, atol=1e-12)
    zoned = encoder.transform(pd.DataFrame({"t": stamps.tz_localize("UTC").tz_convert("Asia/Tokyo")}))
    np.testing.assert_allclose(zoned, values, atol=1e-12)
    missing = encoder.transform(pd.DataFrame({"t": [stamps[0], pd.NaT]}))
    np.testing.assert_array_equal(missing[1, 1:], 0)


def test_dates_without_room_for_a_cycle_are_only_days():
    monthly = pd.DataFrame({"t": pd.date_range("2021-01-01", periods=20, freq="MS")})
    assert ColumnEncoder().fit(monthly).feature_names_ == ("t (days)",)
    objects = pd.DataFrame({"t": [date(2021, 1, 1 + i) for i in range(9)]})
    assert ColumnEncoder().fit(objects).feature_names_ == ("t (days)",)


@pytest.mark.parametrize(
    "column",
    [
        ["1.5", "2.5", " 4 ", "1e3"],
        [Decimal("1.5"), Decimal("2.5"), Decimal("4"), Decimal("1000")],
        pd.array([1.5, 2.5, 4, 1000], dtype="Float64"),
        np.array([1.5, 2.5, 4, 1000], dtype=np.float32),
        pd.arrays.SparseArray([1.5, 2.5, 4, 1000]),
        pd.to_timedelta([1.5, 2.5, 4, 1000], unit="D"),
        pd.array([1.5, 2.5, 4, 1000], dtype="double[pyarrow]"),
    ],
)
def test_numbers_in_other_clothes_are_numbers(column):
    expected = ColumnEncoder().fit_transform(pd.DataFrame({"a": [1.5, 2.5, 4, 1000]}))
    np.testing.assert_allclose(ColumnEncoder().fit_transform(pd.DataFrame({"a": column})), expected, rtol=1e-12)


def test_whole_categories_are_recognised_in_a_file_that_shows_only_numbers():
    encoder = ColumnEncoder().fit(pd.DataFrame({"floor": ["1", "2", "3+", "3+", "1", "2"]}))
    expected = encoder.transform(pd.DataFrame({"floor": ["1", "2"]}))
    np.testing.assert_array_equal(encoder.transform(pd.DataFrame({"floor": [1, 2]})), expected)
    np.testing.assert_array_equal(encoder.transform(pd.DataFrame({"floor": [1.0, 2.0, np.nan]}))[:2], expected)


def test_columns_are_found_by_name_and_extra_ones_are_ignored(table):
    encoder = ColumnEncoder().fit(table)
    shuffled = table[list(table.columns[::-1])].assign(extra=1.0)
    values, notes = encoder.encode(shuffled)
    np.testing.assert_array_equal(values, encoder.transform(table))
    assert notes == ("columns that training did not have were ignored: 'extra'",)
    # a column that was left out in training is not needed
    np.testing.assert_array_equal(encoder.transform(table.drop(columns=["name", "empty"])), values)
    with pytest.raises(BadInput, match=r"lacks 2 columns of the training data: 'plain', 'flag'; it has 'holes'"):
        encoder.transform(table.drop(columns=["plain", "flag"]))


def test_arrays_go_by_position(rng):
    x = rng.normal(size=(20, 3))
    named = ColumnEncoder().fit(pd.DataFrame(x, columns=["a", "b", "c"]))
    by_place = ColumnEncoder().fit(x)
    np.testing.assert_array_equal(named.transform(x), by_place.transform(x))
    np.testing.assert_array_equal(by_place.transform(pd.DataFrame(x, columns=["u", "v", "w"])), by_place.transform(x))
    np.testing.assert_array_equal(by_place.transform(x.tolist()), by_place.transform(x))
    with pytest.raises(ShapeMismatch, match="X has 2 features, but ColumnEncoder is expecting 3 features as input"):
        by_place.transform(x[:, :2])
    mixed = np.array([[1.0, "u"], [2.0, "v"], [4.0, "u"], [7.0, "v"]], dtype=object)
    assert ColumnEncoder().fit(mixed).feature_names_ == ("x0", "x1=u", "x1=v")


def test_neither_fit_nor_transform_changes_the_table(table):
    before = table.copy(deep=True)
    ColumnEncoder().fit(table).transform(table)
    pd.testing.assert_frame_equal(table, before)
    x = np.arange(12.0).reshape(6, 2) ** 2
    kept = x.copy()
    ColumnEncoder().fit(x).transform(x)
    np.testing.assert_array_equal(x, kept)


def test_hostile_names_are_only_text(rng):
    names = ["<img src=x onerror=alert(1)>", 7, ("a", "b"), "self", None]
    frame = pd.DataFrame(rng.normal(size=(9, 5)), columns=pd.Index(names, dtype=object))
    encoder = ColumnEncoder().fit(frame)
    assert encoder.feature_names_ == tuple(str(name) for name in names)
    np.testing.assert_array_equal(reborn(encoder).transform(frame), encoder.transform(frame))


@pytest.mark.parametrize(
    ("column", "words"),
    [
        ([1.0, np.inf, 2.0, 3.0], "'c' holds inf (infinity) in row 1"),
        ([1.0, 2.0, 3.0, -np.inf], "'c' holds -inf (infinity) in row 3"),
        (["1", "2", "inf", "4"], "'c' holds inf (infinity) in row 2"),
        ([1, "a", 2, 3], "int '1' in row 0 and str 'a' in row 1"),
        ([True, "a", None, 3], "bool 'True' in row 0 and str 'a' in row 1"),
        ([[1], [2], [3], [4]], "list '[1]' in row 0"),
        ([{"a": 1}, None, None, None], "dict"),
        ([1 + 1j, 2, 3, 4], "Complex data not supported"),
        ([b"a", b"b", b"a", b"b"], "bytes"),
        (pd.Series([10**400, 1, 2, 3], dtype=object), "do not fit float64"),
    ],
)
def test_columns_that_cannot_become_numbers_are_refused_by_name_and_row(column, words):
    with pytest.raises(BadInput) as caught:
        ColumnEncoder().fit(pd.DataFrame({"ok": [1.0, 2, 3, 4], "c": column}))
    assert words in str(caught.value)


def test_a_slip_among_many_numbers_is_named_rather_than_dropped():
    column = [str(i * i) for i in range(40)]
    column[23] = "12,5 kg"
    with pytest.raises(BadInput, match=r"'c' holds numbers, but '12,5 kg' in row 23"):
        ColumnEncoder().fit(pd.DataFrame({"c": column}))


@pytest.mark.parametrize(
    ("train", "new", "words"),
    [
        ([1.0, 2.0, 4.0], [1.0, "two", 2.0], "mixed"),
        ([1.0, 2.0, 4.0], ["1", "two", "2"], "holds the text 'two' in row 1"),
        ([1.0, 2.0, 4.0], [1.0, 2.0, np.inf], "holds inf (infinity) in row 2"),
        ([1.0, 2.0, 4.0], pd.date_range("2020", periods=3), "holds dates where numbers were expected"),
        (pd.date_range("2020", periods=3), [1.0, 2.0, 3.0], "holds numbers where dates were expected"),
        (pd.date_range("2020", periods=3), ["2020-01-01", "2020-13-01", None], "holds '2020-13-01' in row 1"),
        (pd.date_range("2020", periods=3), ["2020-01-01", None, "soon"], "holds 'soon' in row 2"),
    ],
)
def test_another_type_at_prediction_is_refused_by_name_value_and_row(train, new, words):
    encoder = ColumnEncoder().fit(pd.DataFrame({"c": train, "d": [1.0, 2.0, 5.0]}))
    with pytest.raises(BadInput) as caught:
        encoder.transform(pd.DataFrame({"c": new, "d": [1.0, 2.0, 5.0]}))
    assert words in str(caught.value)
    assert "'c'" in str(caught.value)


@pytest.mark.parametrize(
    ("value", "error", "words"),
    [
        (np.zeros(4), ShapeMismatch, "Reshape your data"),
        (np.zeros((2, 2, 2)), ShapeMismatch, r"shape \(2, 2, 2\)"),
        (np.zeros((3, 0)), BadInput, r"0 feature\(s\) \(shape=\(3, 0\)\) while a minimum of 1 is required"),
        (np.zeros((0, 3)), BadInput, r"0 sample\(s\)"),
        (np.zeros((4, 2)), BadInput, "no usable column is left of 2"),
        (sparse.csr_array(np.eye(3)), BadInput, "sparse"),
        (pd.DataFrame([[1, 2], [3, 4]], columns=["a", "a"]), BadInput, "more than one column named 'a'"),
    ],
)
def test_tables_that_are_none_are_refused(value, error, words):
    with pytest.raises(error, match=words):
        ColumnEncoder().fit(value)


def test_an_encoder_that_saw_nothing_and_documents_that_are_none_are_refused(table):
    with pytest.raises(BadInput, match=r"call fit\(table\) first"):
        ColumnEncoder().transform(table)
    with pytest.raises(BadInput, match="no column encoding of format"):
        ColumnEncoder.from_json({"format": 99})
    damaged = ColumnEncoder().fit(table).to_json()
    del damaged["rules"][0]["fill"]
    with pytest.raises(BadInput, match="damaged"):
        ColumnEncoder.from_json(damaged)


def test_a_thousand_alike_columns_make_one_note():
    x = np.zeros((30, 1000))
    x[:, 0] = np.arange(30) ** 2
    notes = ColumnEncoder().fit(x).notes
    assert len(notes) == 1
    assert notes[0].endswith("and 991 more: constant, left out")


def test_the_encoding_survives_json(table):
    encoder = ColumnEncoder().fit(table)
    twin = reborn(encoder)
    np.testing.assert_array_equal(twin.transform(table), encoder.transform(table))
    assert (twin.notes, twin.feature_names_, twin.columns_) == (encoder.notes, encoder.feature_names_, encoder.columns_)


# properties: any finite numbers, any texts, any order

ANY_NUMBER = st.one_of(
    st.floats(allow_nan=True, allow_infinity=False),
    st.floats(-1e3, 1e3),
    st.integers(-5, 5).map(float),
    st.sampled_from([0.0, 1e308, -1e308, 5e-324, 1e-300, 1.7e18]),
)
WORDS = st.one_of(
    st.none(), st.sampled_from(["a", "b", "c", "", "1", "2020-01-01", "<b>", "\x00", "nan"]), st.text(max_size=4)
)


@st.composite
def frames(draw):
    rows = draw(st.integers(2, 40))
    columns = {f"n{i}": draw(arrays(np.float64, rows, elements=ANY_NUMBER)) for i in range(draw(st.integers(0, 3)))} | {
        f"t{i}": pd.Series(draw(st.lists(WORDS, min_size=rows, max_size=rows)), dtype=object)
        for i in range(draw(st.integers(0, 3)))
    }
    return pd.DataFrame({**columns, "varies": np.arange(rows) ** 2.0})


@settings(max_examples=80, deadline=None)
@given(table=frames(), share=st.floats(0.3, 1), seed=st.integers(0, 99))
def test_any_table_gives_finite_numbers_that_survive_json_and_reordering(table, share, seed):
    train = table.iloc[: max(2, int(share * len(table)))]
    try:
        encoder = ColumnEncoder().fit(train)
    except BadInput:
        reject()  # texts that are nearly all numbers, or read as infinity: tested above
    values = encoder.transform(train)
    assert np.isfinite(values).all()
    assert values.shape == (len(train), len(encoder.feature_names_))
    np.testing.assert_array_equal(reborn(encoder).transform(train), values)
    order = np.random.default_rng(seed).permutation(len(train))
    shuffled = train.iloc[order].reset_index(drop=True)
    np.testing.assert_array_equal(encoder.transform(shuffled), values[order])
    again = ColumnEncoder().fit(shuffled)
    assert again.feature_names_ == encoder.feature_names_
    np.testing.assert_allclose(again.transform(shuffled), values[order], rtol=1e-9, atol=1e-9)
    try:
        later = encoder.transform(table)
    except BadInput:
        reject()  # text among what were numbers in training
    assert np.isfinite(later).all()
    np.testing.assert_array_equal(later[: len(train)], values)


@settings(max_examples=80, deadline=None)
@given(values=arrays(np.float64, st.integers(2, 60), elements=ANY_NUMBER.filter(np.isfinite)))
def test_numbers_have_mean_zero_and_unit_deviation_on_their_training_rows(values):
    frame = pd.DataFrame({"a": values, "varies": np.arange(len(values)) ** 2.0})
    encoder = ColumnEncoder().fit(frame)
    result = encoder.transform(frame)
    held = np.array([any(f"'{name}'" in note for note in encoder.notes) for name in encoder.feature_names_])
    np.testing.assert_allclose(result.mean(axis=0)[~held], 0, atol=1e-9)
    np.testing.assert_allclose(result.std(axis=0)[~held], 1, rtol=1e-9)
    assert np.abs(result[:, held]).max(initial=0) <= 3
    if len(encoder.feature_names_) == 1:
        spread = values.max() / 2 - values.min() / 2
        assert spread <= 1e-14 * np.abs(values).max()


def test_a_real_table_of_every_kind_is_encoded(data_folder):
    from theodolite.datasets import load, names

    for entry in [
        entry for entry in names(data_folder=data_folder) if entry.where != "embedded" and entry.columns < 200
    ]:
        data = load(entry.name, data_folder=data_folder)
        train = data.inputs.sample(min(1000, len(data.inputs) // 2), random_state=0)
        values = ColumnEncoder().fit(train).transform(data.inputs)
        assert np.isfinite(values).all()
