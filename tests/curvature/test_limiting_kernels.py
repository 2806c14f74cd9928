"""The limiting kernels: stored tables, independent quadrature, closed forms, identities, finite networks."""

from itertools import product

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.special import expit

from theodolite.architectures import (
    Conv,
    Dense,
    Dropout,
    Elementwise,
    Erf,
    Gelu,
    Identity,
    Monomial,
    Node,
    Relu,
    Sin,
    Softplus,
    Step,
    Tanh,
    plain,
)
from theodolite.curvature.gaussian_pairs import Points, pair_moments
from theodolite.curvature.laplacian import _compiled, _layers_of, _names, laplacian
from theodolite.curvature.limiting_kernels import LimitingKernels, limiting_kernels
from theodolite.experiments.random_networks import parameters_drawn
from theodolite.finite_width import network
from theodolite.infinite_width import limit
from theodolite.numerics.errors import (
    BadInput,
    DidNotConverge,
    NoInfiniteWidthLimit,
    NotFinite,
    ShapeMismatch,
    TooLarge,
)

NAMES = ("sigma", "theta", "upsilon", "phi", "xi", "lambda_")
X = np.array([[1.0, 0.5, -0.3], [-0.4, 1.2, 0.8], [0.9, -0.2, 1.1]])
STORED = {  # first rows, three layers, beta 0.3; computed apart with 100 x 100 Gauss-Hermite nodes
    Tanh(): {
        "sigma": (0.319056, 0.161714, 0.209210),
        "theta": (0.762010, 0.253987, 0.398950),
        "upsilon": (1.498824, 0.226815, 0.532784),
        "phi": (-0.229439, -0.049302, -0.099023),
        "xi": (0.288224, 0.041478, 0.101777),
        "lambda_": (-0.780581, -0.120230, -0.276781),
    },
    Softplus(): {
        "sigma": (0.922522, 0.905655, 0.914508),
        "theta": (1.195679, 1.109996, 1.144098),
        "upsilon": (0.678450, 0.443729, 0.526767),
        "phi": (0.194763, 0.200180, 0.198988),
        "xi": (0.053305, 0.066272, 0.063745),
        "lambda_": (0.211228, 0.221934, 0.219348),
    },
}


def tanh_derivatives(order: int, x: np.ndarray) -> np.ndarray:
    t = np.tanh(x)
    u = 1 - t * t
    return (t, u, -2 * t * u, u * (6 * t * t - 2))[order]


def softplus_derivatives(order: int, x: np.ndarray) -> np.ndarray:
    p = expit(x)
    return (np.logaddexp(0, x), p, p * (1 - p), p * (1 - p) * (1 - 2 * p))[order]


def erf_derivatives(order: int, x: np.ndarray) -> np.ndarray:
    from scipy.special import erf

    bell = 2 / np.sqrt(np.pi) * np.exp(-x * x)
    return (erf(x), bell, -2 * x * bell, (4 * x * x - 2) * bell)[order]


class Quadrature:
    """L^ij of one pair by a product of trapezoidal rules, which converge exponentially for analytic functions."""

    def __init__(self, derivative) -> None:
        self.derivative = derivative
        self.z = np.linspace(-9.0, 9.0, 151)
        self.w = 0.12 * np.exp(-(self.z**2) / 2) / np.sqrt(2 * np.pi)

    def __call__(self, i: int, j: int, q1: float, c: float, q2: float) -> float:
        rho = 0.0 if q1 == 0 or q2 == 0 else np.clip(c / np.sqrt(q1 * q2), -1, 1)
        left = self.derivative(i, np.sqrt(q1) * self.z)
        second = np.sqrt(q2) * (rho * self.z[:, None] + np.sqrt(1 - rho * rho) * self.z)
        return float((self.w * left) @ self.derivative(j, second) @ self.w)


