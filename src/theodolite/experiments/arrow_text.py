"""What the cases on the arrow of time share: the arrow itself, its error bar over texts, and what error bars mean."""

import numpy as np

from theodolite.experiments.intervals import Interval

EXACT = "no randomness"
OVER_STRINGS = "95 % interval over held-out strings"
OVER_MATRICES = "95 % interval over matrices"
COUNTED = "counted"


def arrow(forward: np.ndarray | float, backward: np.ndarray | float) -> np.ndarray:
    """Backward minus forward loss over their mean: positive where reading forwards is easier.

    Source: Papadopoulos, Wenger and Hongler (2024), arXiv:2401.17505.

    >>> round(float(arrow(2.0, 2.2)), 4)
    0.0952
    """
    return 2 * (np.asarray(backward) - forward) / (np.asarray(backward) + forward)


def paired_arrow(forward: np.ndarray, backward: np.ndarray) -> Interval:
    """The arrow of mean losses of the same texts, with the 95 % interval over texts (to first order, paired).

    Args: forward, backward (count,), losses of each text in either direction.

    >>> losses = np.array([1.0, 2.0, 3.0])
    >>> found = paired_arrow(losses, 1.1 * losses)
    >>> round(float(found.mean), 4), round(float(found.half), 4)
    (0.0952, 0.0)
    """
    one, other = float(np.mean(forward)), float(np.mean(backward))
    total = one + other
    influence = 4 * (one * np.asarray(backward) - other * np.asarray(forward)) / total**2
    return Interval(arrow(one, other), np.asarray(1.96 * influence.std(ddof=1) / np.sqrt(len(influence))))
