"""Files appear whole or not at all, whatever kills the writer; JSON is strict."""

import json
import math
import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from theodolite.numerics.files import json_ready, write_atomically, write_json

DIES = """
import os, signal, sys
from pathlib import Path
from theodolite.numerics.files import write_atomically

stage, target = sys.argv[1], Path(sys.argv[2])
die = lambda *a, **k: os.kill(os.getpid(), signal.SIGKILL)
if stage == "half":  # the data is half way to the disk
    real = os.fdopen
    def half_open(*a, **k):
        file = real(*a, **k)
        class Half:
            def __enter__(self): return self
            def __exit__(self, *a): pass
            def write(self, data):
                file.write(data[: len(data) // 2]); file.flush(); die()
        return Half()
    os.fdopen = half_open
elif stage == "renamed":
    real = os.replace
    def then_die(*a): real(*a); die()
    os.replace = then_die
else:
    setattr(os, stage, die)
write_atomically(target, "new" * 100_000)
"""

LOOP = """
import itertools, sys
from theodolite.numerics.files import write_atomically
print("ready", flush=True)
for i in itertools.count():
    write_atomically(sys.argv[1], "ab"[i % 2] * 2_000_000)
"""


@pytest.mark.parametrize("stage", ["half", "fsync", "chmod", "replace", "renamed"])
def test_a_writer_killed_at_any_stage_leaves_the_old_file_or_the_new_one(tmp_path: Path, stage: str) -> None:
    target = tmp_path / "result.txt"
    target.write_text("old")
    ended = subprocess.run([sys.executable, "-c", DIES, stage, str(target)], capture_output=True, check=False)
    assert ended.returncode == -signal.SIGKILL, ended.stderr.decode()
    assert target.read_text() == ("new" * 100_000 if stage == "renamed" else "old")
    write_atomically(target, "later")  # what was left behind is in nobody's way
    assert target.read_text() == "later"


def test_a_writer_killed_at_any_moment_leaves_a_whole_file(tmp_path: Path) -> None:
    target = tmp_path / "result.txt"
    for wait in (0.05, 0.11, 0.17):
        with subprocess.Popen([sys.executable, "-c", LOOP, str(target)], stdout=subprocess.PIPE) as writer:
            assert writer.stdout is not None
            assert writer.stdout.readline() == b"ready\n"
            while not target.exists():
                time.sleep(0.01)
            time.sleep(wait)
            writer.kill()
        assert target.read_text() in ("a" * 2_000_000, "b" * 2_000_000)


def test_a_write_that_fails_leaves_the_old_file_and_no_litter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "result.txt"
    target.write_text("old")

    def full(*_: object) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OSError, match="no space left"):
        write_atomically(target, "new")
    assert [path.name for path in tmp_path.iterdir()] == ["result.txt"]
    assert target.read_text() == "old"


def test_the_data_is_on_the_same_disk_before_it_gets_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[object] = []
    fsync, replace = os.fsync, os.replace
    monkeypatch.setattr(os, "fsync", lambda handle: (calls.append("fsync"), fsync(handle)))
    monkeypatch.setattr(os, "replace", lambda *paths: (calls.append(Path(paths[0]).parent), replace(*paths)))
    write_atomically(tmp_path / "a", b"data")
    assert calls == ["fsync", tmp_path]


@pytest.mark.parametrize(("umask", "mode"), [(0o022, 0o644), (0o077, 0o600), (0o002, 0o664)])
def test_files_have_the_permissions_of_any_other_new_file(tmp_path: Path, umask: int, mode: int) -> None:
    before = os.umask(umask)
    try:
        path = write_atomically(tmp_path / "a", "x")
        assert stat.S_IMODE(path.stat().st_mode) == mode
        assert os.umask(umask) == umask  # and the process keeps its own
    finally:
        os.umask(before)


def test_folders_are_made_and_text_is_utf8_and_bytes_are_bytes(tmp_path: Path) -> None:
    deep = tmp_path / "a" / "b" / "c.txt"
    assert write_atomically(str(deep), "größe\n") == deep
    assert deep.read_bytes() == "größe\n".encode()
    assert write_atomically(deep, b"\x00\xff").read_bytes() == b"\x00\xff"


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


def strict(text: str) -> object:
    return json.loads(text, parse_constant=pytest.fail)  # NaN and Infinity are not JSON


@given(VALUES)
def test_plain_values_come_back_as_they_were_but_for_what_is_not_finite(value: object) -> None:
    def expected(item: object) -> object:
        if isinstance(item, dict):
            return {key: expected(inner) for key, inner in item.items()}
        if isinstance(item, list):
            return [expected(inner) for inner in item]
        return None if isinstance(item, float) and not math.isfinite(item) else item

    assert strict(json.dumps(json_ready(value))) == expected(value)


def test_numpy_values_tuples_and_paths_become_plain(tmp_path: Path) -> None:
    value = {
        "f32": np.float32(0.5),
        "i": np.int64(3),
        "b": np.bool_(True),
        "nan": np.float64("nan"),
        "array": np.array([[1.0, np.inf], [np.nan, 2.0]]),
        "tuple": (1, (2.0, -math.inf)),
        "path": Path("a/b"),
        7: [np.arange(2)],
    }
    path = write_json(tmp_path / "v.json", value)
    assert path.read_text().endswith("\n")
    assert strict(path.read_text()) == {
        "f32": 0.5,
        "i": 3,
        "b": True,
        "nan": None,
        "array": [[1.0, None], [None, 2.0]],
        "tuple": [1, [2.0, None]],
        "path": "a/b",
        "7": [[0, 1]],
    }


def test_what_json_does_not_know_is_refused_and_the_old_file_stays(tmp_path: Path) -> None:
    target = write_json(tmp_path / "v.json", {"a": 1})
    with pytest.raises(TypeError, match="not JSON serializable"):
        write_json(target, {"a": object()})
    assert strict(target.read_text()) == {"a": 1}
