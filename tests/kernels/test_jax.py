"""Kernels on JAX arrays: the same values, traceable, differentiable, also where two points meet.

One compilation a kernel serves the tests of values and gradients, for compiling is what takes time here.
"""

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from theodolite.architectures import Relu, plain
from theodolite.infinite_width import NNGP, NTK, nngp, ntk
from theodolite.kernels import RBF, Kernel, gram


def relu_ntk(depth: int = 1, bias_std: float = 0.0) -> NTK:
    """The NTK of `depth` hidden layers."""
    return ntk(plain(Relu().standardised(), depth + 1, bias_std))


def relu_nngp(depth: int = 1, bias_std: float = 0.0) -> NNGP:
    """The NNGP of `depth` hidden layers."""
    return nngp(plain(Relu().standardised(), depth + 1, bias_std))


X = np.array([[0.3, -1.0], [1.2, 0.4], [-0.7, 0.9]])
Z = np.array([[0.5, 0.2], [-1.1, 0.8]])
WEIGHTS = np.array([[1.0, -2.0], [0.5, 1.5], [-1.0, 0.7]])
# equal, opposite, parallel, nearly equal points, and one at the origin
MEETING = np.array([[1.0, 2.0], [1.0, 2.0], [-1.0, -2.0], [0.0, 0.0], [2.0, 4.0], [1.0, 2.0000001]])


@functools.cache
def compiled(kernel: Kernel) -> dict[str, np.ndarray]:
    """Values and gradients of a kernel in double precision, from one jitted function."""

    def everything(points: Any, others: Any, weights: Any, meeting: Any) -> dict[str, Any]:
        return {
            "rectangle": kernel(points, others),
            "square": kernel(points),
            "diagonal": kernel.diagonal(points),
            "gradient": jax.grad(lambda a: jnp.sum(weights * kernel(a, others)))(points),
            "where points meet": jax.grad(lambda a: jnp.trace(kernel(a, points)))(points),
            "of the diagonal": jax.grad(lambda a: jnp.sum(kernel.diagonal(a)))(points),
            "of a square": jax.grad(lambda a: jnp.sum(kernel(a)))(meeting),
            "of a rectangle": jax.grad(lambda a: jnp.sum(kernel(a, meeting)))(meeting),
        }

    with jax.enable_x64(True):
        quick = jax.jit(everything, compiler_options={"xla_backend_optimization_level": 0})
        values = quick(*(jnp.asarray(a) for a in (X, Z, WEIGHTS, MEETING)))
        assert all(isinstance(value, jax.Array) and value.dtype == jnp.float64 for value in values.values())
        return {name: np.asarray(value) for name, value in values.items()}


@pytest.mark.contract
def test_values_under_jit_agree_with_numpy(traced_kernel: Kernel) -> None:
    values = compiled(traced_kernel)
    np.testing.assert_allclose(values["rectangle"], traced_kernel(X, Z), rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(values["square"], traced_kernel(X), rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(values["diagonal"], traced_kernel.diagonal(X), rtol=1e-12)


@pytest.mark.contract
def test_gradients_agree_with_differences_of_the_numpy_route(traced_kernel: Kernel) -> None:
    step, differences = 1e-5, np.empty_like(X)
    for place in np.ndindex(X.shape):
        ahead, behind = X.copy(), X.copy()
        ahead[place] += step
        behind[place] -= step
        differences[place] = np.sum(WEIGHTS * (traced_kernel(ahead, Z) - traced_kernel(behind, Z))) / (2 * step)
    # third derivatives are of order 10 at most here; differences err by step^2 times them, plus eps / step
    np.testing.assert_allclose(compiled(traced_kernel)["gradient"], differences, atol=3e-9)


@pytest.mark.exact
def test_where_points_meet_the_gradient_is_half_that_of_the_diagonal(traced_kernel: Kernel) -> None:
    """By symmetry d k(x, x) = 2 d_1 k(x, z) at z = x; where k has a kink there, its middle is meant."""
    values = compiled(traced_kernel)
    np.testing.assert_allclose(values["where points meet"], values["of the diagonal"] / 2, atol=1e-6)


@pytest.mark.contract
def test_gradients_are_finite_with_equal_opposite_and_zero_points(traced_kernel: Kernel) -> None:
    values = compiled(traced_kernel)
    assert np.isfinite(values["of a square"]).all()
    assert np.isfinite(values["of a rectangle"]).all()


@pytest.mark.contract
def test_gradients_of_networks_are_finite_in_single_precision_too() -> None:
    gradient = jax.jit(jax.grad(lambda a: jnp.sum(relu_ntk(2)(a, a[::-1]))))
    assert jnp.isfinite(gradient(jnp.asarray(MEETING, dtype=jnp.float32))).all()


@pytest.mark.contract
@pytest.mark.parametrize(("given", "expected"), [(jnp.float32, jnp.float32), (jnp.int32, jnp.float32)])
def test_jax_in_means_jax_out_in_the_same_precision(kernel: Kernel, given: Any, expected: Any) -> None:
    def everything(points: Any) -> tuple[Any, ...]:
        return kernel(points), kernel(points, points), kernel(points, [[1.0, 0.5]]), kernel.diagonal(points)

    shapes = jax.eval_shape(everything, jax.ShapeDtypeStruct((3, 2), given))
    assert [shape.shape for shape in shapes] == [(3, 3), (3, 3), (3, 1), (3,)]
    assert all(shape.dtype == expected for shape in shapes)


def test_host_points_beside_jax_points_follow_them() -> None:
    for value in (RBF(1.0)(X, jnp.asarray(Z)), RBF(1.0)(jnp.asarray(X), Z), RBF(1.0)(X.tolist(), jnp.asarray(Z))):
        assert isinstance(value, jax.Array)
        np.testing.assert_allclose(value, RBF(1.0)(X, Z), rtol=1e-5)


@pytest.mark.contract
def test_block_wise_matrices_are_on_the_host_whatever_the_points(kernel: Kernel) -> None:
    matrix = gram(kernel, jnp.asarray(X, dtype=jnp.float32))
    assert type(matrix) is np.ndarray
    assert matrix.dtype == np.float32
    np.testing.assert_allclose(matrix, kernel(X), rtol=1e-5, atol=1e-6)
