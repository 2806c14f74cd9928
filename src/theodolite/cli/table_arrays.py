"""Rows of --data as arrays of numbers, for the commands that look at networks."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from theodolite.numerics import BadInput


@dataclass(frozen=True)
class Table:
    """Inputs (n, ...), targets, and whether these are classes."""

    name: str
    X: np.ndarray
    Y: np.ndarray
    classes: int | None


def read_data(name: str, target: str | None, rows: int | None, seed: int, memory_limit: str | None) -> Table:
    """A named data set or a file; arrays X and y of an .npz file keep their shape.

    Raises: BadInput for columns that are not numbers, and as `datasets.load`.
    """
    from theodolite import datasets

    table = _arrays(name) if name.endswith(".npz") and target is None else None
    if table is None:
        found = datasets.load(name, target=target, memory_limit=memory_limit)
        words = [str(column) for column in found.inputs.columns if found.inputs[column].dtype.kind not in "fiub"]
        if words:
            raise BadInput(
                f"{found.name}: the columns {', '.join(words[:4])} are not numbers; encode them first, or save arrays "
                "X and y with numpy.savez_compressed"
            )
        X = found.inputs.to_numpy(np.float64)
        if found.task == "classification":
            labels, Y = np.unique(found.targets.astype(str).to_numpy(), return_inverse=True)
            table = Table(found.name, X, Y, len(labels))
        else:
            table = Table(found.name, X, found.targets.to_numpy(np.float64), None)
    if rows is None or rows >= len(table.X):
        return table
    kept = np.sort(np.random.default_rng(seed).permutation(len(table.X))[:rows])
    return Table(table.name, table.X[kept], table.Y[kept], table.classes)


def _arrays(name: str) -> Table | None:
    """X and y of an .npz file as they are, when they are numbers."""
    from theodolite.datasets.npz_files import headers

    path = Path(name)
    if not path.is_file():
        return None
    found = headers(path)
    target = next((key for key in ("y", "Y") if key in found), None)
    if "X" not in found or target is None or any(found[key][1].kind not in "fiub" for key in ("X", target)):
        return None
    with np.load(path, allow_pickle=False) as archive:
        X, Y = archive["X"], archive[target]
    whole = Y.dtype.kind in "iu" and Y.ndim == 1 and Y.size and Y.min() >= 0
    return Table(path.stem, X, Y, int(Y.max()) + 1 if whole else None)
