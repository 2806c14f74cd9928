"""Results are whole or absent, whatever happens while they are written."""

import dataclasses
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from theodolite.experiments import Damaged, Result, Store, run_case
from theodolite.experiments.runner import Run
from theodolite.numerics.errors import BadInput

HERE = Path(__file__).parent


@pytest.fixture(autouse=True)
def _helpers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(HERE))
    monkeypatch.delenv("THEODOLITE_DATA", raising=False)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "results")


def same(one: Result, other: Result) -> None:
    """Equal in everything, arrays bit by bit, NaN equal to NaN."""
    assert json.dumps(one.to_json(), sort_keys=True) == json.dumps(other.to_json(), sort_keys=True)
    assert set(one.arrays) == set(other.arrays)
    for name, array in one.arrays.items():
        assert array.dtype == other.arrays[name].dtype
        np.testing.assert_array_equal(array, other.arrays[name])


def test_a_result_comes_back_as_it_was_saved(store: Store) -> None:
    from toy_cases import TOY

    result = run_case(TOY, "full", store)
    folder = store.find(TOY.name, "full", result.address)
    assert folder is not None
    same(store.load(folder), result)
    same(next(iter(store.results())), result)
    json.loads((folder / "result.json").read_text(), parse_constant=pytest.fail)  # strict JSON: no NaN in it


def test_arrays_of_objects_are_refused_and_nothing_is_written(store: Store) -> None:
    from toy_cases import TOY

    result = dataclasses.replace(
        run_case(TOY, "full", store), case="other", arrays={"a": np.array([{}, 1], dtype=object)}
    )
    with pytest.raises(BadInput, match="'a' holds Python objects"):
        store.save(result)
    assert not (Path(store.root) / "other").exists()


@pytest.mark.parametrize("harm", ["truncate arrays", "truncate json", "swap arrays", "remove arrays", "not a result"])
def test_damage_is_noticed_and_the_case_is_run_again(store: Store, harm: str) -> None:
    from toy_cases import TOY

    before = run_case(TOY, "full", store)
    folder = store.find(TOY.name, "full", before.address)
    assert folder is not None
    (arrays,) = folder.glob("arrays-*.npz")
    if harm == "truncate arrays":
        arrays.write_bytes(arrays.read_bytes()[:-200])
    elif harm == "truncate json":
        (folder / "result.json").write_bytes((folder / "result.json").read_bytes()[:300])
    elif harm == "swap arrays":
        other = run_case(dataclasses.replace(TOY, name="toy-other"), "smoke", store)
        (swapped,) = store.folder_of(other.case, "smoke", other.address).glob("arrays-*.npz")
        arrays.write_bytes(swapped.read_bytes())
    elif harm == "remove arrays":
        arrays.unlink()
    else:
        (folder / "result.json").write_text('{"arrays_file": 3}')
    with pytest.raises(Damaged):
        store.load(folder)
    assert all(result.case != TOY.name for result in store.results())
    after = run_case(TOY, "full", store)
    assert after.started >= before.started
    same(store.load(folder), after)
    np.testing.assert_array_equal(after.arrays["draws"], before.arrays["draws"])


@pytest.mark.parametrize("name", ["../outside", "a/b", "", ".hidden", "a b"])
def test_names_cannot_leave_the_folder(store: Store, name: str) -> None:
    with pytest.raises(BadInput, match="cannot name a folder"):
        store.folder_of(name, "full", "0" * 16)


def test_an_empty_folder_holds_no_result(store: Store, tmp_path: Path) -> None:
    assert list(store.results()) == []
    with pytest.raises(BadInput, match=r"no result in .*result\.json"):
        store.load(tmp_path)


def test_a_damaged_part_is_computed_again(store: Store) -> None:
    from toy_cases import TOY

    parts = Run.of(TOY, "full", store).parts()
    parts.checkpoint("part 0", {"draws": np.zeros(50)})
    (path,) = parts.folder.iterdir()
    path.write_bytes(path.read_bytes()[:40])
    result = run_case(TOY, "full", store)
    assert (result.resumed_parts, result.error) == (0, "")


def test_a_killed_run_resumes_and_ends_as_if_it_had_not_been_killed(store: Store, tmp_path: Path) -> None:
    from toy_cases import SLOW

    program = (
        "import sys; from toy_cases import SLOW; from theodolite.experiments import Store, run_case;"
        "run_case(SLOW, 'full', Store(sys.argv[1]))"
    )
    run = Run.of(SLOW, "full", store)
    for wanted in (5, 15, 25):  # killed three times on its way through 40 parts
        child = _start(program, str(store.root))
        _wait_until(lambda wanted=wanted: len(list(run.parts().folder.glob("[!.]*.npz"))) >= wanted, child)
        os.kill(child.pid, signal.SIGKILL)
        assert child.wait() == -signal.SIGKILL
        assert run.finished() is None
        assert list(store.results()) == []
    names = [f"part {index}" for index in range(SLOW.full.parts)]
    kept = [name for name in names if run.parts().load(name) is not None]
    assert 25 <= len(kept) < 40
    resumed = run_case(SLOW, "full", store)
    assert resumed.resumed_parts == len(kept)
    assert not run.parts().folder.exists()
    fresh = run_case(SLOW, "full", Store(tmp_path / "fresh"))
    assert fresh.resumed_parts == 0
    assert fresh.scalars["mean"] == resumed.scalars["mean"]
    for name, array in fresh.arrays.items():
        np.testing.assert_array_equal(array, resumed.arrays[name])


def test_a_result_replaced_under_kill_is_always_the_old_one_or_the_new_one(store: Store) -> None:
    from toy_cases import TOY

    program = """
import sys, dataclasses, itertools
import numpy as np
from toy_cases import TOY
from theodolite.experiments import Store, run_case
store = Store(sys.argv[1])
result = run_case(TOY, "full", store)
for turn in itertools.count():
    arrays = {"turn": np.array(turn), "bulk": np.random.default_rng(turn).random(50_000)}
    store.save(dataclasses.replace(result, arrays=arrays, scalars={"turn": float(turn)}))
    if turn == 0:
        print("ready", flush=True)
"""
    address = Run.of(TOY, "full", store).address
    seen = set()
    for pause in (0.05, 0.11, 0.17, 0.23):
        child = _start(program, str(store.root))
        assert child.stdout is not None
        assert child.stdout.readline().strip() == b"ready"
        time.sleep(pause)
        os.kill(child.pid, signal.SIGKILL)
        child.wait()
        child.stdout.close()
        folder = store.find(TOY.name, "full", address)
        assert folder is not None
        result = store.load(folder)
        turn = result.arrays["turn"]
        assert result.scalars == {"turn": float(turn)}
        np.testing.assert_array_equal(result.arrays["bulk"], np.random.default_rng(int(turn)).random(50_000))
        seen.add(int(turn))
    assert max(seen) > 0  # it was killed while replacing, not before


def _start(program: str, *arguments: str) -> "subprocess.Popen[bytes]":
    environment = {**os.environ, "PYTHONPATH": str(HERE), "OMP_NUM_THREADS": "1"}
    return subprocess.Popen([sys.executable, "-c", program, *arguments], env=environment, stdout=subprocess.PIPE)


def _wait_until(condition, child: "subprocess.Popen[bytes]") -> None:  # type: ignore[no-untyped-def]
    end = time.monotonic() + 60
    while not condition():
        assert child.poll() is None, "the run ended before it could be killed"
        assert time.monotonic() < end, "no progress within a minute"
        time.sleep(0.005)
