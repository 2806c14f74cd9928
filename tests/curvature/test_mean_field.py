"""The mean-field moments against finite networks."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from theodolite.architectures import Tanh, plain
from theodolite.curvature.laplacian import laplacian
from theodolite.curvature.limiting_kernels import limiting_kernels
from theodolite.curvature.mean_field import mean_field_moments
from theodolite.experiments.random_networks import parameters_drawn
from theodolite.finite_width import network
from theodolite.numerics.errors import BadInput

NET = plain(Tanh(), 3, 0.1)  # xi, sigma and theta are far apart


def test_finite_networks_have_them_on_average() -> None:
    """200 networks of width 64 with outputs f / sqrt(width): Tr (w I), Tr (w S) and, by probes, Tr (w S)^2."""
    rng, width, draws = np.random.default_rng(14), 64, 200
    X, y = 1.5 * rng.standard_normal((6, 5)), np.sign(rng.standard_normal((6, 1)))
    f = network(NET, width)
    params = parameters_drawn(f, (5,), draws, rng, np.float64)

    def traces(p, probe):
        def scaled(q):
            return f.apply(q, X)[:, 0] / jnp.sqrt(width)

        slope = (scaled(p) - y[:, 0]) / 6
        product = jax.jvp(jax.grad(lambda q: slope @ scaled(q)), (p,), (probe,))[1]
        gauss_newton = jax.jvp(scaled, (p,), (probe,))[1]
        squares = sum(jnp.sum(leaf**2) for leaf in jax.tree.leaves(product))
        return slope, width * jnp.sum(gauss_newton**2) / 6, width * squares  # (w S)^2 / w

    found: list[list[float]] = []
    with jax.enable_x64(True):
        compiled = jax.jit(traces, compiler_options={"xla_backend_optimization_level": 0})
        for i in range(draws):
            own = jax.tree.map(lambda leaf, i=i: leaf[i], params)
            probe = jax.tree.map(lambda leaf: rng.choice([-1.0, 1.0], leaf.shape), own)
            slope, gauss_newton, square = compiled(own, probe)
            found.append([float(np.sum(laplacian(f, own, X)[:, 0] * slope)), float(gauss_newton), float(square)])
    trace, gauss_newton, square = np.array(found).T
    limit = mean_field_moments(NET, X, y)

    def close(values: np.ndarray, expected: float) -> bool:
        return abs(values.mean() - expected) < 4 * values.std() / np.sqrt(draws) + 3 / width * expected

    assert close(gauss_newton, limit.gauss_newton)
    assert close(square, limit.residual_square)
    assert abs(trace.std() / limit.residual_deviation - 1) < 4 / np.sqrt(2 * draws) + 3 / width


def test_cross_entropy_starts_undecided(rng: np.random.Generator) -> None:
    X, labels = rng.standard_normal((5, 3)), np.array([0.0, 1.0, 1.0, 0.0, 1.0])
    squared, binary = mean_field_moments(NET, X, labels - 0.5), mean_field_moments(NET, X, labels, "cross_entropy")
    assert binary.residual_square == pytest.approx(squared.residual_square)  # the slope is (1/2 - label) / n
    assert binary.residual_deviation == pytest.approx(squared.residual_deviation)
    assert binary.gauss_newton == pytest.approx(squared.gauss_newton / 4)
    assert squared.gauss_newton == pytest.approx(np.trace(limiting_kernels(NET, X).theta) / 5)


def test_an_unknown_loss_is_refused() -> None:
    with pytest.raises(BadInput, match="no loss"):
        mean_field_moments(NET, np.ones((2, 3)), np.ones(2), "hinge")
