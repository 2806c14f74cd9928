"""Every family of features against the common contract, and what is special to each."""

import json
from typing import Any

import jax
import numpy as np
import pytest
from safetensors.numpy import load, save

from theodolite.architectures import Dense, Erf, Relu, parse
from theodolite.infinite_width import nngp, ntk
from theodolite.kernels import (
    RBF,
    Custom,
    Kernel,
    Laplace,
    LaplaceL1,
    Linear,
    Matern,
    Polynomial,
    RationalQuadratic,
    gram,
)
from theodolite.numerics.errors import BadInput, NotFinite, ShapeMismatch
from theodolite.random_features import (
    Family,
    FourierFeatures,
    GaussianFeatures,
    NetworkFeatures,
    NystromFeatures,
    ReluFeatures,
    family_from_config,
    nystrom_map,
    revive,
)
from theodolite.random_features.leverage import leverage_scores

X = np.random.default_rng(11).standard_normal((12, 3))
SHALLOW = Dense(bias_std=0.4) >> Relu() >> Dense(bias_std=0.3)

UNBIASED: dict[str, Family] = {
    "RBF": FourierFeatures(RBF(3.0)),
    "RBF, independent": FourierFeatures(RBF(3.0), paired=False),
    "RBF, orthogonal": FourierFeatures(RBF(3.0), orthogonal=True),
    "Laplace": FourierFeatures(Laplace(2.0)),
    "LaplaceL1": FourierFeatures(LaplaceL1(2.0), paired=False),
    "Matern 3/2": FourierFeatures(Matern(1.5, nu=1.5), orthogonal=True),
    "Matern 5/2": FourierFeatures(Matern(1.5, nu=2.5)),
    "rational quadratic": FourierFeatures(RationalQuadratic(2.0, alpha=1.3)),
    "sum and product": FourierFeatures(0.5 * RBF(2.0) * Laplace(2.0) + 2.0 * Matern(4.0)),
    "ReLU": ReluFeatures(),
    "ReLU with bias": ReluFeatures(bias_std=0.7),
    "Gaussian": GaussianFeatures(Polynomial(2)),
    "NNGP": NetworkFeatures(nngp(SHALLOW)),
    "NTK": NetworkFeatures(ntk(SHALLOW), width=8),
}
ALL: dict[str, Family] = UNBIASED | {
    "Nystrom": NystromFeatures(RBF(3.0)),
    "Nystrom, leverage": NystromFeatures(Laplace(3.0), landmarks="leverage"),
    "Nystrom of a network": NystromFeatures(ntk(Dense() >> Erf() >> Dense())),
}
each_unbiased = pytest.mark.parametrize("name", UNBIASED)
each_family = pytest.mark.parametrize("name", ALL)


def kernel_of(family: Family) -> Kernel:
    return family.limit_kernel(X.shape[1])


@pytest.mark.montecarlo
@each_unbiased
def test_the_mean_of_ff_is_the_kernel(name: str) -> None:
    """Independent maps of few features; every entry of the mean within 4.5 of its own standard errors."""
    family, draws, P = UNBIASED[name], 300, 21
    found = np.array([F @ F.T for F in (family.sample(seed, P, X).transform(X) for seed in range(draws))])
    error = found.std(axis=0, ddof=1) / np.sqrt(draws)
    assert (np.abs(found.mean(axis=0) - kernel_of(family)(X)) < 4.5 * error + 1e-12).all()
    assert error.max() < 0.12 * kernel_of(family).diagonal(X).max()  # else the line above says little


@pytest.mark.contract
@each_family
def test_a_map_keeps_the_contract(name: str) -> None:
    family = ALL[name]
    drawn = family.sample(5, 9, X)
    F = drawn.transform(X)
    assert F.shape == (12, drawn.features)
    assert F.dtype == np.float64
    assert drawn.features <= 9
    assert drawn.input_shape == (3,)
    np.testing.assert_allclose(np.vstack([drawn.transform(X[:5]), drawn.transform(X[5:])]), F, rtol=1e-12, atol=1e-14)
    np.testing.assert_array_equal(family.sample(5, 9, X).transform(X), F)
    assert np.abs(family.sample(6, 9, X).transform(X) - F).max() > 1e-3
    assert drawn.transform(X[:0]).shape == (0, drawn.features)


