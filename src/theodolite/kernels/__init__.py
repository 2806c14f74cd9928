"""Kernels: classical ones, and the algebra that combines them. Those of networks are in `infinite_width`."""

from theodolite.kernels.dot_product import Linear, Polynomial
from theodolite.kernels.gram import gram, gram_on, grams, shared_pairs
from theodolite.kernels.kernel import Custom, Kernel, Product, Scaled, Sum, as_kernel, from_config
from theodolite.kernels.lengthscales import median_distances
from theodolite.kernels.pairs import Pairs
from theodolite.kernels.stationary import RBF, Laplace, LaplaceL1, Matern, RationalQuadratic

__all__ = [
    "RBF",
    "Custom",
    "Kernel",
    "Laplace",
    "LaplaceL1",
    "Linear",
    "Matern",
    "Pairs",
    "Polynomial",
    "Product",
    "RationalQuadratic",
    "Scaled",
    "Sum",
    "as_kernel",
    "from_config",
    "gram",
    "gram_on",
    "grams",
    "median_distances",
    "shared_pairs",
]
