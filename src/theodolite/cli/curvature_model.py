"""The model whose curvature is asked for: a user's factory, or a small network on a table."""

import importlib
import importlib.util
import inspect
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from theodolite.cli.table_arrays import Table
from theodolite.numerics import BadInput
from theodolite.numerics.progress import Progress

EXAMPLE, EXAMPLE_ROWS, EXAMPLE_WIDTH, EXAMPLE_STEPS = "digits", 120, 48, 100
ORDER = ("f", "params", "data", "loss")
EXPECTED = "expected (f, params), (f, params, data) or (f, params, data, loss), or a dict with these names"


@dataclass(frozen=True)
class Model:
    """What `curvature.report` takes, with a name and how it came about."""

    name: str
    f: Any
    params: Any
    data: Any
    loss: Any
    notes: tuple[str, ...] = ()


def from_factory(text: str, table: Table | None, loss: str | None) -> Model:
    """Import MODULE:FACTORY or FILE.py:FACTORY, call it, and read what it returns.

    The factory takes no argument, or the inputs of --data, and returns (f, params[, data[, loss]]); --data and --loss
    take precedence. Raises: BadInput, which says what came.
    """
    made = _called(text, _imported(text), table)
    parts = dict(made) if isinstance(made, Mapping) else None
    if parts is None and isinstance(made, tuple) and 2 <= len(made) <= 4:
        parts = dict(zip(ORDER, made, strict=False))
    if parts is None or not {"f", "params"} <= set(parts) <= set(ORDER):
        raise BadInput(f"{text} returned {_described(made)}; {EXPECTED}")
    data = parts.get("data") if table is None else (table.X, table.Y)
    if data is None:
        raise BadInput(f"{text} returned no data; let it return (f, params, data), or give --data FILE")
    chosen = loss if loss is not None else parts.get("loss")
    notes = ()
    if chosen is None:
        chosen = "mse" if table is None or table.classes is None else "cross_entropy"
        notes = (f"no loss was named: {chosen} was taken",)
    return Model(text, parts["f"], parts["params"], data, chosen, notes)


def small_network(table: Table, loss: str | None, steps: int, seed: int, progress: Progress) -> Model:
    """Two hidden tanh layers on standardised inputs, trained for some steps with Adam."""
    import jax
    import optax

    from theodolite.architectures import Dense, Tanh
    from theodolite.finite_width import network
    from theodolite.training_dynamics import train

    X = table.X.reshape(len(table.X), -1)
    spread = X.std(axis=0)
    X = ((X - X.mean(axis=0)) / np.where(spread > 0, spread, 1.0)).astype(np.float32)
    outputs = table.classes or 1
    loss = loss or ("cross_entropy" if table.classes else "mse")
    if table.classes:
        Y = np.eye(outputs, dtype=np.float32)[table.Y]
    else:
        Y = ((table.Y - table.Y.mean()) / (table.Y.std() or 1.0)).astype(np.float32)[:, None]
    if table.classes == 2 and loss == "cross_entropy":
        outputs, Y = 1, Y[:, 1:]
    layers = Dense(bias_std=0.1) >> Tanh() >> Dense(bias_std=0.1) >> Tanh() >> Dense()
    net = network(layers, width=EXAMPLE_WIDTH, outputs=outputs)
    params = jax.jit(net.init, static_argnums=1)(jax.random.key(seed), X.shape[1:])
    said = f"two hidden layers of {EXAMPLE_WIDTH} tanh units, NTK parametrisation, on {len(X)} rows of {table.name}"
    if steps:
        end = train(net, params, X, Y, steps=steps, optimiser=optax.adam(0.05), loss=loss, progress=progress)
        params, said = end.params, f"{said}, after {steps} steps of Adam"
    return Model(f"a network on {table.name}", net, params, (X, Y), loss, (said,))


def _imported(text: str) -> Callable[..., Any]:
    place, colon, name = text.rpartition(":")
    if not colon or not place or not name:
        raise BadInput(f"{text!r} names no factory; write MODULE:FACTORY or FILE.py:FACTORY, such as models:make")
    module = _from_file(Path(place)) if place.endswith(".py") else _from_module(place)
    factory = getattr(module, name, None)
    if factory is None:
        known = [key for key, value in vars(module).items() if callable(value) and not key.startswith("_")]
        raise BadInput(f"{place} has no {name!r}; it has {', '.join(known[:8]) or 'no functions'}")
    if not callable(factory):
        raise BadInput(f"{text} is a {type(factory).__name__}; name a function that returns f, params and data")
    return factory


def _from_module(place: str) -> Any:
    if "" not in sys.path and str(Path.cwd()) not in sys.path:
        sys.path.insert(0, str(Path.cwd()))
    try:
        return importlib.import_module(place)
    except ModuleNotFoundError as error:
        raise BadInput(
            f"cannot import {place!r} ({error}); run where the module lies, set PYTHONPATH, or write FILE.py:FACTORY"
        ) from error
    except Exception as error:
        raise BadInput(f"importing {place!r} failed with {type(error).__name__}: {error}; mend the module") from error


def _from_file(path: Path) -> Any:
    if not path.is_file():
        raise BadInput(f"there is no file {path}; check the path before the colon")
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules.setdefault(path.stem, module)
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise BadInput(f"running {path} failed with {type(error).__name__}: {error}; mend the file") from error
    return module


def _called(text: str, factory: Callable[..., Any], table: Table | None) -> Any:
    try:
        needed = [
            entry
            for entry in inspect.signature(factory).parameters.values()
            if entry.default is entry.empty and entry.kind in (entry.POSITIONAL_ONLY, entry.POSITIONAL_OR_KEYWORD)
        ]
    except (TypeError, ValueError):
        needed = []
    if len(needed) > 1:
        raise BadInput(f"{text} needs {len(needed)} arguments; it may take none, or one: the inputs of --data")
    if needed and table is None:
        raise BadInput(f"{text} takes the inputs as an argument; give them with --data FILE")
    try:
        return factory(table.X) if needed and table is not None else factory()
    except Exception as error:
        raise BadInput(f"{text} failed with {type(error).__name__}: {error}; mend the factory") from error


def _described(made: Any) -> str:
    if isinstance(made, tuple | list):
        return f"{len(made)} things" if isinstance(made, tuple) else f"a list of {len(made)}"
    return f"a dict with {', '.join(map(str, made))}" if isinstance(made, Mapping) else f"a {type(made).__name__}"
