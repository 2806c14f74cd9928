"""Everything a user can get wrong: exit code 2, one paragraph that names it and says what to do, and no traces."""

import gzip
import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

Prepare = Callable[[], object]


def _text(content: str | bytes, name: str = "table.csv") -> Prepare:
    data = content.encode() if isinstance(content, str) else content
    return lambda: Path(name).write_bytes(data)


def _columns(name: str = "table.csv", rows: int = 30, **changes: object) -> Prepare:
    """A sound table with some columns replaced (None leaves the column out)."""

    def write() -> None:
        random = np.random.default_rng(1)
        frame = pd.DataFrame({"a": random.normal(size=rows), "b": random.normal(size=rows)})
        frame = frame.assign(y=frame.a + 0.1 * random.normal(size=rows))
        for column, values in changes.items():
            frame = frame.drop(columns=column) if values is None else frame.assign(**{column: values})
        frame.to_csv(name, index=False)

    return write


def _npz(**arrays: np.ndarray) -> Prepare:
    return lambda: np.savez("table.npz", allow_pickle=True, **arrays)


def _cut(name: str, content: bytes) -> Prepare:
    return lambda: Path(name).write_bytes(content[: len(content) // 2])


def _foreign_folder() -> None:
    Path("thesis").mkdir()
    Path("thesis/chapter.txt").write_text("years of work")


def _reproduced_folder() -> None:
    Path("results").mkdir()
    Path("results/theodolite.json").write_text('{"folder of": "reproduce", "format": 1}')


def _json(content: object) -> Prepare:
    return lambda: Path("kernels.json").write_text(json.dumps(content))


def _several(*steps: Prepare) -> Prepare:
    def prepare() -> None:
        for step in steps:
            step()

    return prepare


_SOUND = _columns()


@dataclass(frozen=True)
class Bad:
    """A command that must be refused: what it says must hold each of `names` and one of the `remedies`."""

    title: str
    command: str
    names: tuple[str, ...]
    remedy: str
    prepare: Prepare = _SOUND


_WINE = "survey wine "
_TABLE = "survey table.csv "
_READING = [
    Bad("no such file", "survey nowhere.csv", ("nowhere.csv",), "give the path"),
    Bad("a near miss", "survey tabel.csv", ("tabel.csv",), "is it table.csv"),
    Bad("unknown name", "survey wines", ("wines",), "did you mean wine"),
    Bad("a folder", "survey rows", ("rows",), "folder", lambda: Path("rows").mkdir()),
    Bad("unknown ending", "survey table.xls", ("table.xls",), "CSV", _text("a,y\n1,2\n", "table.xls")),
    Bad("empty file", _TABLE, ("table.csv",), "write or download", _text("")),
    Bad("only a header", _TABLE, ("table.csv",), "add the data", _text("a,b,y\n")),
    Bad("no header", _TABLE, ("table.csv",), "column names", _text("1.5,2.5\n3,4\n5,6\n")),
    Bad("one row", _TABLE, ("table.csv", "1 row"), "at least 2", _text("a,b,y\n1,2,3\n")),
    Bad("not UTF-8", _TABLE, ("table.csv", "0xe9"), "iconv", _text("caf\xe9,y\n1,2\n".encode("latin-1"))),
    Bad("UTF-16", _TABLE, ("table.csv",), "iconv", _text("a,y\n1,2\n".encode("utf-16"))),
    Bad("duplicate headers", _TABLE, ("table.csv", "'a'"), "rename", _text("a,a,y\n1,2,3\n4,5,6\n")),
    Bad("a ragged line", _TABLE, ("table.csv", "line 3"), "correct that line", _text("a,y\n1,2\n3,4,5\n")),
    Bad("an open quotation", _TABLE, ("table.csv",), "quotation mark", _text('a,y\n"1,2\n3,4\n')),
    Bad("a workbook", _TABLE, ("table.csv",), "as CSV", _text(b"PK\x03\x04" + b"\0" * 50)),
    Bad(
        "a gzip cut short",
        "survey table.csv.gz",
        ("table.csv.gz",),
        "download",
        _cut("table.csv.gz", gzip.compress(b"a,y\n" + b"1,2\n" * 999)),
    ),
    Bad("damaged Parquet", "survey t.parquet", ("t.parquet",), "download", _text(b"PAR1 and so on", "t.parquet")),
    Bad("damaged npz", "survey t.npz", ("t.npz",), "savez", _text(b"not a zip file", "t.npz")),
    Bad("npz without X", "survey table.npz", ("table.npz", "Z"), "savez", _npz(Z=np.eye(3))),
    Bad("npz with objects", "survey table.npz", ("table.npz",), "convert", _npz(X=np.array([[{}], [1]], dtype=object))),
    Bad(
        "decimal commas or thousands", _TABLE, ("'a'", "1,234"), "decimal points", _text('a;y\n"1,234";2\n"2,345";3\n')
    ),
]
_TARGET = [
    Bad("no column is called target", _TABLE, ("table", "'y1'"), "--target", _text("x,y1\n1,2\n3,4\n")),
    Bad("unknown target", _TABLE + "--target prices", ("prices",), "'a', 'b', 'y'"),
    Bad("constant target", _TABLE, ("'y'", "'1'"), "choose another target", _columns(y=1.0)),
    Bad("absent target", _TABLE, ("'y'",), "choose another target", _columns(y=np.nan)),
    Bad("infinite target", _TABLE, ("'y'", "inf"), "leave it out", _columns(y=[np.inf, *range(29)])),
    Bad(
        "text as a quantity",
        _TABLE + "--task regression",
        ("'y'", "'tall'"),
        "classification",
        _columns(y=["tall", "small"] * 15),
    ),
    Bad("names as classes", _TABLE, ("'y'",), "another target", _columns(y=[f"person {i}" for i in range(30)])),
    Bad("real numbers as classes", _TABLE + "--task classification", ("'y'",), "regression"),
    Bad("nothing but a target", _TABLE, ("table",), "add the columns", _text("y\n1\n2\n3\n")),
]
_INPUTS = [
    Bad("an infinite input", _TABLE, ("'a'", "inf"), "", _columns(a=[np.inf, *range(29)])),
    Bad("text among numbers", _TABLE, ("'a'", "'oops'"), "correct it", _columns(a=["oops", *range(29)])),
    Bad("constant inputs", _TABLE, ("'a'", "'b'"), "add columns", _columns(a=1.0, b=2.0)),
]
_OPTIONS = [
    Bad("no command of that name", "surveys", ("surveys",), "survey"),
    Bad("no data", "survey", ("DATA",), "theodolite survey --help"),
    Bad("unknown option", _WINE + "--targets y", ("--targets",), "--target"),
    Bad("two data sets", _WINE + "iris", ("iris",), "--help"),
    Bad("unknown task", _WINE + "--task clustering", ("clustering",), "regression"),
    Bad("seed as a word", _WINE + "--seed first", ("--seed",), "integer"),
    Bad("seed below zero", _WINE + "--seed -1", ("--seed", "-1"), "whole number"),
    Bad("unknown kernel", _WINE + "-c rfb", ("rfb",), "rbf"),
    Bad("no kernel", _WINE + "-c ,", ("--candidates",), "rbf"),
    Bad("no such list of kernels", _WINE + "-c kernels.json", ("kernels.json",), "", _columns()),
    Bad("a list that is no JSON", _WINE + "-c kernels.json", ("kernels.json",), "expected", _text("[", "kernels.json")),
    Bad("a list that is an object", _WINE + "-c kernels.json", ("kernels.json",), "list", _json({"kind": "RBF"})),
    Bad("a kernel of no kind", _WINE + "-c kernels.json", ("Cubic",), "RBF", _json([{"kind": "Cubic"}])),
    Bad("a kernel without length", _WINE + "-c kernels.json", ("RBF",), "", _json([{"kind": "RBF", "lengthscale": 0}])),
    Bad("hold nothing out", _WINE + "--holdout 0", ("--holdout",), "0.2"),
    Bad("hold all out", _WINE + "--holdout 1", ("--holdout",), "0.2"),
    Bad("hold out no number", _WINE + "--holdout nan", ("--holdout",), "0.2"),
    Bad("hold out less than a row", _TABLE + "--holdout 0.01", ("--holdout", "30 rows"), "another share"),
    Bad("test and holdout", _TABLE + "--holdout 0.2 --test table.csv", ("--test", "--holdout"), "one of them"),
    Bad("no such test file", _TABLE + "--test test.csv", ("test.csv",), "give the path"),
    Bad("test on the training rows", _TABLE + "--test table.csv", ("--test table.csv",), "other rows"),
    Bad(
        "test without a column",
        _TABLE + "--test test.csv",
        ("test.csv", "'b'"),
        "add or rename",
        _several(_columns(), _columns("test.csv", b=None)),
    ),
    Bad(
        "test without target",
        _TABLE + "--test test.csv",
        ("test", "'y'"),
        "columns are",
        _several(_columns(), _columns("test.csv", y=None)),
    ),
    Bad(
        "test with another class",
        _TABLE + "--test test.csv",
        ("test.csv", "'cat'"),
        "leave those rows out",
        _several(_columns(y=["dog", "cow"] * 15), _columns("test.csv", y=["dog", "cat"] * 15)),
    ),
    Bad("unknown groups", _TABLE + "--groups patients", ("'patients'",), "columns are"),
    Bad("groups are the target", _TABLE + "--groups y", ("--groups y",), "name the column"),
    Bad(
        "absent groups",
        _TABLE + "--groups g",
        ("--groups g", "1 row"),
        "fill",
        _columns(g=[None] + ["u", "v"] * 14 + ["u"]),
    ),
    Bad("a single group", _TABLE + "--groups g", ("--groups g",), "leave --groups out", _columns(g="u")),
    Bad("too few rows", _WINE + "--max-rows 1", ("--max-rows",), "at least 10"),
    Bad("no time", _WINE + "--time-limit 0", ("--time-limit",), "seconds"),
    Bad("negative memory", _WINE + "--memory-limit -1GB", ("-1GB",), "500MB"),
    Bad("memory in words", _WINE + "--memory-limit plenty", ("plenty",), "500MB"),
    Bad("hardly any memory", _TABLE + "--memory-limit 100B", ("100 B",), "memory limit"),
]
_OUT = [
    Bad("out is a file", _WINE + "--out table.csv", ("--out table.csv",), "folder"),
    Bad("out belongs to somebody", _WINE + "--out thesis", ("--out thesis",), "name a folder", _foreign_folder),
    Bad("out belongs to reproduce", _WINE + "--out results", ("--out results",), "another", _reproduced_folder),
    Bad("out where nothing can be made", _WINE + "--out /proc/theodolite/x", ("/proc/theodolite",), "path"),
    Bad("out below a file", _WINE + "--out table.csv/x", ("table.csv",), "folder"),
]
_PREDICT = [
    Bad("no model", "predict nowhere table.csv", ("nowhere",), "theodolite survey"),
    Bad("a model that is a file", "predict table.csv table.csv", ("table.csv",), "give the folder"),
    Bad("a folder without model", "predict thesis table.csv", ("thesis",), "give the folder", _foreign_folder),
    Bad("no rows are named", "predict thesis", ("DATA",), "--help", _foreign_folder),
    Bad("predictions into a folder", "predict m t.csv --out thesis", ("thesis",), "file name", _foreign_folder),
]
_OTHERS = [
    Bad("data folder is none", "datasets --data nowhere", ("nowhere",), "correct"),
    Bad("nothing to reproduce", "reproduce", ("nothing was named",), "--all"),
    Bad("all and one", "reproduce kare --all", ("kare",), "leave out"),
    Bad("unknown paper", "reproduce cares --smoke", ("cares",), "kare"),
    Bad("no jobs", "reproduce kare --jobs 0", ("--jobs", "0"), "at least 1"),
    Bad("reproduce from nowhere", "reproduce kare --smoke --data nowhere", ("nowhere",), "existing"),
    Bad("reproduce into a thesis", "reproduce kare --out thesis", ("--out thesis",), "name a folder", _foreign_folder),
]
ALL = [*_READING, *_TARGET, *_INPUTS, *_OPTIONS, *_OUT, *_PREDICT, *_OTHERS]


def _snapshot() -> dict[str, bytes]:
    return {str(path): path.read_bytes() if path.is_file() else b"" for path in sorted(Path().rglob("*"))}


@pytest.mark.parametrize("bad", ALL, ids=lambda bad: bad.title.replace(" ", "-"))
def test_a_bad_input_is_refused_with_one_helpful_paragraph(bad: Bad, theodolite) -> None:
    bad.prepare()
    before = _snapshot()
    ended = theodolite(*bad.command.split())
    assert ended.code == 2, ended.err
    assert ended.out == ""
    assert "Traceback" not in ended.err
    assert "\n\n" not in ended.err
    assert len(ended.err) < 600
    assert ended.complaint.startswith("theodolite: ")
    for name in bad.names:
        assert name in ended.complaint
    assert bad.remedy in ended.complaint
    assert _snapshot() == before


def test_there_are_more_than_forty_of_them_and_no_two_alike() -> None:
    assert len(ALL) >= 40
    assert len({bad.title for bad in ALL}) == len(ALL)


@pytest.mark.parametrize("as_json", [(), ("--json",)])
def test_a_bad_input_leaves_an_earlier_result_alone(as_json: tuple[str, ...], theodolite, surveyed: Path) -> None:
    shutil.copytree(surveyed, "out")
    _columns(a=["oops", *range(29)])()
    before = _snapshot()
    ended = theodolite("survey", "table.csv", "-c", "linear", "--out", "out", *as_json)
    assert (ended.code, ended.out) == (2, "")
    assert "'a'" in ended.complaint
    assert _snapshot() == before


@pytest.mark.parametrize(
    ("what", "change", "word"),
    [
        ("a column is missing", {"b": None}, "'b'"),
        ("text in a column of numbers", {"b": "wide"}, "'b'"),
        ("an infinite number", {"b": np.inf}, "'b'"),
    ],
    ids=lambda value: value.replace(" ", "-") if isinstance(value, str) else "",
)
def test_rows_that_do_not_fit_the_model_are_refused(what, change, word, theodolite, surveyed: Path) -> None:
    _columns("new.csv", **change)()
    ended = theodolite("predict", surveyed, "new.csv", "--out", "p.csv")
    assert (ended.code, ended.out) == (2, "")
    assert word in ended.complaint
    assert not Path("p.csv").exists()
