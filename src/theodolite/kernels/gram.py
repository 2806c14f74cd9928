"""Gram matrices of large data: block by block, within a memory limit, half the work when symmetric."""

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from theodolite.kernels.kernel import Kernel, as_kernel
from theodolite.kernels.pairs import Pairs, as_data
from theodolite.numerics import memory
from theodolite.numerics.checks import finite, positive_integer
from theodolite.numerics.progress import Progress, silent

ENTRIES = 2**17  # of a block of rows, which then stays in the processor's cache
_TEMPORARIES = 6  # arrays of one block alive at once: 2 to 5 for one kernel, 6 for sums of products


def gram(
    kernel: Kernel,
    X: Any,
    Z: Any = None,
    *,
    block: int | None = None,
    memory_limit: int | str | None = None,
    progress: Progress = silent,
) -> np.ndarray:
    """The matrix K(X, Z) on the host, or K(X, X), computed in blocks of rows.

    Args: kernel, or any function (X, Z) -> (n, m); X (n, d) and Z (m, d), finite; block, rows at a time, by default
        32 to 128 that stay in the processor's cache; memory_limit, bytes or text such as "4GB", by default 60 % of the
        free memory; progress, told after each block.
    Returns: (n, m) float64, or float32 when the points are float32. K(X, X) is exactly symmetric.
    Raises: TooLarge before anything is allocated, NotFinite, ShapeMismatch.
    Cost: one kernel value per entry, half of that for K(X, X); memory n m numbers and a few blocks.

    >>> from theodolite.kernels import RBF
    >>> gram(RBF(1.0), [[0.0], [1.0]]).round(3)
    array([[1.   , 0.368],
           [0.368, 1.   ]])
    """
    X = finite(np.asarray(as_data(X)), "X")
    Z = None if Z is None else finite(np.asarray(as_data(Z)), "Z")
    points = Pairs(X, Z)
    block = _rows_of(points) if block is None else positive_integer(block, "block, the number of rows at a time,")
    return _fill(as_kernel(kernel), points, block, memory_limit, progress)


def grams(
    kernels: Iterable[Kernel],
    X: Any,
    *,
    memory_limit: int | str | None = None,
    progress: Progress = silent,
) -> Iterator[np.ndarray]:
    """The Gram matrices K(X, X) of several kernels, one after the other, sharing distances and inner products.

    Args and raises as `gram`. Up to four (n, n) arrays are kept for sharing beside the matrix that is handed out.

    >>> from theodolite.kernels import RBF, Laplace
    >>> [matrix.shape for matrix in grams([RBF(1.0), RBF(2.0), Laplace(1.0)], [[0.0], [1.0]])]
    [(2, 2), (2, 2), (2, 2)]
    """
    pairs = shared_pairs(X, memory_limit=memory_limit)
    for kernel in kernels:
        yield gram_on(kernel, pairs, progress=progress)


def shared_pairs(X: Any, *, memory_limit: int | str | None = None) -> Pairs:
    """The pairs of X with themselves, to be shared by several calls of `gram_on`.

    >>> shared_pairs([[0.0], [1.0], [2.0]]).shape
    (3, 3)
    """
    pairs = Pairs(finite(np.asarray(as_data(X)), "X"))
    n = pairs.shape[0]
    memory.require(
        5 * n * n * pairs.X.itemsize,
        memory_limit,
        f"the distances and one Gram matrix of {n} rows",
        "use fewer rows, one kernel at a time (kernels.gram), or a larger memory_limit",
    )
    return pairs


def gram_on(kernel: Kernel, pairs: Pairs, *, out: np.ndarray | None = None, progress: Progress = silent) -> np.ndarray:
    """K(X, X) on shared pairs: what the kernel needs is computed for all pairs once, and kept.

    Args: out, an (n, n) matrix to overwrite, the Gram matrix of the kernel before for instance.

    >>> from theodolite.kernels import RBF
    >>> pairs = shared_pairs([[0.0], [1.0]])
    >>> gram_on(RBF(1.0), pairs).round(3)
    array([[1.   , 0.368],
           [0.368, 1.   ]])
    """
    kernel = as_kernel(kernel)
    _fill_shared(kernel, pairs)
    return _fill(kernel, pairs, _rows_of(pairs), None, progress, out)


def _rows_of(pairs: Pairs) -> int:
    """Rows of a block."""
    return min(max(ENTRIES // pairs.shape[1], 32), 128)


def _fill_shared(kernel: Kernel, pairs: Pairs) -> None:
    """Make the pairs compute, on all points, the quantities that the kernel asks of a single pair."""
    probe = Pairs(pairs.X[:1])
    kernel.on(probe)
    for name in ("inner", "squared_distance", "distance", "l1_distance", "left_square", "right_square"):
        if name in probe.__dict__:
            getattr(pairs, name)


def _fill(
    kernel: Kernel,
    pairs: Pairs,
    block: int,
    memory_limit: int | str | None,
    progress: Progress,
    out: np.ndarray | None = None,
) -> np.ndarray:
    n, m = pairs.shape
    size = pairs.X.itemsize
    memory.require(
        n * m * size + _TEMPORARIES * min(block, n) * m * size,
        memory_limit,
        f"a Gram matrix of {n} x {m} numbers",
        "use fewer rows, float32 points, or a larger memory_limit",
    )
    if kernel.does_its_own_blocks:
        return kernel.on(pairs)
    matrix = np.empty((n, m), dtype=pairs.X.dtype) if out is None else out
    assert matrix.shape == (n, m), f"out has shape {matrix.shape}, expected {(n, m)}"
    assert matrix.dtype == pairs.X.dtype, f"out is {matrix.dtype}, expected {pairs.X.dtype}"
    above = np.triu(np.ones((min(block, n),) * 2, bool), 1) if pairs.symmetric else None
    for start in range(0, n, block):
        stop = min(start + block, n)
        if above is not None:
            matrix[start:stop, :stop] = kernel.on(pairs.rows(start, stop, stop))
            matrix[:start, start:stop] = matrix[start:stop, :start].T
            corner = matrix[start:stop, start:stop]
            np.copyto(corner, corner.T, where=above[: stop - start, : stop - start])
        else:
            matrix[start:stop] = kernel.on(pairs.rows(start, stop, m))
        progress(stop, n, "Gram matrix")
    if pairs.symmetric:
        np.fill_diagonal(matrix, kernel.diagonal(pairs.X))
    return matrix
