"""How far apart points typically are: the natural unit of a lengthscale."""

from typing import Any

import numpy as np

from theodolite.kernels.pairs import Pairs, as_points
from theodolite.numerics.checks import finite

ROWS = 500


def median_distances(X: Any, *, rows: int = ROWS) -> tuple[float, float]:
    """Medians of the Euclidean and of the l1 distance between different points, (|x - z|, |x - z|_1).

    Args: X (n, d), finite; rows, at most so many points are looked at, drawn with a fixed seed.
    Returns: two positive numbers, in the unit of the inputs; 1 where more than half of the pairs coincide and no pair
        is apart. Raises NotFinite, ShapeMismatch. Cost: O(rows^2 d).

    >>> median_distances([[0.0, 0.0], [3.0, 4.0]])
    (5.0, 7.0)
    """
    X = finite(np.asarray(as_points(X)), "X")
    if len(X) > rows:
        X = X[np.sort(np.random.default_rng(0).permutation(len(X))[:rows])]
    pairs, above = Pairs(X), np.triu_indices(len(X), 1)
    return _middle(pairs.distance[above]), _middle(pairs.l1_distance[above])


def _middle(distances: np.ndarray) -> float:
    apart = distances[distances > 0]
    if not apart.size:
        return 1.0
    middle = float(np.median(distances))
    return middle if middle > 0 else float(np.median(apart))
