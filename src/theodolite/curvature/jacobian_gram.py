"""The Gram matrix of the Jacobian, J J', with outputs in the order of the data."""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from theodolite.curvature.form import PARAMETER, Form
from theodolite.curvature.problem import Problem, problem
from theodolite.finite_width import tangent_kernel
from theodolite.finite_width.tangent_gram import tangent_gram
from theodolite.numerics.progress import Progress, silent


def jacobian_gram(
    f: Any,
    params: Any = None,
    X: Any = None,
    *,
    memory_limit: int | str | None = None,
    progress: Progress = silent,
) -> np.ndarray:
    """J J' with J = d f / d theta, the tangent kernel of all outputs on the data: (N k, N k), rows first, then outputs.

    Args: f, params, X (N, ...) as in `problem`, or one Problem instead of all, whose inputs are taken. Its blocks and
        held parameters count. memory_limit, progress: as `tangent_kernel`, which does the work.
    Returns: a symmetric positive semi-definite array of the dtype of params; on a Problem, float64 on the host.
    Source: Jacot, Gabriel and Hongler (2020), arXiv:1910.02875, section 2. Cost: as `tangent_kernel`.

    >>> jacobian_gram(lambda p, X: X @ p, np.ones(2), np.eye(2)).tolist()
    [[1.0, 0.0], [0.0, 1.0]]
    """
    if not isinstance(f, Problem):
        rows = jax.tree.leaves(X)[0].shape[0]
        own = problem(_no_loss, f, params, (X, np.zeros(rows)))
    else:
        own = f
    if own.tied:
        return _tied(own)
    form = own.form
    whole = all(kind == PARAMETER for kind in form.kinds)
    with own.precise():
        inputs = jax.tree.map(lambda *parts: jnp.concatenate(parts), *[block.X for block in own.blocks])
        function = own.f if whole else lambda leaves, batch: form.outputs(leaves, own.fixed, batch)
        tree: Any = own.params if whole else own.leaves
        tree = jax.tree.map(jnp.asarray, tree)
        full = tangent_kernel(function, tree, inputs, outputs="full", memory_limit=memory_limit, progress=progress)
    size = own.output_count
    matrix = np.asarray(full).transpose(0, 2, 1, 3).reshape(size, size)
    return (matrix + matrix.T) / 2


def _tied(own: Problem) -> np.ndarray:
    """Batch by batch, for functions whose rows depend on each other."""
    with own.precise():
        rows = [
            np.concatenate([np.asarray(_pair(own.form, own.leaves, own.fixed, a.X, b.X)) for b in own.blocks], axis=1)
            for a in own.blocks
        ]
    matrix = np.concatenate(rows)
    return (matrix + matrix.T) / 2


@partial(jax.jit, static_argnums=0)
def _pair(form: Form, leaves: Any, fixed: Any, X: Any, Z: Any) -> Any:
    left, right = (lambda own, batch=batch: jnp.ravel(form.outputs(own, fixed, batch)) for batch in (X, Z))
    return tangent_gram(left, leaves, right)


def _no_loss(outputs: Any, targets: Any) -> Any:
    return 0.0 * jnp.sum(outputs)
