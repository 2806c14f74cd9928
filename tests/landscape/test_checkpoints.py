"""Networks of other libraries, read and written back; what cannot be read is named."""

from pathlib import Path

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

from theodolite.architectures import Dense, Relu, Tanh, parse
from theodolite.landscape import from_params, mlp, read_checkpoint, read_mlp, write_checkpoint
from theodolite.numerics import BadInput, ShapeMismatch

RNG = np.random.default_rng(0)
W = [RNG.standard_normal(shape) for shape in ((5, 3), (4, 5), (2, 4))]
B = [RNG.standard_normal(width) for width in (5, 4, 2)]
X = RNG.standard_normal((7, 3))
WANTED = mlp(W, B, "tanh")
NAMINGS = {
    "torch Sequential": {f"{2 * i}.{kind}": v[i] for i in range(3) for kind, v in (("weight", W), ("bias", B))},
    "torch module": {f"fc{i + 1}.{kind}": v[i] for i in range(3) for kind, v in (("weight", W), ("bias", B))},
    "out of order": {
        f"{name}.{kind}": v[i]
        for i, name in enumerate(("zeroth", "middle", "last"))
        for kind, v in (("weight", W), ("bias", B))
    },
    "flax": {
        "params": {f"Dense_{i}": {"kernel": W[i].T, "bias": B[i]} for i in (2, 0, 1)},
    },
    "pairs": [(W[i], B[i]) for i in range(3)],
    "transposed pairs": [(W[i].T, B[i]) for i in range(3)],
    "letters": {f"{kind}{i + 1}": v[i] for i in range(3) for kind, v in (("W", W), ("b", B))},
    "lists": {"weights": W, "biases": B},
    "no common names": {f"{kind}{i}": v[i] for i in range(3) for kind, v in (("matrix", W), ("vector", B))},
}


@pytest.mark.contract
@pytest.mark.parametrize("naming", NAMINGS)
def test_every_way_of_naming_gives_the_same_function(naming: str) -> None:
    network, layout = read_mlp(NAMINGS[naming], "tanh")
    np.testing.assert_allclose(network(X), WANTED(X), atol=1e-14)
    again, _ = read_mlp(layout.tensors(network), "tanh")
    np.testing.assert_array_equal(again.flat(), network.flat())


def test_layers_are_ordered_by_number_not_by_letter() -> None:
    weights = [np.eye(3) + 0.1 * i * RNG.standard_normal((3, 3)) for i in range(1, 12)]
    network, _ = read_mlp({f"layer{i}.weight": w for i, w in sorted(enumerate(weights), key=lambda one: str(one[0]))})
    assert [w.tolist() for w in network.weights] == [w.tolist() for w in weights]


def test_square_matrices_are_turned_as_the_names_say() -> None:
    square = [RNG.standard_normal((3, 3)) for _ in range(2)]
    for name, turned in (("weight", False), ("kernel", True)):
        _, layout = read_mlp({f"l{i}.{name}": w for i, w in enumerate(square)})
        assert layout.transposed == turned


@pytest.mark.oracle
def test_our_own_parameters_give_the_function_of_our_own_network() -> None:
    import jax

    from theodolite.finite_width import network

    net = Dense(bias_std=0.3) >> Tanh() >> Dense(weight_std=1.5, bias_std=0.3) >> Tanh() >> Dense()
    f = network(net, 6, 2)
    params = f.init(jax.random.key(0), (3,))
    found = from_params(net, params)
    np.testing.assert_allclose(found(X), np.asarray(f.apply(params, X)), rtol=2e-5, atol=2e-6)
    flat = {f"{layer}/{kind}": np.asarray(v) for layer, own in params.items() for kind, v in own.items()}
    assert read_mlp(flat, "tanh")[1].transposed


@pytest.mark.parametrize("words", ["relu*2 residual", "conv relu dense"])
def test_other_architectures_are_refused(words: str) -> None:
    try:
        net = parse(words)
    except BadInput:
        net = Dense() >> Relu() >> Dense() >> Tanh() >> Dense()
    with pytest.raises(BadInput, match="Dense and one activation in turn"):
        from_params(net, {})


def test_a_file_is_written_whole_and_read_back(tmp_path: Path) -> None:
    path = write_checkpoint(WANTED, tmp_path / "net.safetensors")
    network, layout = read_checkpoint(path)
    assert network.activation.name == "tanh"
    assert layout.weights == ("0.weight", "2.weight", "4.weight")
    np.testing.assert_array_equal(network.flat(), WANTED.flat())
    assert [entry.name for entry in tmp_path.iterdir()] == ["net.safetensors"]


def test_names_orientation_and_precision_are_kept(tmp_path: Path) -> None:
    tensors = {
        f"Dense_{i}.{k}": v.astype(np.float32) for i in range(3) for k, v in (("kernel", W[i].T), ("bias", B[i]))
    }
    save_file({name: np.ascontiguousarray(v) for name, v in tensors.items()}, tmp_path / "old.safetensors")
    network, layout = read_checkpoint(tmp_path / "old.safetensors", "relu")
    write_checkpoint(network, tmp_path / "new.safetensors", layout=layout)
    back = load_file(tmp_path / "new.safetensors")
    assert {name: (v.dtype, v.tolist()) for name, v in back.items()} == {
        name: (v.dtype, v.tolist()) for name, v in tensors.items()
    }
    with safe_open(tmp_path / "new.safetensors", "numpy") as file:
        assert file.metadata()["activation"] == "relu"


@pytest.mark.parametrize(
    ("tensors", "error", "words"),
    [
        ({"0.weight": W[0], "1.running_mean": B[0], "2.weight": W[1]}, BadInput, "normalisation.*fold"),
        ({"0.weight": W[0], "bn1.weight": B[0], "bn1.bias": B[0], "2.weight": W[1]}, BadInput, "normalisation"),
        ({"0.weight": W[0], "1.weight": B[0], "2.weight": W[1]}, BadInput, "belongs to no matrix"),
        ({"0.weight": W[0], "2.weight": W[2]}, ShapeMismatch, "do not chain"),
        ({"0.weight": W[0], "0.bias": B[1], "2.weight": W[1]}, ShapeMismatch, "do not chain"),
        ({"encoder.weight": W[0], "decoder.weight": W[0].T}, BadInput, "tied weights"),
        ({"0.weight": W[0], "2.weight": np.ones((2, 5)), "conv.weight": np.ones((2, 3, 3, 3))}, BadInput, "convol"),
        ({"0.weight": W[0]}, BadInput, "needs at least two"),
        ({}, BadInput, "no tensors"),
        ({"0.weight": W[0], "2.weight": W[1], "temperature": np.array(1.0)}, BadInput, "'temperature'"),
    ],
)
def test_what_cannot_be_read_is_named(tensors, error, words: str) -> None:
    with pytest.raises(error, match=words):
        read_mlp(tensors)


def test_one_object_in_two_places_is_tied() -> None:
    square = RNG.standard_normal((3, 3))
    with pytest.raises(BadInput, match="tied weights"):
        read_mlp([square, np.eye(3) + 1, square])


def test_files_that_are_no_checkpoints_are_refused(tmp_path: Path) -> None:
    (tmp_path / "net.pt").write_bytes(b"\x80\x04")
    (tmp_path / "cut.safetensors").write_bytes(b"\x10\x00\x00\x00\x00\x00\x00\x00{")
    for name, words in (
        ("net.pt", "pickled checkpoints"),
        ("no.safetensors", "no file"),
        ("cut.safetensors", "cannot"),
    ):
        with pytest.raises(BadInput, match=words):
            read_checkpoint(tmp_path / name)
