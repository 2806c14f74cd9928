"""Which frequencies each layer of an infinitely wide network can learn: the spectrum of its share of the NTK."""

import math
from dataclasses import dataclass

import numpy as np

from theodolite.architectures import Node, layers_with_weights
from theodolite.infinite_width.frequencies.power_series import is_chain, layer_series
from theodolite.infinite_width.network_kernels import layerwise, ntk
from theodolite.infinite_width.sphere import mercer
from theodolite.numerics.checks import positive, positive_integer
from theodolite.numerics.degree_walk import degree_law
from theodolite.numerics.gegenbauer import multiplicity, sphere_dimension

TRUSTED = 1e-6  # relative error up to which an eigenvalue counts as known


@dataclass(frozen=True, eq=False)
class LayerSpectra:
    """The spectrum of each layer of weights on the sphere of radius sqrt(d square) in R^d; arrays (layers, degrees).

    `eigenvalues` mu_k; `degree_law` N(d, k) mu_k, which sums over all degrees to the layer's `traces` (layers,);
    `share` mu_k over the sum of all layers' mu_k, zero where no layer has any; `relative_error` of each eigenvalue, an
    estimate, 0 for those that vanish by parity; `valid`, whether it is at most 1e-6. `multiplicities` are N(d, k).
    """

    dimension: int
    multiplicities: tuple[int, ...]
    eigenvalues: np.ndarray
    degree_law: np.ndarray
    share: np.ndarray
    relative_error: np.ndarray
    valid: np.ndarray
    traces: np.ndarray

    @property
    def tail(self) -> np.ndarray:
        """The part of each layer's trace in degrees >= k, (layers, degrees): from 1 downwards."""
        parts = self.degree_law / self.traces[:, None]
        return 1.0 - np.cumsum(parts, axis=1) + parts


def layer_spectra(
    net: Node, dimension: int, degrees: int = 13, *, rates: tuple[float, ...] | None = None, square: float = 1.0
) -> LayerSpectra:
    """The Mercer spectrum of each layer's part of the tangent kernel, on the sphere.

    Theta = sum_l rate_l K^(l),   K^(l)(x, z) = sum_k mu_k^(l) sum_j Y_kj(x) Y_kj(z),   |x|^2 = |z|^2 = d square.

    Two routes, each entry from the one with the smaller error estimate: quadrature in the angle (`mercer`), whose
    round-off is fixed and so hides small eigenvalues (all beyond degree 20 in 50 dimensions); and, for Dense layers and
    activations in a row, the kernel's power series pushed through a random walk on degrees, which adds positive numbers
    only and reaches 1e-32, but cuts the series at 4,000 terms, which in few dimensions hurts.

    Args: net, a network whose kernel on the sphere depends on the angle alone, any activation, with or without biases;
        dimension d >= 2; degrees, how many, from 0 on; rates, learning rates, one for each layer of weights in order;
        square, the mean square of an input, |x|^2 / d.
    Returns: a LayerSpectra; eigenvalues in the unit of the kernel. With the output layer last.
    Raises: BadInput when a kernel is not a function of the angle; NoInfiniteWidthLimit.
    Source: Dandi and Jacot (2021), arXiv:2111.03972: the spectra of the layers' contributions; both routes are ours.
    Cost: about .1 s, more with many degrees or an activation without a closed form.

    >>> from theodolite.architectures import Dense, Relu
    >>> spectra = layer_spectra(Dense() >> Relu().standardised() >> Dense(), dimension=10, degrees=5)
    >>> spectra.degree_law.round(6)
    array([[0.03346 , 0.5     , 0.313586, 0.      , 0.052917],
           [0.334602, 0.5     , 0.149327, 0.      , 0.010799]])
    >>> spectra.share[0].round(3)  # the first layer learns high frequencies, the last one the mean
    array([0.091, 0.5  , 0.677, 0.   , 0.831])
    """
    d, count = sphere_dimension(dimension), positive_integer(degrees, "degrees")
    size = positive(square, "square")
    weights = _rates(net, rates)
    law, error, traces = _by_quadrature(net, d, count, size)
    if is_chain(net):
        by_series, its_error = _by_series(net, d, count, size)
        better = its_error < error
        law, error = np.where(better, by_series, law), np.where(better, its_error, error)
    relative = np.divide(error, law, out=np.where(error > 0, np.inf, 0.0), where=law > 0)
    multiplicities = tuple(multiplicity(d, k) for k in range(count))
    law, traces = law * weights[:, None], traces * weights
    eigenvalues = law * np.exp([-math.log(n) for n in multiplicities])
    total = eigenvalues.sum(axis=0)
    share = np.divide(eigenvalues, total, out=np.zeros_like(eigenvalues), where=total > 0)
    return LayerSpectra(d, multiplicities, eigenvalues, law, share, relative, relative <= TRUSTED, traces)


def _rates(net: Node, rates: tuple[float, ...] | None) -> np.ndarray:
    checked = ntk(net, rates=rates).rates
    return np.ones(len(layers_with_weights(net))) if checked is None else np.array(checked)


def _by_quadrature(net: Node, d: int, count: int, square: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Degree laws, their absolute errors, traces."""
    spectra = [mercer(kernel, d, count, radius=math.sqrt(d * square)) for kernel in layerwise(net)]
    sizes = np.array([_as_float(multiplicity(d, k)) for k in range(count)])
    law = np.array([spectrum.eigenvalues for spectrum in spectra]) * sizes
    error = np.array([spectrum.round_off for spectrum in spectra]) * sizes
    return np.maximum(law, 0.0), error, np.array([spectrum.trace for spectrum in spectra])


def _by_series(net: Node, d: int, count: int, square: float) -> tuple[np.ndarray, np.ndarray]:
    """Degree laws, their absolute errors; zero for a parity that the series does not have."""
    series = layer_series(net, square)
    walk = degree_law(series.coefficients, d, count)
    missing = np.maximum(series.traces - series.coefficients.sum(axis=1), 0.0)[:, None]
    error = missing * walk.beyond + 0.1 * series.noise * walk.visits + 1e-14 * walk.law
    for parity in (0, 1):
        own, other = (series.coefficients[:, 2 + (parity + i) % 2 :: 2] for i in (0, 1))
        absent = ~own.any(axis=1) & (other > 0).sum(axis=1).astype(bool)
        first = 2 + parity % 2
        error[np.ix_(absent, np.arange(first, count, 2))] = 0.0
    return walk.law, error


def _as_float(number: int) -> float:
    return float(number) if number.bit_length() < 1000 else math.inf
