"""Groups of rows that belong together: repeated measurements of one subject, copies, blocks of time."""

from typing import Any

import numpy as np

from theodolite.numerics.errors import BadInput, ShapeMismatch


def group_rows(groups: Any, n: int) -> list[np.ndarray]:
    """The row numbers of each group, for labels (n,) of any kind; at least two groups."""
    labels = np.asarray(groups)
    if labels.shape != (n,):
        raise ShapeMismatch(f"groups have shape {labels.shape}; expected one label a row, ({n},)")
    _, member = np.unique(labels.astype(str) if labels.dtype.kind == "O" else labels, return_inverse=True)
    order = np.argsort(member, kind="stable")
    rows = np.split(order, np.flatnonzero(np.diff(member[order])) + 1)
    if len(rows) < 2:
        raise BadInput(f"groups hold one label only ({labels[0]!r}); leaving it out leaves no rows: give two or more")
    return rows


def left_out_residuals(blocks: list[np.ndarray], rows: list[np.ndarray], dual: np.ndarray) -> np.ndarray:
    """Residuals of the machine fitted without the group: [M^-1]_gg^-1 dual_g, (n, k).

    Source: the block form of the leave-one-out identity, e.g. Rifkin and Lippert (2007), section 4.
    """
    residuals = np.empty_like(dual)
    for block, members in zip(blocks, rows, strict=True):
        residuals[members] = np.linalg.solve(block, dual[members])
    return residuals
