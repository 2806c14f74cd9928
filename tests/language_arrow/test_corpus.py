"""Files become documents; what cannot be read is refused with the remedy."""

import gzip
from pathlib import Path

import numpy as np
import pytest

from theodolite.language_arrow import fit_tokenizer, read_corpus, split_documents
from theodolite.language_arrow.documents import split
from theodolite.numerics.errors import BadInput

TEXT = "Première ligne.\nla même\n\nAn other one, longer: αβγ 漢字 🙂\n\n\nthird"


def test_files_folders_patterns_and_gz_give_the_same_documents(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    plain, packed = tmp_path / "in" / "a.txt", tmp_path / "in" / "b.txt.gz"
    plain.write_text(TEXT, encoding="utf-8")
    packed.write_bytes(gzip.compress(TEXT.encode()))
    (tmp_path / "in" / "picture.png").write_bytes(b"\x00\x01")
    one = read_corpus(plain)
    assert one.name == "a"
    assert one.documents == ("Première ligne.\nla même", "An other one, longer: αβγ 漢字 🙂", "third")
    assert read_corpus(packed).documents == one.documents
    assert read_corpus(tmp_path / "in").documents == read_corpus(str(tmp_path / "in" / "*.txt*")).documents
    assert len(read_corpus(tmp_path / "in", documents="files")) == 2


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b" \n\n ", "is empty"),
        (b"abc\x00\x01\x02", "binary file"),
        ("caf\xe9".encode("latin-1"), "is not utf-8: byte 0xe9 at place 3"),
        (b"\x1f\x8b\x08broken", "cannot be unpacked"),
    ],
)
def test_a_bad_file_is_named_with_the_remedy(content: bytes, words: str, tmp_path: Path) -> None:
    path = tmp_path / "text.txt"
    path.write_bytes(content)
    with pytest.raises(BadInput, match=words) as error:
        read_corpus(path)
    assert "text.txt" in str(error.value)


def test_other_encodings_are_read_when_named(tmp_path: Path) -> None:
    (tmp_path / "text.txt").write_bytes("café".encode("latin-1"))
    assert read_corpus(tmp_path / "text.txt", encoding="latin-1").documents == ("café",)
    with pytest.raises(BadInput, match="no encoding 'klingon'"):
        read_corpus(tmp_path / "text.txt", encoding="klingon")


def test_documents_of_lines_hold_fifty_each() -> None:
    lines = [f"line {place}" for place in range(120)]
    assert [len(one.splitlines()) for one in split_documents(["\n".join(lines)], "lines")] == [50, 50, 20]


@pytest.mark.parametrize("many", [2, 3, 9, 10, 200])
def test_a_split_uses_each_document_once(many: int) -> None:
    parts = split(many)
    assert sorted((*parts.train, *parts.validation, *parts.test)) == list(range(many))
    assert parts.train
    assert parts.test
    assert bool(parts.validation) == (many >= 10)


@pytest.mark.parametrize(("many", "folds"), [(2, 2), (11, 3), (200, 6)])
def test_folds_test_each_document_once(many: int, folds: int) -> None:
    parts = [split(many, seed=5, fold=(place, folds)) for place in range(folds)]
    assert sorted(place for one in parts for place in one.test) == list(range(many))
    assert all(sorted((*one.train, *one.validation, *one.test)) == list(range(many)) for one in parts)
    assert all(one.train for one in parts)
    for wrong in ((folds, folds), (0, 1), (0, many + 1)):
        with pytest.raises(BadInput, match="fold is"):
            split(many, fold=wrong)


def test_one_document_cannot_be_split() -> None:
    with pytest.raises(BadInput, match="1 document only"):
        split(1)


@pytest.mark.parametrize("name", ["byte", "char", "bpe", "bpe-reversed"])
def test_decoding_undoes_encoding_and_characters_are_counted(name: str) -> None:
    texts = [TEXT * 12]
    fitted = fit_tokenizer(name, texts, 300 if name.startswith("bpe") else None)
    tokens = fitted.encode(TEXT)
    assert fitted.decode(tokens) == TEXT
    assert tokens.max() < fitted.vocabulary
    assert fitted.characters[tokens].sum() == len(TEXT)


def test_reversed_bpe_cuts_words_from_their_ends() -> None:
    text = "walking talking singing bringing " * 40
    forward, backward = (fit_tokenizer(name, [text], 262) for name in ("bpe", "bpe-reversed"))
    again = fit_tokenizer("bpe", [text[::-1]], 262)
    # the reversed tokenizer is the plain one on text that was turned round, its tokens turned back
    assert np.array_equal(backward.encode(text)[::-1], again.encode(text[::-1]))
    assert not np.array_equal(forward.encode(text), backward.encode(text))


def test_bpe_is_deterministic_and_smaller_than_the_text() -> None:
    one, two = (fit_tokenizer("bpe", [TEXT * 20], 320).encode(TEXT) for _ in range(2))
    assert np.array_equal(one, two)
    with pytest.raises(BadInput, match="larger than the training text of 68 characters"):
        fit_tokenizer("bpe", [TEXT[:34] * 2], 300)


def test_a_character_of_the_test_part_only_is_the_unknown_one() -> None:
    assert fit_tokenizer("char", ["abc"]).decode(fit_tokenizer("char", ["abc"]).encode("axc")) == "a\ufffdc"
