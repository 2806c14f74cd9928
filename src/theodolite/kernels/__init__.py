"""Kernels: classical ones, infinitely wide ReLU networks, and the algebra that combines them."""

from theodolite.kernels.dot_product import Linear, Polynomial
from theodolite.kernels.gram import gram, gram_on, grams, shared_pairs
from theodolite.kernels.kernel import Custom, Kernel, Product, Scaled, Sum, as_kernel, from_config
from theodolite.kernels.lengthscales import median_distances
from theodolite.kernels.pairs import Pairs
from theodolite.kernels.relu_network import ReluNNGP, ReluNTK
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
    "ReluNNGP",
    "ReluNTK",
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
