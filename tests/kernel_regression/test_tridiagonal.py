"""The tridiagonal route against eigenvectors: every quantity, at every ridge, on matrices that are hard."""

import numpy as np
import pytest

from theodolite.kernel_regression.groups import groups_of
from theodolite.kernel_regression.resolvent import Resolvents
from theodolite.kernel_regression.ridge_path import COMPILED_ROWS, RidgePath
from theodolite.kernel_regression.spectral import SpectralFactor
from theodolite.kernel_regression.tridiagonal import TridiagonalFactor
from theodolite.kernels import RBF, Laplace, Linear
from theodolite.numerics.errors import NotPositiveDefinite

RANDOM = np.random.default_rng(3)
X = RANDOM.standard_normal((201, 5))
SIZES = 10.0 ** RANDOM.uniform(-4, 4, 201)
GRAMS = {
    "full rank": Laplace(2.0)(X),
    "nearly singular": RBF(10.0)(X),
    "rank 5": Linear()(X),
    "rank 1": np.ones((201, 201)),
    "diagonal": np.diag(np.linspace(0.0, 3.0, 201)),
    "identity": np.eye(201),
    "zeros": np.zeros((201, 201)),
    "repeated rows": RBF(4.0)(np.repeat(X[:67], 3, axis=0)),
    "badly scaled": Laplace(2.0)(X) * SIZES[:, None] * SIZES,
    "two blocks": np.kron(np.eye(3), RBF(4.0)(X[:67])),
    "tiny": 1e-70 * Laplace(2.0)(X),
    "even number of rows": Laplace(2.0)(X[:200]),
    "more than a strip": Laplace(2.0)(RANDOM.standard_normal((330, 4))),
}


@pytest.fixture(params=GRAMS.values(), ids=list(GRAMS))
def gram(request: pytest.FixtureRequest) -> np.ndarray:
    return request.param


def targets(n: int, columns: int = 2) -> np.ndarray:
    return np.random.default_rng(n).standard_normal((n, columns))


def ridges_of(gram: np.ndarray) -> np.ndarray:
    return np.geomspace(1e-9, 10.0, 7) * (gram.diagonal().mean() or 1.0)


@pytest.mark.oracle
@pytest.mark.parametrize("columns", [1, 2, 5])
def test_the_tridiagonal_route_agrees_with_eigenvectors(gram: np.ndarray, columns: int) -> None:
    """Both routes perturb G by a few eps |G|: relative to the resolvent that is eps |G| / (n ridge)."""
    n, y, ridges = len(gram), targets(len(gram), columns), ridges_of(gram)
    found, expected = (factor(gram, y).resolvents(ridges) for factor in (TridiagonalFactor, SpectralFactor))
    largest = float(np.linalg.eigvalsh(gram)[-1])
    for place, ridge in enumerate(ridges):
        slack = 1e-11 + 200 * np.finfo(float).eps * largest / (n * ridge)
        for name in vars(expected):
            here, there = getattr(found, name)[place], getattr(expected, name)[place]
            unit = np.maximum(np.abs(there), np.abs(there).max() if name == "dual" else 0.0)
            if name == "log_determinant":
                unit = 1.0
            assert (np.abs(here - there) <= slack * unit).all(), f"{name} at {ridge}: {np.abs(here / there - 1).max()}"


@pytest.mark.exact
def test_blocks_of_the_inverse_are_those_of_the_inverse(gram: np.ndarray) -> None:
    n = len(gram)
    ridge = 1e-2 * (gram.diagonal().mean() or 1.0)
    inverse = np.linalg.inv(gram / n + ridge * np.eye(n))
    factor = TridiagonalFactor(gram, targets(n))
    for members in groups_of(np.arange(n) % 40, n):
        expected = inverse[members[:, :, None], members[:, None, :]]
        np.testing.assert_allclose(factor.inverse_blocks(ridge, members), expected, atol=1e-9 * np.abs(inverse).max())


