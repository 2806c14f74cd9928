"""Cases run once, resume, and do not take each other down."""

import dataclasses
import threading
from pathlib import Path

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from theodolite.experiments import Measurement, Result, Store, all_cases, many, run_case, run_many, select
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


def test_a_finished_case_is_not_run_again_unless_asked(store: Store) -> None:
    from toy_cases import TOY, measure

    runs = []

    def counted(*arguments):  # type: ignore[no-untyped-def]
        runs.append(1)
        return measure(*arguments)

    case = dataclasses.replace(TOY, run=counted)
    first = run_case(case, "full", store)
    assert run_case(case, "full", store).started == first.started
    assert len(runs) == 1
    run_case(case, "full", store, again=True)
    assert len(runs) == 2


def test_another_config_seed_mode_revision_or_data_file_is_another_run(store: Store, tmp_path: Path) -> None:
    from toy_cases import TOY

    reading = dataclasses.replace(TOY, reads=("images/some.npz",))
    (tmp_path / "data" / "images").mkdir(parents=True)
    addresses = {
        run_case(TOY, "full", store).address,
        run_case(TOY, "smoke", store).address,
        run_case(TOY, "full", store, seed=1).address,
        run_case(dataclasses.replace(TOY, revision=2), "full", store).address,
        run_case(dataclasses.replace(TOY, full=dataclasses.replace(TOY.full, size=51)), "full", store).address,
    }
    assert len(addresses) == 5
    assert run_case(reading, "full", store, data_folder=tmp_path / "data").address in addresses  # no such file there
    for content in (b"one", b"other"):
        (tmp_path / "data" / "images" / "some.npz").write_bytes(content)
        addresses.add(run_case(reading, "full", store, data_folder=tmp_path / "data").address)
    assert len(addresses) == 7


def test_the_smoke_run_of_a_claim_that_fails_decides_nothing(store: Store) -> None:
    from toy_cases import TOY

    wrong = dataclasses.replace(TOY.full, limit=-1.0)
    case = dataclasses.replace(TOY, full=wrong, smoke=wrong)
    assert run_case(case, "full", store).verdict == "fails"
    assert run_case(case, "smoke", store).verdict == "undecided"
    assert run_case(TOY, "full", store).verdict == "holds"


def test_a_broken_case_is_recorded_and_the_others_go_on(store: Store) -> None:
    from toy_cases import BREAKS, TOY

    heard: list[Result] = []
    told: list[tuple[float, float, str]] = []
    results = run_many([BREAKS, TOY], "full", store, on_result=heard.append, progress=lambda *news: told.append(news))
    assert [result.verdict for result in results] == ["error", "holds"]
    assert "ZeroDivisionError: this case always breaks" in results[0].error
    assert [result.case for result in heard] == ["toy-breaks", "toy-means"]
    assert {result.case: result.verdict for result in store.results()} == {"toy-breaks": "error", "toy-means": "holds"}
    assert told[-1][:2] == (2, 2)
    assert [done for done, _, _ in told] == sorted(done for done, _, _ in told)
    repaired = dataclasses.replace(BREAKS, run=TOY.run)
    assert run_case(repaired, "full", store).verdict == "holds"
    assert {result.case: result.verdict for result in store.results()} == {"toy-breaks": "holds", "toy-means": "holds"}


def test_a_case_that_breaks_later_leaves_its_finished_result(store: Store) -> None:
    from toy_cases import BREAKS, TOY

    good = dataclasses.replace(TOY, name=BREAKS.name)
    before = run_case(good, "full", store)
    assert run_case(BREAKS, "full", store, again=True).verdict == "error"
    assert run_case(good, "full", store).started == before.started


def test_side_by_side_gives_the_same_numbers_and_survives_a_process_that_dies(store: Store, tmp_path: Path) -> None:
    from toy_cases import BREAKS, DIES, TOY

    heard: list[str] = []
    results = run_many([DIES, TOY, BREAKS], "full", store, jobs=2, on_result=lambda result: heard.append(result.case))
    assert [result.verdict for result in results] == ["error", "holds", "error"]
    assert "died" in results[0].error
    assert "always breaks" in results[2].error
    assert sorted(heard) == ["toy-breaks", "toy-dies", "toy-means"]
    alone = run_case(TOY, "full", Store(tmp_path / "alone"))
    np.testing.assert_array_equal(results[1].arrays["draws"], alone.arrays["draws"])


