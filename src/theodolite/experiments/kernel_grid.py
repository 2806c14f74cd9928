"""Every criterion and the measured risk over a grid of lengthscales and ridges, for one kernel family and one split."""

from collections.abc import Sequence

import numpy as np

from theodolite.architectures import Relu, plain
from theodolite.experiments.real_data import Split
from theodolite.infinite_width import ntk
from theodolite.kernel_regression import RidgePath, resolvent
from theodolite.kernels import RBF, Kernel, Laplace, LaplaceL1, Pairs, gram_on
from theodolite.numerics.errors import BadInput

FAMILIES = ("RBF", "Laplace", "Laplace l1", "ReLU NTK")
NTK_BIAS = 0.1**0.5


def family_kernels(family: str, pairs: Pairs, factors: Sequence[float]) -> list[Kernel]:
    """Kernels of one family; lengthscales are `factors` times the median distance of the pairs (squared for RBF).

    The ReLU NTK has no lengthscale: one kernel, whatever the factors.
    """
    if family == "ReLU NTK":
        return [ntk(plain(Relu().standardised(), 2, NTK_BIAS))]
    upper = np.triu_indices(pairs.shape[0], 1)
    if family == "RBF":
        return [RBF(factor * float(np.median(pairs.squared_distance[upper]))) for factor in factors]
    if family == "Laplace":
        return [Laplace(factor * float(np.median(pairs.distance[upper]))) for factor in factors]
    if family == "Laplace l1":
        return [LaplaceL1(factor * float(np.median(pairs.l1_distance[upper]))) for factor in factors]
    raise BadInput(f"no kernel family is called {family!r}; known: {', '.join(FAMILIES)}")


def measure(
    family: str, data: Split, factors: Sequence[float], ridges: Sequence[float], folds: np.ndarray | None = None
) -> dict[str, np.ndarray]:
    """Criteria and measured risk for each kernel of the family and each ridge.

    Args: data, whose test rows measure the risk; ridges (l,); folds, one label a training row, for cross-validation
        (its ridge is the same multiple of the identity in every fold, as scikit-learn's alpha).
    Returns: "test", "kare", "leave_one_out", "evidence" (log marginal likelihood, to be maximised) and, with folds,
        "cross_validation", (kernels, l) each; "alignment" and "centred_alignment" (kernels,), kernel-target alignments.
    """
    pairs, test_pairs = Pairs(data.inputs), Pairs(data.test_inputs, data.inputs)
    grid = np.asarray(ridges, dtype=np.float64)
    rows = []
    for kernel in family_kernels(family, pairs, factors):
        gram = gram_on(kernel, pairs)
        path = RidgePath(gram, data.targets, groups=folds)
        of = path.resolvents(grid)
        errors = gram_on(kernel, test_pairs) @ (of.dual[:, :, 0].T / path.rows) - data.test_targets[:, None]
        row = {
            "test": np.mean(errors**2, axis=0),
            "kare": resolvent.kare(of),
            "leave_one_out": resolvent.leave_one_out(of),
            "evidence": resolvent.log_marginal_likelihood(of),
            "alignment": np.array(alignment(gram, data.targets)),
            "centred_alignment": np.array(centred_alignment(gram, data.targets)),
        }
        if folds is not None:
            row["cross_validation"] = path.leave_one_group_out(grid)
        rows.append(row)
    return {name: np.stack([row[name] for row in rows]) for name in rows[0]}


def alignment(gram: np.ndarray, targets: np.ndarray) -> float:
    """Kernel-target alignment y' G y / (|G|_F |y|^2), between 0 and 1.

    Source: Cristianini, Shawe-Taylor, Elisseeff and Kandola (2001), On kernel-target alignment.

    >>> y = np.array([1.0, -1.0, 2.0])
    >>> round(alignment(np.outer(y, y), y), 12)
    1.0
    """
    return float(targets @ gram @ targets / (np.linalg.norm(gram) * (targets @ targets)))


def centred_alignment(gram: np.ndarray, targets: np.ndarray) -> float:
    """The alignment of C G C with C y, where C removes the mean.

    Source: Cortes, Mohri and Rostamizadeh (2012), Journal of Machine Learning Research 13.

    >>> y = np.array([1.0, -1.0, 2.0])
    >>> round(centred_alignment(np.outer(y, y) + 5.0, y), 12)
    1.0
    """
    centred = gram - gram.mean(0)
    return alignment(centred - centred.mean(1, keepdims=True), targets - targets.mean())


def rank_correlation(one: np.ndarray, other: np.ndarray) -> float:
    """Spearman's rank correlation of two arrays of one shape; ties are not expected.

    >>> rank_correlation(np.array([1.0, 2.0, 4.0]), np.array([3.0, 5.0, 50.0]))
    1.0
    """
    first, second = (np.argsort(np.argsort(values.ravel())) for values in (one, other))
    return float(np.corrcoef(first, second)[0, 1])
