"""What every activation offers: its value, its derivative, where it bends, and its rescaled forms."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, ClassVar

import numpy as np

from theodolite.architectures.node import Node
from theodolite.numerics.errors import BadInput
from theodolite.numerics.gaussian import gaussian_mean


class Activation(Node):
    """A function applied to each number of a layer, on numpy and JAX arrays alike.

    `kinks`: where the derivative jumps; `jumps`: where the function itself does; `degree`: of positive homogeneity,
    sigma(a x) = a^degree sigma(x) for a > 0, or None.
    """

    kinks: ClassVar[tuple[float, ...]] = ()
    jumps: ClassVar[tuple[float, ...]] = ()
    degree: ClassVar[int | None] = None

    def __call__(self, x: Any) -> Any:
        raise NotImplementedError

    def derivative(self, x: Any) -> Any:
        """sigma'(x); between its one-sided values at a kink."""
        raise NotImplementedError

    @property
    def bends(self) -> tuple[float, ...]:
        """Kinks and jumps: where quadrature must split."""
        return (*self.kinks, *self.jumps)

    def standardised(self) -> "Standardised":
        """sigma / sqrt(E sigma(Z)^2), Z standard normal."""
        return Standardised(self)

    def normalised(self) -> "Normalised":
        """(sigma - E sigma(Z)) / sd sigma(Z), Z standard normal."""
        return Normalised(self)


class Rescaled(Activation):
    """scale * inner(x) + shift."""

    activation: Activation

    def _scale_and_shift(self) -> tuple[float, float]:
        raise NotImplementedError

    @property
    def scale(self) -> float:
        return self._scale_and_shift()[0]

    @property
    def shift(self) -> float:
        return self._scale_and_shift()[1]

    @property
    def kinks(self) -> tuple[float, ...]:  # type: ignore[override]
        return self.activation.kinks

    @property
    def jumps(self) -> tuple[float, ...]:  # type: ignore[override]
        return self.activation.jumps

    @property
    def degree(self) -> int | None:  # type: ignore[override]
        return self.activation.degree if self.shift == 0 else None

    def __call__(self, x: Any) -> Any:
        return self.scale * self.activation(x) + self.shift

    def derivative(self, x: Any) -> Any:
        return self.scale * self.activation.derivative(x)


@dataclass(frozen=True, repr=False)
class Affine(Rescaled):
    """factor * activation(x) + offset."""

    activation: Activation
    factor: float = 1.0
    offset: float = 0.0

    def _scale_and_shift(self) -> tuple[float, float]:
        return self.factor, self.offset


@dataclass(frozen=True, repr=False)
class Standardised(Rescaled):
    """activation / sqrt(E activation(Z)^2), Z standard normal: variance 1 is preserved from layer to layer.

    >>> from theodolite.architectures import Relu
    >>> round(Relu().standardised().scale, 10)
    1.4142135624
    """

    activation: Activation

    def _scale_and_shift(self) -> tuple[float, float]:
        _, square = gaussian_moments(self.activation)
        return 1.0 / float(np.sqrt(square)), 0.0

    def __repr__(self) -> str:
        return f"{self.activation!r}.standardised()"


@dataclass(frozen=True, repr=False)
class Normalised(Rescaled):
    """(activation - E activation(Z)) / sd activation(Z), Z standard normal: mean 0 and variance 1.

    >>> from theodolite.architectures import Relu
    >>> net = Relu().normalised()
    >>> round(1 / net.scale, 10), round(-net.shift / net.scale, 10)
    (0.5838193701, 0.3989422804)
    """

    activation: Activation

    def _scale_and_shift(self) -> tuple[float, float]:
        mean, square = gaussian_moments(self.activation)
        std = float(np.sqrt(square - mean * mean))
        return 1.0 / std, -mean / std

    def __repr__(self) -> str:
        return f"{self.activation!r}.normalised()"


@lru_cache(maxsize=512)
def gaussian_moments(activation: Activation) -> tuple[float, float]:
    """(E sigma(Z), E sigma(Z)^2), Z standard normal.

    Raises: BadInput when the activation is constant or grows too fast to have moments.
    """
    mean = gaussian_mean(activation, activation.bends)
    square = gaussian_mean(lambda z: activation(z) ** 2, activation.bends)
    if not (np.isfinite(square) and square - mean * mean > 1e-14 * square):
        raise BadInput(
            f"{activation!r} has mean {mean} and mean square {square} on Gaussian input: it cannot be rescaled"
        )
    return (0.0 if abs(mean) < 1e-15 * np.sqrt(square) else mean), square
