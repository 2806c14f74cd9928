"""Curvature of a loss: the Hessian as Gauss-Newton plus residual, measured and forecast."""

from theodolite.curvature.estimate import Estimate
from theodolite.curvature.jacobian_gram import jacobian_gram
from theodolite.curvature.operators import Operator, gauss_newton, hessian, residual
from theodolite.curvature.problem import Problem, problem

__all__ = [
    "Estimate",
    "Operator",
    "Problem",
    "gauss_newton",
    "hessian",
    "jacobian_gram",
    "problem",
    "residual",
]
