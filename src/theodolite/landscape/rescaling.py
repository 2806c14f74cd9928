"""The continuous symmetry of ReLU networks, taken away before neurons are compared."""

import numpy as np

from theodolite.landscape.mlp import Mlp


def normalised(network: Mlp) -> Mlp:
    """The same function with hidden neurons of incoming norm 1 (bias included), for homogeneous activations.

    sigma(c x) = c sigma(x) for c > 0: the norm of what comes in moves into the outgoing weights, layer after layer. A
    neuron that nothing comes into stays as it is; so does a network with another activation.

    >>> from theodolite.landscape import mlp
    >>> found = normalised(mlp([[[3.0, 4.0]], [[2.0]]], activation="relu"))
    >>> found.weights[0].tolist(), found.weights[1].tolist()
    ([[0.6, 0.8]], [[10.0]])
    """
    if not network.activation.homogeneous:
        return network
    for layer in range(len(network.widths)):
        incoming, outgoing = network.incoming(layer), network.outgoing(layer)
        norms = np.linalg.norm(incoming, axis=1, keepdims=True)
        norms[norms == 0] = 1.0
        network = network.with_layer(layer, incoming / norms, outgoing * norms)
    return network
