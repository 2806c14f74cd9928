"""Kernel principal components: the directions in function space that training learns one after the other."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from theodolite.numerics.checks import positive_integer
from theodolite.numerics.errors import BadInput
from theodolite.training_dynamics.gram_spectrum import gram_spectrum
from theodolite.training_dynamics.problem import GramRows, KernelRows, problem_from_kernel
from theodolite.training_dynamics.squared_flow import KernelFlow


@dataclass(frozen=True, eq=False)
class KernelComponents:
    """The leading eigenfunctions f_i of (Pi f)(x) = 1/N sum_j f(x_j) K(x_j, x), of mean square 1 on the data.

    Not centred: with biases the first is nearly constant. The sign of each makes its largest value positive.
    Attributes: eigenvalues (c,), of K/N, largest first; values (n, c), at the training points.
    Source: Jacot, Gabriel and Hongler (2018), arXiv:1806.07572, section 5.
    """

    eigenvalues: np.ndarray
    values: np.ndarray
    _points: KernelRows | GramRows = field(repr=False)

    def at(self, Z: Any) -> np.ndarray:
        """The components at new points, f_i(x) = 1/(lambda_i N) sum_j K(x, x_j) f_i(x_j), (m, c).

        Args: Z (m, ...); for a flow made from a Gram matrix the rows K(Z, X). Raises ShapeMismatch, NotFinite.
        """
        return self._points.times(Z, self.values / (len(self.values) * self.eigenvalues))

    @property
    def half_lives(self) -> np.ndarray:
        """ln 2 / lambda_i, (c,): the time in which the error along a component halves under gradient flow."""
        return np.log(2.0) / self.eigenvalues

    def times_to(self, share: float) -> np.ndarray:
        """ln(1 / share) / lambda_i, (c,): the time after which this share of the error along a component remains.

        Args: share, in (0, 1). Raises BadInput. Divide by a small learning rate for a number of steps.
        """
        if not 0 < share < 1:
            raise BadInput(f"share, what remains of an error, must lie between 0 and 1, got {share!r}")
        return -np.log(share) / self.eigenvalues

    def coefficients(self, columns: Any) -> np.ndarray:
        """<f_i, g>_p = 1/N sum_j f_i(x_j) g(x_j) of g (n,) or (n, k) on the training points: (c,) or (c, k)."""
        return self.values.T @ np.asarray(columns, dtype=np.float64) / len(self.values)


def kernel_components(
    source: Any, X: Any = None, count: int | None = None, *, memory_limit: int | str | None = None
) -> KernelComponents:
    """The leading kernel principal components of the data.

    Pi f = lambda f, with eigenvalues lambda of K/N; under training the error along each falls as exp(-t lambda).

    Args: source, a `KernelFlow` (its eigenvectors are reused) or a kernel with points X (n, ...); count of components,
        by default all of an eigenvalue above round-off. Returns: `KernelComponents`.
    Raises: ShapeMismatch, NotFinite, NotPositiveDefinite, TooLarge; BadInput for more components than the rank.
    Source: Jacot, Gabriel and Hongler (2018), arXiv:1806.07572, section 5.
    Cost: for a kernel, its Gram matrix and one eigendecomposition.

    >>> from theodolite.kernels import Linear
    >>> components = kernel_components(Linear(), [[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0], [0.0, -1.0], [1.0, 0.0]])
    >>> components.eigenvalues.round(6), components.at([[2.0, 0.0]]).round(6) + 0.0
    (array([0.3, 0.2]), array([[2.581989, 0.      ]]))
    """
    if isinstance(source, KernelFlow):
        spectrum, points = source.spectrum, source.problem.points
    elif X is None:
        raise BadInput(f"expected a KernelFlow, or a kernel with points X, got {type(source).__name__} alone")
    else:
        problem = problem_from_kernel(source, X, np.zeros(len(X)), None, memory_limit)
        spectrum, points = gram_spectrum(problem.gram, memory_limit=memory_limit), problem.points
    c = spectrum.rank if count is None else positive_integer(count, "count of components")
    if c > spectrum.rank:
        raise BadInput(f"count of components is {c}; only {spectrum.rank} eigenvalues of K/N are above round-off")
    vectors = spectrum.vectors[:, :c]
    signs = np.sign(vectors[np.abs(vectors).argmax(0), np.arange(c)])
    return KernelComponents(spectrum.eigenvalues[:c], vectors * (signs * np.sqrt(len(vectors))), points)
