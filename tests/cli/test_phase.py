"""`theodolite phase`: the verdict in words, in JSON and as a picture; misuse ends with 2 and a remedy."""

import json
import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

ORDER, CHAOS = "relu*8 bias=0.1", "relu.normalised*8 beta=0.1"


def test_order_is_said_with_the_way_out(theodolite) -> None:
    ended = theodolite("phase", ORDER)
    assert ended.code == 0
    lines = ended.out.splitlines()
    assert any(line.split()[:2] == ["verdict", "order"] for line in lines)
    assert any("characteristic value r" in line and "0.5000" in line for line in lines)
    assert "To the edge: Relu().standardised() with weight_std=1, bias_std=0" in ended.out
    assert "█" in ended.out


def test_chaos_is_said_with_its_limits(theodolite) -> None:
    ended = theodolite("phase", CHAOS)
    assert ended.code == 0
    for number in ("1.4523", "0.037715", "0.74358", "0.147", "0.56419"):
        assert number in ended.out


def test_words_may_stand_without_quotes(theodolite) -> None:
    assert theodolite("phase", "relu*8", "bias=0.1").out == theodolite("phase", ORDER).out


def test_json_is_one_document_with_numbers_where_there_are_any(theodolite) -> None:
    found = json.loads(theodolite("phase", CHAOS, "--json").out)
    assert found["verdict"] == "chaos"
    assert found["ntk_limit"] == pytest.approx(0.147081, abs=1e-6)
    assert {entry["verdict"] for entry in found["alternatives"]} == {"chaos", "edge", "order"}
    assert len(found["by_depth"]) == len(found["shown_angles"])
    assert found["network"]["kind"] == "Serial"
    edge = json.loads(theodolite("phase", "relu.standardised*3", "--json").out)
    assert (edge["verdict"], edge["depth_scale"], edge["normalised_limit"]) == ("edge", None, 0.25)


def test_another_bias_can_be_given(theodolite) -> None:
    found = json.loads(theodolite("phase", "relu*8", "--bias", "0.1", "--json").out)
    assert found["variance"] == pytest.approx(0.02)


@pytest.mark.parametrize(("name", "first"), [("phase.svg", b"<?xml"), ("phase.png", b"\x89PNG")])
def test_the_picture_is_drawn_and_the_same_twice(theodolite, name: str, first: bytes) -> None:
    assert theodolite("phase", CHAOS, "--out", name).code == 0
    drawn = Path(name).read_bytes()
    assert drawn.startswith(first)
    assert theodolite("phase", CHAOS, "--out", name).out.rstrip().endswith(f"Written: {name}")
    assert Path(name).read_bytes() == drawn


def test_the_picture_has_units_a_caption_and_the_theory(theodolite) -> None:
    theodolite("phase", CHAOS, "--out", "phase.svg")
    drawn = Path("phase.svg").read_text(encoding="utf-8")
    for words in (
        "angle between the inputs, degrees",
        "layers of weights",
        "law of decay",
        "limit 0",
        "Chaos (r = 1.452",
    ):
        assert words in drawn


@pytest.mark.parametrize(
    ("arguments", "remedy"),
    [
        (("relluu*8",), "did you mean 'relu'?"),
        (("relu*8 bias=x",), "is not a number"),
        (("relu*8", "--bias", "-1"), "bias_std must be zero or positive"),
        (("dense dense",), "relu*8 bias=0.1"),
        (("sign*4",), "erf or tanh"),
        (("dense relu batchnorm dense relu dense",), "LayerNorm"),
        (("conv relu selfattention relu dense",), "average pooling"),
        (("relu*8", "--out", "phase.pdf"), ".svg or .png"),
        (("relu*8", "--out", "."), "add a file name"),
        ((), "theodolite phase --help"),
    ],
)
def test_misuse_ends_with_two_and_a_remedy(theodolite, arguments: tuple[str, ...], remedy: str) -> None:
    ended = theodolite("phase", *arguments)
    assert (ended.code, ended.out) == (2, "")
    assert remedy in ended.complaint
    assert not list(Path().iterdir())


def test_a_pipe_gets_no_colours_and_a_plain_terminal_gets_digits(theodolite, start) -> None:
    assert "\x1b" not in theodolite("phase", CHAOS).out
    process = subprocess.run(
        [sys.executable, "-c", "import sys; from theodolite.cli.main import run; sys.exit(run())", "phase", CHAOS],
        capture_output=True,
        env={**os.environ, "PYTHONIOENCODING": "ascii", "OMP_NUM_THREADS": "1"},
        check=True,
    )
    assert b"?" not in process.stdout.replace(b" ?", b"")
    assert b"9" in process.stdout


def test_it_starts_fast() -> None:
    """No pandas, scikit-learn, JAX or matplotlib for an answer in words; computing time, the best of two."""
    program = (
        "import sys; from theodolite.cli.main import run; run(['phase', 'relu*8 bias=0.1']);"
        "sys.exit(', '.join({'pandas', 'sklearn', 'jax', 'matplotlib', 'jinja2'} & set(sys.modules)))"
    )
    times = []
    for _ in range(2):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        assert ended.stderr.replace("theodolite: reading the architecture", "").strip() == ""
        assert "order" in ended.stdout
        times.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    assert min(times) < 3.0
