"""Gauss-Newton from the side of the data: J'(HC)J and (HC) J J' have the same traces and non-zero eigenvalues."""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from theodolite.curvature.form import Form
from theodolite.curvature.jacobian_gram import jacobian_gram
from theodolite.curvature.problem import Problem, outputs_of
from theodolite.numerics.progress import Progress, silent


def weighted_gram(own: Problem, *, memory_limit: int | str | None = None, progress: Progress = silent) -> np.ndarray:
    """(HC) J J', (N k, N k), not symmetric in general."""
    gram = jacobian_gram(own, memory_limit=memory_limit, progress=progress).astype(np.float64)
    return cost_curvature_times(own, gram)


def gauss_newton_eigenvalues(
    own: Problem, *, memory_limit: int | str | None = None, progress: Progress = silent
) -> np.ndarray:
    """The N k eigenvalues of I that the data allow, falling; all others are 0.

    For the squared cost these are the eigenvalues of the empirical tangent kernel over N.
    Cost: a tangent kernel of all outputs, and 10 (N k)^3 operations.
    """
    gram = jacobian_gram(own, memory_limit=memory_limit, progress=progress).astype(np.float64)
    values, vectors = np.linalg.eigh(gram)
    root = vectors * np.sqrt(np.maximum(values, 0.0))  # root root' = J J'
    inner = root.T @ cost_curvature_times(own, root)
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