def test_results_come_in_the_order_of_the_cases_whichever_ends_first(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    from toy_cases import TOY

    first_may_end = threading.Event()

    def stand_in(case, one):  # type: ignore[no-untyped-def]
        if case.name == "toy-first":
            assert first_may_end.wait(30)
        result = one(case)
        first_may_end.set()
        return result

    monkeypatch.setattr(many, "_in_own_process", stand_in)
    heard: list[str] = []
    both = [dataclasses.replace(TOY, name="toy-first"), dataclasses.replace(TOY, name="toy-second")]
    results = run_many(both, "smoke", store, jobs=2, on_result=lambda result: heard.append(result.case))
    assert [result.case for result in results] == ["toy-first", "toy-second"]
    assert sorted(heard) == ["toy-first", "toy-second"]


@pytest.mark.parametrize(("already", "cores", "jobs", "expected"), [(1, 8, 1, 1), (2, 2, 1, 2), (2, 2, 2, 1)])
def test_jobs_share_the_cores_and_never_take_more_threads_than_are_set(
    store: Store, monkeypatch: pytest.MonkeyPatch, already: int, cores: int, jobs: int, expected: int
) -> None:
    from toy_cases import THREADS

    with threadpool_limits(already):
        monkeypatch.setattr(many, "usable_cores", lambda: cores)
        monkeypatch.setenv("OMP_NUM_THREADS", str(already))  # for the processes that are started
        (result,) = run_many([THREADS], "full", store, jobs=jobs)
    assert result.error == ""
    assert result.scalars["threads"] == expected


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"checks": lambda config, measured: ()}, "no checks"),
        ({"run": lambda *_: Measurement({"index": np.zeros(1)}, {"mean": 0.5}, "")}, "which data"),
        ({"run": lambda *_: Measurement({"index": np.zeros(1)}, {"mean": 0.5}, "data")}, "'means'"),
    ],
)
def test_a_case_that_breaks_the_schema_is_an_error(store: Store, change: dict[str, object], complaint: str) -> None:
    from toy_cases import TOY

    result = run_case(dataclasses.replace(TOY, **change), "full", store)  # type: ignore[arg-type]
    assert result.verdict == "error"
    assert complaint in result.error


def test_wrong_settings_are_refused_before_anything_runs(store: Store, tmp_path: Path) -> None:
    from toy_cases import TOY

    with pytest.raises(BadInput, match="mode 'quick'"):
        run_case(TOY, "quick", store)  # type: ignore[arg-type]
    with pytest.raises(BadInput, match="seed"):
        run_case(TOY, "full", store, seed=-1)
    with pytest.raises(BadInput, match="not a folder"):
        run_case(TOY, "full", store, data_folder=tmp_path / "nowhere")
    with pytest.raises(BadInput, match="jobs"):
        run_many([TOY], "full", store, jobs=0)
    assert not Path(store.root).exists()


def test_the_data_folder_comes_from_the_environment_when_none_is_given(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, store: Store
) -> None:
    from toy_cases import TOY

    monkeypatch.setenv("THEODOLITE_DATA", str(tmp_path))
    assert Run.of(TOY, "full", store).data_folder == tmp_path
    monkeypatch.setenv("THEODOLITE_DATA", str(tmp_path / "nowhere"))
    with pytest.raises(BadInput, match="THEODOLITE_DATA"):
        Run.of(TOY, "full", store)


def test_cases_are_selected_by_paper_or_name_each_once() -> None:
    known = all_cases()
    assert len(known) >= 6
    assert select() == known
    assert set(select(["kare"])) == {case for case in known if case.paper == "kare"}
    one = known[0]
    assert select([one.name, one.name]) == (one,)
    assert len(select([one.name, one.paper])) == len(select([one.paper]))


@pytest.mark.parametrize(
    ("wrong", "right"), [("kar", "kare"), ("KARE", "kare"), ("kare-expected-rsk", "kare-expected-risk")]
)
def test_an_unknown_name_is_answered_with_a_close_one(wrong: str, right: str) -> None:
    with pytest.raises(BadInput, match=f"did you mean .*{right}"):
        select([wrong])


def test_a_name_close_to_nothing_is_answered_with_all() -> None:
    with pytest.raises(BadInput, match=r"known: .*kare"):
        select(["zzzzzz"])
