"""Hiding some of the observed entries of a table, to choose by them."""

import numpy as np


def hidden_entries(observed: np.ndarray, share: float, rng: np.random.Generator) -> np.ndarray:
    """A mask of entries to hide on top of those hidden already; every row and column keeps one that is observed.

    Args: observed (n, d), a mask; share of the observed entries to hide, in (0, 1); rng.
    Returns: (n, d), fewer than asked for, or none, where rows or columns have nothing to spare.

    >>> chosen = hidden_entries(np.ones((4, 5), dtype=bool), 0.2, np.random.default_rng(0))
    >>> int(chosen.sum()), int(hidden_entries(np.ones((4, 1), dtype=bool), 0.5, np.random.default_rng(0)).sum())
    (4, 0)
    """
    rows, columns = observed.sum(axis=1), observed.sum(axis=0)
    chosen = np.zeros_like(observed)
    wanted = round(share * int(observed.sum()))
    for i, j in rng.permutation(np.argwhere(observed)):
        if wanted == 0:
            break
        if rows[i] > 1 and columns[j] > 1:
            chosen[i, j] = True
            rows[i] -= 1
            columns[j] -= 1
            wanted -= 1
    return chosen
