"""Critical values: the costs at which a deep linear network can rest."""

import itertools
import warnings

import numpy as np

from theodolite.numerics.errors import BadInput
from theodolite.training_dynamics.saddles.matrix_costs import MatrixCost

SIMPLE = 1e-3  # two singular values closer than this, relatively, are not told apart in practice


class NotSimple(UserWarning):
    """Two singular values are (nearly) equal: their ranks appear together, and the first path is not determined."""


def critical_values(cost: MatrixCost) -> np.ndarray:
    """The costs of the saddles that training visits: C(0) - 1/2 (l_1 + ... + l_k), k = 0, ..., rank.

    For C = 1/2 |A - A*|^2 the l_i are the squared singular values of A*; for given inputs the eigenvalues of
    S_yx S_xx^-1 S_xy. The last value is the minimum.

    Returns: descending (rank + 1,). Warns: NotSimple for equal l_i. Raises: BadInput for a cost without a closed form
        (completion, convex_cost): `greedy_low_rank(cost).values` measures them.
    Source: Baldi and Hornik (1989), Neural Networks 2; Jacot et al. (2021), arXiv:2106.15933.

    >>> from theodolite.training_dynamics.saddles import full_mse
    >>> critical_values(full_mse(np.diag([4.0, 2.0, 1.0])))
    array([10.5,  2.5,  0.5,  0. ])
    """
    energies = _energies(cost)
    top = energies[0] if len(energies) else 0.0
    kept = energies[energies > 1e-14 * top]
    warn_if_not_simple(np.sqrt(kept), "modes")
    left = np.concatenate([kept[::-1].cumsum()[::-1], [0.0]])  # summed from the small end, so that the last is exact
    return cost.floor + 0.5 * left


def all_critical_values(cost: MatrixCost) -> np.ndarray:
    """Every critical value, 1/2 (2 C(0) - sum over any subset of the l_i), descending; at most 2^16 of them.

    Source: Baldi and Hornik (1989), Neural Networks 2, which critical points there are.

    >>> from theodolite.training_dynamics.saddles import full_mse
    >>> all_critical_values(full_mse(np.diag([2.0, 1.0])))
    array([2.5, 2. , 0.5, 0. ])
    """
    energies = _energies(cost)
    kept = energies[energies > 1e-14 * energies.max(initial=0.0)]
    if len(kept) > 16:
        raise BadInput(f"{len(kept)} modes have 2^{len(kept)} critical values; expected at most 16 modes")
    sums = [sum(left) for k in range(len(kept) + 1) for left in itertools.combinations(kept, k)]
    return cost.floor + 0.5 * np.sort(np.unique(np.array(sums, dtype=float)))[::-1]


def warn_if_not_simple(singular_values: np.ndarray, what: str) -> None:
    """Warn when two neighbours of a descending vector of positive numbers are closer than 0.1 %."""
    close = np.flatnonzero(np.diff(singular_values) >= -SIMPLE * singular_values[:-1])
    if len(close):
        i = int(close[0])
        warnings.warn(
            f"{what} {i + 1} and {i + 2} have singular values {singular_values[i]:.6g} and "
            f"{singular_values[i + 1]:.6g}: equal ones appear together, which comes first is left to chance",
            NotSimple,
            stacklevel=3,
        )


def _energies(cost: MatrixCost) -> np.ndarray:
    if cost.energies is None:
        raise BadInput(
            f"the critical values of this cost ({cost.words}) have no closed form; greedy_low_rank(cost).values "
            "measures those that are visited"
        )
    return cost.energies
