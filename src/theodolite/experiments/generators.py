"""The generators of the cases on images: 1 x 1 to 16 x 16 positions in four deconvolutions, and images to imitate."""

import math
from pathlib import Path

import numpy as np
from scipy.ndimage import zoom

from theodolite.architectures import Activation, ConvTranspose, Node, Relu, Reshape
from theodolite.experiments.key import Key
from theodolite.numerics.errors import BadInput

LATENT = 32
TEXTURES = "images/*textures*.npz"
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


def texture_images(path: Path, size: int = 16) -> np.ndarray:
    """Grey images (m, size, size) between -1 and 1 from the array X of an .npz file, (n, height, width[, colours]).

    Colours are averaged. Images of twice the size or more are cut into tiles that are halved, smaller ones are cropped
    to their middle. Bytes count from 0 to 255, other numbers from the smallest to the largest.
    Raises: BadInput for other shapes, smaller images or a file without X.
    """
    with np.load(path, allow_pickle=False) as archive:
        if "X" not in archive.files:
            raise BadInput(f"{path} holds {', '.join(archive.files) or 'nothing'}; expected images in an array X")
        found = archive["X"]
    if found.ndim not in (3, 4) or found.dtype.kind not in "uif" or min(found.shape[1:3]) < size or not len(found):
        raise BadInput(
            f"{path}: X is {found.dtype} {found.shape}; expected numbers (n, height, width) or (n, height, width, "
            f"colours), at least {size} x {size} pixels"
        )
    low, high = (0.0, 255.0) if found.dtype == np.uint8 else (float(found.min()), float(found.max()))
    if not low < high or not math.isfinite(high - low):
        raise BadInput(f"{path}: X goes from {low} to {high}; expected finite numbers that differ")
    grey = found.astype(np.float64) if found.ndim == 3 else found.mean(axis=3, dtype=np.float64)
    return _tiles((grey - low) * (2 / (high - low)) - 1, size)


def _tiles(images: np.ndarray, size: int) -> np.ndarray:
    """Halved tiles of twice the size where the images have room for one, the middle otherwise."""
    factor = 2 if min(images.shape[1:]) >= 2 * size else 1
    side = factor * size
    rows, columns = (room // side if factor == 2 else 1 for room in images.shape[1:])
    top, left = ((room - count * side) // 2 for room, count in zip(images.shape[1:], (rows, columns), strict=True))
    middle = images[:, top : top + rows * side, left : left + columns * side]
    blocks = middle.reshape(len(images), rows, size, factor, columns, size, factor).mean(axis=(3, 6))
    return blocks.transpose(0, 1, 3, 2, 4).reshape(-1, size, size)


def one_of_each(key: Key, size: int = 16) -> np.ndarray:
    """One image of each digit, (10, size, size)."""
    images, labels = digit_images(size)
    rng = key.rng()
    return np.array([images[rng.choice(np.flatnonzero(labels == digit))] for digit in range(10)])
