"""The grid of criteria the cases compare: against scikit-learn and scipy."""

import numpy as np
import pytest
from scipy import stats
from sklearn.kernel_ridge import KernelRidge
from sklearn.metrics.pairwise import laplacian_kernel, rbf_kernel

from theodolite.experiments.kernel_grid import FAMILIES, alignment, centred_alignment, measure, rank_correlation
from theodolite.experiments.real_data import Split
from theodolite.numerics.errors import BadInput


@pytest.fixture
def data(rng: np.random.Generator) -> Split:
    x = rng.standard_normal((70, 3))
    y = np.sin(x[:, 0]) + 0.3 * rng.standard_normal(70)
    return Split(x[:40], y[:40], x[40:], y[40:])


@pytest.mark.oracle
@pytest.mark.parametrize("family", ["RBF", "Laplace l1"])
def test_risk_and_cross_validation_are_those_of_scikit_learn(family: str, data: Split) -> None:
    folds, ridges, factor = np.arange(40) % 5, (1e-3, 1e-1), 2.0
    found = measure(family, data, [factor], ridges, folds)
    order, name = (2, "rbf") if family == "RBF" else (1, "laplacian")
    distance = (np.abs(data.inputs[:, None] - data.inputs[None]) ** order).sum(-1)
    gamma = 1 / (factor * np.median(distance[np.triu_indices(40, 1)]))
    for column, ridge in enumerate(ridges):
        model = KernelRidge(alpha=40 * ridge, kernel=name, gamma=gamma)
        error = model.fit(data.inputs, data.targets).predict(data.test_inputs) - data.test_targets
        assert found["test"][0, column] == pytest.approx(np.mean(error**2), rel=1e-9)
        squares = []
        for fold in range(5):
            inside = folds != fold
            model.fit(data.inputs[inside], data.targets[inside])
            squares.append((model.predict(data.inputs[~inside]) - data.targets[~inside]) ** 2)
        assert found["cross_validation"][0, column] == pytest.approx(np.mean(squares), rel=1e-9)


@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_gives_every_criterion(family: str, data: Split) -> None:
    found = measure(family, data, (0.5, 2.0), (1e-4, 1e-2, 1.0))
    kernels = 1 if family == "ReLU NTK" else 2
    for name in ("test", "kare", "leave_one_out", "evidence"):
        assert found[name].shape == (kernels, 3)
        assert np.isfinite(found[name]).all()
    assert found["alignment"].shape == found["centred_alignment"].shape == (kernels,)
    assert "cross_validation" not in found


def test_an_unknown_family_is_refused(data: Split) -> None:
    with pytest.raises(BadInput, match=r"'Gauss'.*RBF"):
        measure("Gauss", data, (1.0,), (0.1,))


@pytest.mark.exact
def test_alignments_know_scale_shift_and_the_perfect_kernel(data: Split) -> None:
    y, gram = data.targets, rbf_kernel(data.inputs)
    assert alignment(3.0 * gram, 2.0 * y) == pytest.approx(alignment(gram, y), rel=1e-12)
    assert alignment(np.outer(y, y), y) == pytest.approx(1, rel=1e-12)
    assert centred_alignment(gram + 7.0, y + 1.0) == pytest.approx(centred_alignment(gram, y), rel=1e-9)
    assert centred_alignment(laplacian_kernel(data.inputs), y) < 1


@pytest.mark.oracle
def test_rank_correlation_is_that_of_scipy(rng: np.random.Generator) -> None:
    one = rng.standard_normal((5, 8))
    other = one + rng.standard_normal((5, 8))
    assert rank_correlation(one, other) == pytest.approx(
        stats.spearmanr(one.ravel(), other.ravel()).statistic, rel=1e-12
    )
