"""Tables read in row blocks: the same numbers as in memory, and every kind of trouble by its name."""

import gzip

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from theodolite.kernel_regression.target_coding import Quantities
from theodolite.kernels import RBF
from theodolite.numerics import BadInput, NotFinite
from theodolite.random_features import FourierFeatures, RandomFeatureRidge, RandomFeatureRidgeClassifier, open_rows
from theodolite.random_features import harvest as harvest_module
from theodolite.random_features import parquet_rows as parquet_module
from theodolite.random_features import text_rows as text_module
from theodolite.random_features.harvest import Recipe, gather
from theodolite.random_features.machine import fit_machine
from theodolite.random_features.number_columns import NumberColumns
from theodolite.random_features.row_sample import RowSample
from theodolite.random_features.set_aside import rows_set_aside, set_aside

ROWS, BLOCK = 2000, 128


def table(rows=ROWS, seed=0):
    random = np.random.default_rng(seed)
    X = random.standard_normal((rows, 4))
    y = np.sin(X[:, 0]) + X[:, 1] ** 2 + 0.1 * random.standard_normal(rows)
    return pd.DataFrame(X, columns=list("abcd")).assign(y=y)


@pytest.fixture(scope="module")
def frame():
    return table()


@pytest.fixture
def parts(tmp_path, frame, monkeypatch):
    """The table as three Parquet files of small row groups, read in partitions of at least 300 rows."""
    monkeypatch.setattr(parquet_module, "PARTITION_ROWS", 300)
    for number, piece in enumerate((frame[:700], frame[700:1500], frame[1500:])):
        piece.to_parquet(tmp_path / f"part-{number}.parquet", row_group_size=100)
    return tmp_path


def recipe(frame, **settings):
    encoder = NumberColumns.learned(frame.drop(columns="y"))
    one = FourierFeatures(RBF(4.0)).sample(0, 30, 4)
    coding = Quantities.of(frame.y.to_numpy())[0]
    return Recipe("y", encoder, coding, (one,), **{"kept": 200, "block_rows": BLOCK, **settings})


def in_memory(frame):
    """The model by plain linear algebra on all rows at once."""
    prepared = recipe(frame)
    F = prepared.maps[0].transform(prepared.encoder.transform(frame))
    return F, frame.y.to_numpy()


@pytest.mark.exact
@pytest.mark.parametrize("kind", ["parquet", "csv", "csv.gz", "frame"])
def test_streaming_equals_in_memory(kind, frame, parts):
    if kind == "parquet":
        source = open_rows(str(parts / "part-*.parquet"))
        assert [partition.rows for partition in source.partitions] == [300, 300, 100, 300, 300, 200, 300, 200]
    elif kind == "frame":
        source = open_rows(frame)
    else:
        for number, piece in enumerate((frame[:900], frame[900:])):
            piece.to_csv(parts / f"part-{number}.{kind}", index=False)
        source = open_rows(str(parts / f"*.{kind}"))
    harvest = gather(source, recipe(frame))
    F, y = in_memory(frame)
    assert harvest.rows == ROWS
    scale = np.abs(F.T @ F).max()
    np.testing.assert_allclose(harvest.statistics[0].feature_gram, F.T @ F, rtol=1e-10, atol=1e-12 * scale)
    cross = F.T @ (y - y.mean())[:, None]
    np.testing.assert_allclose(harvest.statistics[0].centred_cross, cross, rtol=1e-10, atol=1e-10)
    machine = fit_machine(harvest, recipe(frame), ridge=1e-3)
    theta = np.linalg.solve(F.T @ F + ROWS * 1e-3 * np.eye(30), F.T @ (y - y.mean()))
    np.testing.assert_allclose(machine.weights[0][:, 0], theta, rtol=1e-9)
    assert machine.mean[0] == pytest.approx(y.mean(), rel=1e-12)


