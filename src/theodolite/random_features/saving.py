"""Models on disk: arrays in safetensors, everything else in JSON, never pickle; a killed save leaves the old model."""

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load as tensors_from_bytes
from safetensors.numpy import save as tensors_to_bytes

from theodolite.kernel_regression.target_coding import Classes, Quantities
from theodolite.numerics.errors import BadInput
from theodolite.numerics.files import write_atomically, write_json
from theodolite.random_features.machine import Machine
from theodolite.random_features.maps import revive
from theodolite.random_features.number_columns import NumberColumns

if TYPE_CHECKING:
    from theodolite.random_features.estimators import _RandomFeatureRidge

FORMAT = 1
DESCRIPTION = "model.json"
_NUMBERS = (
    "kare",
    "leave_one_out",
    "predicted_risk",
    "standard_error",
    "training_error",
    "effective_dimension",
    "log_marginal_likelihood",
)
Kind = TypeVar("Kind", bound="_RandomFeatureRidge")


def save(model: "_RandomFeatureRidge", folder: str | Path) -> Path:
    """Write a fitted estimator to a folder, which is made when it is not there. Returns the folder."""
    folder = Path(folder)
    machine = model.machine_
    tensors = {"mean": np.ascontiguousarray(machine.mean)}
    for number, (one, weights) in enumerate(zip(machine.maps, machine.weights, strict=True)):
        tensors[f"{number}.weights"] = np.ascontiguousarray(weights)
        tensors |= {f"{number}.map.{name}": array for name, array in one.arrays().items()}
    content = tensors_to_bytes(tensors)
    digest = hashlib.sha256(content).hexdigest()
    name = f"model-{digest[:16]}.safetensors"
    coding = model.coding_
    described = {
        "format": FORMAT,
        "kind": type(model).__name__,
        "tensors": name,
        "sha256": digest,
        "maps": [one.config() for one in machine.maps],
        "ridges": list(machine.ridges),
        "rows": machine.rows,
        "kept": machine.kept,
        "curve": machine.curve,
        **{key: getattr(machine, key) for key in _NUMBERS},
        "encoder": model.encoder_.to_json(),
        "features": int(model.n_features_in_),
        "feature_names": [str(one) for one in getattr(model, "feature_names_in_", [])],
        "coding": {"classes": coding.classes.tolist(), "dtype": coding.classes.dtype.str}
        if isinstance(coding, Classes)
        else {"flat": coding.flat},
    }
    write_atomically(folder / name, content)
    write_json(folder / DESCRIPTION, described)
    for old in folder.glob("model-*.safetensors"):
        if old.name != name:
            old.unlink(missing_ok=True)
    return folder


def load(folder: str | Path, kind: type[Kind]) -> Kind:
    """Read a fitted estimator of a kind from a folder that `save` wrote.

    Raises: BadInput when there is no model, or it is damaged, or of another kind or format.
    """
    folder = Path(folder)
    path = folder / DESCRIPTION
    try:
        described = json.loads(path.read_text(encoding="utf-8"))
    except OSError:
        raise BadInput(f"{folder} holds no model ({DESCRIPTION} is missing); give the folder that save wrote") from None
    except ValueError as error:
        raise BadInput(f"{path} is damaged: {error}; fit and save the model again") from None
    if not isinstance(described, dict) or described.get("format") != FORMAT or described.get("kind") != kind.__name__:
        found = described.get("kind") if isinstance(described, dict) else "something else"
        raise BadInput(f"{path} holds {found!r}, not a {kind.__name__} of format {FORMAT}")
    try:
        tensors = _tensors(folder, described["tensors"], described["sha256"])
        machine = _machine(described, tensors)
        model = kind()
        model.encoder_ = NumberColumns.from_json(described["encoder"])
        model.n_features_in_ = int(described["features"])
        if described["feature_names"]:
            model.feature_names_in_ = np.array(described["feature_names"], dtype=object)
        coding = _coding(described["coding"], machine.mean)
        if isinstance(coding, Classes):
            setattr(model, "classes_", coding.classes)  # noqa: B010  only classifiers have them
        model._publish(machine, coding)
    except (KeyError, TypeError, AttributeError) as error:
        raise BadInput(f"{path} is damaged ({error!r}); fit and save the model again") from None
    return model


def _machine(described: dict[str, Any], tensors: dict[str, np.ndarray]) -> Machine:
    maps = []
    for number, config in enumerate(described["maps"]):
        start = f"{number}.map."
        arrays = {name.removeprefix(start): array for name, array in tensors.items() if name.startswith(start)}
        maps.append(revive(config, arrays))
    return Machine(
        maps=tuple(maps),
        weights=tuple(tensors[f"{number}.weights"] for number in range(len(maps))),
        mean=tensors["mean"],
        ridges=tuple(described["ridges"]),
        rows=int(described["rows"]),
        kept=int(described["kept"]),
        curve=described["curve"],
        **{key: float("nan") if described[key] is None else float(described[key]) for key in _NUMBERS},
    )


def _tensors(folder: Path, name: str, digest: str) -> dict[str, np.ndarray]:
    if Path(name).name != name:
        raise BadInput(f"{folder / DESCRIPTION} names a file outside its folder ({name!r}); save the model again")
    try:
        content = (folder / name).read_bytes()
    except OSError as error:
        raise BadInput(f"{folder / name} cannot be read ({error.strerror}); save the model again") from None
    if hashlib.sha256(content).hexdigest() != digest:
        raise BadInput(f"{folder / name} does not belong to its {DESCRIPTION} (other content); save the model again")
    try:
        return tensors_from_bytes(content)
    except SafetensorError as error:
        raise BadInput(f"{folder / name} is damaged ({error}); save the model again") from None


def _coding(described: dict[str, Any], mean: np.ndarray) -> Classes | Quantities:
    if "classes" in described:
        kind = described["dtype"]
        return Classes(np.array(described["classes"], dtype=object if kind == "|O" else np.dtype(kind)), mean)
    return Quantities(mean, bool(described["flat"]))
