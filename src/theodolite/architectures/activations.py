"""The activations: piecewise polynomial, periodic, bell-shaped and sigmoidal ones, and any function of the user's."""
# longer than most files: 24 records of a few lines each, one notion, found by scrolling

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from array_api_compat import array_namespace, is_jax_array

from theodolite.architectures.activation import Activation
from theodolite.numerics.checks import positive, positive_integer
from theodolite.numerics.differences import piecewise_derivative
from theodolite.numerics.errors import BadInput
from theodolite.numerics.special import special


def _above(x: Any) -> Any:
    """1 where x > 0, 0 where x < 0, a half at 0, in the dtype of x."""
    return 0.5 * (array_namespace(x).sign(x) + 1.0)


@dataclass(frozen=True, repr=False)
class Identity(Activation):
    """x."""

    degree: ClassVar[int | None] = 1

    def __call__(self, x: Any) -> Any:
        return x

    def derivative(self, x: Any) -> Any:
        return array_namespace(x).ones_like(x)


class PiecewiseLinear(Activation):
    """below * min(x, 0) + above * max(x, 0)."""

    kinks: ClassVar[tuple[float, ...]] = (0.0,)
    degree: ClassVar[int | None] = 1
    below: float
    above: float

    def __call__(self, x: Any) -> Any:
        xp = array_namespace(x)
        return self.below * xp.minimum(x, xp.zeros_like(x)) + self.above * xp.maximum(x, xp.zeros_like(x))

    def derivative(self, x: Any) -> Any:
        return self.below + (self.above - self.below) * _above(x)


@dataclass(frozen=True, repr=False)
class Relu(PiecewiseLinear):
    """max(x, 0)."""

    below: ClassVar[float] = 0.0
    above: ClassVar[float] = 1.0


@dataclass(frozen=True, repr=False)
class LeakyRelu(PiecewiseLinear):
    """slope * min(x, 0) + max(x, 0)."""

    slope: float = 0.01
    above: ClassVar[float] = 1.0

    @property
    def below(self) -> float:  # type: ignore[override]
        return self.slope


@dataclass(frozen=True, repr=False)
class Abs(PiecewiseLinear):
    """|x|."""

    below: ClassVar[float] = -1.0
    above: ClassVar[float] = 1.0


@dataclass(frozen=True, repr=False)
class Step(Activation):
    """1 for x > 0, 0 for x < 0: a covariance exists at infinite width, a tangent kernel does not."""

    jumps: ClassVar[tuple[float, ...]] = (0.0,)
    degree: ClassVar[int | None] = 0

    def __call__(self, x: Any) -> Any:
        return _above(x)

    def derivative(self, x: Any) -> Any:
        return array_namespace(x).zeros_like(x)


@dataclass(frozen=True, repr=False)
class Sign(Activation):
    """-1 for x < 0, 1 for x > 0: a covariance exists at infinite width, a tangent kernel does not."""

    jumps: ClassVar[tuple[float, ...]] = (0.0,)
    degree: ClassVar[int | None] = 0

    def __call__(self, x: Any) -> Any:
        return array_namespace(x).sign(x)

    def derivative(self, x: Any) -> Any:
        return array_namespace(x).zeros_like(x)


@dataclass(frozen=True, repr=False)
class SquaredRelu(Activation):
    """max(x, 0)^2."""

    kinks: ClassVar[tuple[float, ...]] = (0.0,)  # of the derivative; quadrature splits there
    degree: ClassVar[int | None] = 2

    def __call__(self, x: Any) -> Any:
        xp = array_namespace(x)
        return xp.maximum(x, xp.zeros_like(x)) ** 2

    def derivative(self, x: Any) -> Any:
        xp = array_namespace(x)
        return 2.0 * xp.maximum(x, xp.zeros_like(x))


@dataclass(frozen=True, repr=False)
class Erf(Activation):
    """erf(x)."""

    def __call__(self, x: Any) -> Any:
        return special(x).erf(x)

    def derivative(self, x: Any) -> Any:
        return (2.0 / math.sqrt(math.pi)) * array_namespace(x).exp(-x * x)