def test_the_kept_rows_are_the_same_whatever_the_blocks(frame, parts):
    source = open_rows(str(parts))
    samples = [gather(source, recipe(frame, block_rows=rows)).sample for rows in (64, 300, 1000)]
    for one in samples[1:]:
        np.testing.assert_array_equal(one.priority, samples[0].priority)
        np.testing.assert_array_equal(one.points, samples[0].points)
    forwards, backwards = RowSample.empty(20, 4, 1), RowSample.empty(20, 4, 1)
    columns = (samples[0].priority, samples[0].points, samples[0].targets)
    for start in range(0, 200, 50):
        forwards.offer(*(column[start : start + 50] for column in columns))
        stop = 200 - start
        backwards.absorb(RowSample.empty(20, 4, 1).offer(*(column[stop - 50 : stop] for column in columns)))
    np.testing.assert_array_equal(forwards.points, samples[0].points[:20])
    np.testing.assert_array_equal(backwards.points, samples[0].points[:20])


@pytest.mark.exact
def test_rows_set_aside_are_the_same_whatever_the_blocks_and_enter_no_sum(frame, parts, monkeypatch):
    source = set_aside(open_rows(str(parts)), 0.3, 7)
    held = rows_set_aside(source)
    kept = pd.concat([frame, held]).drop_duplicates(keep=False)
    assert len(kept) + len(held) == ROWS
    assert abs(len(held) - 0.3 * ROWS) < 4 * np.sqrt(0.21 * ROWS)
    assert not pd.concat([held, source.sample(ROWS)[0]]).duplicated().any()
    monkeypatch.setattr(harvest_module, "MEASURED_ROWS", 150)
    of_kept = gather(open_rows(kept), recipe(frame)).statistics[0]
    found = [gather(source, recipe(frame, block_rows=rows)) for rows in (64, 300, 1000)]
    for one in found:
        assert (one.rows, one.held_rows, len(one.held)) == (len(kept), len(held), 150)
        np.testing.assert_allclose(one.statistics[0].feature_gram, of_kept.feature_gram, rtol=1e-10, atol=1e-9)
        np.testing.assert_array_equal(one.held.points, found[0].held.points)
        np.testing.assert_array_equal(one.sample.points, found[0].sample.points)
    encoded = {tuple(point) for point in recipe(frame).encoder.transform(held.drop(columns="y"))}
    assert encoded.issuperset(map(tuple, found[0].held.points))
    other = rows_set_aside(set_aside(open_rows(str(parts)), 0.3, 8))
    assert not other.equals(held)


@pytest.mark.montecarlo
def test_leave_one_out_of_kept_rows_estimates_that_of_all(frame):
    few, everyone = (
        fit_machine(gather(open_rows(frame), prepared), prepared, ridge=1e-3)
        for prepared in (recipe(frame), recipe(frame, kept=ROWS))
    )
    assert (few.kept, everyone.kept) == (200, ROWS)
    assert 0 < abs(few.leave_one_out - everyone.leave_one_out) < 3 * few.standard_error


def test_fit_stream_learns_what_fit_learns(frame, parts):
    settings = {"features": 60, "random_state": 1}
    streamed = RandomFeatureRidge(**settings).fit_stream(parts / "*.parquet", "y")
    X, y = frame.drop(columns="y"), frame.y
    fitted = RandomFeatureRidge(**settings).fit(X, y)
    new = table(seed=1)
    risks = [np.mean((model.predict(new.drop(columns="y")) - new.y) ** 2) for model in (streamed, fitted)]
    assert streamed.rows_ == ROWS
    assert streamed.sample_rows_.startswith("all")
    assert risks[0] == pytest.approx(risks[1], rel=0.25)  # other landmarks, same law
    assert abs(streamed.predicted_risk_ - risks[0]) < 5 * streamed.predicted_risk_standard_error_
    labels = frame.assign(y=np.where(frame.y > 1, "high", "low"))
    labels.to_parquet(parts / "labels.parquet")
    classifier = RandomFeatureRidgeClassifier(features=60).fit_stream(parts / "labels.parquet", "y")
    assert np.mean(classifier.predict(X) == labels.y) > 0.85


def refused(source, words, kind=BadInput, target="y"):
    with pytest.raises(kind, match=words) as error:
        RandomFeatureRidge(features=20, block_rows=BLOCK).fit_stream(source, target)
    return str(error.value)


