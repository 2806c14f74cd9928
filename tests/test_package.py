"""The package as a whole: light to import, changes no setting, says what is public, imports go down the house."""

import importlib
import inspect
import json
import subprocess
import sys
from pathlib import Path

import pytest

import theodolite

ROOMS = [
    name
    for name in theodolite.__all__
    if not name.startswith("_") and not name[0].isupper() and inspect.ismodule(getattr(theodolite, name))
]
HEAVY = {"jax", "jaxlib", "sklearn", "scipy", "matplotlib", "pandas", "pyarrow", "numpy", "typer", "rich"}


def fresh(code: str) -> str:
    """What a new Python prints."""
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=120)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def test_importing_the_package_loads_nothing_heavy() -> None:
    loaded = json.loads(fresh("import theodolite, sys, json; print(json.dumps(sorted(sys.modules)))"))
    assert not HEAVY & {name.partition(".")[0] for name in loaded}
    assert {name for name in loaded if name.startswith("theodolite")} <= {"theodolite", "theodolite._version"}


def test_importing_the_package_takes_no_time() -> None:
    """Processor time of the import itself, the least of three, for the machine may be busy."""
    code = "import time; t = time.process_time(); import theodolite; print(time.process_time() - t)"
    assert min(float(fresh(code)) for _ in range(3)) < 0.3


def test_rooms_load_when_touched_and_tables_say_they_exist() -> None:
    code = "import theodolite as td; print(td.kernels.RBF(2.0)); print('kernels' in dir(td)); print(td.__version__)"
    assert fresh(code).split() == ["RBF(lengthscale=2.0)", "True", theodolite.__version__]


@pytest.mark.parametrize("room", ["numerics", "kernels", "kernel_regression"])
def test_the_ground_floors_load_no_jax_and_draw_nothing(room: str) -> None:
    loaded = json.loads(fresh(f"import theodolite.{room}, sys, json; print(json.dumps(sorted(sys.modules)))"))
    assert not {"jax", "matplotlib"} & set(loaded)


def test_no_room_changes_a_setting_of_jax_numpy_or_the_process() -> None:
    code = f"""
import json, os, warnings
import jax, numpy as np
settings = lambda: json.dumps(
    [jax.config.values, np.geterr(), np.get_printoptions(), dict(os.environ), [str(f) for f in warnings.filters]],
    default=str, sort_keys=True)
import sklearn, scipy.stats, pandas, matplotlib, typer, rich  # their own doing, if any
before = settings()
import theodolite
for room in {ROOMS!r}:
    getattr(theodolite, room)
after = settings()
print(before == after)
"""
    assert fresh(code).strip() == "True"


@pytest.mark.contract
@pytest.mark.parametrize("room", ROOMS)
def test_public_names_exist_and_are_explained(room: str) -> None:
    module = importlib.import_module(f"theodolite.{room}")
    assert module.__doc__
    public = module.__all__
    assert len(set(public)) == len(public)
    for name in public:
        thing = getattr(module, name)
        if inspect.isclass(thing) or inspect.isfunction(thing):
            # a dataclass without words of its own shows its signature: that is no explanation
            assert thing.__doc__, name
            assert not thing.__doc__.startswith(f"{name}("), name


@pytest.mark.contract
@pytest.mark.parametrize("room", ["numerics", "kernels", "kernel_regression"])
def test_public_methods_are_explained(room: str) -> None:
    module = importlib.import_module(f"theodolite.{room}")
    for name in module.__all__:
        thing = getattr(module, name)
        if not inspect.isclass(thing):
            continue
        for method, value in vars(thing).items():
            if method.startswith("_") or not (inspect.isfunction(value) or isinstance(value, property)):
                continue
            if method == "fit" and hasattr(thing, "get_params"):
                continue  # of an estimator, explained with its class
            # an overriding method is explained where it was first written
            assert inspect.getdoc(getattr(thing, method)), f"{name}.{method}"


def test_an_unknown_name_is_answered_with_the_known_ones() -> None:
    with pytest.raises(AttributeError, match="module 'theodolite' has no attribute 'kernel'; it has KernelSurvey"):
        _ = theodolite.kernel  # type: ignore[attr-defined]


def test_all_names_at_the_top_exist() -> None:
    for name in theodolite.__all__:
        assert getattr(theodolite, name) is not None
    assert dir(theodolite) == sorted(theodolite.__all__)


def test_imports_go_down_the_house() -> None:
    root = Path(__file__).parent.parent
    if not (root / "pyproject.toml").exists():
        pytest.skip("the contracts are part of the source tree")
    code = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(no_cache=True))"
    ended = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
