"""Kernels on the sphere: the Mercer spectrum of a kernel of the angle, and whether the kernel is positive definite."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from theodolite.architectures import Node
from theodolite.infinite_width.network_kernels import ntk
from theodolite.kernels import Kernel
from theodolite.kernels.kernel import as_kernel
from theodolite.numerics.checks import finite, positive, positive_integer
from theodolite.numerics.errors import BadInput
from theodolite.numerics.gegenbauer import gegenbauer_values, multiplicity, sphere_dimension, zonal_nodes

SAME = 1e-9  # relative difference up to which values at equal angles count as equal
ROUND_OFF = 64 * np.finfo(np.float64).eps  # of the integral of the absolute value: eigenvalues below count as zero


@dataclass(frozen=True, eq=False)
class MercerSpectrum:
    """Eigenvalues of a kernel of the angle with respect to the uniform probability on a sphere of R^d.

    `eigenvalues` mu_k and `multiplicities` N(d, k), (count,) each, for the degrees k = 0, 1, ...; `trace` is K(x, x),
    the sum of all N(d, k) mu_k; `round_off` (count,): how far each eigenvalue may be off.
    """

    dimension: int
    eigenvalues: np.ndarray
    multiplicities: tuple[int, ...]
    trace: float
    round_off: np.ndarray

    @property
    def shares(self) -> np.ndarray:
        """N(d, k) mu_k / trace: the share of the trace in each degree, (count,)."""
        return np.array([float(n) for n in self.multiplicities]) * self.eigenvalues / self.trace

    @property
    def captured(self) -> float:
        """The share of the trace in all degrees of this spectrum, at most 1."""
        return float(self.shares.sum())


def mercer(kernel: "Node | Kernel", dimension: int, degrees: int = 13, *, radius: float = 1.0) -> MercerSpectrum:
    """The Mercer spectrum of a kernel on the sphere of a given radius in R^d.

    mu_k = E K(x, z) P_k(cos theta), x fixed and z uniform on the sphere, theta their angle, P_k the Gegenbauer
    polynomial. K(x, z) = sum_k mu_k sum_j Y_kj(x) Y_kj(z), with N(d, k) spherical harmonics of degree k.

    Args: kernel, an architecture (its NTK is taken) or a kernel of the angle; dimension d >= 2; degrees, how many, from
        0 on; radius of the sphere, 1 in Jacot et al. (2018) and sqrt(d) in Jacot et al. (2019).
    Returns: a MercerSpectrum; eigenvalues are in the unit of the kernel.
    Raises: BadInput when the kernel is not a function of the angle alone.
    Source: Jacot, Gabriel and Hongler (2018), arXiv:1806.07572, proposition 2, through the theorem of Funk and Hecke.
    Cost: some 3,000 values of the kernel; 30 more for each degree above 64.

    >>> from theodolite.kernels import Polynomial
    >>> spectrum = mercer(Polynomial(2, offset=0.0), dimension=3, degrees=4)  # (x . z / 3)^2
    >>> (9 * spectrum.eigenvalues).round(6) + 0.0, spectrum.multiplicities, round(spectrum.captured, 9)
    (array([0.333333, 0.      , 0.133333, 0.      ]), (1, 3, 5, 7), 1.0)
    """
    d, count = sphere_dimension(dimension), positive_integer(degrees, "degrees")
    found = _kernel(kernel)
    size = positive(radius, "radius")
    angles, weights = zonal_nodes(d, count)
    first, second = np.eye(d)[:2]
    values = finite(_on_circle(found, angles, first, second, size), "the kernel on the sphere")
    trace = float(found.diagonal(size * first[None])[0])
    _check_zonal(found, d, size, trace)
    polynomials = gegenbauer_values(np.cos(angles), d, count)
    return MercerSpectrum(
        d,
        polynomials @ (weights * values),
        tuple(multiplicity(d, k) for k in range(count)),
        trace,
        ROUND_OFF * (np.abs(polynomials) @ (weights * np.abs(values))),
    )


@dataclass(frozen=True)
class Definiteness:
    """Which degrees of spherical harmonics a kernel on the sphere sees.

    `even` and `odd`: the last even and odd degree with a positive eigenvalue, math.inf when they go on until round-off
    hides them, None when there is none. `smallest`: the smallest eigenvalue of the degrees examined that round-off does
    not hide. `words`: the same in a sentence.
    """

    even: float | None
    odd: float | None
    smallest: float
    words: str

    @property
    def positive_definite(self) -> bool:
        """Whether every Gram matrix of different points is positive definite: even and odd degrees go on for ever."""
        return self.even == math.inf and self.odd == math.inf


def definiteness(
    kernel: "Node | Kernel", dimension: int = 3, degrees: int = 40, *, radius: float = 1.0
) -> Definiteness:
    """Whether a kernel on the sphere is positive definite, and what it is blind to when it is not.

    A kernel of the angle is strictly positive definite on a sphere of R^d, d >= 3, when infinitely many even and
    infinitely many odd degrees have positive eigenvalues; on the circle this takes all degrees. Judged from the
    computed eigenvalues: degrees go on when they are positive, or fall geometrically, until round-off hides them. It is
    numerical evidence, not a proof.

    Args, raises and cost as `mercer`.
    Source: Jacot, Gabriel and Hongler (2018), arXiv:1806.07572, proposition 2 (any Lipschitz activation that is not a
        polynomial, bias_std > 0, at least two layers); Schoenberg (1942), Chen, Menegatto and Sun (2003).

    >>> from theodolite.architectures import Relu, plain
    >>> definiteness(plain(Relu(), depth=2, beta=0.1)).positive_definite
    True
    >>> definiteness(plain(Relu(), depth=2, beta=0.0)).words
    'not positive definite: odd degrees end at 1, so odd functions beyond degree 1 are not seen'
    """
    spectrum = mercer(kernel, dimension, degrees, radius=radius)
    sizes = np.where(spectrum.eigenvalues > spectrum.round_off, spectrum.eigenvalues, 0.0)
    even, odd = (_last(sizes[first::2], spectrum.round_off[first::2], first) for first in (0, 1))
    seen = sizes[sizes > 0]
    return Definiteness(even, odd, float(seen.min()) if seen.size else 0.0, _words(even, odd))


def _last(sizes: np.ndarray, round_off: np.ndarray, first: int) -> float | None:
    """The last positive degree of one parity, infinity when the degrees go on as far as can be seen."""
    positive_ones = np.flatnonzero(sizes)
    if not positive_ones.size:
        return None
    last = int(positive_ones[-1])
    if last >= len(sizes) - 2:
        return math.inf
    if last > 0 and sizes[last - 1] > 0:
        steps = sizes[last] / sizes[last - 1]
        if last > 1 and sizes[last - 2] > 0:  # ratios fall on: the next is smaller than the last one by as much again
            steps *= min(1.0, steps * sizes[last - 2] / sizes[last - 1])
        if sizes[last] * steps <= 4 * round_off[last + 1]:
            return math.inf
    return float(2 * last + first)


def _words(even: float | None, odd: float | None) -> str:
    if even == odd == math.inf:
        return "positive definite: even and odd degrees go on as far as round-off lets see"
    if even != math.inf and odd != math.inf:
        top = max((degree for degree in (even, odd) if degree is not None), default=None)
        return f"not positive definite: a polynomial of degree {top:g}" if top is not None else "zero"
    name, last = ("odd", odd) if even == math.inf else ("even", even)
    if last is None:
        return f"not positive definite: it has no {name} degrees, so {name} functions are not seen"
    beyond = f"{name} functions beyond degree {last:g} are not seen"
    return f"not positive definite: {name} degrees end at {last:g}, so {beyond}"


def _kernel(kernel: Any) -> Kernel:
    return ntk(kernel) if isinstance(kernel, Node) else as_kernel(kernel)


def _on_circle(kernel: Kernel, angles: np.ndarray, pole: np.ndarray, side: np.ndarray, radius: float) -> np.ndarray:
    points = np.cos(angles)[:, None] * pole + np.sin(angles)[:, None] * side
    return np.asarray(kernel(radius * points, radius * pole[None]), dtype=np.float64)[:, 0]


def _check_zonal(kernel: Kernel, dimension: int, radius: float, trace: float) -> None:
    """The same angles between other points of the sphere must give the same values."""
    angles = np.array([0.4, 1.3, 2.2, 3.0])
    axes = np.eye(dimension)
    turned = np.linalg.qr(np.random.default_rng(0).normal(size=(dimension, 2)))[0].T
    there = _on_circle(kernel, angles, axes[0], axes[1], radius)
    here = _on_circle(kernel, angles, turned[0], turned[1], radius)
    worst = np.abs(there - here).max()
    if not worst <= SAME * max(abs(trace), np.abs(there).max()):
        raise BadInput(
            f"{kernel!r} is not a function of the angle: pairs of one angle have values that differ by {worst:.3g}; "
            "expected a fully connected network, a kernel of the distance or of the inner product"
        )
