"""The RBF kernel on Gaussian inputs: every eigenvalue and every eigenfunction in closed form."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.special import betainc, comb

from theodolite.numerics.checks import positive
from theodolite.numerics.errors import BadInput, ShapeMismatch


class RbfGaussianSpectrum(NamedTuple):
    """Distinct eigenvalues (degree + 1,), their multiplicities (degree + 1,), and the sum over all higher degrees."""

    eigenvalues: np.ndarray
    multiplicities: np.ndarray
    tail: float


class _Constants(NamedTuple):
    a: float
    c: float
    ratio: float  # B: each degree is smaller by this factor
    first: float  # sqrt(2a / A) = 1 - B


def rbf_gaussian_spectrum(lengthscale: float, sigma: float, dimension: int, degree: int) -> RbfGaussianSpectrum:
    """Eigenvalues of exp(-|x - z|^2 / lengthscale) under x ~ N(0, sigma^2 I), by total degree m = 0 .. degree.

    d_m = (2a / A)^(D/2) B^m,  multiplicity C(m + D - 1, D - 1),
    a = 1 / (4 sigma^2),  b = 1 / lengthscale,  c = sqrt(a^2 + 2ab),  A = a + b + c,  B = b / A

    The trace is 1; the tail is a negative-binomial survival function.

    Args: lengthscale > 0, in squared units of the input (the convention of `kernels.RBF`); sigma > 0, the standard
        deviation of each coordinate; dimension D >= 1; degree >= 0.
    Returns: eigenvalues (degree + 1,), falling; multiplicities (degree + 1,), exact integers kept as float64; tail.
    Raises: BadInput.
    Source: Rasmussen and Williams (2006), section 4.3.1, with their 2 l^2 written as lengthscale.
    Cost: O(degree).

    >>> spectrum = rbf_gaussian_spectrum(lengthscale=2.0, sigma=1.0, dimension=1, degree=2)
    >>> [f"{value:.10f}" for value in spectrum.eigenvalues]      # powers of the golden ratio
    ['0.6180339887', '0.2360679775', '0.0901699437']
    """
    k = _constants(lengthscale, sigma)
    if dimension < 1 or degree < 0:
        raise BadInput(f"expected dimension >= 1 and degree >= 0, got dimension {dimension} and degree {degree}")
    m = np.arange(degree + 1)
    eigenvalues = k.first**dimension * k.ratio**m
    tail = float(betainc(degree + 1, dimension, k.ratio))
    return RbfGaussianSpectrum(eigenvalues, comb(m + dimension - 1, dimension - 1), tail)


def rbf_gaussian_eigenfunctions(X: np.ndarray, lengthscale: float, sigma: float, degree: int) -> np.ndarray:
    """One-dimensional eigenfunctions of degree 0 .. degree, orthonormal under N(0, sigma^2).

    phi_n(x) = (c / a)^(1/4) exp(-(c - a) x^2) H_n(sqrt(2c) x),   H normalised Hermite polynomials

    Args: X, points of any shape; lengthscale, sigma as in `rbf_gaussian_spectrum`; degree >= 0.
    Returns: values, shape X.shape + (degree + 1,).
    Raises: BadInput.
    Cost: O(size of X * degree). Products over coordinates are the eigenfunctions in higher dimension.

    >>> rbf_gaussian_eigenfunctions(np.zeros(3), 2.0, 1.0, degree=4).shape
    (3, 5)
    """
    k = _constants(lengthscale, sigma)
    if degree < 0:
        raise BadInput(f"degree must be >= 0, got {degree}")
    x = np.asarray(X, dtype=np.float64)
    t = np.sqrt(2 * k.c) * x
    values = np.empty((*x.shape, degree + 1))
    values[..., 0] = (k.c / k.a) ** 0.25 * np.exp(-(k.c - k.a) * x**2)
    if degree >= 1:
        values[..., 1] = np.sqrt(2) * t * values[..., 0]
    for n in range(1, degree):
        values[..., n + 1] = np.sqrt(2 / (n + 1)) * t * values[..., n] - np.sqrt(n / (n + 1)) * values[..., n - 1]
    return values


def rbf_gaussian_mode(X: np.ndarray, degrees: Sequence[int], lengthscale: float, sigma: float) -> np.ndarray:
    """The eigenfunction prod_i phi_{degrees[i]}(x_i) at X (n, D); its eigenvalue is that of degree sum(degrees).

    Args: X (n, D); degrees, D integers >= 0; lengthscale, sigma as in `rbf_gaussian_spectrum`.
    Returns: values (n,).
    Raises: ShapeMismatch, BadInput.

    >>> rbf_gaussian_mode(np.zeros((4, 3)), (2, 1, 0), lengthscale=6.0, sigma=1.0).shape
    (4,)
    """
    x = np.asarray(X, dtype=np.float64)
    if x.ndim != 2 or x.shape[1] != len(degrees):
        raise ShapeMismatch(f"X has shape {x.shape}; expected (n, {len(degrees)}), one column per degree")
    table = [rbf_gaussian_eigenfunctions(x[:, i], lengthscale, sigma, m)[:, m] for i, m in enumerate(degrees)]
    return np.prod(table, axis=0)


def _constants(lengthscale: float, sigma: float) -> _Constants:
    a = 1 / (4 * positive(sigma, "sigma") ** 2)
    b = 1 / positive(lengthscale, "lengthscale")
    c = np.sqrt(a * a + 2 * a * b)
    total = a + b + c
    return _Constants(a, float(c), float(b / total), float(np.sqrt(2 * a / total)))
