"""Kernels of the inner product of two points."""

from dataclasses import dataclass
from typing import Any

from array_api_compat import array_namespace

from theodolite.kernels.kernel import Kernel, freeze
from theodolite.kernels.pairs import Pairs, as_points
from theodolite.numerics.checks import positive_integer, zero_or_positive


@dataclass(frozen=True)
class Linear(Kernel):
    """x . z / d + offset, for points with d coordinates; offset >= 0.

    >>> Linear()([[1.0, 2.0]], [[3.0, 4.0]])
    array([[5.5]])
    """

    offset: float = 0.0

    def __post_init__(self) -> None:
        freeze(self, offset=zero_or_positive(self.offset, "the offset of Linear"))

    def on(self, pairs: Pairs) -> Any:
        return pairs.inner / pairs.X.shape[1] + self.offset

    def diagonal(self, X: Any) -> Any:
        X = as_points(X)
        return array_namespace(X).sum(X * X, axis=1) / X.shape[1] + self.offset


@dataclass(frozen=True)
class Polynomial(Kernel):
    """(x . z / d + offset)^degree, for points with d coordinates; degree a positive integer, offset >= 0.

    >>> Polynomial(2, offset=1.0)([[1.0, 1.0]], [[1.0, 1.0]])
    array([[4.]])
    """

    degree: int = 2
    offset: float = 1.0

    def __post_init__(self) -> None:
        freeze(
            self,
            degree=positive_integer(self.degree, "the degree of Polynomial"),
            offset=zero_or_positive(self.offset, "the offset of Polynomial"),
        )

    def on(self, pairs: Pairs) -> Any:
        return Linear(self.offset).on(pairs) ** self.degree

    def diagonal(self, X: Any) -> Any:
        return Linear(self.offset).diagonal(X) ** self.degree
