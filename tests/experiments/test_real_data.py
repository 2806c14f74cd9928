"""Which data a case ran on is decided by the folder, and said."""

from pathlib import Path

import numpy as np
import pytest

from theodolite.experiments import Key, Store, run_case, select
from theodolite.experiments.real_data import HIGGS, MNIST, in_folder, load, split
from theodolite.numerics.errors import BadInput

EMBEDDED = ("digits 7/9", "digits parity", "breast cancer", "diabetes", "Friedman 1", "California-like")


@pytest.fixture
def made_up_folder(tmp_path: Path) -> Path:
    """Files with the keys of MNIST and Higgs, small and made up."""
    rng = np.random.default_rng(3)
    for file, shape in ((MNIST, (3000, 28, 28)), (HIGGS, (300, 28))):
        (tmp_path / file).parent.mkdir()
        y = rng.integers(0, 10 if file == MNIST else 2, shape[0])
        x = rng.integers(0, 256, shape).astype(np.uint8) if file == MNIST else rng.standard_normal(shape)
        np.savez(tmp_path / file, X=x, y=y)
    return tmp_path


def test_the_result_says_which_data_it_ran_on(made_up_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("THEODOLITE_DATA", raising=False)
    (case,) = select(["kare-measured-risk"])
    store = Store(made_up_folder / "results")
    embedded = run_case(case, "smoke", store)
    given = run_case(case, "smoke", store, data_folder=made_up_folder)
    assert "embedded digits" in embedded.data
    assert "MNIST" not in embedded.data
    assert embedded.files == {}
    assert "MNIST (28 x 28 pixels), 7 against 9" in given.data
    assert "digits (8" not in given.data
    assert set(given.files) == {MNIST, HIGGS}
    assert given.address != embedded.address


def test_sets_are_found_where_their_files_are(made_up_folder: Path) -> None:
    assert in_folder(made_up_folder) == ("MNIST 7/9", "Higgs")
    (made_up_folder / HIGGS).unlink()
    assert in_folder(made_up_folder) == ("MNIST 7/9",)
    assert in_folder(None) == ()
    with pytest.raises(BadInput, match="THEODOLITE_DATA"):
        load("Higgs", Key(0))
    with pytest.raises(BadInput, match=r"'digits'.*digits 7/9"):
        load("digits", Key(0))


@pytest.mark.parametrize("name", EMBEDDED)
def test_a_split_is_centred_by_its_training_rows_and_disjoint(name: str) -> None:
    table = load(name, Key(0))
    data = split(table, 100, 150, Key(1).rng())
    assert data.inputs.shape[0] == 100
    assert data.test_inputs.shape[0] == len(data.test_targets) == 150
    assert abs(data.targets.mean()) < 1e-12
    assert set(np.unique(table.targets)) == {-1.0, 1.0} or not table.labels
    if not table.labels:
        assert data.targets.std() == pytest.approx(1)
    if not table.images:
        np.testing.assert_allclose(data.inputs.mean(0), 0, atol=1e-10)
        np.testing.assert_allclose(data.inputs.std(0), 1)
    seen = {row.tobytes() for row in data.inputs}
    repeated = len(table.inputs) - len(np.unique(table.inputs, axis=0))
    assert sum(row.tobytes() in seen for row in data.test_inputs) <= repeated


def test_columns_constant_in_training_are_dropped_and_impossible_sizes_refused() -> None:
    table = load("breast cancer", Key(0))
    constant = np.concatenate([table.inputs, np.ones((len(table.inputs), 1))], axis=1)
    widened = type(table)("wide", constant, table.targets, "wide", labels=True)
    assert split(widened, 50, 50, Key(0).rng()).inputs.shape[1] == table.inputs.shape[1]
    for rows in (1, len(table.inputs)):
        with pytest.raises(BadInput, match="cannot train on"):
            split(table, rows, 10, Key(0).rng())


def test_the_cases_read_the_real_files(data_folder: Path, tmp_path: Path) -> None:
    (case,) = select(["kare-measured-risk"])
    result = run_case(case, "smoke", Store(tmp_path), data_folder=data_folder)
    assert result.error == ""
    assert "MNIST" in result.data
