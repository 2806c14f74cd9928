"""Which neurons of a layer are copies of each other, by their incoming weights."""

import numpy as np

from theodolite.numerics import memory


def copy_groups(
    vectors: np.ndarray, odd: bool, tolerance: float, memory_limit: int | str | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Labels 0, 1, ... of vectors closer than the tolerance on average, and the signs that bring groups together.

    Args: vectors (n, k); odd, whether a vector and its negative count as equal; tolerance > 0, in the unit of the
        vectors. Returns: labels (n,), signs (n,) relative to the first of each group.
    Raises: TooLarge. Cost: O(n^2 k).

    >>> labels, signs = copy_groups(np.array([[1.0], [3.0], [-1.0]]), True, 1e-6)
    >>> labels.tolist(), signs.tolist()
    ([0, 1, 0], [1.0, 1.0, -1.0])
    """
    from scipy.cluster.hierarchy import fcluster, linkage
    from scipy.spatial.distance import squareform

    n = len(vectors)
    if n < 2:
        return np.zeros(n, np.int64), np.ones(n)
    memory.require(
        6 * 8 * n * n, memory_limit, f"the distances of {n} neurons", "raise the memory limit, or reduce layer by layer"
    )
    distances = _distances(vectors, vectors)
    mirrored = _distances(vectors, -vectors) if odd else distances
    nearest = np.minimum(distances, mirrored)
    np.fill_diagonal(nearest, 0.0)
    found = fcluster(linkage(squareform(nearest, checks=False), "average"), tolerance, "distance")
    _, first, labels = np.unique(found, return_index=True, return_inverse=True)
    labels = np.argsort(np.argsort(first))[labels.ravel()]  # numbered in the order of the neurons
    signs = np.ones(n)
    if odd:
        for label in range(labels.max() + 1):
            members = np.flatnonzero(labels == label)
            signs[members] = np.where(mirrored[members[0], members] < distances[members[0], members], -1.0, 1.0)
    return labels, signs


def _distances(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    from scipy.spatial.distance import cdist

    return cdist(one, other)  # not through inner products: those lose half the digits, and copies are near
