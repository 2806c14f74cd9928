"""Frequencies of stationary kernels: Bochner's theorem as a sampler.

k(x - z) = k(0) E[cos w.(x - z)],     w of the spectral law of the kernel
"""

from collections.abc import Callable
from functools import singledispatch

import numpy as np

from theodolite.kernels import RBF, Kernel, Laplace, LaplaceL1, Matern, Product, RationalQuadratic, Scaled, Sum
from theodolite.numerics.errors import BadInput

Normals = Callable[[int, int], np.ndarray]  # (d, m) -> m columns, each standard normal in d dimensions


@singledispatch
def frequencies(kernel: Kernel, d: int, m: int, rng: np.random.Generator, normals: Normals) -> np.ndarray:
    """m frequencies w as columns (d, m), each of the spectral law of the kernel in d dimensions.

    `normals` draws their directions; it may make columns depend on each other as long as each is standard normal.
    Raises: BadInput for a kernel without a rule.

    RBF: w = sqrt(2 / lengthscale) g with g standard normal. A Matern kernel of smoothness nu divides g by the root of
    an independent chi^2_{2 nu} / (2 nu), which is Student's law; Laplace is nu = 1/2; a rational quadratic is an RBF
    whose inverse lengthscale is Gamma distributed. Products of kernels add independent frequencies, sums choose.
    Source: Rahimi and Recht (2007); Rasmussen and Williams (2006), section 4.2.
    """
    raise BadInput(
        f"no spectral law is known for {kernel!r}; Fourier features serve RBF, Laplace, LaplaceL1, Matern, "
        "RationalQuadratic and their sums, products and multiples: use NystromFeatures for any other kernel"
    )


@frequencies.register
def _(kernel: RBF, d: int, m: int, rng: np.random.Generator, normals: Normals) -> np.ndarray:
    return normals(d, m) * np.sqrt(2.0 / kernel.lengthscale)


@frequencies.register
def _(kernel: Laplace, d: int, m: int, rng: np.random.Generator, normals: Normals) -> np.ndarray:
    return normals(d, m) / (kernel.lengthscale * np.abs(rng.standard_normal(m)))


@frequencies.register
def _(kernel: Matern, d: int, m: int, rng: np.random.Generator, normals: Normals) -> np.ndarray:
    return normals(d, m) / (kernel.lengthscale * np.sqrt(rng.chisquare(2 * kernel.nu, m) / (2 * kernel.nu)))


@frequencies.register
def _(kernel: RationalQuadratic, d: int, m: int, rng: np.random.Generator, normals: Normals) -> np.ndarray:
    return normals(d, m) * np.sqrt(2.0 / kernel.lengthscale * rng.gamma(kernel.alpha, 1.0 / kernel.alpha, m))


@frequencies.register
def _(kernel: LaplaceL1, d: int, m: int, rng: np.random.Generator, normals: Normals) -> np.ndarray:
    return rng.standard_cauchy((d, m)) / kernel.lengthscale  # coordinates are independent: directions have no say


@frequencies.register
def _(kernel: Scaled, d: int, m: int, rng: np.random.Generator, normals: Normals) -> np.ndarray:
    return frequencies(kernel.kernel, d, m, rng, normals)


@frequencies.register
def _(kernel: Product, d: int, m: int, rng: np.random.Generator, normals: Normals) -> np.ndarray:
    return frequencies(kernel.left, d, m, rng, normals) + frequencies(kernel.right, d, m, rng, normals)


@frequencies.register
def _(kernel: Sum, d: int, m: int, rng: np.random.Generator, normals: Normals) -> np.ndarray:
    left, right = amplitude(kernel.left), amplitude(kernel.right)
    chosen = rng.random(m) < left / (left + right)
    return np.where(chosen, frequencies(kernel.left, d, m, rng, normals), frequencies(kernel.right, d, m, rng, normals))


def amplitude(kernel: Kernel) -> float:
    """k(x, x) of a stationary kernel."""
    return float(kernel.diagonal(np.zeros((1, 1)))[0])


def orthogonal_normals(rng: np.random.Generator) -> Normals:
    """Columns in blocks of at most d, orthogonal within a block, each with the length of an independent normal vector.

    Every column is standard normal by itself. Source: Yu et al. (2016), Orthogonal random features.

    >>> block = orthogonal_normals(np.random.default_rng(0))(4, 4)
    >>> inner = block.T @ block
    >>> bool(np.abs(inner - np.diag(np.diag(inner))).max() < 1e-14)
    True
    """

    def draw(d: int, m: int) -> np.ndarray:
        blocks = []
        for _ in range(-(-m // d)):
            q, r = np.linalg.qr(rng.standard_normal((d, d)))
            lengths = np.sqrt(rng.chisquare(d, d))
            blocks.append(q * (np.where(np.diag(r) < 0, -1.0, 1.0) * lengths))
        return np.concatenate(blocks, axis=1)[:, :m]

    return draw


def independent_normals(rng: np.random.Generator) -> Normals:
    """Independent columns."""
    return lambda d, m: rng.standard_normal((d, m))