def recursion(derivative, layers: list[tuple[float, float]], X: np.ndarray) -> dict[str, np.ndarray]:
    """The kernels point by point, from the formulas as they are written, (weight_std, bias_std) for each layer."""
    L, n = Quadrature(derivative), len(X)
    w, b = layers[0]
    S = {(i, j): w * w * (X[i] @ X[j]) / X.shape[1] + b * b for i, j in product(range(n), range(n))}
    T, U, P, Q, M = dict(S), *(dict.fromkeys(S, 0.0) for _ in range(4))
    for w, b in layers[1:]:
        new: list[dict[tuple[int, int], float]] = [{} for _ in range(6)]
        for x, z in S:

            def E(i: int, j: int, x: int = x, z: int = z, S: dict = S) -> float:
                return L(i, j, S[x, x], S[x, z], S[z, z])

            cx, cz, W = T[x, x] + P[x, x], T[z, z] + P[z, z], w * w
            new[0][x, z] = W * E(0, 0) + b * b
            new[1][x, z] = new[0][x, z] + W * T[x, z] * E(1, 1)
            new[2][x, z] = W * (U[x, z] * E(1, 1) + 2 * T[x, z] * E(1, 1) + T[x, z] ** 2 * E(2, 2))
            new[3][x, z] = W * (cx * E(2, 0) + P[x, z] * E(1, 1))
            new[4][x, z] = W * (
                Q[x, z] * E(1, 1)
                + (cx * cz + P[x, z] * P[z, x]) * E(2, 2)
                + cx * P[z, x] * E(3, 1)
                + cz * P[x, z] * E(1, 3)
            )
            new[5][x, z] = new[3][x, z] + W * (T[x, z] * (cx * E(3, 1) + P[x, z] * E(2, 2)) + M[x, z] * E(1, 1))
        S, T, U, P, Q, M = new
    table = zip(NAMES, (S, T, U, P, Q, M), strict=True)
    return {name: np.array([[values[i, j] for j in range(n)] for i in range(n)]) for name, values in table}


@pytest.mark.parametrize("activation", STORED, ids=repr)
def test_the_stored_values_are_met_to_six_digits(activation: Node) -> None:
    found = limiting_kernels(plain(activation, 3, 0.3), X)  # type: ignore[arg-type]
    for name, row in STORED[activation].items():
        assert np.abs(getattr(found, name)[0] - row).max() <= 0.5000001e-6, name


@pytest.mark.parametrize(
    ("activation", "derivative"),
    [(Tanh(), tanh_derivatives), (Softplus(), softplus_derivatives), (Erf(), erf_derivatives)],
    ids=["tanh", "softplus", "erf"],
)
def test_another_quadrature_gives_the_same_also_at_opposite_repeated_and_zero_points(activation, derivative) -> None:
    points = np.array([X[0], -X[0], X[0], 2.0 * X[1], np.zeros(3), X[2]])
    layers = [(0.9, 0.0), (1.2, 0.4), (0.7, 0.2)]
    net = Dense(*layers[0]) >> activation >> Dense(*layers[1]) >> activation >> Dense(*layers[2])
    expected, found = recursion(derivative, layers, points), limiting_kernels(net, points)
    for name in NAMES:
        scale = np.abs(expected[name]).max()
        assert np.abs(getattr(found, name) - expected[name]).max() < 1e-8 * scale, name


def test_two_sets_of_points_give_the_blocks_of_their_union() -> None:
    net, points = plain(Softplus(), 4, 0.2), np.vstack([X, -X[:2], X[:1] / 3])
    whole, block = limiting_kernels(net, points), limiting_kernels(net, points[:3], points[1:])
    for name in NAMES:
        assert np.abs(getattr(whole, name)[:3, 1:] - getattr(block, name)).max() < 1e-12, name


def test_closed_forms_and_price_give_the_moments_of_erf() -> None:
    def dual(q1, c, q2):
        return 2 / jnp.pi * jnp.arcsin(2 * c / jnp.sqrt((1 + 2 * q1) * (1 + 2 * q2)))

    across, along = (lambda f: jax.grad(f, 1)), (lambda f: lambda *a: 2 * jax.grad(f, 0)(*a))
    forms = {(0, 0): dual, (1, 1): across(dual), (2, 2): across(across(dual)), (2, 0): along(dual)}
    forms[3, 1] = along(across(dual))
    left, rho, right = np.array([0.6, 1.1]), np.array([[0.3, -1.0], [0.999, 0.0]]), np.array([1.3, 0.9])
    found = pair_moments(Erf(), Points(left, rho, right), list(forms))
    with jax.enable_x64(True):
        for order, form in forms.items():
            for i, j in product(range(2), range(2)):
                expected = form(left[i] ** 2, left[i] * right[j] * rho[i, j], right[j] ** 2)
                assert abs(found[order][i, j] - float(expected)) < 1e-12, (order, i, j)


def test_sigma_and_theta_are_the_kernels_of_infinite_width() -> None:
    net = Dense(1.3, 0.1) >> Gelu() >> Dense(0.8) >> Sin(1.0, 0.7, 0.2) >> Dense(1.1, 0.5)
    found, other = limiting_kernels(net, X), limit(net)(X)
    assert np.abs(found.sigma - other.nngp).max() < 1e-12
    assert np.abs(found.theta - other.ntk).max() < 1e-12


