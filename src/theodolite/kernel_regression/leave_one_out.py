"""Exact leave-one-out and leave-one-group-out errors of kernel ridge regression, without refitting."""

from typing import Any

import numpy as np

from theodolite.kernel_regression import resolvent
from theodolite.kernel_regression.cholesky import CholeskyFactor
from theodolite.kernel_regression.groups import groups_of, left_out_residuals
from theodolite.kernel_regression.kare import measure
from theodolite.numerics.checks import positive, symmetric_gram, target_columns


def leave_one_out(gram: Any, targets: Any, ridge: float) -> float:
    """Mean squared error over rows, each predicted by the machine fitted to all others at the same n * ridge.

    mean_i (a_i / [M^-1]_ii)^2 with M = gram / n + ridge I, a = M^-1 y. KARE replaces the diagonal by its mean.

    Args, raises and cost as `kare`. Source: the PRESS identity, e.g. Golub, Heath and Wahba (1979).

    >>> import numpy as np
    >>> round(leave_one_out(np.eye(4), [1.0, -1.0, 1.0, -1.0], 0.1), 12)
    1.0
    """
    return float(resolvent.leave_one_out(measure(gram, targets, ridge))[0])


def leave_one_group_out(gram: Any, targets: Any, ridge: float, groups: Any) -> float:
    """Mean squared error over rows, each predicted by the machine fitted without its whole group.

    e_g = ([M^-1]_gg)^-1 a_g for each group g; the mean over rows of |e|^2.

    Args: as `kare`, and groups (n,), one label a row, at least two labels. Raises as `kare`.
    Cost: (2/3) n^3 and n^2 |g| for each group.
    Source: block inversion; one row a group is `leave_one_out`.

    >>> import numpy as np
    >>> round(leave_one_group_out(np.eye(4), [1.0, -1.0, 1.0, -1.0], 0.1, [0, 0, 1, 1]), 12)
    1.0
    """
    gram = symmetric_gram(gram)
    columns = target_columns(targets, len(gram))
    members = groups_of(groups, len(gram))
    factor = CholeskyFactor(gram, positive(ridge, "ridge"))
    residuals = left_out_residuals(factor.inverse_blocks, members, factor.solve(columns))
    return float(np.sum(residuals**2) / len(gram))