@pytest.mark.contract
@each_family
def test_a_map_survives_json_and_safetensors(name: str) -> None:
    drawn = ALL[name].sample(5, 9, X)
    described = json.loads(json.dumps(drawn.config(), allow_nan=False))
    back = revive(described, load(save(drawn.arrays())))
    np.testing.assert_array_equal(back.transform(X), drawn.transform(X))
    assert (back.features, back.input_shape) == (drawn.features, drawn.input_shape)
    assert family_from_config(json.loads(json.dumps(ALL[name].config()))) == ALL[name]


@pytest.mark.contract
@each_family
def test_wrong_points_and_keys_have_a_named_error(name: str) -> None:
    family = ALL[name]
    drawn = family.sample(5, 9, X)
    with pytest.raises(ShapeMismatch, match="drawn for"):
        drawn.transform(X[:, :2])
    with pytest.raises(NotFinite):
        drawn.transform(np.where(np.eye(12, 3), np.nan, X))
    for key in (-1, 1.5, True, np.random.default_rng(0)):
        with pytest.raises(BadInput, match="key"):
            family.sample(key, 9, X)
    with pytest.raises(BadInput, match="features"):
        family.sample(0, 0, X)


@pytest.mark.contract
@pytest.mark.parametrize("name", [name for name, family in ALL.items() if not family.needs_points])
def test_the_number_of_columns_says_as_much_as_points(name: str) -> None:
    family = ALL[name]
    np.testing.assert_array_equal(family.sample(5, 9, 3).transform(X), family.sample(5, 9, X).transform(X))
    np.testing.assert_array_equal(family.sample(5, 9, (3,)).transform(X), family.sample(5, 9, X).transform(X))


@pytest.mark.contract
@pytest.mark.parametrize("name", [name for name, family in ALL.items() if family.needs_points])
def test_families_of_points_ask_for_them(name: str) -> None:
    with pytest.raises(BadInput, match="needs points"):
        ALL[name].sample(5, 9, 3)


@pytest.mark.exact
def test_keys_of_jax_serve_old_and_new() -> None:
    old, new = jax.random.PRNGKey(3), jax.random.key(3)
    family = FourierFeatures(RBF(1.0))
    np.testing.assert_array_equal(family.sample(old, 4, 2).frequencies, family.sample(new, 4, 2).frequencies)
    one, other = jax.random.split(new)
    assert (family.sample(one, 4, 2).frequencies != family.sample(other, 4, 2).frequencies).all()
    with pytest.raises(BadInput, match="one key"):
        family.sample(jax.random.split(new), 4, 2)


@pytest.mark.exact
@pytest.mark.parametrize("features", [10, 11])
def test_paired_cosines_give_every_point_its_variance_exactly(features: int) -> None:
    F = FourierFeatures(0.7 * RBF(1.0)).sample(0, features, 3).transform(X)
    pairs = features // 2
    squares = F[:, :pairs] ** 2 + F[:, -pairs:] ** 2
    np.testing.assert_allclose(squares, 2 * 0.7 / features, rtol=1e-12)


@pytest.mark.montecarlo
def test_orthogonal_frequencies_come_closer_to_a_smooth_kernel() -> None:
    points = np.random.default_rng(0).standard_normal((20, 8))
    exact = RBF(8.0)(points)

    def errors(orthogonal: bool) -> np.ndarray:
        family = FourierFeatures(RBF(8.0), orthogonal=orthogonal)
        maps = (family.sample(seed, 16, 8) for seed in range(200))
        return np.array([np.mean((F @ F.T - exact) ** 2) for F in (drawn.transform(points) for drawn in maps)])

    plain, better = errors(False), errors(True)
    gain = plain.mean() - better.mean()
    assert gain > 4 * np.hypot(plain.std(), better.std()) / np.sqrt(200)
    assert better.mean() < 0.75 * plain.mean()


