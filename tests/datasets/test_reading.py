"""Tables that can be read, and the words said about those that cannot."""

import gzip
import re

import numpy as np
import pandas as pd
import pytest

from theodolite.datasets import read_table
from theodolite.numerics.errors import BadInput, TooLarge

PLAIN = "a,b,c\n1,x,0.5\n2,y,1.5\n3,z,2.5\n"


def write(folder, name, content):
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def npz(folder, name="t.npz", **arrays):
    path = folder / name
    np.savez(path, **arrays)
    return path


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("t.csv", PLAIN),
        ("t.CSV", PLAIN),
        ("t.tsv", PLAIN.replace(",", "\t")),
        ("t.csv.gz", gzip.compress(PLAIN.encode())),
        ("t.tsv.gz", gzip.compress(PLAIN.replace(",", "\t").encode())),
        ("bom.csv", b"\xef\xbb\xbf" + PLAIN.encode()),
        ("crlf.csv", PLAIN.replace("\n", "\r\n")),
        ("semicolon.csv", PLAIN.replace(",", ";")),
        ("bars.csv", PLAIN.replace(",", "|")),
        ("tabs.csv", PLAIN.replace(",", "\t")),
        ("blank_lines.csv", "\n" + PLAIN.replace("\n", "\n\n")),
        ("spaces.csv", PLAIN.replace(",", ", ")),
        ("quoted.csv", '"a","b","c"\n"1","x",0.5\n2,"y",1.5\n3,z,2.5\n'),
        ("no_last_newline.csv", PLAIN.rstrip()),
        ("row_numbers.csv", ",a,b,c\n0,1,x,0.5\n1,2,y,1.5\n2,3,z,2.5\n"),
    ],
)
def test_every_usual_way_of_writing_a_table_gives_the_same_frame(tmp_path, name, content):
    frame = read_table(write(tmp_path, name, content))
    assert frame.to_dict("list") == {"a": [1, 2, 3], "b": ["x", "y", "z"], "c": [0.5, 1.5, 2.5]}


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("semicolon.csv", PLAIN.replace(",", ";"), "separated by semicolons"),
        ("bars.csv", PLAIN.replace(",", "|"), "separated by bars"),
        ("row_numbers.csv", ",a\n0,5\n1,7\n2,6\n", "counts the rows"),
        ("marks.csv", "a,b\n1,?\n2,5\n3,?\n", "'b': 2 question marks"),
        ("commas.csv", "a;b\n1,5;1\n2,25;2\n", "'a' writes decimal commas"),
    ],
)
def test_every_treatment_is_said(tmp_path, name, content, words):
    assert words in " ".join(read_table(write(tmp_path, name, content)).attrs["notes"])


def test_a_plain_table_needs_no_note(tmp_path):
    assert read_table(write(tmp_path, "t.csv", PLAIN)).attrs["notes"] == []


def test_question_marks_are_missing_and_the_rest_are_numbers(tmp_path):
    frame = read_table(write(tmp_path, "t.csv", "a,b,c\n1,?,u\n2,5,?\n3,6,v\n"))
    np.testing.assert_array_equal(frame["b"], [np.nan, 5, 6])
    assert frame["c"].isna().tolist() == [False, True, False]


def test_decimal_commas_become_points_also_beside_whole_numbers(tmp_path):
    frame = read_table(write(tmp_path, "t.csv", "a;b\n1,5;7\n2;8\n-0,25;\n"))
    np.testing.assert_array_equal(frame["a"], [1.5, 2, -0.25])
    quoted = read_table(write(tmp_path, "q.csv", 'a,b\n"1,5",7\n"2,5",8\n'))
    np.testing.assert_array_equal(quoted["a"], [1.5, 2.5])


def test_text_that_holds_separators_in_quotes_stays_one_field(tmp_path):
    frame = read_table(write(tmp_path, "t.csv", 'a,b\n1,"x, y\nz"\n2,"say ""hi"""\n'))
    assert frame["b"].tolist() == ["x, y\nz", 'say "hi"']


def test_hostile_and_reserved_names_are_only_text(tmp_path):
    names = ["<script>alert(1)</script>", "self", "__class__", "=cmd()"]
    frame = read_table(write(tmp_path, "t.csv", ",".join(names) + "\n1;,?,3,4\n?,5,?,7\n"))
    assert list(frame.columns) == names


