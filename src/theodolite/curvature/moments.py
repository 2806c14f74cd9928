"""The first moments of a spectrum, Tr A^k: exactly where that is cheap, else from random probes with error bars."""

from typing import Any

import numpy as np

from theodolite.curvature.estimate import Estimate
from theodolite.curvature.exact_trace import SMALL_GRAM, exact_trace
from theodolite.curvature.gram_spectrum import weighted_gram
from theodolite.curvature.krylov import generator, products_of, signs
from theodolite.curvature.operators import Operator
from theodolite.numerics.checks import positive_integer
from theodolite.numerics.errors import BadInput
from theodolite.numerics.progress import Progress, silent

SMALL = 600  # parameters: as many products as probes and repeats would cost
TOGETHER = 16


def moments(
    matrix: Any,
    orders: int = 4,
    *,
    budget: int = 64,
    exact: bool | None = None,
    seed: int | np.random.Generator = 0,
    progress: Progress = silent,
) -> tuple[Estimate, ...]:
    """Tr A, Tr A^2, ... up to `orders` <= 4.

    A probe v of random signs gives v'Av, |Av|^2, Av'A Av and |A Av|^2 from two products. Exactly: Gauss-Newton with at
    most 2000 outputs N k from the traces of ((HC) J J')^k; any matrix of at most 600 parameters, or an array, entry by
    entry. Of a smooth fully connected network, Tr S and Tr H are exact where probes give the others (`exact_trace`).

    Args: matrix, an Operator or anything symmetric with `@`; orders; budget of products for probes; exact, True or
        False to insist; seed.
    Returns: an Estimate for each order; the standard error is that of the mean over probes.
    Raises: BadInput; TooLarge. Source: Jacot, Gabriel and Hongler (2020), arXiv:1910.02875, section 2.

    >>> [round(one.value, 9) for one in moments(np.diag([1.0, 2.0]), 3)]
    [3.0, 5.0, 9.0]
    """
    orders = positive_integer(orders, "orders")
    if orders > 4:
        raise BadInput(f"orders is {orders}; expected 1 to 4; for more use spectral_density(matrix).moment(k)")
    if isinstance(matrix, np.ndarray) and exact is not False:
        return _from_dense(matrix.astype(np.float64), orders, 0)
    if exact is not False and isinstance(matrix, Operator):
        if matrix.name == "gauss_newton" and (exact or matrix.problem.output_count <= SMALL_GRAM):
            return _from_gram(matrix, orders, progress)
        if exact or matrix.shape[0] <= SMALL:
            return _from_dense(matrix.dense(progress).astype(np.float64), orders, matrix.shape[0])
    if exact:
        raise BadInput(f"exact moments need an Operator or an array, got {type(matrix).__name__}")
    found = _from_probes(matrix, orders, positive_integer(budget, "budget"), generator(seed), progress)
    first = exact_trace(matrix) if exact is None and isinstance(matrix, Operator) else None
    return found if first is None else (first, *found[1:])


def _from_dense(matrix: np.ndarray, orders: int, products: int) -> tuple[Estimate, ...]:
    square = matrix @ matrix if orders > 2 else matrix
    found = (np.trace(matrix), np.vdot(matrix, matrix), np.vdot(square, matrix), np.vdot(square, square))
    return tuple(Estimate(float(value), 0.0, products, "dense") for value in found[:orders])


def _from_gram(matrix: Operator, orders: int, progress: Progress) -> tuple[Estimate, ...]:
    weighted = weighted_gram(matrix.problem, memory_limit=matrix.memory_limit, progress=progress)
    square = weighted @ weighted if orders > 2 else weighted
    turned = weighted.T
    found = (np.trace(weighted), np.vdot(turned, weighted), np.vdot(turned, square), np.vdot(square.T, square))
    return tuple(Estimate(float(value), 0.0, 0, "gram") for value in found[:orders])


def _from_probes(
    matrix: Any, orders: int, budget: int, random: np.random.Generator, progress: Progress
) -> tuple[Estimate, ...]:
    rows, size = products_of(matrix)
    each_costs = 1 if orders <= 2 else 2
    count = budget // each_costs
    if count < 2:
        raise BadInput(f"budget is {budget}; expected at least {2 * each_costs} products, which show their spread")
    found: list[np.ndarray] = []
    for start in range(0, count, TOGETHER):
        probes = signs(random, (min(TOGETHER, count - start), size))
        once = rows(probes)
        twice = rows(once) if each_costs == 2 else once
        pairs = ((probes, once), (once, once), (once, twice), (twice, twice))
        found.append(np.array([np.einsum("ij,ij->i", a, b) for a, b in pairs[:orders]]))
        progress(start + len(probes), count, "moments")
    each = np.concatenate(found, axis=1)
    errors = each.std(axis=1, ddof=1) / np.sqrt(count)
    spent = count * each_costs
    return tuple(Estimate(float(m), float(e), spent, "hutchinson") for m, e in zip(each.mean(1), errors, strict=True))
