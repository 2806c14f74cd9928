"""The generators of the cases on images: 1 x 1 to 16 x 16 positions in four deconvolutions, and digits to imitate."""

import math

import numpy as np
from scipy.ndimage import zoom

from theodolite.architectures import Activation, ConvTranspose, Node, Relu, Reshape
from theodolite.experiments.key import Key

LATENT = 32
REGIMES: dict[str, tuple[Activation, float]] = {
    "order, beta 0.5": (Relu().standardised(), 0.5),
    "order, beta 0.1": (Relu().standardised(), 0.1),
    "chaos, beta 0.1": (Relu().normalised(), 0.1),
}


def generator(activation: Activation, beta: float, *, edges: str = "graph", layers: int = 4) -> Node:
    """Latent vectors of 32 numbers to images of 2^layers x 2^layers: windows 2, then 4, strides 2, balanced.

    >>> from theodolite.architectures import layers_with_weights
    >>> len(layers_with_weights(generator(Relu().standardised(), 0.5)))
    4
    """

    def layer(window: int) -> ConvTranspose:
        return ConvTranspose(window, 2, edges=edges, weight_std=math.sqrt(1 - beta**2), bias_std=beta)

    net: Node = Reshape((1, 1, LATENT)) >> layer(2)
    for _ in range(layers - 1):
        net = net >> activation >> layer(4)
    return net


def latents(count: int, rng: np.random.Generator) -> np.ndarray:
    """Vectors (count, 32) uniform on the sphere of radius sqrt(32)."""
    points = rng.standard_normal((count, LATENT))
    return points * (math.sqrt(LATENT) / np.linalg.norm(points, axis=1, keepdims=True))


def digit_images(size: int = 16) -> tuple[np.ndarray, np.ndarray]:
    """The embedded digits enlarged bilinearly, between -1 and 1: (1797, size, size); and their labels."""
    from sklearn.datasets import load_digits

    images, labels = (np.asarray(part) for part in load_digits(return_X_y=True))
    factor = size / 8
    large = zoom(images.reshape(-1, 8, 8), (1, factor, factor), order=1, mode="nearest", grid_mode=True)
    return np.clip(np.asarray(large, dtype=np.float64) / 8 - 1, -1, 1), labels


def one_of_each(key: Key, size: int = 16) -> np.ndarray:
    """One image of each digit, (10, size, size)."""
    images, labels = digit_images(size)
    rng = key.rng()
    return np.array([images[rng.choice(np.flatnonzero(labels == digit))] for digit in range(10)])
