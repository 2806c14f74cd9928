"""When a predicted risk may be believed: a verdict with its reasons, from the training data alone.

Leave-one-out asks what happens on a new row like the others. It is wrong when new rows will be less like the old
ones than the old ones are like each other. So the question is put again with larger pieces left out at the same
ridge, all in closed form: rows that lie close together in the kernel's own distance, and consecutive rows of the table.
If the error grows, the rows are not independent. The thresholds were tuned on twenty data sets, clean and in six kinds
of trouble; the page on choice and trust says how often they catch and how often they cry wolf.
"""

from dataclasses import dataclass

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from theodolite.kernel_regression.criteria import Criteria
from theodolite.kernel_regression.groups import groups_of
from theodolite.kernel_regression.standard_error import left_out_spread
from theodolite.numerics.errors import ShapeMismatch

TRUSTED, DOUBTFUL, DO_NOT_TRUST = "trusted", "doubtful", "do not trust"

UNCERTAIN = 0.175  # standard error of the mean left-out error, as a share of the risk, above which it says too little
CLOSE = 0.05  # of the median squared kernel distance: nearer rows count as near copies
LARGEST = 0.2  # share of rows in one cluster above which the data are merely dense
CLUSTERS = 2.0  # growth of the error when clusters are left out together
ORDER = {10: 1.25, 5: 1.4}  # so many consecutive blocks of rows: growth of the error when each is left out
FEWEST_FOR_BLOCKS = 100
GRAVE = 2.0  # times one of the thresholds above
OUTLYING = 0.5  # share of the error carried by one row in a hundred, worth naming
UNEVEN = 1.5  # KARE and left-out error further apart than this: worth a word


@dataclass(frozen=True)
class Trust:
    """`verdict`: "trusted", "doubtful" or "do not trust"; `reasons` and remarks, in words."""

    verdict: str
    reasons: tuple[str, ...]


def trust(path: Criteria, ridge: float, gram: np.ndarray) -> Trust:
    """Judge the risk that a path predicts at a ridge.

    Args: path; ridge > 0; gram (n, n), the one the path was made from, rows in the order in which they came.
    Returns: a Trust. One reason makes the risk doubtful; two, or one twice over its threshold, "do not trust". That
        KARE lies below the left-out error is a remark, not a reason: the larger one is used.
    Cost: n^3 / 2 operations for the blocks, O(n^2) for the rest.

    >>> from theodolite.kernel_regression import RidgePath
    >>> from theodolite.kernels import RBF
    >>> random = np.random.default_rng(0)
    >>> x = random.uniform(-2, 2, (200, 1))
    >>> gram = RBF(1.0)(x)
    >>> path = RidgePath(gram, np.sin(x[:, 0]) + 0.3 * random.standard_normal(200))
    >>> trust(path, path.best_ridge(), gram).verdict
    'trusted'
    """
    if path.risk(ridge) == 0:
        return Trust(TRUSTED, ())  # targets that are all the same
    found = [
        *_uncertain(path, ridge),
        *_overstated(path, ridge),
        *_clustered(path, ridge, gram),
        *_ordered(path, ridge),
        *_rounded(path, ridge),
    ]
    reasons = tuple(words for _, words in found)
    grave = len(found) > 1 or any(excess > GRAVE for excess, _ in found)
    verdict = DO_NOT_TRUST if grave else DOUBTFUL if found else TRUSTED
    return Trust(verdict, reasons + _understated(path, ridge))


Found = list[tuple[float, str]]  # how many times over its threshold, and the reason in words


