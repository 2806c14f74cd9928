"""The trace of the Hessian of a network's outputs, exactly: one forward pass, no probes."""

from contextlib import nullcontext
from functools import lru_cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from theodolite.architectures import Activation
from theodolite.curvature.fully_connected import Layer, smooth_layers
from theodolite.finite_width import Network
from theodolite.numerics import memory
from theodolite.numerics.errors import BadInput, ShapeMismatch


def laplacian(f: Network, params: Any, X: Any, *, memory_limit: int | str | None = None) -> np.ndarray:
    """g(x) = sum_p d^2 f(x) / d theta_p^2 over all parameters of a fully connected network of finite width.

        T' = w/sqrt(n) W (sigma'' diag K + sigma' T),    K' = B K B' + (w^2 |alpha|^2 / n + b^2) Id

    layer by layer, B = w/sqrt(n) W diag sigma', with T_i = sum_p d^2 a_i / d theta_p^2 and
    K_ij = sum_p d a_i / d theta_p d a_j / d theta_p of the outputs a of a layer; at first T = 0, K a multiple of Id.

    Args: f, as finite_width.network makes it, of Dense layers and smooth activations; params of f; X (n, d), read in
        the dtype of params.
    Returns: (n, outputs), in the dtype of params. Raises: BadInput, NoInfiniteWidthLimit as `limiting_kernels`;
        ShapeMismatch; TooLarge.
    Source: derived here; Tr S = g' grad C is Jacot, Gabriel and Hongler (2020), arXiv:1910.02875, section 3.
    Cost: width^3 for each input and layer; memory 4 width^2 numbers.

    >>> from theodolite.architectures import Dense, Monomial
    >>> from theodolite.finite_width import network
    >>> net = network(Dense() >> Monomial(2) >> Dense(), width=1)  # f = v (w x)^2: d2f/dw2 = 2 v x^2, d2f/dv2 = 0
    >>> params = {"0_dense": {"weight": jnp.ones((1, 1))}, "2_dense": {"weight": 3 * jnp.ones((1, 1))}}
    >>> laplacian(net, params, np.array([[2.0]])).tolist()
    [[24.0]]
    """
    layers = _layers_of(f)
    leaves = jax.tree.leaves(params)
    X = np.asarray(X, dtype=leaves[0].dtype)
    if X.ndim != 2 or 0 in X.shape:
        raise ShapeMismatch(f"X has shape {X.shape}; expected (n, d) points, n and d at least 1")
    widest = max(leaf.shape[-1] for leaf in leaves)
    memory.require(
        4 * X.itemsize * widest**2,
        memory_limit,
        f"the Laplacian at width {widest}",
        "estimate the trace of S with random probes instead: trace(residual(...))",
    )
    weights = tuple(params[name] for name in _names(f))
    with jax.enable_x64(True) if X.dtype == np.float64 else nullcontext():
        return np.asarray(_compiled(tuple(layers))(weights, X))


def residual_trace(f: Network, params: Any, X: Any, slopes: Any, *, memory_limit: int | str | None = None) -> float:
    """Tr S = sum over points and outputs of g times the slope of the cost, exactly.

    Args: f, params, X as in `laplacian`; slopes (n, outputs), dC/df of the whole cost: (f - y) / n for the squared one.
    Returns: a number, the sum of the eigenvalues of the residual S = sum dC/df Hess f. Raises, cost: as `laplacian`.
    Source: Jacot, Gabriel and Hongler (2020), arXiv:1910.02875, the trace of the residual.

    >>> from theodolite.architectures import Dense, Monomial
    >>> from theodolite.finite_width import network
    >>> net = network(Dense() >> Monomial(2) >> Dense(), width=1)
    >>> params = {"0_dense": {"weight": jnp.ones((1, 1))}, "2_dense": {"weight": 3 * jnp.ones((1, 1))}}
    >>> residual_trace(net, params, np.array([[2.0]]), slopes=[[0.5]])
    12.0
    """
    own = laplacian(f, params, X, memory_limit=memory_limit).astype(np.float64)
    slopes = np.asarray(slopes, dtype=np.float64)
    if slopes.size != own.size or len(slopes) != len(own):
        raise ShapeMismatch(f"slopes have shape {slopes.shape}; expected {own.shape}, dC/df at each point and output")
    return float(np.sum(own * slopes.reshape(own.shape)))


def _layers_of(f: Any) -> list[Layer]:
    if not isinstance(f, Network):
        raise BadInput(
            f"expected a network as finite_width.network(net, width) makes it, got {type(f).__name__}; for any other "
            "function estimate the trace of S with random probes: trace(residual(...))"
        )
    return smooth_layers(f.net)


def _names(f: Network) -> list[str]:
    """The entries of the parameters that belong to the layers, in their order."""
    return [f"{place}_dense" for place, node in enumerate(f.net) if not isinstance(node, Activation)]


@lru_cache(maxsize=64)
def _compiled(layers: tuple[Layer, ...]) -> Any:
    """The function (weights of the layers, X) -> g."""

    def one(weights: Any, x: jax.Array) -> jax.Array:
        a, trace, kernel = x, jnp.zeros_like(x), jnp.zeros((0, 0), x.dtype)
        for place, (layer, own) in enumerate(zip(layers, weights, strict=True)):
            dense, inputs = layer.dense, len(a)
            scaled = dense.weight_std / np.sqrt(inputs) * own["weight"].T
            if place == 0:
                a_next, hidden = scaled @ a, a
                trace = jnp.zeros(len(a_next), x.dtype)
                base = jnp.zeros((len(a_next),) * 2, x.dtype)
            else:
                hidden, slope = layer.activation(a), layer.activation.derivative(a)
                bend = jax.jvp(layer.activation.derivative, (a,), (jnp.ones_like(a),))[1]
                a_next = scaled @ hidden
                trace = scaled @ (bend * jnp.diagonal(kernel) + slope * trace)
                base = jnp.zeros((0, 0), x.dtype)
                if place < len(layers) - 1:  # the last one is not asked for
                    through = scaled * slope
                    base = through @ kernel @ through.T
            if dense.bias_std > 0:
                a_next = a_next + dense.bias_std * own["bias"]
            own_share = dense.weight_std**2 / inputs * (hidden @ hidden) + dense.bias_std**2
            kernel = base + own_share * jnp.eye(len(base), dtype=x.dtype)
            a = a_next
        return trace

    return jax.jit(lambda weights, X: jax.lax.map(lambda x: one(weights, x), X))