@pytest.mark.exact
def test_traces_and_the_determinant_of_a_known_spectrum_keep_all_digits() -> None:
    """Also where the resolvent lives on one direction of many, and the traces differ by twenty orders."""
    eigenvalues = np.geomspace(1e-6, 1e6, 200)
    rotation = np.linalg.qr(np.random.default_rng(0).standard_normal((200, 200)))[0]
    gram = (rotation * eigenvalues) @ rotation.T
    for matrix, rtol in ((np.diag(eigenvalues), 1e-13), ((gram + gram.T) / 2, 1e-4)):
        ridges = np.array([1e-3, 1.0, 1e6])
        of = TridiagonalFactor(matrix, targets(200)).resolvents(ridges)
        inverse = 1.0 / (eigenvalues[:, None] / 200 + ridges)
        np.testing.assert_allclose(of.trace, inverse.mean(0), rtol=rtol)
        np.testing.assert_allclose(of.participation, inverse.mean(0) ** 2 / (inverse**2).mean(0), rtol=rtol)
        np.testing.assert_allclose(of.concentration, (inverse**4).mean(0) / (inverse**2).mean(0) ** 2, rtol=rtol)
        np.testing.assert_allclose(of.log_determinant, -np.log(inverse).mean(0), rtol=rtol, atol=1e-13)


@pytest.mark.oracle
def test_eigenvectors_come_when_asked_for(gram: np.ndarray) -> None:
    y = targets(len(gram))
    late, early = TridiagonalFactor(gram, y), SpectralFactor(gram, y)
    scale = max(early.largest, 1e-300)
    np.testing.assert_allclose(late.eigenvalues / scale, early.eigenvalues / scale, atol=1e-13)
    rebuilt = (late.spectral.vectors * late.eigenvalues) @ late.spectral.vectors.T
    np.testing.assert_allclose(rebuilt / scale, gram / scale, atol=1e-12)
    np.testing.assert_allclose(np.sum(late.coefficients**2), np.sum(y**2), rtol=1e-12)
    assert late.largest == pytest.approx(early.largest, rel=1e-12)


def test_ridges_under_the_round_off_see_no_negative_eigenvalue() -> None:
    """Below a thousand times a negative eigenvalue both routes set it to zero: single precision brings some."""
    gram = RBF(50.0)(np.random.default_rng(0).standard_normal((200, 2)).astype(np.float32)).astype(float)
    gram = (gram + gram.T) / 2
    negative = -float(np.linalg.eigvalsh(gram)[0])
    assert negative > 1e-9
    y = targets(200)
    for ridge in (0.5 * negative / 200, negative / 200, 900 * negative / 200, 1e-300):
        late, early = (factor(gram, y).resolvents(np.array([ridge])) for factor in (TridiagonalFactor, SpectralFactor))
        assert np.isfinite(late.trace).all()
        np.testing.assert_allclose(late.trace, early.trace, rtol=1e-6)


def test_what_is_no_kernel_is_refused_by_large_matrices_too() -> None:
    with pytest.raises(NotPositiveDefinite, match="a kernel has none below zero"):
        RidgePath(1.0 - Laplace(1.0)(X), targets(201))


@pytest.mark.parametrize("rows", [COMPILED_ROWS - 1, COMPILED_ROWS])
def test_paths_on_either_side_of_the_crossover_agree(rows: int) -> None:
    """Groups, grid, minimum and eigenvalues, whichever factor a path of that size takes."""
    gram, y, groups = Laplace(2.0)(X[:rows]), targets(rows), np.arange(rows) // 3
    path = RidgePath(gram, y, groups=groups)
    other = RidgePath(gram, y, groups=groups)
    other._factor = {SpectralFactor: TridiagonalFactor, TridiagonalFactor: SpectralFactor}[type(path._factor)](gram, y)
    assert path.best_ridge() == pytest.approx(other.best_ridge(), rel=1e-2)
    for name in ("risk", "kare", "leave_one_group_out", "standard_error", "effective_dimension", "threshold_slope"):
        np.testing.assert_allclose(getattr(path, name)(path.ridges), getattr(other, name)(path.ridges), rtol=1e-7)
    np.testing.assert_allclose(path.eigenvalues, other.eigenvalues, atol=1e-13)
    assert isinstance(path.resolvents(path.ridges), Resolvents)
