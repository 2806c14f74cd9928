"""Images and sequences as inputs of a survey: scaled as a whole, so that neighbouring pixels stay comparable."""

import math
from typing import Any, Self

import numpy as np

from theodolite.architectures import Reshape, nodes_of
from theodolite.infinite_width import NNGP, NTK
from theodolite.infinite_width.routes.fully_connected import for_vectors
from theodolite.kernels import Kernel, Product, Scaled, Sum
from theodolite.numerics.checks import finite
from theodolite.numerics.errors import BadInput, ShapeMismatch
from theodolite.survey.columns import Encoded


class ImageEncoder:
    """Encode arrays (n, *positions, channels): one mean and one standard deviation for all numbers, then flattened.

    >>> encoder = ImageEncoder().fit(np.arange(8.0).reshape(2, 2, 2, 1))
    >>> encoder.transform(np.arange(8.0).reshape(2, 2, 2, 1))[0].round(3)
    array([-1.528, -1.091, -0.655, -0.218])
    """

    shape_: tuple[int, ...]
    notes: tuple[str, ...]

    def fit(self, images: Any) -> Self:
        """Learn shape, mean and standard deviation. Raises: NotFinite, BadInput when all numbers are equal."""
        images = finite(np.asarray(images, dtype=np.float64), "the images")
        mean, std = float(images.mean()), float(images.std())
        if not std > 0:
            raise BadInput(f"every number of the images is {mean}; a survey needs images that differ")
        self._set(tuple(map(int, images.shape[1:])), mean, std)
        return self

    def transform(self, images: Any) -> np.ndarray:
        """The numbers (n, d), d = positions times channels. Raises: ShapeMismatch, NotFinite."""
        images = np.asarray(images, dtype=np.float64)
        if tuple(images.shape[1:]) != self.shape_:
            raise ShapeMismatch(f"images have shape {images.shape[1:]}; the survey was made with {self.shape_}")
        scaled = (finite(images, "the images") - self._mean) / self._std
        return scaled.reshape(len(images), math.prod(self.shape_))

    def fit_transform(self, images: Any) -> np.ndarray:
        """`fit`, then `transform` of the same images."""
        return self.fit(images).transform(images)

    def encode(self, images: Any) -> Encoded:
        """`transform`, with no notes: an image is used as it is."""
        return Encoded(self.transform(images), ())

    @property
    def columns_(self) -> tuple[str, ...]:
        """One name a number of an image."""
        return tuple(f"x{i}" for i in range(math.prod(self.shape_)))

    def to_json(self) -> dict[str, Any]:
        """Shape, mean and standard deviation."""
        return {"images": list(self.shape_), "mean": self._mean, "std": self._std}

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> Self:
        """The encoder that `to_json` described."""
        encoder = cls()
        encoder._set(tuple(map(int, document["images"])), float(document["mean"]), float(document["std"]))
        return encoder

    def _set(self, shape: tuple[int, ...], mean: float, std: float) -> None:
        self.shape_, self._mean, self._std = shape, mean, std
        words = " x ".join(map(str, shape))
        self.notes = (f"images of {words} numbers (the last: channels), scaled by one mean and standard deviation",)


def for_shape(kernel: Kernel, shape: tuple[int, ...]) -> Kernel:
    """The kernel on flattened images: architectures that need positions are told the shape first.

    >>> from theodolite.architectures import parse
    >>> from theodolite.infinite_width import ntk
    >>> for_shape(ntk(parse("conv relu flatten dense")), (8, 8, 1))
    ntk(Reshape((8, 8, 1)) >> Conv() >> Relu() >> Flatten() >> Dense())
    """
    if isinstance(kernel, Sum | Product):
        return type(kernel)(for_shape(kernel.left, shape), for_shape(kernel.right, shape))
    if isinstance(kernel, Scaled):
        return Scaled(kernel.scale, for_shape(kernel.kernel, shape))
    if not isinstance(kernel, NTK | NNGP) or for_vectors(kernel.net) or isinstance(nodes_of(kernel.net)[0], Reshape):
        return kernel
    net = Reshape(shape) >> kernel.net
    return NTK(net, kernel.rates) if isinstance(kernel, NTK) else NNGP(net)
