"""Generators whose spectrum, coefficients and noise are known exactly: rulers for the estimators."""

from typing import NamedTuple

import numpy as np
from scipy.special import zeta

from theodolite.numerics.errors import BadInput, ShapeMismatch

FRIEDMAN_COLUMNS = 10
CALIFORNIA_COLUMNS = ("income", "age", "rooms", "occupancy", "log population", "latitude", "longitude")
_CENTRES = np.array([(34.0, -118.0), (37.7, -122.3), (36.5, -119.8), (38.5, -121.5), (33.0, -117.0)])
_CENTRE_SHARES = (0.4, 0.25, 0.12, 0.1, 0.13)
_COAST_LONGITUDES = np.array([-118.5, -122.5, -117.3])


class Observations(NamedTuple):
    """One draw of the Gaussian-observation model: gram (n, n), targets (n,), features (n, modes)."""

    gram: np.ndarray
    targets: np.ndarray
    features: np.ndarray


class Spectrum(NamedTuple):
    """Eigenvalues (modes,) of a kernel's integral operator, and the summed eigenvalues of all modes left out."""

    eigenvalues: np.ndarray
    tail: float


def gaussian_observations(
    eigenvalues: np.ndarray, coefficients: np.ndarray, noise: float, n: int, rng: np.random.Generator
) -> Observations:
    """Draw n observations in eigen-coordinates: features O_ik ~ N(0, 1).

    gram = O diag(d) O^T,   targets = O c + noise * e,   e ~ N(0, 1)

    Args: eigenvalues d >= 0 and coefficients c of the true function, both (modes,); noise >= 0, a standard
        deviation; n >= 1 rows; rng, which draws the features first, the noise after them.
    Returns: gram (n, n), targets (n,), features (n, modes).
    Raises: ShapeMismatch, BadInput.
    Source: Jacot et al. (2020), arXiv:2006.09796, the Gaussian case of its universality assumption.
    Cost: O(n^2 modes).

    >>> spectrum = power_law(2.0, modes=50)
    >>> draw = gaussian_observations(spectrum.eigenvalues, 1 / np.arange(1, 51), 0.1, 20, np.random.default_rng(0))
    >>> draw.gram.shape, draw.targets.shape, draw.features.shape
    ((20, 20), (20,), (20, 50))
    """
    d = np.asarray(eigenvalues, dtype=np.float64)
    c = np.asarray(coefficients, dtype=np.float64)
    if d.ndim != 1 or d.shape != c.shape:
        raise ShapeMismatch(
            f"eigenvalues have shape {d.shape}, coefficients {c.shape}; expected two vectors of equal length"
        )
    if not (np.isfinite(d).all() and (d >= 0).all()):
        raise BadInput(f"eigenvalues must be finite and >= 0, the smallest is {d.min()}")
    if not noise >= 0:
        raise BadInput(f"noise is a standard deviation and must be >= 0, got {noise}")
    features = rng.standard_normal((_rows(n), len(d)))
    scaled = features * np.sqrt(d)
    return Observations(scaled @ scaled.T, features @ c + noise * rng.standard_normal(n), features)


def power_law(exponent: float, modes: int) -> Spectrum:
    """The spectrum d_k = k^-exponent, k = 1 .. modes, with the exact sum of all later modes.

    tail = sum_{k > modes} k^-exponent = zeta(exponent, modes + 1)

    Args: exponent > 1 (else the trace is infinite); modes >= 1.
    Returns: eigenvalues (modes,) and the tail.
    Raises: BadInput.
    Cost: O(modes).

    >>> spectrum = power_law(2.0, modes=1000)
    >>> bool(abs(spectrum.eigenvalues.sum() + spectrum.tail - np.pi**2 / 6) < 1e-14)
    True
    """
    if not (np.isfinite(exponent) and exponent > 1):
        raise BadInput(f"exponent must be greater than 1 for the trace to be finite, got {exponent}")
    if modes < 1:
        raise BadInput(f"modes must be at least 1, got {modes}")
    return Spectrum(np.arange(1, modes + 1, dtype=np.float64) ** -exponent, float(zeta(exponent, modes + 1)))


