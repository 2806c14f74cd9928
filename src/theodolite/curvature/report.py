"""The curvature report, measured: the Hessian, its two parts, and whether Gauss-Newton is safe."""

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from theodolite.curvature.estimate import Estimate
from theodolite.curvature.exact_trace import SMALL_GRAM
from theodolite.curvature.gram_spectrum import gauss_newton_eigenvalues
from theodolite.curvature.kinks import kinks
from theodolite.curvature.layer_table import layer_table
from theodolite.curvature.moments import SMALL, moments
from theodolite.curvature.operators import Operator, gauss_newton, hessian, residual
from theodolite.curvature.orthogonality import orthogonality
from theodolite.curvature.problem import Problem, problem
from theodolite.curvature.report_record import CurvatureReport, Directions
from theodolite.curvature.spectral_density import SpectralDensity, spectral_density
from theodolite.curvature.top_eigenvalues import TopEigenvalues, stable_learning_rate, top_eigenvalues
from theodolite.numerics import memory
from theodolite.numerics.checks import positive_integer
from theodolite.numerics.progress import Progress, silent

SAFE, UNSAFE = 0.1, 0.5  # |S|op over the largest eigenvalue of I: a choice of ours, no result of the paper
EXTRA = 60  # products beyond those asked for that an end of a spectrum may take


def report(
    f: Any,
    params: Any = None,
    data: Any = None,
    loss: Any = "mse",
    *,
    probes: int = 10,
    steps: int = 40,
    top: int = 10,
    block: int | None = None,
    seed: int = 0,
    memory_limit: int | str | None = None,
    progress: Progress = silent,
) -> CurvatureReport:
    """Measure the curvature of a loss at given parameters: the Hessian, Gauss-Newton and the residual side by side.

    Args: f, params, data, loss, block as `problem` reads them, or one Problem as f; probes and Lanczos steps of the
        densities; top, eigenvalues at the upper end; seed; memory_limit, checked before the first product; progress.
    Returns: a CurvatureReport; `str()` of it is a table, `.to_json()` a document, and reporting.write_curvature_page a
        page with figures.
    Raises: as `problem`; TooLarge, which says how many steps would fit.
    Source: Jacot, Gabriel and Hongler (2020), arXiv:1910.02875. Gauss-Newton is called safe where |S|op is below a
        tenth of the largest eigenvalue of I, unsafe above a half (thresholds of this library).
    Cost: about 3 probes steps + 500 products.
    """
    began = time.perf_counter()
    own = f if isinstance(f, Problem) else problem(loss, f, params, data, block=block)
    probes, steps, top = (
        positive_integer(value, name) for value, name in ((probes, "probes"), (steps, "steps"), (top, "top"))
    )
    require_memory(own, probes=probes, steps=steps, top=top, memory_limit=memory_limit)
    operators = {"hessian": hessian(own, memory_limit=memory_limit)}
    operators["gauss_newton"] = gauss_newton(own, memory_limit=memory_limit)
    operators["residual"] = residual(own, memory_limit=memory_limit)
    stage = _Stages(progress, 3 + 1 + 3 + 3 * 4 + 1)
    gram = None
    if own.output_count <= SMALL_GRAM:
        gram = gauss_newton_eigenvalues(own, memory_limit=memory_limit, progress=stage("tangent kernel"))
    found = {
        part: moments(one, 4, exact=_by_sum(part, own), seed=seed, progress=stage("moments of " + part))
        for part, one in operators.items()
        if part != "gauss_newton" or gram is None
    }
    if gram is not None:
        found["gauss_newton"] = tuple(Estimate(float(np.sum(gram**k)), 0.0, 0, "gram") for k in (1, 2, 3, 4))
    found["hessian"] = _with_sum(found)
    cosine = orthogonality(own, seed=seed, memory_limit=memory_limit, progress=stage("orthogonality"))
    ends = {}
    for part, one in operators.items():
        ends[part] = _ends(one, own, part, top, seed, memory_limit, stage("eigenvalues of " + part))
    densities = {
        part: spectral_density(
            one,
            probes=probes,
            steps=steps,
            seed=seed,
            memory_limit=memory_limit,
            progress=stage("density of " + part, 4),
        )
        for part, one in operators.items()
    }
    layers = layer_table(own, seed=seed, memory_limit=memory_limit, progress=stage("layers"))
    along = {part: _directions(operators, ends[part], top) for part in ("gauss_newton", "residual")}
    verdict, reason = _verdict(ends, cosine)
    largest = ends["hessian"]
    return CurvatureReport(
        parameters=own.size,
        rows=own.rows,
        outputs=own.output_count // own.rows,
        dtype=str(own.dtype),
        loss=own.loss if isinstance(own.loss, str) else getattr(own.loss, "__name__", "loss"),
        value=own.value,
        gradient_norm=float(np.linalg.norm(own.gradient)),
        moments=found,
        cosine=cosine,
        top=ends,
        along_gauss_newton=along["gauss_newton"],
        along_residual=along["residual"],
        densities=densities,
        gram_eigenvalues=gram,
        layers=layers,
        learning_rate=stable_learning_rate(float(largest.values[0]), float(largest.bounds[0]), largest.products),
        verdict=verdict,
        reason=reason,
        notes=tuple(_notes(own, densities, ends)),
        seconds=time.perf_counter() - began,
    )


