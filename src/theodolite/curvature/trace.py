"""The trace of a matrix known by its products, with its standard error."""

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.linalg import qr, solve_triangular

from theodolite.curvature.estimate import Estimate
from theodolite.curvature.krylov import Rows, generator, products_of, signs
from theodolite.numerics import memory
from theodolite.numerics.checks import positive_integer
from theodolite.numerics.errors import BadInput
from theodolite.numerics.progress import Progress, silent

# Products from which XTrace is taken. Over thirteen spectra, six of them Hessians, its error from 8 products on was
# never more than 1.6 times that of the best method, that of plain probes up to 500 times (benchmarks/trace_estimators).
FEW = 8
# The left-out estimates of XTrace lean on almost the same range, so their spread is too small as an error of the mean:
# over six kinds of spectra and 12 to 160 products the true error was 1.0 to 1.5 times larger.
CORRELATED = np.sqrt(2.0)
TOGETHER = 16  # probes multiplied in one call


def trace(
    matrix: Any,
    budget: int = 60,
    *,
    method: str | None = None,
    seed: int | np.random.Generator = 0,
    memory_limit: int | str | None = None,
    progress: Progress = silent,
) -> Estimate:
    """Tr A, by the method that a budget of products serves best.

    Args: matrix, an Operator or anything symmetric with `@`; budget of products, at least 2; method, "hutchinson",
        "hutch++", "xtrace" or "exact", by default exact for a budget of P or more, XTrace from 8 products on, Hutch++
        where XTrace's vectors (3/2 budget x P numbers) do not fit, and Hutchinson where nothing else does.
    Returns: an Estimate; it is unbiased and its standard error comes from its own probes.
    Raises: BadInput; TooLarge for a method that was asked for and does not fit.
    Source: Hutchinson (1990); Meyer, Musco, Musco and Woodruff (2021), arXiv:2010.09649; Epperly, Tropp and Webber
        (2024), arXiv:2301.07825. Cost: the budget, and 2 budget^2 P operations for the last two.

    >>> trace(np.diag([1.0, 2.0, 4.0]), budget=3)
    Estimate(value=7.0, standard_error=0.0, products=3, method='exact')
    """
    rows, size = products_of(matrix)
    budget = positive_integer(budget, "budget")
    methods: dict[str, Callable[..., Estimate]] = {
        "hutchinson": _hutchinson,
        "hutch++": _hutch_plus_plus,
        "xtrace": _xtrace,
        "exact": _exact,
    }
    if method is not None and method not in methods:
        raise BadInput(f"no method is called {method!r}; expected {', '.join(methods)}")
    vectors = {"xtrace": 3 * budget // 2, "hutch++": budget}
    if method is None:
        method = _chosen(budget, size, {name: 8 * size * v for name, v in vectors.items()}, memory_limit)
    elif method in vectors:
        needed = 8 * size * vectors[method]
        memory.require(needed, memory_limit, f"{method} with {budget} products", "use method='hutchinson'")
    if budget < 2 and method != "exact":
        raise BadInput(f"budget is {budget}; expected at least 2 products, which show their spread")
    if method in vectors and budget < (4 if method == "xtrace" else 6):
        raise BadInput(f"{method} needs at least 6 products, got {budget}; use method='hutchinson'")
    return methods[method](rows, size, budget, generator(seed), progress)


def _chosen(budget: int, size: int, needed: dict[str, int], memory_limit: int | str | None) -> str:
    if budget >= size:
        return "exact"
    if budget < FEW:
        return "hutchinson"
    limit = memory.limit_bytes(memory_limit)
    return next((name for name in ("xtrace", "hutch++") if needed[name] <= limit), "hutchinson")


def _in_groups(rows: Rows, vectors: np.ndarray, progress: Progress, done: int, total: int) -> np.ndarray:
    parts = []
    for i in range(0, len(vectors), TOGETHER):
        parts.append(rows(vectors[i : i + TOGETHER]))
        progress(min(done + i + TOGETHER, total), total, "trace")
    return np.concatenate(parts)


def _exact(rows: Rows, size: int, budget: int, random: np.random.Generator, progress: Progress) -> Estimate:
    total = 0.0
    for i in range(0, size, TOGETHER):
        some = np.arange(i, min(i + TOGETHER, size))
        units = np.zeros((len(some), size))
        units[np.arange(len(some)), some] = 1.0
        total += float(rows(units)[np.arange(len(some)), some].sum())
        progress(some[-1] + 1, size, "trace")
    return Estimate(total, 0.0, size, "exact")


def _hutchinson(rows: Rows, size: int, budget: int, random: np.random.Generator, progress: Progress) -> Estimate:
    each: list[float] = []
    while len(each) < budget:
        probes = signs(random, (min(TOGETHER, budget - len(each)), size))
        each.extend(np.einsum("ij,ij->i", probes, rows(probes)))
        progress(len(each), budget, "trace")
    return Estimate(float(np.mean(each)), float(np.std(each, ddof=1) / np.sqrt(budget)), budget, "hutchinson")


def _hutch_plus_plus(rows: Rows, size: int, budget: int, random: np.random.Generator, progress: Progress) -> Estimate:
    """The trace on the range of a sketch, exactly, and Hutchinson on what is left."""
    sketch = budget // 3
    probes_left = budget - 2 * sketch
    basis = _basis(_in_groups(rows, signs(random, (sketch, size)), progress, 0, budget))
    inside = float(np.einsum("ij,ij->", basis, _in_groups(rows, basis, progress, sketch, budget)))
    probes = signs(random, (probes_left, size))
    probes -= (probes @ basis.T) @ basis
    products = _in_groups(rows, probes, progress, 2 * sketch, budget)
    each = np.einsum("ij,ij->i", probes, products)
    spread = float(np.std(each, ddof=1) / np.sqrt(probes_left)) if probes_left > 1 else float("nan")
    return Estimate(inside + float(each.mean()), spread, budget, "hutch++")


def _xtrace(rows: Rows, size: int, budget: int, random: np.random.Generator, progress: Progress) -> Estimate:
    """Every probe estimates what the others' range leaves; the mean over probes, all left out in turn.

    Epperly, Tropp and Webber (2024), with the normalisation of their section 2.3: for a Gaussian probe, what is left is
    rescaled to the length that its direction has on average.
    """
    n = budget // 2
    probes = random.standard_normal((n, size))
    probes *= np.sqrt(size) / np.linalg.norm(probes, axis=1, keepdims=True)
    image = _in_groups(rows, probes, progress, 0, 2 * n)
    orthogonal: Any = qr(image.T, mode="economic")
    basis, upper = orthogonal[0].T, orthogonal[1]
    if not np.all(np.abs(upper.diagonal()) > 1e-12 * np.abs(upper).max(initial=0.0)):
        return _on_range(rows, basis, upper, n, progress)
    again = _in_groups(rows, basis, progress, n, 2 * n)
    # columns s_i: the direction of the range that is lost when probe i is left out
    lost = solve_triangular(upper.T, np.eye(n), lower=True)
    lost /= np.linalg.norm(lost, axis=0)
    inner = basis @ again.T
    along = basis @ probes.T  # Q' omega
    cut = along - lost * np.einsum("ij,ij->j", lost, along)  # (Id - s s') Q' omega
    left = size - np.einsum("ij,ij->j", cut, cut)  # |o_i|^2, o_i = omega_i - Q cut_i
    # o' A o without another product: omega' A omega - 2 cut' Q' A omega + cut' Q' A Q cut
    seen = basis @ image.T
    form = (
        np.einsum("ij,ij->i", probes, image)
        - 2 * np.einsum("ij,ij->j", cut, seen)
        + np.einsum("ij,ij->j", cut, inner @ cut)
    )
    each = np.trace(inner) - np.einsum("ij,ij->j", lost, inner @ lost) + (size - n + 1) / left * form
    return Estimate(float(each.mean()), float(CORRELATED * each.std(ddof=1) / np.sqrt(n)), 2 * n, "xtrace")


def _on_range(rows: Rows, basis: np.ndarray, upper: np.ndarray, n: int, progress: Progress) -> Estimate:
    """A matrix of rank below the number of probes: its trace on its range is its trace."""
    kept: Any = np.linalg.svd(upper)
    basis = (kept[0][:, kept[1] > 1e-12 * max(kept[1][0], np.finfo(float).tiny)]).T @ basis
    again = _in_groups(rows, basis, progress, n, 2 * n) if len(basis) else np.zeros_like(basis)
    return Estimate(float(np.einsum("ij,ij->", basis, again)), 0.0, n + len(basis), "xtrace")


def _basis(vectors: np.ndarray) -> np.ndarray:
    """An orthonormal basis, rows, of the space that some vectors span."""
    found: Any = np.linalg.qr(vectors.T)
    return np.ascontiguousarray(found[0].T)