@dataclass(frozen=True, repr=False)
class Gelu(Activation):
    """x Phi(x), Phi the distribution function of the standard normal."""

    def __call__(self, x: Any) -> Any:
        return x * special(x).ndtr(x)

    def derivative(self, x: Any) -> Any:
        return special(x).ndtr(x) + x * array_namespace(x).exp(-x * x / 2) / math.sqrt(2 * math.pi)


@dataclass(frozen=True, repr=False)
class Sin(Activation):
    """amplitude * sin(frequency * x + phase)."""

    amplitude: float = 1.0
    frequency: float = 1.0
    phase: float = 0.0

    def __call__(self, x: Any) -> Any:
        return self.amplitude * array_namespace(x).sin(self.frequency * x + self.phase)

    def derivative(self, x: Any) -> Any:
        return self.amplitude * self.frequency * array_namespace(x).cos(self.frequency * x + self.phase)


@dataclass(frozen=True, repr=False)
class Cos(Activation):
    """cos(x)."""

    def __call__(self, x: Any) -> Any:
        return array_namespace(x).cos(x)

    def derivative(self, x: Any) -> Any:
        return -array_namespace(x).sin(x)


@dataclass(frozen=True, repr=False)
class RbfFeature(Activation):
    """sqrt(2) sin(sqrt(2 gamma) x + pi / 4): one hidden layer of it has the covariance exp(-gamma |x - z|^2)."""

    gamma: float = 1.0

    def __post_init__(self) -> None:
        positive(self.gamma, "gamma")

    def __call__(self, x: Any) -> Any:
        return math.sqrt(2) * array_namespace(x).sin(math.sqrt(2 * self.gamma) * x + math.pi / 4)

    def derivative(self, x: Any) -> Any:
        return 2 * math.sqrt(self.gamma) * array_namespace(x).cos(math.sqrt(2 * self.gamma) * x + math.pi / 4)


@dataclass(frozen=True, repr=False)
class Exp(Activation):
    """exp(rate * x)."""

    rate: float = 1.0

    def __call__(self, x: Any) -> Any:
        return array_namespace(x).exp(self.rate * x)

    def derivative(self, x: Any) -> Any:
        return self.rate * self(x)


@dataclass(frozen=True, repr=False)
class Gaussian(Activation):
    """exp(-x^2)."""

    def __call__(self, x: Any) -> Any:
        return array_namespace(x).exp(-x * x)

    def derivative(self, x: Any) -> Any:
        return -2.0 * x * self(x)


@dataclass(frozen=True, repr=False)
class Polynomial(Activation):
    """coefficients[0] + coefficients[1] x + coefficients[2] x^2 + ..."""

    coefficients: tuple[float, ...]

    def __post_init__(self) -> None:
        values = tuple(float(value) for value in np.atleast_1d(np.asarray(self.coefficients, dtype=float)))
        if len(values) < 2 or not all(map(math.isfinite, values)):
            raise BadInput(f"a polynomial needs at least two finite coefficients, got {self.coefficients!r}")
        object.__setattr__(self, "coefficients", values)

    def __call__(self, x: Any) -> Any:
        return _horner(self.coefficients, x)

    def derivative(self, x: Any) -> Any:
        return _horner(tuple(k * value for k, value in enumerate(self.coefficients))[1:], x)


@dataclass(frozen=True, repr=False)
class Monomial(Activation):
    """x^power."""

    power: int = 2

    def __post_init__(self) -> None:
        object.__setattr__(self, "power", positive_integer(self.power, "the power of a monomial"))

    @property
    def degree(self) -> int:  # type: ignore[override]
        return self.power

    def __call__(self, x: Any) -> Any:
        return x**self.power

    def derivative(self, x: Any) -> Any:
        return self.power * x ** (self.power - 1)


@dataclass(frozen=True, repr=False)
class Hermite(Activation):
    """h_degree(x), the Hermite polynomial that is orthonormal under the standard normal."""

    order: int = 2

    def __post_init__(self) -> None:
        object.__setattr__(self, "order", positive_integer(self.order, "the order of a Hermite polynomial"))

    @property
    def degree(self) -> int | None:  # type: ignore[override]
        return 1 if self.order == 1 else None

    def __call__(self, x: Any) -> Any:
        before, value = 0.0 * x, 0.0 * x + 1.0
        for k in range(self.order):
            before, value = value, (x * value - math.sqrt(k) * before) / math.sqrt(k + 1)
        return value

    def derivative(self, x: Any) -> Any:
        return math.sqrt(self.order) * (Hermite(self.order - 1)(x) if self.order > 1 else 0.0 * x + 1.0)


