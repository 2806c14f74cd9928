"""What an installation without extras says where one is needed: which one, in one paragraph, with exit code 2."""

import importlib
import sys
import tomllib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from theodolite.cli.main import run
from theodolite.finite_width import from_torch
from theodolite.numerics import BadInput

pytestmark = pytest.mark.contract

PYPROJECT = Path(__file__).parents[2] / "pyproject.toml"
# extra -> the modules that it brings and that are asked for by name
EXTRAS = {"language": ("equinox", "tokenizers"), "distributed": ("dask", "distributed"), "torch": ("torch",)}


class Absent:
    """Answers every import of the extras' modules as an installation without them does."""

    names = frozenset(module for modules in EXTRAS.values() for module in modules)

    def find_spec(self, name: str, path: object = None, target: object = None) -> None:
        if name.partition(".")[0] in self.names:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An empty folder to stand in, in a Python that has none of the extras."""
    for module in [name for name in sys.modules if name.partition(".")[0] in Absent.names]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setattr(sys, "meta_path", [Absent(), *sys.meta_path])
    monkeypatch.chdir(tmp_path)
    return tmp_path


def refused(arguments: list[str], extra: str, capsys: pytest.CaptureFixture[str]) -> str:
    capsys.readouterr()
    code = run(arguments)
    heard = capsys.readouterr().err
    assert code == 2, heard
    assert f"theodolite[{extra}]" in " ".join(heard.split()), heard
    assert "Traceback" not in heard
    return heard


def test_the_extras_are_absent_here(bare: Path) -> None:
    for module in Absent.names:
        with pytest.raises(ImportError):
            importlib.import_module(module)


def test_every_extra_for_users_is_tried_here() -> None:
    if not PYPROJECT.exists():
        pytest.skip("the extras are read from the source tree")
    declared = tomllib.loads(PYPROJECT.read_text())["project"]["optional-dependencies"]
    assert set(declared) - {"test", "docs"} == set(EXTRAS)
    for extra, modules in EXTRAS.items():
        brought = " ".join(declared[extra])
        assert any(module in brought for module in modules)


@pytest.mark.parametrize("options", [[], ["--model", "gpt-0.1M"], ["--model", "ngram", "--tokenizer", "bpe"]])
def test_the_arrow_names_its_extra(options: list[str], bare: Path, capsys: pytest.CaptureFixture[str]) -> None:
    texts = bare / "texts"
    texts.mkdir()
    rng = np.random.default_rng(0)
    for i in range(40):
        (texts / f"{i}.txt").write_text(" ".join(rng.choice(["to", "be", "or", "not"], 300)))
    refused(["arrow", str(texts), *options], "language", capsys)


def test_the_arrow_of_ngrams_needs_no_extra(bare: Path, capsys: pytest.CaptureFixture[str]) -> None:
    texts = bare / "texts"
    texts.mkdir()
    rng = np.random.default_rng(0)
    for i in range(40):
        (texts / f"{i}.txt").write_text(" ".join(rng.choice(["to", "be", "or", "not"], 300)))
    assert run(["arrow", str(texts), "--model", "ngram", "--seeds", "1"]) == 0, capsys.readouterr().err


def test_a_cluster_names_its_extra(bare: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"x": rng.uniform(size=300), "y": rng.uniform(size=300)})
    frame.to_parquet(bare / "table.parquet")
    heard = refused(["survey", "table.parquet", "--target", "y", "--scheduler", "local"], "distributed", capsys)
    assert "%" not in heard  # before candidates are compared


def test_torch_models_name_their_extra(bare: Path) -> None:
    with pytest.raises(BadInput, match=r"pip install 'theodolite\[torch\]'"):
        from_torch(object())


@pytest.mark.parametrize("command", [["papers"], ["datasets"], ["reproduce", "--list"], ["phase", "relu*2"]])
def test_the_rest_works_without_any(command: list[str], bare: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(command) == 0, capsys.readouterr().err
