"""The evidence of a Gaussian process, for comparison."""

from typing import Any

from theodolite.kernel_regression import resolvent
from theodolite.kernel_regression.kare import measure


def log_marginal_likelihood(gram: Any, targets: Any, ridge: float) -> float:
    """Log density per row and target of y ~ N(0, scale M), M = gram / n + ridge I, at its best scale.

    -(log(y' M^-1 y / (n k)) + log det M / n) / 2, constants dropped.

    Args, raises and cost as `kare`. Source: Rasmussen and Williams (2006), equation 2.30, scale profiled out.

    >>> import numpy as np
    >>> round(log_marginal_likelihood(np.eye(4), [2.0, -2.0, 2.0, -2.0], 0.1), 6)     # -log 2, whatever the ridge
    -0.693147
    """
    return float(resolvent.log_marginal_likelihood(measure(gram, targets, ridge))[0])
