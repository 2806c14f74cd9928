"""Numbers made ready for drawing: what can be drawn, where an axis ends, how many points are enough."""

import math
from collections.abc import Iterable
from typing import Any

import numpy as np


def floats(values: Any) -> np.ndarray:
    """A float64 vector; None becomes NaN, as a JSON document gives it back.

    >>> floats([1, None])
    array([ 1., nan])
    """
    if values is None:
        return np.empty(0)
    return np.array([math.nan if value is None else float(value) for value in np.asarray(values, object).ravel()])


def drawable(*vectors: np.ndarray) -> np.ndarray:
    """A mask (n,) of the places where every vector is finite and positive, as a logarithmic axis needs."""
    mask = np.ones(len(vectors[0]), dtype=bool)
    for vector in vectors:
        mask &= np.isfinite(vector) & (vector > 0)
    return mask


def log_range(values: Iterable[float], margin: float = 0.06, least: float = 1.25) -> tuple[float, float]:
    """Ends of a logarithmic axis around the positive finite values; at least a factor `least` apart.

    >>> [round(end, 6) for end in log_range([1.0, 100.0], margin=0.5)]
    [0.1, 1000.0]
    """
    array = floats(list(values))
    array = array[np.isfinite(array) & (array > 0)]
    if not array.size:
        return 0.1, 1.0
    low, high = math.log(float(array.min())), math.log(float(array.max()))
    widen = max(margin * (high - low), 0.5 * (math.log(least) - (high - low)), 0.02)
    return math.exp(low - widen), math.exp(high + widen)


def log_bins(length: int, bins: int) -> np.ndarray:
    """Edges (b + 1,) of at most `bins` bins over ranks 1..length, single ranks first, then ever wider.

    >>> log_bins(100, 8).tolist()
    [1, 2, 3, 6, 10, 18, 32, 57, 101]
    """
    edges = np.round(np.geomspace(1, length + 1, bins + 1)).astype(int)
    return np.unique(edges)


def thinned(length: int, most: int) -> np.ndarray:
    """At most `most` places of a vector, evenly spread on a logarithmic scale of rank, both ends among them.

    >>> thinned(1000, 4).tolist()
    [0, 9, 99, 999]
    """
    if length <= most:
        return np.arange(length)
    return np.unique(np.round(np.geomspace(1, length, most)).astype(int)) - 1
