"""`theodolite connect`: the certificate in words, in JSON and as a picture; misuse ends with 2 and a remedy."""

import json
from pathlib import Path

import numpy as np
import pytest

from theodolite.landscape import Mlp, mlp, path_segments, random_expansion, write_checkpoint


def network(seed: int, outputs: int = 2, activation: str = "tanh") -> Mlp:
    rng = np.random.default_rng(seed)
    weights = [rng.standard_normal(shape) for shape in ((6, 2), (5, 6), (outputs, 5))]
    return mlp(weights, [rng.standard_normal(len(w)) for w in weights], activation)


ORDERS = [np.array([3, 1, 0, 2, 5, 4]), np.array([4, 0, 1, 2, 3])]


@pytest.fixture
def pair() -> tuple[str, str]:
    """A network and a permutation of it, as files."""
    write_checkpoint(network(0), "a.safetensors")
    write_checkpoint(network(0).permuted(ORDERS), "b.safetensors")
    return "a.safetensors", "b.safetensors"


def test_permutations_are_recognised_and_certified(theodolite, pair) -> None:
    ended = theodolite("connect", *pair)
    assert ended.code == 0
    assert "one network up to the order of neurons" in ended.out
    assert "round-off" in ended.out
    assert "█" in ended.out


def test_json_holds_certificate_orders_and_both_curves(theodolite, pair) -> None:
    found = json.loads(theodolite("connect", *pair, "--json").out)
    assert found["permutation"] is True
    assert found["certificate"] < 1e-14
    assert found["segments"] == sum(path_segments(order) for order in ORDERS)
    assert found["orders"] == [order.tolist() for order in ORDERS]
    assert found["barrier"] < 1e-25 < 0.1 < found["straight_barrier"]
    assert len(found["path"]["loss"]) == len(found["path"]["position"]) == 4 * found["segments"] + 61


def test_other_networks_are_told_apart(theodolite, pair) -> None:
    write_checkpoint(network(1), "c.safetensors")
    ended = theodolite("connect", "a.safetensors", "c.safetensors")
    assert ended.code == 0
    assert "no permutations of each other" in ended.out
    found = json.loads(theodolite("connect", "a.safetensors", "c.safetensors", "--json").out)
    assert found["permutation"] is False
    assert found["certificate"] < 1e-14
    assert found["distance"] > 0.1


def test_expansions_of_one_network_are_recognised_and_certified(theodolite) -> None:
    rng = np.random.default_rng(7)
    for name in ("wide.safetensors", "other.safetensors"):
        write_checkpoint(random_expansion(network(0), [9, 8], rng), name)
    found = json.loads(theodolite("connect", "wide.safetensors", "other.safetensors", "--json").out)
    assert (found["permutation"], found["narrow_widths"]) == (False, [6, 5])
    assert found["certificate"] < 1e-12
    assert found["barrier"] < 1e-20 < found["straight_barrier"]
    ended = theodolite("connect", "wide.safetensors", "other.safetensors")
    assert "they are one network, of 6 and 5 hidden neurons" in " ".join(ended.out.split())


def test_more_spare_neurons_make_fewer_segments(theodolite, pair) -> None:
    found = json.loads(theodolite("connect", *pair, "--spares", "6", "--json").out)
    assert (found["segments"], found["permutation"]) == (10, True)
    assert found["certificate"] < 1e-14


def test_the_loss_is_that_of_the_task(theodolite, pair, table) -> None:
    """Cross-entropy for whole labels of as many classes as outputs, squared error for numbers."""
    X = table[["a", "b"]].to_numpy()
    np.savez("labels.npz", X=X, y=(table.y > 0).to_numpy().astype(np.int64))
    found = json.loads(theodolite("connect", *pair, "--data", "labels.npz", "--json").out)
    logits = network(0)(X)
    shifted = logits - logits.max(1, keepdims=True)
    logs = shifted - np.log(np.exp(shifted).sum(1, keepdims=True))
    wanted = -logs[np.arange(40), (table.y > 0).astype(int)].mean()
    assert found["loss"] == "cross-entropy"
    assert found["path"]["loss"][0] == pytest.approx(wanted)
    write_checkpoint(network(2, outputs=1), "one.safetensors")
    table.to_csv("table.csv", index=False)
    arguments = ("connect", "one.safetensors", "one.safetensors", "--data", "table.csv", "--target", "y", "--json")
    found = json.loads(theodolite(*arguments).out)
    assert found["loss"] == "mean squared error"
    assert found["segments"] == 0
    assert found["path"]["loss"][0] == pytest.approx(np.mean((network(2, outputs=1)(X)[:, 0] - table.y) ** 2))
    ended = theodolite("connect", *pair, "--data", "table.csv", "--target", "y")
    assert ended.code == 2
    assert "1 columns and the network 2 outputs" in ended.complaint


@pytest.mark.parametrize(("name", "first"), [("path.svg", b"<?xml"), ("path.png", b"\x89PNG")])
def test_the_picture_is_drawn_and_the_same_twice(theodolite, pair, name: str, first: bytes) -> None:
    assert theodolite("connect", *pair, "--out", name).code == 0
    drawn = Path(name).read_bytes()
    assert drawn.startswith(first)
    assert theodolite("connect", *pair, "--out", name).out.rstrip().endswith(f"Written: {name}")
    assert Path(name).read_bytes() == drawn


@pytest.mark.parametrize(
    ("arguments", "remedy"),
    [
        (("a.safetensors", "none.safetensors"), "there is no file none.safetensors"),
        (("a.safetensors", "narrow.safetensors"), "the networks differ"),
        (("a.safetensors", "b.safetensors", "--points", "0"), "--points must be at least 1"),
        (("a.safetensors", "b.safetensors", "--spares", "0"), "--spares must be at least 1"),
        (("a.safetensors", "b.safetensors", "--out", "path.pdf"), "expected a file ending with .svg or .png"),
        (("a.safetensors", "b.safetensors", "-a", "soft"), "is unknown here"),
        (("a.safetensors",), "Missing argument"),
    ],
)
def test_misuse_ends_with_two_and_a_remedy(theodolite, pair, arguments: tuple[str, ...], remedy: str) -> None:
    write_checkpoint(mlp([np.ones((3, 2)), np.arange(3.0)[None]]), "narrow.safetensors")
    before = sorted(path.name for path in Path().iterdir())
    ended = theodolite("connect", *arguments)
    assert (ended.code, ended.out) == (2, "")
    assert remedy in ended.complaint
    assert sorted(path.name for path in Path().iterdir()) == before
