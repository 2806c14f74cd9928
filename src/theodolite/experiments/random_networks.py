"""Networks drawn at random and their tangent kernels, for the cases that compare them with their limits."""

from functools import lru_cache
from typing import Any

import jax
import numpy as np

from theodolite.architectures import LayerNorm, Node, Relu, Serial
from theodolite.experiments.key import Key
from theodolite.finite_width import Network, network
from theodolite.finite_width.tangent_gram import tangent_gram

HURRIED = {"xla_backend_optimization_level": 0}  # compiling costs more than running
NUMBERS = 2**24  # parameters of all networks held at a time


def kernel_rows(net: Node, width: int, point: np.ndarray, points: np.ndarray, draws: int, key: Key) -> np.ndarray:
    """Tangent kernels of one point with many, for independent networks.

    Args: net; width; point (d,) and points (m, d), in the dtype of the computation; draws; key.
    Returns: (draws, m), float64. Cost: for each draw one gradient and one derivative along it.
    """
    return _drawn(network(net, width), point[None], points, draws, key)[:, 0]


def kernel_grams(net: Node, width: int, points: np.ndarray, draws: int, key: Key) -> np.ndarray:
    """Tangent kernels of all points, for independent networks; BatchNorm normalises over all points.

    Args: as `kernel_rows`. Returns: (draws, n, n), float64. Cost: for each draw n gradients and n derivatives.
    """
    return _drawn(network(net, width), points, None, draws, key)


def parameters_drawn(f: Network, input_shape: tuple[int, ...], draws: int, rng: np.random.Generator, dtype: Any) -> Any:
    """Standard normal parameters of `draws` networks, the first axis over draws.

    They come from numpy: a generator of JAX takes longer to compile than all the rest.
    """
    shapes, _ = f.shapes(input_shape)
    return jax.tree.map(
        lambda shape: rng.standard_normal((draws, *shape), dtype=dtype),
        shapes,
        is_leaf=lambda one: isinstance(one, tuple),
    )


def with_layer_norm(net: Serial) -> Serial:
    """LayerNorm after each ReLU.

    >>> from theodolite.architectures import plain
    >>> with_layer_norm(plain(Relu(), depth=2, beta=0.0))
    Dense() >> Relu() >> LayerNorm() >> Dense()
    """
    return Serial(tuple(part for node in net for part in ((node, LayerNorm()) if node == Relu() else (node,))))


def _drawn(f: Network, left: np.ndarray, right: np.ndarray | None, draws: int, key: Key) -> np.ndarray:
    shapes, _ = f.shapes(left.shape[1:])
    sizes = [int(np.prod(shape)) for shape in jax.tree.leaves(shapes, is_leaf=lambda one: isinstance(one, tuple))]
    rng, together, found = key.rng(), max(1, NUMBERS // sum(sizes)), []
    for start in range(0, draws, together):
        params = parameters_drawn(f, left.shape[1:], min(together, draws - start), rng, left.dtype)
        found.append(np.asarray(_compiled(f)(params, left, right), dtype=np.float64))
    return np.concatenate(found)


@lru_cache(maxsize=64)
def _compiled(f: Network) -> Any:
    """The function (params of several networks, left, right) -> their kernels."""

    def grams(params: Any, left: Any, right: Any) -> Any:
        def one(own: Any) -> Any:
            other = left if right is None else right
            return tangent_gram(lambda p: f.apply(p, left)[:, 0], own, lambda p: f.apply(p, other)[:, 0])

        return jax.lax.map(one, params)

    return jax.jit(grams, compiler_options=HURRIED)
