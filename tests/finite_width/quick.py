"""What keeps these tests short: parameters drawn by numpy, and one hurried compilation for each network."""

from collections.abc import Callable
from typing import Any

import jax
import numpy as np

from theodolite.finite_width import Network


def drawn_params(network: Network, input_shape: tuple[int, ...], dtype: str = "float32", seed: int = 5) -> Any:
    """Standard normal numpy arrays in the shapes that `init` would draw."""
    rng = np.random.default_rng(seed)
    shapes, _ = network.shapes(input_shape)
    return jax.tree.map(
        lambda shape: rng.standard_normal(shape).astype(dtype), shapes, is_leaf=lambda leaf: isinstance(leaf, tuple)
    )


def quickly(function: Callable[..., Any]) -> Callable[..., Any]:
    """jax.jit for a function that runs once: compiled in a hurry."""
    return jax.jit(function, compiler_options={"xla_backend_optimization_level": 0})
