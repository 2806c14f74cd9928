"""Functions on a grid that repeat after a stride: projections, and the exact spectrum on a torus."""

from collections.abc import Sequence

import numpy as np

from theodolite.architectures import Activation, ConvTranspose, Node, nodes_of
from theodolite.infinite_width.duals import dual
from theodolite.numerics.errors import BadInput


def periodic_part(images: np.ndarray, period: Sequence[int]) -> np.ndarray:
    """The orthogonal projection of images (..., *positions) on functions of the given period along each axis.

    Args: period, one number for each axis, dividing its size; (1, 1) keeps the mean alone.

    >>> periodic_part(np.array([1.0, 5.0, 3.0, 7.0]), (2,))
    array([2., 6., 2., 6.])
    """
    axes = len(period)
    for axis, p in enumerate(period, start=images.ndim - axes):
        size = images.shape[axis]
        if size % p:
            raise BadInput(f"a period of {p} does not divide the {size} positions of axis {axis}")
        split = images.reshape(*images.shape[:axis], size // p, p, *images.shape[axis + 1 :])
        images = np.broadcast_to(split.mean(axis=axis, keepdims=True), split.shape).reshape(images.shape)
    return images


def checkerboard_part(images: np.ndarray, period: Sequence[int]) -> np.ndarray:
    """The periodic part without the mean over all positions: a checkerboard.

    >>> checkerboard_part(np.array([1.0, 5.0, 3.0, 7.0]), (2,))
    array([-2.,  2., -2.,  2.])
    """
    return periodic_part(images, period) - periodic_part(images, (1,) * len(period))


def valuation(difference: Sequence[int], strides: Sequence[Sequence[int]]) -> int:
    """How many of the last layers two positions have in common: the largest v such that the product of the last v
    strides divides their difference along every axis.

    >>> valuation((4, 8), [(2, 2), (2, 2), (2, 2)]), valuation((0, 0), [(2, 2)] * 3)
    (2, 3)
    """
    product = [1] * len(difference)
    for layers, stride in enumerate(reversed(list(strides))):
        product = [p * s for p, s in zip(product, stride, strict=True)]
        if any(d % p for d, p in zip(difference, product, strict=True)):
            return layers
    return len(strides)


def valuation_kernels(net: Node) -> tuple[np.ndarray, np.ndarray]:
    """NNGP and NTK of two positions of one image on a torus, by their valuation v = 0, ..., L - 1, and at v = L.

    Positions of valuation v < L share weights in the last v layers alone: Sigma = Theta = bias_std^2 before these, then
    the recursion of a fully connected network.

    Args: net, deconvolutions with circular borders and activations in a row, inputs of mean square 1.
    Returns: (L + 1,) each; the last is one position with itself.
    Source: Jacot, Gabriel, Ged and Hongler (2019), arXiv:1907.05715, theorem on checkerboard patterns.

    >>> from theodolite.architectures import Relu
    >>> layer = ConvTranspose(4, 2, "CIRCULAR", weight_std=0.75**0.5, bias_std=0.5)
    >>> net = layer >> Relu().standardised() >> layer >> Relu().standardised() >> layer
    >>> (valuation_kernels(net)[1] / valuation_kernels(net)[1][-1]).round(4)
    array([0.1081, 0.3022, 0.4844, 1.    ])
    """
    nodes = [node for node in nodes_of(net) if isinstance(node, ConvTranspose | Activation)]
    starts = [place for place, node in enumerate(nodes) if isinstance(node, ConvTranspose)]
    variances = _variances(nodes)
    nngp, ntk = [], []
    for start in (*reversed(starts), None):
        sigma, theta, q = 0.0, 0.0, 1.0
        if start is None:
            sigma, begin = 1.0, 0
        else:
            layer = nodes[start]
            sigma = theta = layer.bias_std**2  # type: ignore[union-attr]
            begin, q = start + 1, variances[start]
        for place in range(begin, len(nodes)):
            node = nodes[place]
            if isinstance(node, ConvTranspose):
                weight = node.weight_std**2
                sigma, q = weight * sigma + node.bias_std**2, weight * q + node.bias_std**2
                theta = weight * theta + sigma
            else:
                rule = dual(node)
                if start is None:
                    sigma, theta = float(rule.square(q)), float(rule.slope_square(q)) * theta
                else:
                    value, slope = rule.both(q, sigma, q)
                    sigma, theta = float(value), float(slope) * theta
                q = float(rule.square(q))
        nngp.append(sigma)
        ntk.append(theta)
    return np.array(nngp), np.array(ntk)


def torus_eigenvalues(kernels: np.ndarray, strides: Sequence[int], positions: int) -> tuple[np.ndarray, np.ndarray]:
    """Eigenvalues of a kernel of the valuation on a torus with a single root, and their multiplicities.

    lambda_j = sum_(i >= j) (k_i - k_(i-1)) |I| / S_i belongs to functions of exact period j layers: constants for
    j = 0, then the checkerboards of the last stride, and so on.

    Args: kernels k_v (L + 1,), as `valuation_kernels` gives them; strides, the product over axes of each layer's, in
        the order of layers; positions |I|, their product.
    Returns: (L + 1,) eigenvalues and (L + 1,) multiplicities, which sum to |I|.
    Source: Jacot et al. (2019), arXiv:1907.05715; form derived here.

    >>> torus_eigenvalues(np.array([0.0, 0.5, 1.0]), [2, 2], 4)
    (array([1.5, 1.5, 0.5]), array([1, 1, 2]))
    """
    shared = np.cumprod([1, *reversed(list(strides))])  # S_i
    if shared[-1] != positions:
        raise BadInput(f"strides {list(strides)} make {shared[-1]} positions of one root, got {positions}")
    steps = np.diff(kernels, prepend=0.0) * positions / shared
    return np.cumsum(steps[::-1])[::-1], np.diff(shared, prepend=0)


def _variances(nodes: Sequence[Node]) -> list[float]:
    """The variance after each node, for inputs of mean square 1."""
    q, found = 1.0, []
    for node in nodes:
        q = (
            node.weight_std**2 * q + node.bias_std**2
            if isinstance(node, ConvTranspose)
            else float(dual(node).square(q))
        )  # type: ignore[arg-type]
        found.append(q)
    return found
