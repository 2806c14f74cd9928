"""What the cases on the arrow of time share: the arrow itself, its error bar over texts, and what error bars mean."""

from typing import TYPE_CHECKING

import numpy as np

from theodolite.experiments.intervals import Interval

if TYPE_CHECKING:
    from collections.abc import Sequence

    from theodolite.language_arrow.tallies import ContextBin

EXACT = "no randomness"
OVER_STRINGS = "95 % interval over held-out strings"
OVER_MATRICES = "95 % interval over matrices"
COUNTED = "counted"
OVER_SEEDS = "95 % interval over seeds and documents"


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


def over_seeds(values: np.ndarray, document_errors: np.ndarray) -> Interval:
    """The mean over seeds with its 95 % interval, the spread of seeds and the error over documents together.

    Args: values (s,), one a seed; document_errors (s,), their standard errors over the same test documents.

    >>> found = over_seeds(np.array([1.0, 1.0]), np.array([0.1, 0.1]))
    >>> round(float(found.mean), 3), round(float(found.half), 3)
    (1.0, 0.196)
    """
    from theodolite.language_arrow import seed_interval

    found = seed_interval(values, float(np.mean(document_errors)))
    return Interval(np.asarray(found.value), np.asarray(found.high - found.value))


def pooled_ratio(profile: "Sequence[ContextBin]", first: int, last: int) -> tuple[float, float]:
    """r of all tokens with `first` to `last` tokens read before them, and its standard error over documents.

    From bins of windows of one length; bins that reach over an end are left out, and a range without bins gives the
    last one. Errors of bins add up as if independent.
    """
    chosen = [one for one in profile if one.first >= first and one.last <= last] or [profile[-1]]
    weights = [one.last - one.first + 1 for one in chosen]
    forward = sum(w * one.forward for w, one in zip(weights, chosen, strict=True))
    backward = sum(w * one.backward for w, one in zip(weights, chosen, strict=True))
    variance = sum((w * one.forward * one.standard_error) ** 2 for w, one in zip(weights, chosen, strict=True))
    return backward / forward - 1, variance**0.5 / forward
