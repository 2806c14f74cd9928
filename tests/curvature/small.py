"""A network small enough to write its Hessian down, in double precision, and losses to go with it."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree

random = np.random.default_rng(11)
PARAMS = {
    "first": {"bias": random.standard_normal(5), "weight": random.standard_normal((3, 5))},
    "last": {"weight": random.standard_normal((5, 2))},
}
P = 30
X = random.standard_normal((7, 3))
Y = random.standard_normal((7, 2))
LABELS = np.array([0, 1, 1, 0, 1, 0, 0])


def network(params: Any, X: Any) -> Any:
    """Two layers, smooth."""
    return jnp.tanh(X @ params["first"]["weight"] + params["first"]["bias"]) @ params["last"]["weight"]


def cubic(outputs: Any, targets: Any) -> Any:
    """A loss of one's own, one number for each row, not convex."""
    return jnp.sum((outputs - targets) ** 3, axis=-1)


def written_down(loss: Any, params: Any = PARAMS, f: Any = network) -> dict[str, np.ndarray]:
    """H, I and S by automatic differentiation of the whole, with the cost's Hessian as a matrix.

    loss: a function of (outputs, X-ordered) alone, so that nothing of the library takes part.
    """
    with jax.enable_x64(True):
        flat, unravel = ravel_pytree(jax.tree.map(jnp.asarray, params))

        def outputs(theta: Any) -> Any:
            return f(unravel(theta), jnp.asarray(X)).ravel()

        def all_of(theta: Any) -> dict[str, Any]:
            jacobian = jax.jacfwd(outputs)(theta)
            slope, bend = jax.grad(loss)(outputs(theta)), jax.hessian(loss)(outputs(theta))
            return {
                "hessian": jax.hessian(lambda t: loss(outputs(t)))(theta),
                "gauss_newton": jacobian.T @ bend @ jacobian,
                "residual": jnp.einsum("i,ipq->pq", slope, jax.jacfwd(jax.jacrev(outputs))(theta)),
                "gram": jacobian @ jacobian.T,
                "gradient": jacobian.T @ slope,
            }

        found = jax.jit(all_of, compiler_options={"xla_backend_optimization_level": 0})(flat)
        return {name: np.asarray(matrix) for name, matrix in found.items()}


def squared(outputs: Any) -> Any:
    """1 / 2N |Y - f|^2."""
    return jnp.sum((outputs.reshape(7, 2) - Y) ** 2) / 14


def softmax(outputs: Any) -> Any:
    """Mean negative log-probability of the labels."""
    return -jnp.mean(jax.nn.log_softmax(outputs.reshape(7, 2), axis=-1)[jnp.arange(7), LABELS])


def cubed(outputs: Any) -> Any:
    """The mean of `cubic`."""
    return jnp.sum((outputs.reshape(7, 2) - Y) ** 3) / 7