BAD_TEXT = [
    ("empty.csv", b"", "is empty"),
    ("empty.csv.gz", gzip.compress(b""), "is empty once unpacked"),
    ("header.csv", "a,b\n", "header (2 columns) and no rows"),
    ("one.csv", "a,b\n1,2\n", "holds 1 row of data; at least 2"),
    ("nameless.csv", ",,\n1,2,3\n4,5,6\n", "holds no columns"),
    ("numbers.csv", "5.1,3.5,0\n4.9,3.0,1\n4.7,3.1,1\n", "has no header"),
    ("latin.csv", "a,b\n1,2\n3,caf\xe9\n".encode("latin-1"), "byte 0xe9 at position 13 (line 3)"),
    ("latin.csv", "a,b\n1,2\n3,caf\xe9\n".encode("latin-1"), "iconv -f"),
    ("cut.csv", "a,b\n1,é".encode()[:-1], "byte 0xc3 at position 6"),
    ("utf16.csv", PLAIN.encode("utf-16"), "UTF-16"),
    ("junk.csv", bytes(range(1, 128)) + b"\0" * 20, "byte 127 is zero"),
    ("excel.csv", b"PK\x03\x04" + bytes(50), "Excel"),
    ("parquet.csv", b"PAR1" + bytes(50), "rename it so that it ends in .parquet"),
    ("really.csv", gzip.compress(PLAIN.encode()), "gzip: rename"),
    ("not.csv.gz", PLAIN.encode(), "not a whole gzip file"),
    ("cut.csv.gz", gzip.compress(PLAIN.encode() * 99)[:-12], "not a whole gzip file"),
    ("twice.csv", "a,b,a\n1,2,3\n4,5,6\n", "columns of the same name: 'a' (2 times)"),
    ("twice.csv", "a, a\n1,2\n4,5\n", "'a' (2 times)"),
    ("long.csv", "a,b\n1,2\n3,4,5\n6,7\n", "line 3 has 3 fields where the header has 2"),
    ("short.csv", 'a,b\n1,"x\ny"\n3\n6,7\n', "line 4 has 1 field where the header has 2"),
    ("quotes.csv", 'a,b\n1,"x\n2,y\n', "line 2: unexpected end of data (the quotation marks"),
    ("thousands.csv", 'a,b\n"1,234",2\n"2,345",3\n', "'a' writes numbers as '1,234'"),
    ("thousands.csv", 'a,b\n"1,234,567",2\n"2,345",3\n', "'a' writes numbers as '1,234,567'"),
    ("table.xlsx", b"PK", "ends in .xlsx, which is not known here"),
    ("table", PLAIN.encode(), "ends in nothing"),
    ("broken.parquet", b"PAR1" + bytes(100) + b"PAR1", "could not be read as Parquet"),
    ("text.parquet", PLAIN.encode(), "could not be read as Parquet"),
    ("broken.npz", b"PK\x03\x04" + bytes(100), "could not be read as .npz"),
    ("text.npz", PLAIN.encode(), "could not be read as .npz"),
]


@pytest.mark.parametrize(("name", "content", "words"), BAD_TEXT, ids=[f"{i}-{b[0]}" for i, b in enumerate(BAD_TEXT)])
def test_what_cannot_be_read_is_refused_in_one_paragraph_that_names_the_file(tmp_path, name, content, words):
    path = write(tmp_path, name, content)
    with pytest.raises(BadInput) as caught:
        read_table(path)
    message = str(caught.value)
    assert words in message
    assert str(path) in message
    assert "\n" not in message
    assert len(message) < 600


def test_a_missing_file_suggests_its_neighbour_and_a_folder_what_it_holds(tmp_path):
    write(tmp_path, "prices.csv", PLAIN)
    with pytest.raises(BadInput, match=r"price\.csv does not exist \(is it prices\.csv\?\)"):
        read_table(tmp_path / "price.csv")
    with pytest.raises(BadInput, match=r"is a folder; it holds prices\.csv"):
        read_table(tmp_path)
    with pytest.raises(BadInput, match="nor does its folder"):
        read_table(tmp_path / "no" / "t.csv")


def test_one_row_may_be_read_to_predict_on(tmp_path):
    assert len(read_table(write(tmp_path, "t.csv", "a,b\n1,2\n"), least_rows=1)) == 1


def test_the_byte_that_is_not_utf8_is_found_beyond_the_first_chunk(tmp_path):
    body = b"a,b\n" + b"1,2\n" * 300_000
    # a two-byte character across the border of the chunks is no error, the lone byte after it is
    start = (1 << 20) - 1
    body = body[:start] + "é".encode() + body[start + 2 :]
    path = write(tmp_path, "t.csv", body + b"3,\xff\n")
    with pytest.raises(BadInput, match=re.escape(f"byte 0xff at position {len(body) + 2} (line {body.count(10) + 1})")):
        read_table(path)