@dataclass(frozen=True, repr=False)
class Tanh(Activation):
    """tanh(x)."""

    def __call__(self, x: Any) -> Any:
        return array_namespace(x).tanh(x)

    def derivative(self, x: Any) -> Any:
        return 1.0 - array_namespace(x).tanh(x) ** 2


@dataclass(frozen=True, repr=False)
class Sigmoid(Activation):
    """1 / (1 + exp(-x))."""

    def __call__(self, x: Any) -> Any:
        return special(x).expit(x)

    def derivative(self, x: Any) -> Any:
        return special(x).expit(x) * special(x).expit(-x)


@dataclass(frozen=True, repr=False)
class Softplus(Activation):
    """log(1 + exp(x))."""

    def __call__(self, x: Any) -> Any:
        xp = array_namespace(x)
        return xp.maximum(x, xp.zeros_like(x)) + xp.log1p(xp.exp(-xp.abs(x)))

    def derivative(self, x: Any) -> Any:
        return special(x).expit(x)


@dataclass(frozen=True, repr=False)
class Swish(Activation):
    """x / (1 + exp(-x))."""

    def __call__(self, x: Any) -> Any:
        return x * special(x).expit(x)

    def derivative(self, x: Any) -> Any:
        gate = special(x).expit(x)
        return gate + x * gate * special(x).expit(-x)


@dataclass(frozen=True, repr=False)
class Elu(Activation):
    """x for x > 0, exp(x) - 1 below; the derivative bends at 0."""

    kinks: ClassVar[tuple[float, ...]] = (0.0,)

    def __call__(self, x: Any) -> Any:
        xp = array_namespace(x)
        zero = xp.zeros_like(x)
        return xp.maximum(x, zero) + xp.expm1(xp.minimum(x, zero))

    def derivative(self, x: Any) -> Any:
        xp = array_namespace(x)
        return xp.exp(xp.minimum(x, xp.zeros_like(x)))


@dataclass(frozen=True, repr=False)
class Elementwise(Activation):
    """A function of the user's, with its kinks declared; it has no JSON form.

    `function` acts on arrays: numpy ones on the host; JAX ones in networks. `slope` is its derivative,
    found from values where it is not given.

    >>> hat = Elementwise(lambda x: abs(x) - 1, lambda x: np.sign(x), bends_at=(0.0,))
    >>> float(hat(np.array(3.0)))
    2.0
    """

    function: Callable[[Any], Any]
    slope: Callable[[Any], Any] | None = None
    bends_at: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        if not callable(self.function):
            raise BadInput(f"an elementwise activation needs a function of an array, got {self.function!r}")
        object.__setattr__(self, "bends_at", tuple(float(kink) for kink in np.atleast_1d(self.bends_at)))

    @property
    def kinks(self) -> tuple[float, ...]:  # type: ignore[override]
        return self.bends_at

    def __call__(self, x: Any) -> Any:
        return self.function(x)

    def derivative(self, x: Any) -> Any:
        """The given slope; without one, automatic differentiation on JAX, differences between the kinks on the host."""
        if self.slope is not None:
            return self.slope(x)
        if is_jax_array(x):
            import jax

            return jax.jvp(self.function, (x,), (jax.numpy.ones_like(x),))[1]
        return piecewise_derivative(self.function, x, self.bends_at).astype(np.asarray(x).dtype)

    def config(self) -> dict[str, Any]:
        raise BadInput(f"{self!r} is a function of the caller's and cannot be written to a file")

    def __repr__(self) -> str:
        return f"Elementwise({getattr(self.function, '__name__', type(self.function).__name__)})"


def _horner(coefficients: tuple[float, ...], x: Any) -> Any:
    value = 0.0 * x + coefficients[-1]
    for coefficient in reversed(coefficients[:-1]):
        value = value * x + coefficient
    return value
