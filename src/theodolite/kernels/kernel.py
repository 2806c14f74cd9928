"""The kernel algebra: a kernel is a rule on pairs of points; sums, products and multiples of kernels are kernels."""

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

from array_api_compat import array_namespace

from theodolite.kernels.pairs import Pairs, as_points
from theodolite.numerics.checks import positive
from theodolite.numerics.errors import BadInput

_KINDS: dict[str, type["Kernel"]] = {}


class Kernel:
    """A symmetric positive semi-definite function of two points.

    A kernel says how it acts `on` pairs of points and what its `diagonal` is. Called on data it returns a matrix:
    `kernel(X, Z)` has shape (n, m), `kernel(X)` has shape (n, n). Results follow the kind and dtype of the input:
    numpy float64 in, numpy float64 out; JAX in, JAX out, traceable and differentiable.
    """

    does_its_own_blocks: ClassVar[bool] = False  # whether `gram` leaves blocks and symmetry to `on`

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        _KINDS[cls.__name__] = cls

    def on(self, pairs: Pairs) -> Any:
        """Values on all pairs, shape (n, m)."""
        raise NotImplementedError

    def diagonal(self, X: Any) -> Any:
        """k(x, x) for each row of X, shape (n,), without the matrix."""
        raise NotImplementedError

    def __call__(self, X: Any, Z: Any = None) -> Any:
        return self.on(Pairs(X, Z))

    def __add__(self, other: "Kernel") -> "Kernel":
        return Sum(self, other) if isinstance(other, Kernel) else NotImplemented

    def __mul__(self, other: "Kernel | float") -> "Kernel":
        if isinstance(other, Kernel):
            return Product(self, other)
        return Scaled(float(other), self) if isinstance(other, int | float) else NotImplemented

    __rmul__ = __mul__

    def config(self) -> dict[str, Any]:
        """A JSON-ready description that `from_config` turns back into an equal kernel."""
        entries = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}  # type: ignore[arg-type]
        return {
            "kind": type(self).__name__,
            **{key: item.config() if isinstance(item, Kernel) else item for key, item in entries.items()},
        }

    @classmethod
    def revive(cls, entries: dict[str, Any]) -> "Kernel":
        """The kernel of this kind from the other entries of its description."""
        return cls(**{key: from_config(item) if isinstance(item, dict) else item for key, item in entries.items()})


def freeze(kernel: Kernel, **values: Any) -> None:
    """Set fields of a frozen kernel while it is made: plain Python numbers, which leave the dtype of arrays alone."""
    for name, value in values.items():
        object.__setattr__(kernel, name, value)


def from_config(description: dict[str, Any]) -> Kernel:
    """The kernel that `config()` described.

    >>> from theodolite.kernels import RBF
    >>> from_config(RBF(2.0).config()) == RBF(2.0)
    True
    """
    arguments = dict(description)
    kind = arguments.pop("kind", None)
    known = sorted(name for name, cls in _KINDS.items() if dataclasses.is_dataclass(cls) and cls is not Custom)
    if kind not in known:
        raise BadInput(f"no kernel is called {kind!r}; known: {', '.join(known)}")
    try:
        return _KINDS[kind].revive(arguments)
    except TypeError as error:
        raise BadInput(f"{kind} cannot be made from {arguments}: {error}") from None


@dataclass(frozen=True)
class Sum(Kernel):
    """k(x, z) = left(x, z) + right(x, z)."""

    left: Kernel
    right: Kernel

    def on(self, pairs: Pairs) -> Any:
        return self.left.on(pairs) + self.right.on(pairs)

    def diagonal(self, X: Any) -> Any:
        return self.left.diagonal(X) + self.right.diagonal(X)

    def __repr__(self) -> str:
        return f"{self.left!r} + {self.right!r}"


@dataclass(frozen=True)
class Product(Kernel):
    """k(x, z) = left(x, z) right(x, z)."""

    left: Kernel
    right: Kernel

    def on(self, pairs: Pairs) -> Any:
        return self.left.on(pairs) * self.right.on(pairs)

    def diagonal(self, X: Any) -> Any:
        return self.left.diagonal(X) * self.right.diagonal(X)

    def __repr__(self) -> str:
        return " * ".join(f"({part!r})" if isinstance(part, Sum) else repr(part) for part in (self.left, self.right))


@dataclass(frozen=True)
class Scaled(Kernel):
    """k(x, z) = scale * kernel(x, z), scale > 0."""

    scale: float
    kernel: Kernel

    def __post_init__(self) -> None:
        freeze(self, scale=positive(self.scale, "the scale of a kernel"))

    def on(self, pairs: Pairs) -> Any:
        return self.scale * self.kernel.on(pairs)

    def diagonal(self, X: Any) -> Any:
        return self.scale * self.kernel.diagonal(X)

    def __repr__(self) -> str:
        inner = f"({self.kernel!r})" if isinstance(self.kernel, Sum) else repr(self.kernel)
        short = f"{self.scale:g}"
        return f"{short if float(short) == self.scale else self.scale} * {inner}"


@dataclass(frozen=True)
class Custom(Kernel):
    """A kernel given as a function (X, Z) -> (n, m); it can be surveyed, but not saved."""

    function: Callable[[Any, Any], Any]

    def on(self, pairs: Pairs) -> Any:
        values = self.function(pairs.X, pairs.Z)
        if tuple(values.shape) != pairs.shape:
            raise BadInput(
                f"{self!r} returned shape {tuple(values.shape)} for {pairs.shape} pairs; expected that shape"
            )
        return values

    def diagonal(self, X: Any) -> Any:
        X = as_points(X)
        xp = array_namespace(X)
        return xp.concat([xp.reshape(self.function(X[i : i + 1], X[i : i + 1]), (1,)) for i in range(X.shape[0])])

    def config(self) -> dict[str, Any]:
        raise BadInput(
            f"{self!r} is a function of the caller's and cannot be written to a file; save its name yourself"
        )

    def __repr__(self) -> str:
        return f"Custom({getattr(self.function, '__name__', type(self.function).__name__)})"


def as_kernel(kernel: Any) -> Kernel:
    """A `Kernel` as it is; any other callable (X, Z) -> (n, m) wrapped as one. Raises: BadInput for anything else.

    >>> as_kernel(lambda X, Z: X @ Z.T)([[1.0, 2.0]])
    array([[5.]])
    """
    if isinstance(kernel, Kernel):
        return kernel
    if callable(kernel):
        return Custom(kernel)
    raise BadInput(f"expected a kernel or a function (X, Z) -> (n, m), got {type(kernel).__name__}: {kernel!r}")
