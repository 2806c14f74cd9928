"""Derivatives of the outputs of a network of any depth by its parameters, on the host."""

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
