"""Features of an architecture: its finite-width readings are feature maps."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from theodolite.architectures import Dense, Node, Serial, layers_with_weights, nodes_of
from theodolite.kernels import Kernel
from theodolite.numerics import memory
from theodolite.numerics.checks import positive_integer
from theodolite.numerics.errors import BadInput
from theodolite.random_features.keys import generator
from theodolite.random_features.maps import Family, FeatureMap, shape_of

if TYPE_CHECKING:
    from theodolite.finite_width import Network

ROWS = 256  # of one compiled step; shorter blocks are filled up to a power of two, so that few shapes are compiled
AT_ONCE = 32  # networks evaluated side by side
GRADIENT_WIDTH = 64  # of the independent networks of the NTK, unless told


@dataclass(frozen=True)
class NetworkFeatures(Family):
    """Features of the NNGP or of the NTK of an architecture.

    NNGP: the units of the last hidden layer, `weight_std` / sqrt(units) times each, and a constant for its bias. After
        Flatten every channel brings as many units as there are positions, and P must be a multiple of them.
    NTK: the derivatives of P independent networks, each along one random direction v of its parameters,

            f_j(x) = < d net(x; theta_j) / d theta, v_j >,      v_j standard normal

    For one hidden layer E[F F'] is the kernel exactly, at any width; each further layer adds a bias of order 1 / width.

    Args: kernel, `infinite_width.nngp(net)` or `infinite_width.ntk(net)`; width of the hidden layers inside, which
        for the NNGP are those below the last: by default P for the NNGP, and 64 for the NTK.
    Source: Jacot, Gabriel and Hongler (2018), arXiv:1806.07572, sections 2 to 4.

    >>> from theodolite.architectures import Dense, Relu
    >>> from theodolite.infinite_width import ntk
    >>> kernel = ntk(Dense() >> Relu() >> Dense())
    >>> X = np.array([[1.0, 0.0], [0.0, 1.0]])
    >>> F = NetworkFeatures(kernel, width=8).sample(0, 20_000, 2).transform(X)
    >>> bool(np.abs(F @ F.T - kernel(X)).max() < 0.03)
    True
    """

    kernel: Kernel
    width: int | None = None

    def __post_init__(self) -> None:
        from theodolite.infinite_width import NNGP, NTK

        if not isinstance(self.kernel, NNGP | NTK):
            raise BadInput(f"expected nngp(net) or ntk(net) of an architecture, got {self.kernel!r}")
        if isinstance(self.kernel, NTK) and self.kernel.rates is not None:
            raise BadInput("NTK features have one learning rate for all layers; use NystromFeatures for others")
        if isinstance(self.kernel, NNGP):
            _last_dense(self.kernel.net)  # refuses a network without units that could be features
        if self.width is not None:
            object.__setattr__(self, "width", positive_integer(self.width, "width"))

    def limit_kernel(self, input_dim: Any = None) -> Kernel:
        """The kernel of the infinitely wide network."""
        return self.kernel

    def sample(self, key: Any, features: int, input_dim: Any) -> "UnitsMap | GradientMap":
        """Draw the networks. Args as `Family.sample`; input_dim may be the shape of an image.

        Raises: BadInput when P units cannot be had, or TooLarge. Memory: 16 P N bytes for the NTK, N parameters of one
        network of the given width.
        """
        from theodolite.infinite_width import NTK

        rng, count, shape = generator(key), positive_integer(features, "features"), shape_of(input_dim)
        net = self.kernel.net  # type: ignore[attr-defined]
        if isinstance(self.kernel, NTK):
            width = self.width or GRADIENT_WIDTH
            size = _size(_gradient_network(net, width), shape)
            memory.require(
                16 * size * count, None, f"{count} networks of {size} parameters", "use fewer features or a lower width"
            )
            drawn, directions = rng.standard_normal((count, size)), rng.standard_normal((count, size))
            return GradientMap(count, shape, self.kernel, width, drawn, directions)
        width, channels = self.width or count, _channels(net, shape, count)
        size = _size(_units_network(net, width, channels), shape)
        return UnitsMap(count, shape, self.kernel, width, channels, rng.standard_normal(size))


@dataclass(frozen=True, eq=False)
class UnitsMap(FeatureMap):
    """The last hidden units of one network, scaled. Attributes: kernel; width; channels of the last hidden layer;
    parameters, all weights of the network in one vector. Cost of `transform`: one forward pass."""

    kernel: Kernel
    width: int
    channels: int
    parameters: np.ndarray

    def transform(self, X: Any) -> np.ndarray:
        net = self.kernel.net  # type: ignore[attr-defined]
        last, network = _last_dense(net), _units_network(net, self.width, self.channels)
        units = _in_blocks(_compiled_units(network, self.input_shape), self.points(X), self.parameters)
        F = np.empty((len(units), self.features))
        F[:, : units.shape[1]] = units * (last.weight_std / np.sqrt(units.shape[1]))
        F[:, units.shape[1] :] = last.bias_std
        return F


@dataclass(frozen=True, eq=False)
class GradientMap(FeatureMap):
    """Directional derivatives of independent networks. Attributes: kernel; width; parameters (P, N); directions (P, N).
    Cost of `transform`: a forward pass and its derivative of P small networks."""

    kernel: Kernel
    width: int
    parameters: np.ndarray
    directions: np.ndarray

    def transform(self, X: Any) -> np.ndarray:
        network = _gradient_network(self.kernel.net, self.width)  # type: ignore[attr-defined]
        compiled = _compiled_gradients(network, self.input_shape)
        return _in_blocks(compiled, self.points(X), self.parameters, self.directions) / np.sqrt(self.features)


def _last_dense(net: Node) -> Dense:
    last = nodes_of(net)[-1]
    if not isinstance(last, Dense) or len(layers_with_weights(net)) < 2:
        raise BadInput(
            f"{net!r} has no hidden layer followed by a Dense one at its end, so its NNGP has no units as features; "
            "use NystromFeatures"
        )
    return last


def _gradient_network(net: Node, width: int) -> "Network":
    from theodolite.finite_width import network

    return network(net, width)


def _units_network(net: Node, width: int, channels: int) -> "Network":
    from theodolite.finite_width import network

    return network(Serial(nodes_of(net)[:-1]), width, outputs=channels)


def _channels(net: Node, shape: tuple[int, ...], features: int) -> int:
    """Channels of the last hidden layer that make `features` features, the constant included."""
    constant = int(_last_dense(net).bias_std > 0)
    _, output = _units_network(net, 1, 1).shapes(shape)
    if len(output) != 1:
        raise BadInput(f"{net!r} returns one output at each of {output[:-1]} positions; flatten or pool before Dense")
    positions = output[0]
    channels = (features - constant) // positions
    if channels < 1 or channels * positions + constant != features:
        best = max(channels, 1) * positions + constant
        raise BadInput(
            f"the units of {net!r} come in steps of {positions}{' and a constant' * constant}; {features} features "
            f"are not among them, {best} are"
        )
    return channels


def _size(network: "Network", shape: tuple[int, ...]) -> int:
    import jax

    shapes, _ = network.shapes(shape)
    return sum(int(np.prod(leaf)) for leaf in jax.tree.leaves(shapes, is_leaf=lambda leaf: isinstance(leaf, tuple)))


def _tree(network: "Network", shape: tuple[int, ...]) -> Callable[[Any], Any]:
    """From all parameters in one vector to the tree that `network.apply` reads."""
    import jax

    shapes, _ = network.shapes(shape)
    leaves, structure = jax.tree.flatten(shapes, is_leaf=lambda leaf: isinstance(leaf, tuple))
    ends = np.cumsum([0, *(int(np.prod(leaf)) for leaf in leaves)]).tolist()

    def tree(vector: Any) -> Any:
        parts = [vector[a:b].reshape(leaf) for a, b, leaf in zip(ends[:-1], ends[1:], leaves, strict=True)]
        return jax.tree.unflatten(structure, parts)

    return tree


@lru_cache(maxsize=16)
def _compiled_units(network: "Network", shape: tuple[int, ...]) -> Callable[..., Any]:
    import jax

    tree = _tree(network, shape)
    return jax.jit(lambda X, parameters: network.apply(tree(parameters), X))


@lru_cache(maxsize=16)
def _compiled_gradients(network: "Network", shape: tuple[int, ...]) -> Callable[..., Any]:
    import jax

    tree = _tree(network, shape)

    def features(X: Any, parameters: Any, directions: Any) -> Any:
        def one(pair: Any) -> Any:
            return jax.jvp(lambda vector: network.apply(tree(vector), X).reshape(X.shape[0]), pair[:1], pair[1:])[1]

        return jax.lax.map(one, (parameters, directions), batch_size=AT_ONCE).T

    return jax.jit(features)


def _in_blocks(compiled: Callable[..., Any], X: np.ndarray, *arguments: np.ndarray) -> np.ndarray:
    """compiled(block, ...) for blocks of rows, in float64, one under the other."""
    import jax

    with jax.enable_x64(True):
        given = [jax.numpy.asarray(argument) for argument in arguments]
        parts = []
        for start in range(0, max(len(X), 1), ROWS):
            block = X[start : start + ROWS]
            filled = np.zeros((1 << (len(block) - 1).bit_length(), *X.shape[1:]))
            filled[: len(block)] = block
            parts.append(np.asarray(compiled(jax.numpy.asarray(filled), *given))[: len(block)])
    return np.concatenate(parts)
