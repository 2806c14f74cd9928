"""Where a long training is kept: arrays in one .npz, written whole, with the mark of the run they belong to."""

import hashlib
import io
import zipfile
from pathlib import Path
from typing import Any

import jax
import numpy as np

from theodolite.numerics.errors import BadInput
from theodolite.numerics.files import write_atomically


def mark(*parts: Any) -> str:
    """A fingerprint of what determines a run: arrays by their bytes, everything else by how it prints.

    >>> mark("a", np.ones(2)) == mark("a", np.ones(2)), mark("a") == mark("b")
    (True, False)
    """
    digest = hashlib.sha256()
    for part in parts:
        if hasattr(part, "dtype"):
            digest.update(f"{part.dtype}{part.shape}".encode())
            digest.update(np.ascontiguousarray(part).tobytes())
        else:
            digest.update(repr(part).encode())
        digest.update(b"\0")
    return digest.hexdigest()


def keep(path: Path, of: str, step: int, state: Any, seen: list[Any]) -> None:
    """Write the arrays of a state and of all that was seen so far, the step, and the mark of the run."""
    buffer = io.BytesIO()
    leaves = {f"leaf_{i}": np.asarray(leaf) for i, leaf in enumerate(jax.tree.leaves((state, seen)))}
    np.savez(buffer, mark=np.array(of), step=np.array(step), seen=np.array(len(seen)), allow_pickle=False, **leaves)
    write_atomically(path, buffer.getvalue())


def restored(path: Path, of: str, state: Any, first_seen: list[Any]) -> tuple[int, Any, list[Any]] | None:
    """(step, state, seen) as kept under this mark, in the shapes of those given; None without any, or of another run.

    Raises: BadInput for a file that cannot be read.
    """
    if not path.exists():
        return None
    try:
        with np.load(path, allow_pickle=False) as file:
            if str(file["mark"]) != of:
                return None
            leaves, structure = jax.tree.flatten((state, first_seen * int(file["seen"])))
            found = [jax.numpy.asarray(file[f"leaf_{i}"]) for i in range(len(leaves))]
            return int(file["step"]), *jax.tree.unflatten(structure, found)
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise BadInput(f"{path} is no checkpoint ({error}); remove it to start the training again") from None