def _uncertain(path: Criteria, ridge: float) -> Found:
    risk = path.risk(ridge)
    residuals = path.left_out_residuals(ridge)
    share = float(left_out_spread(residuals[None], path.groups)[0]) / risk if risk > 0 else 0.0
    if share <= UNCERTAIN:
        return []
    squares = np.sort(np.sum(residuals**2, axis=1))
    outlying = squares[-max(path.rows // 100, 1) :].sum() / squares.sum()
    why = f"one row in a hundred carries {outlying:.0%} of it" if outlying > OUTLYING else f"{path.rows} rows are few"
    return [(share / UNCERTAIN, f"left-out errors vary by {share:.0%} of the risk: {why}")]


def _clustered(path: Criteria, ridge: float, gram: np.ndarray) -> Found:
    labels = clusters(gram)
    if labels is None:
        return []
    growth = path.left_out_error(ridge, groups_of(labels, path.rows)) / path.risk(ridge)
    if growth <= CLUSTERS:
        return []
    words = f"rows come in tight clusters; with whole clusters left out the error is {growth:.1f} times as large"
    return [(growth / CLUSTERS, words)]


def _ordered(path: Criteria, ridge: float) -> Found:
    if path.rows < FEWEST_FOR_BLOCKS or sorted_by_target(path.targets):
        return []
    for blocks, limit in ORDER.items():
        consecutive = groups_of(np.arange(path.rows) * blocks // path.rows, path.rows)
        growth = path.left_out_error(ridge, consecutive) / _left_out(path, ridge)
        if growth > limit:
            size = path.rows // blocks
            words = (
                "consecutive rows resemble each other (time, place, subject?): right for new rows that fall between "
                f"these, but with blocks of {size} rows left out the error is {growth:.1f} times as large"
            )
            return [(1.0, words)]  # never grave: whether new rows come between or after, the table does not say
    return []


def _rounded(path: Criteria, ridge: float) -> Found:
    if ridge > 1.01 * path.smallest_sound_ridge:
        return []
    return [(1.0, "the best ridge lies at the edge of round-off: smaller ones cannot be measured")]


def _overstated(path: Criteria, ridge: float) -> Found:
    kare, held_out = path.kare(ridge), _left_out(path, ridge)
    if kare <= UNEVEN * held_out:
        return []
    words = f"KARE ({kare:.3g}) is far above {_name(path)} ({held_out:.3g}): the risk is probably overstated"
    return [(kare / (UNEVEN * max(held_out, np.finfo(float).tiny)), words)]


def _understated(path: Criteria, ridge: float) -> tuple[str, ...]:
    kare, held_out = path.kare(ridge), _left_out(path, ridge)
    if held_out <= UNEVEN * kare:
        return ()
    return (f"KARE ({kare:.3g}) and {_name(path)} ({held_out:.3g}) differ: uneven leverages; the larger is used",)


def _name(path: Criteria) -> str:
    return "leave-one-out" if path.groups is None else "leave-one-group-out"


def _left_out(path: Criteria, ridge: float) -> float:
    return path.leave_one_out(ridge) if path.groups is None else path.leave_one_group_out(ridge)


def sorted_by_target(targets: np.ndarray) -> bool:
    """Whether rows are ordered by their target (n, k): then neighbours resemble each other for that reason alone.

    >>> sorted_by_target(np.array([[0.0], [0.0], [1.0], [1.0]])), sorted_by_target(np.array([[0.0], [1.0], [0.0]]))
    (True, False)
    """
    changes = int(np.any(targets[1:] != targets[:-1], axis=1).sum())
    if changes + 1 == len(np.unique(targets, axis=0)):  # each value stands in one run
        return changes + 1 <= len(targets) // 2 or targets.shape[1] > 1 or _monotone(targets[:, 0])
    return targets.shape[1] == 1 and _monotone(targets[:, 0])


def _monotone(values: np.ndarray) -> bool:
    steps = np.diff(values)
    return bool((steps >= 0).all() or (steps <= 0).all())


def clusters(gram: np.ndarray) -> np.ndarray | None:
    """Labels (n,) of rows joined by squared kernel distances G_ii + G_jj - 2 G_ij below 5 % of their median.

    None when no rows are that close, or when a cluster takes more than a fifth of the rows: the data are dense then.
    Cost: O(n^2).

    >>> clusters(np.array([[1.0, 1.0, 0.0], [1.0, 1.0, 0.0], [0.0, 0.0, 1.0]])) is None     # two of three: too many
    True
    """
    n = len(gram)
    diagonal = gram.diagonal()
    few = np.random.default_rng(0).permutation(n)[: min(n, 300)]
    between = diagonal[few][:, None] + diagonal[few][None, :] - 2.0 * gram[np.ix_(few, few)]
    limit = CLOSE * float(np.median(between[np.triu_indices(len(few), 1)]))
    rows, columns, most = [], [], int(LARGEST * n) ** 2 + 50 * n
    for start in range(0, n, 256):
        stop = min(start + 256, n)
        near = diagonal[start:stop, None] + diagonal[None, :stop] - 2.0 * gram[start:stop, :stop] < limit
        i, j = np.nonzero(np.tril(near, start - 1))
        rows.append(i + start)
        columns.append(j)
        most -= i.size
        if most < 0:
            return None
    i, j = np.concatenate(rows), np.concatenate(columns)
    if not i.size:
        return None
    count, labels = connected_components(coo_array((np.ones(i.size, bool), (i, j)), shape=(n, n)), directed=False)
    return None if np.bincount(labels).max() > LARGEST * n or count < 2 else labels


def copies(X: np.ndarray) -> np.ndarray | None:
    """Labels (n,) that equal rows of X (n, d) share, or None when no two rows are equal.

    >>> copies(np.array([[1.0], [2.0], [1.0]])).tolist()
    [0, 1, 0]
    """
    if X.ndim != 2:
        raise ShapeMismatch(f"X has shape {X.shape}; expected (n, d)")
    distinct, labels = np.unique(X, axis=0, return_inverse=True)
    return None if len(distinct) in (1, len(X)) else labels.ravel()
