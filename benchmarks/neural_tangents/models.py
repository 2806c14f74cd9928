"""Two networks as plain JAX functions of a list of weights, the same text for both sides. Needs jax alone."""

import math
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np


def mlp(params: list, x: Any) -> Any:
    """784 - 512 - 512 - 512 - 10 with ReLU, weights scaled by 1 / sqrt(fan_in)."""
    for weight in params[:-1]:
        x = jax.nn.relu(x @ weight / math.sqrt(weight.shape[0]))
    return x @ params[-1] / math.sqrt(params[-1].shape[0])


def cnn(params: list, x: Any) -> Any:
    """Two convolutions 3 x 3 with 32 channels and ReLU on 16 x 16 x 3, the mean over positions, 10 outputs."""
    for weight in params[:-1]:
        x = jax.lax.conv_general_dilated(x, weight, (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC"))
        x = jax.nn.relu(x / math.sqrt(math.prod(weight.shape[:3])))
    return jnp.mean(x, axis=(1, 2)) @ params[-1] / math.sqrt(params[-1].shape[0])


MODELS: dict[str, tuple[Callable[[list, Any], Any], list[tuple[int, ...]], tuple[int, ...]]] = {
    "mlp": (mlp, [(784, 512), (512, 512), (512, 512), (512, 10)], (784,)),
    "cnn": (cnn, [(3, 3, 3, 32), (3, 3, 32, 32), (32, 10)], (16, 16, 3)),
}


def weights(name: str) -> list[np.ndarray]:
    """The weights of a network, the same wherever this runs."""
    random = np.random.default_rng(0)
    return [random.standard_normal(shape) for shape in MODELS[name][1]]


def inputs(name: str, n: int) -> np.ndarray:
    """n inputs."""
    return np.random.default_rng(1).standard_normal((n, *MODELS[name][2]))
