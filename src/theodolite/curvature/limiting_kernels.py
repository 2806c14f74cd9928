"""The six kernels that say what the Hessian of a wide fully connected network is, at initialisation and in training."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from theodolite.architectures import Node
from theodolite.curvature.fully_connected import Layer, smooth_layers
from theodolite.curvature.gaussian_pairs import Points, pair_moments, point_moments
from theodolite.numerics import memory
from theodolite.numerics.checks import finite
from theodolite.numerics.errors import BadInput, ShapeMismatch

ARRAYS = 20  # of the size of a result, at most, in use at a time


@dataclass(frozen=True, eq=False)
class LimitingKernels:
    """Six kernels on pairs of points x, z, (n, m) each, float64, of one output f of a network of infinite width.

    With g = sum_p d^2 f / d theta_p^2 over all parameters:

        sigma   E[f(x) f(z)]                        theta   <grad f(x), grad f(z)>, the NTK
        upsilon <Hess f(x), Hess f(z)>              phi     E[g(x) f(z)], not symmetric
        xi      E[g(x) g(z)]                        lambda_ <grad g(x), grad f(z)>, not symmetric

    theta, upsilon and lambda_ are limits of random numbers that do not fluctuate; (f, g) is a centred Gaussian pair.
    """

    sigma: np.ndarray
    theta: np.ndarray
    upsilon: np.ndarray
    phi: np.ndarray
    xi: np.ndarray
    lambda_: np.ndarray


@dataclass(frozen=True)
class _Own:
    """What one layer knows of single points: sigma(x, x), theta(x, x), phi(x, x), each (n,)."""

    sigma: np.ndarray
    theta: np.ndarray
    phi: np.ndarray


@dataclass(frozen=True)
class _State:
    """All kernels after one layer; `turned` is phi(z, x) as an (n, m) array."""

    sigma: np.ndarray
    theta: np.ndarray
    upsilon: np.ndarray
    phi: np.ndarray
    turned: np.ndarray
    xi: np.ndarray
    lambda_: np.ndarray


def limiting_kernels(net: Node, X: Any, Z: Any = None, *, memory_limit: int | str | None = None) -> LimitingKernels:
    """The kernels of a fully connected network of infinite width with a smooth activation.

        sigma' = w^2 L00 + b^2        theta' = sigma' + w^2 theta L11
        upsilon' = w^2 (upsilon L11 + 2 theta L11 + theta^2 L22)
        phi' = w^2 (c_x L20 + phi L11),                    c_x = theta(x, x) + phi(x, x)
        lambda' = phi' + w^2 (theta (c_x L31 + phi L22) + lambda L11)
        xi' = w^2 (xi L11 + (c_x c_z + phi(x, z) phi(z, x)) L22 + c_x phi(z, x) L31 + c_z phi(x, z) L13)

    from one layer to the next, w = weight_std and b = bias_std of that layer, Lij = E[sigma^(i)(a) sigma^(j)(a')] over
    the Gaussian outputs of the layer before; at first sigma = theta = w^2 x'z / d + b^2 and the others 0.

    Args: net, `Dense() >> Act() >> ... >> Dense()`; X (n, d) and Z (m, d), Z = X unless given.
    Returns: LimitingKernels, arrays (n, m). The error of an Lij is about 1e-12 of its size at equal points.
    Raises: NoInfiniteWidthLimit for ReLU and other activations that bend; BadInput for other nodes; ShapeMismatch,
        NotFinite; TooLarge; DidNotConverge for points that nearly coincide at variances above 5 to 20.
    Source: Jacot, Gabriel and Hongler (2020), arXiv:1910.02875, whose recursion of upsilon prints the layer of the
        dotted kernels one too low; derived again here for any weight_std and compared with finite networks.
    Cost: about 100 multiplications for each pair, layer and each of 5 expectations at variance 1: half a second a layer
        for 500 points; memory of 20 results.

    >>> from theodolite.architectures import Softplus, plain
    >>> X = np.array([[1.0, 0.5, -0.3], [-0.4, 1.2, 0.8]])
    >>> kernels = limiting_kernels(plain(Softplus(), depth=3, beta=0.3), X)
    >>> kernels.upsilon.round(6).tolist(), kernels.phi.round(6).tolist()
    ([[0.67845, 0.443729], [0.443729, 0.899987]], [[0.194763, 0.20018], [0.248502, 0.250719]])
    """
    layers = smooth_layers(net)
    X = _points(X, "X")
    Z, alone = (X, True) if Z is None else (_points(Z, "Z"), False)
    if X.shape[1] != Z.shape[1]:
        raise ShapeMismatch(f"X has shape {X.shape} and Z {Z.shape}; expected points of one dimension")
    memory.require(
        8 * ARRAYS * len(X) * len(Z),
        memory_limit,
        f"limiting kernels of {len(X)} x {len(Z)} points",
        "take fewer points at a time, as limiting_kernels(net, X[:1000], Z)",
    )
    left = _start(layers[0], (X * X).sum(1) / X.shape[1])
    right = left if alone else _start(layers[0], (Z * Z).sum(1) / Z.shape[1])
    dense = layers[0].dense
    first = dense.weight_std**2 * (X @ Z.T / X.shape[1]) + dense.bias_std**2
    if alone:
        np.fill_diagonal(first, left.sigma)
    zero = np.zeros_like(first)
    state = _State(first, first, zero, zero, zero, zero, zero)
    for layer in layers[1:]:
        state = _next(layer, state, left, right, alone)
        left, right = (_next_own(layer, left), None if alone else _next_own(layer, right))
        right = left if right is None else right
    return LimitingKernels(state.sigma, state.theta, state.upsilon, state.phi, state.xi, state.lambda_)


def _start(layer: Layer, squares: np.ndarray) -> _Own:
    sigma = layer.dense.weight_std**2 * squares + layer.dense.bias_std**2
    return _Own(sigma, sigma, np.zeros_like(sigma))


def _next_own(layer: Layer, own: _Own) -> _Own:
    weight, bias = layer.dense.weight_std**2, layer.dense.bias_std**2
    moments = point_moments(layer.activation, np.sqrt(own.sigma), [(0, 0), (1, 1), (2, 0)])
    sigma = weight * moments[0, 0] + bias
    theta = sigma + weight * own.theta * moments[1, 1]
    return _Own(sigma, theta, weight * ((own.theta + own.phi) * moments[2, 0] + own.phi * moments[1, 1]))


def _next(layer: Layer, state: _State, left: _Own, right: _Own, alone: bool) -> _State:
    weight, bias = layer.dense.weight_std**2, layer.dense.bias_std**2
    roots = np.sqrt(left.sigma), np.sqrt(right.sigma)
    orders = [(0, 0), (1, 1), (2, 2), (2, 0), (3, 1)]
    crossed = [] if alone else [(0, 2), (1, 3)]
    rho = _correlations(state.sigma, *roots)
    if alone:
        np.fill_diagonal(rho, 0.0)  # done below, for equal points need many more terms than others
    of = dict(pair_moments(layer.activation, Points(roots[0], rho, roots[1]), orders + crossed).values)
    if alone:
        own = point_moments(layer.activation, roots[0], orders)
        for order in orders:
            np.fill_diagonal(of[order], own[order])
        of[0, 2], of[1, 3] = of[2, 0].T, of[3, 1].T
    c, c_right = (left.theta + left.phi)[:, None], (right.theta + right.phi)[None, :]
    theta, phi, turned = state.theta, state.phi, state.turned
    sigma = weight * of[0, 0] + bias
    new_phi = weight * (c * of[2, 0] + phi * of[1, 1])
    return _State(
        sigma=sigma,
        theta=sigma + weight * theta * of[1, 1],
        upsilon=weight * ((state.upsilon + 2 * theta) * of[1, 1] + theta**2 * of[2, 2]),
        phi=new_phi,
        turned=new_phi.T if alone else weight * (c_right * of[0, 2] + turned * of[1, 1]),
        xi=weight
        * (
            state.xi * of[1, 1]
            + (c * c_right + phi * turned) * of[2, 2]
            + c * turned * of[3, 1]
            + c_right * phi * of[1, 3]
        ),
        lambda_=new_phi + weight * (theta * (c * of[3, 1] + phi * of[2, 2]) + state.lambda_ * of[1, 1]),
    )


def _correlations(covariance: np.ndarray, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Within [-1, 1]; 0 where a variance is 0."""
    lengths = left[:, None] * right
    return np.clip(np.divide(covariance, lengths, out=np.zeros_like(covariance), where=lengths > 0), -1.0, 1.0)


def _points(X: Any, name: str) -> np.ndarray:
    array = np.asarray(X)
    if array.ndim != 2 or 0 in array.shape:
        raise ShapeMismatch(f"{name} has shape {array.shape}; expected (n, d) points, n and d at least 1")
    if array.dtype.kind not in "fiub":
        raise BadInput(f"{name} has dtype {array.dtype}; expected real numbers")
    return finite(array.astype(np.float64, copy=False), name)
