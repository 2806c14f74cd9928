"""Convex costs of a matrix, by value, gradient and curvature."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from theodolite.numerics.checks import finite
from theodolite.numerics.errors import BadInput, ShapeMismatch


@dataclass(frozen=True)
class MatrixCost:
    """A convex cost C of a matrix A (d_out, d_in): `value(A)`, `gradient(A)`, `curvature(A, D)` = C''(A)[D].

    `target` and `observed` (a mask) say where its minimum lies if that is known: A equals target where observed.
    `energies` are the l_i of critical values 1/2 (2 C(0) - sum of some l_i), for costs quadratic in A seen entirely.
    Made by `full_mse`, `general_mse`, `completion`, `convex_cost`.
    """

    shape: tuple[int, int]
    value: Callable[[np.ndarray], float]
    gradient: Callable[[np.ndarray], np.ndarray]
    curvature: Callable[[np.ndarray, np.ndarray], np.ndarray]
    words: str
    target: np.ndarray | None = None
    observed: np.ndarray | None = None
    energies: np.ndarray | None = None
    floor: float = 0.0


def full_mse(target: Any) -> MatrixCost:
    """C(A) = 1/2 |A - target|_F^2: the squared cost of white inputs.

    Args: target (d_out, d_in), not zero. Source: Jacot et al. (2021), arXiv:2106.15933, section 2.

    >>> cost = full_mse([[2.0, 0.0], [0.0, 1.0]])
    >>> cost.value(np.zeros((2, 2))), cost.gradient(np.zeros((2, 2))).tolist()
    (2.5, [[-2.0, 0.0], [0.0, -1.0]])
    """
    goal = _matrix(target, "target")
    energies = np.linalg.svd(goal, compute_uv=False) ** 2
    return MatrixCost(
        goal.shape,
        lambda A: 0.5 * float(np.sum((A - goal) ** 2)),
        lambda A: A - goal,
        lambda A, D: D,
        "full squared cost",
        goal,
        np.ones(goal.shape, dtype=bool),
        energies,
    )


def general_mse(X: Any, Y: Any) -> MatrixCost:
    """C(A) = 1/(2n) |A X - Y|_F^2, for inputs that may be correlated.

    Args: X (d_in, n), Y (d_out, n), one column a sample. Its critical values (Baldi and Hornik 1989) are
        1/2 (tr S_yy - sum of some l_i), l_i the eigenvalues of S_yx S_xx^-1 S_xy.
    Source: Baldi and Hornik (1989), Neural Networks 2.

    >>> cost = general_mse(np.eye(2) * np.sqrt(2), np.diag([2.0, 1.0]) * np.sqrt(2))
    >>> round(cost.value(np.zeros((2, 2))), 12), cost.energies.round(12)
    (2.5, array([4., 1.]))
    """
    X, Y = _matrix(X, "X"), _matrix(Y, "Y")
    if X.shape[1] != Y.shape[1]:
        raise ShapeMismatch(f"X has {X.shape[1]} columns and Y {Y.shape[1]}; expected one column a sample in both")
    n = X.shape[1]
    xx, yx, yy = X @ X.T / n, Y @ X.T / n, float(np.sum(Y**2)) / n
    inverse = np.linalg.pinv(xx, hermitian=True)
    energies = np.clip(np.linalg.eigvalsh(yx @ inverse @ yx.T)[::-1], 0.0, None)[: min(len(X), len(Y))]
    unique = np.linalg.matrix_rank(xx, hermitian=True) == len(xx)
    return MatrixCost(
        (len(Y), len(X)),
        lambda A: 0.5 * (float(np.sum((A @ xx) * A)) - 2.0 * float(np.sum(A * yx)) + yy),
        lambda A: A @ xx - yx,
        lambda A, D: D @ xx,
        "squared cost of given inputs",
        yx @ inverse if unique else None,
        np.ones((len(Y), len(X)), dtype=bool) if unique else None,
        energies,
        floor=0.5 * (yy - float(energies.sum())),
    )


def completion(target: Any, observed: Any = None) -> MatrixCost:
    """C(A) = 1/2 sum over observed entries of (A_ij - target_ij)^2: matrix completion.

    Args: target (d_out, d_in), NaN where hidden unless `observed` says; observed, a mask of the same shape.
    Raises: BadInput for a row or a column wholly hidden: nothing ties it to the others.
    Source: Jacot et al. (2021), arXiv:2106.15933, matrix completion.

    >>> completion([[1.0, np.nan], [3.0, 4.0]]).gradient(np.zeros((2, 2)))
    array([[-1.,  0.],
           [-3., -4.]])
    """
    raw = np.asarray(target, dtype=np.float64)
    mask = ~np.isnan(raw) if observed is None else np.asarray(observed, dtype=bool)
    if mask.shape != raw.shape:
        raise ShapeMismatch(f"observed has shape {mask.shape} and target {raw.shape}; expected the same")
    goal = _matrix(np.where(mask, raw, 0.0), "target")
    refuse_hidden(mask)
    weight = mask.astype(np.float64)
    return MatrixCost(
        goal.shape,
        lambda A: 0.5 * float(np.sum((weight * A - goal) ** 2)),
        lambda A: weight * A - goal,
        lambda A, D: weight * D,
        "matrix completion",
        goal,
        mask,
        np.linalg.svd(goal, compute_uv=False) ** 2 if mask.all() else None,
    )


def refuse_hidden(mask: np.ndarray, why: str = "nothing ties it to the others") -> None:
    """Raise BadInput for a row or a column without any observed entry."""
    for name, seen in (("row", mask.any(axis=1)), ("column", mask.any(axis=0))):
        if not seen.all():
            raise BadInput(
                f"{name} {int(np.argmin(seen))} is wholly hidden, {why}; expected at least one observed entry: drop it"
            )


def convex_cost(
    shape: tuple[int, int],
    value: Callable[[np.ndarray], float],
    gradient: Callable[[np.ndarray], np.ndarray],
    curvature: Callable[[np.ndarray, np.ndarray], np.ndarray] | None = None,
) -> MatrixCost:
    """Any convex differentiable cost of a matrix.

    Args: shape (d_out, d_in); value(A), a number; gradient(A), of that shape; curvature(A, D), the derivative of the
        gradient along D, by default central differences of the gradient (relative error about 1e-10).
    Raises: ShapeMismatch when the gradient at 0 has another shape.

    >>> cost = convex_cost((1, 1), lambda A: float(np.cosh(A - 1).sum()), lambda A: np.sinh(A - 1))
    >>> round(cost.curvature(np.zeros((1, 1)), np.ones((1, 1))).item(), 6), round(np.cosh(1.0).item(), 6)
    (1.543081, 1.543081)
    """
    start = np.asarray(gradient(np.zeros(shape)), dtype=np.float64)
    if start.shape != tuple(shape):
        raise ShapeMismatch(f"the gradient at 0 has shape {start.shape}; expected that of the matrix, {tuple(shape)}")
    finite(start, "the gradient at 0")

    def differences(A: np.ndarray, D: np.ndarray) -> np.ndarray:
        size = float(np.linalg.norm(D))
        if size == 0.0:
            return np.zeros(shape)
        step = np.finfo(float).eps ** (1 / 3) * max(1.0, float(np.linalg.norm(A))) / size
        return (gradient(A + step * D) - gradient(A - step * D)) / (2.0 * step)

    return MatrixCost(
        (int(shape[0]), int(shape[1])),
        lambda A: float(value(A)),
        lambda A: np.asarray(gradient(A), dtype=np.float64),
        differences if curvature is None else curvature,
        "convex cost",
        floor=-np.inf,
    )


def _matrix(values: Any, name: str) -> np.ndarray:
    found = np.asarray(values, dtype=np.float64)
    if found.ndim != 2 or 0 in found.shape:
        raise ShapeMismatch(f"{name} has shape {found.shape}; expected a matrix")
    return finite(found, name)