def test_a_file_cut_in_the_middle_is_named(parts, frame):
    path = parts / "part-1.parquet"
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    refused(parts, "part-1.parquet could not be read as Parquet")
    whole = frame.to_csv(index=False)
    (parts / "cut.csv").write_text(whole[: len(whole) // 2].rsplit(",", 2)[0])
    assert "cut short" in refused(parts / "cut.csv", "cut.csv could not be read")
    (parts / "cut.csv.gz").write_bytes(gzip.compress(whole.encode())[:-5000])
    refused(parts / "cut.csv.gz", "cut.csv.gz could not be read")


def test_damage_behind_a_sound_footer_is_named(parts, frame):
    path = parts / "part-1.parquet"
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 4000] = bytes(4000)
    path.write_bytes(bytes(content))
    with pytest.raises((BadInput, NotFinite), match=r"part-1\.parquet"):
        RandomFeatureRidge(features=20).fit_stream(parts, "y")


def test_a_changed_schema_is_named_before_the_pass(parts, frame):
    frame.rename(columns={"c": "see"}).to_parquet(parts / "part-2.parquet")
    message = refused(parts, "another schema")
    assert "part-2.parquet" in message
    assert "lacks column 'c' and adds column 'see'" in message
    frame.astype({"b": str}).to_parquet(parts / "part-2.parquet")
    refused(parts, "column 'b' holds text where it held number")


def test_a_changed_schema_among_csv_parts_is_named(tmp_path, frame, monkeypatch):
    monkeypatch.setattr(text_module, "PARSED_BYTES", 1 << 14)  # what a column holds is decided by that much
    frame.to_csv(tmp_path / "0.csv", index=False)
    frame[["a", "c", "b", "d", "y"]].to_csv(tmp_path / "1.csv", index=False)
    assert RandomFeatureRidge(features=20).fit_stream(tmp_path, "y").rows_ == 2 * ROWS  # another order is no harm
    frame.drop(columns="b").to_csv(tmp_path / "1.csv", index=False)
    refused(tmp_path, "lacks column 'b'")
    (tmp_path / "1.csv").write_text(frame.to_csv(index=False) + "1,2,oops,4,5\n")
    refused(tmp_path, "1.csv could not be read.*oops")


@pytest.mark.parametrize("column", ["c", "y"])
def test_nan_is_named_with_block_file_and_row(parts, frame, column):
    piece = frame[:1100].copy()
    piece.loc[[7 * BLOCK + 5, 7 * BLOCK + 6], column] = np.nan
    piece.to_parquet(parts / "part-0.parquet", row_group_size=2000)
    message = refused(parts, "block 7", NotFinite)
    assert "part-0.parquet" in message
    assert f"row {7 * BLOCK + 5} " in message
    assert "2 such rows" in message


def test_text_and_nothing_are_named(parts, frame):
    frame.assign(c="red").to_csv(parts / "text.csv", index=False)
    refused(parts / "text.csv", "'c' holds no numbers")
    frame.assign(y="red").to_csv(parts / "target.csv", index=False)
    refused(parts / "target.csv", "holds 'red' where regression needs a number")
    frame[:0].to_csv(parts / "none.csv", index=False)
    refused(parts / "none.csv", "no rows")
    frame[:0].to_parquet(parts / "none.parquet")
    refused(parts / "none.parquet", "no rows")
    (parts / "empty.csv").touch()
    refused(parts / "empty.csv", "is empty")
    refused(parts / "nowhere-*.csv", "no file matches")
    refused([parts / "part-0.parquet", parts / "text.csv"], "mixes")
    refused(parts / "part-0.parquet", "no column 'z'", target="z")


def test_an_unknown_class_is_named(parts, frame):
    labels = np.where(frame.y > 1, "high", "low").astype(object)
    labels[-1] = "medium"
    writer_table = pa.Table.from_pandas(frame.assign(y=labels))
    pq.write_table(writer_table.slice(0, 1500), parts / "l-0.parquet")
    pq.write_table(writer_table.slice(1500), parts / "l-1.parquet")
    from theodolite.random_features import estimators

    model = RandomFeatureRidgeClassifier(features=20, block_rows=BLOCK)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(estimators, "SAMPLE_ROWS", 100)
        with pytest.raises(BadInput, match=r"block 3 of .*l-1.parquet: class 'medium' was not"):
            model.fit_stream(parts / "l-*.parquet", "y")
