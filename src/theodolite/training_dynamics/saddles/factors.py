"""Minimising C(U V) + shrinkage / 2 (|U|^2 + |V|^2) over two factors of given rank."""

import numpy as np
from scipy.optimize import minimize

from theodolite.training_dynamics.saddles.gradients import hessian_product, layer_gradients
from theodolite.training_dynamics.saddles.layers import flattened, unflattened
from theodolite.training_dynamics.saddles.matrix_costs import MatrixCost

POLISHED = 4000  # up to so many unknowns Newton steps follow the quasi-Newton ones


def minimised(
    cost: MatrixCost,
    V: np.ndarray,
    U: np.ndarray,
    shrinkage: float,
    tolerance: float,
    iterations: int,
    polish: bool = True,
) -> tuple[np.ndarray, np.ndarray]:
    """A local minimum near V (k, d_in), U (d_out, k), returned balanced: U^T U = V V^T, diagonal.

    L-BFGS first; then, for few unknowns, Newton steps within a trust region, which reach round-off where L-BFGS crawls.
    """
    shapes = (V.shape, U.shape)
    V, U = _balanced(V, U)

    def value(theta: np.ndarray) -> tuple[float, np.ndarray]:
        V, U = unflattened(theta, shapes)
        A = U @ V
        slope = flattened(layer_gradients((V, U), cost.gradient(A)))
        return cost.value(A) + 0.5 * shrinkage * float(theta @ theta), slope + shrinkage * theta

    def bend(theta: np.ndarray, direction: np.ndarray) -> np.ndarray:
        product = hessian_product(unflattened(theta, shapes), unflattened(direction, shapes), cost)
        return flattened(product) + shrinkage * direction

    theta = flattened((V, U))
    size = max(float(np.linalg.norm(value(theta)[1], np.inf)), np.finfo(float).tiny)
    options = {"maxiter": iterations, "maxfun": 2 * iterations, "ftol": 1e-2 * tolerance, "gtol": tolerance * size}
    kept = 20 if polish else 6  # steps remembered: more cost more than they save where accuracy is not asked for
    theta = minimize(value, theta, jac=True, method="L-BFGS-B", options={**options, "maxcor": kept}).x
    if polish and theta.size <= POLISHED:
        goal = max(1e-2 * tolerance * size, 1e-14)
        found = minimize(value, theta, jac=True, hessp=bend, method="trust-ncg", options={"gtol": goal, "maxiter": 200})
        if found.fun <= value(theta)[0]:
            theta = found.x
    V, U = unflattened(theta, shapes)
    return _balanced(V, U)


def _balanced(V: np.ndarray, U: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The same product in the factors of least norm."""
    Q, R = np.linalg.qr(U)
    P, S = np.linalg.qr(V.T)
    left, s, right = np.linalg.svd(R @ S.T)
    root = np.sqrt(s)
    return (root[:, None] * right) @ P.T, (Q @ left) * root
