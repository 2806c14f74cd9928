"""A multi-layer perceptron as plain matrices: the reading of a network in which neurons can be moved about."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from jaxtyping import Float

from theodolite.landscape.nonlinearity import Nonlinearity, nonlinearity
from theodolite.numerics.checks import finite
from theodolite.numerics.errors import BadInput, ShapeMismatch


@dataclass(frozen=True, eq=False)
class Mlp:
    """f(x) = W_L sigma(... sigma(W_1 x + b_1) ...) + b_L in float64 on the host.

    Attributes: weights, W_l (outputs, inputs) of each layer, at least two; biases, b_l (outputs,) or None where there
    is none; activation, sigma. Make one with `mlp`.
    """

    weights: tuple[np.ndarray, ...]
    biases: tuple[np.ndarray | None, ...]
    activation: Nonlinearity

    def __call__(self, X: Any) -> Float[np.ndarray, "n outputs"]:
        """The outputs (n, outputs) for inputs (n, inputs). Raises: ShapeMismatch.

        >>> float(mlp([[[1.0, 2.0]], [[3.0]]], activation="relu")(np.array([[1.0, 1.0]]))[0, 0])
        9.0
        """
        h = np.asarray(X, dtype=np.float64)
        if h.ndim != 2 or h.shape[1] != self.inputs:
            raise ShapeMismatch(f"X has shape {h.shape}; expected (n, {self.inputs}), one row an input")
        for layer, (w, b) in enumerate(zip(self.weights, self.biases)):
            h = h @ w.T if b is None else h @ w.T + b
            if layer < len(self.weights) - 1:
                h = self.activation(h)
        return h

    @property
    def inputs(self) -> int:
        """Numbers in one input."""
        return self.weights[0].shape[1]

    @property
    def outputs(self) -> int:
        """Numbers in one output."""
        return self.weights[-1].shape[0]

    @property
    def widths(self) -> tuple[int, ...]:
        """Neurons in each hidden layer."""
        return tuple(w.shape[0] for w in self.weights[:-1])

    @property
    def parameters(self) -> int:
        """How many numbers weights and biases hold."""
        return sum(w.size for w in self.weights) + sum(0 if b is None else b.size for b in self.biases)

    def incoming(self, layer: int) -> np.ndarray:
        """What decides the value of each neuron of a hidden layer: its row of weights and its bias, (width, k)."""
        w, b = self.weights[layer], self.biases[layer]
        return w.copy() if b is None else np.column_stack([w, b])

    def outgoing(self, layer: int) -> np.ndarray:
        """What each neuron of a hidden layer sends on, (width, next width)."""
        return self.weights[layer + 1].T.copy()

    def with_layer(self, layer: int, incoming: np.ndarray, outgoing: np.ndarray, bias: Any = None) -> "Mlp":
        """Another hidden layer in place of the present one, of any width.

        Args: layer, counted from 0; incoming and outgoing as the methods of these names return them; bias of the layer
            after it, the present one unless given.
        """
        weights, biases = list(self.weights), list(self.biases)
        biased = biases[layer] is not None
        weights[layer] = incoming[:, : weights[layer].shape[1]].copy()
        biases[layer] = incoming[:, -1].copy() if biased else None
        weights[layer + 1] = np.array(outgoing.T, order="C")
        if bias is not None:
            biases[layer + 1] = np.array(bias, dtype=np.float64)
        return replace(self, weights=tuple(weights), biases=tuple(biases))

    def flat(self) -> np.ndarray:
        """All parameters in one vector: W_1, b_1, W_2, ..."""
        parts = [part.ravel() for pair in zip(self.weights, self.biases) for part in pair if part is not None]
        return np.concatenate(parts)

    def unflat(self, vector: np.ndarray) -> "Mlp":
        """The network of the same shapes with the parameters of a vector as `flat` makes it."""
        weights, biases, at = [], [], 0
        for w, b in zip(self.weights, self.biases):
            weights.append(vector[at : at + w.size].reshape(w.shape).copy())
            at += w.size
            biases.append(None if b is None else vector[at : at + b.size].copy())
            at += 0 if b is None else b.size
        return replace(self, weights=tuple(weights), biases=tuple(biases))

    def permuted(self, permutations: Sequence[Any]) -> "Mlp":
        """The same function with the neurons of each hidden layer in another order: new neuron i is old p[i].

        >>> net = mlp([[[1.0], [2.0]], [[3.0, 4.0]]])
        >>> net.permuted([[1, 0]]).weights[0].ravel().tolist()
        [2.0, 1.0]
        """
        if len(permutations) != len(self.widths):
            raise ShapeMismatch(f"{len(permutations)} permutations came for {len(self.widths)} hidden layers")
        found = self
        for layer, order in enumerate(permutations):
            places = permutation(order, self.widths[layer])
            found = found.with_layer(layer, found.incoming(layer)[places], found.outgoing(layer)[places])
        return found


def mlp(weights: Sequence[Any], biases: Sequence[Any] | None = None, activation: str | Nonlinearity = "relu") -> Mlp:
    """A network from its matrices W_l (outputs, inputs), first layer first, copied into float64.

    Args: weights, two at least, each with as many columns as the one before has rows; biases, a vector or None for each
        layer, none anywhere unless given; activation, the name of one of `NONLINEARITIES` or a Nonlinearity, after
        every layer but the last. Raises: ShapeMismatch when shapes do not chain; BadInput; NotFinite.

    >>> mlp([np.ones((8, 3)), np.ones((1, 8))], activation="tanh").widths
    (8,)
    """
    matrices = [_numbers(w, f"weights[{i}]", 2) for i, w in enumerate(weights)]
    if len(matrices) < 2:
        raise BadInput(f"{len(matrices)} matrix of weights came; a network with a hidden layer has at least two")
    for i, (first, second) in enumerate(itertools.pairwise(matrices)):
        if second.shape[1] != first.shape[0]:
            raise ShapeMismatch(
                f"the layers do not chain: weights[{i}] has shape {first.shape}, that is {first.shape[0]} outputs, and "
                f"weights[{i + 1}] has shape {second.shape}, that is {second.shape[1]} inputs; expected (outputs, "
                "inputs) for each, with outputs of one = inputs of the next"
            )
    given = [None] * len(matrices) if biases is None else list(biases)
    if len(given) != len(matrices):
        raise ShapeMismatch(f"{len(given)} biases came for {len(matrices)} layers; write None where a layer has none")
    vectors = [None if b is None else _numbers(b, f"biases[{i}]", 1) for i, b in enumerate(given)]
    for i, (w, b) in enumerate(zip(matrices, vectors)):
        if b is not None and b.shape != (w.shape[0],):
            raise ShapeMismatch(f"biases[{i}] has shape {b.shape}; expected ({w.shape[0]},), one for each output")
    return Mlp(tuple(matrices), tuple(vectors), nonlinearity(activation))


def permutation(order: Any, width: int) -> np.ndarray:
    """An order of neurons, each number 0 to width - 1 once. Raises: BadInput otherwise."""
    places = np.asarray(order)
    if places.shape != (width,) or places.dtype.kind not in "iu" or not np.array_equal(np.sort(places), range(width)):
        raise BadInput(f"{order!r} is not an order of {width} neurons; expected each number 0 to {width - 1} once")
    return places.astype(np.int64)


def _numbers(values: Any, name: str, dimensions: int) -> np.ndarray:
    array = np.asarray(values)
    if array.ndim != dimensions or 0 in array.shape:
        raise ShapeMismatch(f"{name} has shape {array.shape}; expected {dimensions} dimensions, none of them empty")
    if array.dtype.kind not in "fiu" and not str(array.dtype).startswith(("bfloat", "float")):
        raise BadInput(f"{name} has dtype {array.dtype}; expected real numbers")
    return finite(np.array(array, dtype=np.float64), name)
