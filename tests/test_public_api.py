"""The public names read as one whole: documented alike, the same notion under the same name, options by keyword."""

import importlib
import inspect
import re
import tomllib
from pathlib import Path

import pytest

import theodolite

pytestmark = pytest.mark.contract

ROOMS = [
    *(name for name in theodolite.__all__ if inspect.ismodule(getattr(theodolite, name))),
    "training_dynamics.saddles",
]
# whose functions are formulas of a paper, or of somebody: each says of whom
FORMULAS = {
    "kernel_regression",
    "random_features",
    "infinite_width",
    "curvature",
    "landscape",
    "training_dynamics",
    "training_dynamics.saddles",
    "language_arrow",
}
# tools among them: readers, constructors, bookkeeping; nobody's formula
TOOLS = {
    "aligned",
    "as_layers",
    "balanced_layers",
    "between",
    "binary_inverse",
    "by_layer",
    "classify",
    "compare",
    "compared",
    "completion",
    "contributions_of",
    "convex_cost",
    "copies",
    "cross_entropy",
    "cyclic_block_entropy",
    "default_layout",
    "direction_hint",
    "duplicated",
    "escape_direction",
    "evaluated",
    "factorise",
    "family_from_config",
    "fit_tokenizer",
    "flipped",
    "from_params",
    "gradient_norm",
    "inertia",
    "language_of",
    "layer_table",
    "learn",
    "learning_curve",
    "minimum_detectable",
    "mlp",
    "nonlinearity",
    "normalised",
    "open_rows",
    "orthogonal_layers",
    "outputs_and_jacobian",
    "padded",
    "path_gap",
    "polish",
    "problem",
    "product",
    "random_chain",
    "read_checkpoint",
    "read_corpus",
    "read_mlp",
    "rectified",
    "reversed_chain",
    "reversible_chain",
    "revive",
    "sample_chain",
    "sparse_invertible",
    "split_documents",
    "squared_cost",
    "stationary_law",
    "threshold_table",
    "train",
    "train_ensemble",
    "train_student",
    "trust",
    "uniform_invertible",
    "widen_silently",
    "with_spares",
    "write_checkpoint",
}
# runs of minutes, or of results of other rooms: shown in the guide instead
LONG = {"arrow_oracles", "layer_table", "gauss_newton_eigenvalues", "outlook", "report", "run_case", "run_many"}
# the right name, and what else the same notion has been called
SYNONYMS = {
    "X": {"x_train", "xs", "points_x", "inputs_x", "train_X"},
    "Z": {"x_test", "X_test", "new_points", "X_new"},
    "targets": {"y_train", "responses"},
    "ridge": {"lam", "lmbda", "alpha", "regularisation", "regularization"},
    "memory_limit": {"memory", "max_memory", "mem", "memory_limit_bytes", "budget_bytes"},
    "progress": {"callback", "verbose", "tell", "on_progress"},
    "block": {"block_size", "chunk_size", "batch_rows"},
    "net": {"architecture", "arch", "sentence"},
    "params": {"weights_tree", "parameters_tree", "theta_tree"},
    "seed": {"random_seed", "prng_seed"},
    "key": {"rng_key", "prng_key", "jax_key"},
    "learning_rate": {"lr", "eta", "step_size"},
    "tolerance": {"tol", "rtol", "atol", "eps"},
    "steps": {"n_steps", "num_steps"},
    "standard_error": {"stderr", "sem", "std_error"},
}
# options that readers give by place: data, the second subject of a sentence, or the one number that it is about
BY_PLACE = {
    "X",
    "Y",
    "Z",
    "activation",
    "at",
    "axes",
    "base",
    "beta",
    "bias",
    "bias_std",
    "biases",
    "budget",
    "cases",
    "classes",
    "count",
    "criterion",
    "curvature",
    "data",
    "decay",
    "degrees",
    "depth",
    "dimension",
    "dtype",
    "f",
    "factors",
    "gradient",
    "group",
    "groups",
    "index",
    "initial",
    "input_dim",
    "key",
    "kind",
    "loss",
    "matrix",
    "mode",
    "model",
    "models",
    "names",
    "observed",
    "order",
    "orders",
    "outputs",
    "params",
    "points",
    "progress",
    "radius",
    "rank",
    "shape",
    "standard_errors",
    "steps",
    "store",
    "target",
    "targets",
    "threshold",
    "time",
    "times",
    "until",
    "vocabulary",
    "width",
    "y",
}


def public() -> list[tuple[str, str]]:
    return [(room, name) for room in ROOMS for name in importlib.import_module(f"theodolite.{room}").__all__]


def functions() -> list[tuple[str, str]]:
    return [(room, name) for room, name in public() if inspect.isfunction(thing(room, name))]


def thing(room: str, name: str) -> object:
    return getattr(importlib.import_module(f"theodolite.{room}"), name)


def signatures() -> list[tuple[str, inspect.Signature]]:
    """Of every public function, class and method of a class."""
    found = []
    for room, name in public():
        one = thing(room, name)
        if inspect.isfunction(one):
            found.append((f"{room}.{name}", inspect.signature(one)))
        elif inspect.isclass(one):
            for method, value in vars(one).items():
                if inspect.isfunction(value) and (method == "__init__" or not method.startswith("_")):
                    found.append((f"{room}.{name}.{method}", inspect.signature(value)))
    return found


def test_there_is_something_to_read() -> None:
    assert len(functions()) > 250
    assert len(signatures()) > 500


