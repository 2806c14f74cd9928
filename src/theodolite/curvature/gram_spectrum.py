"""Gauss-Newton from the side of the data: J'(HC)J and (HC) J J' have the same traces and non-zero eigenvalues."""

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from theodolite.curvature.form import Form
from theodolite.curvature.jacobian_gram import jacobian_gram
from theodolite.curvature.losses import fitting_targets, mean_loss
from theodolite.curvature.problem import Problem, outputs_of
from theodolite.numerics.errors import ShapeMismatch
from theodolite.numerics.progress import Progress, silent


def weighted_gram(own: Problem, *, memory_limit: int | str | None = None, progress: Progress = silent) -> np.ndarray:
    """(HC) J J', (N k, N k), not symmetric in general."""
    gram = jacobian_gram(own, memory_limit=memory_limit, progress=progress).astype(np.float64)
    return cost_curvature_times(own, gram)


def gauss_newton_eigenvalues(
    problem: Problem, *, memory_limit: int | str | None = None, progress: Progress = silent
) -> np.ndarray:
    """The N k eigenvalues of I that the data allow, falling; all others are 0.

    For the squared cost these are the eigenvalues of the empirical tangent kernel over N.
    Cost: a tangent kernel of all outputs, and 10 (N k)^3 operations.
    Source: Jacot, Gabriel and Hongler (2020), arXiv:1910.02875, section 3.1.
    """
    gram = jacobian_gram(problem, memory_limit=memory_limit, progress=progress).astype(np.float64)
    return _eigenvalues(gram, lambda columns: cost_curvature_times(problem, columns))


def gauss_newton_from_gram(gram: Any, loss: Any, outputs: Any, targets: Any) -> np.ndarray:
    """The eigenvalues of I from J J' and the outputs alone, wherever these come from: a PyTorch module, say.

    Args: gram (N k, N k), rows first, then outputs, or (N, N, k, k) as tangent kernels give all pairs of outputs; loss
        and targets as in `problem`; outputs (N, k) at the same parameters.
    Returns: (N k,), falling. Raises: ShapeMismatch; BadInput.
    Source: Jacot, Gabriel and Hongler (2020), arXiv:1910.02875, section 3. Cost: 10 (N k)^3 operations.

    >>> gauss_newton_from_gram(np.diag([4.0, 2.0]), "mse", np.zeros((2, 1)), np.zeros((2, 1))).round(9).tolist()
    [2.0, 1.0]
    """
    gram, outputs = np.asarray(gram, np.float64), np.asarray(outputs, np.float64)
    if gram.ndim == 4:
        gram = gram.transpose(0, 2, 1, 3).reshape(outputs.size, outputs.size)
    if gram.shape != (outputs.size, outputs.size):
        raise ShapeMismatch(
            f"gram has shape {gram.shape}; expected {outputs.size} rows and columns, one for each output"
        )
    targets = fitting_targets(loss, np.asarray(targets), outputs.shape, np.dtype(np.float64))
    cost = mean_loss(loss)
    with jax.enable_x64(True):
        slope = jax.jit(jax.grad(lambda out: cost(out, targets)))

        def bent(columns: np.ndarray) -> np.ndarray:
            along = jnp.asarray(columns.T.reshape(-1, *outputs.shape))
            found = jax.vmap(lambda v: jax.jvp(slope, (jnp.asarray(outputs),), (v,))[1])(along)
            return np.asarray(found).reshape(len(along), -1).T

        return _eigenvalues((gram + gram.T) / 2, bent)


def _eigenvalues(gram: np.ndarray, bent: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    values, vectors = np.linalg.eigh(gram)
    root = vectors * np.sqrt(np.maximum(values, 0.0))  # root root' = J J'
    inner = root.T @ bent(root)
    return np.linalg.eigvalsh((inner + inner.T) / 2)[::-1]


def cost_curvature_times(own: Problem, columns: np.ndarray) -> np.ndarray:
    """HC times columns (N k, m), block by block: HC is never written down."""
    parts, start = [], 0
    with own.precise():
        for block in own.blocks:
            outputs = outputs_of(own.form, own.leaves, own.fixed, block.X)
            stop = start + outputs.size
            given = jnp.asarray(columns[start:stop].T.reshape(-1, *outputs.shape), outputs.dtype)
            found = np.asarray(_bent(own.form, outputs, block.Y, block.weight, given))
            parts.append(found.reshape(len(found), -1).T.astype(np.float64))
            start = stop
    return np.concatenate(parts)


@partial(jax.jit, static_argnums=0)
def _bent(form: Form, outputs: Any, Y: Any, weight: Any, directions: Any) -> Any:
    slope = jax.linearize(jax.grad(lambda out: weight * form.loss(out, Y)), outputs)[1]
    return jax.vmap(slope)(directions)
