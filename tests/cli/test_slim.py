"""`theodolite slim`: copies and dead neurons counted, a smaller file with the same function, no traces of misuse."""

import json
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from theodolite.landscape import mlp, random_expansion, read_checkpoint, write_checkpoint

X = np.random.default_rng(0).standard_normal((50, 3))


@pytest.fixture
def narrow():
    rng = np.random.default_rng(1)
    weights = [rng.standard_normal(shape) for shape in ((5, 3), (4, 5), (2, 4))]
    return mlp(weights, [rng.standard_normal(len(w)) for w in weights], "tanh")


@pytest.fixture
def wide(narrow) -> Path:
    return write_checkpoint(random_expansion(narrow, [9, 6], np.random.default_rng(2)), "wide.safetensors")


def test_copies_are_counted_and_the_smaller_network_written(theodolite, narrow, wide: Path) -> None:
    ended = theodolite("slim", wide, "--out", "small.safetensors")
    assert ended.code == 0
    assert "6 of 15 neurons can go" in ended.out
    assert "round-off" in ended.out
    assert "Written: small.safetensors" in ended.out
    small, _ = read_checkpoint("small.safetensors")
    assert (small.widths, small.activation.name) == (narrow.widths, "tanh")
    np.testing.assert_allclose(small(X), narrow(X), atol=1e-10)


def test_json_is_one_document(theodolite, wide: Path) -> None:
    found = json.loads(theodolite("slim", wide, "--json").out)
    assert [layer["kept"] for layer in found["layers"]] == [5, 4]
    assert (found["removed"], found["neurons"], found["written"], found["accepted"]) == (6, 15, None, True)
    assert found["largest_change"] < 1e-12
    assert found["activation"] == "tanh"


def test_without_copies_nothing_is_written(theodolite, narrow) -> None:
    write_checkpoint(narrow, "narrow.safetensors")
    ended = theodolite("slim", "narrow.safetensors", "--out", "small.safetensors")
    assert ended.code == 0
    assert "no two neurons are copies" in ended.out
    assert not Path("small.safetensors").exists()


def test_neurons_never_active_go_only_on_rows_of_the_user(theodolite, table) -> None:
    """Random inputs tell nothing about which neurons real ones reach."""
    net = mlp([[[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]], [[1.0, 2.0, 3.0]]], [[0.0, 0.0, -100.0], [0.0]], "relu")
    write_checkpoint(net, "net.safetensors")
    table.to_csv("table.csv", index=False)
    assert json.loads(theodolite("slim", "net.safetensors", "--json").out)["removed"] == 0
    found = json.loads(theodolite("slim", "net.safetensors", "-d", "table.csv", "-t", "y", "--json").out)
    assert (found["removed"], found["layers"][0]["inactive"], found["verified_on"]) == (1, 1, "40 rows of table")


def _normalised() -> None:
    save_file({"0.weight": np.ones((4, 3)), "1.running_mean": np.ones(4), "2.weight": np.ones((1, 4))}, "m.safetensors")


def _tied() -> None:
    w = np.random.default_rng(0).standard_normal((4, 3))
    save_file({"0.weight": w, "1.weight": np.ascontiguousarray(w.T)}, "m.safetensors")


def _unchained() -> None:
    save_file({"0.weight": np.ones((4, 3)), "2.weight": np.ones((1, 5))}, "m.safetensors")


def _sound() -> None:
    write_checkpoint(mlp([np.eye(3) + 1, np.ones((1, 3))]), "m.safetensors")


@pytest.mark.parametrize(
    ("prepare", "arguments", "remedy"),
    [
        (_normalised, (), "fold batch normalisation into the weights first"),
        (_tied, (), "tied weights cannot be changed one by one"),
        (_unchained, (), "the layers do not chain"),
        (lambda: None, (), "there is no file m.safetensors"),
        (lambda: Path("m.safetensors").write_bytes(b"nonsense"), (), "cannot be read"),
        (_sound, ("-a", "reluu"), "expected one of relu, tanh"),
        (_sound, ("--tolerance", "0"), "tolerance must be positive"),
        (_sound, ("--rows", "0"), "--rows must be at least 1"),
        (_sound, ("--seed", "-1"), "--seed must be a whole number"),
        (_sound, ("--target", "y"), "give --data too"),
        (_sound, ("--out", "small.pt"), "must end with .safetensors"),
        (_sound, ("--out", "m.safetensors"), "is the model itself"),
        (_sound, ("--out", "."), "is a folder"),
        (_sound, ("--data", "no.csv"), "no.csv"),
    ],
)
def test_misuse_ends_with_two_and_a_remedy(theodolite, prepare, arguments: tuple[str, ...], remedy: str) -> None:
    prepare()
    before = sorted(path.name for path in Path().iterdir())
    ended = theodolite("slim", "m.safetensors", *arguments)
    assert (ended.code, ended.out) == (2, "")
    assert remedy in ended.complaint
    assert sorted(path.name for path in Path().iterdir()) == before


def test_a_pickle_is_not_opened(theodolite) -> None:
    Path("model.pt").write_bytes(b"cos\nsystem\n(S'touch opened'\ntR.")
    ended = theodolite("slim", "model.pt")
    assert ended.code == 2
    assert "pickled checkpoints can run code" in ended.complaint
    assert not Path("opened").exists()


def test_columns_that_do_not_fit_are_refused(theodolite, csv: Path) -> None:
    _sound()
    ended = theodolite("slim", "m.safetensors", "--data", csv, "--target", "y")
    assert ended.code == 2
    assert "has 2 columns beside the target; the network reads 3" in ended.complaint


def test_precision_and_names_stay(theodolite) -> None:
    w = np.random.default_rng(3).standard_normal((3, 2)).astype(np.float32)
    kernel = np.ascontiguousarray(np.concatenate([w, w[:1]]).T)
    save_file({"Dense_0.kernel": kernel, "Dense_1.kernel": np.ones((4, 1), np.float32)}, "flax.safetensors")
    assert theodolite("slim", "flax.safetensors", "--out", "out.safetensors").code == 0
    found = load_file("out.safetensors")
    assert {name: (v.shape, v.dtype) for name, v in found.items()} == {
        "Dense_0.kernel": ((2, 3), np.float32),
        "Dense_1.kernel": ((3, 1), np.float32),
    }