def require_memory(
    own: Problem, *, probes: int = 10, steps: int = 40, top: int = 10, memory_limit: int | str | None = None
) -> int:
    """Bytes that a report holds at once at least; probes beyond the first wait for their turn where memory is short.

    Raises: TooLarge, with the number of steps that would fit.
    """
    vector = 8 * own.size
    basis = max(steps, 4 * top + 12)
    others = vector * 24  # products and probes under way, parameters, results
    needed = vector * basis + others
    fits = (memory.limit_bytes(memory_limit) - others) // vector
    instead = (
        f"steps={fits - 1} would fit"
        if fits > 4 * top + 12
        else "use fewer steps and top, or one layer of the problem with problem(...).restricted(name)"
    )
    memory.require(needed, memory_limit, f"a curvature report of {own.size:,} parameters with {steps} steps", instead)
    return needed


class _Stages:
    """Parts of long work told as one progress."""

    def __init__(self, progress: Progress, total: int) -> None:
        self.progress, self.total, self.done, self.reached = progress, total, 0, 0.0

    def __call__(self, name: str, weight: int = 1) -> Progress:
        before, self.done = self.done, self.done + weight

        def tell(done: float, total: float, what: str) -> None:
            share = min(done / total, 1.0) if total else 0.0
            self.reached = max(self.reached, before + weight * share)  # a stage may count in rounds
            self.progress(self.reached, self.total, name.replace("_", "-"))

        return tell


def _ends(
    one: Operator, own: Problem, part: str, top: int, seed: int, limit: int | str | None, progress: Progress
) -> TopEigenvalues:
    """The upper end, and the lower one where it can be negative; as good as the products allow, with bounds."""
    options: dict[str, Any] = {"tolerance": 1e-4, "seed": seed, "memory_limit": limit, "progress": progress}
    if part == "gauss_newton":
        many = min(top, own.output_count, own.size)
        return top_eigenvalues(one, many, products=min(2 * many + EXTRA, max(own.size, many)), **options)
    high = min(top, own.size)
    low = min(top if part == "residual" else 1, own.size - high)
    return top_eigenvalues(one, high, lowest=low, products=max(2 * (high + low) + EXTRA, high + low), **options)


def _directions(operators: dict[str, Operator], ends: TopEigenvalues, top: int) -> Directions:
    order = np.argsort(-np.abs(ends.values), kind="stable")[:top]
    vectors = ends.vectors[order]
    along = [
        np.einsum("ij,ij->i", vectors, operators[part].rows(vectors).astype(np.float64))
        for part in ("gauss_newton", "residual")
    ]
    return Directions(along[0], along[1])


def _by_sum(part: str, own: Problem) -> bool | None:
    """Tr H is put together from both parts, once: not from the Gram matrix and the Laplacian again."""
    return False if part == "hessian" and own.size > SMALL else None


def _with_sum(found: dict[str, tuple[Estimate, ...]]) -> tuple[Estimate, ...]:
    """Tr H = Tr I + Tr S, where that is known better."""
    own, ours, rest = (found[part][0] for part in ("hessian", "gauss_newton", "residual"))
    error = float(np.hypot(ours.standard_error, rest.standard_error))
    if error >= own.standard_error:
        return found["hessian"]
    return Estimate(ours.value + rest.value, error, rest.products, "Tr I + Tr S"), *found["hessian"][1:]


def _verdict(ends: dict[str, TopEigenvalues], cosine: Estimate) -> tuple[str, str]:
    values, bounds = ends["residual"].values, ends["residual"].bounds
    size = float(np.max(np.abs(values) + bounds))
    curved = float(ends["gauss_newton"].values[0])
    lowest = float(ends["hessian"].values[-1])
    if curved <= 0:
        return "not safe", "Gauss-Newton has no positive curvature here"
    ratio = size / curved
    words = f"the residual's largest |eigenvalue| is {size:.3g}, {100 * ratio:.3g} % of Gauss-Newton's {curved:.3g}"
    if ratio < SAFE:
        return "safe", f"{words}: it describes the Hessian along all strongly curved directions"
    damping = f"; with a damping above {size:.3g} its steps are those of a positive matrix all the same"
    if lowest < -SAFE * curved:
        damping = f"; the Hessian has a negative eigenvalue {lowest:.3g} that Gauss-Newton cannot see" + damping
    return ("borderline" if ratio < UNSAFE else "not safe"), words + damping


def _notes(own: Problem, densities: dict[str, SpectralDensity], ends: dict[str, TopEigenvalues]) -> list[str]:
    notes = []
    with own.precise():
        call: Callable[[Any], Any] = lambda X: own.form.outputs(own.leaves, own.fixed, X)  # noqa: E731
        bent = kinks(call, own.blocks[0].X)
    if bent:
        notes.append(
            f"f has kinks ({', '.join(bent)}): the Hessian and S are those of the smooth pieces, what the kinks "
            "contribute is missing; Gauss-Newton is unaffected"
        )
    if own.gradient.size and np.linalg.norm(own.gradient) == 0:
        notes.append("the gradient vanishes here: an exact critical point")
    open_ends = [part.replace("_", "-") for part, one in ends.items() if not one.converged]
    if open_ends:
        notes.append(
            f"some eigenvalues of {', '.join(open_ends)} are known only within their bounds; "
            "top_eigenvalues(...) without a budget goes on until they are"
        )
    return notes
