"""Every case the package knows keeps the contract; their smoke runs work, resume and repeat."""

import importlib
import json
import math
import pkgutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from theodolite.experiments import Case, Result, Store, all_cases, cases, run_case
from theodolite.experiments.runner import Run

CASES = all_cases()
pytestmark = pytest.mark.contract
each_case = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)


@pytest.fixture(autouse=True)
def _no_data_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("THEODOLITE_DATA", raising=False)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """One store for the module, so that every smoke run happens once."""
    return Store(tmp_path_factory.mktemp("results"))


def smoke(case: Case[Any], store: Store) -> Result:
    result = run_case(case, "smoke", store)
    assert result.error == ""
    return result


def same_numbers(one: Result, other: Result) -> None:
    assert set(one.arrays) == set(other.arrays)
    for name, array in one.arrays.items():
        np.testing.assert_array_equal(array, other.arrays[name], err_msg=name)


def test_each_module_holds_one_case_named_after_it() -> None:
    modules = [module.name for module in pkgutil.iter_modules(cases.__path__)]
    named = {importlib.import_module(f"{cases.__name__}.{name}").CASE.name: name for name in modules}
    assert named == {name.replace("_", "-"): name for name in modules}
    assert len(CASES) == len(modules) >= 7


@each_case
def test_a_case_is_declared_completely(case: Case[Any]) -> None:
    assert case.claim.endswith(".")
    assert "arXiv:" in case.source
    assert case.full.content_hash() != case.smoke.content_hash()
    for config in (case.full, case.smoke):
        assert type(config).from_json(json.loads(json.dumps(config.to_json()))) == config


@each_case
def test_a_smoke_run_decides_nothing_and_takes_seconds(case: Case[Any], store: Store) -> None:
    clock = time.process_time()
    result = smoke(case, store)
    assert result.verdict == "undecided"
    assert time.process_time() - clock < 30  # some seconds of compiling; the bound only catches a full run by mistake
    assert any(word in result.data for word in ("synthetic", "embedded"))
    assert result.versions["theodolite"]
    assert result.machine["cores"] >= 1


@each_case
def test_checks_have_limits_error_bars_and_names_of_their_own(case: Case[Any], store: Store) -> None:
    checks = smoke(case, store).checks
    assert checks
    assert len({check.name for check in checks}) == len(checks)
    for check in checks:
        assert math.isfinite(check.limit)
        assert math.isfinite(check.value)
        assert check.error >= 0
        assert check.error_means
        without_bar = ("no randomness", "in standard errors already")
        assert check.error > 0 or check.error_means in without_bar or math.isclose(check.value, round(check.value, 1))


@each_case
def test_panels_have_captions_and_the_arrays_they_name(case: Case[Any], store: Store) -> None:
    result = smoke(case, store)
    assert result.panels
    assert len({panel.key for panel in result.panels}) == len(result.panels)
    for panel in result.panels:
        assert panel.problems(result.arrays) == []
        assert panel.caption.endswith(".")
        assert panel.title
        if panel.kind != "table":
            assert panel.x.label
            assert panel.y.label
        for series in panel.series:
            assert series.error is None or series.error_means
            assert result.arrays[series.y].dtype.kind == "f"
            for axis, name in ((panel.x, series.x), (panel.y, series.y)):
                values = result.arrays[name]
                assert not axis.log or np.all(values[np.isfinite(values)] > 0), f"{name} on a log axis"


@each_case
def test_the_result_survives_the_store(case: Case[Any], store: Store) -> None:
    result = smoke(case, store)
    folder = store.find(case.name, "smoke", result.address)
    assert folder is not None
    back = store.load(folder)
    same_numbers(result, back)
    assert back.panels == result.panels
    assert [check.to_json() for check in back.checks] == [check.to_json() for check in result.checks]
    document = (folder / "result.json").read_text()
    json.loads(document, parse_constant=pytest.fail)
    assert len(document) < 200_000


@each_case
def test_an_interrupted_run_resumes_to_the_same_numbers(case: Case[Any], store: Store, tmp_path: Path) -> None:
    interrupted = Store(tmp_path)

    def interrupt(done: float, total: float, what: str) -> None:
        if done == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_case(case, "smoke", interrupted, progress=interrupt)
    assert Run.of(case, "smoke", interrupted).finished() is None
    resumed = run_case(case, "smoke", interrupted)
    assert resumed.resumed_parts == 1
    same_numbers(resumed, smoke(case, store))


@each_case
def test_another_seed_gives_other_numbers(case: Case[Any], store: Store) -> None:
    one, other = smoke(case, store), run_case(case, "smoke", store, seed=1)
    drawn = any(check.error_means != "no randomness" for check in one.checks)
    assert ([check.value for check in one.checks] != [check.value for check in other.checks]) == drawn


def test_importing_the_experiments_brings_nothing_that_draws() -> None:
    program = "import sys, theodolite.experiments as e; e.all_cases(); print(*[m for m in sys.modules if '.' not in m])"
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()
    assert not {"matplotlib", "jinja2", "typer"} & set(loaded)
