"""Curvature of a loss: the Hessian as Gauss-Newton plus residual, measured and forecast."""
