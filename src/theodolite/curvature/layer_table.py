"""How the curvature is divided among the layers: traces of all diagonal blocks from the same probes."""

from dataclasses import dataclass

import numpy as np

from theodolite.curvature.estimate import Estimate
from theodolite.curvature.krylov import generator, products_of, signs
from theodolite.curvature.operators import Operator, gauss_newton, hessian
from theodolite.curvature.problem import Problem
from theodolite.curvature.top_eigenvalues import top_eigenvalues
from theodolite.numerics.checks import positive_integer
from theodolite.numerics.errors import BadInput
from theodolite.numerics.progress import Progress, silent

TOGETHER = 8


@dataclass(frozen=True)
class LayerCurvature:
    """One layer: its number of parameters, the traces of its diagonal blocks, and the largest eigenvalue of that of H,
    with the bound on its error, None where it was not asked for."""

    name: str
    parameters: int
    hessian: Estimate
    gauss_newton: Estimate
    residual: Estimate
    largest: Estimate | None


def layer_table(
    problem: Problem,
    *,
    probes: int = 16,
    eigenvalue_products: int = 12,
    seed: int | np.random.Generator = 0,
    memory_limit: int | str | None = None,
    progress: Progress = silent,
) -> tuple[LayerCurvature, ...]:
    """The traces of H, I and S = H - I on every layer, and the largest eigenvalue of H there.

    For a probe v of random signs, the part of v'Av that belongs to a layer has the trace of its diagonal block as mean:
    one set of probes serves all layers, whatever their number.

    Args: problem, a Problem; probes, each one product with H and one with I; eigenvalue_products for each layer, or 0.
    Returns: a LayerCurvature for each layer, in the order of the vector. Raises: BadInput.
    Cost: 2 probes + layers x eigenvalue_products products.
    """
    probes = positive_integer(probes, "probes")
    if probes < 2:
        raise BadInput(f"probes is {probes}; expected at least 2, which show their spread")
    whole, ours = hessian(problem, memory_limit=memory_limit), gauss_newton(problem, memory_limit=memory_limit)
    entries = {name: problem.entries_of(positions) for name, positions in problem.layers.items()}
    random = generator(seed)
    found: dict[str, list[np.ndarray]] = {name: [] for name in entries}
    for start in range(0, probes, TOGETHER):
        drawn = signs(random, (min(TOGETHER, probes - start), problem.size))
        both = [drawn * products_of(part)[0](drawn) for part in (whole, ours)]
        for name, places in entries.items():
            found[name].append(np.array([each[:, places].sum(1) for each in both]))
        progress(start + len(drawn), probes, "layers")
    table = []
    for place, (name, places) in enumerate(entries.items()):
        each = np.concatenate(found[name], axis=1)
        traces = [_mean(values, 2 * probes) for values in (each[0], each[1], each[0] - each[1])]
        largest = _largest(whole, places, eigenvalue_products, random) if eigenvalue_products else None
        progress(place + 1, len(entries), f"layer {name}")
        table.append(LayerCurvature(name, len(places), traces[0], traces[1], traces[2], largest))
    return tuple(table)


class _Block:
    """A diagonal block by products of the whole matrix: nothing more to compile."""

    def __init__(self, whole: Operator, places: np.ndarray) -> None:
        self.whole, self.places = whole, places
        self.shape, self.dtype = (len(places), len(places)), whole.dtype

    def __matmul__(self, columns: np.ndarray) -> np.ndarray:
        filled = np.zeros((self.whole.shape[0], columns.shape[1]))
        filled[self.places] = columns
        return (self.whole @ filled)[self.places]


def _largest(whole: Operator, places: np.ndarray, products: int, random: np.random.Generator) -> Estimate:
    budget = min(products, len(places))
    found = top_eigenvalues(_Block(whole, places), 1, products=budget, tolerance=1e-3, seed=random)
    return Estimate(float(found.values[0]), float(found.bounds[0]), found.products, "Lanczos")


def _mean(each: np.ndarray, products: int) -> Estimate:
    error = float(each.std(ddof=1) / np.sqrt(len(each)))
    return Estimate(float(each.mean()), error, products, "hutchinson")