def test_memory_is_asked_for_before_a_file_is_parsed(tmp_path):
    path = write(tmp_path, "t.csv", "a,b\n" + "1,2\n" * 10_000)
    with pytest.raises(TooLarge) as caught:
        read_table(path, memory_limit="100kB")
    assert caught.value.needed == path.stat().st_size + 20 * 2 * 10_000
    parquet = tmp_path / "t.parquet"
    pd.DataFrame({"a": np.arange(1e5)}).to_parquet(parquet)
    archive = npz(tmp_path, X=np.zeros((1000, 100)))
    for other in (parquet, archive):
        with pytest.raises(TooLarge):
            read_table(other, memory_limit="100kB")


def test_parquet_keeps_types_and_a_named_index(tmp_path):
    frame = pd.DataFrame({"a": [1, 2], "b": ["x", None], "d": pd.to_datetime(["2020-01-01", "2021-01-01"])})
    frame.to_parquet(tmp_path / "t.parquet")
    back = read_table(tmp_path / "t.parquet")
    assert list(back.columns) == ["a", "b", "d"]
    assert back["d"].dt.year.tolist() == [2020, 2021]
    frame.set_index("a").to_parquet(tmp_path / "i.parquet")
    back = read_table(tmp_path / "i.parquet")
    assert list(back.columns) == ["a", "b", "d"]
    assert "index" in back.attrs["notes"][0]


def test_images_in_an_archive_are_flattened_and_classes_get_their_names(tmp_path):
    x = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
    frame = read_table(npz(tmp_path, X=x, y=np.array([1, 0]), class_names=np.array(["cat", "dog"])))
    np.testing.assert_array_equal(frame.iloc[:, :-1].to_numpy(dtype=int), x.reshape(2, 12))
    assert frame["target"].tolist() == ["dog", "cat"]
    assert "flattened to 12 columns" in frame.attrs["notes"][0]


def test_one_hot_columns_of_an_archive_are_joined_only_when_they_are_one_hot(tmp_path):
    x = np.array([[1.0, 0, 5, 1, 1], [0, 1, 6, 1, 0], [0, 0, 7, 0, 1]])
    names = np.array(["sex=F", "sex=M", "age", "has=a", "has=b"])
    frame = read_table(npz(tmp_path, X=x, feature_names=names, feature_group=np.array([0, 0, 1, 2, 2])))
    assert list(frame.columns) == ["sex", "age", "has=a", "has=b"]
    assert frame["sex"].tolist()[:2] == ["F", "M"]
    assert frame["sex"].isna().tolist() == [False, False, True]


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({"Z": np.zeros((3, 2))}, "holds Z and no array named X"),
        ({"X": np.array([[1, "a"], [2, None]], dtype=object)}, "Python objects in X"),
        ({"X": np.zeros((3, 2)), "y": np.array([1, None, 2], dtype=object)}, "Python objects in y"),
        ({"X": np.zeros(3)}, "X has shape (3,)"),
        ({"X": np.zeros((3, 2)) + 1j}, "complex128"),
        ({"X": np.zeros((3, 0))}, "no columns"),
        ({"X": np.zeros((0, 3))}, "no rows"),
        ({"X": np.zeros((3, 2)), "y": np.zeros(4)}, "y has shape (4,), X has 3 rows"),
        ({"X": np.zeros((3, 2)), "y": np.zeros((3, 2))}, "y has shape (3, 2)"),
        ({"X": np.zeros((3, 2)), "feature_names": np.array(["a"])}, "feature_names has 1 entries for 2 columns"),
        ({"X": np.zeros((3, 2)), "feature_names": np.array(["a", "a"])}, "columns of the same name"),
        ({"X": np.zeros((2, 2)), "y": np.array([0, 2]), "class_names": np.array(["u", "v"])}, "holds class 2"),
    ],
)
def test_archives_that_do_not_fit_are_refused(tmp_path, arrays, words):
    path = npz(tmp_path, **arrays)
    with pytest.raises(BadInput) as caught:
        read_table(path)
    assert words in str(caught.value)
    assert str(path) in str(caught.value)


def test_an_archive_cut_short_inside_an_array_is_refused(tmp_path):
    path = npz(tmp_path, X=np.random.default_rng(0).normal(size=(100, 3)))
    content = bytearray(path.read_bytes())
    content[900:1000] = bytes(100)
    path.write_bytes(content)
    with pytest.raises(BadInput, match="is damaged"):
        read_table(path)


def test_a_nameless_column_that_does_not_count_the_rows_gets_a_name(tmp_path):
    frame = read_table(write(tmp_path, "t.csv", ",a\n5,1\n6,2\n7,3\n"))
    assert list(frame.columns) == ["column 1", "a"]
    assert frame.attrs["notes"] == []
