"""Plateaus of a run: for each rank of the product, where the gradient was smallest."""

from typing import NamedTuple

import numpy as np

from theodolite.training_dynamics.saddles.flow import LinearFlow


class Plateau(NamedTuple):
    """Rank; when the product first had it and last had it; the time, cost and gradient norm where the gradient was
    smallest in between; the singular values there (r,)."""

    rank: int
    entered: float
    left: float
    time: float
    value: float
    gradient_norm: float
    singular_values: np.ndarray


def plateaus(flow: LinearFlow, threshold: float = 0.05) -> tuple[Plateau, ...]:
    """One plateau for each rank a run went through, by rank.

    The rank at a time counts singular values above `threshold` times the largest of the run. Of all times with rank k
    the one of the smallest gradient is the plateau: short ones, which the slope of the cost hides, are found too. The
    plateau of the last rank is the end of the run.

    Source: Jacot et al. (2021), arXiv:2106.15933; the measure is ours.

    >>> from theodolite.training_dynamics.saddles import full_mse, linear_flow, random_layers
    >>> start = random_layers((3, 3), width=4, depth=2, sigma=1e-4)
    >>> flow = linear_flow(start, full_mse(np.diag([4.0, 2.0, 1.0])), 50.0, stop=1e-4)
    >>> [(p.rank, round(p.value, 1)) for p in plateaus(flow)]
    [(0, 10.5), (1, 2.5), (2, 0.5), (3, 0.0)]
    """
    ranks = flow.ranks(threshold)
    found = []
    for rank in np.unique(ranks):
        at = np.flatnonzero(ranks == rank)
        best = at[np.argmin(flow.gradient_norms[at])]
        found.append(
            Plateau(
                int(rank),
                float(flow.times[at[0]]),
                float(flow.times[at[-1]]),
                float(flow.times[best]),
                float(flow.values[best]),
                float(flow.gradient_norms[best]),
                flow.singular_values[best],
            )
        )
    return tuple(found)