def test_large_variances_are_no_trouble_for_points_that_differ() -> None:
    net = plain(Tanh(), 3, 0.1)
    found, other = limiting_kernels(net, 6 * X), limit(net)(6 * X)
    assert np.abs(found.sigma - other.nngp).max() < 1e-10
    assert np.abs(found.theta - other.ntk).max() < 1e-10 * found.theta.max()


def test_one_layer_has_no_second_derivative() -> None:
    found = limiting_kernels(Dense(2.0, 0.5), X)
    assert np.allclose(found.sigma, 4.0 * X @ X.T / 3 + 0.25, rtol=1e-15)
    assert np.array_equal(found.sigma, found.theta)
    assert not any(getattr(found, name).any() for name in NAMES[2:])


def test_two_layers_have_the_closed_forms() -> None:
    net = plain(Erf(), 2, 0.3)
    found, first = limiting_kernels(net, X), limiting_kernels(Dense(bias_std=0.3), X)
    theta = first.theta
    own = np.diag(theta)
    length = np.sqrt(np.outer(1 + 2 * own, 1 + 2 * own))
    a = 2 * theta / length
    slope = 4 / np.pi / length / np.sqrt(1 - a * a)
    bend = slope * 4 * theta / (length**2 - 4 * theta**2)  # d slope / d theta
    turned = -2 * a / np.sqrt(1 - a * a) * 2 / np.pi / (1 + 2 * own)[:, None]  # 2 d dual / d theta(x, x)
    assert np.abs(found.upsilon - (2 * theta * slope + theta**2 * bend)).max() < 1e-11
    assert np.abs(found.phi - own[:, None] * turned).max() < 1e-11
    assert np.abs(found.xi - np.outer(own, own) * bend).max() < 1e-11


def test_deep_linear_networks_have_a_hessian_without_trace() -> None:
    net = plain(Monomial(1), 4, 0.3)
    found, same = limiting_kernels(net, X), limiting_kernels(plain(Identity(), 4, 0.3), X)
    for name in ("phi", "xi", "lambda_"):
        assert np.abs(getattr(found, name)).max() < 1e-12
    assert found.upsilon.diagonal().min() > 1
    for name in NAMES:
        assert np.abs(getattr(found, name) - getattr(same, name)).max() < 1e-12


@pytest.mark.parametrize("activation", [Tanh(), Softplus().normalised(), Gelu()], ids=repr)
def test_four_of_them_are_symmetric_and_positive(activation, rng: np.random.Generator) -> None:
    found = limiting_kernels(plain(activation, 4, 0.1), rng.standard_normal((25, 4)))
    for name in ("sigma", "theta", "upsilon", "xi"):
        kernel = getattr(found, name)
        assert np.abs(kernel - kernel.T).max() < 1e-12 * np.abs(kernel).max()
        assert np.linalg.eigvalsh(kernel)[0] > -1e-11 * np.trace(kernel)
    joint = np.block([[found.sigma, found.phi.T], [found.phi, found.xi]])
    assert np.linalg.eigvalsh(joint)[0] > -1e-11 * np.trace(joint)  # (f, g) is a Gaussian pair


MIXED = Dense(1.2, 0.3) >> Softplus() >> Dense(0.9, 0.2) >> Tanh() >> Dense(1.4, 0.1)


