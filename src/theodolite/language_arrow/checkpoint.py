"""A pair of runs on disk: arrays and plain JSON in one npz, written whole or not at all, never pickled."""

import hashlib
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from theodolite.numerics.files import write_atomically


def fingerprint(*parts: Any) -> str:
    """A short name for settings and arrays: another corpus, another size or another seed has another name."""
    digest = hashlib.sha256()
    for part in parts:
        if isinstance(part, np.ndarray):
            digest.update(f"{part.dtype}{part.shape}".encode())
            digest.update(part.tobytes())
        else:
            digest.update(repr(part).encode())
        digest.update(b"\n")
    return digest.hexdigest()[:16]


def save(path: str | Path, tree: Any, facts: dict[str, Any]) -> Path:
    """Write the arrays of a tree and the facts beside them. Cost: the size of the arrays, flushed to disk."""
    import jax

    arrays: dict[str, Any] = {f"leaf_{place:05d}": np.asarray(leaf) for place, leaf in enumerate(jax.tree.leaves(tree))}
    arrays["facts"] = np.frombuffer(json.dumps(facts).encode(), np.uint8)
    content = io.BytesIO()
    np.savez(content, **arrays)
    return write_atomically(path, content.getvalue())


def load(path: str | Path, like: Any) -> tuple[Any, dict[str, Any]] | None:
    """The tree and the facts, or None when there is no file, or none that fits `like` (it is then written anew)."""
    import jax
    import jax.numpy as jnp

    leaves, shape = jax.tree.flatten(like)
    try:
        with np.load(path, allow_pickle=False) as file:
            facts = json.loads(bytes(file["facts"]))
            found = [file[f"leaf_{place:05d}"] for place in range(len(leaves))]
    except (OSError, KeyError, ValueError, zipfile.BadZipFile, EOFError):
        return None
    if any(one.shape != other.shape or one.dtype != other.dtype for one, other in zip(found, leaves, strict=True)):
        return None
    return jax.tree.unflatten(shape, [jnp.asarray(one) for one in found]), facts
