"""Models on disk: numbers in safetensors, everything else in JSON; never pickle.

The tensors' file carries the hash of its content in its name and is written first; model.json, written last, names it.
A killed save leaves the old model, whole.
"""

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load as tensors_from_bytes
from safetensors.numpy import save as tensors_to_bytes

from theodolite.kernel_regression.target_coding import Classes, Coding, Quantities
from theodolite.kernels import from_config
from theodolite.numerics.errors import BadInput
from theodolite.numerics.files import write_atomically, write_json
from theodolite.random_features.maps import revive
from theodolite.survey.columns import ColumnEncoder
from theodolite.survey.images import ImageEncoder
from theodolite.survey.record import SurveyRecord

if TYPE_CHECKING:
    from theodolite.survey.surveyor import Surveyor

FORMAT = 1
DESCRIPTION = "model.json"
_MAP = "map."  # before the names of a feature map's arrays


def save(model: "Surveyor", folder: str | Path) -> Path:
    """Write a fitted survey to a folder, which is made when it is not there, as safetensors and JSON.

    Args: model, fitted; folder. Returns: the folder. Raises: OSError. A killed save leaves the old model, whole.

    >>> import tempfile
    >>> from theodolite.survey import KernelSurvey, load
    >>> x = np.linspace(0, 3, 40)[:, None]
    >>> model = KernelSurvey(["rbf"]).fit(x, np.sin(x[:, 0]))
    >>> bool(np.array_equal(load(save(model, tempfile.mkdtemp())).predict(x), model.predict(x)))
    True
    """
    folder = Path(folder)
    kernel = model.best_kernel_.config()
    machine = _machine_tensors(model) | {"mean": model.coding_.mean}
    tensors = tensors_to_bytes({name: np.ascontiguousarray(array) for name, array in machine.items()})
    digest = hashlib.sha256(tensors).hexdigest()
    name = f"model-{digest[:16]}.safetensors"
    write_atomically(folder / name, tensors)
    write_json(
        folder / DESCRIPTION,
        {
            "format": FORMAT,
            "kind": type(model).__name__,
            "tensors": name,
            "sha256": digest,
            "kernel": kernel,
            "ridge": model.best_ridge_,
            **({} if model.map_ is None else {"map": model.map_.config()}),
            "coding": _coding_json(model.coding_),
            "features": int(model.n_features_in_),
            "feature_names": [str(one) for one in getattr(model, "feature_names_in_", [])],
            "encoder": model.encoder_.to_json(),
            "record": model.record_.to_json(),
        },
    )
    for old in folder.glob("model-*.safetensors"):
        if old.name != name:
            old.unlink(missing_ok=True)
    return folder


def load(folder: str | Path, kinds: Iterable[type["Surveyor"]]) -> Any:
    """Read a fitted survey of one of the kinds from a folder that `save` wrote.

    Raises: BadInput when there is no model, or it is damaged, or of another format.
    """
    folder = Path(folder)
    known = {kind.__name__: kind for kind in kinds}
    try:
        described = json.loads((folder / DESCRIPTION).read_text(encoding="utf-8"))
    except OSError:
        raise BadInput(
            f"{folder} holds no model ({DESCRIPTION} is missing or cannot be read); give the folder that a survey wrote"
        ) from None
    except ValueError as error:
        raise BadInput(f"{folder / DESCRIPTION} is damaged: {error}; run the survey again") from None
    if not isinstance(described, dict) or described.get("format") != FORMAT or described.get("kind") not in known:
        raise BadInput(f"{folder / DESCRIPTION} is not a model of format {FORMAT}; run the survey again")
    try:
        tensors = _tensors(folder, described["tensors"], described["sha256"])
        model = known[described["kind"]]()
        model.best_kernel_ = from_config(described["kernel"])
        model.best_ridge_ = float(described["ridge"])
        model.map_ = None
        if "map" in described:
            arrays = {name.removeprefix(_MAP): one for name, one in tensors.items() if name.startswith(_MAP)}
            model.map_, model.weights_ = revive(described["map"], arrays), tensors["weights"]
        else:
            model.points_, model.dual_ = tensors["points"], tensors["dual"]
        model.coding_ = _coding(described["coding"], tensors["mean"])
        encoder = described["encoder"]
        model.encoder_ = (ImageEncoder if "images" in encoder else ColumnEncoder).from_json(encoder)
        model.n_features_in_ = int(described["features"])
        if described["feature_names"]:
            model.feature_names_in_ = np.array(described["feature_names"], dtype=object)
        if isinstance(model.coding_, Classes):
            setattr(model, "classes_", model.coding_.classes)  # noqa: B010  only classifiers have them
        model.record_ = SurveyRecord.from_json(described["record"])
    except (KeyError, TypeError, AttributeError) as error:
        raise BadInput(f"{folder / DESCRIPTION} is damaged ({error!r}); run the survey again") from None
    model._publish()
    return model


def _machine_tensors(model: "Surveyor") -> dict[str, np.ndarray]:
    """Points and coefficients of a kernel machine, or the arrays of a feature map and its weights."""
    if model.map_ is None:
        return {"points": model.points_, "dual": model.dual_}
    return {"weights": model.weights_, **{f"{_MAP}{name}": one for name, one in model.map_.arrays().items()}}


def _tensors(folder: Path, name: str, digest: str) -> dict[str, np.ndarray]:
    if Path(name).name != name:
        raise BadInput(f"{folder / DESCRIPTION} names a file outside its folder ({name!r}); run the survey again")
    try:
        content = (folder / name).read_bytes()
    except OSError as error:
        raise BadInput(f"{folder / name} cannot be read ({error.strerror}); run the survey again") from None
    if hashlib.sha256(content).hexdigest() != digest:
        raise BadInput(f"{folder / name} does not belong to its {DESCRIPTION} (other content); run the survey again")
    try:
        return tensors_from_bytes(content)
    except SafetensorError as error:
        raise BadInput(f"{folder / name} is damaged ({error}); run the survey again") from None


def _coding_json(coding: Coding) -> dict[str, Any]:
    if isinstance(coding, Classes):
        return {"classes": coding.classes.tolist(), "dtype": coding.classes.dtype.str}
    return {"flat": coding.flat}


def _coding(described: dict[str, Any], mean: np.ndarray) -> Coding:
    if "classes" in described:
        kind = described["dtype"]
        return Classes(np.array(described["classes"], dtype=object if kind == "|O" else np.dtype(kind)), mean)
    return Quantities(mean, bool(described["flat"]))
