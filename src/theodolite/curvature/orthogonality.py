"""How far Gauss-Newton and the residual act on different directions: cos(I, S)."""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from theodolite.curvature.estimate import Estimate
from theodolite.curvature.form import Form
from theodolite.curvature.gram_spectrum import cost_curvature_times
from theodolite.curvature.krylov import generator, products_of, signs
from theodolite.curvature.moments import SMALL
from theodolite.curvature.operators import Operator, gauss_newton, residual
from theodolite.curvature.problem import Problem, problem
from theodolite.numerics.checks import positive_integer
from theodolite.numerics.errors import BadInput
from theodolite.numerics.progress import Progress, silent

FEW_OUTPUTS = 128  # N k for which I S is taken exactly, a product for each output


def orthogonality(
    loss: Any,
    f: Any = None,
    params: Any = None,
    data: Any = None,
    *,
    probes: int = 16,
    exact: bool | None = None,
    seed: int | np.random.Generator = 0,
    memory_limit: int | str | None = None,
    progress: Progress = silent,
) -> Estimate:
    """cos(I, S) = |I S| / (|I| |S|) in Frobenius norms: 0 when the two parts of the Hessian see different directions.

    Exact for at most 600 parameters. For at most 128 outputs N k, |I S|^2 = Tr[(HC) B B' (HC) J J'] with B = J S and
    |I| are exact and |S|^2 = E |S v|^2 comes from probes; beyond, all three come from the same probes.

    Args: loss, f, params, data as `problem` reads them, or one Problem; probes; exact, True to insist on the dense
        matrices, False on probes; seed.
    Returns: an Estimate, in [0, 1] up to its error; 0 where I or S vanishes. At a wide network it falls as width^-1/2.
    Source: Jacot, Gabriel and Hongler (2020), arXiv:1910.02875, section 3. Cost: N k + probes products with S.

    >>> X = np.array([[1.0, 0.0], [1.0, 1.0]])
    >>> round(orthogonality("mse", lambda p, X: (X @ p) ** 2, np.array([1.0, 2.0]), (X, np.zeros(2))).value, 3)
    0.999
    """
    own = problem(loss, f, params, data)
    options: dict[str, Any] = {"memory_limit": memory_limit}
    ours, rest = gauss_newton(own, **options), residual(own, **options)
    probes = positive_integer(probes, "probes")
    if exact or (exact is None and own.size <= SMALL):
        left, right = (part.dense(progress).astype(np.float64) for part in (ours, rest))
        norms = [float(np.sum(part**2)) for part in (left @ right, left, right)]
        return Estimate(_cosine(norms), 0.0, 2 * own.size, "dense")
    if probes < 2:
        raise BadInput(f"probes is {probes}; expected at least 2, which show their spread")
    drawn = signs(generator(seed), (probes, own.size))
    times_rest, _ = products_of(rest)
    right = np.concatenate([times_rest(drawn[i : i + 8]) for i in range(0, probes, 8)])
    third = np.einsum("ij,ij->i", right, right)
    if exact is None and own.output_count <= FEW_OUTPUTS and 24 * own.output_count * own.size < 2**31:
        first, second = _exact_norms(own, rest)
        each = np.stack([np.full(probes, first), np.full(probes, second), third])
        spent, method = own.output_count + probes, "gram"
    else:
        times_ours, _ = products_of(ours)
        both, alone = times_ours(right), times_ours(drawn)
        each = np.stack([np.einsum("ij,ij->i", both, both), np.einsum("ij,ij->i", alone, alone), third])
        spent, method = 3 * probes, "hutchinson"
    progress(1, 1, "orthogonality")
    return Estimate(_cosine(list(each.mean(1))), _jackknife(each), spent, method)


def _exact_norms(own: Problem, rest: Operator) -> tuple[float, float]:
    """|I S|^2 and |I|^2 from the rows of J."""
    with own.precise():
        parts = [np.asarray(_jacobian(own.form, own.leaves, own.fixed, block.X)) for block in own.blocks]
    jacobian = np.concatenate(parts).astype(np.float64)
    moved = np.asarray(rest.rows(jacobian), np.float64)
    gram, seen = (cost_curvature_times(own, rows @ rows.T) for rows in (jacobian, moved))
    return max(float(np.vdot(seen.T, gram)), 0.0), float(np.vdot(gram.T, gram))


def _cosine(norms: list[float]) -> float:
    below = norms[1] * norms[2]
    return float(np.sqrt(max(norms[0], 0.0) / below)) if below > 0 else 0.0


def _jackknife(each: np.ndarray) -> float:
    """The standard error of the cosine of means, each probe left out in turn."""
    count = each.shape[1]
    left_out = (each.sum(1, keepdims=True) - each) / (count - 1)
    found = np.array([_cosine(list(column)) for column in left_out.T])
    return float(np.sqrt((count - 1) / count * np.sum((found - found.mean()) ** 2)))


@partial(jax.jit, static_argnums=0)
def _jacobian(form: Form, leaves: Any, fixed: Any, X: Any) -> Any:
    """(rows k, P)."""
    outputs, pull = jax.vjp(lambda own: jnp.ravel(form.outputs(own, fixed, X)), leaves)
    units = jnp.eye(len(outputs), dtype=outputs.dtype)
    return jax.vmap(lambda unit: form.join(pull(unit)[0], outputs.dtype))(units)
