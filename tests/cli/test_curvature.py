"""`theodolite curvature`: a user's factory, data from a file, the built-in network; misuse ends with 2 and a remedy."""

import json
from pathlib import Path

import numpy as np
import pytest

MODELS = """
import numpy as np
import jax.numpy as jnp

X = np.linspace(-1.0, 1.0, 12).reshape(6, 2)
params = {"w": np.array([0.5, -0.3])}

def f(params, X):
    return jnp.tanh(X @ params["w"])

def whole():
    return f, params, (X, np.zeros(6)), "mse"

def bare():
    return {"f": f, "params": params}

def sized(X):
    return (lambda p, X: X @ p), np.ones((X.shape[1], 3))

def noisy():
    chance = np.random.default_rng(0)
    return (lambda p, X: X @ p["w"] + chance.normal()), params, (X, np.zeros(6))

def broken():
    raise RuntimeError("no weights here")

def one():
    return 3

number = 7
"""
QUICK = ("--probes", 2, "--steps", 2, "--top", 1)


@pytest.fixture
def models(tmp_path: Path) -> Path:
    (tmp_path / "my_models.py").write_text(MODELS)
    return tmp_path


def test_a_factory_is_measured_and_written(theodolite, models: Path) -> None:
    ended = theodolite("curvature", "my_models:whole", "--out", "here", "--json", *QUICK)
    assert ended.code == 0, ended.err
    found = json.loads(ended.out)
    # f = tanh(X w), targets 0: at six points the Hessian is 2 x 2 and can be written down
    X = np.linspace(-1.0, 1.0, 12).reshape(6, 2)
    t = np.tanh(X @ [0.5, -0.3])
    slope = 1 - t**2
    whole = (X.T * (slope**2 - 2 * t**2 * slope)) @ X / 6
    assert found["moments"]["hessian"][0]["value"] == pytest.approx(np.trace(whole), rel=1e-9)
    assert found["parameters"] == 2
    assert json.loads((models / "here" / "curvature.json").read_text())["verdict"] == found["verdict"]
    page = (models / "here" / "report.html").read_text()
    assert "<script" not in page
    assert "Layer by layer" in page
    assert theodolite("curvature", "my_models.py:bare", "--data", "iris", "--out", "table.json").code == 2


def test_data_and_loss_come_from_options(theodolite, models: Path) -> None:
    random = np.random.default_rng(0)
    np.savez(models / "data.npz", X=random.standard_normal((9, 2)), y=np.arange(9) % 3)
    ended = theodolite("curvature", "my_models.py:sized", "--data", "data.npz", "--rows", 8, *QUICK)
    assert ended.code == 0, ended.err
    assert "6 parameters, 8 rows, cross_entropy" in ended.out
    assert "no loss was named: cross_entropy was taken" in ended.out
    for row in ("largest stable learning rate", "cos(I, S)", "Gauss-Newton is"):
        assert row in ended.out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("my_models",), "write MODULE:FACTORY"),
        (("nowhere_at_all:make",), "cannot import 'nowhere_at_all'"),
        (("nowhere.py:make",), "there is no file nowhere.py"),
        (("my_models:make",), "has no 'make'; it has f, whole"),
        (("my_models:number",), "is a int"),
        (("my_models:one",), "returned a int; expected (f, params)"),
        (("my_models:broken",), "failed with RuntimeError: no weights here"),
        (("my_models:bare",), "returned no data"),
        (("my_models:sized",), "give them with --data"),
        (("my_models:noisy",), "switch dropout and noise off"),
        (("my_models:whole", "--probes", 1), "--probes must be at least 2"),
        (("my_models:whole", "--train-steps", 3), "for the small network"),
        (("my_models:whole", "--loss", "cross_entropy", "--memory-limit", "300"), "needs"),
        (("--data", "nothing"), "no data set is called 'nothing'"),
        (("--seed", -1), "--seed must be"),
    ],
)
def test_misuse_ends_with_2(theodolite, models: Path, arguments: tuple, words: str) -> None:
    ended = theodolite("curvature", *arguments)
    assert ended.code == 2
    assert words in ended.complaint


@pytest.mark.full
def test_the_small_network_on_a_table(theodolite) -> None:
    ended = theodolite("curvature", "--data", "wine", "--rows", 12, "--train-steps", 0, "--json", *QUICK)
    assert ended.code == 0, ended.err
    found = json.loads(ended.out)
    assert found["outputs"] == 3
    assert [layer["name"] for layer in found["layers"]] == ["0_dense", "2_dense", "4_dense"]
    assert found["moments"]["residual"][0]["method"] == "Laplacian"
    assert found["moments"]["hessian"][0]["error"] == 0
