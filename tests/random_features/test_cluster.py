"""The pass on a dask cluster: the same numbers, whoever computes them and whoever dies; refusals within seconds."""

import os
import signal
import sys
import time

import numpy as np
import pytest

from theodolite import survey
from theodolite.kernel_regression.target_coding import Quantities
from theodolite.kernels import RBF
from theodolite.numerics import BadInput, NotFinite
from theodolite.random_features import FourierFeatures, RandomFeatureRidge, cluster, open_rows, row_blocks
from theodolite.random_features import parquet_rows as parquet_module
from theodolite.random_features.cluster import client_of, gather_on
from theodolite.random_features.harvest import Recipe, gather
from theodolite.random_features.number_columns import NumberColumns
from theodolite.random_features.set_aside import set_aside
from theodolite.survey import surveyor

distributed = pytest.importorskip("distributed")


@pytest.fixture(scope="module")
def client():
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=":0", silence_logs=50
        ) as local,
        distributed.Client(local) as client,
    ):
        yield client


def problem(rows, features, partition_rows):
    random = np.random.default_rng(0)
    X = random.standard_normal((rows, 5))
    y = np.sin(X[:, 0]) + X[:, 1]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(row_blocks, "PARTITION_ROWS", partition_rows)
        source = open_rows(X, y)
    encoder = NumberColumns.learned(source.partitions[0].frame.drop(columns="target"))
    maps = tuple(FourierFeatures(RBF(5.0)).sample(key, features, 5) for key in (0, 1))
    return source, Recipe("target", encoder, Quantities.of(y)[0], maps, kept=300, block_rows=1000)


def assert_bitwise_equal(one, other):
    assert one.rows == other.rows
    for mine, theirs in zip(one.statistics, other.statistics, strict=True):
        for name in ("gram", "cross", "feature_sum", "target_sum", "target_gram"):
            np.testing.assert_array_equal(getattr(mine, name), getattr(theirs, name))
    np.testing.assert_array_equal(one.sample.points, other.sample.points)


def test_the_cluster_gives_what_one_process_gives(client):
    source, recipe = problem(7000, 40, 500)
    source = set_aside(source, 0.2, 3)
    told = []
    found = gather_on(client, source, recipe, progress=lambda done, total, what: told.append((done, total)))
    alone = gather(source, recipe)
    assert found.rows == alone.rows == 7000 - found.held_rows
    assert found.held_rows == alone.held_rows > 1000
    np.testing.assert_array_equal(found.held.points, alone.held.points)
    for mine, theirs in zip(found.statistics, alone.statistics, strict=True):
        scale = np.abs(theirs.feature_gram).max()
        np.testing.assert_allclose(mine.feature_gram, theirs.feature_gram, rtol=1e-10, atol=1e-13 * scale)
        np.testing.assert_allclose(mine.centred_cross, theirs.centred_cross, rtol=1e-10, atol=1e-10)
    np.testing.assert_array_equal(found.sample.points, alone.sample.points)
    assert told[-1] == (15, 15)


@pytest.mark.full
def test_a_survey_by_random_features_is_the_same_on_the_cluster(client, tmp_path, monkeypatch):
    monkeypatch.setattr(surveyor, "SCREENING_ROWS", 200)
    frame, _ = problem(900, 5, 1000)
    frame = frame.partitions[0].frame
    for number in range(3):
        frame[number * 300 : (number + 1) * 300].to_parquet(tmp_path / f"{number}.parquet")
    settings = {"candidates": [RBF(5.0)], "route": "features", "features": 80, "holdout": 0.25}
    here = survey.survey(tmp_path, **settings)
    there = survey.survey(tmp_path, scheduler=client.scheduler.address, **settings)
    np.testing.assert_allclose(there.predict(frame), here.predict(frame), rtol=1e-8)
    mine, theirs = (dict(one.record_.holdout) for one in (here, there))
    assert mine.pop("score_name") == theirs.pop("score_name")
    assert theirs == pytest.approx(mine, rel=1e-8)
    assert there.record_.extra == here.record_.extra


def test_a_worker_killed_during_the_pass_changes_nothing(client):
    source, recipe = problem(48_000, 400, 3000)
    undisturbed = gather_on(client, source, recipe)
    victims = list(client.run(os.getpid).values())
    killed = []

    def kill(done, total, what):
        if 0 < done < 15 and not killed:
            os.kill(victims[0], signal.SIGKILL)
            killed.append(done)

    assert_bitwise_equal(gather_on(client, source, recipe, progress=kill), undisturbed)
    assert killed, "the pass was over before anyone was killed"
    assert victims[0] not in client.run(os.getpid).values()


def test_trouble_in_a_part_is_named_as_in_one_process(client, tmp_path, monkeypatch):
    monkeypatch.setattr(parquet_module, "PARTITION_ROWS", 200)
    source, _ = problem(1000, 10, 1000)
    frame = source.partitions[0].frame.copy()
    frame.loc[777, "x2"] = np.nan
    frame.to_parquet(tmp_path / "part.parquet", row_group_size=200)
    with pytest.raises(NotFinite, match=r"column 'x2' holds nan in row 777 of .*part.parquet"):
        gather_on(client, open_rows(tmp_path), problem(1000, 10, 1000)[1])


def test_no_scheduler_is_said_within_seconds(monkeypatch):
    monkeypatch.setattr(cluster, "ANSWER_SECONDS", 1.0)
    start = time.monotonic()
    model = RandomFeatureRidge(features=5)
    with pytest.raises(BadInput, match=r"no scheduler answers at 'tcp://127.0.0.1:9'"):
        model.fit_stream(np.random.default_rng(0).standard_normal((50, 3)), "x2", scheduler="tcp://127.0.0.1:9")
    with pytest.raises(BadInput, match="no scheduler answers at 'nonsense://'"), client_of("nonsense://"):
        pass
    assert time.monotonic() - start < 5


def test_a_cluster_without_workers_is_given_up():
    with distributed.LocalCluster(n_workers=0, processes=False, dashboard_address=":0", silence_logs=50) as local:
        source, recipe = problem(100, 5, 50)
        with distributed.Client(local) as lonely, pytest.raises(BadInput, match=r"no worker for 0\.5 s"):
            gather_on(lonely, source, recipe, patience=0.5)


def test_without_dask_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    source, recipe = problem(100, 5, 50)
    with pytest.raises(BadInput, match=r"install theodolite\[distributed\]"):
        gather_on("local", source, recipe)


@pytest.mark.full
def test_a_local_cluster_is_started_and_ended():
    X = np.random.default_rng(0).standard_normal((3000, 3))
    model = RandomFeatureRidge(features=20)
    assert model.fit_stream(X, "x2", scheduler="local").rows_ == 3000
