"""`theodolite arrow`: files in, table, JSON and page out; misuse ends with 2 and a remedy."""

import json
from pathlib import Path

import numpy as np
import pytest


@pytest.fixture
def texts(tmp_path: Path) -> Path:
    random = np.random.default_rng(0)
    words = ["tree", "house", "river", "stone", "cloud"]
    for name in ("one", "two"):
        parts = [" ".join(random.choice(words, size=40)) + "." for _ in range(40)]
        (tmp_path / f"{name}.txt").write_text("\n\n".join(parts))
    return tmp_path


def test_two_texts_give_one_table_a_page_and_json(theodolite, texts: Path) -> None:
    ended = theodolite("arrow", "one.txt", "two.txt", "--model", "ngram", "--out", "here", "--json")
    assert ended.code == 0, ended.err
    document = json.loads(ended.out)
    assert [one["name"] for one in document["results"]] == ["one", "two"]
    for one in document["results"]:
        assert one["ratio"]["value"] == pytest.approx(one["backward"] / one["forward"] - 1)
        assert one["p_of_interval"] <= one["p_holm"] <= 1
    page = (texts / "here" / "report.html").read_text()
    assert "<script" not in page
    assert "The arrow with its interval" in page
    assert json.loads((texts / "here" / "arrow.json").read_text())["results"] == document["results"]


def test_a_network_trains_and_the_table_says_what_it_can_show(theodolite, texts: Path) -> None:
    arguments = ("--model", "gru", "--context", 16, "--steps", 20, "--seeds", 1, "--batch", 4)
    ended = theodolite("arrow", "*.txt", *arguments, "--tokenizer", "char")
    assert ended.code == 0, ended.err
    for words in ("smallest r to see", "tokens read", "One seed only", "Its sign depends"):
        assert words in ended.out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "name a text file"),
        (("one.txt", "--self-test"), "leave the texts out"),
        (("missing.txt",), "no file or folder 'missing.txt'"),
        (("*.md",), "no file matches the pattern"),
        (("empty.txt",), "empty.txt is empty"),
        (("binary.txt",), "binary file"),
        (("latin.txt",), "is not utf-8"),
        (("single.txt", "--model", "ngram"), "1 document only"),
        (("one.txt", "--context", "5000"), "longer than every"),
        (("one.txt", "--tokenizer", "bpe", "--vocabulary", "90000"), "larger than the training text"),
        (("one.txt", "--model", "mamba"), "there is no model 'mamba'"),
        (("one.txt", "--steps", "5", "--budget", "5"), "not both"),
        (("one.txt", "--seeds", "0"), "must be positive"),
        (("one.txt", "--out", "two.txt"), "is a file"),
    ],
)
def test_misuse_ends_with_two_and_a_remedy(theodolite, texts: Path, arguments: tuple, words: str) -> None:
    (texts / "empty.txt").write_bytes(b"")
    (texts / "binary.txt").write_bytes(b"MZ\x00\x00")
    (texts / "latin.txt").write_bytes("déjà".encode("latin-1"))
    (texts / "single.txt").write_text("one document and no other")
    ended = theodolite("arrow", *arguments)
    assert ended.code == 2
    assert words in ended.complaint


@pytest.mark.full
def test_a_killed_run_loses_one_interval_at_most(start, texts: Path) -> None:
    import signal
    import time

    arguments = ("arrow", texts / "one.txt", "--context", 16, "--steps", 4000, "--seeds", 2, "--batch", 4)
    whole = start(*arguments, "--json")
    expected = json.loads(whole.communicate(timeout=600)[0])
    process = start(*arguments, "--json", "--out", texts / "killed")
    kept = texts / "killed" / "checkpoints"
    for _ in range(6000):
        if kept.is_dir() and any(kept.glob("seed-0-*.npz")):
            break
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.wait()
    again = start(*arguments, "--json", "--out", texts / "killed")
    out, err = again.communicate(timeout=600)
    assert again.returncode == 0, err
    found = json.loads(out)
    assert found["results"][0]["per_unit_forward"] == expected["results"][0]["per_unit_forward"]
    assert "seed 0: step 20 " not in err