@pytest.mark.exact
def test_orthogonal_frequencies_are_orthogonal_in_blocks() -> None:
    w = FourierFeatures(RBF(2.0), paired=False, orthogonal=True).sample(0, 10, 4).frequencies
    inner = w[:, :4].T @ w[:, :4]
    np.testing.assert_allclose(inner, np.diag(np.diag(inner)), atol=1e-12)
    assert np.abs(w[:, :4].T @ w[:, 4:8]).max() > 0.1


def test_kernels_without_a_spectral_law_are_refused_when_the_family_is_made() -> None:
    for kernel in (Linear(), Polynomial(2), RBF(1.0) * Linear(), Custom(lambda A, B: A @ B.T)):
        with pytest.raises(BadInput, match="NystromFeatures"):
            FourierFeatures(kernel)
    with pytest.raises(BadInput, match="expected a kernel"):
        FourierFeatures(1.0)  # type: ignore[arg-type]
    with pytest.raises(ShapeMismatch, match="flatten"):
        FourierFeatures(RBF(1.0)).sample(0, 4, (8, 8, 1))


@pytest.mark.exact
@pytest.mark.parametrize("kernel", [RBF(3.0), Laplace(2.0), Linear() + RBF(1.0)])
def test_nystrom_lies_below_the_kernel_equals_it_on_landmarks_and_everywhere_with_all_points(kernel: Kernel) -> None:
    points = np.random.default_rng(2).standard_normal((40, 3))
    exact = gram(kernel, points)
    drawn = NystromFeatures(kernel).sample(1, 12, points)
    F = drawn.transform(points)
    assert np.linalg.eigvalsh(exact - F @ F.T)[0] > -1e-8
    G = drawn.transform(drawn.landmarks)
    np.testing.assert_allclose(G @ G.T, kernel(drawn.landmarks), atol=1e-8)
    whole = NystromFeatures(kernel).sample(1, 40, points).transform(points)
    np.testing.assert_allclose(whole @ whole.T, exact, atol=1e-8)


@pytest.mark.exact
def test_landmarks_that_repeat_cost_features_but_no_accuracy() -> None:
    repeated = np.vstack([X, X])
    drawn = nystrom_map(Laplace(2.0), repeated)
    assert drawn.features == 12
    F = drawn.transform(X)
    np.testing.assert_allclose(F @ F.T, Laplace(2.0)(X), atol=1e-8)
    assert nystrom_map(Linear(), np.random.default_rng(0).standard_normal((9, 3))).features == 3


@pytest.mark.exact
def test_leverage_scores_of_all_points_are_those_of_the_definition() -> None:
    kernel, ridge = Laplace(2.0), 0.05
    scores = leverage_scores(kernel, X, 12, np.random.default_rng(0), ridge)
    K = kernel(X)
    np.testing.assert_allclose(scores, np.diag(K @ np.linalg.inv(K + 12 * ridge * np.eye(12))), rtol=1e-10)


@pytest.mark.montecarlo
def test_leverage_landmarks_find_the_rare_cluster() -> None:
    """1000 points in a heap and 10 far away, apart from each other: uniform landmarks miss most of these."""
    generator = np.random.default_rng(4)
    heap, rare = 0.05 * generator.standard_normal((1000, 2)), 20 * generator.standard_normal((10, 2))
    points, kernel = np.vstack([heap, rare]), RBF(1.0)

    def missed(landmarks: str) -> np.ndarray:
        found = []
        for seed in range(20):
            F = NystromFeatures(kernel, landmarks=landmarks).sample(seed, 30, points).transform(points)
            found.append(np.mean(1 - np.sum(F[-10:] ** 2, axis=1)))
        return np.array(found)

    uniform, leverage = missed("uniform"), missed("leverage")
    assert uniform.mean() > 0.8
    assert leverage.mean() < 0.1


