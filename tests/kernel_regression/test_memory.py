"""What is said to be taken is what is taken."""

import tracemalloc

import numpy as np
import pytest

from theodolite.kernel_regression import RidgePath, RidgeSearch
from theodolite.kernels import RBF, Kernel, Laplace, LaplaceL1, Linear, Matern, RationalQuadratic, gram
from theodolite.numerics import TooLarge


def taken(work) -> float:
    """Bytes at the highest."""
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        work()
        return tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()


def asked(work) -> float:
    with pytest.raises(TooLarge) as caught:
        work()
    return caught.value.needed


@pytest.mark.parametrize(
    "kernel", [Linear(), RBF(1.0), Matern(1.0, 2.5), 2.0 * RBF(1.0) * Laplace(1.0) + RationalQuadratic(1.0)], ids=repr
)
def test_a_gram_matrix_takes_what_it_asks_for_within_a_quarter(kernel: Kernel) -> None:
    x = np.random.default_rng(0).standard_normal((1500, 10))
    gram(kernel, x[:9])
    assert taken(lambda: gram(kernel, x)) == pytest.approx(asked(lambda: gram(kernel, x, memory_limit=1)), rel=0.25)


@pytest.mark.parametrize("route", [RidgePath, RidgeSearch])
@pytest.mark.parametrize("grouped", [False, True])
def test_a_ridge_takes_what_it_asks_for_within_a_quarter(route: type, grouped: bool) -> None:
    n = 1200
    random = np.random.default_rng(1)
    x, y = random.standard_normal((n, 5)), random.standard_normal(n)
    matrix, groups = LaplaceL1(4.0)(x), np.arange(n) // 3 if grouped else None

    def work(limit: int | None = None) -> None:
        path = route(matrix, y + x[:, 0], groups=groups, memory_limit=limit)
        path.standard_error(path.best_ridge())

    work()  # compiled
    assert taken(work) == pytest.approx(asked(lambda: work(1)), rel=0.25)


def test_eigenvectors_that_do_not_fit_are_refused_when_asked_for() -> None:
    matrix = Laplace(1.0)(np.random.default_rng(2).standard_normal((300, 2)))
    path = RidgePath(matrix, np.ones(300), memory_limit=int(1.3 * 8 * 300 * 300))
    assert path.best_ridge() > 0
    with pytest.raises(TooLarge, match="eigenvectors of a 300 x 300 Gram matrix"):
        path.captured(1e-3)
