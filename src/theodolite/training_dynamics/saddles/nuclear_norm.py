"""Matrices of least squared error on observed entries and least nuclear norm: the certified end of a greedy path."""

import numpy as np

LARGEST_SIDE = 1000  # of the smaller side; beyond, an eigendecomposition in every step costs more than greedy paths


def nuclear_norm_fit(
    target: np.ndarray,
    mask: np.ndarray,
    shrinkage: float,
    start: np.ndarray | None = None,
    *,
    tolerance: float = 1e-3,
    iterations: int = 500,
) -> np.ndarray:
    """argmin over A of 1/2 sum over observed entries of (A_ij - target_ij)^2 + shrinkage |A|_*.

    Proximal gradient steps with momentum, restarted where it leads uphill: hidden entries are filled with what is
    there, then all singular values are lowered by `shrinkage`.

    Args: target (n, d), any number where hidden; mask (n, d), of observed entries; shrinkage > 0; start (n, d), 0
        unless given; tolerance, of the last step relative to the matrix.
    Returns: (n, d). Source: Mazumder, Hastie and Tibshirani (2010), soft-impute; Beck and Teboulle (2009), momentum;
        O'Donoghue and Candes (2015), restarts.
    Cost: a step takes one product (d, n)(n, d) and one eigendecomposition (d, d), where d is the smaller side.

    >>> nuclear_norm_fit(np.diag([3.0, 1.0]), np.ones((2, 2), dtype=bool), 2.0).round(6) + 0.0
    array([[1., 0.],
           [0., 0.]])
    """
    if target.shape[0] < target.shape[1]:
        turned = None if start is None else start.T
        return nuclear_norm_fit(target.T, mask.T, shrinkage, turned, tolerance=tolerance, iterations=iterations).T
    goal = np.where(mask, target, 0.0)
    hidden = ~mask
    A = np.zeros(target.shape) if start is None else start
    ahead, t = A, 1.0
    for _ in range(iterations):
        new = _lowered(goal + hidden * ahead, shrinkage)
        step = new - A
        if float(np.vdot(ahead - new, step)) > 0:
            t = 1.0
        following = 0.5 * (1.0 + np.sqrt(1.0 + 4.0 * t * t))
        ahead = new + (t - 1.0) / following * step
        moved, A, t = np.linalg.norm(step), new, following
        if moved <= tolerance * np.linalg.norm(A):
            break
    return A


def _lowered(M: np.ndarray, shrinkage: float) -> np.ndarray:
    """The matrix with all singular values lowered by `shrinkage`, those below it to 0; columns at most rows."""
    squares, V = np.linalg.eigh(M.T @ M)
    kept = squares > shrinkage**2
    V, s = V[:, kept], np.sqrt(squares[kept])
    return (M @ V * (1.0 - shrinkage / s)) @ V.T


def factored(A: np.ndarray, *, share: float = 1e-9) -> tuple[np.ndarray, np.ndarray]:
    """Balanced factors V (k, d), U (n, k) of A = U V, without singular values below `share` of the largest.

    >>> V, U = factored(np.diag([4.0, 0.0]))
    >>> V.shape, (U @ V).round(9).tolist()
    ((1, 2), [[4.0, 0.0], [0.0, 0.0]])
    """
    left, s, right = np.linalg.svd(A, full_matrices=False)
    kept = s > share * s[0] if s[0] > 0 else np.zeros(len(s), dtype=bool)
    root = np.sqrt(s[kept])
    return root[:, None] * right[kept], left[:, kept] * root
