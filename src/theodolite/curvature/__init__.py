"""Curvature of a loss: the Hessian as Gauss-Newton plus residual, measured and forecast."""

from theodolite.curvature.estimate import Estimate
from theodolite.curvature.forecast import Forecast, forecast
from theodolite.curvature.gram_spectrum import gauss_newton_eigenvalues, gauss_newton_from_gram
from theodolite.curvature.jacobian_gram import jacobian_gram
from theodolite.curvature.laplacian import laplacian, residual_trace
from theodolite.curvature.layer_table import LayerCurvature, layer_table
from theodolite.curvature.limiting_kernels import LimitingKernels, limiting_kernels
from theodolite.curvature.mean_field import MeanFieldMoments, mean_field_moments
from theodolite.curvature.moments import moments
from theodolite.curvature.operators import Operator, gauss_newton, hessian, residual
from theodolite.curvature.orthogonality import orthogonality
from theodolite.curvature.problem import Problem, problem
from theodolite.curvature.report import report
from theodolite.curvature.report_record import CurvatureReport
from theodolite.curvature.spectral_density import SpectralDensity, spectral_density
from theodolite.curvature.top_eigenvalues import TopEigenvalues, largest_stable_learning_rate, top_eigenvalues
from theodolite.curvature.trace import trace

__all__ = [
    "CurvatureReport",
    "Estimate",
    "Forecast",
    "LayerCurvature",
    "LimitingKernels",
    "MeanFieldMoments",
    "Operator",
    "Problem",
    "SpectralDensity",
    "TopEigenvalues",
    "forecast",
    "gauss_newton",
    "gauss_newton_eigenvalues",
    "gauss_newton_from_gram",
    "hessian",
    "jacobian_gram",
    "laplacian",
    "largest_stable_learning_rate",
    "layer_table",
    "limiting_kernels",
    "mean_field_moments",
    "moments",
    "orthogonality",
    "problem",
    "report",
    "residual",
    "residual_trace",
    "spectral_density",
    "top_eigenvalues",
    "trace",
]