def friedman1(
    n: int, noise: float, rng: np.random.Generator, *, columns: int = FRIEDMAN_COLUMNS
) -> tuple[np.ndarray, np.ndarray]:
    """Friedman's first regression problem; columns after the fifth carry nothing.

    y = 10 sin(pi x1 x2) + 20 (x3 - 1/2)^2 + 10 x4 + 5 x5 + noise * e,   x uniform on [0, 1]

    Args: n rows; noise >= 0, a standard deviation; rng (inputs first, then noise); columns >= 5.
    Returns: inputs (n, columns), targets (n,).
    Raises: BadInput.
    Source: Friedman (1991), Annals of Statistics 19, equation 61.

    >>> inputs, targets = friedman1(100, 1.0, np.random.default_rng(0))
    >>> inputs.shape, targets.shape
    ((100, 10), (100,))
    """
    if columns < 5:
        raise BadInput(f"friedman1 needs at least 5 columns, got {columns}")
    x = rng.uniform(size=(_rows(n), columns))
    return x, friedman1_surface(x) + noise * rng.standard_normal(n)


def friedman1_surface(X: np.ndarray) -> np.ndarray:
    """The noise-free targets (n,) of `friedman1` at X (n, >= 5).

    Source: Friedman (1991), Annals of Statistics 19, equation 61.

    >>> friedman1_surface(np.full((1, 5), 0.5)).round(6)
    array([14.571068])
    """
    x = np.asarray(X)
    return 10 * np.sin(np.pi * x[:, 0] * x[:, 1]) + 20 * (x[:, 2] - 0.5) ** 2 + 10 * x[:, 3] + 5 * x[:, 4]


def california_like(n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """A table with the habits of census data: heavy-tailed income, clustered places, uneven noise.

    Args: n rows; rng (the order of the draws is part of the definition).
    Returns: inputs (n, 7), columns `CALIFORNIA_COLUMNS`, and targets (n,); all standardised on these n rows.
    Source: our own recipe, in the manner of Pace and Barry (1997), California housing.

    >>> inputs, targets = california_like(200, np.random.default_rng(0))
    >>> inputs.shape, bool(abs(targets.std() - 1) < 1e-12)
    ((200, 7), True)
    """
    centre = _CENTRES[rng.choice(len(_CENTRES), size=_rows(n), p=_CENTRE_SHARES)]
    latitude, longitude = (centre + rng.normal(0, 0.4, size=(n, 2)) * rng.gamma(1.5, 0.7, size=(n, 1))).T
    income = rng.lognormal(1.2, 0.45, size=n)
    age = np.clip(rng.gamma(5, 6, size=n), 1, 52)
    rooms = 4 + 0.5 * income + rng.normal(size=n)
    occupancy = rng.lognormal(1.05, 0.25, size=n)
    population = rng.lognormal(7, 0.7, size=n)
    coast = np.abs(longitude[:, None] - _COAST_LONGITUDES).min(axis=1)
    price = (
        0.42 * income
        - 0.02 * income**2 * (income > 6)
        + 1.2 * np.exp(-coast / 0.6)
        - 0.25 * np.log(occupancy)
        + 0.006 * age
        + 0.05 * np.sin(3 * latitude)
        + rng.normal(size=n) * (0.15 + 0.1 * income / 4)
    )
    price = np.minimum(price, 4.5)  # seldom reached
    inputs = np.column_stack([income, age, rooms, occupancy, np.log(population), latitude, longitude])
    return (inputs - inputs.mean(axis=0)) / inputs.std(axis=0), (price - price.mean()) / price.std()


def _rows(n: int) -> int:
    if n < 1:
        raise BadInput(f"n must be at least 1, got {n}")
    return int(n)
