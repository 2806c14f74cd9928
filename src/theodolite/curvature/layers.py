"""Which entries of the vector of parameters belong to which layer, by the path in the tree."""

from typing import Any

import jax
import numpy as np

Path = tuple[Any, ...]


def is_parameter(leaf: Any) -> bool:
    """A floating array: integers, keys of random numbers, functions and settings are not differentiated."""
    return isinstance(leaf, jax.Array | np.ndarray | np.generic) and jax.numpy.issubdtype(leaf.dtype, np.floating)


def leaf_names(params: Any) -> list[str]:
    """The path of every parameter, in the order of the vector.

    >>> leaf_names({"0_dense": {"weight": np.ones((2, 3)), "bias": np.ones(3)}, "steps": 4})
    ['0_dense/bias', '0_dense/weight']
    """
    found, _ = jax.tree_util.tree_flatten_with_path(params)
    return [named(path) for path, leaf in found if is_parameter(leaf)]


def named(path: Path) -> str:
    """A path in words; the boxes that Flax NNX puts around its arrays are not named."""
    words = [jax.tree_util.keystr((key,), simple=True) for key in path]
    if len(words) > 1 and words[-1] in ("value", "raw_value"):
        words.pop()
    return "/".join(words)


def layer_names(names: list[str]) -> dict[str, list[int]]:
    """Layers, the folders of the paths, each with the positions of its arrays; an array at the top is its own layer.

    >>> layer_names(["0_dense/bias", "0_dense/weight", "scale"])
    {'0_dense': [0, 1], 'scale': [2]}
    """
    layers: dict[str, list[int]] = {}
    for position, name in enumerate(names):
        layers.setdefault(name.rpartition("/")[0] or name, []).append(position)
    return layers


def within(name: str, path: str) -> bool:
    """Whether an array belongs to what a path names: the array itself, or a folder that holds it."""
    return not path or name == path or name.startswith(path.rstrip("/") + "/")
