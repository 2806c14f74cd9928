"""When a predicted risk may be believed: a verdict with its reasons, from the training data alone."""

from dataclasses import dataclass

import numpy as np

from theodolite.kernel_regression.criteria import Criteria

TRUSTED, DOUBTFUL, DO_NOT_TRUST = "trusted", "doubtful", "do not trust"
AGREEMENT = 1.5  # KARE and the left-out error further apart than this factor contradict each other
PARTICIPATION = 0.5  # below it the resolvent lives on too few directions for the theory of averages
REPEATED = 0.01  # share of rows that equal another row
OUTLYING = 0.5  # share of the left-out error that may come from one row in a hundred


@dataclass(frozen=True)
class Trust:
    """`verdict`: "trusted", "doubtful" or "do not trust"; `reasons`, in words, empty when trusted."""

    verdict: str
    reasons: tuple[str, ...]


def trust(path: Criteria, ridge: float, *, repeated: float = 0.0) -> Trust:
    """Judge the risk that a path predicts at a ridge.

    Args: path; ridge > 0; repeated, the share of rows that equal another row (0..1).
    Returns: a Trust. One reason makes it doubtful; two, or one grave one, make it "do not trust".
    Cost: O(n^2).

    >>> import numpy as np
    >>> from theodolite.kernel_regression import RidgePath
    >>> from theodolite.kernels import RBF
    >>> random = np.random.default_rng(0)
    >>> x = random.uniform(-2, 2, (200, 1))
    >>> path = RidgePath(RBF(1.0)(x), np.sin(x[:, 0]) + 0.3 * random.standard_normal(200))
    >>> trust(path, path.best_ridge()).verdict
    'trusted'
    """
    reasons = []
    kare, held_out = path.kare(ridge), path.leave_one_out(ridge)
    if max(kare, held_out) > AGREEMENT * min(kare, held_out):
        reasons.append(f"KARE {kare:.3g} and leave-one-out {held_out:.3g} disagree: uneven leverages")
    if path.participation(ridge) < PARTICIPATION:
        reasons.append(f"the resolvent rests on {path.participation(ridge):.0%} of the directions")
    if repeated > REPEATED and path.groups is None:
        reasons.append(f"{repeated:.0%} of the rows repeat another row")
    squares = np.sort(np.sum(path.left_out_residuals(ridge) ** 2, axis=1))
    outlying = float(squares[-max(len(squares) // 100, 1) :].sum() / squares.sum()) if squares.any() else 0.0
    if outlying > OUTLYING:
        reasons.append(f"one row in a hundred carries {outlying:.0%} of the error")
    verdict = TRUSTED if not reasons else DOUBTFUL if len(reasons) == 1 else DO_NOT_TRUST
    return Trust(verdict, tuple(reasons))


def repeated_share(points: np.ndarray) -> float:
    """The share of rows (n, d) that equal another row exactly.

    >>> repeated_share(np.array([[1.0], [2.0], [1.0], [3.0]]))
    0.5
    """
    _, counts = np.unique(points, axis=0, return_counts=True)
    return float(counts[counts > 1].sum() / len(points))
