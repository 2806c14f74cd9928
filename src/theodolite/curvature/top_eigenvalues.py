"""The ends of a spectrum, with a bound on the error of each eigenvalue."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from theodolite.curvature.estimate import Estimate
from theodolite.curvature.krylov import BROKEN, Rows, generator, orthogonalised, products_of
from theodolite.numerics import memory
from theodolite.numerics.checks import positive, positive_integer
from theodolite.numerics.errors import BadInput, DidNotConverge
from theodolite.numerics.progress import Progress, silent

SHARE = 0.5  # of the memory limit that the basis may take before it is condensed to what it found
AT_ONCE = 2**28  # bytes of a basis that are set aside at once; a larger one grows, and is copied as it does


@dataclass(frozen=True)
class TopEigenvalues:
    """Eigenvalues at the ends of a spectrum.

    Attributes: values (m,), falling: the largest first, then the lowest ones that were asked for; vectors, rows (m, P)
    of unit length; bounds (m,): within this distance of each value there is an eigenvalue; products spent; converged,
    whether all bounds are within the tolerance.
    """

    values: np.ndarray
    vectors: np.ndarray = field(repr=False)
    bounds: np.ndarray
    products: int
    converged: bool


def top_eigenvalues(
    matrix: Any,
    count: int = 10,
    *,
    lowest: int = 0,
    tolerance: float = 1e-5,
    products: int | None = None,
    seed: int | np.random.Generator = 0,
    memory_limit: int | str | None = None,
    progress: Progress = silent,
) -> TopEigenvalues:
    """The largest eigenvalues of a symmetric matrix, and the lowest when asked for.

    Lanczos with full reorthogonalisation in float64: no eigenvalue comes twice unless it is double. Where the basis
    outgrows its memory it is condensed to its best vectors and goes on (thick restart).

    Args: matrix, an Operator or anything symmetric with `@`; count of the largest, lowest of the smallest; tolerance,
        of the residual |A x - value x| relative to the largest |eigenvalue|: a value is then accurate to about its
        square over the gap; products, a budget: what was found is returned with its bounds when it is spent. An
        eigenvalue of high multiplicity shows fewer copies until the others are found.
    Returns: TopEigenvalues. Raises: DidNotConverge when 40 (count + lowest) + 200 products do not suffice and no budget
        was given; BadInput; TooLarge.
    Source: Wu and Simon (2000), SIAM J. Matrix Anal. 22; Parlett (1998), section 13.2, for the bounds.
    Cost: some tens of products beyond count, and 4 P operations for each pair of basis vectors.

    >>> found = top_eigenvalues(np.diag([5.0, 3.0, 1.0, -2.0]), 2, lowest=1)
    >>> found.values.round(8).tolist(), found.converged
    ([5.0, 3.0, -2.0], True)
    """
    rows, size = products_of(matrix)
    count = min(positive_integer(count, "count"), size)
    lowest = min(positive_integer(lowest, "lowest") if lowest else 0, size - count)
    tolerance, wanted = positive(tolerance, "tolerance"), count + lowest
    most = 40 * wanted + 200 if products is None else positive_integer(products, "products")
    if most < min(wanted, size):
        raise BadInput(f"products is {most}; expected at least the {wanted} eigenvalues asked for")
    room = int(min(SHARE * memory.limit_bytes(memory_limit) // (8 * size), most + 1, size))
    least = min(2 * wanted + 12, size)
    memory.require(8 * least * size, memory_limit, f"a basis for {wanted} eigenvectors", "ask for fewer, or one layer")
    floor = float(np.finfo(getattr(matrix, "dtype", np.float64)).eps)
    space = _Space(rows, size, max(room, least), generator(seed))
    while True:
        space.grow()
        ready = space.used >= min(wanted, size)
        if not (ready and (space.used % 5 == 0 or space.full or space.spent >= most)):
            continue
        values, turned, scale = space.ritz()
        ends = np.concatenate([np.arange(len(values))[::-1][:count], np.arange(lowest)[::-1]])
        bounds = np.maximum(abs(space.left * turned[-1, ends]), floor * scale)
        done = bool((bounds <= max(tolerance, 2 * floor) * scale).all())
        progress(float((bounds <= tolerance * scale).sum()), wanted, f"eigenvalues, {space.spent} products")
        if done or space.spent >= most or space.used == size:
            if not done and products is None:
                raise DidNotConverge(
                    f"{wanted} eigenvalues are not within {tolerance:g} of the largest after {space.spent} products; "
                    f"the worst bound is {bounds.max() / scale:.2g}: give `products`, or a larger tolerance"
                )
            vectors = turned[:, ends].T @ space.basis[: space.used]
            return TopEigenvalues(values[ends], vectors, bounds, space.spent, done)
        if space.full:
            space.condense(turned, values, count, lowest)


def largest_stable_learning_rate(matrix: Any, **options: Any) -> Estimate:
    """2 over the largest eigenvalue of the Hessian: gradient descent on the quadratic model diverges above it.

    Args: matrix, the Hessian; options of `top_eigenvalues`. Returns: an Estimate, whose error is the bound on the
    eigenvalue carried over; infinite where no eigenvalue is positive. Source: spec of gradient descent on quadratics.

    >>> print(largest_stable_learning_rate(np.diag([4.0, 1.0])))
    0.5
    """
    found = top_eigenvalues(matrix, 1, **options)
    return stable_learning_rate(float(found.values[0]), float(found.bounds[0]), found.products)


def stable_learning_rate(largest: float, bound: float, products: int) -> Estimate:
    """2 / largest, with the error that a bound on the eigenvalue leaves.

    >>> stable_learning_rate(-1.0, 0.0, 3).value
    inf
    """
    if largest <= 0:
        return Estimate(float("inf"), 0.0, products, "Lanczos")
    error = 2 * bound / largest**2
    return Estimate(2 / largest, error if error > 1e-12 * 2 / largest else 0.0, products, "Lanczos")


class _Space:
    """A growing orthonormal basis Q, rows, with T = Q A Q' and what sticks out of it: A Q' = Q' T + left q e'."""

    def __init__(self, rows: Rows, size: int, room: int, random: np.random.Generator) -> None:
        self.rows, self.room, self.random = rows, room, random
        self.basis = np.empty((min(max(16, AT_ONCE // (8 * size)), room), size))
        self.projected = np.zeros((room, room))
        self.used, self.spent, self.left = 0, 0, 0.0
        start = random.standard_normal(size)
        self.next = start / np.linalg.norm(start)

    @property
    def full(self) -> bool:
        return self.used == self.room

    def grow(self) -> None:
        """One product more."""
        if self.used == len(self.basis):
            larger = np.empty((min(2 * len(self.basis), self.room), self.basis.shape[1]))
            larger[: self.used] = self.basis
            self.basis = larger
        self.basis[self.used] = self.next
        product = self.rows(self.next[None])[0]
        self.spent += 1
        self.used += 1
        rest, taken = orthogonalised(self.basis[: self.used], product)
        self.projected[: self.used, self.used - 1] = self.projected[self.used - 1, : self.used] = taken
        self.left = float(np.linalg.norm(rest))
        if self.left <= BROKEN * max(float(np.abs(self.projected).max()), self.left):
            self.left = 0.0  # the space is invariant: go on outside of it
            rest = orthogonalised(self.basis[: self.used], self.random.standard_normal(len(rest)))[0]
        norm = np.linalg.norm(rest)
        self.next = rest / norm if norm > 0 else rest

    def ritz(self) -> tuple[np.ndarray, np.ndarray, float]:
        """Eigenvalues of T, rising, its eigenvectors as columns, and the largest |eigenvalue|."""
        values, turned = np.linalg.eigh(self.projected[: self.used, : self.used])
        return values, turned, float(np.abs(values).max())

    def condense(self, turned: np.ndarray, values: np.ndarray, count: int, lowest: int) -> None:
        """Keep the Ritz vectors of both ends that are asked for and half as many again."""
        half = max((self.room - count - lowest) // 3, 1)
        top, bottom = (count + half, lowest) if not lowest else (count + half // 2, lowest + half // 2)
        kept = np.unique(np.concatenate([np.arange(bottom), len(values) - 1 - np.arange(top)]))
        self.basis[: len(kept)] = turned[:, kept].T @ self.basis[: self.used]
        self.projected[:] = 0.0
        self.projected[np.arange(len(kept)), np.arange(len(kept))] = values[kept]
        self.used = len(kept)
