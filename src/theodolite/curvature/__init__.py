"""Curvature of a loss: the Hessian as Gauss-Newton plus residual, measured and forecast."""

from theodolite.curvature.estimate import Estimate
from theodolite.curvature.jacobian_gram import jacobian_gram
from theodolite.curvature.moments import moments
from theodolite.curvature.operators import Operator, gauss_newton, hessian, residual
from theodolite.curvature.orthogonality import orthogonality
from theodolite.curvature.problem import Problem, problem
from theodolite.curvature.spectral_density import SpectralDensity, spectral_density
from theodolite.curvature.top_eigenvalues import TopEigenvalues, largest_stable_learning_rate, top_eigenvalues
from theodolite.curvature.trace import trace

__all__ = [
    "Estimate",
    "Operator",
    "Problem",
    "SpectralDensity",
    "TopEigenvalues",
    "gauss_newton",
    "hessian",
    "jacobian_gram",
    "largest_stable_learning_rate",
    "moments",
    "orthogonality",
    "problem",
    "residual",
    "spectral_density",
    "top_eigenvalues",
    "trace",
]
