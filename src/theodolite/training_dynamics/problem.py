"""What is to be learned from where: a Gram matrix, targets, the initial function, and how new points enter."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from theodolite.kernel_regression.prediction import predict
from theodolite.kernels import Kernel, as_kernel, gram
from theodolite.kernels.pairs import as_data
from theodolite.numerics import memory
from theodolite.numerics.checks import finite, target_columns
from theodolite.numerics.errors import BadInput, ShapeMismatch


@dataclass(frozen=True)
class KernelRows:
    """New points as data, on which a kernel is evaluated block by block."""

    kernel: Kernel
    X: np.ndarray

    def rows(self, Z: Any, memory_limit: int | str | None = None) -> np.ndarray:
        """K(Z, X), (m, n)."""
        return np.asarray(gram(self.kernel, Z, self.X, memory_limit=memory_limit), dtype=np.float64)

    def times(self, Z: Any, dual: np.ndarray) -> np.ndarray:
        """K(Z, X) @ dual, (m, c)."""
        return predict(self.kernel, finite(np.asarray(as_data(Z)), "Z"), self.X, dual)


@dataclass(frozen=True)
class GramRows:
    """New points as rows of their kernel values with the n training points."""

    n: int

    def rows(self, Z: Any, memory_limit: int | str | None = None) -> np.ndarray:
        """The rows as float64 (m, n)."""
        rows = np.asarray(Z)
        if rows.ndim != 2 or rows.shape[1] != self.n:
            raise ShapeMismatch(
                f"new points have shape {rows.shape}; this flow was made from a Gram matrix, so expected their rows "
                f"K(Z, X) of shape (m, {self.n})"
            )
        if rows.dtype.kind not in "fiub":
            raise BadInput(f"rows K(Z, X) have dtype {rows.dtype}; expected real numbers")
        return finite(rows.astype(np.float64, copy=False), "K(Z, X)")

    def times(self, Z: Any, dual: np.ndarray) -> np.ndarray:
        """rows @ dual, (m, c)."""
        return self.rows(Z) @ dual


@dataclass(frozen=True)
class Problem:
    """A Gram matrix (n, n), targets (n, k), initial values (n, k) and what is known of new points.

    `flat`: the targets came as a vector, and so do the answers. `function`: the initial function, when one was given;
    `starts_at_zero`: none was.
    """

    gram: np.ndarray
    targets: np.ndarray
    initial: np.ndarray
    points: KernelRows | GramRows
    flat: bool
    starts_at_zero: bool
    function: Callable[[Any], Any] | None

    @property
    def n(self) -> int:
        """The number of training points."""
        return len(self.targets)

    def initial_at(self, Z: Any, m: int, initial: Any) -> np.ndarray:
        """f_0(Z), (m, k): 0, the initial function, or the values that were passed."""
        if initial is None and self.function is not None:
            initial = self.function(Z)
        if initial is None and not self.starts_at_zero:
            raise BadInput(
                "this flow starts from given values at the training points; pass initial=, the same function's values "
                "at the new points, or make the flow with initial=function"
            )
        return initial_columns(np.zeros((m, self.targets.shape[1])) if initial is None else initial, m, self.targets)

    def answer(self, values: np.ndarray, times: Any) -> np.ndarray:
        """Values (l, m, k) in the shapes that were asked for: no time axis for one time, no column axis for one."""
        values = values[..., 0] if self.flat else values
        return values[0] if np.ndim(times) == 0 else values


def initial_columns(initial: Any, n: int, targets: np.ndarray) -> np.ndarray:
    """Initial values as (n, k), with as many columns as the targets."""
    try:
        columns = target_columns(initial, n)
    except ValueError as error:
        raise type(error)(f"of the initial function: {error}") from None
    if columns.shape[1] != targets.shape[1]:
        raise ShapeMismatch(
            f"the initial function has {columns.shape[1]} columns, the targets {targets.shape[1]}; expected the same"
        )
    return columns


def problem_from_kernel(kernel: Any, X: Any, Y: Any, initial: Any, memory_limit: int | str | None) -> Problem:
    """The problem of a kernel, points X (n, ...) and targets Y (n,) or (n, k)."""
    kernel = as_kernel(kernel)
    X = finite(np.asarray(as_data(X)), "X")
    target_columns(Y, len(X))  # before the work
    function = initial if callable(initial) else None
    values = function(X) if function is not None else initial
    return _problem(gram(kernel, X, memory_limit=memory_limit), Y, KernelRows(kernel, X), values, function)


def problem_from_gram(matrix: Any, targets: Any, initial: Any) -> Problem:
    """The problem of a Gram matrix (n, n) and targets (n,) or (n, k)."""
    if callable(initial):
        raise BadInput("a flow made from a Gram matrix has no points; pass initial as values, not as a function")
    matrix = np.asarray(matrix)
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1]:
        raise ShapeMismatch(f"gram has shape {matrix.shape}; expected (n, n), the kernel on the training points")
    return _problem(matrix, targets, GramRows(len(matrix)), initial, None)


def _problem(
    matrix: Any, targets: Any, points: KernelRows | GramRows, initial: Any, function: Callable[[Any], Any] | None
) -> Problem:
    columns = target_columns(targets, len(matrix))
    start = np.zeros_like(columns) if initial is None else initial_columns(initial, len(columns), columns)
    return Problem(np.asarray(matrix), columns, start, points, np.ndim(targets) == 1, initial is None, function)


def require_answers(times: int, rows: int, columns: int, memory_limit: int | str | None) -> None:
    """Raise TooLarge when predictions at so many times would not fit."""
    memory.require(
        3 * 8 * times * rows * columns,
        memory_limit,
        f"predictions at {times} times, {rows} points and {columns} outputs",
        "ask for fewer times at once, or a larger memory_limit",
    )