def measured(net: Node, width: int, pairs: int, draws: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Draws of the six kernels from networks of one width, (draws, 3, 3): products of f and g, and of derivatives."""
    f = network(net, width)
    found: dict[str, list[np.ndarray]] = {name: [] for name in NAMES}

    def output(p, x):
        return f.apply(p, x[None])[0, 0]

    def trace(p, x):
        return _compiled(tuple(_layers_of(f)))(tuple(p[name] for name in _names(f)), x[None])[0, 0]

    def slopes(p):
        return jax.vmap(lambda x: jax.grad(output)(p, x))(X)

    def products(left, right):
        pairs = zip(jax.tree.leaves(left), jax.tree.leaves(right), strict=True)
        return sum(a.reshape(3, -1) @ b.reshape(3, -1).T for a, b in pairs)

    def of_one(p, v):
        slope, bend = jax.jvp(slopes, (p,), (v,))
        moved = jax.vmap(lambda x: jax.grad(trace)(p, x))(X)
        return products(slope, slope), products(bend, bend), products(moved, slope)

    params = parameters_drawn(f, (3,), pairs, rng, np.float64)
    with jax.enable_x64(True):
        for i in range(pairs):
            own = jax.tree.map(lambda leaf, i=i: leaf[i], params)
            values, traces = np.asarray(f.apply(own, X))[:, 0], laplacian(f, own, X)[:, 0]
            found["sigma"].append(np.outer(values, values))
            found["phi"].append(np.outer(traces, values))
            found["xi"].append(np.outer(traces, traces))
        compiled = jax.jit(of_one, compiler_options={"xla_backend_optimization_level": 0})
        for i in range(draws):
            own = jax.tree.map(lambda leaf, i=i: leaf[i], params)
            probe = jax.tree.map(lambda leaf: rng.choice([-1.0, 1.0], leaf.shape), own)
            theta, upsilon, moved = compiled(own, probe)
            found["theta"].append(np.asarray(theta))
            found["upsilon"].append(np.asarray(upsilon))
            found["lambda_"].append(np.asarray(moved))
    return {name: np.array(values) for name, values in found.items()}


def worst_z(found: dict[str, np.ndarray], expected: LimitingKernels, width: int) -> float:
    """The largest deviation in standard errors, once a bias of 3 / width of the kernel's size is allowed for."""
    worst = 0.0
    for name, values in found.items():
        kernel = getattr(expected, name)
        bias = 3.0 / width * np.abs(kernel).max()
        error = values.std(axis=0, ddof=1) / np.sqrt(len(values))
        worst = max(worst, float(((np.abs(values.mean(0) - kernel) - bias) / error).max()))
    return worst


def test_finite_networks_have_them_on_average(rng: np.random.Generator) -> None:
    found = measured(MIXED, 48, 400, 60, rng)
    # 54 comparisons at 1 % in all: 3.7 standard errors; 4.5 leaves room for the t distribution of 60 draws
    assert worst_z(found, limiting_kernels(MIXED, X), 48) < 4.5
    assert worst_z(found, limiting_kernels(plain(Softplus(), 3, 0.2), X), 48) > 10


@pytest.mark.full
def test_wider_networks_have_them_more_closely(rng: np.random.Generator) -> None:
    found = measured(MIXED, 160, 4000, 400, rng)
    assert worst_z(found, limiting_kernels(MIXED, X), 160) < 4.0


def test_a_user_s_function_is_differentiated() -> None:
    own = Elementwise(jnp.tanh)
    found, expected = limiting_kernels(plain(own, 3, 0.3), X), limiting_kernels(plain(Tanh(), 3, 0.3), X)
    for name in NAMES:
        assert np.abs(getattr(found, name) - getattr(expected, name)).max() < 1e-6, name
    with pytest.raises(BadInput, match=r"jax\.numpy\.tanh"):
        limiting_kernels(plain(Elementwise(np.tanh), 3, 0.3), X)


def test_what_has_no_limit_is_refused_with_the_reason() -> None:
    for activation in (Relu(), Relu().normalised(), Step()):
        with pytest.raises(NoInfiniteWidthLimit, match="Softplus"):
            limiting_kernels(plain(activation, 2), X)
    for net in (Dense() >> Tanh(), Tanh() >> Dense(), Dense() >> Tanh() >> Erf() >> Dense()):
        with pytest.raises(BadInput, match="Dense"):
            limiting_kernels(net, X)
    for net in (Dense() >> Tanh() >> Dropout(0.1) >> Dense(), Conv() >> Tanh() >> Dense()):
        with pytest.raises(BadInput, match="fully connected"):
            limiting_kernels(net, X)


def test_points_that_cannot_be_used_are_refused() -> None:
    net = plain(Tanh(), 2)
    with pytest.raises(ShapeMismatch, match="one dimension"):
        limiting_kernels(net, X, np.ones((2, 4)))
    with pytest.raises(ShapeMismatch, match=r"\(n, d\)"):
        limiting_kernels(net, X[0])
    with pytest.raises(NotFinite, match="X holds nan"):
        limiting_kernels(net, np.where(X == 1.0, np.nan, X))
    with pytest.raises(BadInput, match="dtype"):
        limiting_kernels(net, X.astype(complex))
    with pytest.raises(TooLarge, match="fewer points"):
        limiting_kernels(net, X, memory_limit=1000)
    with pytest.raises(DidNotConverge, match="scale the inputs"):
        limiting_kernels(net, 1000 * np.vstack([X, X + 1e-6]))
