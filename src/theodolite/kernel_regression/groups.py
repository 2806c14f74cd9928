"""Groups of rows that belong together: repeated measurements of one subject, copies of one row, blocks of time."""

from collections.abc import Callable
from typing import Any

import numpy as np

from theodolite.numerics.errors import BadInput, ShapeMismatch

_NUMBERS = 2**24  # gathered at once

Groups = list[np.ndarray]
"""Row numbers of all groups, those of one size together: arrays (groups, size)."""


def groups_of(labels: Any, n: int) -> Groups:
    """The groups of rows that share a label, for labels (n,) of any kind; at least two groups."""
    labels = np.asarray(labels)
    if labels.shape != (n,):
        raise ShapeMismatch(f"groups have shape {labels.shape}; expected one label a row, ({n},)")
    _, member, counts = np.unique(
        labels.astype(str) if labels.dtype.kind == "O" else labels, return_inverse=True, return_counts=True
    )
    if len(counts) < 2:
        raise BadInput(f"groups hold one label only ({labels[0]!r}); leaving it out leaves no rows: give two or more")
    order = np.argsort(member, kind="stable")
    size_of_row = counts[member[order]]
    return [order[size_of_row == size].reshape(-1, size) for size in np.unique(counts)]


def left_out_residuals(
    inverse_blocks: Callable[[np.ndarray], np.ndarray], groups: Groups, dual: np.ndarray
) -> np.ndarray:
    """Residuals of the machine fitted without the group of each row: [M^-1]_gg^-1 dual_g, (n, k).

    Args: inverse_blocks, from rows (g, s) to the blocks of M^-1 on them (g, s, s); dual = M^-1 y (n, k).
    Source: the block form of the leave-one-out identity, e.g. Rifkin and Lippert (2007), section 4.
    Cost: n^2 s for groups of size s, all of them together.
    """
    residuals = np.empty_like(dual)
    for members in groups:
        at_once = max(1, _NUMBERS // (members.shape[1] * len(dual)))
        for start in range(0, len(members), at_once):
            some = members[start : start + at_once]
            residuals[some] = np.linalg.solve(inverse_blocks(some), dual[some])
    return residuals