def test_too_many_landmarks_are_refused() -> None:
    with pytest.raises(BadInput, match="13 landmarks among 12 points"):
        NystromFeatures(RBF(1.0)).sample(0, 13, X)
    with pytest.raises(BadInput, match="uniform, leverage"):
        NystromFeatures(RBF(1.0), landmarks="best")


def test_gaussian_features_know_only_their_points() -> None:
    drawn = GaussianFeatures(RBF(1.0)).sample(0, 5, X)
    np.testing.assert_array_equal(drawn.transform(X[[3, 3, 1]])[0], drawn.transform(X)[3])
    with pytest.raises(BadInput, match=r"row 1 is not among the 12 points"):
        drawn.transform(X[:2] + np.array([[0, 0, 0], [0, 0, 1e-9]]))


@pytest.mark.oracle
def test_the_relu_kernel_is_the_arc_cosine_kernel() -> None:
    lengths = np.linalg.norm(X, axis=1)
    angle = np.arccos(np.clip(X @ X.T / np.outer(lengths, lengths), -1, 1))
    expected = np.outer(lengths, lengths) / (3 * np.pi) * (np.sin(angle) + (np.pi - angle) * np.cos(angle))
    np.testing.assert_allclose(ReluFeatures().limit_kernel()(X), expected, atol=1e-7)


@pytest.mark.montecarlo
def test_a_deeper_network_comes_to_its_kernels_as_the_width_grows() -> None:
    net, points = Dense() >> Erf() >> Dense(bias_std=0.2) >> Relu() >> Dense(), X[:5]

    def error(kernel: Kernel, width: int, P: int) -> float:
        F = NetworkFeatures(kernel, width=width).sample(0, P, points).transform(points)
        exact = kernel(points)
        return float(np.abs(F @ F.T - exact).max() / exact.max())

    assert error(nngp(net), 1000, 2000) < 0.1
    assert error(ntk(net), 40, 2000) < 0.15


@pytest.mark.exact
def test_images_have_units_at_every_position() -> None:
    kernel = nngp(parse("conv relu flatten dense bias=0.5"))
    images = np.random.default_rng(0).standard_normal((2, 4, 4, 1))
    drawn = NetworkFeatures(kernel).sample(0, 16 * 7 + 1, images)
    F = drawn.transform(images)
    assert F.shape == (2, 113)
    np.testing.assert_array_equal(F[:, -1], 0.5)
    with pytest.raises(BadInput, match="steps of 16 and a constant; 100 features are not among them, 97 are"):
        NetworkFeatures(kernel).sample(0, 100, images)


def test_networks_that_are_no_feature_maps_are_refused() -> None:
    wrong: tuple[Any, ...] = (RBF(1.0), Dense() >> Relu() >> Dense())
    for kernel in wrong:
        with pytest.raises(BadInput, match="nngp"):
            NetworkFeatures(kernel)
    with pytest.raises(BadInput, match="rate"):
        NetworkFeatures(ntk(SHALLOW, rates=(1.0, 0.0)))
    with pytest.raises(BadInput, match="no hidden layer"):
        NetworkFeatures(nngp(Dense())).sample(0, 4, 3)


def test_unknown_descriptions_have_a_named_error() -> None:
    drawn = FourierFeatures(RBF(1.0)).sample(0, 4, 2)
    with pytest.raises(BadInput, match="no feature map is called 'Magic'"):
        revive({"kind": "Magic"}, {})
    with pytest.raises(BadInput, match="cannot be revived"):
        revive(drawn.config(), {})
    with pytest.raises(BadInput, match="no family"):
        family_from_config({"kind": "Magic"})
    with pytest.raises(BadInput, match="cannot be made"):
        family_from_config({"kind": "ReluFeatures", "depth": 2})
