"""Derivatives of the outputs of a network of any depth by its parameters, on the host."""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float

from theodolite.landscape.mlp import Mlp
from theodolite.numerics import memory


def outputs_and_jacobian(
    network: Mlp, X: np.ndarray, *, memory_limit: int | str | None = None
) -> tuple[Float[np.ndarray, "n outputs"], Float[np.ndarray, "n*outputs parameters"]]:
    """Outputs (n, o) and their derivatives (n o, P), columns in the order of `Mlp.flat`, rows output by output.

    Raises: TooLarge before anything is allocated. Cost: O(n o P).

    >>> from theodolite.landscape import mlp
    >>> outputs, J = outputs_and_jacobian(mlp([[[1.0, 1.0]], [[2.0]]]), np.array([[1.0, 2.0]]))
    >>> outputs.tolist(), J.tolist()  # by the two incoming weights, then by the outgoing one
    ([[6.0]], [[2.0, 4.0, 3.0]])
    """
    n, o = len(X), network.outputs
    memory.require(
        3 * 8 * n * o * network.parameters, memory_limit, "the Jacobian of the network", "give fewer rows of inputs"
    )
    layers = len(network.weights)
    inputs, before = [np.asarray(X, dtype=np.float64)], []
    for layer, (w, b) in enumerate(zip(network.weights, network.biases)):
        z = inputs[-1] @ w.T if b is None else inputs[-1] @ w.T + b
        before.append(z)
        if layer < layers - 1:
            inputs.append(network.activation.value(z))
    columns: list[np.ndarray] = []
    backward = np.broadcast_to(np.eye(o), (n, o, o))
    for layer in reversed(range(layers)):
        if network.biases[layer] is not None:
            columns.append(np.array(backward))
        columns.append(np.einsum("nok,ni->noki", backward, inputs[layer]).reshape(n, o, -1))
        if layer:
            backward = (backward @ network.weights[layer]) * network.activation.slope(before[layer - 1])[:, None, :]
    return before[-1], np.concatenate(columns[::-1], axis=2).reshape(n * o, -1)


def jacobian_products(
    network: Mlp, X: np.ndarray
) -> tuple[np.ndarray, Callable[[np.ndarray], np.ndarray], Callable[[np.ndarray], np.ndarray]]:
    """Outputs (n, o), and the products v -> J v and r -> J' r with the Jacobian of `outputs_and_jacobian`, never made.

    Args: v (P,) in the order of `Mlp.flat`; r (n o,) row by row. Cost: of each, about two forward passes.

    >>> from theodolite.landscape import mlp
    >>> _, along, back = jacobian_products(mlp([[[1.0, 1.0]], [[2.0]]]), np.array([[1.0, 2.0]]))
    >>> along(np.array([1.0, 0.0, 1.0])).tolist(), back(np.ones(1)).tolist()
    ([5.0], [2.0, 4.0, 3.0])
    """
    layers = len(network.weights)
    inputs, slopes, outputs = [np.asarray(X, dtype=np.float64)], [], np.zeros((0, 0))
    for layer, (w, b) in enumerate(zip(network.weights, network.biases)):
        outputs = inputs[-1] @ w.T if b is None else inputs[-1] @ w.T + b
        if layer < layers - 1:
            inputs.append(network.activation.value(outputs))
            slopes.append(network.activation.slope(outputs))

    def along(direction: np.ndarray) -> np.ndarray:
        moved, change = network.unflat(np.asarray(direction, dtype=np.float64)), np.zeros((0, 0))
        for layer, (w, b) in enumerate(zip(moved.weights, moved.biases)):
            own = inputs[layer] @ w.T if b is None else inputs[layer] @ w.T + b
            own = own + change @ network.weights[layer].T if layer else own
            change = own * slopes[layer] if layer < layers - 1 else own
        return change.ravel()

    def back(residual: np.ndarray) -> np.ndarray:
        g, parts = np.reshape(residual, outputs.shape), []
        for layer in reversed(range(layers)):
            if network.biases[layer] is not None:
                parts.append(g.sum(0))
            parts.append((g.T @ inputs[layer]).ravel())
            g = (g @ network.weights[layer]) * slopes[layer - 1] if layer else g
        return np.concatenate(parts[::-1])

    return outputs, along, back
