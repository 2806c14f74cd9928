"""A network of finite width: the parameters it draws and the function they make."""

from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp

from theodolite.architectures import Node, Serial, nodes_of
from theodolite.finite_width.rules import Shape, Tree, forward, parameters
from theodolite.finite_width.sizes import Size, sizes_of
from theodolite.numerics.checks import positive_integer
from theodolite.numerics.errors import BadInput, ShapeMismatch


@dataclass(frozen=True)
class Network:
    """A pair of pure functions, `init` and `apply`, made by `network`.

    Attributes: net, the architecture; sizes, one for each of its layers of weights.
    """

    net: Serial
    sizes: tuple[Size, ...]

    def shapes(self, input_shape: Shape) -> tuple[Tree, Shape]:
        """The tree of parameter shapes, and the shape of the output for one input, before anything is drawn.

        >>> from theodolite.architectures import Dense, Relu
        >>> network(Dense() >> Relu() >> Dense(bias_std=0.1), width=8).shapes((3,))
        ({'0_dense': {'weight': (3, 8)}, '2_dense': {'weight': (8, 1), 'bias': (1,)}}, (1,))
        """
        return parameters(self.net, _input_shape(input_shape), iter(self.sizes))

    def init(self, key: jax.Array, input_shape: Shape, dtype: Any = None) -> Tree:
        """Draw all parameters from the standard normal; the forward pass scales them.

        Args: key, of jax.random; input_shape of one input, without the batch axis: (d,), (length, channels) or
            (height, width, channels); dtype, JAX's default float unless given.
        Returns: a dict of named layers, "0_dense": {"weight": ..., "bias": ...}, nested for branches; nodes without
            parameters have no entry, and no bias is drawn where bias_std is zero.
        Raises: BadInput or ShapeMismatch when a node cannot read what the one before it returns.
        Source: Jacot, Gabriel and Hongler (2018), arXiv:1806.07572, section 2.
        Cost: one normal number for each parameter.

        >>> from theodolite.architectures import Dense, Relu
        >>> params = network(Dense() >> Relu() >> Dense(), width=8).init(jax.random.key(0), (3,))
        >>> params["0_dense"]["weight"].shape
        (3, 8)
        """
        shapes, _ = self.shapes(input_shape)
        dtype = _float_dtype(dtype)
        leaves, tree = jax.tree.flatten(shapes, is_leaf=lambda leaf: isinstance(leaf, tuple))
        keys = jax.random.split(key, len(leaves))
        return jax.tree.unflatten(
            tree, [jax.random.normal(own, shape, dtype) for own, shape in zip(keys, leaves, strict=True)]
        )

    def apply(self, params: Tree, X: Any, key: jax.Array | None = None) -> jax.Array:
        """The outputs f(x) of the network for a batch.

        Args: params, as `init` returns them; X (n, *input_shape), read in the dtype of params; key, for Dropout,
            which does nothing without one.
        Returns: (n, outputs), or (n, *positions, outputs) when nothing flattens or pools. Traceable and
            differentiable in params and X. Raises: ShapeMismatch when X does not fit params.
        Cost: one forward pass.

        >>> from theodolite.architectures import Dense
        >>> f = network(Dense(), width=1)
        >>> f.apply({"0_dense": {"weight": jnp.ones((4, 1))}}, jnp.ones((2, 4))).tolist()
        [[2.0], [2.0]]
        """
        X = jnp.asarray(X, jax.tree.leaves(params)[0].dtype)
        if X.ndim < 2:
            raise ShapeMismatch(f"X has shape {X.shape}; expected (n, *input_shape); for one input x pass x[None]")
        return forward(self.net, params, X, key)


def network(net: Node, width: Any, outputs: int = 1) -> Network:
    """Read an architecture at finite width.

    Args: net; width, of every hidden layer of weights, or one number for each of them in order; outputs, the channels
        of the last layer of weights (in a sum of branches, of the last in each). An activation after that layer is
        allowed and acts on the outputs. An attention layer has heads as its docstring says; Conv sees its width as
        channels.
    Returns: a Network. Raises: BadInput for an architecture without weights, ShapeMismatch for a wrong count of widths.
    Source: Jacot, Gabriel and Hongler (2018), arXiv:1806.07572, section 2.

    >>> from theodolite.architectures import Dense, Erf
    >>> network(Dense() >> Erf() >> Dense(), width=8, outputs=3).sizes
    (Size(channels=8, inner=8), Size(channels=3, inner=8))
    """
    if not isinstance(net, Node):
        raise BadInput(f"expected an architecture such as Dense() >> Relu() >> Dense(), got {net!r}; see also parse")
    net = Serial(nodes_of(net))
    return Network(net, sizes_of(net, width, outputs))


def _input_shape(shape: Any) -> Shape:
    if not isinstance(shape, tuple | list) or not shape:
        raise BadInput(f"input_shape must be a tuple such as X.shape[1:], got {shape!r}; for vectors of d numbers (d,)")
    return tuple(positive_integer(size, "each size in input_shape") for size in shape)


def _float_dtype(dtype: Any) -> Any:
    dtype = jnp.dtype(jnp.result_type(float)) if dtype is None else jnp.dtype(dtype)
    if not jnp.issubdtype(dtype, jnp.floating):
        raise BadInput(f"parameters are real numbers, got dtype {dtype}; expected float32 or float64")
    if jax.dtypes.canonicalize_dtype(dtype) != dtype:
        raise BadInput(f"JAX is in 32-bit mode and cannot hold {dtype}; try `with jax.enable_x64(True):`")
    return dtype