@pytest.mark.parametrize("room", ROOMS)
def test_every_function_has_one_line_and_an_example(room: str) -> None:
    bare = []
    for name in (name for where, name in functions() if where == room):
        text = inspect.getdoc(thing(room, name)) or ""
        first = text.partition("\n\n")[0]
        if not first or not first.rstrip(". \n") or (">>>" not in text and room != "reporting" and name not in LONG):
            bare.append(name)  # pages are shown with the commands that write them
    assert not bare


@pytest.mark.parametrize("room", sorted(FORMULAS))
def test_every_formula_says_whose_it_is(room: str) -> None:
    cited = re.compile(r"Source|arXiv|\(\d{4}\)|see `train_ensemble`")
    names = [name for where, name in functions() if where == room and name not in TOOLS]
    assert [name for name in names if not cited.search(inspect.getdoc(thing(room, name)) or "")] == []


def test_the_list_of_tools_names_functions_that_exist() -> None:
    assert {name for _, name in functions()} >= TOOLS


def test_one_notion_has_one_name() -> None:
    wrong = {old: right for right, others in SYNONYMS.items() for old in others}
    found = [
        f"{where}({name}): call it {wrong[name]}"
        for where, signature in signatures()
        for name in signature.parameters
        if name in wrong and not (name == "alpha" and "RationalQuadratic" in where)  # the exponent of a kernel
    ]
    assert found == []


def test_data_come_in_one_order() -> None:
    """net or f and params first, then X, then Y or targets; gram before targets before ridge; Z after X.

    `trust` judges a path at a ridge; the Gram matrix is what else it looks at."""
    order = [("net", "X"), ("f", "params"), ("params", "X"), ("X", "Y"), ("X", "y"), ("X", "Z"), ("gram", "targets")]
    order += [("targets", "ridge"), ("gram", "ridge"), ("eigenvalues", "ridge"), ("ridge", "n"), ("ridge", "features")]
    found = []
    for where, signature in signatures():
        names = [] if where.endswith(".__init__") or where == "kernel_regression.trust" else list(signature.parameters)
        for first, second in order:
            if first in names and second in names and names.index(first) > names.index(second):
                found.append(f"{where}: {second} before {first}")
    assert found == []


def test_options_are_given_by_keyword() -> None:
    found = []
    for where, signature in signatures():
        owner = where.rpartition(".")[0].rpartition(".")[2]
        if where.endswith(".__init__") and owner[:1].isupper():
            continue  # records have their fields by place
        for name, entry in signature.parameters.items():
            optional = entry.default is not inspect.Parameter.empty
            if optional and entry.kind is inspect.Parameter.POSITIONAL_OR_KEYWORD and name not in BY_PLACE:
                found.append(f"{where}({name})")
    assert found == []


def test_memory_progress_and_seeds_are_options_of_one_kind() -> None:
    """memory_limit and progress are never asked for by place; a seed is a whole number, a key JAX's, rng numpy's."""
    found = []
    for where, signature in signatures():
        for name in ("memory_limit", "seed", "random_state"):
            entry = signature.parameters.get(name)
            record = where.endswith(".__init__")
            if entry is not None and entry.kind is not inspect.Parameter.KEYWORD_ONLY and not record:
                found.append(f"{where}({name})")
        rng = signature.parameters.get("rng")
        if rng is not None and rng.default is not inspect.Parameter.empty:
            found.append(f"{where}: an optional rng is a seed")
    assert found == []


def test_results_become_documents_by_one_name() -> None:
    classes = [(room, name) for room, name in public() if inspect.isclass(thing(room, name))]
    assert [name for room, name in classes if callable(getattr(thing(room, name), "json", None))] == []
    assert sum(hasattr(thing(room, name), "to_json") for room, name in classes) >= 10


def test_errors_of_ours_are_values_or_runtime_errors() -> None:
    from theodolite.numerics import errors

    for name, kind in vars(errors).items():
        if inspect.isclass(kind):
            assert issubclass(kind, ValueError | RuntimeError), name
            assert kind.__name__ in importlib.import_module("theodolite.numerics").__all__


def test_the_first_page_shows_what_to_type_first() -> None:
    text = theodolite.__doc__ or ""
    assert text.count(">>> ") >= 5
    assert "survey" in text
    assert "ntk" in text


def test_the_architecture_page_shows_the_floors_of_the_contract() -> None:
    root = Path(__file__).parent.parent
    if not (root / "pyproject.toml").exists():
        pytest.skip("the page is part of the source tree")
    layers = tomllib.loads((root / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"][0]["layers"]
    floors = [[room.strip().removeprefix("theodolite.") for room in layer.split("|")] for layer in layers]
    drawn = (root / "docs" / "architecture.md").read_text().split("```")[1]
    heads = [re.split(r"\s{2,}", line)[0] for line in drawn.splitlines() if line and not line.startswith(" ")]
    assert [[room.strip() for room in head.split("|")] for head in heads] == floors
    there = {path.name for path in (root / "src" / "theodolite").iterdir() if (path / "__init__.py").exists()}
    assert {room for floor in floors for room in floor} == there


def test_a_long_file_says_why() -> None:
    folder = Path(theodolite.__file__).parent
    long = [path for path in folder.rglob("*.py") if len(path.read_text().splitlines()) > 350]
    assert [path.name for path in long if "# longer than most files" not in path.read_text()] == []
