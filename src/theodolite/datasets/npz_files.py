"""Numpy archives: X and y, sized from their headers before they are read, never unpickled."""

import zipfile
import zlib
from pathlib import Path
from typing import IO, Any

import numpy as np
import pandas as pd

from theodolite.datasets.column_names import unique_names
from theodolite.datasets.one_hot import joined_categories
from theodolite.datasets.raw_table import Reading
from theodolite.numerics.errors import BadInput
from theodolite.numerics.memory import require

TASKS = {"regression": "regression", "binary": "classification", "multiclass": "classification"}
TASKS["classification"] = "classification"
_DAMAGED = (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, KeyError)


def headers(path: Path) -> dict[str, tuple[tuple[int, ...], np.dtype]]:
    """Shape and dtype of every array in an .npz file, without reading the arrays."""
    found = {}
    try:
        with zipfile.ZipFile(path) as archive:
            for member in archive.namelist():
                if member.endswith(".npy"):
                    with archive.open(member) as file:
                        found[member[: -len(".npy")]] = _header(file)
    except _DAMAGED as error:
        if isinstance(error, PermissionError):
            raise
        raise BadInput(
            f"{path} could not be read as .npz ({error}); the file is damaged or of another kind: write it again with "
            "numpy.savez_compressed(path, X=X, y=y)"
        ) from error
    return found


def small_text(path: Path, key: str) -> str:
    """One string stored in an .npz file, or the empty string."""
    with np.load(path, allow_pickle=False) as archive:
        return str(archive[key].reshape(-1)[0]) if key in archive.files and archive[key].size else ""


def read_npz(path: Path, memory_limit: int | str | None = None) -> Reading:
    """Read X (n, ...) and, when present, y (n,), feature_names, class_names, task, target_name, feature_group."""
    found = headers(path)
    if "X" not in found:
        raise BadInput(
            f"{path} holds {', '.join(sorted(found)) or 'nothing'} and no array named X; write it with "
            "numpy.savez_compressed(path, X=X, y=y)"
        )
    pickled = [key for key, (_, dtype) in found.items() if dtype.hasobject]
    if pickled:
        raise BadInput(
            f"{path} holds Python objects in {', '.join(pickled)}, which are never unpickled here; convert them to "
            "numbers or fixed-width text first, for example X.astype(float) or names.astype(str)"
        )
    needed = sum(int(np.prod(shape, dtype=np.float64)) * dtype.itemsize for shape, dtype in found.values())
    require(needed, memory_limit, f"reading {path}", "keep fewer rows or columns, or raise the memory limit")
    try:
        with np.load(path, allow_pickle=False) as archive:
            arrays = {key: archive[key] for key in archive.files}
    except _DAMAGED as error:
        raise BadInput(f"{path} is damaged ({error}); write it again") from error
    return _reading(path, arrays)


def _header(file: IO[bytes]) -> tuple[tuple[int, ...], np.dtype]:
    version = np.lib.format.read_magic(file)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, _, dtype = read(file)
    return shape, dtype


def _reading(path: Path, arrays: dict[str, Any]) -> Reading:
    notes: list[str] = []
    x, y = arrays["X"], arrays.get("y")
    if x.ndim < 2:
        raise BadInput(f"{path}: X has shape {x.shape}; expected (rows, columns) or (images, height, width)")
    if x.dtype.kind not in "fiubUS":
        raise BadInput(f"{path}: X has dtype {x.dtype}; expected real numbers")
    if x.ndim > 2:
        notes.append(f"each entry of X, shape {x.shape[1:]}, was flattened to {int(np.prod(x.shape[1:]))} columns")
        x = x.reshape(len(x), int(np.prod(x.shape[1:])))
    names = _feature_names(path, arrays, x.shape[1])
    frame = pd.DataFrame(x, columns=names, copy=False)
    if "feature_group" in arrays and len(arrays["feature_group"]) == len(names):
        frame, note = joined_categories(frame, np.asarray(arrays["feature_group"]))
        notes += note
    target = task = None
    if y is not None:
        target, task = _scalar(arrays, "target_name") or "target", TASKS.get(_scalar(arrays, "task"))
        while target in frame.columns:
            target += " (target)"
        frame[target] = _targets(path, y, len(x), arrays.get("class_names"))
    for key, words in (("notes", "the file says"), ("target_hint", "the file suggests for its target, not applied")):
        if _scalar(arrays, key):
            notes.append(f"{words}: {_scalar(arrays, key)}")
    source = "; ".join(filter(None, (_scalar(arrays, "source"), _scalar(arrays, "licence")))) or f"file {path}"
    return Reading(frame, tuple(notes), target, task, source)


def _feature_names(path: Path, arrays: dict[str, Any], columns: int) -> list[str]:
    names = arrays.get("feature_names")
    if names is None or np.size(names) == 0:
        return [f"x{i}" for i in range(columns)]
    if np.size(names) != columns:
        raise BadInput(f"{path}: feature_names has {np.size(names)} entries for {columns} columns of X; correct them")
    return unique_names(np.ravel(names).tolist(), path)


def _targets(path: Path, y: np.ndarray, rows: int, class_names: Any) -> Any:
    if y.ndim == 2 and y.shape[1] == 1:
        y = y[:, 0]
    if y.shape != (rows,):
        raise BadInput(f"{path}: y has shape {y.shape}, X has {rows} rows; expected one target per row, ({rows},)")
    if class_names is None or not np.size(class_names) or y.dtype.kind not in "iu":
        return y
    names = np.ravel(class_names).astype(str)
    if y.min(initial=0) < 0 or y.max(initial=0) >= len(names):
        raise BadInput(f"{path}: y holds class {y.max()} (smallest {y.min()}), class_names has {len(names)} entries")
    return names[y].astype(object)


def _scalar(arrays: dict[str, Any], key: str) -> str:
    return str(np.ravel(arrays[key])[0]) if key in arrays and np.size(arrays[key]) else ""
